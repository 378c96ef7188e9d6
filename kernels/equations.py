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

With a nest of suppliers by group (``sigma_groups``), each group g has a bundle of its own and the
bundle of imports is made of these, s_gj the share of the group in the importer's imports::

    PG_gj = [ sum_(i in g) s_ij / s_gj e^((1 - sigma) (x_i + c_ij)) ]^(1 / (1 - sigma))
    PM_j  = [ sum_g s_gj PG_gj^(1 - sigma_groups) ]^(1 / (1 - sigma_groups))
    q_ij  = e^(-sigma (x_i + c_ij)) PG_gj^(sigma - sigma_groups) PM_j^(sigma_groups - sigma_home)
            P_j^(sigma_home - eta) D_j

Without the nest of home sales the groups are at the top: PM is P, sigma_groups takes the place of
sigma_home, and home sales are in the group of their country.

Source: Armington (1969), in the exact-hat form of Dekle, Eaton and Kortum (2008).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
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
    sigma_home, sigma_groups : float
        NaN: no such nest.
    group : int [i]
        Number of each exporter's group, from 0; all 0 without groups.
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
    sigma_groups: float
    group: Array

    @property
    def nested(self) -> bool:
        """Whether home sales and imports form a nest."""
        return not math.isnan(self.sigma_home)

    @property
    def middle(self) -> float:
        """Substitution between the bundles of groups; ``sigma`` where there are none."""
        return self.sigma if math.isnan(self.sigma_groups) else self.sigma_groups

    @property
    def outer(self) -> float:
        """Substitution at the top."""
        return self.sigma_home if self.nested else self.middle


@dataclass(frozen=True, eq=False)
class Indices:
    """Log price indices; 0 where nothing is left to buy.

    Attributes
    ----------
    log_index : float [j]
        Of everything.
    log_imports : float [j]
        Of all that are in bundles: imports with the nest of home sales, else everything.
    log_bundle : float [g, j]
        Of each group's bundle, within which suppliers compete at ``sigma``.
    served, imports_served : bool [j]
    bundle_served : bool [g, j]
    """

    log_index: Array
    log_imports: Array
    log_bundle: Array
    served: Array
    imports_served: Array
    bundle_served: Array


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
    zero = xp.zeros_like(block.share)
    bundled = bundled_flows(block)
    away = block.admitted & bundled
    import_share = xp.where(bundled, block.share, zero)
    imports_served = xp.any(away, axis=0)
    members = [(block.group == g)[:, None] for g in range(group_count(block))]
    shares = [xp.where(member, import_share, zero) for member in members]
    bundles = xp.stack(
        [
            log_power_mean(share, away & member, delivered, 1 - block.sigma)
            for share, member in zip(shares, members, strict=True)
        ]
    )
    bundle_served = xp.stack([xp.any(away & member, axis=0) for member in members])
    imports = bundles[0, ...]
    if len(members) > 1:
        weight = xp.stack([xp.sum(share, axis=0) for share in shares])
        imports = log_power_mean(weight, bundle_served, bundles, 1 - block.middle)
    everything = imports
    if block.nested:
        at_home = block.admitted & block.home
        # The upper level is a mean of two: home sales and the bundle of imports.
        weight = xp.stack(
            [xp.sum(xp.where(block.home, block.share, zero), axis=0), xp.sum(import_share, axis=0)]
        )
        value = xp.stack([xp.sum(xp.where(at_home, delivered, zero), axis=0), imports])
        keep = xp.stack([xp.any(at_home, axis=0), imports_served])
        everything = log_power_mean(weight, keep, value, 1 - block.sigma_home)
    return Indices(everything, imports, bundles, served, imports_served, bundle_served)


def bundled_flows(block: Block) -> Array:
    """Flows [i, j] that are in bundles: all but home sales where these form a nest."""
    return ~block.home if block.nested else array_namespace(block.home).ones_like(block.home)


