"""The equations of one product, written once, to be read: every kernel is tested against them.

Arrays follow the Array API standard, so the same lines run on NumPy, JAX or any other library
that implements it. Axes are [exporter, importer]. Everything is a log of new over base.

Notation, for exporter i and importer j: ``x_i`` log producer price, ``c_ij`` log cost (all else
that multiplies the delivered price), ``P_j`` price index, ``s_ij`` share in the importer's
spending, ``w_ij`` share in the exporter's sales, ``D_j`` demand shifter, ``Z_i`` supply shifter::

    P_j  = [ sum_i s_ij e^((1 - sigma) (x_i + c_ij)) ]^(1 / (1 - sigma))
    q_ij = e^(-sigma (x_i + c_ij)) P_j^(sigma - eta) D_j
    Y_i  = Z_i e^(epsilon_i x_i)
    Y_i  = sum_j w_ij q_ij

With a nest of home sales against the bundle of imports (``sigma_home``), M the bundle of imports
and h_j the home share::

    PM_j = [ sum_(i != j) s_ij / (1 - h_j) e^((1 - sigma) (x_i + c_ij)) ]^(1 / (1 - sigma))
    P_j  = [ h_j e^((1 - sigma_home) (x_j + c_jj)) + (1 - h_j) PM_j^(1 - sigma_home)
           ]^(1 / (1 - sigma_home))
    q_ij = e^(-sigma (x_i + c_ij)) PM_j^(sigma - sigma_home) P_j^(sigma_home - eta) D_j
    q_jj = e^(-sigma_home (x_j + c_jj)) P_j^(sigma_home - eta) D_j

Source: Armington (1969), in the exact-hat form of Dekle, Eaton and Kortum (2008).
"""

import math
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

Array = Any
"""An array of any library that implements the Array API standard."""

NEAR_ONE = 0.01
"""|1 - sigma| below which the index is computed from ``expm1`` and ``log1p``."""
AT_ONE = 1e-12
"""|1 - sigma| below which the index is the Cobb-Douglas one."""
ROUNDING = 2.0**-52


@dataclass(frozen=True, eq=False)
class Block:
    """One product as dense arrays, exporters [i] by importers [j].

    Attributes
    ----------
    share, sales_share : float [i, j]
        Baseline shares, 0 where there is no flow; see :class:`~.market.Market`.
    admitted : bool [i, j]
        True where there is a flow and it is not excluded.
    home : bool [i, j]
        True where exporter and importer are the same country.
    log_cost : float [i, j]
        0 where not admitted.
    epsilon, log_supply : float [i]
    log_demand : float [j]
    sigma, eta : float
    sigma_home : float
        NaN: no nest.
    """

    share: Array
    sales_share: Array
    admitted: Array
    home: Array
    log_cost: Array
    epsilon: Array
    log_supply: Array
    log_demand: Array
    sigma: float
    eta: float
    sigma_home: float

    @property
    def nested(self) -> bool:
        """Whether home sales and imports form a nest."""
        return not math.isnan(self.sigma_home)


@dataclass(frozen=True, eq=False)
class Indices:
    """Log price indices [j]: of everything, and of the bundle that competes at ``sigma``.

    The second is the bundle of imports with a nest, and equal to the first without one. Both
    hold 0 where nothing is left to buy; ``served`` and ``imports_served`` say where.
    """

    log_index: Array
    log_bundle: Array
    served: Array
    imports_served: Array


