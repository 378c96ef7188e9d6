"""What instruments add to delivered prices, in money, and who holds it.

The price chain is told in :mod:`tradewedge.policy.wedges`; here its gaps become thousand USD.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.market import row_sums
from tradewedge.kernels.rents import Rents
from tradewedge.models import Solution
from tradewedge.policy import Wedges
from tradewedge.policy.wedges import Owners
from tradewedge.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Holder = Literal["treasury", "importer", "exporter"]


@dataclass(frozen=True, eq=False)
class Lift:
    """One measure's addition to what buyers pay for some flows.

    Attributes
    ----------
    authority : str
    kind : {"duty", "levy", "floor_rent", "quota_rent", "scarcity_rent"}
    holder : {"treasury", "importer", "exporter"}
        Who keeps it: the importing country's treasury, its licence holders, or the exporter's.
    rows : int64 [n]
        Flow rows.
    paid : float64 [n]
        Thousand USD that buyers pay on top, with the ad valorem duty charged on it.
    held : float64 [n]
        Thousand USD that the holder keeps of it.
    taxed : bool
        Whether ad valorem duty is charged on what is held.
    """

    authority: str
    kind: Literal["duty", "levy", "floor_rent", "quota_rent", "scarcity_rent"]
    holder: Holder
    rows: Ints
    paid: Floats
    held: Floats
    taxed: bool = False


def lifts(world: World, solution: Solution) -> Iterator[Lift]:
    """Every addition of a solution that is not zero, measure by measure."""
    wedges, rents = solution.wedges, solution.rents
    owners = wedges.owners
    if owners is None or rents is None:
        return
    sold = world.duty_paid * solution.quantity_hat
    for duty in owners.specific_duties:
        paid = duty.rate * sold[duty.rows]
        yield Lift(duty.authority, "duty", "treasury", duty.rows, paid, paid)
    within = world.duty_paid * rents.in_quota
    for number, rows in _by_measure(owners.quota_measure, rents.quota_rent > 0):
        authority = wedges.authority(number)
        rent = rents.quota_rent[rows] * within[rows]
        yield from _rent(wedges, authority, "quota_rent", owners.quota_rent_to_exporter, rows, rent)
        beyond = rents.quota_rent[rows] * (sold - within)[rows]
        if beyond.any():
            yield Lift(authority, "duty", "treasury", rows, beyond, beyond)
    for number, rows in _by_measure(owners.floor_measure, rents.levy > 0):
        authority = wedges.authority(number)
        paid = rents.levy[rows] * sold[rows]
        yield from _floor(wedges, owners, authority, rows, paid)
    yield from _groups(wedges, owners, sold, rents, solution.log_shadow)


def _by_measure(numbers: Ints, active: NDArray[np.bool_]) -> Iterator[tuple[int, Ints]]:
    rows = np.flatnonzero(active)
    for number in np.unique(numbers[rows]).tolist():
        yield number, rows[numbers[rows] == number]


def _rent(
    wedges: Wedges,
    authority: str,
    kind: Literal["quota_rent", "floor_rent", "scarcity_rent"],
    to_exporter: NDArray[np.bool_],
    rows: Ints,
    paid: Floats,
) -> Iterator[Lift]:
    """Split a rent between licence holders abroad, whose share is taxed, and at home."""
    abroad = to_exporter[rows]
    if abroad.any():
        there = rows[abroad]
        kept = paid[abroad] / (wedges.trade_cost[there] * (1.0 + wedges.tariff_new[there]))
        yield Lift(authority, kind, "exporter", there, paid[abroad], kept, taxed=True)
    if not abroad.all():
        yield Lift(authority, kind, "importer", rows[~abroad], paid[~abroad], paid[~abroad])


def _floor(
    wedges: Wedges, owners: Owners, authority: str, rows: Ints, paid: Floats
) -> Iterator[Lift]:
    abroad = owners.floor_rent_to_exporter[rows]
    yield from _rent(
        wedges, authority, "floor_rent", owners.floor_rent_to_exporter, rows[abroad], paid[abroad]
    )
    for taxed in (True, False):
        pick = ~abroad & (owners.floor_taxed[rows] == taxed)
        if pick.any():
            kept = paid[pick] / (1.0 + wedges.tariff_new[rows[pick]] if taxed else 1.0)
            yield Lift(authority, "levy", "treasury", rows[pick], paid[pick], kept, taxed=taxed)


def _groups(
    wedges: Wedges, owners: Owners, sold: Floats, rents: Rents, log_shadow: Floats
) -> Iterator[Lift]:
    """Rents of group limits: a flow's premium is split by the logs of its groups' premiums.

    Of a tariff-rate quota that is exceeded, what the units beyond it pay is duty: the same share
    of every flow of the group.
    """
    instruments = wedges.instruments
    if instruments is None or not log_shadow.any():
        return
    entry = np.repeat(np.arange(log_shadow.size), np.diff(instruments.group_ptr))
    flow, premium = instruments.group_flow, log_shadow[entry]
    total = row_sums(flow, premium, sold.size)[flow]
    share = np.divide(premium, total, out=np.zeros_like(premium), where=total > 0)
    paid = rents.group_rent[flow] * sold[flow] * share
    holders = np.array([group.rent != "importer" for group in owners.groups])[entry]
    number = np.array([group.measure for group in owners.groups])[entry]
    scarce = np.array([group.kind == "capacity" for group in owners.groups])[entry]
    for measure in np.unique(number[paid > 0]).tolist():
        pick = (number == measure) & (paid > 0)
        rows = flow[pick]
        to_exporter = np.zeros(sold.size, dtype=bool)
        to_exporter[rows] = holders[pick]
        within = rents.group_within[entry[pick]]
        kind: Literal["scarcity_rent", "quota_rent"] = (
            "scarcity_rent" if scarce[pick].any() else "quota_rent"
        )
        authority = wedges.authority(measure)
        yield from _rent(wedges, authority, kind, to_exporter, rows, paid[pick] * within)
        beyond = paid[pick] * (1.0 - within)
        if beyond.any():
            yield Lift(authority, "duty", "treasury", rows, beyond, beyond)
