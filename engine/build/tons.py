"""Unit values: which look wrong, and tons for flows that report none."""

import polars as pl

from tradewedge.build.plan import Tons
from tradewedge.build.stage import Stage
from tradewedge.sources.tally import audit_frame, exact
from tradewedge.sources.trade import FLOWS

_BY = ("year", "product")


def weigh(flows: pl.DataFrame, plan: Tons) -> Stage:
    """Flag unit values far from their product's, and fill in tons where asked.

    The middle of a product is the median of its flows' unit values, each weighted with the
    geometric mean of its value and its tons: a flow with wrong tons weighs little either way.
    """
    if plan.outliers is None and plan.impute == "none":
        return Stage(flows, audit_frame([]))
    middle = _median(flows, _BY)
    rows = flows.join(middle, on=_BY, how="left")
    price = 1000 * pl.col("value") / pl.col("quantity")
    ratio = price / pl.col("usd_per_ton")
    lines, beside = [], {}
    if plan.outliers is not None:
        far = ((ratio > plan.outliers) | (ratio < 1 / plan.outliers)).fill_null(value=False)
        found = rows.filter(far).with_columns(
            unit_value=price, product_usd_per_ton="usd_per_ton", ratio=ratio
        )
        beside["unit_values"] = found.drop("usd_per_ton").sort(FLOWS[:4])
        what = f"unit value {plan.outliers:g} times off"
        if plan.drop_outliers:
            tons = pl.when(~far).then(pl.col("quantity"))
            rows = rows.with_columns(quantity=tons)
            what += ", tons counted as not reported"
        lines.append(("tons", what, *exact(found)))
    if plan.impute != "none":
        rows, filled = _imputed(rows, plan.impute)
        beside["imputed_tons"] = filled.sort(FLOWS[:4])
        how = "product's" if plan.impute == "product" else "exporter's, else the product's"
        lines.append(("tons", f"imputed at the {how} unit value", *exact(filled)))
    return Stage(rows.select(flows.columns), audit_frame(lines), beside)


def _imputed(rows: pl.DataFrame, how: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Flows with tons filled in, and those that were."""
    price = pl.col("usd_per_ton")
    if how == "exporter":
        own = _median(rows, (*_BY, "exporter")).rename({"usd_per_ton": "own"})
        rows = rows.join(own, on=[*_BY, "exporter"], how="left")
        price = pl.coalesce("own", "usd_per_ton")
    absent = pl.col("quantity").is_null() & price.is_not_null()
    tons = pl.when(absent).then(1000 * pl.col("value") / price).otherwise(pl.col("quantity"))
    filled = rows.filter(absent).with_columns(quantity=tons, usd_per_ton=price)
    return rows.with_columns(quantity=tons), filled.select(*FLOWS, "usd_per_ton")


def _median(flows: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """Weighted median of unit values by group: the group's columns, usd_per_ton."""
    weight = pl.col("weight")
    return (
        flows.lazy()
        .filter(pl.col("quantity") > 0)
        .select(
            *by,
            usd_per_ton=1000 * pl.col("value") / pl.col("quantity"),
            weight=(pl.col("value") * pl.col("quantity")).sqrt(),
        )
        .sort("usd_per_ton")
        .group_by(by, maintain_order=True)
        .agg(pl.col("usd_per_ton").filter(weight.cum_sum() >= weight.sum() / 2).first())
        .collect(engine="in-memory")
    )
