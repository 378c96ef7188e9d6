"""From a finished draft to the arrays that kernels take, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tradewedge.duty import stack
from tradewedge.kernels.market import Instruments
from tradewedge.policy.draft import Bools, Draft, Floats, Ints, Quota
from tradewedge.policy.rules import unit_of
from tradewedge.policy.wedges import Group, Match, Owners
from tradewedge.world import World


@dataclass(eq=False)
class _Limits:
    """Quantity limits as they are sorted into flows' own quotas and groups."""

    quota: Floats
    number: Ints
    to_exporter: Bools
    beyond: Floats
    stepped: Bools
    groups: list[Group] = field(default_factory=list)
    flows: list[Ints] = field(default_factory=list)
    weights: list[Floats] = field(default_factory=list)


def close(draft: Draft) -> None:
    """Turn limits of zero into exclusions."""
    for quota in draft.quotas:
        draft.excluded[quota.rows[quota.limit == 0]] = True


def assemble(
    world: World, draft: Draft, tariff_new: Floats, matches: Sequence[Match]
) -> tuple[Instruments, Owners]:
    """Lay out instruments and owners.

    Parameters
    ----------
    world : World
    draft : Draft
        With limits of zero already excluded.
    tariff_new : float64 [F]
        Total ad valorem rate.
    matches : sequence of Match
        By measure number.
    """
    n = world.value.size
    specific = stack(draft.specific, n)
    floor, floor_number, to_exporter, taxed, dispersion = _floors(
        world, draft, tariff_new, specific
    )
    limits, tariff_beyond = _steps(world, draft, tariff_new)
    for quota in draft.quotas:
        _place(world, draft, quota, limits, matches)
    pointer = np.cumsum([0, *(rows.size for rows in limits.flows)])
    instruments = Instruments(
        specific=specific,
        floor=floor,
        dispersion=dispersion,
        quota=limits.quota,
        beyond_quota=limits.beyond,
        capacity=draft.capacity,
        strike=draft.strike,
        covered=draft.covered,
        upside=draft.upside,
        group_ptr=pointer.astype(np.int64),
        group_flow=np.concatenate([*limits.flows, np.zeros(0, dtype=np.int64)]),
        group_weight=np.concatenate([*limits.weights, np.zeros(0)]),
        group_limit=np.array([group.limit for group in limits.groups], dtype=np.float64),
        group_beyond=np.full(len(limits.groups), np.inf),
    )
    owners = Owners(
        specific_duties=draft.specific,
        floor_measure=floor_number,
        floor_rent_to_exporter=to_exporter,
        floor_taxed=taxed,
        quota_measure=limits.number,
        quota_rent_to_exporter=limits.to_exporter,
        tariff_beyond=tariff_beyond,
        groups=tuple(limits.groups),
        capacity_measure=draft.capacity_number,
        cfd_measure=draft.strike_number,
    )
    return instruments, owners


def _floors(
    world: World, draft: Draft, tariff_new: Floats, specific: Floats
) -> tuple[Floats, Ints, Bools, Bools, Floats]:
    """The highest floor of each flow in units of its baseline duty-paid price, and whose."""
    n = world.value.size
    level, dispersion = np.zeros(n), np.zeros(n)
    number = np.full(n, -1)
    to_exporter, taxed = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for floor in draft.floors:
        rows, price = floor.rows, floor.price
        if floor.at_border:
            power = (1.0 + tariff_new[rows]) / (1.0 + world.tariff_base[rows])
            price = price * draft.trade_cost[rows] * power + specific[rows]
        higher = price > level[rows]
        won = rows[higher]
        level[won], number[won] = price[higher], floor.number
        dispersion[won] = floor.dispersion
        to_exporter[won] = floor.to_exporter
        taxed[won] = floor.at_border or floor.to_exporter
    return level, number, to_exporter, taxed, dispersion


def _steps(world: World, draft: Draft, tariff_new: Floats) -> tuple[_Limits, Floats]:
    """Tariff-rate quotas, one per flow, and the total rate beyond each."""
    n = world.value.size
    limits = _Limits(
        quota=np.full(n, np.inf),
        number=np.full(n, -1),
        to_exporter=np.zeros(n, dtype=bool),
        beyond=np.full(n, np.inf),
        stepped=np.zeros(n, dtype=bool),
    )
    tariff_beyond = np.full(n, np.nan)
    for step in draft.steps:
        rows = step.rows
        limits.quota[rows], limits.number[rows] = step.limit, step.number
        limits.to_exporter[rows] = step.to_exporter
        limits.stepped[rows] = True
        tariff_beyond[rows] = tariff_new[rows] + step.extra
        limits.beyond[rows] = np.log1p(tariff_beyond[rows]) - np.log1p(tariff_new[rows])
    return limits, tariff_beyond


def _place(
    world: World, draft: Draft, quota: Quota, limits: _Limits, matches: Sequence[Match]
) -> None:
    """Make a limit the flow's own quota where one flow has it alone, else a group.

    A flow whose own place a tariff-rate quota has taken, and a capacity, get a group in any case.
    Excluded flows use nothing of a limit; what it is relative to shrinks to the others' quantity.
    """
    keys = np.stack([world.flow_product[quota.rows], unit_of(world, quota.per, quota.rows)])
    _, place, count = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
    place = place.reshape(-1)
    alone = (count[place] == 1) & ~limits.stepped[quota.rows] & (quota.kind != "capacity")
    own = alone & ~draft.excluded[quota.rows]
    _tighten(limits, quota, own)
    rest = np.flatnonzero(~alone)
    order = rest[np.argsort(place[rest], kind="stable")]
    bounds = np.flatnonzero(np.diff(place[order], prepend=-1, append=-1))
    for members in np.split(order, bounds[1:-1]) if order.size else ():
        _group(world, draft, quota, members, limits, matches[quota.number])


def _tighten(limits: _Limits, quota: Quota, own: Bools) -> None:
    rows, limit = quota.rows[own], quota.limit[own]
    tighter = limit < limits.quota[rows]
    won = rows[tighter]
    limits.quota[won], limits.number[won] = limit[tighter], quota.number
    limits.to_exporter[won] = quota.rent == "exporter"


def _group(
    world: World, draft: Draft, quota: Quota, members: Ints, limits: _Limits, match: Match
) -> None:
    """Add the limit that ``members``, places in the quota's rows, share."""
    kept = members[~draft.excluded[quota.rows[members]]]
    if not kept.size:
        return
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
    limits.flows.append(rows)
    limits.weights.append(base[kept] / base[kept].sum())


def _unit_name(world: World, per: str, row: int) -> str:
    exporter: str = world.countries[world.flow_exporter[row]]
    importer: str = world.countries[world.parent[world.flow_importer[row]]]
    names = {"importer": importer, "exporter": exporter, "pair": f"{exporter} to {importer}"}
    return names.get(per, "")
