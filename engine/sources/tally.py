"""Rows that are read are kept, dropped for a stated reason, or an error: never lost.

A source states its rules; :func:`sift` applies them in one pass over the file and gives the rows
kept with an audit: how many rows and how much value were read, dropped under each rule, and kept.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from tradewedge.errors import DataError

#: The same columns as the audit of a world; value in thousand USD unless the step says otherwise.
AUDIT: Final = {"step": pl.String, "reason": pl.String, "rows": pl.Int64, "value": pl.Float64}
READ, KEPT, DROPPED, OF_THESE, MADE = "read", "kept", "dropped: ", "of these ", "added up to"
#: A cent, in thousand USD, and what float64 totals can resolve.
_CENT: Final = 1e-5
_ROUNDING: Final = 1e-15

_KEPT: Final = 255


class Table(Protocol):
    """Something that can be scanned twice."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def scan(self) -> pl.LazyFrame:
        """Its rows."""

    def place(self, row: int) -> str:
        """Where its data row number ``row`` stands, counted from 0: "line 17"."""

    def explain(self, error: Exception) -> str:
        """Why it cannot be read, and where."""


@dataclass(frozen=True, eq=False)
class Rule:
    """What becomes of some rows.

    Attributes
    ----------
    text : str
        Why they are dropped; or, with ``field``, what is wrong, as "is negative".
    rows : Expr
        True where the rule takes a row; the first rule that does decides.
    field : str, optional
        The column at fault: such a row is an error, not a drop.
    hint : str
        What to do about the error.
    name : str, optional
        What messages call the field; default: its own name.
    """

    text: str
    rows: pl.Expr
    field: str | None = None
    hint: str = ""
    name: str | None = None


@dataclass(frozen=True, eq=False)
class Sifted:
    """Rows kept, and the audit of all that were read."""

    frame: pl.DataFrame
    audit: pl.DataFrame


def sift(
    table: Table,
    prepare: Callable[[pl.LazyFrame], pl.LazyFrame],
    rules: Sequence[Rule],
    columns: Sequence[str],
    *,
    step: str,
    notes: Sequence[Rule] = (),
    weight: str | None = "value",
    quick: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None,
) -> Sifted:
    """Read a table in one pass and keep what no rule takes.

    Parameters
    ----------
    table : Table
    prepare : callable
        Adds to the raw columns those that ``rules`` and ``columns`` speak of.
    rules : sequence of Rule
        At most 255.
    columns : sequence of str
        What the kept rows consist of; ``weight`` among them.
    step : str
        Name of this reading in the audit.
    notes : sequence of Rule
        Kept rows to count apart, as "of these ...".
    weight : str or None
        The column whose sums tie; None: rows alone are counted.
    quick : callable, optional
        For files of millions of rows: adds ``columns`` by the cheapest means, and the column
        ``sure``, true only where neither a rule nor a note takes the row and ``prepare`` would
        say the same. The other rows are read with care.

    Raises
    ------
    DataError
        At the first row of a rule that has a ``field``, naming file, line and field.
    """
    sure, doubtful = _split(table, columns, quick)
    judged = prepare(doubtful).select(*columns, _rule=_first_of(rules), **_flags(notes))
    rows = collect([judged], table)[0]
    counts = {
        code: (number, whole, fraction)
        for code, number, whole, fraction in rows.group_by("_rule").agg(totals(weight)).iter_rows()
    }
    for index, rule in enumerate(rules):
        if rule.field is not None and index in counts:
            raise _fault(table, prepare, rules, index, counts[index][0])
    taken = rows if counts.keys() == {_KEPT} else rows.filter(pl.col("_rule") == _KEPT)
    kept = taken.select(columns) if sure is None else pl.concat([sure, taken.select(columns)])
    counts[_KEPT] = kept.select(totals(weight)).row(0)
    lines = [(step, READ, *_sum(counts.values()))]
    lines += [
        (step, DROPPED + rule.text, *_sum([counts[index]]))
        for index, rule in enumerate(rules)
        if index in counts
    ]
    lines.append((step, KEPT, *_sum([counts[_KEPT]])))
    for index, note in enumerate(notes):
        seen = taken.filter(f"_note{index}").select(totals(weight)).row(0)
        if seen[0]:
            lines.append((step, OF_THESE + note.text, *_sum([seen])))
    audit = audit_frame(lines)
    return Sifted(kept, audit if weight else audit.with_columns(value=pl.lit(None, pl.Float64)))


def _split(
    table: Table,
    columns: Sequence[str],
    quick: Callable[[pl.LazyFrame], pl.LazyFrame] | None,
) -> tuple[pl.DataFrame | None, pl.LazyFrame]:
    """Rows beyond doubt, and the raw others."""
    if quick is None:
        return None, table.scan()
    read = quick(table.scan())
    raw = pl.col(table.scan().collect_schema().names())
    sure, doubtful = collect(
        [read.filter("sure").select(columns), read.filter(~pl.col("sure")).select(raw)], table
    )
    return sure, doubtful.lazy()


