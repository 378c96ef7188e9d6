"""A solution in money and goods: what every outcome table is computed from."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.market import row_sums
from tradewedge.kernels.rents import Rents
from tradewedge.models import Solution
from tradewedge.outcomes.lifts import Lift, lifts
from tradewedge.policy import Wedges
from tradewedge.world import World

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Levels:
    """Prices as ratios to the data year, money in thousand USD; NaN where a product has failed.

    Attributes
    ----------
    wedges : Wedges
    sold : bool [X]
        The exporter has a market left.
    served : bool [M]
        The importer has a supplier left.
    price : float64 [X]
        Producer price; NaN without a market.
    index, composite : float64 [M]
        Price index (NaN without a supplier) and quantity of the composite.
    delivered, quantity : float64 [F]
        Delivered price (NaN where excluded) and quantity.
    value, dutiable, duty_paid : float64 [F]
        Border value, what ad valorem duty is charged on, duty-paid value.
    output : float64 [X]
    expenditure : float64 [M]
        Duty-paid spending.
    lifts : tuple of Lift
        What instruments add to delivered prices, by measure and holder.
    rents : Rents or None
    log_shadow : float64 [G]
        Log of the premium factor of each group limit.
    """

    wedges: Wedges
    sold: Bools
    served: Bools
    price: Floats
    index: Floats
    composite: Floats
    delivered: Floats
    quantity: Floats
    value: Floats
    dutiable: Floats
    duty_paid: Floats
    output: Floats
    expenditure: Floats
    lifts: tuple[Lift, ...] = ()
    rents: Rents | None = None
    log_shadow: Floats = field(default_factory=lambda: np.zeros(0))


def from_solution(world: World, solution: Solution) -> Levels:
    """Levels after a scenario."""
    wedges = solution.wedges
    price = solution.price_hat[world.exporter_row]
    # In place: memory touched for the first time costs more than the arithmetic.
    value = world.value * price
    value *= 1.0 + wedges.export_tax
    value *= solution.quantity_hat
    value[wedges.excluded] = 0.0
    added = tuple(lifts(world, solution))
    for lift in added:
        if lift.holder == "exporter":
            value[lift.rows] += lift.held
    dutiable = value * wedges.trade_cost
    for lift in added:
        if lift.holder == "treasury" and lift.taxed:
            dutiable[lift.rows] += lift.held
    duty_paid = 1.0 + wedges.tariff_new
    duty_paid *= dutiable
    for lift in added:
        if not lift.taxed:
            duty_paid[lift.rows] += lift.held
    spent = row_sums(world.importer_row, duty_paid, solution.index_hat.size)
    return Levels(
        wedges=wedges,
        sold=_reached(world.exporter_row, wedges, solution.price_hat.size),
        served=_reached(world.importer_row, wedges, solution.index_hat.size),
        price=solution.price_hat,
        index=solution.index_hat,
        composite=solution.composite_hat,
        delivered=solution.delivered_hat,
        quantity=solution.quantity_hat,
        value=value,
        dutiable=dutiable,
        duty_paid=duty_paid,
        output=solution.output_hat,
        expenditure=spent.astype(np.float64, copy=False),
        lifts=added,
        rents=solution.rents,
        log_shadow=solution.log_shadow,
    )


def baseline(world: World, wedges: Wedges) -> Levels:
    """Levels of the data year; ``wedges`` are those of no measure."""
    f, x, m = world.value.size, world.exporter_country.size, world.importer_country.size
    one = np.broadcast_to(1.0, max(f, x, m))  # of one value in all rows: takes no memory
    there = np.broadcast_to(True, max(x, m))
    return Levels(
        wedges=wedges,
        sold=there[:x],
        served=there[:m],
        price=one[:x],
        index=one[:m],
        composite=one[:m],
        delivered=one[:f],
        quantity=one[:f],
        value=world.value,
        dutiable=world.value,
        duty_paid=world.duty_paid,
        output=one[:x],
        expenditure=world.expenditure,
    )


def _reached(row: NDArray[np.int64], wedges: Wedges, size: int) -> Bools:
    """Rows that have at least one admitted flow."""
    if not wedges.excluded.size:
        return np.ones(size, dtype=bool)
    made: Bools = np.bincount(row[wedges.admitted], minlength=size) > 0
    return made
