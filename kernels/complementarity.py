"""One product under instruments: its layout and residuals.

Unknowns are the log marginal costs x [i] of exporters with finite supply elasticity, and the log
premiums lambda [g] of group limits. A capacity is a group of all flows of one exporter, whose
premium goes to the producer: producer price = marginal cost times that premium. Residuals::

    e_i = ln D_i - ln S_i
    e_i = max(ln D_i - ln S_i, -e^(x_i))              supply that stays positive at a price of 0
    r_g = min(sigma lambda_g, ln L_g - ln U_g)
    r_g = mid(sigma (lambda_g - o_g), ln L_g - ln U_g, sigma lambda_g)    a duty beyond the limit

with D the quantity demanded (weighted by shares in sales), S supply, U what a group uses and o
the log factor beyond the limit (inf: a hard limit, the first form).
Quotas per pair are eliminated exactly (:mod:`.demand`), floors enter through the delivered price
(:mod:`.instruments`). Supply stays positive under a contract for differences and where epsilon is
0; if all its buyers face floors or quotas, no price may clear it, and what is not bought at a
price of 0 is not produced.
"""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels import demand as dm
from tradewedge.kernels import instruments as ins
from tradewedge.kernels.demand import Demand
from tradewedge.kernels.market import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class Supply:
    """Supply of the exporters [i] that have a market left; ``epsilon`` 0 where infinite.

    Without a capacity, which is a group.
    """

    epsilon: Floats
    infinite: Bools
    log_shift: Floats
    strike: Floats
    covered: Floats
    upside: Floats

    @property
    def rigid(self) -> Bools:
        """Whose supply is finite, and positive at a price of 0."""
        contract = (self.strike > 0) & (self.covered > 0)
        out: Bools = ~self.infinite & (contract | (self.epsilon == 0))
        return out


@dataclass(frozen=True, eq=False)
class Groups:
    """Limits on groups of flows, capacities last; flows [r] of all groups one after another.

    ``start`` [g] holds where each group begins; ``of`` [r] the group of each row. Groups that
    have lost all their flows are left out. ``index`` holds the numbers in the shock of those that
    are no capacities, ``maker`` the exporters of those that are. ``beyond`` [g] is the largest
    log premium; inf where nothing may enter beyond the limit.
    """

    index: Ints
    maker: Ints
    start: Ints
    of: Ints
    flow: Ints
    log_weight: Floats
    log_limit: Floats
    beyond: Floats

    @property
    def hard(self) -> Bools:
        """Limits [g] beyond which nothing may enter."""
        return np.isposinf(self.beyond)

    def clip(self, premium: Floats) -> Floats:
        """Premiums [g] kept between 0 and the largest one."""
        out: Floats = np.clip(premium, 0.0, self.beyond)
        return out


@dataclass(frozen=True, eq=False)
class Problem:
    """One product, its admitted flows [n] in the order of :mod:`.demand`.

    Attributes
    ----------
    flow, exporters, importers : int64
        Rows of the market's tables that the flows, exporters and importers here stand for.
    exporter : int64 [n]
    by_exporter : int64 [n]
        Flows sorted by exporter; ``exporter_start`` [i] is where each begins.
    log_sales : float64 [n]
        Log share in the exporter's sales.
    log_cost, log_specific, log_floor, dispersion, log_quota, beyond : float64 [n]
        See :class:`~.market.Instruments`.
    special : tuple of int64
        Flows with a specific duty, with a floor, with a rate beyond the quota.
    limited : Demand or None
        Demand of the importers with quotas alone, with ``limited_flow`` [.] and
        ``limited_importer`` [.] their rows here.
    """

    flow: Ints
    exporters: Ints
    importers: Ints
    demand: Demand
    supply: Supply
    groups: Groups
    exporter: Ints
    by_exporter: Ints
    exporter_start: Ints
    log_sales: Floats
    log_cost: Floats
    log_specific: Floats
    log_floor: Floats
    dispersion: Floats
    log_quota: Floats
    beyond: Floats
    special: tuple[Ints, Ints, Ints]
    limited: Demand | None
    limited_flow: Ints
    limited_importer: Ints

    @property
    def free(self) -> Ints:
        """Exporters whose marginal cost moves with output."""
        return np.flatnonzero(~self.supply.infinite)


@dataclass(frozen=True, eq=False)
class State:
    """Everything at given prices and premiums.

    Attributes
    ----------
    level : float64 [j]
        Where the root search ended, to start the next one from.
    before : float64 [n]
        Log price before premium of the quota and floor (duties included).
    low, high, log_price, log_quantity : float64 [n]
        Log delivered price within and beyond the quota, as paid, and log quantity.
    passed : float64 [n]
        Elasticity of the delivered price by the producer price; 0 at floors and quotas.
    bound : bool [n]
        The quota sets the price.
    indices : Indices
    log_demanded : float64 [i]
    log_supplied, supply_slope : float64 [i]
    log_used : float64 [g]
    excess : float64 [i]
        ``ln D - ln S``, 0 where the price is fixed.
    price_residual, premium_residual : float64 [i], [g]
        ``e`` and ``r`` above.
    slack : float64 [g]
        ``ln L - ln U``.
    residual : float
        Largest absolute residual, that of the root search included.
    """

    level: Floats
    before: Floats
    low: Floats
    high: Floats
    log_price: Floats
    log_quantity: Floats
    passed: Floats
    bound: Bools
    indices: dm.Indices
    log_demanded: Floats
    log_supplied: Floats
    supply_slope: Floats
    log_used: Floats
    excess: Floats
    slack: Floats
    price_residual: Floats
    premium_residual: Floats
    residual: float


