"""Delivered price and quantity of every flow at solved prices, compiled and on all cores.

Two factors per flow, one of its exporter and one of its importer, give an untouched flow without an
exponential of its own. For markets without a nest.
"""

import math

import numpy as np
from numba import njit

from tradewedge.kernels.market import Bools, Floats, KernelSolution, Market, Shock
from tradewedge.kernels.sell_cpu import frozen, in_parts

LARGEST = 300.0
"""Exponents up to here are safe to take apart: their powers neither overflow nor vanish."""
_SLICE = 1 << 18


def price_and_quantity(
    market: Market, shock: Shock, found: KernelSolution, admitted: Bools
) -> tuple[Floats, Floats]:
    """Evaluate demand at the solved prices.

    Parameters
    ----------
    market : Market
        Without a nest of home sales.
    shock : Shock
    found : KernelSolution
    admitted : bool [F]

    Returns
    -------
    delivered, quantity : float64 [F]
        NaN and 0 where a flow is not admitted.
    """
    flows = len(market.share)
    sigma_i = np.repeat(market.sigma, np.diff(market.exporter_ptr))
    sigma, eta = (np.repeat(x, np.diff(market.importer_ptr)) for x in (market.sigma, market.eta))
    push = -sigma_i * found.log_price
    pull = (sigma - eta) * found.log_index + shock.log_demand
    with np.errstate(over="ignore", under="ignore"):
        price, push_factor, pull_factor = np.exp(found.log_price), np.exp(push), np.exp(pull)
    delivered, quantity = np.empty(flows), np.empty(flows)

    rows = (market.flow_exporter, market.flow_importer, shock.log_cost, admitted)
    factors = (sigma, found.log_price, price, push, push_factor, pull, pull_factor)
    inputs = tuple(frozen(array) for array in (*rows, *factors))

    def work(part: tuple[int, int]) -> None:
        _evaluate(*part, *inputs, delivered, quantity)

    in_parts(work, [(start, min(start + _SLICE, flows)) for start in range(0, flows, _SLICE)])
    return delivered, quantity


@njit(cache=True, nogil=True)
def _evaluate(  # type: ignore[no-untyped-def]
    start,
    stop,
    exporter,
    importer,
    log_cost,
    admitted,
    sigma,
    log_price,
    price,
    push,
    push_factor,
    pull,
    pull_factor,
    delivered,
    quantity,
):
    for f in range(start, stop):
        i, j, cost = exporter[f], importer[f], log_cost[f]
        if not admitted[f]:
            delivered[f] = np.nan
            quantity[f] = 0.0
        elif cost == 0 and abs(push[i]) < LARGEST and abs(pull[j]) < LARGEST:
            delivered[f] = price[i]
            quantity[f] = push_factor[i] * pull_factor[j]
        else:
            delivered[f] = math.exp(log_price[i] + cost)
            quantity[f] = math.exp(push[i] - sigma[j] * cost + pull[j])
