"""The log-linear model: relative price changes from one linear system per product.

GSIM of Francois and Hall (2003), "Global Simulation Analysis of Industry-Level Trade Policy":
the equations of :mod:`.equations` to first order around the baseline, applied to relative
changes. With every supply elasticity infinite it is the World Bank's SMART.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .dense import block_of, neutral, ranges
from .equations import Block, is_valid
from .market import Floats, Ints, Market, Shock, Status
from .newton import baseline_splits, demand_jacobian


@dataclass(frozen=True, eq=False)
class LinearSolution:
    """Relative changes (0.08 is +8 %).

    Attributes
    ----------
    price : float64 [X]
        Change of the producer price of each exporter row; 0 where supply is infinite.
    index : float64 [M]
        Change of the composite price of each importer row.
    quantity : float64 [F]
        Change of the quantity of each flow.
    status : int8 [K]
        CONVERGED, NONFINITE_INPUT, or INFEASIBLE where the system is singular.
    iterations : int64 [K]
    residual : float64 [K]
        Largest |excess demand| of the linear system at the solution.
    """

    price: Floats
    index: Floats
    quantity: Floats
    status: NDArray[np.int8]
    iterations: Ints
    residual: Floats


def solve(
    market: Market,
    power_change: Floats,
    supply_change: Floats | None = None,
    demand_change: Floats | None = None,
) -> LinearSolution:
    """Solve every product to first order.

    Parameters
    ----------
    market : Market
    power_change : float64 [F]
        Relative change of all that multiplies the delivered price: T1 / T0 - 1 for tariffs.
    supply_change : float64 [X], optional
        Relative shift of supply; must be 0 where supply is infinite.
    demand_change : float64 [M], optional
        Relative shift of demand.

    Returns
    -------
    LinearSolution
    """
    calm = neutral(market)
    shock = Shock(
        log_cost=np.asarray(power_change, np.float64),
        admitted=calm.admitted,
        log_supply=calm.log_supply if supply_change is None else supply_change,
        log_demand=calm.log_demand if demand_change is None else demand_change,
    )
    products = len(market.sigma)
    solution = LinearSolution(
        price=np.full(len(calm.log_supply), np.nan),
        index=np.full(len(calm.log_demand), np.nan),
        quantity=np.full(len(calm.log_cost), np.nan),
        status=np.full(products, Status.CONVERGED, np.int8),
        iterations=np.zeros(products, np.int64),
        residual=np.zeros(products),
    )
    for product in range(products):
        block = block_of(market, shock, product)
        if block.share.size:
            _solve_product(solution, market, block, product)
    return solution


def _solve_product(
    solution: LinearSolution, market: Market, block: Block, product: int
) -> None:
    flows, exporters, importers = ranges(market, product)
    solution.iterations[product] = 1
    solution.residual[product] = np.nan
    if not is_valid(block):
        solution.status[product] = Status.NONFINITE_INPUT
        return
    finite = np.isfinite(block.epsilon)
    slope = np.where(finite, block.epsilon, 0.0)
    price = np.zeros(len(slope))
    _, excess = _first_order(block, slope, price)
    free = np.flatnonzero(finite)
    if free.size:
        matrix = demand_jacobian(block, *baseline_splits(block))
        matrix[np.diag_indices_from(matrix)] -= slope
        try:
            price[free] = np.linalg.solve(matrix[np.ix_(free, free)], -excess[free])
        except np.linalg.LinAlgError:
            solution.status[product] = Status.INFEASIBLE
            return
    (index, quantity), excess = _first_order(block, slope, price)
    solution.residual[product] = np.max(np.abs(excess[free]), initial=0.0)
    solution.price[exporters] = price
    solution.index[importers] = index
    rows = market.flow_exporter[flows] - exporters.start
    solution.quantity[flows] = quantity[rows, market.flow_importer[flows] - importers.start]


def _first_order(
    block: Block, slope: Floats, price: Floats
) -> tuple[tuple[Floats, Floats], Floats]:
    """Changes of index [j] and quantity [i, j], and the excess demand [i], at a price change."""
    sales, bundle, spending = baseline_splits(block)
    delivered = price[:, None] + block.log_cost
    index = np.sum(spending * delivered, axis=0)
    outer = block.sigma_home if block.nested else block.sigma
    composite = (outer - block.eta) * index + block.log_demand
    inner = (block.sigma - outer) * np.sum(bundle * delivered, axis=0)
    quantity = -block.sigma * delivered + inner + composite
    if block.nested:
        quantity = np.where(block.home, -outer * delivered + composite, quantity)
    excess = np.sum(sales * quantity, axis=1) - block.log_supply - slope * price
    return (index, quantity), excess
