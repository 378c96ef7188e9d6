"""Where two scenarios treat a world differently, flow by flow."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewedge.duty import Duty
from tradewedge.kernels.columns import Column
from tradewedge.kernels.thin import OF_EXPORTERS, OF_FLOWS, Thin
from tradewedge.policy import dutysets
from tradewedge.policy.columns import constant
from tradewedge.policy.wedges import Wedges
from tradewedge.world import World

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: A rate below this is what rounding leaves.
_TINY: Final = 1e-12
_OWNERS: Final = dict.fromkeys(
    ("floor_rent_to_exporter", "floor_taxed", "quota_rent_to_exporter"), 0.0
)


def differing(world: World, one: Wedges, other: Wedges) -> Bools:
    """Flows that two scenarios treat differently, [F].

    In the rate of any authority, trade cost, export tax, admission, supply or demand, a floor,
    quota, capacity or contract, or who keeps what these yield.

    Parameters
    ----------
    world : World
        The world that both were compiled for.
    one, other : Wedges
    """
    rows = np.flatnonzero(one.touched_flows | other.touched_flows)
    exporter, importer = world.exporter_row[rows], world.importer_row[rows]
    differs = one.cost.full[rows] != other.cost.full[rows]
    differs |= one.admitted[rows] != other.admitted[rows]
    differs |= one.supply[exporter] != other.supply[exporter]
    differs |= one.demand[importer] != other.demand[importer]
    found = np.zeros(world.value.size, dtype=bool)
    found[rows[differs]] = True
    for mine, theirs in ((one.duties, other.duties), (one.export_taxes, other.export_taxes)):
        found[_rates(mine, theirs)] = True
    if one.thin is not None or other.thin is not None:
        found[rows[_instruments(one, other, rows, exporter)]] = True
        found[_groups(one.thin, other.thin)] = True
    return found


def _rates(one: Iterable[Duty], other: Iterable[Duty]) -> Ints:
    """Flows on which some authority's rate differs."""
    first, second = dutysets.ordered(one), dutysets.ordered(other)
    more = (*dutysets.increase(first, second), *dutysets.increase(second, first))
    return np.concatenate(
        [np.zeros(0, dtype=np.int64), *(duty.rows[duty.rate > _TINY] for duty in more)]
    )


def _instruments(one: Wedges, other: Wedges, rows: Ints, exporter: Ints) -> Bools:
    """Which of ``rows`` have another instrument of their own, or another holder of its yield."""
    differs = np.zeros(rows.size, dtype=bool)
    for name, nothing in {**OF_FLOWS, **OF_EXPORTERS, **_OWNERS}.items():
        mine, theirs = (_numbers(held, name, nothing, rows, exporter) for held in (one, other))
        differs |= mine != theirs
    return differs


def _numbers(held: Wedges, name: str, nothing: float, rows: Ints, exporter: Ints) -> Floats:
    """One field of the instruments, or of their owners, for each of ``rows``."""
    if held.thin is None:
        return constant(rows.size, nothing)
    if name in OF_EXPORTERS:
        there, size, at = held.thin.exporter, held.supply.size, exporter
    else:
        there, size, at = held.thin.flow, held.tariff.base.size, rows
    values = getattr(held.thin_owners if name in _OWNERS else held.thin.given, name)
    return Column(constant(size, nothing), there, values).at(at)


def _groups(one: Thin | None, other: Thin | None) -> Ints:
    """Flows of limits over several flows that only one of the two has."""
    mine, theirs = _limits(one), _limits(other)
    lone = mine.symmetric_difference(theirs)
    return np.unique(np.array([row for flows, *_ in lone for row in flows], dtype=np.int64))


def _limits(thin: Thin | None) -> set[tuple[tuple[int, ...], float, float]]:
    """Flows, limit and factor beyond it of every group."""
    if thin is None:
        return set()
    held = thin.given
    ranges = zip(held.group_ptr[:-1], held.group_ptr[1:], strict=True)
    flows = [tuple(held.group_flow[first:last].tolist()) for first, last in ranges]
    limits = zip(held.group_limit.tolist(), held.group_beyond.tolist(), strict=True)
    return {(rows, *limit) for rows, limit in zip(flows, limits, strict=True)}
