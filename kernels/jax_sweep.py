"""The core model on blocks of products in JAX: what a solve prepares, one sweep, the error bound.

Equations and splits of cost are those of ``kernels/README.md``. Axes: lane b (scenario x
product), exporter i, importer j. Nothing is scattered with addition: flows are written to their
own cells once, all else are dense sums.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tradewedge.kernels.equations import AT_ONE, NEAR_ONE, ROUNDING
from tradewedge.kernels.jax_blocks import Calibration, Cases, Shape
from tradewedge.kernels.plain_cpu import OWN_SHARE

Array = jax.Array


class Nest(NamedTuple):
    """Home sales against the bundle of imports."""

    row: Array  # [b, j] exporter of the home flow
    col: Array  # [b, i] importer of the home flow
    there: Array  # [b, j] a home flow is left
    sold: Array  # [b, i] the same, by exporter
    cost: Array  # [b, j] its log cost
    sales: Array  # [b, j] log share of the home flow in its exporter's sales
    share: Array  # [b, j] share of home in spending
    log_upper: Array  # [b, j] log share that was not lost at the upper level
    log_demand: Array  # [b, j]


class Layout(NamedTuple):
    """What does not change from sweep to sweep; the unknown is ``z_i = x_i + shift_i``."""

    a: Array  # [b, i, j] weight in the index
    b: Array  # [b, i, j] weight in the exporter's sales
    shift_i: Array
    shift_j: Array
    supply: Array  # [b, i] log Z_i - epsilon_i shift_i
    epsilon: Array  # [b, i] 0 where infinite
    slope: Array  # [b, i] of the contraction
    step_slope: Array  # [b, i] with which steps are taken
    free: Array  # [b, i] the price adjusts
    market: Array  # [b, i] a market is left
    abroad: Array  # [b, i] one that competes at sigma
    served: Array  # [b, j]
    imports: Array  # [b, j] the bundle has a supplier left
    constant: Array  # [b, j] constant of the index near sigma = 1
    log_kept: Array  # [b, j]
    offset: Array  # [b, j]
    sigma: Array  # [b, 1]
    eta: Array  # [b, 1]
    outer: Array  # [b, 1] sigma_home with a nest, else sigma
    modulus: Array  # [b]
    size: Array  # [b] largest |log cost|
    terms: Array  # [b]
    nest: Nest | None


class Sweep(NamedTuple):
    """Indices, log of what each exporter sells (-inf: nothing), and its log excess demand."""

    excess: Array  # [b, i]
    sales: Array  # [b, i]
    log_index: Array  # [b, j]
    log_bundle: Array  # [b, j]


class Dense(NamedTuple):
    """The flows of one device's block, each in its cell; arrays without the device axis."""

    share: Array  # [b, i, j]
    sales_share: Array  # [b, i, j]
    cost: Array  # [b, i, j] log cost, inf where nothing is admitted
    home: Array | None  # [b, i, j] home sales of a nest
    sigma: Array  # [b, 1]
    eta: Array  # [b, 1]
    outer: Array  # [b, 1] sigma_home with a nest, else sigma
    epsilon: Array  # [b, i]
    log_supply: Array  # [b, i]
    log_demand: Array  # [b, j]
    terms: Array  # [b]


def to_cells(cell: Array, values: Array, size: int, empty: float | bool) -> Array:
    """Write values to their own cells of an array [size]; those beyond its end are dropped."""
    flat = jnp.full(size, empty, values.dtype)
    return flat.at[cell].set(values, mode="drop", unique_indices=True)


def dense(given: Calibration, cases: Cases, shape: Shape) -> Dense:
    """Put every flow of a block in its cell."""
    _, s, k, i, j, _, nested = shape

    def cells(values: Array, empty: float | bool) -> Array:
        return to_cells(given.cell, values, k * i * j, empty).reshape(k, i, j)

    def lanes(values: Array) -> Array:
        return jnp.broadcast_to(values, (s, *values.shape)).reshape(s * k, *values.shape[1:])

    cost = jax.vmap(lambda values: cells(values, jnp.inf))(cases.log_cost)
    sigma = lanes(given.sigma)[:, None]
    return Dense(
        share=lanes(cells(given.share, 0.0)),
        sales_share=lanes(cells(given.sales_share, 0.0)),
        cost=cost.reshape(s * k, i, j),
        home=lanes(cells(given.home, False)) if nested else None,
        sigma=sigma,
        eta=lanes(given.eta)[:, None],
        outer=lanes(given.sigma_home)[:, None] if nested else sigma,
        epsilon=lanes(given.epsilon),
        log_supply=cases.log_supply.reshape(s * k, i),
        log_demand=cases.log_demand.reshape(s * k, j),
        terms=lanes(given.terms),
    )


