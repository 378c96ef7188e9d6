"""Demand of every importer of one product, flow by flow, with quotas per pair eliminated exactly.

Flows are rows of vectors, sorted by importer, which is quicker than dense blocks where many pairs
do not trade. Within a nest (``sigma_home``) home sales come last, one row per importer that has
them, and the others form the bundle of imports. Notation of :mod:`.equations`; every flow obeys
``ln q = T - sigma_f ln p`` with a level T of its importer and the elasticity of its nest level.

A quota Q lifts the price to ``X = (e^T / Q)^(1 / sigma_f)``, at most to the price beyond the
quota. T depends on the index and the index on X. With T the unknown everything else is explicit,
and what is left is one increasing function of T per importer: its slope is between
``min(1, eta / sigma)`` and ``max(1, eta / sigma)``, so the root is unique (for eta = 0, where the
quotas leave one).
"""

import math
from dataclasses import dataclass

import numpy as np

from tradewedge.kernels import equations as eq
from tradewedge.kernels.equations import AT_ONE, NEAR_ONE
from tradewedge.kernels.market import Bools, Floats, Ints, row_sums

ROOT_STEPS = 200
NEWTON_ALONE = 12
"""Steps after which every fourth one halves the bracket instead."""
LARGEST_MOVE = 20.0
"""Largest change of the log level in one step of the root search."""


@dataclass(frozen=True, eq=False)
class Demand:
    """Demand of some importers [j] for n flows, of which the first m make up bundles.

    Attributes
    ----------
    sigma, eta, sigma_home : float
        NaN: no nest.
    importer : int64 [n]
        Sorted within the first m, and each at most once after them.
    bundle_start : int64 [b]
        Where each bundle's flows begin.
    bundle_of : int64 [m]
        Bundle of each flow.
    bundle_importer : int64 [b]
    weight, log_weight : float64 [m]
        Share among the flows that are left of the bundle.
    log_kept : float64 [b]
        Log share of the bundle that was not excluded.
    upper : float64 [2, j]
        Baseline shares of home and of the bundle; used with a nest only.
    upper_kept : bool [2, j]
        Where either has a flow left.
    log_demand : float64 [j]
    """

    sigma: float
    eta: float
    sigma_home: float
    importer: Ints
    bundle_start: Ints
    bundle_of: Ints
    bundle_importer: Ints
    weight: Floats
    log_weight: Floats
    log_kept: Floats
    upper: Floats
    upper_kept: Bools
    log_demand: Floats

    @property
    def nested(self) -> bool:
        """Whether home sales and the bundle of imports form a nest."""
        return not math.isnan(self.sigma_home)

    @property
    def outer(self) -> float:
        """Elasticity of substitution at the top."""
        return self.sigma_home if self.nested else self.sigma

    @property
    def bundled(self) -> int:
        """Number of flows in bundles; those after them are home sales of a nest."""
        return len(self.weight)


@dataclass(frozen=True, eq=False)
class Indices:
    """Log indices and spending shares at given delivered prices.

    Attributes
    ----------
    log_index, log_bundle : float64 [j]
        Of everything, and of the bundle (0 without one; equal to the first without a nest).
    inside : float64 [m]
        Share of each flow in the spending on its bundle.
    home : float64 [j]
        Share of home sales in all spending; 0 without a nest.
    """

    log_index: Floats
    log_bundle: Floats
    inside: Floats
    home: Floats


@dataclass(frozen=True, eq=False)
class Response:
    """How levels T answer to prices: ``dT_j = sum_f by_f d ln p_f`` over the importer's flows.

    Only of prices that are free; what moves flows at their quota is inside the factors.

    Attributes
    ----------
    level : float64 [n]
        Effect on the level of flows in the bundle.
    home_level : float64 [n]
        Effect on the level of home sales; equal to the first without a nest.
    """

    level: Floats
    home_level: Floats


def indices(demand: Demand, log_price: Floats) -> Indices:
    """Price indices at delivered prices [n]."""
    size = len(demand.log_demand)
    mean, inside = _bundle(demand, log_price[: demand.bundled])
    bundle = np.zeros(size)
    bundle[demand.bundle_importer] = mean
    if not demand.nested:
        return Indices(bundle, bundle, inside, np.zeros(size))
    at_home = np.zeros(size)
    at_home[demand.importer[demand.bundled :]] = log_price[demand.bundled :]
    value = np.stack([at_home, bundle])
    power = 1 - demand.sigma_home
    index = eq.log_power_mean(demand.upper, demand.upper_kept, value, power)
    base = demand.upper[0] / demand.upper.sum(axis=0)
    home = np.where(demand.upper_kept[0], base * np.exp(power * (at_home - index)), 0.0)
    return Indices(index, bundle, inside, home)


def _bundle(demand: Demand, log_price: Floats) -> tuple[Floats, Floats]:
    """Log index of each bundle [b], and shares of its flows in the spending on it [m]."""
    start, power = demand.bundle_start, 1 - demand.sigma
    if start.size == 0:
        return np.zeros(0), np.zeros(0)
    of = demand.bundle_of
    if abs(power) < AT_ONE:
        return np.add.reduceat(demand.weight * log_price, start), demand.weight
    exponent = power * log_price
    if abs(power) < NEAR_ONE:
        spread = np.log1p(np.add.reduceat(demand.weight * np.expm1(exponent), start))
        inside = demand.weight * np.exp(exponent - spread[of])
        return (demand.log_kept + spread) / power, inside
    exponent += demand.log_weight
    top = np.maximum.reduceat(exponent, start)
    inside = np.exp(exponent - top[of])
    total = np.add.reduceat(inside, start)
    inside /= total[of]
    return (demand.log_kept + top + np.log(total)) / power, inside


