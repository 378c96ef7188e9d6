"""Surplus of buyers and producers against the data year, thousand USD.

Areas under the constant-elasticity curves of the core model, evaluated at any model's prices.
Surplus of one product only: nothing here may be added up across stages of a chain.
"""

import numpy as np
from numpy.typing import NDArray

from tradewedge.outcomes.levels import Levels
from tradewedge.outcomes.support import profit
from tradewedge.world import World

Floats = NDArray[np.float64]


def consumer_surplus(world: World, levels: Levels) -> Floats:
    """Area under demand between the new and the baseline price index, [M].

    ``-E D (P^(1-eta) - 1) / (1 - eta)``, or ``-E D ln P`` at eta = 1, along the demand curve as
    shifted by D. NaN without a supplier: the curve has no choke price. Where eta is the
    import-demand elasticity, this is the surplus on imports, net of what home producers gain.
    """
    power = 1.0 - world.eta[world.importer_product]
    with np.errstate(invalid="ignore", divide="ignore"):  # a linear model may give P <= 0
        log_index = np.log(levels.index)
    unit = np.where(power == 0.0, 1.0, power)
    area = np.where(power == 0.0, log_index, np.expm1(power * log_index) / unit)
    made: Floats = -world.expenditure * levels.wedges.demand * area
    return made


def producer_surplus(world: World, levels: Levels) -> Floats:
    """Area above supply up to the producer price, less the baseline's, [X].

    ``R (Z p^(1+epsilon) - 1) / (1 + epsilon)`` where neither a contract nor a capacity binds. An
    exporter without a market loses it all. Zero for infinite epsilon, whose scarcity rent is among
    the rents. NaN where the world does not see the exporter's other sales.
    """
    if world.observed_importers is not None:
        return np.full(levels.price.size, np.nan)
    finite = np.isfinite(world.epsilon)
    epsilon = np.where(finite, world.epsilon, 0.0)
    change = np.where(finite, -1.0 / (1.0 + epsilon), 0.0)
    rows = np.flatnonzero(finite & levels.sold)
    change[rows] += profit(world, levels, rows)
    return world.exporter_sales * change
