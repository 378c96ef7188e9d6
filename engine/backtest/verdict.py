"""What a back-test shows, in sentences that claim no more than its intervals do."""

from typing import Final

from tradewedge.backtest.comparison import WHAT
from tradewedge.backtest.contest import FLAT_NAME, PRODUCT_NAME
from tradewedge.backtest.trial import Backtest

CLEAR: Final = 0.05
TINY: Final = 0.01


def sentences(found: Backtest) -> tuple[str, ...]:
    """The findings for the first model with product-level sigmas, scenario by scenario."""
    model = found.plan.models[0]
    made = []
    for case in found.scores["scenario"].unique(maintain_order=True):
        own = found.scores.filter(scenario=case, model=model, sigma=PRODUCT_NAME, sample="all")
        made += [f"{case}: {_against_nothing(row)}" for row in own.iter_rows(named=True)]
        rival = found.duels.filter(
            scenario=case, what="target_shares", second=f"{model}, {FLAT_NAME}"
        )
        made += [f"{case}: {_against_flat(row)}" for row in rival.iter_rows(named=True)]
    return (*made, *_of_controls(found))


def _against_nothing(row: dict[str, float | None]) -> str:
    what = WHAT[str(row["what"])]
    skill, low, high = row["skill"], row["skill_low"], row["skill_high"]
    if skill is None or low is None or high is None:
        return f"{what}: too few to judge"
    if abs(skill) < TINY:
        word = 'as good as "no change"'
    elif low > 0:
        word = 'better than "no change"'
    elif high < 0:
        word = 'worse than "no change"'
    else:
        word = 'not told apart from "no change"'
    rank, p = row["spearman"], row["spearman_p"]
    order = ""
    if rank is not None and p is not None:
        told = "ranked better than by chance" if p < CLEAR else "order not predicted"
        order = f"; {told} (Spearman {rank:+.2f}, {_p(p)})"
    return f"{what}: {word} (skill {skill:+.2f}, {low:+.2f} to {high:+.2f}){order}"


def _against_flat(row: dict[str, float | None]) -> str:
    gain, low, high = row["gain"], row["gain_low"], row["gain_high"]
    if gain is None or low is None or high is None:
        return "product-level sigmas against one flat sigma: too few to judge"
    if low > 0:
        word = "product-level sigmas beat one flat sigma"
    elif high < 0:
        word = "one flat sigma beats product-level sigmas"
    else:
        word = "product-level sigmas and one flat sigma are not told apart"
    return f"{word} (gain {gain:+.2f}, {low:+.2f} to {high:+.2f}; shares of those hit)"


def _of_controls(found: Backtest) -> list[str]:
    told = {row["touched"]: row for row in found.contrast.iter_rows(named=True)}
    if set(told) != {True, False}:
        return []
    hit, spared = told[True], told[False]
    p = hit["p"]
    return [
        "suppliers that are hit: median log change of their share "
        f"{hit['median_log_change']:+.2f} in the {hit['rows']} markets with measures, "
        f"{spared['median_log_change']:+.2f} in the {spared['rows']} without"
        + ("" if p is None else f" ({_p(p)})")
    ]


def _p(value: float) -> str:
    return "p below 0.01" if value < 0.01 else f"p {value:.2f}"
