"""The equilibrium under instruments in JAX, flow by flow, with the limits that hold given.

Equations: :mod:`.instruments` and :mod:`.equations`, without a nest. Which limits hold
(:class:`.regimes.Regimes`) does not change in an open set of parameters, where everything here is
smooth. Unknowns are log producer prices, log premiums of groups, and log delivered prices of flows
at their quota; with each comes a residual.

Importing this module imports JAX.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.ops import segment_sum
from jax.scipy.special import erfc

from tradewedge.kernels import instruments as ins
from tradewedge.kernels.market import Bools, Floats, row_sums
from tradewedge.kernels.regimes import Setting

Array = jax.Array

CUMULANTS = 1e-3
"""|1 - sigma|, also times the spread of log prices, below which the index is a series in it, which
has an accurate derivative."""

NEWTON_STEPS = 30


class Parameters(NamedTuple):
    """What outcomes are differentiated by, in JAX; gradients come back so in NumPy.

    Where there is no such instrument the value stands for none and the derivative is 0.
    """

    tariff: Any  # [F] ad valorem rate
    sigma: Any  # [K]
    eta: Any  # [K]
    epsilon: Any  # [X] 0 where infinite
    specific: Any  # [F] specific duty over the baseline delivered price
    floor: Any  # [F] lowest delivered price over the baseline's
    quota: Any  # [F] largest quantity over the baseline's
    limit: Any  # [G] the same of groups
    capacity: Any  # [X] largest output over the baseline's
    strike: Any  # [X] price guaranteed by a contract, over the baseline producer price


class Unknowns(NamedTuple):
    """What an equilibrium solves for, or as many residuals."""

    price: Any  # [X] log producer prices
    paid: Any  # [F] log delivered prices of flows at their quota
    premium: Any  # [G] log premiums of groups


class Equilibrium(NamedTuple):
    """Logs of new over base; 0 where a country has no market, a flow is excluded.

    The four that follow are not logs: what instruments add to the delivered price of a flow, in
    units of the baseline's, as in :class:`.rents.Rents`; 0 where excluded.
    """

    log_price: Array  # [X]
    log_index: Array  # [M]
    log_quantity: Array  # [F]
    group_rent: Array  # [F]
    quota_rent: Array  # [F]
    levy: Array  # [F]
    in_quota: Array  # [F] quantity within the flow's quota, over the baseline's
    premium: Array  # [G] log
    within: Array  # [G] share of a group's use that is within its limit
    output: Array  # [2, X] covered by a contract and not, over the baseline; 0 where infinite
    receipt: Array  # [X] price of what a contract covers
    marginal_cost: Array  # [X] over the producer price at which it is reached, at most 1


def parameters(setting: Setting) -> Parameters:
    """Values in force; 1 for what there is none of, so that a logarithm of it is finite."""
    given, market = setting.given, setting.market

    def finite(values: Floats) -> Floats:
        return np.where(np.isfinite(values), values, 1.0)

    return Parameters(
        tariff=setting.tariff,
        sigma=market.sigma,
        eta=market.eta,
        epsilon=np.where(np.isfinite(market.epsilon), market.epsilon, 0.0),
        specific=given.specific,
        floor=given.floor,
        quota=finite(given.quota),
        limit=finite(given.group_limit),
        capacity=finite(given.capacity),
        strike=given.strike,
    )


class _Chain(NamedTuple):
    """Prices of flows [F], each over the baseline's."""

    base: Array  # ad valorem, without premiums
    before: Array  # with premiums and specific duty, within the quota
    marginal: Array  # the same at or beyond the quota: before the floor
    delivered: Array  # log, with everything


