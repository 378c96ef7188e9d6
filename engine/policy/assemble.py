"""From a finished draft to the arrays that kernels take, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tradewedge.kernels.columns import Column
from tradewedge.kernels.market import Instruments
from tradewedge.kernels.thin import Thin
from tradewedge.policy.columns import Marked
from tradewedge.policy.draft import Bools, Draft, Floats, Ints, Quota, StepDuty
from tradewedge.policy.rules import unit_of
from tradewedge.policy.wedges import Group, Match, Owners
from tradewedge.world import World

_ALIKE = 1e-9
"""Factors, in logs, that count as one."""


@dataclass(eq=False)
class _Limits:
    """Quantity limits as they are sorted into flows' own quotas and groups."""

    flow: Ints
    quota: Floats
    number: Ints
    to_exporter: Bools
    beyond: Floats
    stepped: Bools
    tariff_beyond: Floats
    groups: list[Group] = field(default_factory=list)
    flows: list[Ints] = field(default_factory=list)
    weights: list[Floats] = field(default_factory=list)
    group_beyond: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def none(cls, flow: Ints) -> "_Limits":
        """No limit yet on any of these flows, ascending."""
        n = flow.size
        return cls(
            flow=flow,
            quota=np.full(n, np.inf),
            number=np.full(n, -1),
            to_exporter=np.zeros(n, dtype=bool),
            beyond=np.full(n, np.inf),
            stepped=np.zeros(n, dtype=bool),
            tariff_beyond=np.full(n, np.nan),
        )

    def at(self, rows: Ints) -> Ints:
        """Places of some of the flows."""
        return np.searchsorted(self.flow, rows)


def close(draft: Draft) -> None:
    """Turn limits of zero into exclusions."""
    for quota in draft.quotas:
        draft.excluded.add(quota.rows[quota.limit == 0])


def assemble(
    world: World, draft: Draft, tariff: Column, matches: Sequence[Match]
) -> tuple[Thin, Owners, tuple[str, ...]]:
    """Lay out instruments and owners, with what a reader should know about them.

    Parameters
    ----------
    world : World
    draft : Draft
        With limits of zero already excluded.
    tariff : Column
        Total ad valorem rate.
    matches : sequence of Match
        By measure number.
    """
    flow = _flows(draft, world.value.size)
    exporter = np.flatnonzero(np.isfinite(draft.capacity) | (draft.strike > 0))
    tariff_new = tariff.at(flow)
    limits = _Limits.none(flow)
    specific = np.zeros(flow.size)
    for duty in draft.specific:
        specific[limits.at(duty.rows)] += duty.rate
    floor, floor_number, to_exporter, taxed, dispersion = _floors(
        world, draft, flow, tariff_new, specific
    )
    for step in draft.steps:
        _step(world, draft, step, tariff_new, limits, matches[step.quota.number])
    for quota in draft.quotas:
        _place(world, draft, quota, limits, matches[quota.number])
    pointer = np.cumsum([0, *(rows.size for rows in limits.flows)])
    instruments = Instruments(
        specific=specific,
        floor=floor,
        dispersion=dispersion,
        quota=limits.quota,
        beyond_quota=limits.beyond,
        capacity=draft.capacity[exporter],
        strike=draft.strike[exporter],
        covered=draft.covered[exporter],
        upside=draft.upside[exporter],
        group_ptr=pointer.astype(np.int64),
        group_flow=np.concatenate([*limits.flows, np.zeros(0, dtype=np.int64)]),
        group_weight=np.concatenate([*limits.weights, np.zeros(0)]),
        group_limit=np.array([group.limit for group in limits.groups], dtype=np.float64),
        group_beyond=np.array(limits.group_beyond, dtype=np.float64),
    )
    owners = Owners(
        specific_duties=draft.specific,
        floor_measure=floor_number,
        floor_rent_to_exporter=to_exporter,
        floor_taxed=taxed,
        quota_measure=limits.number,
        quota_rent_to_exporter=limits.to_exporter,
        tariff_beyond=limits.tariff_beyond,
        groups=tuple(limits.groups),
        capacity_measure=draft.capacity_number[exporter],
        cfd_measure=draft.strike_number[exporter],
    )
    return Thin(flow, exporter, instruments), owners, tuple(limits.notes)


def _flows(draft: Draft, size: int) -> Ints:
    """Flows with a specific duty, floor or limit, of ``size``, ascending."""
    found = Marked(size)
    for rows in (
        *(duty.rows for duty in draft.specific),
        *(floor.rows for floor in draft.floors),
        *(step.quota.rows for step in draft.steps),
        *(quota.rows for quota in draft.quotas),
    ):
        found.add(rows)
    return found.rows


def _floors(
    world: World, draft: Draft, flow: Ints, tariff_new: Floats, specific: Floats
) -> tuple[Floats, Ints, Bools, Bools, Floats]:
    """The highest floor of each flow in units of its baseline duty-paid price, and whose."""
    n = flow.size
    level, dispersion = np.zeros(n), np.zeros(n)
    number = np.full(n, -1)
    to_exporter, taxed = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for floor in draft.floors:
        rows, price, at = floor.rows, floor.price, np.searchsorted(flow, floor.rows)
        if floor.at_border:
            power = (1.0 + tariff_new[at]) / (1.0 + world.tariff_base[rows])
            price = price * draft.trade_cost[rows] * power + specific[at]
        higher = price > level[at]
        won = at[higher]
        level[won], number[won] = price[higher], floor.number
        dispersion[won] = floor.dispersion
        to_exporter[won] = floor.to_exporter
        taxed[won] = floor.at_border or floor.to_exporter
    return level, number, to_exporter, taxed, dispersion


