"""What a reader has to know before quoting the headline: elastic imports, codes of many goods."""

from collections.abc import Iterator
from typing import Final

import polars as pl
from rich.console import RenderableType

from tradewedge.elasticities import IMPORT_DEMAND
from tradewedge.report.headline import Headline
from tradewedge.report.layout import bullet
from tradewedge.report.wording import plain, share
from tradewedge.sources.dimensions import dimension

#: A mean elasticity of import demand above this is more than is found for a country's imports.
ELASTIC: Final = 2.0
_BASKETS_TOLD: Final = 3


def cautions(headline: Headline) -> Iterator[RenderableType]:
    """At most a few lines, right under the headline."""
    yield from _elastic_imports(headline)
    yield from _baskets(headline)


def _elastic_imports(headline: Headline) -> Iterator[RenderableType]:
    """Say where elastic import demand is from, and what changes it."""
    goods = headline.touched_parameters.filter(
        (pl.col("eta_kind") == IMPORT_DEMAND) & (pl.col("weight") > 0)
    )
    if goods.is_empty():
        return
    weight = pl.col("weight") / pl.col("weight").sum()
    eta, home = goods.select(
        (pl.col("eta") * weight).sum(), (pl.col("home_share") * weight).sum()
    ).row(0)
    if eta <= ELASTIC:
        return
    yield bullet(
        f"Import demand is very elastic here: eta {plain(eta)} on average, weighted by value, so "
        f"that 1 % on the price index takes about {plain(eta)} % off imports. It comes from the "
        f"share of home producers in purchases, {share(home)} on average, as a rule that of a "
        "whole sector: far too high for goods made little at home, where prices then rise more and "
        "imports fall less. Set it: elasticities.home_share=0.2, in Python "
        "world.with_home_share(0.2)."
    )


def _baskets(headline: Headline) -> Iterator[RenderableType]:
    """Touched codes that hold other goods beside the mineral that they are known for."""
    found = baskets(headline)
    for code, minerals in found.head(_BASKETS_TOLD).iter_rows():
        yield bullet(
            f"{code} is a basket: {minerals}, with other goods beside; no figure here is of one of "
            "them alone."
        )
    if (more := found.height - _BASKETS_TOLD) > 0:
        yield bullet(f"So are {more:,} more of the touched codes: tradewedge data table stages.")


def baskets(headline: Headline) -> pl.DataFrame:
    """product, minerals of the touched codes that are baskets; by the buyers' spending."""
    minerals = pl.col("minerals").str.split(";").explode().str.strip_chars()
    listed = (
        dimension("stages")
        .filter(basket="yes", vintage=headline.run.manifest["world"]["vintage"] or "")
        .group_by("product")
        .agg(minerals.unique().sort().str.join(", "))
    )
    touched = headline.touched_parameters.select("product", "weight")
    return (
        touched.join(listed, on="product")
        .sort("weight", "product", descending=[True, False])
        .select("product", "minerals")
    )
