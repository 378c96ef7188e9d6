"""What producers get and governments pay under contracts for differences and capacity limits."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.market import Instruments
from tradewedge.outcomes.levels import Levels
from tradewedge.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Supply:
    """Part of exporters' output, all over the baseline.

    Attributes
    ----------
    price : float64 [n]
        What producers receive for it.
    output : float64 [n]
    marginal_cost : float64 [n]
        Below the price where capacity binds.
    """

    price: Floats
    output: Floats
    marginal_cost: Floats


def supply_parts(world: World, levels: Levels, rows: Ints) -> tuple[Supply, Supply]:
    """Output of exporter rows, under contract and not; capacity cuts both in proportion."""
    instruments = levels.wedges.instruments
    price, epsilon = levels.price[rows], world.epsilon[rows]
    under = np.zeros(rows.size) if instruments is None else instruments.covered[rows]
    receipt = price if instruments is None else _receipt(instruments, rows, price)
    with np.errstate(invalid="ignore"):  # a linear model may give a negative price
        wanted = [
            levels.wedges.supply[rows] * share * at**epsilon
            for share, at in ((under, receipt), (1.0 - under, price))
        ]
    total = wanted[0] + wanted[1]
    kept = total if instruments is None else np.minimum(total, instruments.capacity[rows])
    cut = np.divide(kept, total, out=np.ones_like(total), where=total > 0)
    with np.errstate(divide="ignore", over="ignore"):  # epsilon 0, or nearly
        cheaper = np.where(cut < 1.0, cut ** (1.0 / epsilon), 1.0)
    return (
        Supply(receipt, wanted[0] * cut, receipt * cheaper),
        Supply(price, wanted[1] * cut, price * cheaper),
    )


def profit(world: World, levels: Levels, rows: Ints) -> Floats:
    """Sales less variable cost of exporter rows with finite epsilon, over their baseline sales.

    Marginal cost rises as ``y^(1/epsilon)``, so variable cost is ``epsilon / (1 + epsilon)`` times
    output at its marginal cost.
    """
    fixed = world.epsilon[rows] / (1.0 + world.epsilon[rows])
    under, free = supply_parts(world, levels, rows)
    made: Floats = under.output * (under.price - fixed * under.marginal_cost) + free.output * (
        free.price - fixed * free.marginal_cost
    )
    return made


def contract_payments(world: World, levels: Levels) -> Iterator[tuple[str, Ints, Floats]]:
    """(authority, exporter rows, thousand USD) paid to producers; negative where they pay back."""
    owners = levels.wedges.owners
    if owners is None:
        return
    contracted = np.flatnonzero((owners.cfd_measure >= 0) & levels.sold)
    for number in np.unique(owners.cfd_measure[contracted]).tolist():
        rows = contracted[owners.cfd_measure[contracted] == number]
        under, _ = supply_parts(world, levels, rows)
        paid = world.exporter_sales[rows] * under.output * (under.price - levels.price[rows])
        yield levels.wedges.authority(number), rows, paid


def _receipt(instruments: Instruments, rows: Ints, price: Floats) -> Floats:
    """Strike K up to a price of K, ``K + (1 - upside) (p - K)`` above; the price without any."""
    strike, upside = instruments.strike[rows], instruments.upside[rows]
    above = np.maximum(price - strike, 0.0)
    made: Floats = np.where(strike > 0, strike + (1.0 - upside) * above, price)
    return made
