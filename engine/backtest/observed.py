"""Imports of two years side by side, and how shares, values and unit values moved."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from tradewedge.world import World

KEYS = ("product", "importer", "exporter")
UNIT = ("product", "importer")


def imports(world: World, products: Collection[str]) -> pl.DataFrame:
    """What each importer bought from abroad: product, importer, exporter, value, quantity."""
    flows = world.flows().filter(
        pl.col("product").is_in(list(products)), pl.col("exporter") != pl.col("importer")
    )
    return flows.select(*KEYS, "value", "quantity").sort(KEYS).collect()


@dataclass(frozen=True, eq=False)
class Change:
    """How one state of trade differs from another.

    Attributes
    ----------
    shares : DataFrame
        product, importer, exporter, share_0, share_1: of the importer's purchases abroad. A
        supplier that is in one state only has share 0 in the other; null where the second state
        is not known.
    totals : DataFrame
        product, importer, import_value (first state), and as log changes net of those of the
        product's imports by all others: ``value``, ``unit_value`` (null where tons are missing);
        ``value_gross``, ``unit_value_gross`` are the same before anything is deducted.
    """

    shares: pl.DataFrame
    totals: pl.DataFrame


def change(first: pl.DataFrame, second: pl.DataFrame) -> Change:
    """Compare two tables of :func:`imports`.

    Shares differ out whatever scales all suppliers of an importer alike; the net changes of value
    and unit value what scales all importers of a product alike.
    """
    both = (
        first.join(second, on=KEYS, how="full", coalesce=True, suffix="_1")
        .with_columns(pl.col("value", "value_1").fill_null(0.0))
        .sort(KEYS)
    )
    share = pl.col("value") / pl.col("value").sum().over(UNIT)
    share_1 = pl.col("value_1") / pl.col("value_1").sum().over(UNIT)
    shares = both.select(*KEYS, share_0=share, share_1=share_1.fill_nan(None)).filter(
        pl.col("share_0").is_not_nan()
    )
    by_unit = both.group_by(UNIT).agg(*_sums())
    by_product = both.group_by("product").agg(*_sums())
    joined = by_unit.join(by_product, on="product", suffix="_all").sort(UNIT)
    own = {"value": _growth(""), "unit_value": _unit_growth("")}
    others = {"value": _growth("others"), "unit_value": _unit_growth("others")}
    rest = [(pl.col(f"{c}_all") - pl.col(c)).alias(f"{c}_others") for c in _SUMS]
    gross = {f"{name}_gross": expr for name, expr in own.items()}
    net = {name: own[name] - others[name] for name in own}
    totals = joined.with_columns(rest).select(*UNIT, import_value="v0", **gross, **net)
    numbers = pl.col(*gross, *net)
    totals = totals.filter(pl.col("import_value") > 0).with_columns(
        pl.when(numbers.is_finite()).then(numbers)
    )
    return Change(shares, totals)


_SUMS = ("v0", "v1", "w0", "w1", "q0", "q1")


def _sums() -> tuple[pl.Expr, ...]:
    """Value of both states; value and tons of the flows whose tons are known, by state."""
    known_0, known_1 = pl.col("quantity").is_not_null(), pl.col("quantity_1").is_not_null()
    return (
        pl.col("value").sum().alias("v0"),
        pl.col("value_1").sum().alias("v1"),
        pl.col("value").filter(known_0).sum().alias("w0"),
        pl.col("value_1").filter(known_1).sum().alias("w1"),
        pl.col("quantity").sum().alias("q0"),
        pl.col("quantity_1").sum().alias("q1"),
    )


def _growth(whose: str) -> pl.Expr:
    end = f"_{whose}" if whose else ""
    return (pl.col(f"v1{end}") / pl.col(f"v0{end}")).log()


def _unit_growth(whose: str) -> pl.Expr:
    end = f"_{whose}" if whose else ""
    after = pl.col(f"w1{end}") / pl.col(f"q1{end}")
    return (after / (pl.col(f"w0{end}") / pl.col(f"q0{end}"))).log()