def evaluate(setting: Setting, at: Unknowns, theta: Parameters) -> tuple[Equilibrium, Unknowns]:
    """The equilibrium at given unknowns, and the residuals: 0 where nothing is to be found."""
    market, shock, regimes = setting.market, setting.shock, setting.regimes
    there = jnp.asarray(regimes.admitted)
    premium = jnp.where(regimes.binding, at.premium, _largest(setting, theta))
    premium = jnp.where(regimes.binding | regimes.ended, premium, 0.0)
    chain = _chain(setting, at, premium, theta)
    delivered = jnp.where(there, chain.delivered, 0.0)
    of_importer = np.repeat(np.arange(market.sigma.size), np.diff(market.importer_ptr))
    column, size = market.flow_importer, shock.log_demand.size
    index = _log_index(setting, delivered, 1 - theta.sigma[of_importer], size)
    sigma, eta = (x[setting.flow_product] for x in (theta.sigma, theta.eta))
    quantity = -sigma * delivered + (sigma - eta) * index[column] + shock.log_demand[column]
    quantity = jnp.where(there, quantity, 0.0)
    sold = jnp.where(there, jnp.exp(quantity), 0.0)
    sales = segment_sum(market.sales_share * sold, market.flow_exporter, market.epsilon.size)
    output, receipt, cost, supplied = _supply(setting, at.price, theta)
    log_sales = jnp.log(jnp.where(regimes.free, sales, 1.0))
    used, log_limit = _used(setting, sold), jnp.log(theta.limit)
    within = jnp.where(regimes.ended, jnp.exp(jnp.minimum(log_limit - used, 0.0)), 1.0)
    log_quota = jnp.log(jnp.where(theta.quota > 0, theta.quota, 1.0))
    in_quota = jnp.where(regimes.beyond, theta.quota, sold)

    def where_there(values: Array) -> Array:
        return jnp.where(there, values, 0.0)

    found = Equilibrium(
        log_price=at.price,
        log_index=index,
        log_quantity=quantity,
        group_rent=where_there(chain.before - theta.specific - chain.base),
        quota_rent=where_there(chain.marginal - chain.before),
        levy=where_there(jnp.exp(delivered) - chain.marginal),
        in_quota=where_there(in_quota),
        premium=premium,
        within=within,
        output=output,
        receipt=receipt,
        marginal_cost=cost,
    )
    residuals = Unknowns(
        price=jnp.where(regimes.free, log_sales - supplied, 0.0),
        paid=jnp.where(regimes.at_quota, quantity - log_quota, 0.0),
        premium=jnp.where(regimes.binding, used - log_limit, 0.0),
    )
    return found, residuals


def _largest(setting: Setting, theta: Parameters) -> Array:
    """Log premium of each group beyond its limit [G]; 0 for a hard limit.

    Beyond a tariff-rate quota all flows of a group pay as many percentage points more, whatever
    their tariffs; the premium is the mean of what that makes of prices.
    """
    given, of = setting.given, setting.group_of
    power = 1 + theta.tariff[given.group_flow]
    rise = jnp.log1p(_points_beyond(setting)[of] / power)
    moved: Array = segment_sum(given.group_weight * rise, of, given.group_limit.size)
    return moved


def _points_beyond(setting: Setting) -> Floats:
    """Rate that comes on top beyond each group's limit [G]; 0 for a hard limit."""
    given, of = setting.given, setting.group_of
    rated = np.where(np.isfinite(given.group_beyond), given.group_beyond, 0.0)
    power = 1 + setting.tariff[given.group_flow]
    found = np.zeros(rated.size)
    for _ in range(NEWTON_STEPS):  # from below, on a concave function
        mean = row_sums(of, given.group_weight * np.log1p(found[of] / power), rated.size)
        slope = row_sums(of, given.group_weight / (power + found[of]), rated.size)
        found = found + (rated - mean) / np.where(slope > 0, slope, 1.0)
    return found


def _chain(setting: Setting, at: Unknowns, premium: Array, theta: Parameters) -> _Chain:
    market, shock = setting.market, setting.shock
    given, regimes = setting.given, setting.regimes
    there = regimes.admitted
    other = np.where(there, shock.log_cost - np.log1p(setting.tariff), 0.0)
    base = jnp.where(there, at.price[market.flow_exporter] + other + jnp.log1p(theta.tariff), 0.0)
    counted = (given.group_weight > 0).astype(np.float64)
    above = segment_sum(counted * premium[setting.group_of], given.group_flow, market.share.size)
    before = jnp.exp(base + above) + theta.specific
    rate = np.where(regimes.beyond, given.beyond_quota, 0.0)
    extra = (1 + setting.tariff) * np.expm1(rate)
    more = jnp.log1p(theta.tariff + extra) - jnp.log1p(theta.tariff)
    beyond = jnp.where(regimes.beyond, jnp.exp(base + above + more) + theta.specific, before)
    level = _floor(setting, theta)
    lifted = _lift(setting, jnp.log(beyond), level)
    at_quota = jnp.asarray(regimes.at_quota)
    delivered = jnp.where(at_quota, at.paid, lifted)
    marginal = jnp.where(at_quota, _before_lift(setting, at.paid, level), beyond)
    return _Chain(jnp.exp(base), before, marginal, delivered)


def _floor(setting: Setting, theta: Parameters) -> Array:
    """Lowest delivered price; one at the border rises with the duties on top of it."""
    given = setting.given
    power = (1 + theta.tariff) / (1 + setting.tariff) - 1
    moved = (given.floor - given.specific) * power + theta.specific - given.specific
    out: Array = theta.floor + jnp.where(setting.at_border, moved, 0.0)
    return out


def _spread(setting: Setting) -> Bools:
    spread: Bools = (setting.given.dispersion > 0) & (setting.given.floor > 0)
    return spread


def _lift(setting: Setting, log_price: Array, floor: Array) -> Array:
    """Log price lifted to the floor, where that holds or shipments differ."""
    log_floor = jnp.log(jnp.where(setting.given.floor > 0, floor, 1.0))
    sharp = jnp.where(setting.regimes.lifted, log_floor, log_price)
    spread = _spread(setting)
    if not spread.any():
        return sharp
    s = jnp.asarray(np.where(spread, setting.given.dispersion, 1.0))
    gap = jnp.where(spread, log_price - log_floor, 0.0)
    d = gap / s + s / 2
    mean = jnp.exp(log_price) * _normal(d) + jnp.exp(log_floor) * _normal(s - d)
    return jnp.where(spread, jnp.log(jnp.where(spread, mean, 1.0)), sharp)


