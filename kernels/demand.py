"""Demand of every importer of one product, flow by flow, with quotas per pair eliminated exactly.

Flows are rows of vectors, sorted by bundle, which is quicker than dense blocks where many pairs do
not trade. Each importer has one bundle, or one per group of suppliers, and its bundles lie one
after another. Within the nest of home sales these come last, one row per importer that has them.
Notation of :mod:`.equations`; every flow obeys ``ln q = T_f - sigma_f ln p`` with a level T and the
elasticity of its nest level. With U the level of an importer at the stage of its bundles::

    U_j = (middle - outer) ln PM_j + (outer - eta) ln P_j + ln D_j
    T   = U_j + (sigma - middle) ln PG_gj         in bundle g
    T   = U_j - (middle - outer) ln PM_j          home sales of the nest

A quota Q lifts the price to ``X = (e^T / Q)^(1 / sigma_f)``, at most to the price beyond the
quota. T depends on the indices and these on X. Given U, the first line of T has one root per
bundle, and with U the unknown one increasing function per importer is left: its slope is between
the least and the largest of 1, ``middle / sigma``, ``outer / sigma`` and ``eta / sigma``, so the
root is unique (for eta = 0, where the quotas leave one).
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
class Parts:
    """What the means at one level are made of: rows [n] under heads [h].

    Attributes
    ----------
    start : int64 [h]
        Where the rows of each head begin.
    of : int64 [n]
        Head of each row.
    weight, log_weight : float64 [n]
        Share among the rows that are left of the head.
    log_kept : float64 [h]
        Log share of the head that was not excluded.
    """

    start: Ints
    of: Ints
    weight: Floats
    log_weight: Floats
    log_kept: Floats


@dataclass(frozen=True, eq=False)
class Demand:
    """Demand of some importers [j] for n flows, of which the first m make up bundles [b].

    Attributes
    ----------
    sigma, eta, sigma_home, sigma_groups : float
        NaN: no such nest.
    importer : int64 [n]
        Each at most once among the flows that are in no bundle.
    bundles : Parts
        Flows [m] under bundles.
    bundle_importer : int64 [b]
        Sorted.
    imports : Parts
        Bundles [b] under the importers that have any [h].
    import_importer : int64 [h]
    upper : float64 [2, j]
        Baseline shares of home and of all bundles; used with the nest of home sales only.
    upper_kept : bool [2, j]
        Where either has a flow left.
    log_demand : float64 [j]
    """

    sigma: float
    eta: float
    sigma_home: float
    sigma_groups: float
    importer: Ints
    bundles: Parts
    bundle_importer: Ints
    imports: Parts
    import_importer: Ints
    upper: Floats
    upper_kept: Bools
    log_demand: Floats

    @property
    def nested(self) -> bool:
        """Whether home sales and the bundle of imports form a nest."""
        return not math.isnan(self.sigma_home)

    @property
    def grouped(self) -> bool:
        """Whether suppliers form groups."""
        return not math.isnan(self.sigma_groups)

    @property
    def middle(self) -> float:
        """Elasticity of substitution between bundles."""
        return self.sigma_groups if self.grouped else self.sigma

    @property
    def outer(self) -> float:
        """Elasticity of substitution at the top."""
        return self.sigma_home if self.nested else self.middle

    @property
    def bundled(self) -> int:
        """Number of flows in bundles; those after them are home sales of a nest."""
        return len(self.bundles.weight)


@dataclass(frozen=True, eq=False)
class Indices:
    """Log indices and spending shares at given delivered prices.

    Attributes
    ----------
    log_index, log_imports : float64 [j]
        Of everything, and of all bundles (0 without one; equal without the nest of home sales).
    log_bundle : float64 [b]
    inside : float64 [m]
        Share of each flow in the spending on its bundle.
    part : float64 [b]
        Share of each bundle in the spending on all of its importer.
    home : float64 [j]
        Share of home sales in all spending; 0 without a nest.
    """

    log_index: Floats
    log_imports: Floats
    log_bundle: Floats
    inside: Floats
    part: Floats
    home: Floats


@dataclass(frozen=True, eq=False)
class Response:
    """How levels answer to prices that are free; what moves flows at quota is in the factors.

    ``dU_j = sum_f stage_f d ln p_f`` over the importer's flows, ``dT_j = sum_f home_f d ln p_f``
    for its home sales, and ``dT_b = scale_b (dU_j + sum_(f in b) own_f d ln p_f)`` for the flows
    of a bundle.

    Attributes
    ----------
    stage, home, own : float64 [n]
        ``own`` is 0 for flows in no bundle.
    scale : float64 [b]
    """

    stage: Floats
    home: Floats
    own: Floats
    scale: Floats


def indices(demand: Demand, log_price: Floats) -> Indices:
    """Price indices at delivered prices [n]."""
    size, m = len(demand.log_demand), demand.bundled
    bundle, inside = log_means(demand.bundles, log_price[:m], 1 - demand.sigma)
    imports, part = _imports(demand, bundle)
    if not demand.nested:
        return Indices(imports, imports, bundle, inside, part, np.zeros(size))
    at_home = np.zeros(size)
    at_home[demand.importer[m:]] = log_price[m:]
    value = np.stack([at_home, imports])
    power = 1 - demand.sigma_home
    index = eq.log_power_mean(demand.upper, demand.upper_kept, value, power)
    base = demand.upper[0] / demand.upper.sum(axis=0)
    exponent = np.where(demand.upper_kept[0], power * (at_home - index), -np.inf)
    home = base * np.exp(exponent)
    return Indices(index, imports, bundle, inside, part, home)


def _imports(demand: Demand, bundle: Floats) -> tuple[Floats, Floats]:
    """Log index of all bundles [j], 0 without any, and the share of each bundle [b] in it."""
    mean, part = bundle, np.ones(len(bundle))
    if demand.grouped:
        mean, part = log_means(demand.imports, bundle, 1 - demand.middle)
    imports = np.zeros(len(demand.log_demand))
    imports[demand.import_importer] = mean
    return imports, part


def log_means(parts: Parts, log_value: Floats, power: float) -> tuple[Floats, Floats]:
    """Log power mean of the rows of each head [h], and their shares in it [n]."""
    start, of = parts.start, parts.of
    if start.size == 0:
        return np.zeros(0), np.zeros(0)
    if abs(power) < AT_ONE:
        return np.add.reduceat(parts.weight * log_value, start), parts.weight
    exponent = power * log_value
    if abs(power) < NEAR_ONE:
        spread = np.log1p(np.add.reduceat(parts.weight * np.expm1(exponent), start))
        inside = parts.weight * np.exp(exponent - spread[of])
        return (parts.log_kept + spread) / power, inside
    exponent += parts.log_weight
    top = np.maximum.reduceat(exponent, start)
    inside = np.exp(exponent - top[of])
    total = np.add.reduceat(inside, start)
    inside /= total[of]
    return (parts.log_kept + top + np.log(total)) / power, inside


def levels(demand: Demand, found: Indices) -> tuple[Floats, Floats]:
    """Levels at given indices: U [j] of the stage of bundles, and T [j] of home sales."""
    home = (demand.outer - demand.eta) * found.log_index + demand.log_demand
    return home + (demand.middle - demand.outer) * found.log_imports, home


def flow_levels(demand: Demand, found: Indices, stage: Floats, home: Floats) -> Floats:
    """Level T of every flow [n] from those of its importer."""
    bundle = stage[demand.bundle_importer]
    if demand.grouped:
        bundle = bundle + (demand.sigma - demand.middle) * found.log_bundle
    return np.concatenate([bundle[demand.bundles.of], home[demand.importer[demand.bundled :]]])


def elasticities(demand: Demand) -> Floats:
    """Elasticity of every flow's quantity [n] by its own price at a given level."""
    out = np.full(len(demand.importer), demand.sigma)
    out[demand.bundled :] = demand.outer
    return out