def log_power_mean(weight: Array, keep: Array, log_value: Array, power: float) -> Array:
    """Log of ``[sum_i weight_i value_i^power]^(1/power)`` over the first axis.

    Baseline weights are read as shares of their sum. Terms without ``keep`` left the sum, and
    what they took with them is split off first, so that neither a tiny remainder nor a power
    near 0 costs accuracy.

    Parameters
    ----------
    weight, keep, log_value : float, bool, float [i, ...]
    power : float

    Returns
    -------
    float [...]
        0 where no term is left.
    """
    xp = array_namespace(weight, keep, log_value)
    zero, one = xp.zeros_like(weight), xp.ones_like(weight[0, ...])
    kept = xp.sum(xp.where(keep, weight, zero), axis=0)
    lost = xp.sum(xp.where(keep, zero, weight), axis=0)
    some = kept > 0
    total = xp.where(some, kept + lost, one)
    inside = xp.where(keep, weight, zero) / xp.where(some, kept, one)
    value = xp.where(keep, log_value, zero)
    if abs(power) < AT_ONE:
        return xp.where(some, xp.sum(inside * value, axis=0), zero[0, ...])
    few = lost < kept
    log_kept = xp.where(
        few, xp.log1p(-xp.where(few, lost, zero[0, ...]) / total), _log(kept / total, some)
    )
    if abs(power) < NEAR_ONE:
        mean = xp.log1p(xp.sum(inside * xp.expm1(power * value), axis=0))
    else:
        mean = log_sum_exp(_log(inside, inside > 0), power * value, inside > 0, axis=0)
    return xp.where(some, (log_kept + mean) / power, zero[0, ...])