def prepare(flows: Dense) -> Layout:
    """Dense weights, and all else that does not change from sweep to sweep."""
    share, weight, cost = flows.share, flows.sales_share, flows.cost
    sigma, eta, outer = flows.sigma, flows.eta, flows.outer
    admitted = cost < jnp.inf
    nested = flows.home is not None
    at_home = jnp.zeros_like(admitted) if flows.home is None else flows.home
    inside = admitted & ~at_home  # the flows that compete at sigma

    kept = jnp.sum(jnp.where(inside, share, 0.0), axis=1)
    lost = jnp.sum(jnp.where(inside | at_home, 0.0, share), axis=1)
    imports = jnp.any(inside, axis=1)
    shift_j = jnp.where(imports, jnp.min(jnp.where(inside, cost, jnp.inf), axis=1), 0.0)
    abroad = jnp.any(inside, axis=2)
    above = jnp.where(inside, cost - shift_j[:, None, :], jnp.inf)
    shift_i = jnp.where(abroad, jnp.min(above, axis=2), 0.0)
    rest = jnp.where(inside, above - shift_i[:, :, None], 0.0)
    power = (1 - sigma)[:, :, None]
    inner = jnp.where(inside, share / jnp.where(imports, kept, 1.0)[:, None, :], 0.0)
    a = inner * jnp.exp(power * rest)
    b = jnp.where(inside, weight * jnp.exp(-sigma[:, :, None] * rest), 0.0)
    log_mode, near = jnp.abs(power) < AT_ONE, jnp.abs(power) < NEAR_ONE

    def constants() -> Array:
        term = jnp.where(log_mode, rest, jnp.where(near, jnp.expm1(power * rest), 0.0))
        return jnp.sum(inner * term, axis=1)

    constant = jax.lax.cond(jnp.any(near), constants, lambda: jnp.zeros_like(kept))

    home = None
    if nested:
        home = _nest(share, weight, cost, admitted, at_home, kept + lost, imports, flows.log_demand)
    market = abroad if home is None else abroad | home.sold
    finite = flows.epsilon < jnp.inf
    free, epsilon = market & finite, jnp.where(finite, flows.epsilon, 0.0)
    modulus, steepness = contraction(sigma, eta, outer, epsilon, free)
    return Layout(
        a=a,
        b=b,
        shift_i=shift_i,
        shift_j=shift_j,
        supply=flows.log_supply - epsilon * shift_i,
        epsilon=epsilon,
        slope=epsilon + steepness,
        step_slope=epsilon + steepness - (0.0 if nested else own_pull(flows)),
        free=free,
        market=market,
        abroad=abroad,
        served=imports if home is None else imports | home.there,
        imports=imports,
        constant=constant,
        log_kept=jnp.where(imports, log_share_kept(kept, lost), 0.0),
        offset=flows.log_demand - (eta if home is None else outer) * shift_j,
        sigma=sigma,
        eta=eta,
        outer=outer,
        modulus=modulus,
        size=jnp.max(jnp.where(admitted, jnp.abs(cost), 0.0), axis=(1, 2)),
        terms=flows.terms,
        nest=home,
    )


def own_pull(flows: Dense) -> Array:
    """What an exporter's price takes off its own demand's elasticity, through indices [b, i]."""
    own = jnp.sum(flows.share * flows.sales_share, axis=2)
    return OWN_SHARE * jnp.maximum(flows.sigma - flows.eta, 0.0) * own


def _nest(
    share: Array,
    weight: Array,
    cost: Array,
    admitted: Array,
    at_home: Array,
    import_base: Array,
    imports: Array,
    log_demand: Array,
) -> Nest:
    left = admitted & at_home
    there, sold = jnp.any(left, axis=1), jnp.any(left, axis=2)
    home_base = jnp.sum(jnp.where(at_home, share, 0.0), axis=1)
    sales = jnp.sum(jnp.where(left, weight, 0.0), axis=1)
    both = there & imports
    total = import_base + home_base
    one = jnp.where(
        there, log_share_kept(home_base, import_base), log_share_kept(import_base, home_base)
    )
    return Nest(
        row=jnp.argmax(left, axis=1),
        col=jnp.argmax(left, axis=2),
        there=there,
        sold=sold,
        cost=jnp.sum(jnp.where(left, cost, 0.0), axis=1),
        sales=jnp.log(jnp.where(there, sales, 1.0)),
        share=jnp.where(both, home_base / jnp.where(total > 0, total, 1.0), 0.0),
        log_upper=jnp.where(both | ~(there | imports), 0.0, one),
        log_demand=log_demand,
    )


def log_share_kept(kept: Array, lost: Array) -> Array:
    total = jnp.where(kept > 0, kept + lost, 1.0)
    few = lost < kept
    small = jnp.log1p(-jnp.where(few, lost, 0.0) / total)
    large = jnp.log(jnp.where(few | (kept <= 0), 1.0, kept / total))
    return jnp.where(few, small, large)


def contraction(
    sigma: Array, eta: Array, outer: Array, epsilon: Array, free: Array
) -> tuple[Array, Array]:
    """Modulus [b], and what adds to the supply elasticity in the slope of a step [b, 1].

    outer is sigma without a nest.
    """
    gap = sigma - outer
    spread = jnp.where(gap >= 0, gap, -2 * gap) + jnp.abs(outer - eta)
    steepest = jnp.maximum(sigma, outer)
    least = jnp.min(jnp.where(free, epsilon, jnp.inf), axis=1, keepdims=True)
    modulus = spread / (least + steepest)
    return modulus[:, 0], jnp.where(modulus >= 1, jnp.maximum(steepest, eta), steepest)