def group_count(block: Block) -> int:
    """Number of groups of suppliers; 1 where they form none."""
    xp = array_namespace(block.share)
    if math.isnan(block.sigma_groups) or block.group.size == 0:
        return 1
    return int(xp.max(block.group)) + 1


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
    outer, middle = block.outer, block.middle
    composite = ((outer - block.eta) * found.log_index + block.log_demand)[None, :]
    imports = ((middle - outer) * found.log_imports)[None, :]
    bundle = (block.sigma - middle) * xp.take(found.log_bundle, block.group, axis=0)
    quantity = -block.sigma * delivered + bundle + imports + composite
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
    a row of weights that sum to 1. With nests, middle and outer the elasticities above sigma and
    K the largest of the three, the row is ``[(K - own) x_i + a (sigma - middle) group
    + a (middle - outer) imports + (outer - eta) all] / (epsilon_i + K)``. Here a is the part of
    the exporter's sales that are in bundles, ``own = a sigma + (1 - a) outer``, and ``group``,
    ``imports`` and ``all`` are weighted means of log prices. The sum of the absolute
    coefficients is linear in a, and largest at a = 1, because ``|sigma - outer|`` is at most
    ``|sigma - middle| + |middle - outer|``::

        m = (K - sigma + |sigma - middle| + |middle - outer| + |outer - eta|) / (epsilon + K)

    With sigma >= middle >= outer >= eta this is ``(sigma - eta) / (epsilon + sigma)``, as without
    nests.

    Returns
    -------
    float
        0 where no price adjusts; at or above 1 where nothing is proven.
    """
    xp = array_namespace(block.share)
    if block.share.size == 0 or not bool(xp.any(active(block))):
        return 0.0
    steepest = _steepest(block)
    spread = steepest - block.sigma + _climb(block)
    slack = xp.where(active(block), block.epsilon, xp.full_like(block.epsilon, math.inf))
    return float(spread / (float(xp.min(slack)) + steepest))


def _steepest(block: Block) -> float:
    """Largest elasticity of substitution."""
    return max(block.sigma, block.middle, block.outer)


def _climb(block: Block) -> float:
    """Sum of the differences between the elasticities of neighbouring levels, eta last."""
    levels = (block.sigma, block.middle, block.outer, block.eta)
    return sum(abs(low - high) for low, high in pairwise(levels))


def step_slope(block: Block) -> Array:
    """What log excess demand is divided by in one step [i]: supply plus demand elasticity.

    ``epsilon_i + sigma`` is the closed fixed point. Where that map is not proven to contract,
    a composite demand steeper than sigma shortens the step.
    """
    xp = array_namespace(block.share)
    steepest = _steepest(block)
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
    if not math.isnan(block.sigma_groups):
        size += float(xp.max(xp.abs(found.log_imports)))
    steepest = max(_steepest(block), block.eta)
    gain = _index_gain(block)
    longest = max(block.share.shape)
    return float(ROUNDING * ((4 + longest) * (1 + gain) + 4 * (1 + steepest) * (1 + size)))


def _index_gain(block: Block) -> float:
    """By how much a relative error of the sums inside the indices reaches log demand."""
    middle, outer, top = block.middle, block.outer, abs(block.outer - block.eta)
    gain = top / max(abs(1 - outer), NEAR_ONE) + _climb(block) / max(abs(1 - block.sigma), NEAR_ONE)
    if block.nested and not math.isnan(block.sigma_groups):
        gain += (abs(middle - outer) + top) / max(abs(1 - middle), NEAR_ONE)
    return gain


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
    bundled = bundled_flows(block)
    away, away_kept = there & bundled, there & bundled & block.admitted
    members = [(block.group == g)[:, None] for g in range(group_count(block))]
    bundles, bundles_kept = (
        xp.stack([xp.any(part & member, axis=0) for member in members])
        for part in (away, away_kept)
    )
    if any(broken(away & member, away_kept & member, block.sigma) for member in members):
        return False
    if broken(bundles, bundles_kept, block.middle):
        return False
    if not block.nested:
        return True
    any_home = [xp.any(there & block.home & keep, axis=0) for keep in (there, block.admitted)]
    any_away = [xp.any(part, axis=0) for part in (away, away_kept)]
    upper = [xp.stack([home, part]) for home, part in zip(any_home, any_away, strict=True)]
    return not broken(upper[0], upper[1], block.sigma_home)


def is_valid(block: Block) -> bool:
    """Whether every number is one the equations can take (costs of excluded flows aside)."""
    xp = array_namespace(block.share)
    shares = (block.share, block.sales_share)
    numbers = (*shares, block.log_cost, block.log_supply, block.log_demand)
    return (
        0 < block.sigma < math.inf
        and 0 <= block.eta < math.inf
        and (not block.nested or 0 < block.sigma_home < math.inf)
        and 0 < block.middle < math.inf
        and bool(xp.all(block.epsilon >= 0))
        and all(bool(xp.all(xp.isfinite(part))) for part in numbers)
        and all(bool(xp.all(part >= 0)) for part in shares)
        and bool(xp.all((block.share > 0) == (block.sales_share > 0)))
        and bool(xp.all((block.share > 0) | ~block.admitted))
    )
