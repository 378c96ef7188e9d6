"""Every contender's scores, and the first model with product-level sigmas against the others."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from tradewedge.backtest.comparison import WHAT, Comparison, scored
from tradewedge.backtest.plan import Plan
from tradewedge.backtest.scores import DUEL, SCHEMA, duel, score

Label = tuple[str, str, str]
"""Scenario, model and sigma of a contender."""

PRODUCT_NAME: Final = "product"
FLAT_NAME: Final = "flat"
TRAINED: Final = "trained"
HORIZON: Final = "horizon"
LABELS: Final = ("scenario", "model", "sigma")
_ALL: Final = "all"
_COMMON: Final = "common"


def score_all(found: Mapping[Label, Comparison], plan: Plan) -> pl.DataFrame:
    """Every contender on all that it answers; and where some answer less, on what all answer."""
    rows = []
    for label, one in found.items():
        rivals = [other for (case, _, sigma), other in found.items() if (case, sigma) == label[::2]]
        common = set.intersection(*(rival.answered() for rival in rivals))
        samples = {_ALL: one}
        if common and any(rival.answered() != common for rival in rivals):
            samples[_COMMON] = one.only(common)
        for sample, part in samples.items():
            for what in WHAT:
                named = dict(zip(LABELS, label, strict=True)) | {"what": what, "sample": sample}
                errors, ranks = scored(part, what, plan.cut)
                rows.append(named | score(errors, ranks, plan.draws, plan.seed))
    return _frame(rows, (*LABELS, "what", "sample"), SCHEMA)


def duel_all(found: Mapping[Label, Comparison], plan: Plan) -> pl.DataFrame:
    """The first model with product-level sigmas against everybody else."""
    rows = []
    for case in dict.fromkeys(label[0] for label in found):
        champion = found.get((case, plan.models[0], PRODUCT_NAME))
        for label, rival in found.items():
            if champion is None or label[0] != case or rival is champion:
                continue
            for what in WHAT:
                first, _ = scored(champion, what, plan.cut)
                second, _ = scored(rival, what, plan.cut)
                named = {
                    "scenario": case,
                    "what": what,
                    "first": f"{plan.models[0]}, {PRODUCT_NAME}",
                    "second": f"{label[1]}, {label[2]}",
                }
                rows.append(named | duel(first, second, plan.draws, plan.seed))
    return _frame(rows, ("scenario", "what", "first", "second"), DUEL)


def _frame(
    rows: list[dict[str, object]], names: tuple[str, ...], numbers: Mapping[str, type[pl.DataType]]
) -> pl.DataFrame:
    schema: dict[str, type[pl.DataType]] = dict.fromkeys(names, pl.String)
    return pl.DataFrame(rows, schema=schema | dict(numbers), orient="row")
