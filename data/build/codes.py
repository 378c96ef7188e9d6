"""Builds the tables of ``data/codes`` from the original public files.

    python -m tradewedge.data.build.codes SHARED_DIR

SHARED_DIR holds ``data/`` and ``critical_minerals/``; see ``data/codes/README.md`` for what is
read. What no file says (former countries, codes of single sources, dates of accession) stands
in ``data/codes/by_hand``.
"""

import sys
from functools import reduce
from pathlib import Path

import polars as pl

from tradewedge.data.build.codes_products import build_concordance, build_headings, build_texts
from tradewedge.data.build.csvtext import read_text

OUT = Path(__file__).resolve().parents[1] / "codes"
BY_HAND = OUT / "by_hand"
COLUMNS = (
    "iso3", "name", "iso2", "m49", "baci", "comtrade", "census", "kind",
    "from_year", "to_year", "successor", "note",
)  # fmt: skip


def build_countries(shared: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the country table and the table of all codes."""
    hand = read_text(BY_HAND / "countries.csv")
    iso = _iso_countries(shared / "data/country_dims/country_codes_iso_un.csv")
    sources = [
        _baci_codes(shared),
        _census_codes(shared / "data/us_tariffs/census_codes.csv", iso),
    ]
    base = reduce(_join, sources, iso)
    joined = _join(base, hand)
    shared_columns = set(base.columns) & set(hand.columns) - {"iso3"}
    by_hand_first = [pl.coalesce(f"{c}_hand", c).alias(c) for c in sorted(shared_columns)]
    table = joined.with_columns(by_hand_first).select(COLUMNS).sort("iso3")
    # "-" by hand: the country has no such code.
    numeric = pl.col("m49", "baci", "comtrade", "census")
    table = table.with_columns(numeric.replace("-", None).str.zfill(3))
    return table, _all_codes(table)


def _join(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    return left.join(right, on="iso3", how="full", coalesce=True, suffix="_hand")


def _iso_countries(path: Path) -> pl.DataFrame:
    raw = read_text(path)
    number = pl.col("ISO3166-1-numeric").str.zfill(3)
    name = pl.col("CLDR display name").str.replace_all("&", "and", literal=True)
    return raw.select(
        pl.col("ISO3166-1-Alpha-3").alias("iso3"),
        name.str.replace("^St\\. ", "Saint ").alias("name"),
        pl.col("ISO3166-1-Alpha-2").alias("iso2"),
        number.alias("m49"),
        number.alias("comtrade"),
        pl.lit("country").alias("kind"),
    )


def _baci_codes(shared: Path) -> pl.DataFrame:
    """Numeric codes of BACI's dictionary for ISO countries that keep their UN number there."""
    raw = read_text(shared / "data/baci_hs92_minerals/country_codes_V202401b.csv")
    twins = read_text(BY_HAND / "countries.csv").drop_nulls("baci")["baci"].str.zfill(3)
    return raw.select(
        pl.col("country_iso3").alias("iso3"), pl.col("country_code").str.zfill(3).alias("baci")
    ).filter(~pl.col("baci").is_in(twins.to_list()))


def _census_codes(path: Path, iso: pl.DataFrame) -> pl.DataFrame:
    """Schedule C codes by country; two parts of one country are left to ``by_hand``."""
    raw = read_text(path)
    names = read_text(BY_HAND / "census_names.csv")
    original = read_text(path.parents[1] / "country_dims/country_codes_iso_un.csv")
    official = pl.concat(
        original.select(pl.col(column).str.to_lowercase().alias("key"), "ISO3166-1-Alpha-3")
        for column in ("UNTERM English Short", "official_name_en", "CLDR display name")
    ).drop_nulls()
    known = dict(official.iter_rows()) | {name.lower(): iso3 for name, iso3 in names.iter_rows()}
    found = raw.with_columns(
        pl.col("Name").str.to_lowercase().replace_strict(known, default=None).alias("iso3")
    )
    unmatched = found.filter(pl.col("iso3").is_null())
    if not unmatched.is_empty():
        sys.exit(f"census names without a country, add to census_names.csv: {unmatched.rows()}")
    apart = read_text(BY_HAND / "country_codes.csv").filter(pl.col("system") == "census")["code"]
    unknown = set(found["iso3"]) - set(iso["iso3"]) - {"XKX"}
    assert not unknown, unknown
    return found.filter(~pl.col("Code").is_in(apart.to_list())).select(
        "iso3", pl.col("Code").alias("census")
    )


def _all_codes(table: pl.DataFrame) -> pl.DataFrame:
    """One row per system and code."""
    years = ("from_year", "to_year")
    own = pl.concat(
        table.select(
            pl.lit(system).alias("system"),
            pl.col(system).alias("code"),
            pl.col("iso3").alias("iso3"),
            *years,
            pl.lit(None, dtype=pl.String).alias("note"),
        )
        for system in ("m49", "baci", "comtrade", "census", "iso2")
    ).drop_nulls("code")
    canonical = table.select(
        pl.lit("iso3").alias("system"),
        pl.col("iso3").alias("code"),
        "iso3",
        *years,
        pl.lit(None, dtype=pl.String).alias("note"),
    )
    extra = read_text(BY_HAND / "country_codes.csv")
    codes = pl.concat([own, canonical, extra]).unique(
        ["system", "code", "iso3"], keep="first", maintain_order=True
    )
    twice = codes.filter(pl.struct("system", "code").is_duplicated())
    if not twice.is_empty():
        sys.exit(f"one code, two countries: {twice.sort('system', 'code').rows()}")
    strangers = codes.filter(~pl.col("iso3").is_in(table["iso3"].to_list()))
    if not strangers.is_empty():
        sys.exit(f"codes of countries that are not in the table: {strangers.rows()}")
    return codes.sort("system", "code")


def build_groups(shared: Path) -> pl.DataFrame:
    """Memberships by hand, and those of the critical-minerals partners."""
    raw = read_text(shared / "critical_minerals/partner_membership.csv")
    dated = {
        "minerals_meeting_2026_01": ("jan12_2026_attendee", "2026-01-12"),
        "minerals_mous_2026_02": ("feb4_2026_new_mou", "2026-02-04"),
        "dfars_covered": ("dfars_covered", None),
    }
    parts = [
        raw.filter(pl.col(column) == "1").select(
            pl.lit(group).alias("group"),
            "iso3",
            pl.lit(day, dtype=pl.String).alias("from_date"),
            pl.lit(None, dtype=pl.String).alias("to_date"),
            pl.lit(None, dtype=pl.String).alias("note"),
        )
        for group, (column, day) in dated.items()
    ]
    month_only = pl.col("agreement_date").str.len_chars() == 7
    day = pl.when(month_only).then(pl.col("agreement_date") + "-01").otherwise("agreement_date")
    parts.append(
        raw.drop_nulls("agreement_date").select(
            pl.lit("minerals_agreements").alias("group"),
            "iso3",
            day.alias("from_date"),
            pl.lit(None, dtype=pl.String).alias("to_date"),
            pl.col("bilateral_agreement").alias("note"),
        )
    )
    # The days from which the cap on cars counts, as published in 2025; the EU as a whole.
    cap = pl.col("iso3").replace_strict(
        {"JPN": "2025-09-16", "KOR": "2025-11-01"}, default="2025-08-01"
    )
    parts.append(
        raw.filter(pl.col("deal_232_cap15") == "1").select(
            pl.lit("deal_232_cap15").alias("group"),
            "iso3",
            cap.alias("from_date"),
            pl.lit(None, dtype=pl.String).alias("to_date"),
            pl.lit(None, dtype=pl.String).alias("note"),
        )
    )
    hand = read_text(BY_HAND / "groups.csv")
    for group, column in (("G7", "g7"), ("EU27", "eu27"), ("USMCA", "usmca")):
        theirs = set(raw.filter(pl.col(column) == "1")["iso3"])
        assert theirs == set(hand.filter(pl.col("group") == group)["iso3"]), group
    return pl.concat([hand, *parts]).sort("group", "iso3", "from_date")


def main(arguments: list[str]) -> None:
    """Read ``SHARED_DIR`` and write the tables."""
    if len(arguments) != 1:
        sys.exit("usage: python -m tradewedge.data.build.codes SHARED_DIR")
    shared = Path(arguments[0])
    table, codes = build_countries(shared)
    table.write_csv(OUT / "countries.csv")
    codes.write_csv(OUT / "country_codes.csv")
    build_groups(shared).write_csv(OUT / "groups.csv")
    nomenclature = shared / "data/hs_nomenclature"
    texts = build_texts(nomenclature)
    pairs = build_concordance(nomenclature, texts)
    headings = build_headings(nomenclature, pairs)
    products = pl.concat([headings, texts]).sort("product", "text")
    products.write_parquet(OUT / "products.parquet", compression="zstd", compression_level=19)
    pairs.write_parquet(OUT / "concordance.parquet", compression="zstd", compression_level=19)
    for path in sorted(OUT.glob("*.*")):
        print(f"{path.stat().st_size:>9,} {path.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
