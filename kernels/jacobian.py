"""Derivatives of the residuals of :mod:`.complementarity` by its unknowns."""

import numpy as np

from tradewedge.kernels import demand as dm
from tradewedge.kernels.complementarity import Problem, State
from tradewedge.kernels.linear import add_rows
from tradewedge.kernels.market import Floats, Ints, row_sums


def jacobian(problem: Problem, state: State, premium: Floats) -> tuple[Floats, Floats]:
    """Residuals and their derivatives by the free prices and the premiums.

    Returns
    -------
    residual : float64 [u]
    matrix : float64 [u, u]
        Rows and columns: free exporters, then groups.
    """
    demand, groups = problem.demand, problem.groups
    n, exporters, count = len(problem.exporter), len(problem.exporters), len(groups.start)
    unknowns, size = exporters + count, len(demand.log_demand)
    m, importer = demand.bundled, demand.importer
    answer = dm.respond(demand, state.indices, state.bound)
    # Effect of each unknown on the levels of each importer, and of each bundle.
    columns = np.concatenate([problem.exporter, exporters + groups.of])
    rows = np.concatenate([np.arange(n), groups.flow])

    def effect(by_flow: Floats, head: Ints, heads: int) -> Floats:
        place = head[rows] * unknowns + columns
        weight = (by_flow * state.passed)[rows]
        return row_sums(place, weight, heads * unknowns).reshape(heads, unknowns)

    stage = effect(answer.stage, importer, size)
    bundle = np.concatenate([demand.bundles.of, np.zeros(n - m, np.int64)])
    on_bundle = stage[demand.bundle_importer]
    if demand.grouped:
        on_bundle = on_bundle + effect(answer.own, bundle, len(on_bundle))
        on_bundle *= answer.scale[:, None]
    # Weight of each importer in each exporter's sales and in each group.
    moving = np.where(state.bound, 0.0, 1.0)
    sales = np.exp(problem.log_sales + state.log_quantity - state.log_demanded[problem.exporter])
    used = np.exp(state.log_quantity[groups.flow] + groups.log_weight - state.log_used[groups.of])
    weight = np.concatenate([sales, used]) * moving[rows]
    bundled = np.flatnonzero(rows < m)
    matrix = np.zeros((unknowns, unknowns))
    at, of = columns[bundled], bundle[rows[bundled]]
    add_rows(matrix, at, of, weight[bundled], on_bundle)
    if m < n:
        home = np.flatnonzero(rows >= m)
        at, of = columns[home], importer[rows[home]]
        add_rows(matrix, at, of, weight[home], effect(answer.home, importer, size))
    # The flow's own price: [row of the unknown, unknown] through each flow.
    own = (weight[:n], weight[n:], -dm.elasticities(demand) * state.passed)
    diagonal = np.arange(exporters)
    matrix[diagonal, diagonal] += row_sums(problem.exporter, own[0] * own[2], exporters)
    if count:
        _add_own_of_groups(matrix, problem, *own)
        matrix[exporters:] *= -1
    matrix[diagonal, diagonal] -= state.supply_slope
    _replace_inactive(matrix, problem, state, premium)
    free = np.concatenate([problem.free, np.arange(exporters, unknowns)])
    residual = np.concatenate([state.price_residual, state.premium_residual])
    return residual[free], matrix[np.ix_(free, free)]


def _add_own_of_groups(
    matrix: Floats, problem: Problem, sales: Floats, used: Floats, own: Floats
) -> None:
    groups, exporters = problem.groups, len(problem.exporters)
    count, flow = len(groups.start), groups.flow
    exporter = problem.exporter[flow]
    at = exporter * count + groups.of
    by_premium = np.bincount(at, (sales * own)[flow], exporters * count)
    by_price = np.bincount(at, used * own[flow], exporters * count)
    matrix[:exporters, exporters:] += by_premium.reshape(exporters, count)
    matrix[exporters:, :exporters] += by_price.reshape(exporters, count).T
    touched, place = np.unique(flow, return_inverse=True)
    member = np.zeros((len(touched), count))
    member[place, groups.of] = 1.0
    through = np.zeros((count, count))
    add_rows(through, groups.of, place, used * own[flow], member)
    matrix[exporters:, exporters:] += through


def _replace_inactive(matrix: Floats, problem: Problem, state: State, premium: Floats) -> None:
    """Put in the rows whose complementarity residual is the unknown itself."""
    sigma, exporters = problem.demand.sigma, len(problem.exporters)
    at_lowest = state.price_residual > state.excess
    rows = np.flatnonzero(at_lowest)
    matrix[rows] = 0.0
    # Newton on e^x would move x by 1 at a time: a third of its slope moves it by 3.
    matrix[rows, rows] = state.price_residual[rows] / 3
    at_end = (sigma * premium < state.slack) | (
        sigma * (premium - problem.groups.beyond) > state.slack
    )
    rows = exporters + np.flatnonzero(at_end)
    matrix[rows] = 0.0
    matrix[rows, rows] = sigma