def sweep(lay: Layout, z: Array) -> Sweep:
    """Evaluate the block at ``z``; two matrix-vector products and vectors of exp and log."""
    power = 1 - lay.sigma
    log_mode, near = jnp.abs(power) < AT_ONE, jnp.abs(power) < NEAR_ONE
    exponent = power * z
    value = jnp.where(near, jnp.where(log_mode, z, jnp.expm1(exponent)), jnp.exp(exponent))
    total = lay.constant + jnp.matmul(value[:, None, :], lay.a)[:, 0, :]
    plain = jnp.log(jnp.where(lay.imports, total, 1.0))
    bundle = jnp.where(near, jnp.log1p(jnp.where(lay.imports, total, 0.0)), plain)
    bundle = (bundle + lay.log_kept) / jnp.where(log_mode, 1.0, power)
    bundle = jnp.where(lay.imports, jnp.where(log_mode, total, bundle), 0.0)
    log_bundle = bundle + lay.shift_j
    if lay.nest is None:
        log_index = log_bundle
        level = (lay.sigma - lay.eta) * bundle + lay.offset
    else:
        log_index = _upper_index(lay, lay.nest, z, log_bundle)
        level = (lay.sigma - lay.outer) * bundle + (lay.outer - lay.eta) * log_index + lay.offset
    demand = jnp.where(lay.imports, jnp.exp(level), 0.0)
    sold = jnp.matmul(lay.b, demand[:, :, None])[:, :, 0]
    sales = jnp.where(lay.abroad, jnp.log(sold) - lay.sigma * z, -jnp.inf)
    if lay.nest is not None:
        sales = jnp.logaddexp(sales, _home_sales(lay, lay.nest, z, log_index))
    excess = jnp.where(lay.free, sales - lay.supply - lay.epsilon * z, 0.0)
    return Sweep(excess, sales, log_index, log_bundle)


def _upper_index(lay: Layout, nest: Nest, z: Array, bundle: Array) -> Array:
    """Log power mean of the home price and the bundle of imports."""
    power = 1 - lay.outer
    log_mode, near = jnp.abs(power) < AT_ONE, jnp.abs(power) < NEAR_ONE
    home = jnp.take_along_axis(z - lay.shift_i, nest.row, axis=1) + nest.cost
    share, safe = nest.share, jnp.where(log_mode, 1.0, power)
    linear = share * home + (1 - share) * bundle
    close = share * jnp.expm1(power * home) + (1 - share) * jnp.expm1(power * bundle)
    top = jnp.maximum(power * home, power * bundle)
    far = share * jnp.exp(power * home - top) + (1 - share) * jnp.exp(power * bundle - top)
    both = jnp.where(near, jnp.log1p(close), top + jnp.log(far)) / safe
    both = jnp.where(log_mode, linear, both)
    index = jnp.where(nest.there, jnp.where(lay.imports, both, home), bundle)
    return index + jnp.where(nest.log_upper == 0, 0.0, nest.log_upper / safe)


def _home_sales(lay: Layout, nest: Nest, z: Array, log_index: Array) -> Array:
    """Log of what each exporter sells at home [b, i], -inf where nothing."""

    def of_exporter(values: Array) -> Array:
        return jnp.take_along_axis(values, nest.col, axis=1)

    delivered = z - lay.shift_i + of_exporter(nest.cost)
    level = (lay.outer - lay.eta) * log_index + nest.log_demand + nest.sales
    return jnp.where(nest.sold, of_exporter(level) - lay.outer * delivered, -jnp.inf)


def error_bound(lay: Layout, found: Sweep, z: Array) -> Array:
    """Bound on the error of any log price [b]; see ``equations.error_bound``."""

    def largest(values: Array, where: Array) -> Array:
        return jnp.max(jnp.where(where, jnp.abs(values), 0.0), axis=1)

    sigma, eta, outer = lay.sigma[:, 0], lay.eta[:, 0], lay.outer[:, 0]
    steep = jnp.abs(sigma - outer) + jnp.abs(outer - eta)
    gain = jnp.abs(outer - eta) / jnp.maximum(jnp.abs(1 - outer), NEAR_ONE)
    gain += steep / jnp.maximum(jnp.abs(1 - sigma), NEAR_ONE)
    exponent = 1 + lay.size + largest(z - lay.shift_i, lay.market)
    exponent += largest(found.log_index, lay.served) + largest(found.log_bundle, lay.imports)
    largest_elasticity = jnp.maximum(jnp.maximum(sigma, eta), outer)
    rounding = ROUNDING * (lay.terms * (1 + gain) + 4 * (1 + largest_elasticity) * exponent)
    error = (jnp.abs(found.excess) + rounding[:, None]) / lay.slope
    worst = jnp.max(jnp.where(lay.free, error, 0.0), axis=1)
    return jnp.where(lay.modulus >= 1, jnp.nan, worst / (1 - lay.modulus))
