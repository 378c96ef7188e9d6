"""Domestic sales beside trade: the user's table, production less exports, or a sector's home share.

``home_sales`` names a table (product, country, value, quantity), ``production:PATH`` (product,
country, tons, and value where tons do not fit) or ``icio:PATH`` with a table of sectors by product.
What a country sells at home is what it makes less what it exports; where exports exceed production
there is no domestic row, and the audit says how many. Without production statistics, the share of
home producers in a sector's spending stands for each of its products: flagged as estimated.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.build import places
from tradewedge.build.plan import Countries
from tradewedge.build.stage import Stage
from tradewedge.errors import ConfigError
from tradewedge.sources import icio
from tradewedge.sources.reading import read_table
from tradewedge.sources.tally import audit_frame, exact

SALES: Final = {
    "product": pl.String,
    "country": pl.String,
    "value": pl.Float64,
    "quantity": pl.Float64,
    "source": pl.String,
}
_MADE: Final = {"product": pl.String, "country": pl.String, "tons": pl.Float64, "source": pl.String}
_SECTORS: Final = {"product": pl.String, "sector": pl.String}
_SCHEMES: Final = ("production", "icio")
#: A sector that is sold at home almost entirely says nothing of its imports' scale.
_MOST: Final = 0.999


def sales(
    named: str,
    sectors: str | None,
    flows: pl.DataFrame,
    years: Sequence[int] | None,
    countries: Countries,
) -> Stage:
    """Domestic sales for a world's flows.

    Parameters
    ----------
    named : str
        As ``home_sales`` takes it.
    sectors : str or None
        Path of the table of sectors by product (HS prefixes, longest wins), for ``icio:``.
    flows : DataFrame
        year, product, exporter, importer, value, quantity; of one year.
    years : sequence of int or None
        Year of the ICIO table, where its name does not tell.
    countries : Countries
        How the flows' countries were put together: the ICIO's are, in the same way.

    Returns
    -------
    Stage
        ``flows`` holds product, country, value, quantity, source.
    """
    scheme, _, place = named.partition(":")
    if scheme not in _SCHEMES or not place:
        table = read_table(named, SALES, ("quantity", "source"))
        return Stage(table, audit_frame([]))
    if scheme == "production":
        return _less_exports(read_table(place, _MADE, ("source",)), flows)
    if sectors is None:
        raise ConfigError(
            "home_sales=icio:PATH needs sectors=TABLE too, with the columns product (HS prefix) "
            "and sector (as the ICIO calls them)"
        )
    spent = icio.read(Path(place), years).flows
    if countries != Countries():
        spent = places.regroup(spent, replace(countries, inside="home")).stage.flows
    return _of_sectors(spent, read_table(sectors, _SECTORS), flows)


def _less_exports(made: pl.DataFrame, flows: pl.DataFrame) -> Stage:
    """Production less exports, in tons, at the exporter's own unit value, else the product's."""
    text = flows.with_columns(pl.col("product", "exporter", "importer").cast(pl.String))
    abroad = text.filter(pl.col("exporter") != pl.col("importer"))
    known = pl.col("quantity").is_not_null()
    price = pl.col("value").filter(known).sum() / pl.col("quantity").sum()
    world = abroad.group_by("product").agg(world=price)
    own = abroad.group_by("product", country="exporter").agg(
        pl.col("value").sum(), own=price, exported=pl.col("quantity").sum()
    )
    rows = (
        made.group_by("product", "country", maintain_order=True)
        .agg(pl.col("tons").sum())
        .join(own, on=["product", "country"], how="left", maintain_order="left")
        .join(world, on="product", how="left", maintain_order="left")
        .with_columns(price=pl.coalesce(_finite("own"), _finite("world")))
        # Exports without tons count at the same price.
        .with_columns(sold=pl.coalesce(pl.col("value") / pl.col("price"), pl.lit(0.0)))
        .with_columns(left=pl.col("tons") - pl.col("sold"))
    )
    unpriced = rows.filter(pl.col("price").is_null())
    exceeded = rows.filter(pl.col("price").is_not_null() & (pl.col("left") <= 0))
    kept = rows.filter(pl.col("price").is_not_null() & (pl.col("left") > 0)).select(
        "product",
        "country",
        value=pl.col("left") * pl.col("price"),
        quantity="left",
        source=pl.lit("production less exports"),
    )
    step = "home sales"
    lines: list[tuple[str, str, int, float | None]] = [
        (step, "production less exports", *exact(kept)),
        (step, "exports exceed production: imports only", exceeded.height, None),
        (step, "no trade with tons gives a price: imports only", unpriced.height, None),
    ]
    return Stage(kept, audit_frame([line for line in lines if line[2]]))


def _finite(name: str) -> pl.Expr:
    return pl.when(pl.col(name).is_finite() & (pl.col(name) > 0)).then(pl.col(name))


def _of_sectors(spent: pl.DataFrame, sectors: pl.DataFrame, flows: pl.DataFrame) -> Stage:
    """Imports of each product scaled to the home share that its sector has in the importer."""
    spent = spent.with_columns(pl.col("exporter", "importer").cast(pl.String))
    at_home = pl.col("value").filter(pl.col("exporter") == pl.col("importer")).sum()
    share = spent.group_by(sector="product", country="importer").agg(
        home_share=at_home / pl.col("value").sum()
    )
    bought = (
        flows.filter(pl.col("exporter") != pl.col("importer"))
        .group_by(pl.col("product", "importer").cast(pl.String))
        .agg(pl.col("value").sum())
        .rename({"importer": "country"})
    )
    named = _sector_of(bought["product"].unique().sort(), sectors)
    rows = (
        bought.join(named, on="product", how="left")
        .join(share, on=["sector", "country"], how="left")
        .sort("product", "country")
    )
    h = pl.col("home_share")
    usable = (h.is_between(0, _MOST)).fill_null(value=False)
    kept = rows.filter(usable & (h > 0)).select(
        "product",
        "country",
        value=pl.col("value") * h / (1 - h),
        quantity=pl.lit(None, pl.Float64),
        source=pl.format("estimated: home share of ICIO sector {}", "sector"),
    )
    without = rows.filter(~usable)
    step = "home sales"
    lines: list[tuple[str, str, int, float | None]] = [
        (step, "estimated from the sector's home share in ICIO", *exact(kept)),
        (step, "imports without a sector or country of ICIO: imports only", *exact(without)),
    ]
    return Stage(kept, audit_frame([line for line in lines if line[2]]))


def _sector_of(products: pl.Series, sectors: pl.DataFrame) -> pl.DataFrame:
    """Sector of each product by its longest prefix in the table."""
    rules = dict(sectors.select("product", "sector").iter_rows())
    found = [
        next((rules[p[:n]] for n in range(len(p), 0, -1) if p[:n] in rules), None) for p in products
    ]
    return pl.DataFrame({"product": products, "sector": pl.Series(found, dtype=pl.String)})
