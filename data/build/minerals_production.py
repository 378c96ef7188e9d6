"""Production by country and year: the US Geological Survey first, World Mining Data beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.data.build.minerals_trade import RENAMED
from tradewedge.errors import DataError

USGS_WORLD: Final = "USGS MCS 2025, world table 2023"
USGS_US: Final = "USGS MCS 2026, US salient statistics"
USGS_SCALED: Final = (
    "USGS MCS 2025, world table 2023, moved to 2022 by the change in World Mining Data"
)
WMD: Final = "World Mining Data"

#: The two sources count as one series if their ratio is within this factor of what is expected.
AGREEMENT: Final = 2.0

_SCHEMA: Final = {
    "year": pl.Int64,
    "country": pl.String,
    "tons": pl.Float64,
    "source": pl.String,
    "disputed": pl.Boolean,
}

#: How the USGS writes countries that the BACI dictionary writes otherwise.
_NAMES: Final = {
    "Bolivia": "BOL",
    "Burma": "MMR",
    "Iran": "IRN",
    "Korea, North": "PRK",
    "Korea, Republic of": "KOR",
    "Laos": "LAO",
    "Norway": "NOR",
    "Russia": "RUS",
    "Tanzania": "TZA",
    "Turkey": "TUR",
    "United States": "USA",
    "Vietnam": "VNM",
}
_NOT_COUNTRIES = re.compile(r"^(world|other)", re.IGNORECASE)
_NUMBER = re.compile(r"^[\d,]+(\.\d+)?$")


@dataclass(frozen=True)
class Series:
    """One used row of ``home_mapping.csv``, as far as production goes.

    Attributes
    ----------
    usgs_commodity, usgs_type : str or None
        COMMODITY, and how TYPE begins, in the USGS world table.
    salient : tuple of str or None
        Chapter and detail in the US salient statistics.
    unit_tons : float
        Metric tons per unit of the USGS figures.
    wmd_mineral : str or None
        Mineral in World Mining Data (always metric tons).
    wmd_alone : bool
        Whether World Mining Data may stand where the USGS has no figure.
    usgs_per_wmd : float
        Expected ratio of the two (1, or a content factor).
    """

    usgs_commodity: str | None
    usgs_type: str | None
    salient: tuple[str, str] | None
    unit_tons: float
    wmd_mineral: str | None
    wmd_alone: bool
    usgs_per_wmd: float

    @classmethod
    def of(cls, row: Mapping[str, str | None]) -> "Series":
        """Read a mapping row."""
        chapter, detail = row["salient_chapter"], row["salient_detail"]
        return cls(
            usgs_commodity=row["usgs_commodity"],
            usgs_type=row["usgs_type"],
            salient=(chapter, detail) if chapter and detail else None,
            unit_tons=float(row["unit_tons"] or 1),
            wmd_mineral=row["wmd_mineral"],
            wmd_alone=row["wmd_alone"] == "yes",
            usgs_per_wmd=float(row["usgs_per_wmd"] or 1),
        )


def production(shared: Path, series: Series) -> pl.DataFrame:
    """Return year, country, tons, source, disputed (the two sources differ too much)."""
    world, mined, states = _usgs_world(shared, series), _wmd(shared, series), _us(shared, series)
    found: list[tuple[int, str, float, str, bool]] = []
    for country in sorted({*world, *(c for _, c in mined), *(("USA",) if states else ())}):
        after = mined.get((2023, country), 0.0)
        ratio = world.get(country, 0.0) / after / series.usgs_per_wmd if after else 0.0
        disputed = ratio > 0 and not 1 / AGREEMENT <= ratio <= AGREEMENT
        for year in (2022, 2023):
            if country == "USA" and year in states:
                found.append((year, country, states[year], USGS_US, False))
            elif country in world and year == 2023:
                found.append((year, country, world[country], USGS_WORLD, disputed))
            elif country in world and after and mined.get((2022, country)):
                moved = world[country] * mined[2022, country] / after
                found.append((year, country, moved, USGS_SCALED, disputed))
            elif country not in world and series.wmd_alone and mined.get((year, country)):
                found.append((year, country, mined[year, country], WMD, False))
    return pl.DataFrame(found, schema=_SCHEMA, orient="row").filter(pl.col("tons") > 0)


def number(text: str | None) -> float | None:
    """Read a USGS figure; None for withheld (W), not available, bounds and dashes."""
    text = (text or "").strip()
    return float(text.replace(",", "")) if _NUMBER.match(text) else None


def _usgs_world(shared: Path, series: Series) -> dict[str, float]:
    if not series.usgs_commodity:
        return {}
    names = _country_names(shared)
    table = pl.read_csv(
        shared / "data/usgs_mcs/MCS2025_World_Data_utf8.csv", infer_schema=False
    ).filter(
        (pl.col("COMMODITY").str.strip_chars() == series.usgs_commodity)
        & pl.col("TYPE").str.starts_with(series.usgs_type or "")
    )
    if table.is_empty():
        raise DataError(f"USGS world table: no {series.usgs_commodity!r}, {series.usgs_type!r}")
    found: dict[str, float] = {}
    for name, text in table.select("COUNTRY", "PROD_2023").iter_rows():
        plain = re.sub(r"\s*\(.*?\)", "", name).strip()
        tons = number(text)
        if _NOT_COUNTRIES.match(plain) or tons is None:
            continue
        if plain not in names:
            raise DataError(f"USGS world table, {series.usgs_commodity}: unknown country {name!r}")
        found[names[plain]] = tons * series.unit_tons
    return found


def _us(shared: Path, series: Series) -> dict[int, float]:
    if series.salient is None:
        return {}
    chapter, detail = series.salient
    table = pl.read_csv(
        shared / "data/usgs_mcs/MCS2026_Commodities_Data_utf8.csv", infer_schema=False
    ).filter(
        (pl.col("MCS chapter") == chapter)
        & pl.col("Section").str.starts_with("Salient")
        & (pl.col("Statistics_detail") == detail)
        & pl.col("Year").is_in(["2022", "2023"])
    )
    values = {
        int(year): tons * series.unit_tons
        for year, text in table.select("Year", "Value").iter_rows()
        if (tons := number(text)) is not None
    }
    if not values:
        raise DataError(f"USGS salient statistics: no figure for {chapter}, {detail!r}")
    return values


def _wmd(shared: Path, series: Series) -> dict[tuple[int, str], float]:
    if not series.wmd_mineral:
        return {}
    table = pl.read_parquet(
        shared / "data/world_mining_data_2018_2024/world_mining_production.parquet"
    ).filter(
        (pl.col("mineral") == series.wmd_mineral)
        & pl.col("year").is_in([2022, 2023])
        & (pl.col("unit") == "metr. t")
    )
    if table.is_empty():
        raise DataError(f"World Mining Data has no {series.wmd_mineral!r} in tons")
    table = table.with_columns(pl.col("iso3").replace(RENAMED))
    return {
        (year, iso3): tons for year, iso3, tons in table.select("year", "iso3", "production").rows()
    }


def _country_names(shared: Path) -> dict[str, str]:
    path = shared / "data/baci_hs92_minerals/country_codes_V202401b.csv"
    table = pl.read_csv(path).select("country_name", "country_iso3")
    return dict(table.iter_rows()) | _NAMES
