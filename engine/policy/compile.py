"""A scenario and a world in, aligned wedges out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tradewedge.codes import nearest
from tradewedge.duty import Duty
from tradewedge.errors import ConfigError
from tradewedge.kernels.columns import Column
from tradewedge.policy import coverage, dutysets, scope
from tradewedge.policy.assemble import assemble, close
from tradewedge.policy.checks import EVERYTHING, HYPOTHETICAL
from tradewedge.policy.columns import NONE, Marked, constant
from tradewedge.policy.draft import Draft, Remark, Task
from tradewedge.policy.law import LawOfDays
from tradewedge.policy.lawbase import LawBase, under_law
from tradewedge.policy.measures import Agreement, Measure
from tradewedge.policy.rules import apply
from tradewedge.policy.scenario import Scenario
from tradewedge.policy.wedges import Match, Wedges
from tradewedge.policy.words import flow_name, some
from tradewedge.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Compiler:
    """One world, ready for many scenarios: what they share is worked out once.

    Attributes
    ----------
    world : World
    """

    world: World
    _indices: dict[tuple[str, date | None], scope.Index] = field(
        default_factory=dict, init=False, repr=False
    )

    @cached_property
    def _law(self) -> LawOfDays:
        return LawOfDays(self.world)

    @cached_property
    def _duties(self) -> tuple[Duty, ...]:
        return dutysets.ordered(self.world.duties)

    def compile(self, scenario: Scenario) -> Wedges:
        """Apply a scenario's measures to the flows; see :func:`compile_wedges`."""
        scenario = scenario.of_its_day()
        on = scenario.date if isinstance(scenario.date, date) else None
        key = scenario.vintage, on
        index = self._indices.setdefault(key, scope.Index(self.world, *key))
        day = scenario.law
        where = f"scenario {scenario.name!r}"
        base = under_law(self._law, day, where) if isinstance(day, date) else None
        return _compile(index, scenario, base, self._duties)


def compile_wedges(world: World, scenario: Scenario) -> Wedges:
    """Apply a scenario's measures to the flows of a world, by priority and then in list order.

    Many scenarios in one world are better compiled by one :class:`Compiler`.

    Parameters
    ----------
    world : World
    scenario : Scenario

    Returns
    -------
    Wedges

    Raises
    ------
    ConfigError
        For a scenario that needs a date and has none. With the scenario and the measure's number
        and kind: for a scope that is unknown or matches nothing; ``set`` or ``multiply`` where
        the baseline tariff is unknown; tons that are needed and unknown; a mineral content that is
        not in the table; an exclusion where sigma <= 1; a supply shift or a contract for
        differences where supply is infinitely elastic; duties or export taxes that sum to -100 %
        or less.
    """
    return Compiler(world).compile(scenario)


def _compile(
    index: scope.Index, scenario: Scenario, base: LawBase | None, duties: tuple[Duty, ...]
) -> Wedges:
    """Apply the measures on top of the duties under a law, or of the baseline's ``duties``."""
    world = index.world
    wheres = [
        f"scenario {scenario.name!r}, measure {number} ({measure.kind})"
        for number, measure in enumerate(scenario.measures, start=1)
    ]
    numbers = range(len(scenario.measures))
    order = sorted(numbers, key=lambda i: scenario.measures[i].priority)
    reach = {i: scope.select(index, scenario.measures[i], wheres[i]) for i in order}
    spared = _spared(scenario, order, reach, wheres)
    draft = _start(world, base, duties)
    matches: dict[int, Match] = {}
    warnings: dict[int, list[str]] = {}
    for i in order:
        measure, met = scenario.measures[i], reach[i]
        if i in spared:
            met = met.without(spared[i])
        rows, share = met.rows, met.share
        charged = share if measure.by_line else constant(rows.size, 1.0)
        task = Task(world, index.shelf, i, rows, wheres[i], charged)
        remark = apply(draft, task, measure) if rows.size else Remark()
        draft.touched.add(rows)
        matches[i] = _match(scenario, i, met, remark.without_tons)
        notes = [*measure.doubts, *reach[i].notes, *remark.notes]
        notes += coverage.notes(world, measure, rows, share)
        if rows.size < reach[i].rows.size:
            notes.append(f"{reach[i].rows.size - rows.size:,} flow(s) are spared by agreement")
        warnings[i] = [f"{matches[i].label}: {note}" for note in notes]
    return _finish(
        index,
        scenario,
        draft,
        tuple(matches[i] for i in numbers),
        (*(() if base is None else (base.note,)), *(text for i in numbers for text in warnings[i])),
    )


def _start(world: World, base: LawBase | None, duties: tuple[Duty, ...]) -> Draft:
    """The duties that measures act on: the baseline's, or those under the law of a day."""
    if base is None:
        return Draft.of(world, duties)
    draft = Draft.of(world, base.duties)
    draft.tariff_changed.add(base.changed)
    draft.touched.add(base.changed)
    return draft