def log_sum_exp(log_weight: Array, exponent: Array, keep: Array, axis: int) -> Array:
    """Log of the sum of weighted exponentials of the kept terms; 0 where there are none."""
    xp = array_namespace(log_weight, exponent, keep)
    terms = xp.where(keep, log_weight + exponent, xp.full_like(exponent, -math.inf))
    top = xp.max(terms, axis=axis, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    total = xp.sum(xp.exp(terms - top), axis=axis)
    return xp.squeeze(top, axis=axis) + _log(total, total > 0)


def _log(value: Array, where: Array) -> Array:
    """Log where asked, else 0, without a warning about the rest."""
    xp = array_namespace(value, where)
    return xp.log(xp.where(where, value, xp.ones_like(value)))


def active(block: Block) -> Array:
    """Exporters [i] whose price adjusts: a market is left and supply is not infinite."""
    xp = array_namespace(block.share)
    return xp.any(block.admitted, axis=1) & xp.isfinite(block.epsilon)


def indices(block: Block, log_price: Array) -> Indices:
    """Price indices of every importer at the given producer prices [i]."""
    xp = array_namespace(block.share)
    delivered = log_price[:, None] + block.log_cost
    served = xp.any(block.admitted, axis=0)
    if not block.nested:
        everything = log_power_mean(block.share, block.admitted, delivered, 1 - block.sigma)
        return Indices(everything, everything, served, served)
    zero = xp.zeros_like(block.share)
    away = block.admitted & ~block.home
    import_share = xp.where(block.home, zero, block.share)
    imports_served = xp.any(away, axis=0)
    bundle = log_power_mean(import_share, away, delivered, 1 - block.sigma)
    at_home = block.admitted & block.home
    # The upper level is a mean of two: home sales and the bundle of imports.
    weight = xp.stack(
        [xp.sum(xp.where(block.home, block.share, zero), axis=0), xp.sum(import_share, axis=0)]
    )
    value = xp.stack([xp.sum(xp.where(at_home, delivered, zero), axis=0), bundle])
    keep = xp.stack([xp.any(at_home, axis=0), imports_served])
    everything = log_power_mean(weight, keep, value, 1 - block.sigma_home)
    return Indices(everything, bundle, served, imports_served)


def log_index(block: Block, log_price: Array) -> Array:
    """Log price index [j]; NaN where no supplier is left."""
    xp = array_namespace(block.share)
    found = indices(block, log_price)
    return xp.where(found.served, found.log_index, xp.full_like(found.log_index, math.nan))


def log_quantity(block: Block, log_price: Array) -> Array:
    """Log demand [i, j], new over base; 0 where the flow is not admitted."""
    xp = array_namespace(block.share)
    found = indices(block, log_price)
    delivered = log_price[:, None] + block.log_cost
    outer = block.sigma_home if block.nested else block.sigma
    composite = ((outer - block.eta) * found.log_index + block.log_demand)[None, :]
    inner = ((block.sigma - outer) * found.log_bundle)[None, :]
    quantity = -block.sigma * delivered + inner + composite
    if block.nested:
        quantity = xp.where(block.home, -block.sigma_home * delivered + composite, quantity)
    return xp.where(block.admitted, quantity, xp.zeros_like(quantity))


def log_sales(block: Block, log_price: Array) -> Array:
    """Log of the quantity demanded from each exporter [i]; 0 where it has no market."""
    keep = block.admitted & (block.sales_share > 0)
    weight = _log(block.sales_share, keep)
    return log_sum_exp(weight, log_quantity(block, log_price), keep, axis=1)


def log_supply(block: Block, log_price: Array) -> Array:
    """Log of the quantity supplied [i]; its shifter alone where supply is infinite."""
    xp = array_namespace(block.share)
    finite = xp.isfinite(block.epsilon)
    slope = xp.where(finite, block.epsilon, xp.zeros_like(block.epsilon))
    return block.log_supply + slope * log_price


def log_excess_demand(block: Block, log_price: Array) -> Array:
    """Log of demand over supply [i]; 0 where the price does not adjust."""
    xp = array_namespace(block.share)
    excess = log_sales(block, log_price) - log_supply(block, log_price)
    return xp.where(active(block), excess, xp.zeros_like(excess))


def contraction_modulus(block: Block) -> float:
    """Modulus of the map of :func:`next_log_price` in the largest absolute log price.

    Without a nest, row i of the map's Jacobian is ``(sigma - eta) / (epsilon_i + sigma)`` times
    a row of weights that sum to 1. With a nest and K = max(sigma, sigma_home), the row is
    ``[(K - own) x_i + (sigma - sigma_home) away + (sigma_home - eta) all] / (epsilon_i + K)``,
    where ``own`` averages sigma and sigma_home with the exporter's sales at home, ``away`` and
    ``all`` are weighted means of log prices: sigma >= sigma_home gives
    ``|sigma - sigma_home| + |sigma_home - eta|``, the other case
    ``2 |sigma - sigma_home| + |sigma_home - eta|``, over ``epsilon_i + K``.

    Returns
    -------
    float
        0 where no price adjusts; at or above 1 where nothing is proven.
    """
    xp = array_namespace(block.share)
    if block.share.size == 0 or not bool(xp.any(active(block))):
        return 0.0
    spread, steepest = abs(block.sigma - block.eta), block.sigma
    if block.nested:
        gap = block.sigma - block.sigma_home
        spread = (gap if gap >= 0 else -2 * gap) + abs(block.sigma_home - block.eta)
        steepest = max(block.sigma, block.sigma_home)
    slack = xp.where(active(block), block.epsilon, xp.full_like(block.epsilon, math.inf))
    return float(spread / (float(xp.min(slack)) + steepest))


def step_slope(block: Block) -> Array:
    """What log excess demand is divided by in one step [i]: supply plus demand elasticity.

    ``epsilon_i + sigma`` is the closed fixed point. Where that map is not proven to contract,
    a composite demand steeper than sigma shortens the step.
    """
    xp = array_namespace(block.share)
    steepest = max(block.sigma, block.sigma_home) if block.nested else block.sigma
    if contraction_modulus(block) >= 1:
        steepest = max(steepest, block.eta)
    finite = xp.isfinite(block.epsilon)
    return xp.where(finite, block.epsilon, xp.zeros_like(block.epsilon)) + steepest


def next_log_price(block: Block, log_price: Array) -> Array:
    """One step of the fixed point [i]; without a nest, T of the closed form.

    ``x_i + (demand - supply) / (epsilon_i + sigma)`` equals ``(ln sum_j w_ij e^(-sigma c_ij)
    P_j^(sigma - eta) D_j - ln Z_i) / (epsilon_i + sigma)``.
    """
    return log_price + log_excess_demand(block, log_price) / step_slope(block)


def rounding_error(block: Block, log_price: Array) -> float:
    """What rounding may add to the log excess demand, from the sizes of its terms.

    Sums of n positive terms are good to n units in the last place, a sum inside the index counts
    with ``|sigma - eta| / |1 - sigma|``, and an exponent of size e is good to e units.
    """
    xp = array_namespace(block.share)
    zero = xp.zeros_like(log_price)
    used = xp.where(xp.any(block.admitted, axis=1), log_price, zero)
    found = indices(block, used)
    size = (
        float(xp.max(xp.abs(block.log_cost)))
        + float(xp.max(xp.abs(used)))
        + float(xp.max(xp.abs(found.log_index)))
        + float(xp.max(xp.abs(found.log_bundle)))
    )
    steepest = max(block.sigma, block.eta, block.sigma_home if block.nested else 0.0)
    gain = index_gain(block.sigma, block.eta, block.sigma_home)
    longest = max(block.share.shape)
    return float(ROUNDING * ((4 + longest) * (1 + gain) + 4 * (1 + steepest) * (1 + size)))


def index_gain(sigma: float, eta: float, sigma_home: float) -> float:
    """By how much a relative error of the sums inside the indices reaches log demand."""
    outer = sigma if math.isnan(sigma_home) else sigma_home
    gain = abs(outer - eta) / max(abs(1 - outer), NEAR_ONE)
    return gain + (abs(sigma - outer) + abs(outer - eta)) / max(abs(1 - sigma), NEAR_ONE)


def error_bound(block: Block, log_price: Array) -> float:
    """Bound on the distance to the exact log prices, from one plain step (Banach).

    Returns
    -------
    float
        NaN where the map is not proven to contract; 0 where no price adjusts; never below what
        rounding alone may cause (:func:`rounding_error`).
    """
    xp = array_namespace(block.share)
    if block.share.size == 0 or not bool(xp.any(active(block))):
        return 0.0
    modulus = contraction_modulus(block)
    if modulus >= 1:
        return math.nan
    slope = step_slope(block)
    zero = xp.zeros_like(slope)
    error = xp.abs(log_excess_demand(block, log_price)) + rounding_error(block, log_price)
    return float(xp.max(xp.where(active(block), error / slope, zero))) / (1 - modulus)


def has_finite_index(block: Block) -> bool:
    """Whether every served importer's index stays finite without the suppliers it lost.

    With an elasticity of 1 or less among them, losing one supplier but not all has an infinite
    reservation price.
    """
    xp = array_namespace(block.share)

    def broken(there: Array, keep: Array, elasticity: float) -> bool:
        if elasticity > 1 + AT_ONE:
            return False
        lost = xp.any(there & ~keep, axis=0)
        return bool(xp.any(lost & xp.any(keep, axis=0)))

    there = block.share > 0
    if not block.nested:
        return not broken(there, block.admitted, block.sigma)
    away, at_home = there & ~block.home, there & block.home
    away_kept, home_kept = away & block.admitted, at_home & block.admitted
    any_of = [xp.any(part, axis=0) for part in (at_home, away, home_kept, away_kept)]
    return not (
        broken(away, away_kept, block.sigma)
        or broken(xp.stack(any_of[:2]), xp.stack(any_of[2:]), block.sigma_home)
    )


def is_valid(block: Block) -> bool:
    """Whether every number is one the equations can take (costs of excluded flows aside)."""
    xp = array_namespace(block.share)
    shares = (block.share, block.sales_share)
    numbers = (*shares, block.log_cost, block.log_supply, block.log_demand)
    return (
        0 < block.sigma < math.inf
        and 0 <= block.eta < math.inf
        and (not block.nested or 0 < block.sigma_home < math.inf)
        and bool(xp.all(block.epsilon >= 0))
        and all(bool(xp.all(xp.isfinite(part))) for part in numbers)
        and all(bool(xp.all(part >= 0)) for part in shares)
        and bool(xp.all((block.share > 0) == (block.sales_share > 0)))
        and bool(xp.all((block.share > 0) | ~block.admitted))
    )
