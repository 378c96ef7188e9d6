"""The tables that an estimation is given, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from tradewedge import tidy
from tradewedge.errors import ConfigError, DataError
from tradewedge.estimation.formula import Formula
from tradewedge.sources.tally import DROPPED, KEPT, READ, audit_frame
from tradewedge.sources.tariffs import RATES, Tariffs

#: Column of the prefix that a row is estimated with.
GROUP: Final = "_group"
PAIR: Final = ("exporter", "importer")
#: Columns by which tables are joined.
KEYS: Final = ("product", "year", *PAIR)
_STEP: Final = "flows"


@dataclass(frozen=True, eq=False)
class Inputs:
    """Checked tables.

    Attributes
    ----------
    flows : DataFrame
        The columns that are needed: codes as text, numbers as float64, the group of each row.
    tariffs : mapping of int or None to Tariffs, or None
        By year; under None those of every year.
    covariates : tuple of DataFrame
        Each with the codes it is keyed by, and numbers.
    zeros : bool
        Whether a pair that does not trade counts as a flow of zero.
    audit : DataFrame
        step, reason, rows, value.
    """

    flows: pl.DataFrame
    tariffs: dict[str | None, Tariffs] | None
    covariates: tuple[pl.DataFrame, ...]
    zeros: bool
    audit: pl.DataFrame


def check_flows(
    flows: pl.DataFrame,
    formula: Formula,
    groups: pl.Expr,
    keys: Sequence[str],
    numbers: Sequence[str],
    *,
    product: bool,
    home: bool,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The columns that are needed, and the audit.

    Parameters
    ----------
    keys, numbers : sequence of str
        Columns of codes and of numbers that the flows have to have.
    groups : Expr
        The prefix that each row belongs to; null where none.
    product : bool
        Whether the groups are made of products.
    home : bool
        Whether rows with the same exporter and importer stay.

    Raises
    ------
    DataError
        For a column that is missing, no number, or below 0 where a flow is.
    """
    needed = [*keys, "product"] if product and "product" not in keys else keys
    typed = tidy.typed(_texts(flows, keys), _STEP, needed, numbers)
    value = pl.col(formula.response)
    tidy.check_rows(typed, _STEP, keys, {f"{formula.response} is below 0": value < 0})
    reasons = {f"{name} is missing": pl.col(name).is_null() for name in keys}
    reasons |= {f"{formula.response} is missing": value.is_null() | ~value.is_finite()}
    if not home and set(PAIR) <= set(keys):
        reasons["sales at home"] = pl.col(PAIR[0]) == pl.col(PAIR[1])
    left = typed.with_columns(groups.alias(GROUP))
    reasons["product not asked for"] = pl.col(GROUP).is_null()
    lines = [(_STEP, READ, *_size(left, formula.response))]
    for text, out in reasons.items():
        taken = left.filter(out)
        if taken.height:
            lines.append((_STEP, DROPPED + text, *_size(taken, formula.response)))
            left = left.filter(~out.fill_null(value=False))
    lines.append((_STEP, KEPT, *_size(left, formula.response)))
    if left.is_empty():
        raise DataError(f"{_STEP}: no row is left: {'; '.join(line[1] for line in lines[1:-1])}")
    return left.sort(GROUP, maintain_order=True), audit_frame(lines)


def _texts(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The same with those columns as text: a year is a number in one table and text in another."""
    made = []
    for name in names:
        if name not in frame.columns or (name == "product" and frame.schema[name].is_numeric()):
            continue  # a code that is a number has lost its zeros: an error further on
        column = pl.col(name)
        made.append(column.cast(pl.Int64) if frame.schema[name].is_float() else column)
    return frame.with_columns(column.cast(pl.String) for column in made)


def _size(rows: pl.DataFrame, response: str) -> tuple[int, float | None]:
    """Rows, and thousand USD where it is these that are explained."""
    return rows.height, float(rows["value"].sum()) if response == "value" else None


def read_tariffs(
    table: pl.DataFrame | pl.LazyFrame, importers: Sequence[str] | None
) -> dict[str | None, Tariffs]:
    """A table of rates by year.

    Parameters
    ----------
    table : frame
        product, exporter ("*": all without a row of their own), importer, rate (fraction), and
        optionally year and authority (rates of several add up).
    importers : sequence of str or None
        Whose rates the table holds in full; default: those it mentions, each year; "*" for all.

    Raises
    ------
    DataError
        For a missing column or rate, or a rate of -1 or less.
    """
    where = "tariffs"
    frame = tidy.collect(table, where)
    names = ["product", *PAIR]
    extra = [name for name in ("year", "authority") if name in frame.columns]
    rates = tidy.typed(_texts(frame, [*names, *extra]), where, [*names, *extra], ["rate"])
    tidy.check_rows(
        rates,
        where,
        [*names, *extra],
        {
            "rate is missing": pl.col("rate").is_null(),
            "rate is not above -1": pl.col("rate") <= -1,
            **{f"{name} is missing": pl.col(name).is_null() for name in (*names, *extra)},
        },
    )
    if "authority" not in extra:
        rates = rates.with_columns(authority=pl.lit("tariff"))
    tidy.reject_duplicates(rates, [*names, *extra], where)
    by_year = rates.partition_by("year", as_dict=True) if "year" in extra else {(None,): rates}
    return {
        year: Tariffs(
            rates=part.with_columns(usd_per_kg=pl.lit(0.0)).select(*RATES),
            audit=audit_frame([]),
            vintage=None,
            importers=tuple(importers or part["importer"].unique().sort()),
            title=where,
        )
        for (year,), part in sorted(by_year.items(), key=lambda item: str(item[0]))
    }


def read_covariates(
    frame: pl.DataFrame, keys: Sequence[str], numbers: Sequence[str], where: str
) -> pl.DataFrame:
    """Those columns of a table of covariates that the formula speaks of, one row per key.

    Raises
    ------
    DataError
        For no key, or one that stands twice.
    """
    on = [name for name in keys if name in frame.columns]
    if not on:
        raise DataError(f"{where}: has none of the columns {', '.join(keys)} to join it by")
    held = [name for name in numbers if name in frame.columns]
    typed = tidy.typed(_texts(frame, on), where, on, held)
    tidy.reject_duplicates(typed, on, where)
    return typed


def check_zeros(
    formula: Formula,
    brought: Sequence[str],
    cluster: Sequence[Sequence[str]],
    columns: Sequence[str],
) -> None:
    """Whether flows of zero can be added.

    Parameters
    ----------
    brought : sequence of str
        Columns of numbers that the flows bring along themselves.
    cluster : sequence of sequence of str
    columns : sequence of str
        Those of the flows.

    Raises
    ------
    ConfigError
        If a zero could not have what the formula asks for.
    """
    asked = [*brought, *formula.keys, *(name for dimension in cluster for name in dimension)]
    unknown = [name for name in asked if name not in (*KEYS, formula.response)]
    missing = [name for name in PAIR if name not in columns]
    if unknown or missing:
        what = f"have no {missing[0]}" if missing else f"bring {unknown[0]} along"
        raise ConfigError(
            f"zeros: flows {what}, so that a pair without trade cannot be filled in. Give columns "
            "of numbers as tariffs or covariates, or say zeros=false"
        )
