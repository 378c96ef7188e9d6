"""Home sales: production less exports, where a production series matches the HS code.

Which series belongs to which code is in ``data/minerals/home_mapping.csv``, gaps included.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from tradewedge.errors import DataError

USGS_WORLD: Final = "USGS MCS 2025, world table 2023"
USGS_US: Final = "USGS MCS 2026, US salient statistics"
USGS_SCALED: Final = (
    "USGS MCS 2025, world table 2023, moved to 2022 by the change in World Mining Data"
)
WMD: Final = "World Mining Data"

#: From this share of production exported, the exporter's own unit value stands for its home
#: sales; below, the world's: a small remainder is often a different quality.
OWN_UNIT_VALUE_FROM: Final = 0.05

#: How the USGS writes countries that the BACI dictionary writes otherwise.
_NAMES: Final = {
    "Bolivia": "BOL", "Burma": "MMR", "Congo (Kinshasa)": "COD", "Cote d'Ivoire": "CIV",
    "Iran": "IRN", "Korea, North": "PRK", "Korea, Republic of": "KOR", "Laos": "LAO",
    "Russia": "RUS", "Tanzania": "TZA", "Turkey": "TUR", "United States": "USA",
    "Vietnam": "VNM", "Venezuela": "VEN", "Norway": "NOR", "Bosnia and Herzegovina": "BIH",
}  # fmt: skip
_NOT_COUNTRIES = re.compile(r"^(world|other)", re.IGNORECASE)
_NUMBER = re.compile(r"^[\d,]+(\.\d+)?$")


@dataclass(frozen=True, eq=False)
class HomeSales:
    """What :func:`build` returns.

    Attributes
    ----------
    sales : DataFrame
        year, product, country, value (thousand USD), quantity (metric tons), source,
        usd_per_ton, unit_value ("own exports" or "world exports").
    audit : DataFrame
        One row per year, product and country that has production: outcome, production (metric
        tons of the code's goods; null where it rests on World Mining Data), exports, home.
    """

    sales: pl.DataFrame
    audit: pl.DataFrame


def build(shared: Path, mapping: pl.DataFrame, flows: pl.DataFrame) -> HomeSales:
    """Derive home sales for the mapped products of every year in ``flows``.

    Parameters
    ----------
    shared : Path
        Folder with ``data/usgs_mcs`` and ``data/world_mining_data_2018_2024``.
    mapping : DataFrame
        ``home_mapping.csv``, all columns as text.
    flows : DataFrame
        year, product, exporter, importer, value, quantity.
    """
    used = mapping.filter(pl.col("used") == "yes")
    production = pl.concat([_production(shared, row) for row in used.iter_rows(named=True)])
    exports = _exports(flows)
    world = (
        flows.filter(pl.col("quantity").is_not_null())
        .group_by("year", "product")
        .agg(world_usd_per_ton=1000 * pl.col("value").sum() / pl.col("quantity").sum())
    )
    deducted = _deducted(production, exports)
    table = (
        deducted.join(
            exports.rename({"exporter": "country"}), on=["year", "product", "country"], how="left"
        )
        .join(world, on=["year", "product"])
        .with_columns(home=pl.col("production") - pl.col("deducted"))
        .with_columns(
            outcome=pl.when(pl.col("home") <= 0)
            .then(pl.lit("exports exceed production: imports only"))
            .when(pl.col("home") < pl.col("margin") * pl.col("production"))
            .then(pl.lit("remainder within the error of the figures: imports only"))
            .otherwise(pl.lit("home sales")),
            own=pl.col("usd_per_ton").is_not_null()
            & (pl.col("deducted") >= OWN_UNIT_VALUE_FROM * pl.col("production")),
        )
        .with_columns(
            unit_value=pl.when("own")
            .then(pl.lit("own exports"))
            .otherwise(pl.lit("world exports")),
            price=pl.when("own").then("usd_per_ton").otherwise("world_usd_per_ton"),
        )
        .sort("year", "product", "country")
    )
    sales = table.filter(pl.col("outcome") == "home sales").select(
        "year",
        "product",
        "country",
        value=pl.col("home") * pl.col("price") / 1000,
        quantity="home",
        source="source",
        usd_per_ton="price",
        unit_value="unit_value",
    )
    audit = table.select(
        "year",
        "product",
        "country",
        "outcome",
        "source",
        production=pl.when(pl.col("source").str.contains(WMD))
        .then(None)
        .otherwise(pl.col("production")),
        exports="deducted",
        home=pl.when(pl.col("outcome") == "home sales").then("home"),
    )
    return HomeSales(sales, audit)


def _exports(flows: pl.DataFrame) -> pl.DataFrame:
    """Exports in tons and their unit value; flows without tons take that unit value."""
    known = pl.col("quantity").is_not_null()
    return (
        flows.group_by("year", "product", "exporter")
        .agg(
            value=pl.col("value").sum(),
            valued=pl.col("value").filter(known).sum(),
            tons=pl.col("quantity").sum(),
        )
        .with_columns(
            tons=pl.when(pl.col("valued") > 0)
            .then(pl.col("tons") * pl.col("value") / pl.col("valued"))
            .otherwise(None),
            usd_per_ton=pl.when(pl.col("valued") > 0).then(
                1000 * pl.col("valued") / pl.col("tons")
            ),
        )
        .select("year", "product", "exporter", "tons", "usd_per_ton")
    )


def _deducted(production: pl.DataFrame, exports: pl.DataFrame) -> pl.DataFrame:
    """Add the exports to deduct: of the code itself, or of several codes of one series."""
    codes = production.select("product", "exports_of").unique().explode("exports_of")
    tons = (
        codes.join(exports, left_on="exports_of", right_on="product")
        .group_by("year", "product", country="exporter")
        .agg(deducted=pl.col("tons").sum())
    )
    return (
        production.drop("exports_of")
        .join(tons, on=["year", "product", "country"], how="left")
        .with_columns(pl.col("deducted").fill_null(0.0))
    )


def _production(shared: Path, row: dict[str, Any]) -> pl.DataFrame:
    """Production of one mapping row: year, product, country, production, margin, source."""
    world = _usgs_world(shared, row)
    mined = _wmd(shared, row)
    home = _usgs_us(shared, row)
    found: list[tuple[int, str, float, str]] = []
    for country in sorted({*world, *(c for _, c in mined), *(("USA",) if home else ())}):
        for year in (2022, 2023):
            figure = _pick(country, year, world, mined, home, row["wmd_alone"] == "yes")
            if figure is not None:
                found.append((year, country, *figure))
    only = set(filter(None, (row["only"] or "").split(";")))
    without = set(filter(None, (row["except"] or "").split(";")))
    frame = pl.DataFrame(
        found,
        schema={
            "year": pl.Int64,
            "country": pl.String,
            "production": pl.Float64,
            "source": pl.String,
        },
        orient="row",
    ).filter(
        (pl.col("country").is_in(sorted(only)) if only else pl.lit(True))
        & ~pl.col("country").is_in(sorted(without))
        & (pl.col("production") > 0)
    )
    if frame.is_empty():
        raise DataError(f"home_mapping.csv: no production found for {row['product']} {row['form']}")
    codes = (row["exports_of"] or row["product"]).split(";")
    return frame.select(
        "year",
        pl.lit(row["product"]).alias("product"),
        "country",
        pl.col("production") * float(row["factor"]) * float(row["share"]),
        pl.lit(float(row["margin"])).alias("margin"),
        "source",
        pl.lit(codes, dtype=pl.List(pl.String)).alias("exports_of"),
    )


def _pick(
    country: str,
    year: int,
    world: dict[str, float],
    mined: dict[tuple[int, str], float],
    home: dict[int, float],
    wmd_alone: bool,
) -> tuple[float, str] | None:
    """Choose the production figure of a country and year, the USGS first."""
    if country == "USA" and year in home:
        return home[year], USGS_US
    if country in world:
        if year == 2023:
            return world[country], USGS_WORLD
        before, after = mined.get((2022, country), 0.0), mined.get((2023, country), 0.0)
        return (world[country] * before / after, USGS_SCALED) if before and after else None
    if wmd_alone and mined.get((year, country)):
        return mined[year, country], WMD
    return None


def _usgs_world(shared: Path, row: dict[str, Any]) -> dict[str, float]:
    if not row["usgs_commodity"]:
        return {}
    names = _country_names(shared)
    table = pl.read_csv(
        shared / "data/usgs_mcs/MCS2025_World_Data_utf8.csv", infer_schema=False
    ).filter(
        (pl.col("COMMODITY").str.strip_chars() == row["usgs_commodity"])
        & pl.col("TYPE").str.starts_with(row["usgs_type"])
    )
    found: dict[str, float] = {}
    for name, text in table.select("COUNTRY", "PROD_2023").iter_rows():
        plain = re.sub(r"\s*\(.*?\)", "", name).strip()
        tons = number(text)
        if _NOT_COUNTRIES.match(plain) or tons is None:
            continue
        if plain not in names:
            raise DataError(f"USGS world table, {row['usgs_commodity']}: unknown country {name!r}")
        found[names[plain]] = tons * float(row["unit_tons"])
    return found


def _usgs_us(shared: Path, row: dict[str, Any]) -> dict[int, float]:
    if not row["salient_chapter"]:
        return {}
    table = pl.read_csv(
        shared / "data/usgs_mcs/MCS2026_Commodities_Data_utf8.csv", infer_schema=False
    ).filter(
        (pl.col("MCS chapter") == row["salient_chapter"])
        & pl.col("Section").str.starts_with("Salient")
        & (pl.col("Statistics_detail") == row["salient_detail"])
        & pl.col("Year").is_in(["2022", "2023"])
    )
    values = {
        int(year): tons * float(row["unit_tons"])
        for year, text in table.select("Year", "Value").iter_rows()
        if (tons := number(text)) is not None
    }
    if not values:
        raise DataError(
            f"USGS salient statistics: no figure for {row['salient_chapter']}, "
            f"{row['salient_detail']!r}"
        )
    return values


def _wmd(shared: Path, row: dict[str, Any]) -> dict[tuple[int, str], float]:
    if not row["wmd_mineral"]:
        return {}
    table = pl.read_parquet(
        shared / "data/world_mining_data_2018_2024/world_mining_production.parquet"
    ).filter(
        (pl.col("mineral") == row["wmd_mineral"])
        & pl.col("year").is_in([2022, 2023])
        & (pl.col("unit") == "metr. t")
    )
    if table.is_empty():
        raise DataError(f"World Mining Data has no {row['wmd_mineral']!r} in tons")
    return {
        (year, iso3): tons for year, iso3, tons in table.select("year", "iso3", "production").rows()
    }


def number(text: str | None) -> float | None:
    """Read a USGS figure; None for withheld (W), not available, bounds and dashes."""
    text = (text or "").strip()
    return float(text.replace(",", "")) if _NUMBER.match(text) else None


def _country_names(shared: Path) -> dict[str, str]:
    path = shared / "data/baci_hs92_minerals/country_codes_V202401b.csv"
    table = pl.read_csv(path).select("country_name", "country_iso3")
    return dict(table.iter_rows()) | _NAMES
