"""Domestic sales beside trade: the user's table, production less exports, or a sector's home share.

``home_sales`` names a table (product, country, value, quantity), ``production:PATH`` (product,
country, tons, and value where tons do not fit), ``usgs:PATH`` or ``mining:PATH`` (production of
minerals, through a table of contents) or ``icio:PATH`` with a table of sectors by product. What a
country sells at home is what it makes less what it exports; where exports exceed production there
is no domestic row: the audit says how many, a file beside the world which. Without production
statistics, the share of home producers in a sector's spending stands for each of its products:
flagged as estimated.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.build import places, production
from tradewedge.build.plan import Countries, Plan
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
_SCHEMES: Final = ("production", "icio", *production.SOURCES)
TABLE: Final = "home_sales"
_SOLD, _EXCEEDED = "home sales", "exports exceed production"
_UNSURE, _UNPRICED = "home sales, but none at the highest content", "no trade with tons"
#: A sector that is sold at home almost entirely says nothing of its imports' scale.
_MOST: Final = 0.999


def sales(
    plan: Plan, flows: pl.DataFrame, vintage: str | None, place: Callable[[str], str]
) -> Stage:
    """Domestic sales for a world's flows.

    Parameters
    ----------
    plan : Plan
        ``home_sales`` says where they come from.
    flows : DataFrame
        year, product, exporter, importer, value, quantity; of one year.
    vintage : str or None
        HS edition of the products.
    place : callable
        Partner that a country was put together with, or itself.

    Returns
    -------
    Stage
        ``flows`` holds product, country, value, quantity, source.
    """
    named = str(plan.home_sales)
    scheme, _, path = named.partition(":")
    if scheme not in _SCHEMES or not path:
        return Stage(read_table(named, SALES, ("quantity", "source")), audit_frame([]))
    if scheme == "production":
        made = read_table(path, _MADE, ("source",)).with_columns(
            tons_low="tons", tons_high="tons", source=pl.lit("production less exports")
        )
        return _less_exports(made, flows, {}, place)
    if scheme in production.SOURCES:
        years = plan.years or tuple(flows["year"].unique())
        goods = production.read(scheme, path, plan.production_map, years, vintage)
        left = _less_exports(goods.goods, flows, goods.deduct, place)
        return replace(left, audit=pl.concat([goods.audit, left.audit]))
    if plan.sectors is None:
        raise ConfigError(
            "home_sales=icio:PATH needs sectors=TABLE too, with the columns product (HS prefix) "
            "and sector (as the ICIO calls them)"
        )
    spent = icio.read(Path(path), plan.years).flows
    if plan.countries != Countries():
        spent = places.regroup(spent, replace(plan.countries, inside="home")).stage.flows
    return _of_sectors(spent, read_table(plan.sectors, _SECTORS), flows)


def beside(flows: pl.DataFrame, sold: Stage) -> tuple[pl.DataFrame, Stage]:
    """Domestic sales next to trade inside an aggregate, which is part of them.

    Parameters
    ----------
    flows : DataFrame
    sold : Stage
        Of :func:`sales`.

    Returns
    -------
    DataFrame
        Flows without the domestic ones that the sales hold.
    Stage
        Sales without those that are smaller than the trade inside, which stands for them.
    """
    end = {name: pl.col(name).cast(pl.String) for name in ("product", "exporter", "importer")}
    own = flows.filter(end["exporter"] == end["importer"]).select(
        end["product"], country=end["exporter"], inside="value"
    )
    both = sold.flows.join(own, on=["product", "country"])
    if both.is_empty():
        return flows, sold
    less = both.filter(pl.col("value") < pl.col("inside")).select("product", "country")
    kept = sold.flows.join(less, on=["product", "country"], how="anti")
    held = kept.select(pl.col("product"), exporter="country", importer="country")
    text = flows.with_columns(end.values())
    other = text.join(held, on=["product", "exporter", "importer"], how="anti")
    line = ("home sales", "less than the trade inside an aggregate, which is taken", less.height)
    audit = pl.concat([sold.audit, audit_frame([(*line, None)] if less.height else [])])
    return other, replace(sold, flows=kept, audit=audit)


def _less_exports(
    made: pl.DataFrame,
    flows: pl.DataFrame,
    deduct: Mapping[str, str],
    place: Callable[[str], str],
) -> Stage:
    """Production less exports, in tons, at the exporter's own unit value, else the product's."""
    text = flows.with_columns(
        pl.col("product").cast(pl.String).replace(dict(deduct)),
        pl.col("exporter", "importer").cast(pl.String),
    )
    abroad = text.filter(pl.col("exporter") != pl.col("importer"))
    known = pl.col("quantity").is_not_null()
    price = pl.col("value").filter(known).sum() / pl.col("quantity").sum()
    world = abroad.group_by("product").agg(world=price)
    own = abroad.group_by("product", country="exporter").agg(pl.col("value").sum(), own=price)
    partner = {country: place(country) for country in made["country"].unique()}
    tons = ["tons", "tons_low", "tons_high"]
    rows = (
        made.with_columns(pl.col("country").replace(partner))
        .group_by("product", "country", maintain_order=True)
        .agg(pl.col(tons).sum(), pl.col("source").first())
        .join(own, on=["product", "country"], how="left", maintain_order="left")
        .join(world, on="product", how="left", maintain_order="left")
        .with_columns(price=pl.coalesce(_finite("own"), _finite("world")))
        # Exports without tons count at the same price.
        .with_columns(exported=pl.coalesce(pl.col("value") / pl.col("price"), pl.lit(0.0)))
        .with_columns(
            sold=pl.col("tons") - pl.col("exported"),
            sold_low=pl.col("tons_low") - pl.col("exported"),
            sold_high=pl.col("tons_high") - pl.col("exported"),
        )
        .with_columns(
            outcome=pl.when(pl.col("price").is_null())
            .then(pl.lit(_UNPRICED))
            .when(pl.col("sold") <= 0)
            .then(pl.lit(_EXCEEDED))
            .when(pl.col("sold_low") <= 0)
            .then(pl.lit(_UNSURE))
            .otherwise(pl.lit(_SOLD))
        )
    )
    of = {name: rows.filter(pl.col("outcome") == name) for name in rows["outcome"].unique()}
    kept = rows.filter(pl.col("outcome").is_in([_SOLD, _UNSURE])).select(
        "product",
        "country",
        value=pl.col("sold") * pl.col("price"),
        quantity="sold",
        source="source",
    )
    none = rows.clear()
    step = "home sales"
    lines: list[tuple[str, str, int, float | None]] = [
        (step, "production less exports", *exact(kept)),
        (step, "of these none at the highest content", of.get(_UNSURE, none).height, None),
        (
            step,
            "exports exceed production: imports only",
            of.get(_EXCEEDED, none).height,
            None,
        ),
        (
            step,
            "no trade with tons gives a price: imports only",
            of.get(_UNPRICED, none).height,
            None,
        ),
    ]
    told = rows.select(
        *("product", "country", *tons, "exported", "sold", "sold_low", "sold_high"),
        *("price", "outcome", "source"),
    ).sort("product", "country")
    return Stage(kept, audit_frame([line for line in lines if line[2]]), {TABLE: told})


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
