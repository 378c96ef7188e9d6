"""Named lists from dated measures: export controls, exclusions, refined copper."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.data.build.csvtext import read_text
from tradewedge.data.build.lists_law import COLUMNS

DATA = Path(__file__).resolve().parents[1]
_GONE: Final = "HS2017 code, which HS2022 has split or moved"


@dataclass(frozen=True)
class _List:
    title: str
    events: tuple[str, ...]
    note: str


_WHOLE: Final = "Control lists name goods, not codes: every code holds other goods too"
LISTS: Final[Mapping[str, _List]] = {
    "china_controls:ga_ge": _List(
        "China, licences for gallium and germanium (23/2023)", ("X01",), _WHOLE
    ),
    "china_controls:graphite": _List(
        "China, licences for graphite (1 December 2023)", ("X02",), f"{_WHOLE}. Codes from memory"
    ),
    "china_controls:sb": _List("China, licences for antimony (33/2024)", ("X03",), _WHOLE),
    "china_controls:ga_ge_sb_ban": _List(
        "China, ban on gallium, germanium, antimony and superhard goods to the US (46/2024)",
        ("X04",),
        f"{_WHOLE}. Superhard codes (7104) from memory",
    ),
    "china_controls:w_te_bi_mo_in": _List(
        "China, licences for tungsten, tellurium, bismuth, molybdenum, indium (10/2025)",
        ("X06",),
        f"{_WHOLE}. Codes beside tungsten's partly from memory",
    ),
    "china_controls:heavy_ree": _List(
        "China, licences for seven medium and heavy rare earths (18/2025)",
        ("X07",),
        f"{_WHOLE}: light rare earths above all",
    ),
    "china_controls:oct2025": _List(
        "China, the package of 9 October 2025 (55 to 58, 61 and 62/2025)",
        ("X08",),
        f"{_WHOLE}. The 0.1 % rule on Chinese content abroad is not in it",
    ),
    "china_controls:whitelist": _List(
        "China, exporters of tungsten, antimony and silver by list, 2026 and 2027",
        ("X11",),
        _WHOLE,
    ),
    "drc_controls:cobalt": _List("DR Congo, ban and quotas on cobalt", ("X12", "X14"), ""),
    "dfars:magnets_ta_w": _List(
        "Magnets, tantalum and tungsten of DFARS 252.225-7052", ("U18",), "Defence goods only"
    ),
    "copper:refined": _List(
        "Refined copper of the pending option under Section 232", ("U08", "U09"), ""
    ),
    "anode:active": _List(
        "Graphite that holds active anode material (AD/CVD case of 2025 and 2026)",
        ("U24",),
        "Active anode material is part of each code; its share is not known",
    ),
}


def measures(shared: Path) -> tuple[pl.DataFrame, list[dict[str, str]]]:
    """Lists of HS6 codes as ``scenario_events.csv`` has them."""
    events = read_text(shared / "critical_minerals/scenario_events.csv")
    known = pl.read_parquet(DATA / "codes/products.parquet")
    current = known.filter("HS2022")["product"].to_list()
    frames, about = [], []
    for name, spec in LISTS.items():
        rows = events.filter(pl.col("id").is_in(list(spec.events)))
        if rows.height != len(spec.events):
            raise SystemExit(f"{name}: not all of {spec.events} are in scenario_events.csv")
        codes = rows["hs6"].str.split(";").explode().unique().sort()
        old = ~pl.col("product").is_in(current)
        frames.append(
            pl.DataFrame({"product": codes})
            .with_columns(
                pl.lit(name).alias("list"),
                pl.lit(None, dtype=pl.String).alias("stage"),
                pl.when(old).then(pl.lit(_GONE)).alias("why_not"),
                pl.lit(None, dtype=pl.String).alias("coverage"),
            )
            .select(COLUMNS)
        )
        about.append(
            {
                "list": name,
                "title": spec.title,
                "vintage": "HS2022",
                "status": "analyst's choice",
                "source": f"scenario_events.csv ({', '.join(spec.events)}); "
                f"{', '.join(sorted(set(rows['source_key'].str.split(';').explode())))}",
                "note": spec.note,
            }
        )
    return pl.concat(frames), about