def _normal(z: Array) -> Array:
    return 0.5 * erfc(-z / np.sqrt(2.0))


def _before_lift(setting: Setting, paid: Array, floor: Array) -> Array:
    """Price that the floor lifts to what is paid at a quota; its first derivatives are right."""
    spread = _spread(setting) & setting.regimes.at_quota
    if not spread.any():
        return jnp.exp(paid)
    given = setting.given
    with np.errstate(divide="ignore"):
        log_floor = np.log(given.floor)
    known = np.where(spread, setting.regimes.paid, 0.0)
    start = ins.price_before_lift(known, log_floor, given.dispersion)
    _, passed = ins.lift(start, log_floor, given.dispersion)
    lifted = _lift(setting, jnp.asarray(start), floor)
    one_step = start + (paid - lifted) / np.where(spread, passed, 1.0)
    return jnp.exp(jnp.where(spread, one_step, paid))


def _log_index(setting: Setting, delivered: Array, power: Array, size: int) -> Array:
    market, admitted = setting.market, setting.regimes.admitted
    column = market.flow_importer
    share = np.where(admitted, market.share, 0.0)
    kept = np.bincount(column, share, size)
    lost = np.bincount(column, market.share - share, size)
    inside = share / np.where(kept > 0, kept, 1.0)[column]

    def mean(values: Array) -> Array:
        return segment_sum(inside * values, column, size)

    centre = mean(delivered)
    off = delivered - centre[column]
    spread = jax.ops.segment_max(jnp.where(inside > 0, jnp.abs(off), 0.0), column, size)
    near = jnp.abs(power) * jnp.maximum(1.0, jax.lax.stop_gradient(spread)) < CUMULANTS
    safe = jnp.where(near, 1.0, power)
    exponent = safe[column] * delivered
    top = jax.ops.segment_max(jax.lax.stop_gradient(exponent), column, size)
    total = mean(jnp.exp(exponent - top[column]))
    far = (jnp.log(jnp.where(kept > 0, total, 1.0)) + top) / safe
    second, third, fourth = mean(off**2), mean(off**3), mean(off**4)
    series = centre + power * second / 2 + power**2 * third / 6
    series += power**3 * (fourth - 3 * second**2) / 24
    log_kept = np.log(np.where(kept > 0, kept / np.where(kept > 0, kept + lost, 1.0), 1.0))
    missing = (lost > 0) & (kept > 0)
    without = log_kept / jnp.where(missing, power, 1.0)
    return jnp.where(kept > 0, jnp.where(near, series, far), 0.0) + jnp.where(missing, without, 0.0)


def _used(setting: Setting, sold: Array) -> Array:
    """Log of what each group uses [G]; 0 where it has no flow left."""
    given, of = setting.given, setting.group_of
    used = segment_sum(given.group_weight * sold[given.group_flow], of, given.group_limit.size)
    return jnp.log(jnp.where(used > 0, used, 1.0))


def _supply(setting: Setting, price: Array, theta: Parameters) -> tuple[Array, Array, Array, Array]:
    """Output [2, X], covered by a contract and not; its price; marginal cost; log of the sum."""
    given, regimes = setting.given, setting.regimes
    finite = np.isfinite(setting.market.epsilon)
    under = (given.strike > 0) & (given.covered > 0)
    covered = np.where(under, given.covered, 0.0)
    level = jnp.exp(price)
    strike = jnp.where(under, theta.strike, 1.0)
    paid = strike + (1 - given.upside) * jnp.maximum(level - strike, 0.0)
    receipt = jnp.where(under, paid, level)
    at_contract = covered * jnp.exp(theta.epsilon * jnp.log(receipt))
    at_market = (1 - covered) * jnp.exp(theta.epsilon * price)
    wanted = setting.shock.log_supply + jnp.log(at_contract + at_market)
    supplied = jnp.where(regimes.full, jnp.log(theta.capacity), wanted)
    full = regimes.full & finite
    kept = jnp.where(finite, jnp.where(full, jnp.exp(supplied - wanted), 1.0), 0.0)
    parts = jnp.stack([at_contract, at_market]) * jnp.exp(setting.shock.log_supply) * kept
    # Marginal cost rises as output to the power 1 / epsilon: less is produced at less.
    inverse = 1.0 / jnp.where(theta.epsilon > 0, theta.epsilon, 1.0)
    cost = jnp.where(full, jnp.exp((supplied - wanted) * inverse), 1.0)
    cost = jnp.where(full & (setting.market.epsilon == 0), 0.0, cost)
    return parts, receipt, cost, supplied
