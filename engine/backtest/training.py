"""The choice of sigmas, on other pairs of years than the one that is reported."""

from typing import Final

import numpy as np
import polars as pl

from tradewedge.backtest import shrinkage
from tradewedge.backtest.comparison import scored
from tradewedge.backtest.experiment import Experiment, Year, find
from tradewedge.backtest.plan import Notify, Plan
from tradewedge.backtest.setting import Worlds, comparison, prepare
from tradewedge.backtest.shrinkage import Training, mixed

LOSS: Final = "target_shares"
"""What is made small: only these shares are moved by the measures alone."""
_MODEL: Final = "armington"


def pairs_for(told: Experiment, teacher: Experiment) -> list[tuple[Year, Year]]:
    """Every pair of the teacher but the one that is reported."""
    known = dict.fromkeys([(teacher.before, teacher.after), *teacher.training])
    return [pair for pair in known if pair != (told.before, told.after)]


def train(told: Experiment, plan: Plan, worlds: Worlds, notify: Notify) -> Training | None:
    """Choose a mixture on other pairs of years: the experiment's own, or another one's."""
    teacher = find(told.trained_by) if told.trained_by else told
    pairs = pairs_for(told, teacher)
    if not pairs:
        return None
    tried = shrinkage.grid()
    errors, unchanged = [], []
    for number, (before, after) in enumerate(pairs):
        setting = prepare(teacher, worlds.open(before), worlds.open(after))
        case = setting.cases[0]
        rows = []
        for step, mixture in enumerate(tried):
            notify("choosing sigmas", number * len(tried) + step, len(pairs) * len(tried))
            one = comparison(teacher, setting, case, mixed(case.world, mixture), _MODEL, plan.cut)
            table, _ = scored(one, LOSS, plan.cut)
            summed = (
                table.with_columns(pl.col("error", "error_no_change") * pl.col("weight"))
                .group_by("product", maintain_order=True)
                .agg(pl.col("error", "error_no_change").sum())
            )
            rows.append(summed["error"].to_numpy())
        errors.append(np.array(rows))
        unchanged.append(summed["error_no_change"].to_numpy())
    notify("choosing sigmas", 1, 1)
    names = [f"{before} to {after}" for before, after in pairs]
    return shrinkage.choose(tried, errors, unchanged, names, plan.draws, plan.seed)
