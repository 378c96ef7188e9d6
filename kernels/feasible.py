"""Where limits on quantity leave importers less than demands that cannot give way.

With eta = 0 each importer wants a fixed amount of the composite, whatever it costs. Then limits
may leave no equilibrium, and there are two proofs of it.
"""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels import demand as dm
from tradewedge.kernels.complementarity import Problem
from tradewedge.kernels.demand import Parts
from tradewedge.kernels.equations import AT_ONE
from tradewedge.kernels.market import Floats, Ints

JOINT_STEPS = 300
MARGIN = 1e-9
"""By how much, relatively, demand has to exceed what there is."""


def is_proven_infeasible(problem: Problem) -> bool:
    """Whether no prices can serve everyone; False proves nothing."""
    if problem.demand.eta > 0:
        return False
    return _one_lacks(problem) or _together_they_lack(problem)


def _one_lacks(problem: Problem) -> bool:
    """Whether some importer would lack even if no other bought anything.

    The most it can get is the aggregate of the largest quantity of every flow: its own quota, the
    whole of a group's limit, all that its exporter can supply.
    """
    demand = problem.demand
    log_most = _largest_quantities(problem)
    m = demand.bundled
    attained = np.zeros(len(demand.log_demand))
    aggregate = _aggregate(demand.bundles, log_most[:m], demand.sigma)
    if demand.grouped:
        aggregate = _aggregate(demand.imports, aggregate, demand.middle)
    attained[demand.import_importer] = aggregate
    if demand.nested:
        at_home = np.zeros(len(demand.log_demand))
        at_home[demand.importer[m:]] = log_most[m:]
        attained = _upper(demand.upper, demand.upper_kept, at_home, attained, demand.outer)
    return bool(np.any(attained < demand.log_demand - MARGIN))


@dataclass(frozen=True, eq=False)
class _Resources:
    """Everything that is limited: rows [r] of (resource, flow, log weight), and log limits."""

    of: Ints
    flow: Ints
    log_weight: Floats
    log_limit: Floats


def _together_they_lack(problem: Problem) -> bool:
    """Whether importers that live on limited flows alone want more than there is for all.

    Put any price mu_r on a unit of each resource r. Flow f then costs ``c_f = sum_r mu_r W_rf``
    per unit, an importer cannot buy its composite for less than ``P_j D_j`` with P the index at
    prices ``c_f / s_f``, and all of them cannot pay more than ``sum_r mu_r L_r`` for resources
    that suffice. So ``sum_j P_j D_j > sum_r mu_r L_r`` is a proof. The prices are raised where
    use exceeds the limit until they prove it or the steps are used up.
    """
    demand, limits = problem.demand, _resources(problem)
    inside = np.zeros(len(problem.flow), np.bool_)
    inside[limits.flow] = True
    outside = np.bincount(demand.importer, ~inside, len(demand.log_demand))
    closed = outside == 0
    some = closed[demand.importer[limits.flow]]
    used = np.unique(limits.of[some])
    if used.size == 0:
        return False
    flow, weight = limits.flow[some], np.exp(limits.log_weight[some])
    of = np.searchsorted(used, limits.of[some])
    log_limit = limits.log_limit[used]
    mine = closed[demand.importer]
    log_share, elasticity = _log_share(problem), dm.elasticities(demand)
    log_mu = np.zeros(used.size)
    for _ in range(JOINT_STEPS):
        log_mu -= np.max(log_mu)
        cost = np.bincount(flow, weight * np.exp(log_mu[of]), len(mine))
        log_cost = np.log(np.where(mine, np.maximum(cost, 1e-300), 1.0)) - log_share
        found = dm.indices(demand, log_cost)
        spent = float(np.sum(np.exp(found.log_index + demand.log_demand)[closed]))
        if spent > (1 + MARGIN) * float(np.sum(np.exp(log_mu + log_limit))):
            return True
        level = dm.flow_levels(demand, found, *dm.levels(demand, found))
        quantity = np.exp(np.minimum(level - elasticity * log_cost, 300.0))
        use = np.bincount(of, weight * quantity[flow], used.size)
        move = np.log(np.maximum(use, 1e-300)) - log_limit
        steepest = max(demand.sigma, demand.middle, demand.outer)
        log_mu += 0.5 * np.clip(move, -10.0, 10.0) / steepest
    return False


