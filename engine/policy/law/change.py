"""By how much the law changed the duty on each flow of a world between two days."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from tradewedge.duty import Duty
from tradewedge.errors import ConfigError
from tradewedge.policy.law.lines import IMPORTER, as_date
from tradewedge.policy.law.spread import WEIGHTS, origin_among, spread
from tradewedge.policy.law.stacking import Floats, Ints
from tradewedge.policy.law.tables import Law, law
from tradewedge.policy.law.terms import Pairs, statutory
from tradewedge.world import World

_TINY: Final = 1e-12


@dataclass(frozen=True, eq=False)
class LawChange:
    """The change of statutory duties on a world's flows into the United States.

    Attributes
    ----------
    on : date
    since : date or None
        None: the day or year whose law the world's duties are, by default the mean over the days
        of its year.
    duties : tuple of Duty
        Change of each authority's rate (negative where it fell), to be added to the baseline:
        ``t_on = effective_base + (statutory_on - statutory_since)``.
    coverage : DataFrame
        weights ("own imports", "all partners", "simple mean", "no line"), flows, value
        (thousand USD), share (of the value of all flows into the United States), change
        (value-weighted, a fraction).
    capped : int
        Flows whose fall was cut because it exceeds the baseline tariff.
    """

    on: date
    since: date | None
    duties: tuple[Duty, ...]
    coverage: pl.DataFrame
    capped: int

    def total(self, n_flows: int) -> Floats:
        """Sum over authorities, float64 [F]."""
        total = np.zeros(n_flows)
        for duty in self.duties:
            total[duty.rows] += duty.rate
        return total


@dataclass(frozen=True, eq=False)
class LawOfDays:
    """One world, ready for the law of many days: what they share is worked out once.

    Attributes
    ----------
    world : World
        Needs a vintage; its year is used where ``since`` is None.
    since : date, optional
        As in :func:`law_change`.
    """

    world: World
    since: date | None = None
    _known: dict[date, LawChange] = field(default_factory=dict, init=False, repr=False)

    def change(self, on: date) -> LawChange:
        """The change of law up to a day; each is worked out once."""
        if on not in self._known:
            self._known[on] = self._change(on)
        return self._known[on]

    def _change(self, on: date) -> LawChange:
        world, lines, n = self.world, self._lines, self.world.value.size
        change = _average(lines.pairs, [(on, 1.0)])
        for authority, rate in self._earlier.items():
            change[authority] = change.get(authority, 0.0) - rate
        by_flow: dict[str, Floats] = {}
        for authority, rate in change.items():
            by_flow[authority] = np.bincount(lines.row, lines.weight * rate, n).astype(np.float64)
        capped = _cap(by_flow, world)
        duties = tuple(
            Duty(authority, rows, rate[rows])
            for authority, rate in sorted(by_flow.items())
            if (rows := np.flatnonzero(np.abs(rate) > _TINY).astype(np.int64)).size
        )
        total = np.sum(list(by_flow.values()), axis=0)
        return LawChange(on, self.since, duties, _coverage(world, lines, total), capped)

    @cached_property
    def _lines(self) -> "_FlowLines":
        if self.world.vintage is None:
            raise ConfigError(
                f"world {self.world.name!r} has no HS vintage: the law cannot be placed on it"
            )
        return _flow_lines(self.world, self.world.vintage)

    @cached_property
    def _earlier(self) -> dict[str, Floats]:
        """Rates before, by authority, on every pair."""
        if self.since is not None:
            return _average(self._lines.pairs, [(self.since, 1.0)])
        told = self.world.tariff_law or self.world.year
        if told is None:
            raise ConfigError(f"world {self.world.name!r} has no year: give since=")
        return _average(self._lines.pairs, days_of(law(), str(told)))


def law_change(world: World, on: date | str, since: date | str | None = None) -> LawChange:
    """Compare the law of a day with that of the world's year, flow by flow.

    Parameters
    ----------
    world : World
        Needs a vintage; its year is used where ``since`` is not given.
    on : date or str
        The day of the law wanted.
    since : date or str, optional
        The day of the law in the baseline. Default: that of the world's ``tariff_law``, else the
        mean over the days of the world's year, since effective rates blend the year.

    Returns
    -------
    LawChange
        Line-level differences, weighted by the partner's own US imports of 2024; where it has
        none, by all partners' imports; last by a simple mean.

    Raises
    ------
    ConfigError
        If the world has no vintage, or neither year nor ``since`` is given.
    """
    return LawOfDays(world, None if since is None else as_date(since)).change(as_date(on))


def days_of(rules: Law, told: str) -> list[tuple[date, float]]:
    """A day, or the spells of a year, with shares that add up to 1.

    Parameters
    ----------
    rules : Law
    told : str
        "2026-01-20" or "2024".

    Raises
    ------
    ConfigError
        If it is neither, or lies before the law that ships.
    """
    if not told.isdecimal():
        return [(as_date(told), 1.0)]
    as_date(f"{told}-01-01")
    return year_of(rules, int(told))


def year_of(rules: Law, year: int) -> list[tuple[date, float]]:
    """First days of the law's spells in a year, with their share of its days."""
    first, following = date(year, 1, 1), date(year + 1, 1, 1)
    turns = {first, *(day for day in rules.turns if first < day < following)}
    days = sorted(turns)
    ends = [*days[1:], following]
    return [
        (start, (end - start).days / (following - first).days)
        for start, end in zip(days, ends, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class _FlowLines:
    """Tariff lines of flows into the United States.

    ``row`` [n] is the flow of each pair of line and origin, ``weight`` [n] the line's share in it;
    ``weights`` is (row, whose imports the weights are) of every flow.
    """

    row: Ints
    pairs: Pairs
    weight: Floats
    weights: pl.DataFrame


def _average(pairs: Pairs, days: list[tuple[date, float]]) -> dict[str, Floats]:
    """Rates by authority, averaged over days with shares."""
    sums: dict[str, Floats] = {}
    for day, share in days:
        for authority, rate in statutory(law(), pairs, day).by_authority().items():
            sums[authority] = sums.get(authority, 0.0) + share * rate
    return sums


def _flow_lines(world: World, vintage: str) -> _FlowLines:
    flows = _us_flows(world)
    row = flows["row"].to_numpy()
    # An aggregate and one of its members may share an origin.
    names, code = np.unique([origin_in(world, c) for c in world.countries], return_inverse=True)
    lines = spread(flows["product"], names.tolist(), code[world.flow_exporter[row]], vintage)
    weights = pl.DataFrame({"row": row, "weights": pl.Series(WEIGHTS).gather(lines.how)})
    return _FlowLines(row[lines.row], lines.pairs, lines.weight, weights)


def _us_flows(world: World) -> pl.DataFrame:
    """row, product of every flow into the United States from abroad.

    A segment of an importer has the importer's law.
    """
    into = np.array([country == IMPORTER for country in world.countries])
    rows = np.flatnonzero(into[world.parent[world.flow_importer]] & ~into[world.flow_exporter])
    return pl.DataFrame({"row": rows, "product": world.product_column(world.flow_product[rows])})


def origin_in(world: World, exporter: str) -> str:
    """The origin whose law and weights a partner of the world takes."""
    return origin_among(world.aggregates, exporter)


def _cap(by_flow: dict[str, Floats], world: World) -> int:
    """Scale falls down, in place, where they would make the tariff negative."""
    fall = np.sum([np.minimum(rate, 0.0) for rate in by_flow.values()], axis=0)
    rise = np.sum([np.maximum(rate, 0.0) for rate in by_flow.values()], axis=0)
    room = world.tariff_base + rise
    over = (-fall > room + _TINY) & world.tariff_known
    keep = np.where(over, room / np.where(over, -fall, 1.0), 1.0)
    for rate in by_flow.values():
        rate *= np.where(rate < 0, keep, 1.0)
    return int(over.sum())


def _coverage(world: World, lines: _FlowLines, change: Floats) -> pl.DataFrame:
    flows = _us_flows(world)
    rows = flows["row"].to_numpy()
    return (
        flows.with_columns(value=world.value[rows], change=change[rows])
        .join(lines.weights, on="row")
        .group_by("weights")
        .agg(
            flows=pl.len().cast(pl.Int64),
            change=(pl.col("change") * pl.col("value")).sum() / pl.col("value").sum(),
            value=pl.col("value").sum(),
        )
        .with_columns(share=pl.col("value") / pl.col("value").sum())
        .select("weights", "flows", "value", "share", "change")
        .sort("value", descending=True)
    )
