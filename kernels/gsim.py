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
    """Coefficients of the linear system.

    By flow: share in spending and in the bundle that competes at ``sigma``, weights of the two
    indices in the exporter's sales. By exporter: 1 / (demand slope + supply slope), 0 where the
    price is fixed; demand less supply at unchanged prices and indices.
    """

    share: Floats
    bundle: Floats
    by_index: Floats
    by_bundle: Floats
    inverse: Floats
    excess: Floats


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
    flows, exporters, importers = len(market.share), len(market.epsilon), market.importer_ptr[-1]
    supply = np.zeros(exporters) if supply_change is None else supply_change
    demand = np.zeros(int(importers)) if demand_change is None else demand_change
    counts = np.diff(market.flow_ptr)
    product_of_flow = np.repeat(np.arange(len(counts)), counts)
    valid = _valid_products(market, power_change, supply, demand, product_of_flow)
    good = valid[product_of_flow]

    nested = ~np.isnan(market.sigma_home)
    outer = np.where(nested, market.sigma_home, market.sigma)
    gap = (market.sigma - outer)[product_of_flow]
    tail = (outer - market.eta)[product_of_flow]
    at_home = nested[product_of_flow] & market.home
    own = np.where(at_home, outer[product_of_flow], market.sigma[product_of_flow])
    finite = np.isfinite(market.epsilon)
    slope = np.where(finite, market.epsilon, 0.0)

    weight = np.where(good, market.sales_share, 0.0)
    share = np.where(good, market.share, 0.0)
    cost = np.where(good, power_change, 0.0)
    bundle = np.where(at_home, 0.0, share)
    away = _by_row(market.flow_importer, bundle, len(demand))
    bundle /= np.where(away > 0, away, 1.0)[market.flow_importer]

    fixed = -own * cost + demand[market.flow_importer]
    steep = slope + _by_row(market.flow_exporter, weight * own, exporters)
    linear = _Linear(
        share=share,
        bundle=bundle,
        by_index=weight * tail,
        by_bundle=np.where(at_home, 0.0, weight * gap),
        inverse=np.where(finite, 1.0, 0.0) / np.where(steep > 0, steep, 1.0),
        excess=_by_row(market.flow_exporter, weight * fixed, exporters) - supply,
    )
    price, index, bundle_price, singular = _solve_indices(market, linear, cost, valid, nested)

    delivered = price[market.flow_exporter] + cost
    inner = np.where(at_home, 0.0, gap * bundle_price[market.flow_importer])
    composite = tail * index[market.flow_importer] + demand[market.flow_importer]
    quantity = -own * delivered + inner + composite
    excess = _by_row(market.flow_exporter, weight * quantity, exporters) - supply - slope * price
    status = np.where(valid, Status.CONVERGED, Status.NONFINITE_INPUT).astype(np.int8)
    status[singular] = Status.INFEASIBLE
    rows = np.diff(market.exporter_ptr)
    residual = np.zeros(len(counts))
    np.maximum.at(
        residual, np.repeat(np.arange(len(counts)), rows), np.where(finite, np.abs(excess), 0.0)
    )
    solved = status == Status.CONVERGED
    lost = ~solved
    return LinearSolution(
        price=np.where(np.repeat(lost, rows), np.nan, price),
        index=np.where(np.repeat(lost, np.diff(market.importer_ptr)), np.nan, index),
        quantity=np.where(lost[product_of_flow], np.nan, quantity) if flows else quantity,
        status=status,
        iterations=(solved & (counts > 0)).astype(np.int64),
        residual=np.where(solved, residual, np.nan),
    )


def _valid_products(
    market: Market, cost: Floats, supply: Floats, demand: Floats, product_of_flow: Ints
) -> Bools:
    """Products [k] whose every number can be used."""
    products = len(market.sigma)
    flow = np.isfinite(cost) & np.isfinite(market.share) & np.isfinite(market.sales_share)
    exporter = np.isfinite(supply) & (market.epsilon >= 0)
    importer = np.isfinite(demand)
    good = np.isfinite(market.sigma) & (market.sigma > 0) & np.isfinite(market.eta)
    good &= market.eta >= 0
    good &= np.isnan(market.sigma_home) | np.isfinite(market.sigma_home) & (market.sigma_home > 0)
    good &= np.bincount(product_of_flow, ~flow, products) == 0
    for ptr, rows in ((market.exporter_ptr, exporter), (market.importer_ptr, importer)):
        owner = np.repeat(np.arange(products), np.diff(ptr))
        good &= np.bincount(owner, ~rows, products) == 0
    return good


def _solve_indices(
    market: Market, linear: _Linear, cost: Floats, valid: Bools, nested: Bools
) -> tuple[Floats, Floats, Floats, Ints]:
    """Prices [X], indices [M], bundle prices [M], and the products without a unique solution."""
    price = np.zeros(len(linear.inverse))
    index = np.zeros(int(market.importer_ptr[-1]))
    bundle_price = np.zeros(len(index))
    singular: list[int] = []
    for product in np.flatnonzero(valid & (np.diff(market.flow_ptr) > 0)).tolist():
        flows, exporters, importers = ranges(market, product)
        row = market.flow_exporter[flows] - exporters.start
        column = market.flow_importer[flows] - importers.start
        size = importers.stop - importers.start
        levels = 2 if nested[product] else 1
        # Columns: the importers' indices and, with a nest, their bundles of imports.
        spend = np.zeros((exporters.stop - exporters.start, levels * size))
        sales = np.zeros_like(spend)
        spend[row, column], sales[row, column] = linear.share[flows], linear.by_index[flows]
        constant = np.bincount(column, linear.share[flows] * cost[flows], size)
        if levels == 2:
            spend[row, column + size] = linear.bundle[flows]
            sales[row, column + size] = linear.by_bundle[flows]
            more = np.bincount(column, linear.bundle[flows] * cost[flows], size)
            constant = np.concatenate([constant, more])
        inverse = linear.inverse[exporters]
        reaction = inverse * linear.excess[exporters]
        matrix = np.eye(levels * size) - spend.T @ (inverse[:, None] * sales)
        try:
            found = np.linalg.solve(matrix, constant + reaction @ spend)
        except np.linalg.LinAlgError:
            singular.append(product)
            continue
        price[exporters] = reaction + inverse * (sales @ found)
        index[importers] = found[:size]
        bundle_price[importers] = found[-size:]
    return price, index, bundle_price, np.array(singular, np.int64)


def _by_row(row: Ints, values: Floats, rows: int) -> Floats:
    """Sum flows by exporter or importer row."""
    return np.bincount(row, values, rows).astype(np.float64)
