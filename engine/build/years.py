"""Several years as one: their mean."""

import polars as pl

from tradewedge.build.stage import Stage, audit
from tradewedge.sources.trade import added_up, money


def mean(flows: pl.DataFrame) -> Stage:
    """Mean trade of the years, each flow's value over all of them divided by their number.

    A year without a flow counts as 0. Tons are known where every year that trades reports them.
    """
    years = flows["year"].unique().sort()
    if len(years) == 1:
        return Stage(flows, audit("years", flows, flows).clear())
    last = pl.lit(years[-1]).cast(flows.schema["year"])
    scaled = flows.with_columns(pl.col("quantity", *money(flows)) / len(years))
    made = added_up(scaled.with_columns(year=last))
    step = f"mean of {', '.join(map(str, years))}"
    return Stage(made, audit(step, scaled, scaled, made=made))