def levels(demand: Demand, found: Indices) -> tuple[Floats, Floats]:
    """Level T [j] of flows in the bundle and of home sales, at given indices."""
    home = (demand.outer - demand.eta) * found.log_index + demand.log_demand
    return home + (demand.sigma - demand.outer) * found.log_bundle, home


def flow_levels(demand: Demand, level: Floats, home_level: Floats) -> Floats:
    """Level T of every flow [n] from those of its importer."""
    m = demand.bundled
    return np.concatenate([level[demand.importer[:m]], home_level[demand.importer[m:]]])


def elasticities(demand: Demand) -> Floats:
    """Elasticity of every flow's quantity [n] by its own price at a given level."""
    out = np.full(len(demand.importer), demand.sigma)
    out[demand.bundled :] = demand.outer
    return out


def respond(demand: Demand, found: Indices, bound: Bools) -> Response:
    """Derivatives of the levels; ``bound`` [n] marks the flows whose quota sets their price."""
    of, m = demand.importer, demand.bundled
    gap, pull = demand.sigma - demand.outer, demand.outer - demand.eta
    carried, own, _ = _shares_at_quota(demand, found, bound)
    slope = _root_slope(demand, found, bound)
    by_bundle = (pull * (1 - found.home) + gap * own) / slope
    by_home = pull * found.home / slope
    level = np.concatenate([by_bundle[of[:m]] * found.inside, by_home[of[m:]]])
    if not demand.nested:
        return Response(level, level)
    home_level = carried[of] * level
    home_level[:m] -= gap * found.inside
    return Response(level, home_level)


def solve_levels(
    demand: Demand, low: Floats, high: Floats, log_quota: Floats, start: Floats
) -> tuple[Floats, Floats, Floats]:
    """Find the levels at which prices, quotas and indices agree.

    Parameters
    ----------
    demand : Demand
    low, high : float64 [n]
        Log delivered price within and beyond the quota; ``high`` may be inf.
    log_quota : float64 [n]
        inf: none.
    start : float64 [j]
        Level to start from.

    Returns
    -------
    tuple of float64
        Level of flows in the bundle [j], level of every flow [n], and what is left of the root
        function [j]: not 0 where the quotas leave less than a demand that cannot give way.
    """
    m, size = demand.bundled, len(demand.log_demand)
    of, sigma, outer = demand.importer, demand.sigma, demand.outer
    log_price = low.copy()
    bound = np.zeros(len(low), np.bool_)
    level, home_level, gap = start.copy(), start, np.zeros(size)
    below, above = np.full(size, -np.inf), np.full(size, np.inf)
    for step in range(ROOT_STEPS):
        wanted = (level[of[:m]] - log_quota[:m]) / sigma
        log_price[:m] = np.minimum(np.maximum(low[:m], wanted), high[:m])
        bound[:m] = (wanted > low[:m]) & (wanted < high[:m])
        home_level = level
        if demand.nested:
            mean, _ = _bundle(demand, log_price[:m])
            home_level = level.copy()
            home_level[demand.bundle_importer] -= (sigma - outer) * mean
            wanted = (home_level[of[m:]] - log_quota[m:]) / outer
            log_price[m:] = np.minimum(np.maximum(low[m:], wanted), high[m:])
            bound[m:] = (wanted > low[m:]) & (wanted < high[m:])
        found = indices(demand, log_price)
        gap = home_level - (outer - demand.eta) * found.log_index - demand.log_demand
        below = np.where(gap <= 0, level, below)
        above = np.where(gap >= 0, level, above)
        slope = np.maximum(_root_slope(demand, found, bound), 1e-12)
        trial = level - np.clip(gap / slope, -LARGEST_MOVE, LARGEST_MOVE)
        outside = (trial <= below) | (trial >= above)
        if step % 4 == 3 and step > NEWTON_ALONE:
            outside = np.isfinite(below) & np.isfinite(above)
        trial[outside] = 0.5 * (below + above)[outside]
        scale = 4e-16 * (1 + np.abs(level) + (outer + demand.eta) * np.abs(found.log_index))
        done = (np.abs(gap) <= scale) | (np.abs(trial - level) <= scale)
        if done.all():
            break
        level = np.where(done, level, trial)
    return level, flow_levels(demand, level, home_level), gap


def _root_slope(demand: Demand, found: Indices, bound: Bools) -> Floats:
    """Derivative of the root function by the level [j]."""
    carried, own, at_quota = _shares_at_quota(demand, found, bound)
    pull = demand.outer - demand.eta
    slope: Floats = carried * own - pull * (1 - found.home) * at_quota / demand.sigma
    return slope


def _shares_at_quota(demand: Demand, found: Indices, bound: Bools) -> tuple[Floats, Floats, Floats]:
    """What a change of the level keeps after the bundle and after home sales, each [j].

    The third is the share of flows at their quota in the spending on the bundle.
    """
    m, size = demand.bundled, len(demand.log_demand)
    at_quota = row_sums(demand.importer[:m], found.inside * bound[:m], size)
    carried = 1 - (demand.sigma - demand.outer) / demand.sigma * at_quota
    own = np.ones(size)
    last = demand.importer[m:]
    own[last] -= (demand.outer - demand.eta) / demand.outer * found.home[last] * bound[m:]
    return carried, own, at_quota
