"""A back-test as a page of text, tables and drawings."""

from collections.abc import Sequence
from typing import Any, Final

from tradewedge.backtest import verdict
from tradewedge.backtest.comparison import WHAT
from tradewedge.backtest.trial import Backtest
from tradewedge.backtest.yearly import share_of_year
from tradewedge.bench.page import Block, Figure, Heading, Table, Text, table

_DIFFERENCED: Final = (
    "Shares within an importer's purchases difference out whatever scales all its suppliers alike: "
    "growth of its demand, inflation, the exchange rate of its currency. Values and unit values "
    "are net of the same product's imports by all others, which takes out the world's price and "
    "demand for it. Neither takes out what happens to one supplier or one market in these years "
    "from another cause."
)
_HEADER: Final = (
    "contender",
    "units",
    "products",
    "error",
    "no change",
    "skill",
    "95 %",
    "Spearman",
    "95 %",
    "p",
    "Kendall",
    "signs",
)


def title(found: Backtest) -> str:
    """The heading."""
    return f"Back-test: {found.experiment.title or found.experiment.name}"


def blocks(found: Backtest, figures: Sequence[Figure] = ()) -> list[Block]:
    """The whole page."""
    told = found.experiment
    made: list[Block] = [
        Heading(1, title(found)),
        Text(f"{told.before} against {told.after}. {told.description}"),
        Heading(2, "What it shows"),
        *(Text(f"- {sentence}.") for sentence in verdict.sentences(found)),
        Heading(2, "What was enacted"),
        *_measures(found),
        Heading(2, "What is compared"),
        Text(_DIFFERENCED),
        Text(_legend(found)),
    ]
    made += list(figures)
    for what, words in WHAT.items():
        made += [Heading(2, f"Scores: {words}"), scores_table(found, what)]
    made += [Heading(2, "Against product-level sigmas"), *_duels(found)]
    if found.training is not None:
        made += [Heading(2, "The choice of sigma"), *_training(found)]
    made += [Heading(2, "What the model cannot see"), *(Text(f"- {t}") for t in told.unseen)]
    if found.remarks:
        made += [Heading(2, "What was not predicted"), *(Text(f"- {t}.") for t in found.remarks)]
    return made


def scores_table(found: Backtest, what: str) -> Table:
    """Every contender's scores of one of the quantities."""
    rows = []
    for row in found.scores.filter(what=what).iter_rows(named=True):
        mark = "" if row["sample"] == "all" else " (common products)"
        rows.append(
            (
                f"{row['scenario']}: {row['model']}, {row['sigma']}{mark}",
                str(row["units"]),
                str(row["products"]),
                number(row["error"], 3),
                number(row["error_no_change"], 3),
                number(row["skill"], 2, signed=True),
                span(row["skill_low"], row["skill_high"]),
                number(row["spearman"], 2, signed=True),
                span(row["spearman_low"], row["spearman_high"]),
                number(row["spearman_p"], 2),
                number(row["kendall"], 2, signed=True),
                f"{number(row['sign_hits'], 2)} of {row['signed']}",
            )
        )
    return table(_HEADER, rows)


def number(value: float | None, digits: int, *, signed: bool = False) -> str:
    """A number with so many decimals; a dash for none."""
    if value is None:
        return "-"
    return f"{value:{'+' if signed else ''}.{digits}f}"


def span(low: float | None, high: float | None) -> str:
    """An interval."""
    return "-" if low is None or high is None else f"{low:+.2f} to {high:+.2f}"


def _measures(found: Backtest) -> list[Block]:
    told = found.experiment
    rows = []
    for scenario in told.scenarios:
        for measure in scenario.measures:
            rows.append(
                (
                    f"{scenario.title}: {measure.title}",
                    *(_share(measure, year) for year in found.years),
                )
            )
    sources = [
        Text(f"- {scenario.title}: {scenario.source or 'no source given'}")
        for scenario in told.scenarios
    ]
    header = ("measure", *(f"share of {year}" for year in found.years))
    return [table(header, rows), *sources]


def _share(measure: Any, year: int) -> str:
    return f"{share_of_year(measure, year):.3f}" if measure.dated else "undated"


def _legend(found: Backtest) -> str:
    cut = found.plan.cut
    named = (
        f"the set {found.plan.elasticities}" if found.plan.elasticities else "what the world holds"
    )
    weights = "their imports in the year before" if cut.weights == "value" else "one each"
    return (
        'Error: for suppliers, the share of imports that "no change" or the model gives to the '
        "wrong supplier; for those hit, the distance of their shares; for values and unit values "
        f"the distance of log changes. Products and importers weigh {weights}. Skill is 1 - error "
        '/ error of "no change". Intervals: 95 % of a bootstrap over products, over pairs of '
        "product and importer where products are fewer than five. p: share of shuffled predictions "
        "whose order is at least as good; rows are shuffled freely, so that it flatters where they "
        f"hang together. Left out: imports below {cut.least_value:g} thousand USD; suppliers "
        f"below {cut.least_share:g} of them in ranks. Sigma: product = "
        f"{named}; flat = its geometric mean; trained = chosen on other "
        "years; horizon = the elasticities of so many years after a change."
    )


def _duels(found: Backtest) -> list[Block]:
    rows = [
        (
            f"{row['scenario']}: {WHAT[row['what']]}",
            row["second"],
            str(row["units"]),
            number(row["gain"], 3, signed=True),
            span(row["gain_low"], row["gain_high"]),
        )
        for row in found.duels.iter_rows(named=True)
    ]
    first = f"{found.plan.models[0]} with product-level sigmas"
    text = f"Gain: by how much the error of {first} is below that of the other, on the same units."
    return [Text(text), table(("quantity", "the other", "units", "gain", "95 %"), rows)]


def _training(found: Backtest) -> list[Block]:
    training = found.training
    assert training is not None
    text = (
        f"Chosen on {', '.join(training.pairs)}: {training.chosen}; with sigmas at their own level "
        f"(scale 1): weight {training.at_full_scale.weight:g}. Weight 0 is product-level, 1 flat. "
        "Below 0 sigmas lie further apart than in the set. Error is relative to "
        '"no change"; the last columns say how often the mixture is chosen when products are '
        "resampled, among all and among those of its scale."
    )
    rows = [
        (
            f"{row['weight']:g}",
            f"{row['scale']:g}",
            number(row["error"], 3),
            number(row["chosen_share"], 2),
            number(row["chosen_alone"], 2),
        )
        for row in training.grid.iter_rows(named=True)
    ]
    return [Text(text), table(("weight", "scale", "error", "chosen", "at its scale"), rows)]
