"""Several years as one: their mean."""

import polars as pl

from tradewedge.build.stage import Stage, added_up, audit
from tradewedge.sources.trade import FLOWS


def mean(flows: pl.DataFrame) -> Stage:
    """Mean trade of the years, each flow's value over all of them divided by their number.

    A year without a flow counts as 0. Tons are known where every year that trades reports them.
    """
    years = flows["year"].unique().sort()
    if len(years) == 1:
        return Stage(flows, audit("years", flows, flows).clear())
    last = pl.lit(years[-1]).cast(flows.schema["year"])
    made = added_up(flows.with_columns(year=last), len(years)).select(FLOWS)
    scaled = flows.with_columns(pl.col("value") / len(years))
    step = f"mean of {', '.join(map(str, years))}"
    return Stage(made, audit(step, scaled, scaled, made=made))
