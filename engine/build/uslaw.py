"""US import law of a day or a year on flows, authority by authority.

The law is written at eight and ten digits. A flow's rate is the mean over the lines of its product,
weighted by what its exporter sold to the United States in 2024: that of ``tradewedge data duty``.
What of it is a mean, a share or a judgement is counted, and listed flow by flow in
``us_law.parquet``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.build.duties import add_money
from tradewedge.build.plan import UsLaw
from tradewedge.build.stage import Stage
from tradewedge.errors import ConfigError
from tradewedge.policy.law import Stack, law, statutory
from tradewedge.policy.law.change import days_of
from tradewedge.policy.law.lines import IMPORTER, check_scopes
from tradewedge.policy.law.spread import NONE, WEIGHTS, Spread, origin_among, spread
from tradewedge.policy.law.tables import VINTAGE
from tradewedge.policy.law.terms import claimable
from tradewedge.sources.tally import OF_THESE, audit_frame, exact

__all__ = ["IMPORTER", "TABLE", "VINTAGE", "charge", "note"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TABLE: Final = "us_law"
_TINY: Final = 1e-12
#: What is said of a flow besides its rate, and how the audit counts it.
FLAGS: Final = {
    "mixed": "with lines of different rates: the mean",
    "content": "charged on a metal content that is an assumption",
    "reach": "on a list that reaches some of its goods only",
    "specific": "with an ordinary duty by weight, piece or reference, which is not in the rate",
    "preference": "whose exporter may claim a preference",
}


def charge(
    flows: pl.DataFrame, told: UsLaw, vintage: str | None, aggregates: Mapping[str, Sequence[str]]
) -> Stage:
    """Add what each authority of the United States charges, as columns of money.

    Parameters
    ----------
    flows : DataFrame
        year, product, exporter, importer, value, quantity.
    told : UsLaw
    vintage : str or None
        HS edition of the products.
    aggregates : mapping
        Exporters that stand for several countries.

    Raises
    ------
    ConfigError
        Without HS codes or flows into the United States, for a day before the tables begin, or a
        list that the law has not.
    """
    if vintage is None:
        raise ConfigError("us_law: the law is on HS codes, and these products are none")
    indexed = flows.with_row_index("row")
    ends = {end: pl.col(end).cast(pl.String) for end in ("exporter", "importer")}
    into = indexed.filter((ends["importer"] == IMPORTER) & (ends["exporter"] != IMPORTER))
    if into.is_empty():
        raise ConfigError("us_law: no flow of the data goes into the United States")
    exporters = into.select(ends["exporter"]).to_series()
    origin = {code: origin_among(aggregates, code) for code in exporters.unique().sort()}
    names, index = np.unique(list(origin.values()), return_inverse=True)
    number = exporters.replace_strict(list(origin), index, return_dtype=pl.Int64).to_numpy()
    lines = spread(into["product"], names.tolist(), number, vintage)
    found = _average(lines, told)
    value = into["value"].to_numpy()
    made = indexed
    for authority, rate in found.by_authority.items():
        mean = lines.mean(rate)
        due = into.select("row").with_columns(due=pl.Series(value * mean))
        if np.any(np.abs(mean) > _TINY):
            made = add_money(made, authority, due)
    table = _table(into, lines, found)
    return Stage(made.drop("row"), _audit(table, told), {TABLE: table})


def note(told: UsLaw) -> str:
    """A sentence for the world's notes."""
    used = {"average": "used as observed", "claimed": "always used", "none": "never used"}
    return (
        f"US tariffs are those of the law of {told.on}, preferences {used[told.preference]}; "
        "antidumping duties, exclusions and specific duties are not in them."
    )


@dataclass(frozen=True, eq=False)
class _OnLines:
    """Rates by authority on the m lines of a spread, their total, and the flags."""

    by_authority: dict[str, Floats]
    total: Floats
    flags: dict[str, Bools]


def _average(lines: Spread, told: UsLaw) -> _OnLines:
    """The law of a day, or the mean over the days of a year."""
    rules, pairs = law(), lines.pairs
    check_scopes(rules, told.in_scope)
    sums: dict[str, Floats] = {}
    m = lines.row.size
    content, reach, preference = (np.zeros(m, dtype=bool) for _ in range(3))
    for day, share in days_of(rules, str(told.on)):
        stack = statutory(rules, pairs, day, told.preference, told.in_scope)
        for authority, rate in stack.by_authority().items():
            sums[authority] = sums.get(authority, 0.0) + share * rate
        content |= _in_part(stack, content=True)
        reach |= _in_part(stack, content=False)
        preference |= claimable(rules, pairs, day) < rules.ordinary("general")[pairs.line]
    odd = rules.lines.select(
        (pl.col("general_usd_per_kg") > 0) | ~pl.col("general_read")
    ).to_series()
    row = rules.rate_line[pairs.line]
    flags = {
        "content": content,
        "reach": reach,
        "specific": np.where(row >= 0, odd.to_numpy()[row], False),
        "preference": preference,
    }
    total: Floats = np.sum(list(sums.values()), axis=0)
    return _OnLines(sums, total, flags)


def _in_part(stack: Stack, *, content: bool) -> Bools:
    """Lines on which a programme charges a content, or reaches a share of the goods."""
    found = np.zeros(stack.mfn.size, dtype=bool)
    for part in stack.parts:
        if content and part.term.content < 1.0:
            found |= part.base > 0
        elif not content and part.term.in_scope < 1.0:
            found |= part.term.applies
    return found


def _table(into: pl.DataFrame, lines: Spread, found: _OnLines) -> pl.DataFrame:
    """A row per flow: its rate, lowest and highest over its lines, and the flags."""
    n = into.height
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, lines.row, found.total)
    np.maximum.at(high, lines.row, found.total)
    seen = lines.how < WEIGHTS.index(NONE)
    flags = {"mixed": seen & (high - low > _TINY)} | {
        name: np.bincount(lines.row, flag, n) > 0 for name, flag in found.flags.items()
    }
    numbers = {"rate": lines.mean(found.total), "low": low, "high": high}
    return into.select("year", "product", "exporter", "value").with_columns(
        *(
            pl.Series(name, np.where(seen, number, np.nan)).fill_nan(None)
            for name, number in numbers.items()
        ),
        weights=pl.Series(WEIGHTS).gather(lines.how),
        lines=pl.Series(np.bincount(lines.row, minlength=n)),
        **{name: pl.Series(flag) for name, flag in flags.items()},
    )


def _audit(table: pl.DataFrame, told: UsLaw) -> pl.DataFrame:
    step = f"US law of {told.on}"
    kinds = {
        "with lines weighed by the exporter's own US imports of 2024": WEIGHTS[0],
        "with lines weighed by all US imports of 2024": WEIGHTS[1],
        "with lines weighed alike": WEIGHTS[2],
        "without a line in the schedule, taken as free": WEIGHTS[3],
    }
    parts = {text: table.filter(pl.col("weights") == kind) for text, kind in kinds.items()}
    parts |= {text: table.filter(pl.col(name)) for name, text in FLAGS.items()}
    told_lines = [(step, OF_THESE + text, *exact(rows)) for text, rows in parts.items()]
    lines = [(step, "flows into the United States", *exact(table)), *told_lines]
    return audit_frame([line for line in lines if line[2]])