def drop(done: Sifted, step: str, text: str, rows: pl.Expr, weight: str = "value") -> Sifted:
    """Drop further rows for a reason that shows only when all are read."""
    taken, kept = done.frame.filter(rows), done.frame.filter(~rows)
    if taken.is_empty():
        return done
    last = (pl.col("step") == step) & (pl.col("reason") == KEPT)
    index = int(done.audit.select(last.arg_true()).item())
    lines = [
        (step, DROPPED + text, *exact(taken, weight)),
        (step, KEPT, *exact(kept, weight)),
    ]
    parts = [done.audit[:index], audit_frame(lines), done.audit[index + 1 :]]
    return Sifted(kept, pl.concat(parts))


def totals(weight: str | None) -> list[pl.Expr]:
    """Rows, and the sum of a column in whole units and in fractions.

    Whole units are added up as integers, so that the totals of eleven million flows tie to the
    cent in whatever order they are summed. What is no number counts as 0.
    """
    if weight is None:
        return [pl.len().cast(pl.Int64).alias("rows"), pl.lit(0).alias("whole"), pl.lit(0.0)]
    value = pl.when(pl.col(weight).is_finite()).then(pl.col(weight)).otherwise(0.0)
    whole = value.floor()
    return [
        pl.len().cast(pl.Int64).alias("rows"),
        whole.cast(pl.Int64, strict=False).sum().alias("whole"),
        (value - whole).sum().alias("fraction"),
    ]


def exact(frame: pl.DataFrame, weight: str = "value") -> tuple[int, float]:
    """Rows of a table and the sum of a column, as in an audit."""
    return _sum([frame.select(totals(weight)).row(0)])


def audit_frame(lines: Sequence[tuple[str, str, int, float | None]]) -> pl.DataFrame:
    """An audit from (step, reason, rows, value)."""
    return pl.DataFrame(list(lines), schema=AUDIT, orient="row")


def why_nothing(audit: pl.DataFrame) -> str:
    """What the rows of a file that leaves none were dropped for."""
    lost = audit.filter(pl.col("reason").str.starts_with(DROPPED))
    told = lost.group_by("reason", maintain_order=True).agg(pl.col("rows").sum()).iter_rows()
    return ", ".join(f"{rows:,} {reason.removeprefix(DROPPED)}" for reason, rows in told)


def check_ties(audit: pl.DataFrame) -> None:
    """Every step's rows and value dropped and kept add up to those read.

    Raises
    ------
    DataError
        If they do not: a mistake in a reader, never in a file.
    """
    for (step,), lines in audit.group_by("step", maintain_order=True):
        reason = pl.col("reason")
        read, parts, made = (
            lines.filter(which)
            for which in (
                reason == READ,
                (reason == KEPT) | reason.str.starts_with(DROPPED),
                reason == MADE,
            )
        )
        if read.is_empty():
            continue
        sums = [(int(part["rows"].sum()), float(part["value"].sum())) for part in (read, parts)]
        if sums[0][0] != sums[1][0] or not _same(sums[0][1], sums[1][1]):
            raise DataError(
                f"{step}: {sums[0][0]} rows and {sums[0][1]:.5f} were read, but {sums[1][0]} rows "
                f"and {sums[1][1]:.5f} are accounted for"
            )
        kept = float(lines.filter(reason == KEPT)["value"].sum())
        if not made.is_empty() and not _same(kept, float(made["value"].sum())):
            raise DataError(
                f"{step}: {kept:.5f} was kept, but added up to {made['value'].sum():.5f}"
            )


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= max(_CENT, _ROUNDING * abs(one))


def collect(queries: Sequence[pl.LazyFrame], table: Table) -> list[pl.DataFrame]:
    """Run queries over a table in one pass; what cannot be read is a :class:`DataError`."""
    try:
        return pl.collect_all(queries)
    except (OSError, pl.exceptions.ComputeError) as error:
        raise DataError(f"{table.name}: {table.explain(error)}") from error


def _first_of(rules: Sequence[Rule]) -> pl.Expr:
    """Number of the first rule that takes a row."""
    code = pl.lit(_KEPT, dtype=pl.UInt8)
    for index in reversed(range(len(rules))):
        number = pl.lit(index, dtype=pl.UInt8)
        code = pl.when(rules[index].rows.fill_null(value=False)).then(number).otherwise(code)
    return code


def _flags(notes: Sequence[Rule]) -> dict[str, pl.Expr]:
    return {f"_note{i}": note.rows.fill_null(value=False) for i, note in enumerate(notes)}


def _sum(groups: Iterable[tuple[int, int, float]]) -> tuple[int, float]:
    rows, whole, fraction = (sum(numbers) for numbers in zip(*groups, strict=True))
    return int(rows), float(whole + fraction)


def _fault(
    table: Table,
    prepare: Callable[[pl.LazyFrame], pl.LazyFrame],
    rules: Sequence[Rule],
    index: int,
    rows: int,
) -> DataError:
    """The error for the first row that a rule rejects."""
    rule = rules[index]
    numbered = prepare(table.scan()).with_row_index("_row").with_columns(_rule=_first_of(rules))
    first = collect([numbered.filter(pl.col("_rule") == index).sort("_row").head(1)], table)
    row = first[0].row(0, named=True)
    also = f" (and {rows - 1:,} more rows)" if rows > 1 else ""
    hint = f". {rule.hint}" if rule.hint else ""
    return DataError(
        f"{table.name}, {table.place(row['_row'])}: {rule.name or rule.field} {rule.text}: "
        f"{row[rule.field or '']!r}{also}{hint}"
    )
