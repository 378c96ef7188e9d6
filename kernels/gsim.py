"""The log-linear model: relative price changes from one linear system per product.

GSIM of Francois and Hall (2003), "Global Simulation Analysis of Industry-Level Trade Policy":
the equations of :mod:`.equations` to first order around the baseline, applied to relative
changes. With every supply elasticity infinite it is the World Bank's SMART. The system is solved
for the importers' indices, ``P_j = sum_i s_ij (p_i + t_ij)``, after the exporters' prices

    p_i = sum_j w_ij (-sigma t_ij + (sigma - eta) P_j + D_j) / (epsilon_i + sigma)

are put in, so that infinite supply elasticities need no case of their own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.dense import ranges
from tradewedge.kernels.market import Bools, Floats, Ints, Market, Status


@dataclass(frozen=True, eq=False)
class LinearSolution:
    """Relative changes (0.08 is +8 %); NaN for products whose status is not CONVERGED.

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
        1, or 0 where there was nothing to solve.
    residual : float64 [K]
        Largest |excess demand| of the linear system at the solution.
    """

    price: Floats
    index: Floats
    quantity: Floats
    status: NDArray[np.int8]
    iterations: Ints
    residual: Floats


@dataclass(frozen=True, eq=False)
class _Linear:
    """The linear system, zero where a product's numbers cannot be used.

    Attributes
    ----------
    cost, share, bundle, weight : float64 [F]
        Cost change; shares in all spending and in the bundle that competes at ``sigma``; share
        in the exporter's sales.
    own, by_index, by_bundle : float64 [F]
        What delivered price (with a minus), index and bundle price do to the flow's quantity.
    demand : float64 [F]
        What the importer's demand shift does to it.
    slope, supply : float64 [X]
        Supply elasticity, 0 where infinite, and shift.
    inverse : float64 [X]
        1 / (demand slope + supply slope); 0 where the price is fixed.
    """

    cost: Floats
    share: Floats
    bundle: Floats
    weight: Floats
    own: Floats
    by_index: Floats
    by_bundle: Floats
    demand: Floats
    slope: Floats
    supply: Floats
    inverse: Floats


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
        Relative shift of supply; has no effect where supply is infinite.
    demand_change : float64 [M], optional
        Relative shift of demand.

    Returns
    -------
    LinearSolution
    """
    supply = np.zeros(len(market.epsilon)) if supply_change is None else supply_change
    demand = np.zeros(int(market.importer_ptr[-1])) if demand_change is None else demand_change
    valid = _valid_products(market, power_change, supply, demand)
    linear = _coefficients(market, power_change, supply, demand, valid)
    price, index, bundle_price, singular = _solve_indices(market, linear, valid)

    row, column = market.flow_exporter, market.flow_importer
    quantity = linear.demand - linear.own * (price[row] + linear.cost)
    quantity += linear.by_index * index[column] + linear.by_bundle * bundle_price[column]
    sold = np.bincount(row, linear.weight * quantity, len(price))
    excess = np.where(linear.inverse > 0, sold - linear.supply - linear.slope * price, 0.0)
    residual = np.zeros(len(valid))
    np.maximum.at(residual, _owner(market.exporter_ptr), np.abs(excess))

    status = np.where(valid, Status.CONVERGED, Status.NONFINITE_INPUT).astype(np.int8)
    status[singular] = Status.INFEASIBLE
    solved = status == Status.CONVERGED
    return LinearSolution(
        price=np.where(solved[_owner(market.exporter_ptr)], price, np.nan),
        index=np.where(solved[_owner(market.importer_ptr)], index, np.nan),
        quantity=np.where(solved[_owner(market.flow_ptr)], quantity, np.nan),
        status=status,
        iterations=(solved & (np.diff(market.flow_ptr) > 0)).astype(np.int64),
        residual=np.where(solved, residual, np.nan),
    )


def _owner(ptr: Ints) -> Ints:
    """Product of every row."""
    return np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))


