"""Build ``data/law``: US import law of 2024 to 2026 as tables.

    python -m tradewedge.data.build.law SHARED_DIR [OUTPUT_DIR]

Facts set by hand are in ``data/law/by_hand``; the rest is read from the shared files.
"""

import argparse
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.data.build import law_lines, law_scopes
from tradewedge.errors import DataError

HERE: Final = Path(__file__).resolve().parent.parent / "law"
RECIPROCAL: Final = "IEEPA reciprocal"
#: Deals that turned a rate into an all-in floor, from their first day.
FLOORS: Final = {"JPN": "2025-08-07", "KOR": "2025-11-14", "CHE": "2025-11-14", "LIE": "2025-11-14"}
INDIA_LOWERED: Final = "2026-02-07"
_NAMES: Final = {
    "BOLIVIA": "BOL", "BRUNEI": "BRN", "CÔTE D`IVOIRE": "CIV", "FALKLAND ISLANDS": "FLK",
    "DEMOCRATIC REPUBLIC OF THE CONGO": "COD", "LAOS": "LAO", "MOLDOVA": "MDA",
    "MYANMAR (BURMA)": "MMR", "NORTH MACEDONIA": "MKD", "SOUTH KOREA": "KOR", "SYRIA": "SYR",
    "TAIWAN": "TWN", "TURKEY": "TUR", "VENEZUELA": "VEN", "VIETNAM": "VNM", "BRUNEI DARUSSALAM":
    "BRN",
}  # fmt: skip


def reciprocal_rates(shared: Path) -> pl.DataFrame:
    """Country rates of the reciprocal tariff: one day in April 2025, then from 7 August 2025."""
    folder = shared / "data/us_tariffs"
    census = dict(codes.crosswalk("census").select("code", "iso3").iter_rows())
    rows: list[dict[str, str]] = []

    def add(origin: str, rate: float, kind: str, start: str, end: str, source: str) -> None:
        rows.append(
            {
                "authority": RECIPROCAL, "programme": RECIPROCAL, "scope": "all",
                "origin": origin, "rate": f"{rate:g}", "kind": kind, "base": "full",
                "usmca_relief": "0", "start": start, "end": end,
                "status": "void" if end == "2026-02-23" else "superseded",
                "source": source, "confidence": "D", "note": "",
            }
        )  # fmt: skip

    april = law_scopes.read(folder, "tw_reciprocal-tariffs-annex-I.csv")
    for rate, code in april.select("tariff_rate", "CTY_CODE").iter_rows():
        origin = {"0003": "EU27", "79f": "ZAF"}.get(code) or census[code]
        if origin not in ("CHN", "CAN", "MEX"):  # by hand: China; outside the order: the others
            add(origin, float(rate) / 100, "add", "2025-04-09", "2025-04-09", "tw Annex I")
    for name, rate in law_scopes.read(folder, "tw_clean-august-7-tariffs.csv").rows():
        origin, value = _iso3(name), float(rate) / 100
        starts, kind = "2025-08-07", "add"
        if (floor := FLOORS.get(origin)) is not None:
            if floor != starts:
                add(origin, value, kind, starts, _day_before(floor), "tw August 2025")
            add(origin, 0.15, "floor", floor, "2026-02-23", "tracker")
        elif origin == "IND":
            add(origin, value, kind, starts, _day_before(INDIA_LOWERED), "tw August 2025")
            add(origin, 0.18, kind, INDIA_LOWERED, "2026-02-23", "tw")
        else:
            add(origin, value, kind, starts, "2026-02-23", "tw August 2025")
    return pl.DataFrame(rows)


def _day_before(day: str) -> str:
    return str(pl.Series([day]).str.to_date().dt.offset_by("-1d")[0])