def respond(demand: Demand, found: Indices, bound: Bools) -> Response:
    """Derivatives of the levels; ``bound`` [n] marks the flows whose quota sets their price."""
    of, m = demand.importer, demand.bundled
    gap, pull = demand.middle - demand.outer, demand.outer - demand.eta
    shares = _shares_at_quota(demand, found, bound)
    slope = _root_slope(demand, found, shares)
    scale = 1 / shares.held
    reach = (found.part * scale)[demand.bundles.of] * found.inside
    by_bundle = (pull * (1 - found.home) + gap * shares.own) / slope
    by_home = pull * found.home / slope
    stage = np.concatenate([by_bundle[of[:m]] * reach, by_home[of[m:]]])
    own = np.zeros(len(of))
    own[:m] = (demand.sigma - demand.middle) * found.inside
    if not demand.nested:
        return Response(stage, stage, own, scale)
    home = shares.carried[of] * stage
    home[:m] -= gap * reach
    return Response(stage, home, own, scale)


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
        Level U to start from.

    Returns
    -------
    tuple of float64
        Level U [j], level T of every flow [n], and what is left of the root function [j]: not 0
        where the quotas leave less than a demand that cannot give way.
    """
    m, size = demand.bundled, len(demand.log_demand)
    of, outer = demand.importer, demand.outer
    log_price = low.copy()
    bound = np.zeros(len(low), np.bool_)
    bundle = start[demand.bundle_importer]
    level, flow_level, gap = start.copy(), low, np.zeros(size)
    below, above = np.full(size, -np.inf), np.full(size, np.inf)
    for step in range(ROOT_STEPS):
        bundle = _bundle_levels(demand, low[:m], high[:m], log_quota[:m], level, bundle)
        wanted = (bundle[demand.bundles.of] - log_quota[:m]) / demand.sigma
        log_price[:m] = np.minimum(np.maximum(low[:m], wanted), high[:m])
        bound[:m] = (wanted > low[:m]) & (wanted < high[:m])
        home_level = level
        if demand.nested:
            mean, _ = log_means(demand.bundles, log_price[:m], 1 - demand.sigma)
            home_level = level - (demand.middle - outer) * _imports(demand, mean)[0]
            wanted = (home_level[of[m:]] - log_quota[m:]) / outer
            log_price[m:] = np.minimum(np.maximum(low[m:], wanted), high[m:])
            bound[m:] = (wanted > low[m:]) & (wanted < high[m:])
        found = indices(demand, log_price)
        flow_level = np.concatenate([bundle[demand.bundles.of], home_level[of[m:]]])
        gap = home_level - (outer - demand.eta) * found.log_index - demand.log_demand
        below = np.where(gap <= 0, level, below)
        above = np.where(gap >= 0, level, above)
        slope = _root_slope(demand, found, _shares_at_quota(demand, found, bound))
        trial = level - np.clip(gap / np.maximum(slope, 1e-12), -LARGEST_MOVE, LARGEST_MOVE)
        outside = (trial <= below) | (trial >= above)
        if step % 4 == 3 and step > NEWTON_ALONE:
            outside = np.isfinite(below) & np.isfinite(above)
        trial[outside] = 0.5 * (below + above)[outside]
        scale = 4e-16 * (1 + np.abs(level) + (outer + demand.eta) * np.abs(found.log_index))
        done = (np.abs(gap) <= scale) | (np.abs(trial - level) <= scale)
        if done.all():
            break
        level = np.where(done, level, trial)
    return level, flow_level, gap


def _bundle_levels(
    demand: Demand, low: Floats, high: Floats, log_quota: Floats, stage: Floats, start: Floats
) -> Floats:
    """Level T of each bundle [b] at which ``T - (sigma - middle) ln PG(T)`` is the stage's level.

    An increasing function of T, with a slope between 1 and ``middle / sigma``.
    """
    target = stage[demand.bundle_importer]
    gap = demand.sigma - demand.middle
    if not demand.grouped or gap == 0:
        return target
    level, of = start.copy(), demand.bundles.of
    below, above = np.full(len(target), -np.inf), np.full(len(target), np.inf)
    for step in range(ROOT_STEPS):
        wanted = (level[of] - log_quota) / demand.sigma
        log_price = np.minimum(np.maximum(low, wanted), high)
        bound = (wanted > low) & (wanted < high)
        mean, inside = log_means(demand.bundles, log_price, 1 - demand.sigma)
        left = level - gap * mean - target
        below, above = np.where(left <= 0, level, below), np.where(left >= 0, level, above)
        slope = 1 - gap / demand.sigma * row_sums(of, inside * bound, len(target))
        trial = level - np.clip(left / slope, -LARGEST_MOVE, LARGEST_MOVE)
        outside = (trial <= below) | (trial >= above)
        if step % 4 == 3 and step > NEWTON_ALONE:
            outside = np.isfinite(below) & np.isfinite(above)
        trial[outside] = 0.5 * (below + above)[outside]
        scale = 4e-16 * (1 + np.abs(level) + np.abs(gap * mean))
        done = (np.abs(left) <= scale) | (np.abs(trial - level) <= scale)
        if done.all():
            break
        level = np.where(done, level, trial)
    return level


@dataclass(frozen=True, eq=False)
class _Shares:
    """What flows at their quota do to the spread of a change of the levels.

    Attributes
    ----------
    held : float64 [b]
        ``dU / dT`` of each bundle.
    moved : float64 [j]
        ``d ln PM / dU``.
    carried : float64 [j]
        What of a change of U reaches the level of home sales.
    own : float64 [j]
        What of that is left after home sales at their quota have moved the index.
    """

    held: Floats
    moved: Floats
    carried: Floats
    own: Floats


def _root_slope(demand: Demand, found: Indices, shares: _Shares) -> Floats:
    """Derivative of the root function by the level [j]."""
    pull = demand.outer - demand.eta
    slope: Floats = shares.carried * shares.own - pull * (1 - found.home) * shares.moved
    return slope


def _shares_at_quota(demand: Demand, found: Indices, bound: Bools) -> _Shares:
    m, size, sigma = demand.bundled, len(demand.log_demand), demand.sigma
    heads = len(found.part)
    at_quota = row_sums(demand.bundles.of, found.inside * bound[:m], heads) / sigma
    held = 1 - (sigma - demand.middle) * at_quota
    moved = row_sums(demand.bundle_importer, found.part * at_quota / held, size)
    own = np.ones(size)
    last = demand.importer[m:]
    own[last] -= (demand.outer - demand.eta) / demand.outer * found.home[last] * bound[m:]
    return _Shares(held, moved, 1 - (demand.middle - demand.outer) * moved, own)