def _coefficients(
    market: Market, cost: Floats, supply: Floats, demand: Floats, valid: Bools
) -> _Linear:
    flow_owner = _owner(market.flow_ptr)
    sigma, eta = np.where(valid, market.sigma, 1.0), np.where(valid, market.eta, 0.0)
    nested = valid & ~np.isnan(market.sigma_home)
    outer = np.where(nested, market.sigma_home, sigma)
    at_home = nested[flow_owner] & market.home
    good = valid[flow_owner]
    share = np.where(good, market.share, 0.0)
    weight = np.where(good, market.sales_share, 0.0)
    bundle = np.where(at_home, 0.0, share)
    imports = np.bincount(market.flow_importer, bundle, len(demand))
    bundle = bundle / np.where(imports > 0, imports, 1.0)[market.flow_importer]
    own = np.where(at_home, outer[flow_owner], sigma[flow_owner])
    good_exporter = valid[_owner(market.exporter_ptr)]
    moves = good_exporter & np.isfinite(market.epsilon)
    slope = np.where(moves, market.epsilon, 0.0)
    steep = slope + np.bincount(market.flow_exporter, weight * own, len(slope))
    return _Linear(
        cost=np.where(good, cost, 0.0),
        share=share,
        bundle=bundle,
        weight=weight,
        own=own,
        by_index=(outer - eta)[flow_owner],
        by_bundle=np.where(at_home, 0.0, (sigma - outer)[flow_owner]),
        demand=np.where(good, demand[market.flow_importer], 0.0),
        slope=slope,
        supply=np.where(good_exporter, supply, 0.0),
        inverse=np.where(moves & (steep > 0), 1.0, 0.0) / np.where(steep > 0, steep, 1.0),
    )


def _valid_products(market: Market, cost: Floats, supply: Floats, demand: Floats) -> Bools:
    """Products [k] whose every number can be used."""
    sigma, eta, upper = market.sigma, market.eta, market.sigma_home
    good = np.isfinite(sigma) & (sigma > 0) & np.isfinite(eta) & (eta >= 0)
    good &= np.isnan(upper) | (np.isfinite(upper) & (upper > 0))
    good &= np.isnan(market.sigma_groups)  # a nest that the linear model does not have
    flow = np.isfinite(cost) & np.isfinite(market.share) & np.isfinite(market.sales_share)
    flow &= (market.share > 0) & (market.sales_share > 0)
    exporter = np.isfinite(supply) & (market.epsilon >= 0)
    rows = (
        (market.flow_ptr, flow),
        (market.exporter_ptr, exporter),
        (market.importer_ptr, np.isfinite(demand)),
    )
    for ptr, fine in rows:
        good &= np.bincount(_owner(ptr), ~fine, len(good)) == 0
    return good


def _solve_indices(
    market: Market, linear: _Linear, valid: Bools
) -> tuple[Floats, Floats, Floats, Ints]:
    """Prices [X], indices [M], bundle prices [M], and the products without a unique solution."""
    price = np.zeros(len(linear.inverse))
    index = np.zeros(int(market.importer_ptr[-1]))
    bundle_price = np.zeros(len(index))
    unmoved = linear.weight * (linear.demand - linear.own * linear.cost)
    reaction = np.bincount(market.flow_exporter, unmoved, len(price)) - linear.supply
    reaction *= linear.inverse
    nested = ~np.isnan(market.sigma_home)
    singular: list[int] = []
    for product in np.flatnonzero(valid & (np.diff(market.flow_ptr) > 0)).tolist():
        flows, exporters, importers = ranges(market, product)
        row = market.flow_exporter[flows] - exporters.start
        column = market.flow_importer[flows] - importers.start
        size = importers.stop - importers.start
        # Columns: the importers' indices and, with a nest, their bundles of imports.
        parts = [(linear.share, linear.by_index)]
        if nested[product]:
            parts.append((linear.bundle, linear.by_bundle))
        spend = np.zeros((exporters.stop - exporters.start, len(parts) * size))
        sales = np.zeros_like(spend)
        constant = np.zeros(len(parts) * size)
        for level, (share, response) in enumerate(parts):
            start = level * size
            spend[row, start + column] = share[flows]
            sales[row, start + column] = linear.weight[flows] * response[flows]
            costs = share[flows] * linear.cost[flows]
            constant[start : start + size] = np.bincount(column, costs, size)
        inverse = linear.inverse[exporters]
        matrix = np.eye(len(constant)) - spend.T @ (inverse[:, None] * sales)
        try:
            found = np.linalg.solve(matrix, constant + reaction[exporters] @ spend)
        except np.linalg.LinAlgError:
            singular.append(product)
            continue
        price[exporters] = reaction[exporters] + inverse * (sales @ found)
        index[importers] = found[:size]
        bundle_price[importers] = found[-size:]
    return price, index, bundle_price, np.array(singular, np.int64)