def _chain(problem: Problem, base: Floats) -> tuple[Floats, Floats, Floats]:
    """Log price before the floor and after it, and the elasticity of the latter by ``base``."""
    duty, floor, _ = problem.special
    before, passed = base.copy(), np.ones(len(base))
    if duty.size:
        before[duty], passed[duty] = ins.with_specific(base[duty], problem.log_specific[duty])
    lifted = before
    if floor.size:
        lifted = before.copy()
        lifted[floor], through = ins.lift(
            before[floor], problem.log_floor[floor], problem.dispersion[floor]
        )
        passed[floor] *= through
    return before, lifted, passed


def evaluate(problem: Problem, price: Floats, premium: Floats, level: Floats) -> State:
    """Prices, quantities and residuals.

    Parameters
    ----------
    price, premium : float64 [i], [g]
    level : float64 [j]
        A guess of the levels of demand; the result does not depend on it.
    """
    demand, groups = problem.demand, problem.groups
    base = price[problem.exporter] + problem.log_cost
    if groups.flow.size:
        base += np.bincount(groups.flow, premium[groups.of], len(base))
    before, low, passed = _chain(problem, base)
    beyond = problem.special[2]
    high = np.full(len(base), np.inf)
    log_price, bound = low, np.zeros(len(base), np.bool_)
    gap = 0.0
    level = level.copy()
    if problem.limited is not None:
        over = passed
        if beyond.size:
            _, outer, over = _chain(problem, base + problem.beyond)
            high[beyond] = outer[beyond]
        rows = problem.limited_flow
        at, by_flow, left = dm.solve_levels(
            problem.limited,
            low[rows],
            high[rows],
            problem.log_quota[rows],
            level[problem.limited_importer],
        )
        level[problem.limited_importer] = at
        wanted = np.full(len(base), -np.inf)
        wanted[rows] = (by_flow - problem.log_quota[rows]) / dm.elasticities(problem.limited)
        log_price = np.minimum(np.maximum(low, wanted), high)
        bound = (wanted > low) & (wanted < high)
        passed = np.where(bound, 0.0, np.where(wanted >= high, over, passed))
        gap = float(np.max(np.abs(left)))
    found = dm.indices(demand, log_price)
    stage_level, home_level = dm.levels(demand, found)
    quantity = dm.flow_levels(demand, found, stage_level, home_level)
    quantity -= dm.elasticities(demand) * log_price
    quantity[bound] = problem.log_quota[bound]
    if problem.limited is not None:
        stage_level[problem.limited_importer] = level[problem.limited_importer]
    order = problem.by_exporter
    sales = (problem.log_sales + quantity)[order]
    sold = _log_sums(sales, problem.exporter_start, problem.exporter[order])
    used = _log_sums(quantity[groups.flow] + groups.log_weight, groups.start, groups.of)
    supplied, slope = _supplied(problem, price, sold)
    excess = sold - supplied
    price_residual = np.maximum(excess, _lowest(problem, price))
    slack = groups.log_limit - used
    premium_residual = np.minimum(demand.sigma * premium, slack)
    premium_residual = np.maximum(premium_residual, demand.sigma * (premium - groups.beyond))
    worst = np.concatenate([price_residual, premium_residual, [gap]])
    return State(
        level=stage_level,
        before=before,
        low=low,
        high=high,
        log_price=log_price,
        log_quantity=quantity,
        passed=passed,
        bound=bound,
        indices=found,
        log_demanded=sold,
        log_supplied=supplied,
        supply_slope=slope,
        log_used=used,
        excess=excess,
        slack=slack,
        price_residual=price_residual,
        premium_residual=premium_residual,
        residual=float(np.max(np.abs(worst))),
    )


def _log_sums(terms: Floats, start: Ints, of: Ints) -> Floats:
    """Log of the sum of exponentials of each range of terms; ``of`` numbers the ranges."""
    if start.size == 0:
        return np.zeros(0)
    top = np.maximum.reduceat(terms, start)
    out: Floats = top + np.log(np.add.reduceat(np.exp(terms - top[of]), start))
    return out


def _supplied(problem: Problem, price: Floats, sold: Floats) -> tuple[Floats, Floats]:
    """Log supply, which is what is sold where it is infinite, and its elasticity."""
    supply = problem.supply
    supplied, slope = ins.log_supply(
        price, supply.epsilon, supply.log_shift, supply.strike, supply.covered, supply.upside
    )
    return np.where(supply.infinite, sold, supplied), slope


def _lowest(problem: Problem, price: Floats) -> Floats:
    """Least residual of each exporter: 0 from below at a price of 0, where supply is rigid."""
    rigid = problem.supply.rigid
    lowest = np.full(len(price), -np.inf)
    lowest[rigid] = -np.exp(price[rigid])
    return lowest
