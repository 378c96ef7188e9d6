"""Home sales: production less exports, where a production series matches the HS code.

Which series belongs to which code, and why the other codes have none, is in
``data/minerals/home_mapping.csv``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.data.build.minerals_production import WMD, Series, production
from tradewedge.errors import DataError

#: From this share of production exported, the exporter's own unit value stands for its home
#: sales; below, the world's: a small remainder is often a different quality.
OWN_UNIT_VALUE_FROM: Final = 0.05

SOLD = "home sales"
OUTCOMES: Final = {
    "no_trader": "not a country of the trade data: left out",
    "disputed": "USGS and World Mining Data differ by more than a factor of 2: imports only",
    "exceeded": "exports exceed production: imports only",
    "small": "remainder within the error of the figures: imports only",
}


@dataclass(frozen=True, eq=False)
class HomeSales:
    """What :func:`build` returns.

    Attributes
    ----------
    sales : DataFrame
        year, product, country, value (thousand USD), quantity (metric tons), source,
        usd_per_ton, unit_value ("own exports" or "world trade").
    audit : DataFrame
        One row per year, product and country that has production: outcome, source, production
        (metric tons of the code's goods; null where it rests on World Mining Data), exports,
        home (metric tons).
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
    used = list(mapping.filter(pl.col("used") == "yes").iter_rows(named=True))
    made = pl.concat([_made(shared, row) for row in used])
    prices = world_unit_values(flows)
    outliers = {row["product"]: float(row["outlier"]) for row in used if row["outlier"]}
    exports = _exports(_plausible_tons(flows, prices, outliers))
    traders = pl.concat([flows["exporter"], flows["importer"]]).unique().implode()
    table = (
        _deduct(made, exports)
        .join(
            exports.select("year", "product", "usd_per_ton", country="exporter"),
            on=["year", "product", "country"],
            how="left",
        )
        .join(prices, on=["year", "product"])
        .with_columns(home=pl.col("production") - pl.col("deducted"))
        .with_columns(
            outcome=pl.when(~pl.col("country").is_in(traders))
            .then(pl.lit(OUTCOMES["no_trader"]))
            .when("disputed")
            .then(pl.lit(OUTCOMES["disputed"]))
            .when(pl.col("home") <= 0)
            .then(pl.lit(OUTCOMES["exceeded"]))
            .when(pl.col("home") < pl.col("margin") * pl.col("production"))
            .then(pl.lit(OUTCOMES["small"]))
            .otherwise(pl.lit(SOLD)),
            own=pl.col("usd_per_ton").is_not_null()
            & (pl.col("deducted") >= OWN_UNIT_VALUE_FROM * pl.col("production")),
        )
        .with_columns(
            unit_value=pl.when("own").then(pl.lit("own exports")).otherwise(pl.lit("world trade")),
            price=pl.when("own").then("usd_per_ton").otherwise("world_usd_per_ton"),
        )
        .sort("year", "product", "country")
    )
    sold = pl.col("outcome") == SOLD
    sales = table.filter(sold).select(
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
        # World Mining Data keeps its own terms: only figures derived from it are published.
        production=pl.when(~pl.col("source").str.contains(WMD)).then("production"),
        exports="deducted",
        home=pl.when(sold).then("home"),
    )
    return HomeSales(sales, audit)


def world_unit_values(flows: pl.DataFrame) -> pl.DataFrame:
    """Return year, product, world_usd_per_ton: the median over flows with tons.

    Each flow weighs with the geometric mean of its value and its tons, so that one flow with
    wrong tons moves the median neither up nor down by much.
    """
    group = ["year", "product"]
    return (
        flows.filter(pl.col("quantity").is_not_null())
        .with_columns(
            world_usd_per_ton=1000 * pl.col("value") / pl.col("quantity"),
            weight=(pl.col("value") * pl.col("quantity")).sqrt(),
        )
        .sort(*group, "world_usd_per_ton")
        .filter(pl.col("weight").cum_sum().over(group) >= pl.col("weight").sum().over(group) / 2)
        .group_by(group)
        .agg(pl.col("world_usd_per_ton").min())
        .sort(group)
    )


def _plausible_tons(
    flows: pl.DataFrame, prices: pl.DataFrame, outliers: Mapping[str, float]
) -> pl.DataFrame:
    """Replace tons that imply a price far from the world's, for the bulk goods in ``outliers``."""
    limits = pl.DataFrame(
        {"product": list(outliers), "limit": list(outliers.values())},
        schema={"product": pl.String, "limit": pl.Float64},
    )
    price = 1000 * pl.col("value") / pl.col("quantity")
    world = pl.col("world_usd_per_ton")
    far = (price > pl.col("limit") * world) | (price < world / pl.col("limit"))
    return (
        flows.join(prices, on=["year", "product"], how="left")
        .join(limits, on="product", how="left")
        .with_columns(
            quantity=pl.when(far).then(1000 * pl.col("value") / world).otherwise("quantity")
        )
        .select(flows.columns)
    )


def _exports(flows: pl.DataFrame) -> pl.DataFrame:
    """Exports in tons and their unit value; flows without tons take that unit value."""
    known = pl.col("quantity").is_not_null()
    return (
        flows.group_by("year", "product", "exporter")
        .agg(
            value=pl.col("value").sum(),
            valued=pl.col("value").filter(known).sum(),
            known_tons=pl.col("quantity").sum(),
        )
        .filter(pl.col("known_tons") > 0)
        .with_columns(usd_per_ton=1000 * pl.col("valued") / pl.col("known_tons"))
        .with_columns(tons=1000 * pl.col("value") / pl.col("usd_per_ton"))
        .select("year", "product", "exporter", "tons", "usd_per_ton")
    )


def _deduct(made: pl.DataFrame, exports: pl.DataFrame) -> pl.DataFrame:
    """Add the exports to deduct: of the code itself, or of several codes of one series."""
    codes = made.select("product", "exports_of").unique().explode("exports_of")
    tons = (
        codes.join(exports, left_on="exports_of", right_on="product")
        .group_by("year", "product", country="exporter")
        .agg(deducted=pl.col("tons").sum())
    )
    return (
        made.drop("exports_of")
        .join(tons, on=["year", "product", "country"], how="left")
        .with_columns(pl.col("deducted").fill_null(0.0))
    )


def _made(shared: Path, row: Mapping[str, str]) -> pl.DataFrame:
    """Production of one mapping row, in tons of the code's goods."""
    only = [code for code in (row["only"] or "").split(";") if code]
    without = [code for code in (row["except"] or "").split(";") if code]
    found = production(shared, Series.of(row)).filter(
        pl.col("country").is_in(only) if only else ~pl.col("country").is_in(without)
    )
    if found.is_empty():
        raise DataError(f"home_mapping.csv: no production found for {row['product']} {row['form']}")
    codes = (row["exports_of"] or row["product"]).split(";")
    return found.select(
        "year",
        pl.lit(row["product"]).alias("product"),
        "country",
        "source",
        "disputed",
        production=pl.col("tons") * float(row["factor"]) * float(row["share"]),
        margin=pl.lit(float(row["margin"])),
        exports_of=pl.lit(codes, dtype=pl.List(pl.String)),
    )