def _finish(
    index: scope.Index,
    scenario: Scenario,
    draft: Draft,
    matches: tuple[Match, ...],
    warnings: tuple[str, ...],
) -> Wedges:
    """Check the totals and lay out what the measures have made of the draft."""
    world = index.world
    close(draft)
    tariff = _stacked(world.tariff_base, world.duties, draft.duties, draft.tariff_changed.rows)
    taxed = Marked(world.value.size)
    for duty in draft.export_taxes:
        taxed.add(duty.rows)
    tax = _stacked(constant(world.value.size, 0.0), (), draft.export_taxes, taxed.rows)
    costly = np.flatnonzero(draft.trade_cost != 1.0) if draft.trade_cost.flags.writeable else NONE
    _check_totals(world, scenario, tariff, "duties")
    _check_totals(world, scenario, tax, "export taxes")
    excluded, touched = draft.excluded.rows, draft.touched.rows
    _check_sigma(index, scenario, excluded)
    thin, owners = None, None
    if draft.has_instruments:
        thin, owners, notes = assemble(world, draft, tariff, matches)
        warnings = (*warnings, *notes)
    return Wedges(
        scenario=scenario,
        duties=draft.duties,
        tariff=tariff,
        cost=Column(constant(world.value.size, 1.0), costly, draft.trade_cost[costly]),
        export_taxes=draft.export_taxes,
        tax=tax,
        excluded=excluded,
        supply=draft.supply,
        demand=draft.demand,
        touched_products=index.products_of(touched),
        touched=touched,
        matches=matches,
        warnings=warnings,
        thin=thin,
        thin_owners=owners,
    )


def _stacked(base: Floats, before: Sequence[Duty], duties: Sequence[Duty], rows: Ints) -> Column:
    """Total rates: those of ``duties`` in some rows, in the others those of the base.

    The base is the total of the duties ``before``.
    """
    if not rows.size:
        return Column(base, rows, np.zeros(0))
    kept = len(before) <= len(duties) and all(
        duty is old for duty, old in zip(duties, before, strict=False)
    )
    total = base[rows] if kept else np.zeros(rows.size)
    for duty in duties[len(before) :] if kept else duties:
        inside, at = _common(rows, duty.rows)
        total[inside] += duty.rate[at]
    return Column(base, rows, total)


def _common(rows: Ints, others: Ints) -> tuple[Ints | slice, Ints | slice]:
    """Places, in either of two ascending lists, of what both hold."""
    if rows is others:
        return slice(None), slice(None)
    if others.size < rows.size:
        at, inside = _common(others, rows)
        return inside, at
    place = np.searchsorted(others, rows)
    place[place == others.size] = 0
    there = np.flatnonzero(others[place] == rows) if others.size else NONE
    return there, place[there]


def _spared(
    scenario: Scenario,
    order: Sequence[int],
    reach: Mapping[int, scope.Selection],
    wheres: Sequence[str],
) -> dict[int, Ints]:
    """Flows that agreements carve out of the measures before them, by measure number."""
    found: dict[int, Ints] = {}
    for place, i in enumerate(order):
        agreement = scenario.measures[i]
        if not isinstance(agreement, Agreement) or agreement.carve_out is None:
            continue
        named = {agreement.carve_out} if isinstance(agreement.carve_out, str) else set()
        named = named or set(agreement.carve_out)
        before = [j for j in order[:place] if scenario.measures[j].can_spare]
        known = {scenario.measures[j].authority_name for j in before}
        unknown = sorted(named - known - {EVERYTHING})
        if unknown and not agreement.allow_empty:
            raise ConfigError(_no_authority(wheres[i], unknown[0], sorted(known)))
        for j in before:
            if EVERYTHING in named or scenario.measures[j].authority_name in named:
                rows = found.get(j, np.zeros(0, dtype=np.int64))
                found[j] = np.union1d(rows, reach[i].rows)
    return found


def _no_authority(where: str, name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    return (
        f"{where}: carve_out: no earlier measure of this scenario rests on {name!r}"
        + (f"; nearest: {', '.join(near)}" if near else "")
        + f". They rest on {some(known) or 'nothing'}; what the baseline charges is lowered with "
        "cap or preference"
    )


def _match(scenario: Scenario, number: int, met: scope.Selection, without_tons: int) -> Match:
    measure: Measure = scenario.measures[number]
    label = measure.title
    if scenario.hypothetical and not measure.hypothetical:
        label += f" ({HYPOTHETICAL})"
    extent = met.extent
    return Match(
        measure=measure,
        label=label,
        flows=int(met.rows.size),
        products=extent.products,
        value_base=extent.value,
        exporters=extent.exporters,
        importers=extent.importers,
        without_tons=without_tons,
        home_flows=extent.home_flows,
        home_value=extent.home_value,
        covered_value=extent.covered_value,
    )


def _check_totals(world: World, scenario: Scenario, total: Column, what: str) -> None:
    below = total.rows[total.values <= -1]
    if below.size:
        worst = total.values[total.values <= -1][0]
        raise ConfigError(
            f"scenario {scenario.name!r}: {what} sum to {worst * 100:g} % on "
            f"{below.size:,} flows, the first {flow_name(world, below[0])}; a total must stay "
            "above -100 %"
        )


def _check_sigma(index: scope.Index, scenario: Scenario, excluded: Ints) -> None:
    """An excluded supplier has a finite reservation price only where sigma > 1."""
    world = index.world
    low = np.flatnonzero(index.products_of(excluded) & ~(world.sigma > 1))
    if low.size:
        names = [f"{world.products[k]} (sigma {world.sigma[k]:g})" for k in low]
        raise ConfigError(
            f"scenario {scenario.name!r}: an Exclusion (or a limit of 0) needs sigma > 1, or the "
            f"lost supplier has an infinite reservation price; {low.size:,} of its products have "
            f"less: {some(names)}. Raise sigma there, leave them out, or use TradeCost"
        )
