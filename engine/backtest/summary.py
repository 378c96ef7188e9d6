"""A back-test on the terminal."""

from collections.abc import Iterator

from rich.console import RenderableType

from tradewedge.backtest import page, verdict
from tradewedge.backtest.comparison import WHAT
from tradewedge.backtest.trial import Backtest
from tradewedge.report import layout

_HEADER = ("contender", "of", "error", "skill", "95 %", "rank", "p")
_NOTE = (
    "of: products answered; skill: 1 - error / error of no change on the same products; rank: "
    "Spearman's correlation, with the chance p of an order as good."
)


def parts(found: Backtest) -> Iterator[RenderableType]:
    """Title, findings, one table per quantity, what cannot be seen."""
    told = found.experiment
    yield layout.title(f"{page.title(found)} ({told.before} against {told.after})")
    for sentence in verdict.sentences(found):
        yield layout.bullet(sentence)
    for what, words in WHAT.items():
        yield layout.title(words[0].upper() + words[1:])
        yield layout.table(_HEADER, _rows(found, what))
    yield layout.note(_NOTE)
    if found.training is not None:
        yield layout.title("Sigma chosen on " + ", ".join(found.training.pairs))
        yield layout.bullet(f"{found.training.chosen} (weight 0: product-level, 1: one flat sigma)")
        yield layout.bullet(f"at scale 1: weight {found.training.at_full_scale.weight:g}")
    yield layout.title("What the model cannot see")
    for sentence in told.unseen:
        yield layout.bullet(sentence)
    for sentence in found.remarks:
        yield layout.bullet(f"not predicted: {sentence}")


def _rows(found: Backtest, what: str) -> list[tuple[str, ...]]:
    several = found.scores["scenario"].n_unique() > 1
    scores = found.scores.filter(what=what, sample="all")
    most = scores.sort("products", descending=True).row(0, named=True)
    blank = ("-",) * 3
    error = page.number(most["error_no_change"], 3)
    rows: list[tuple[str, ...]] = [("no change", str(most["products"]), error, "+0.00", *blank)]
    for row in scores.iter_rows(named=True):
        name = f"{row['model']}, {row['sigma']}"
        rows.append(
            (
                f"{row['scenario']}: {name}" if several else name,
                str(row["products"]),
                page.number(row["error"], 3),
                page.number(row["skill"], 2, signed=True),
                page.span(row["skill_low"], row["skill_high"]),
                page.number(row["spearman"], 2, signed=True),
                page.number(row["spearman_p"], 2),
            )
        )
    return rows
