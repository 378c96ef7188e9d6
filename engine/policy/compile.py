"""A scenario and a world in, aligned wedges out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewedge.duty import Duty, stack
from tradewedge.errors import ConfigError
from tradewedge.policy import scope, stacking
from tradewedge.policy.checks import HYPOTHETICAL
from tradewedge.policy.measures import (
    DemandShift,
    Exclusion,
    ExportTax,
    Measure,
    SupplyShift,
    Tariff,
    TradeCost,
)
from tradewedge.policy.scenario import Scenario
from tradewedge.policy.wedges import Match, Wedges
from tradewedge.world import World

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_NAMES_SHOWN = 10


@dataclass(eq=False)
class _Draft:
    """Wedges while measures are being applied, one after the other."""

    duties: tuple[Duty, ...]
    tariff_changed: Bools
    trade_cost: Floats
    export_taxes: tuple[Duty, ...]
    excluded: Bools
    supply: Floats
    demand: Floats
    touched: Bools


def compile_wedges(world: World, scenario: Scenario) -> Wedges:
    """Apply a scenario's measures, in order, to the flows of a world.

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
        and kind: for a scope that is unknown or
        matches nothing; ``set`` or ``multiply`` where the baseline tariff is unknown; an
        exclusion where sigma <= 1; a supply shift where supply is infinitely elastic; duties or
        export taxes that sum to -100 % or less.
    """
    scenario = scenario.of_its_day()
    n_flows = world.value.size
    index = scope.Index(world, scenario.vintage)
    draft = _Draft(
        duties=stacking.ordered(world.duties),
        tariff_changed=np.zeros(n_flows, dtype=bool),
        trade_cost=np.ones(n_flows),
        export_taxes=(),
        excluded=np.zeros(n_flows, dtype=bool),
        supply=np.ones(world.exporter_country.size),
        demand=np.ones(world.importer_country.size),
        touched=np.zeros(n_flows, dtype=bool),
    )
    matches: list[Match] = []
    warnings: list[str] = []
    for number, measure in enumerate(scenario.measures, start=1):
        where = f"scenario {scenario.name!r}, measure {number} ({measure.kind})"
        selection = scope.select(index, measure, where)
        notes = _apply(draft, world, measure, selection.rows, where)
        draft.touched[selection.rows] = True
        match = _match(world, scenario, measure, selection.rows)
        matches.append(match)
        warnings += [f"{match.label}: {note}" for note in (*selection.notes, *notes)]

    tariff_new = world.tariff_base.copy()
    tariff_new[draft.tariff_changed] = stack(draft.duties, n_flows)[draft.tariff_changed]
    export_tax = stack(draft.export_taxes, n_flows)
    _check_totals(world, scenario, tariff_new, "duties")
    _check_totals(world, scenario, export_tax, "export taxes")
    _check_sigma(world, scenario, draft.excluded)
    return Wedges(
        scenario=scenario,
        duties=draft.duties,
        tariff_new=tariff_new,
        trade_cost=draft.trade_cost,
        export_taxes=draft.export_taxes,
        export_tax=export_tax,
        admitted=~draft.excluded,
        supply=draft.supply,
        demand=draft.demand,
        touched_products=_marked(world.flow_product[draft.touched], len(world.products)),
        touched_flows=draft.touched,
        matches=tuple(matches),
        warnings=tuple(warnings),
    )


def _apply(
    draft: _Draft, world: World, measure: Measure, rows: Ints, where: str
) -> tuple[str, ...]:
    """Change the draft on ``rows``; return what a reader should know about it."""
    match measure:
        case Tariff():
            return _apply_tariff(draft, world, measure, rows, where)
        case Exclusion():
            draft.excluded[rows] = True
        case TradeCost():
            draft.trade_cost[rows] *= measure.factor
        case ExportTax():
            draft.export_taxes = stacking.add(
                draft.export_taxes, rows, measure.rate, measure.authority_name
            )
        case SupplyShift():
            exporters = _marked(world.exporter_row[rows], draft.supply.size)
            _check_supply(world, exporters, where)
            draft.supply[exporters] *= measure.factor
        case DemandShift():
            draft.demand[_marked(world.importer_row[rows], draft.demand.size)] *= measure.factor
        case _:
            raise ConfigError(f"{where}: no rule to compile a {measure.kind}")
    return ()


def _apply_tariff(
    draft: _Draft, world: World, measure: Tariff, rows: Ints, where: str
) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    unknown = _marked(world.flow_importer[rows[~world.tariff_known[rows]]], len(world.countries))
    if unknown.any():
        names = [world.countries[j] for j in np.flatnonzero(unknown)]
        if measure.mode != "add":
            known = sorted(world.tariff_importers or ())
            raise ConfigError(
                f"{where}: mode {measure.mode} changes the duties in force, but world "
                f"{world.name!r} does not know those of {_some(names)}; it knows "
                + (f"those of {_some(known)}" if known else "none")
                + ". Use mode add, or narrow the importers"
            )
        notes = (
            f"the duties in force of {len(names)} of its importers are unknown and taken as 0 "
            f"({_some(names)})",
        )
    if measure.mode == "add":
        draft.duties = stacking.add(draft.duties, rows, measure.rate, measure.authority_name)
    elif measure.mode == "set":
        draft.duties = stacking.replace(draft.duties, rows, measure.rate, measure.authority_name)
    else:
        draft.duties = stacking.multiply(draft.duties, rows, measure.rate)
    draft.tariff_changed[rows] = True
    return notes


def _match(world: World, scenario: Scenario, measure: Measure, rows: Ints) -> Match:
    label = measure.title
    if scenario.hypothetical and not measure.hypothetical:
        label += f" ({HYPOTHETICAL})"
    n = len(world.countries)
    sides = [
        tuple(world.countries[i] for i in np.flatnonzero(_marked(column[rows], n)))
        for column in (world.flow_exporter, world.flow_importer)
    ]
    return Match(
        measure=measure,
        label=label,
        flows=int(rows.size),
        products=int(_marked(world.flow_product[rows], len(world.products)).sum()),
        value_base=float(world.value[rows].sum()),
        exporters=sides[0],
        importers=sides[1],
    )


def _check_totals(world: World, scenario: Scenario, total: Floats, what: str) -> None:
    below = np.flatnonzero(total <= -1)
    if below.size:
        row = below[0]
        raise ConfigError(
            f"scenario {scenario.name!r}: {what} sum to {total[row] * 100:g} % on "
            f"{below.size:,} flows, the first {world.products[world.flow_product[row]]} "
            f"{world.countries[world.flow_exporter[row]]} to "
            f"{world.countries[world.flow_importer[row]]}; a total must stay above -100 %"
        )


def _check_sigma(world: World, scenario: Scenario, excluded: Bools) -> None:
    """An excluded supplier has a finite reservation price only where sigma > 1."""
    touched = _marked(world.flow_product[excluded], len(world.products))
    low = np.flatnonzero(touched & ~(world.sigma > 1))
    if low.size:
        names = [f"{world.products[k]} (sigma {world.sigma[k]:g})" for k in low]
        raise ConfigError(
            f"scenario {scenario.name!r}: an Exclusion needs sigma > 1, or the lost supplier has "
            f"an infinite reservation price; {low.size:,} of its products have less: "
            f"{_some(names)}. Raise sigma there, leave them out, or use TradeCost"
        )


def _check_supply(world: World, exporters: Bools, where: str) -> None:
    fixed = np.flatnonzero(exporters & np.isinf(world.epsilon))
    if fixed.size:
        names = [
            f"{world.products[world.exporter_product[x]]} of "
            f"{world.countries[world.exporter_country[x]]}"
            for x in fixed[:_NAMES_SHOWN]
        ]
        more = f" and {fixed.size - len(names):,} more" if fixed.size > len(names) else ""
        raise ConfigError(
            f"{where}: a supply shift has no effect where supply is infinitely elastic (epsilon = "
            f"inf), which holds for {', '.join(names)}{more}. Give the world a finite epsilon, or "
            "use TradeCost or Exclusion"
        )


def _marked(places: Ints, n: int) -> Bools:
    """Boolean mask [n] of the given places."""
    mask = np.zeros(n, dtype=bool)
    mask[places] = True
    return mask


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - _NAMES_SHOWN:,} more" if len(items) > _NAMES_SHOWN else ""
    return ", ".join(items[:_NAMES_SHOWN]) + more