def _iso3(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    table = codes.countries()
    found = table.filter(pl.col("name").str.to_uppercase() == name)["iso3"]
    if found.len() != 1:
        raise DataError(f"tw_clean-august-7-tariffs.csv: unknown country {name!r}")
    return str(found[0])


def rates_before_review(
    scopes: pl.DataFrame, bought: pl.DataFrame, lines: pl.DataFrame
) -> dict[str, str]:
    """Scope of the Section 301 rate that a line paid before the four-year review raised it.

    The lists name a line only where it stands now. The duty charged on Chinese goods in 2024
    shows the earlier rate: the lowest of 0, 7.5 and 25 % that explains it (exclusions and
    entries free of duty only push the charge down).
    """
    raised = {
        "s301_review_25": 0.25, "s301_review_50": 0.5, "s301_review_100": 1.0,
        "s301_review_25_2025": None, "s301_review_50_2025": None, "s301_review_25_2026": None,
        "s301_review_50_2026": None, "s301_review_100_2026": None,
    }  # fmt: skip
    days_at_new = 96 / 366  # 27 September to 31 December 2024
    tolerance = 0.003
    older = scopes.filter(pl.col("scope").str.starts_with("s301_list"))["code"]
    metals = {
        code: rate
        for scope, rate in (("s232_steel", 0.25), ("s232_aluminium", 0.10))
        for code in scopes.filter((pl.col("scope") == scope) & pl.col("start").is_null())["code"]
    }
    charged = (
        bought.filter(pl.col("partner") == "CHN")
        .group_by(hs8=pl.col("hs10").str.slice(0, 8))
        .agg(pl.col("value_usd").sum(), pl.col("duty_usd").sum())
        .filter(pl.col("value_usd") > 0)
        .join(lines.select("hs8", "general_rate"), on="hs8")
    )
    share = {hs8: duty / value - ordinary for hs8, value, duty, ordinary in charged.iter_rows()}
    found: dict[str, str] = {}
    targets = scopes.filter(pl.col("scope").is_in(list(raised)))
    for scope, code in targets.select("scope", "code").iter_rows():
        if code in share and code not in older:
            extra = share[code] - next((r for p, r in metals.items() if code.startswith(p)), 0.0)
            new = raised[scope]
            for name, rate in (("", 0.0), ("75", 0.075), ("25", 0.25)):
                blend = rate if new is None else rate + days_at_new * (new - rate)
                if extra <= blend + tolerance or name == "25":
                    break
            if name:
                found[code] = f"s301_before_review_{name}"
    return found


def build(shared: Path, out: Path) -> dict[str, pl.DataFrame]:
    """Every table by file name."""
    schedule = law_lines.hts(shared)
    lines = law_lines.rate_lines(schedule)
    bought = law_lines.imports(shared)
    lists = law_scopes.build(shared, {})
    scopes = law_scopes.build(shared, rates_before_review(lists, bought, lines))
    by_hand = pl.read_csv(out / "by_hand/rates.csv", infer_schema=False).fill_null("")
    rates = pl.concat([by_hand, reciprocal_rates(shared).select(by_hand.columns)])
    return {
        "lines.parquet": lines,
        "statistical_lines.parquet": law_lines.statistical_lines(schedule, lines),
        "scope_lines.parquet": scopes,
        "rates.csv": rates.sort("authority", "programme", "scope", "origin", "start"),
        "weights.parquet": law_lines.weights(bought),
        "usmca_shares.parquet": law_lines.usmca_shares(shared),
        "preference_shares.parquet": law_lines.preference_shares(shared),
    }


def main() -> None:
    """Write the tables and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=HERE)
    asked = parser.parse_args()
    for name, table in build(asked.shared, asked.out).items():
        target = asked.out / name
        if name.endswith(".csv"):
            table.write_csv(target)
        else:
            table.write_parquet(target, compression="zstd", compression_level=19)
        print(f"{name:28} {table.height:7} rows {target.stat().st_size:8} bytes")


if __name__ == "__main__":
    main()
