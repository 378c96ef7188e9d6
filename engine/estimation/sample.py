"""The rows that an estimation rests on: missing pairs as zeros, tariffs, covariates."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from tradewedge import codes, tidy
from tradewedge.build import duties
from tradewedge.estimation.formula import TARIFF, Formula
from tradewedge.estimation.inputs import GROUP, PAIR, Inputs
from tradewedge.sources.tariffs import ANY, Tariffs
from tradewedge.sources.trade import money

#: Flows that are made ready together: with zeros they are several times as many.
_TOGETHER: Final = 500_000


def samples(inputs: Inputs, formula: Formula) -> Iterator[tuple[str, pl.DataFrame, dict[str, int]]]:
    """The rows of each group ready to be estimated, and how many were added and lost.

    Yields
    ------
    str
        Prefix of the group.
    DataFrame
        No nulls in what the formula speaks of.
    dict of str to int
        flows, zeros_added, tariff_unknown, covariate_missing.
    """
    for slab in _slabs(inputs.flows):
        full = _with_zeros(slab, formula) if inputs.zeros else slab
        if inputs.tariffs is not None:
            full = _rated(full, inputs.tariffs)
        for table in inputs.covariates:
            on = [name for name in table.columns if table.schema[name] == pl.String]
            full = full.join(table, on=on, how="left", maintain_order="left")
        known = pl.col(TARIFF).is_not_null() if TARIFF in formula.numbers else pl.lit(value=True)
        whole = pl.all_horizontal(term.values().is_not_null() for term in formula.terms)
        given = dict(slab.group_by(GROUP).len().iter_rows())
        for (group,), rows in full.group_by(GROUP, maintain_order=True):
            rated = rows.filter(known)
            ready = rated.filter(whole)
            counts = {
                "flows": given[group],
                "zeros_added": rows.height - given[group],
                "tariff_unknown": rows.height - rated.height,
                "covariate_missing": rated.height - ready.height,
            }
            yield str(group), ready, counts


def _slabs(flows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Whole groups, as many as are worth being made ready together; rows are sorted by group."""
    start = 0
    ends = flows[GROUP].rle().struct.field("len").cum_sum().to_list()
    for end, after in zip(ends, [*ends[1:], None], strict=True):
        if after is None or after - start > _TOGETHER:
            yield flows[start:end]
            start = end


def _with_zeros(flows: pl.DataFrame, formula: Formula) -> pl.DataFrame:
    """Add the flows that could be and are not.

    With effects of pairs (of a product, where there are several) those of pairs that trade in
    another year: for the rest such an effect fits zero. Otherwise those between all exporters and
    importers of a product in a year.
    """
    own = [GROUP, *(name for name in ("product",) if name in flows.columns)]
    time = [name for name in ("year",) if name in flows.columns]
    if any({*PAIR, *own[1:]} <= set(effect) for effect in formula.effects):
        pairs = flows.select(*own, *PAIR).unique()
        every = pairs.join(flows.select(*own, *time).unique(), on=own) if time else pairs
    else:
        ends = [flows.select(*own, *time, end).unique() for end in PAIR]
        every = ends[0].join(ends[1], on=[*own, *time])
    if flows.filter(pl.col(PAIR[0]) == pl.col(PAIR[1])).is_empty():
        every = every.filter(pl.col(PAIR[0]) != pl.col(PAIR[1]))
    key = [*own, *time, *PAIR]
    tidy.reject_duplicates(flows, key, "flows")
    absent = every.join(flows, on=key, how="anti").sort(key)
    zero = absent.with_columns(pl.lit(0.0).alias(formula.response))
    return pl.concat([flows, zero.select(flows.columns)])


def _rated(flows: pl.DataFrame, tariffs: dict[str | None, Tariffs]) -> pl.DataFrame:
    """Add the tariff: null where that of the importer is unknown, or of the year."""
    if None in tariffs:
        return _rated_by(flows, tariffs[None])
    parts = []
    for (year,), rows in flows.group_by("year", maintain_order=True):
        entry = tariffs.get(str(year))
        if entry is None:
            parts.append(rows.with_columns(pl.lit(None, dtype=pl.Float64).alias(TARIFF)))
        else:
            parts.append(_rated_by(rows, entry))
    return pl.concat(parts)


def _rated_by(flows: pl.DataFrame, tariffs: Tariffs) -> pl.DataFrame:
    # The duty on one is a rate, and flows of zero have one too.
    ones = flows.select("product", *PAIR, value=pl.lit(1.0), quantity=pl.lit(None, pl.Float64))
    own = tariffs.rates.join(flows.select("product").unique(), on="product", how="semi")
    charged = duties.charge(ones, replace(tariffs, rates=own)).flows
    made = flows.with_columns(
        charged.with_columns(pl.sum_horizontal(pl.lit(0.0), *money(charged)[1:]).alias(TARIFF))[
            TARIFF
        ]
    )
    if ANY in tariffs.importers:
        return made
    known = set(tariffs.importers)
    known |= {m for name in known if codes.is_group(name) for m in codes.group_members(name)}
    sure = pl.col("importer").is_in(sorted(known)) | (pl.col(PAIR[0]) == pl.col(PAIR[1]))
    return made.with_columns(pl.when(sure).then(pl.col(TARIFF)).alias(TARIFF))