def _resources(problem: Problem) -> _Resources:
    groups = problem.groups
    hard = groups.hard
    rows = np.flatnonzero(hard[groups.of])
    group = (np.cumsum(hard) - 1)[groups.of[rows]]
    output = _largest_output(problem)
    pairs = np.flatnonzero(np.isfinite(_hard_quota(problem)))
    makers = np.flatnonzero(np.isfinite(output))
    made = np.flatnonzero(np.isfinite(output)[problem.exporter])
    number = np.cumsum(np.isfinite(output)) - 1
    first = int(np.count_nonzero(hard))
    second = first + len(pairs)
    return _Resources(
        of=np.concatenate(
            [group, first + np.arange(len(pairs)), second + number[problem.exporter[made]]]
        ),
        flow=np.concatenate([groups.flow[rows], pairs, made]),
        log_weight=np.concatenate(
            [groups.log_weight[rows], np.zeros(len(pairs)), problem.log_sales[made]]
        ),
        log_limit=np.concatenate(
            [groups.log_limit[hard], problem.log_quota[pairs], output[makers]]
        ),
    )


def _log_share(problem: Problem) -> Floats:
    """Log share of each flow [n] in all spending of its importer at baseline."""
    demand = problem.demand
    m, of = demand.bundled, demand.importer
    with np.errstate(divide="ignore"):
        upper = np.log(demand.upper / demand.upper.sum(axis=0))
    imports = np.zeros(len(demand.log_demand))
    imports[demand.import_importer] = demand.imports.log_kept
    bundle = demand.imports.log_weight + (imports + upper[1])[demand.bundle_importer]
    inside = demand.bundles.log_weight + (bundle + demand.bundles.log_kept)[demand.bundles.of]
    return np.concatenate([inside, upper[0][of[m:]]])


def _hard_quota(problem: Problem) -> Floats:
    """Log quota [n] beyond which nothing may enter; inf: none."""
    quota = problem.log_quota.copy()
    quota[problem.special[2]] = np.inf
    return quota


def _largest_output(problem: Problem) -> Floats:
    """Log of supply [i] that no price can change; inf: it can, or a group limits it."""
    supply = problem.supply
    rigid = ~supply.infinite & (supply.epsilon == 0)
    return np.where(rigid, supply.log_shift, np.inf)


def _largest_quantities(problem: Problem) -> Floats:
    """Log of the most that each flow [n] can ever be, whatever the prices; inf: no limit."""
    most, groups = _hard_quota(problem), problem.groups
    largest = np.where(groups.hard, groups.log_limit, np.inf)[groups.of] - groups.log_weight
    np.minimum.at(most, groups.flow, largest)
    return np.minimum(most, _largest_output(problem)[problem.exporter] - problem.log_sales)


def _aggregate(parts: Parts, log_quantity: Floats, sigma: float) -> Floats:
    """Log of the CES aggregate of quantities, the dual of the price index.

    With shares s in spending it is ``[sum_f s_f q_f^rho]^(1 / rho)``, ``rho = 1 - 1 / sigma``.
    """
    start = parts.start
    if start.size == 0:
        return np.zeros(0)
    rho = 1 - 1 / sigma
    if abs(rho) < AT_ONE:
        return np.add.reduceat(parts.weight * log_quantity, start)
    terms = parts.log_weight + rho * log_quantity
    top = np.maximum.reduceat(terms, start)
    level = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.add.reduceat(np.exp(terms - level[parts.of]), start))
    out: Floats = (parts.log_kept + level + total) / rho
    return out


def _upper(
    base: Floats, kept: np.ndarray, home: Floats, bundle: Floats, sigma_home: float
) -> Floats:
    """The aggregate of home sales and the bundle of imports [j]."""
    size = base.shape[1]
    weight = (np.where(kept, base, 0.0) / base.sum(axis=0)).T.ravel()
    with np.errstate(divide="ignore"):
        log_weight = np.log(weight)
    value = np.where(kept, np.stack([home, bundle]), 0.0).T.ravel()
    start = 2 * np.arange(size)
    pairs = Parts(start, np.repeat(np.arange(size), 2), weight, log_weight, np.zeros(size))
    return _aggregate(pairs, value, sigma_home)