def _step(
    world: World, draft: Draft, step: StepDuty, tariff_new: Floats, limits: _Limits, match: Match
) -> None:
    """A tariff-rate quota: the flow's own place where it has one alone, else a group.

    A flow that pays no more beyond it needs no licence and is left out.
    """
    rises = step.extra > 0
    quota, extra = step.quota.only(rises), step.extra[rises]
    rows, at = quota.rows, limits.at(quota.rows)
    beyond = np.log1p(tariff_new[at] + extra) - np.log1p(tariff_new[at])
    place, alone = _units(world, quota)
    own = at[alone]
    limits.quota[own], limits.number[own] = quota.limit[alone], quota.number
    limits.to_exporter[own] = quota.rent == "exporter"
    limits.stepped[own] = True
    limits.tariff_beyond[own] = tariff_new[own] + extra[alone]
    limits.beyond[own] = beyond[alone]
    for members in _shared(place, alone):
        kept = members[~draft.excluded.holds(rows[members])]
        if not kept.size:
            continue
        _group(world, draft, quota, members, limits, match)
        factor = beyond[kept]
        limits.group_beyond[-1] = float(limits.weights[-1] @ factor)
        if np.ptp(factor) > _ALIKE:
            low, high = np.expm1([factor.min(), factor.max()]) * 100
            limits.notes.append(
                f"{match.label}: beyond the quota of {limits.groups[-1].unit or 'all'} for "
                f"{world.products[limits.groups[-1].product]} prices rise by {low:.1f} to "
                f"{high:.1f} %, as the duties within differ; the mean by quantity, "
                f"{np.expm1(limits.group_beyond[-1]) * 100:.1f} %, stands for all its flows"
            )


def _place(world: World, draft: Draft, quota: Quota, limits: _Limits, match: Match) -> None:
    """Make a limit the flow's own quota where one flow has it alone, else a group.

    A flow whose own place a tariff-rate quota has taken, and a capacity, get a group in any case.
    Excluded flows use nothing of a limit; what it is relative to shrinks to the others' quantity.
    """
    place, alone = _units(world, quota)
    alone &= ~limits.stepped[limits.at(quota.rows)] & (quota.kind != "capacity")
    _tighten(limits, quota, alone & ~draft.excluded.holds(quota.rows))
    for members in _shared(place, alone):
        if not draft.excluded.holds(quota.rows[members]).all():
            _group(world, draft, quota, members, limits, match)


def _units(world: World, quota: Quota) -> tuple[Ints, Bools]:
    """Number of the product and unit of each flow of a limit, and whether it is the only one."""
    keys = np.stack([world.flow_product[quota.rows], unit_of(world, quota.per, quota.rows)])
    _, place, count = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
    place = place.reshape(-1)
    return place, count[place] == 1


def _shared(place: Ints, alone: Bools) -> list[Ints]:
    """Places in the limit's flows of those that share a unit, unit by unit."""
    rest = np.flatnonzero(~alone)
    order = rest[np.argsort(place[rest], kind="stable")]
    bounds = np.flatnonzero(np.diff(place[order], prepend=-1, append=-1))
    return np.split(order, bounds[1:-1]) if order.size else []


def _tighten(limits: _Limits, quota: Quota, own: Bools) -> None:
    rows, limit = limits.at(quota.rows[own]), quota.limit[own]
    tighter = limit < limits.quota[rows]
    won = rows[tighter]
    limits.quota[won], limits.number[won] = limit[tighter], quota.number
    limits.to_exporter[won] = quota.rent == "exporter"


def _group(
    world: World, draft: Draft, quota: Quota, members: Ints, limits: _Limits, match: Match
) -> None:
    """Add the limit that ``members``, places in the quota's rows, share; not all are excluded."""
    kept = members[~draft.excluded.holds(quota.rows[members])]
    by_tons = not np.isnan(quota.tons[members]).any()
    base = quota.tons if by_tons else world.value[quota.rows]
    limit = float(quota.limit[members[0]] * base[members].sum() / base[kept].sum())
    rows = quota.rows[kept]
    limits.groups.append(
        Group(
            measure=quota.number,
            kind=quota.kind,
            label=match.label,
            authority=match.measure.authority_name,
            product=int(world.flow_product[rows[0]]),
            per=quota.per,
            unit=_unit_name(world, quota.per, int(rows[0])),
            limit=limit,
            tons_base=float(quota.tons[kept].sum()),
            weighted_by="tons" if by_tons else "value",
            rent=quota.rent,
        )
    )
    limits.group_beyond.append(np.inf)
    limits.flows.append(rows)
    limits.weights.append(base[kept] / base[kept].sum())


def _unit_name(world: World, per: str, row: int) -> str:
    exporter: str = world.countries[world.flow_exporter[row]]
    importer: str = world.countries[world.parent[world.flow_importer[row]]]
    names = {"importer": importer, "exporter": exporter, "pair": f"{exporter} to {importer}"}
    return names.get(per, "")
