"""The model under instruments on blocks of products in JAX: what a solve prepares, one sweep.

Equations: :mod:`.instruments`, :mod:`.demand` and :mod:`.complementarity`, without a nest. Axes:
lane b, exporter i, importer j, treated importer t, group g, row r of all groups' flows. An importer
is treated where a flow to it has a specific duty, floor or quota or is in a group; what the others
buy goes through the fixed weights of :mod:`.jax_sweep`. Unknowns of a lane are log producer prices
and log premiums of groups, one after another; a capacity is the least of two supplies, not a
group. Nothing is scattered with addition: flows find their groups, and groups their flows, by
index.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import erfc

from tradewedge.kernels.equations import AT_ONE, NEAR_ONE
from tradewedge.kernels.jax_instruments_blocks import CHUNK, Measures, Wide
from tradewedge.kernels.jax_sweep import (
    Dense,
    Layout,
    contraction,
    log_share_kept,
    own_pull,
    prepare,
    sweep,
    to_cells,
)

Array = jax.Array

LEAST_LOG_PRICE = -32.0
"""Log price that counts as 0 where supply does not vanish with it."""
LEAST_OWN = 0.02
"""Least own elasticity that a step is divided by, in units of sigma."""
ROOT_STEPS = 60
NEWTON_ALONE = 12
"""Steps after which every fourth one halves the bracket instead."""
LARGEST_MOVE = 20.0
"""Largest change of a log level in one step of the root search."""
ROOT_ROUNDING = 4e-15


class Overlay(NamedTuple):
    """What does not change from sweep to sweep."""

    rest: Layout  # importers that are not treated
    column: Array  # [b, t] which importer it is, beyond the last where there is none
    cost: Array  # [b, i, t] 0 where nothing is admitted, as all that follows
    inner: Array  # [b, i, t] share among the flows that are left
    sales_share: Array  # [b, i, t]
    specific: Array  # [b, i, t]
    log_floor: Array  # [b, i, t]
    dispersion: Array  # [b, i, t]
    log_quota: Array  # [b, i, t] inf: none
    beyond: Array  # [b, i, t] 0 where not rated
    rated: Array  # [b, i, t] has a rate beyond the quota
    limited: Array  # [b, t] has a quota
    log_kept: Array  # [b, t]
    log_demand: Array  # [b, t]
    member: Array  # [b, m, i t] a flow's groups; the number of groups where there is none
    row: Array  # [b, r] cell in [i, t] of a group's flow
    span: Array  # [b, 2, r] where rows of its group and importer begin and end
    weight: Array  # [b, r] 0 where there is none
    of: Array  # [b, g, c] 1 where CHUNK rows belong to a group
    log_limit: Array  # [b, g]
    group_beyond: Array  # [b, g] largest premium
    log_capacity: Array  # [b, i] inf: none
    market: Array  # [b, i] a market is left
    served: Array  # [b, j] a supplier is left
    free: Array  # [b, i] supply is finite without a capacity
    epsilon: Array  # [b, i] 0 where infinite
    log_supply: Array  # [b, i]
    strike: Array  # [b, i] 1 without a contract
    covered: Array  # [b, i] 0 without a contract
    upside: Array  # [b, i]
    rigid: Array  # [b, i] supply is positive at a price of 0
    steepness: Array  # [b, i] elasticity of demand by the own price where nothing is treated
    sigma: Array  # [b, 1]
    eta: Array  # [b, 1]


class State(NamedTuple):
    """Everything at given unknowns."""

    step: Array  # [b, n]
    residual: Array  # [b]
    level: Array  # [b, t] where the search for levels ended
    log_index: Array  # [b, j]
    active: Array  # [b] an instrument changes a price or a quantity


def lay_out(flows: Dense, given: Measures, shape: Wide) -> Overlay:
    """Prepare a block: its measures come without the device axis, its flows without a nest."""
    k, i, t = shape.lanes, shape.exporters, shape.columns
    size = k * i * t

    def treated(values: Array) -> Array:
        """Columns of the treated importers of [b, ., j]."""
        place = jnp.minimum(given.column, shape.importers - 1)
        return jnp.take_along_axis(values, place[:, None, :], axis=2)

    def cells(values: Array, empty: float) -> Array:
        return to_cells(given.place, values, size, empty).reshape(k, i, t)

    cost, share = treated(flows.cost), treated(flows.share)
    there = (cost < jnp.inf) & (given.column < shape.importers)[:, None, :]
    kept = jnp.sum(jnp.where(there, share, 0.0), axis=1)
    lost = jnp.sum(jnp.where(there, 0.0, share), axis=1)
    quota = cells(given.log_quota, jnp.inf)
    quota = jnp.where(there, quota, jnp.inf)
    hit = _columns(given.column, shape.importers)
    market = jnp.any(flows.cost < jnp.inf, axis=2)
    finite = flows.epsilon < jnp.inf
    free, epsilon = market & finite, jnp.where(finite, flows.epsilon, 0.0)
    contract = (given.strike > 0) & (given.covered > 0)
    beyond = cells(given.beyond, 0.0)
    rated = (quota < jnp.inf) & (beyond < jnp.inf)
    return Overlay(
        rest=prepare(flows._replace(cost=jnp.where(hit[:, None, :], jnp.inf, flows.cost))),
        column=given.column,
        cost=jnp.where(there, cost, 0.0),
        inner=jnp.where(there, share / jnp.where(kept > 0, kept, 1.0)[:, None, :], 0.0),
        sales_share=jnp.where(there, treated(flows.sales_share), 0.0),
        specific=jnp.where(there, cells(given.specific, 0.0), 0.0),
        log_floor=jnp.where(there, cells(given.log_floor, -jnp.inf), -jnp.inf),
        dispersion=cells(given.dispersion, 0.0),
        log_quota=quota,
        beyond=jnp.where(rated, beyond, 0.0),
        rated=rated,
        limited=jnp.any(quota < jnp.inf, axis=1),
        log_kept=jnp.where(kept > 0, log_share_kept(kept, lost), 0.0),
        log_demand=treated(flows.log_demand[:, None, :])[:, 0, :],
        member=to_cells(given.member_place, given.member, size * shape.depth, shape.groups).reshape(
            k, shape.depth, i * t
        ),
        row=given.row,
        span=given.span,
        weight=given.weight,
        of=jnp.where(given.chunk[:, None, :] == jnp.arange(shape.groups)[:, None], 1.0, 0.0),
        log_limit=given.log_limit,
        group_beyond=given.group_beyond,
        log_capacity=jnp.where(market, given.log_capacity, jnp.inf),
        market=market,
        served=jnp.any(flows.cost < jnp.inf, axis=1),
        free=free,
        epsilon=epsilon,
        log_supply=flows.log_supply,
        strike=jnp.where(contract, given.strike, 1.0),
        covered=jnp.where(contract, given.covered, 0.0),
        upside=given.upside,
        rigid=free & (contract | (epsilon == 0)),
        steepness=contraction(flows.sigma, flows.eta, flows.sigma, epsilon, free)[1]
        - own_pull(flows),
        sigma=flows.sigma,
        eta=flows.eta,
    )


def _columns(column: Array, size: int) -> Array:
    """Which importers [b, j] are among the treated ones [b, t]."""
    return jnp.any(column[:, :, None] == jnp.arange(size), axis=1)


def split(lay: Overlay, point: Array) -> tuple[Array, Array]:
    """Log producer prices [b, i], log premiums of groups [b, g]."""
    i = lay.market.shape[1]
    return point[:, :i], point[:, i:]


def joined(lay: Overlay, price: Array, premium: Array) -> Array:
    """Unknowns at given prices [b, i] and premiums [b, g]."""
    return jnp.concatenate([jnp.where(lay.market, price, 0.0), premium], axis=1)


def allowed(lay: Overlay, point: Array) -> Array:
    """Premiums between 0 and the largest; prices not below the cost at which supply is endless."""
    price, premium = split(lay, point)
    price = jnp.where(lay.rigid, jnp.maximum(price, LEAST_LOG_PRICE), price)
    price = jnp.where(lay.free, price, jnp.maximum(price, 0.0))
    return jnp.concatenate([price, jnp.clip(premium, 0.0, lay.group_beyond)], axis=1)


def evaluate(lay: Overlay, point: Array, guess: Array) -> State:
    """Prices, quantities, residuals and the next step; ``guess`` of the levels is free."""
    price, premium = split(lay, point)
    rest = sweep(lay.rest, price + lay.rest.shift_i)
    base = price[:, :, None] + lay.cost + _premiums(lay, premium)
    low, passed = _chain(lay, base)
    out, over = jax.lax.cond(
        jnp.any(lay.rated), lambda: _chain(lay, base + lay.beyond), lambda: (low, passed)
    )
    high = jnp.where(lay.rated, out, jnp.inf)
    level, paid, bound, index, inside, gap = _levels(lay, low, high, guess)
    passed = jnp.where(bound, 0.0, jnp.where(lay.rated & (paid >= high), over, passed))
    open_quantity = level[:, None, :] - lay.sigma[:, :, None] * paid
    quantity = jnp.exp(jnp.where(bound, lay.log_quota, open_quantity))

    # A lane in which every sum here underflows has no finite step, and is left to the host.
    bought = lay.sales_share * quantity
    total = jnp.where(lay.market, jnp.exp(rest.sales) + jnp.sum(bought, axis=2), 1.0)
    sold, stuck = jnp.log(total), jnp.sum(bought * (1 - passed), axis=2) / total
    own = lay.steepness * (1 - stuck)
    supplied, slope, changed = _supply(lay, price)
    excess = sold - supplied
    at_zero = jnp.where(lay.rigid, -jnp.exp(price), -jnp.inf)
    at_cost = jnp.minimum(lay.sigma * price, -excess)
    capped = ~lay.free & (lay.log_capacity < jnp.inf)
    unmet = jnp.where(lay.free, jnp.maximum(excess, at_zero), jnp.where(capped, at_cost, 0.0))
    by_price = jnp.where(lay.free | capped, excess, 0.0)
    by_price = by_price / (slope + jnp.maximum(own, LEAST_OWN * lay.sigma))

    used, own_use = _use(lay, quantity, passed, jnp.where(bound, 0.0, 1.0), inside)
    slack = lay.log_limit - used
    limits = jnp.minimum(lay.sigma * premium, slack)
    limits = jnp.maximum(limits, lay.sigma * (premium - lay.group_beyond))
    by_premium = -slack / jnp.maximum(own_use, LEAST_OWN * lay.sigma)

    worst = jnp.max(jnp.abs(jnp.concatenate([unmet, limits, gap], axis=1)), axis=1)
    ahead = allowed(lay, point + jnp.concatenate([by_price, by_premium], axis=1))
    active = jnp.any((low != base) | (paid > low), axis=(1, 2))
    active |= jnp.any(changed, axis=1) | jnp.any(premium > 0, axis=1)
    index_at = _put_back(lay, rest.log_index, index)
    return State(ahead - point, worst, level, index_at, active)


def _premiums(lay: Overlay, premium: Array) -> Array:
    """Sum of the premiums of every flow's groups [b, i, t]."""
    lanes, depth, cells = lay.member.shape
    if depth == 0:
        return jnp.zeros_like(lay.cost)
    padded = jnp.pad(premium, ((0, 0), (0, 1)))
    by_flow = _taken(padded, lay.member.reshape(lanes, depth * cells))
    return jnp.sum(by_flow.reshape(lanes, depth, cells), axis=1).reshape(lay.cost.shape)


def _chain(lay: Overlay, base: Array) -> tuple[Array, Array]:
    """Log price with specific duty and floor, and its elasticity by the price before them."""
    floored, spread = lay.log_floor > -jnp.inf, lay.dispersion > 0

    charge = lay.specific > 0

    def charged() -> tuple[Array, Array]:
        chain = jnp.exp(base)
        total = chain + lay.specific
        return jnp.where(charge, jnp.log(total), base), jnp.where(charge, chain / total, 1.0)

    none = (base, jnp.ones_like(base))
    before, passed = jax.lax.cond(jnp.any(charge), charged, lambda: none)
    sharp = (jnp.maximum(before, lay.log_floor), passed * (before > lay.log_floor))

    def mean() -> tuple[Array, Array]:
        s, gap = jnp.where(spread, lay.dispersion, 1.0), before - lay.log_floor
        gap = jnp.where(floored, gap, 0.0)
        d = gap / s + s / 2
        own = jnp.exp(jnp.minimum(gap, 0.0)) * _normal(d)
        total = own + jnp.exp(jnp.minimum(-gap, 0.0)) * _normal(s - d)
        lifted = (sharp[0] + jnp.log(total), passed * own / total)
        one, other = (jnp.where(spread & floored, x, y) for x, y in zip(lifted, sharp, strict=True))
        return one, other

    made: tuple[Array, Array] = jax.lax.cond(jnp.any(spread & floored), mean, lambda: sharp)
    return made


def _normal(z: Array) -> Array:
    """The normal distribution function."""
    return 0.5 * erfc(z * -(0.5**0.5))


def _index(lay: Overlay, price: Array) -> tuple[Array, Array]:
    """Log index [b, t], and shares in spending [b, i, t]."""
    power = (1 - lay.sigma)[:, :, None]
    there = lay.inner > 0
    exponent = power * price
    top = jnp.max(jnp.where(there, exponent, -jnp.inf), axis=1)
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    part = jnp.where(there, lay.inner * jnp.exp(exponent - top[:, None, :]), 0.0)
    total = jnp.sum(part, axis=1)
    total = jnp.where(total > 0, total, 1.0)
    log_mode, near = jnp.abs(power) < AT_ONE, jnp.abs(power) < NEAR_ONE
    safe = jnp.where(log_mode, 1.0, power)

    def around_mean() -> Array:
        mean = jnp.sum(lay.inner * price, axis=1)
        off = power * (price - mean[:, None, :])
        return mean + jnp.log1p(jnp.sum(lay.inner * jnp.expm1(off), axis=1)) / safe[:, 0]

    close = jax.lax.cond(jnp.any(near), around_mean, lambda: top)
    index = jnp.where(near[:, 0], close, (top + jnp.log(total)) / safe[:, 0])
    return index + lay.log_kept / safe[:, 0], part / total[:, None, :]


class _Search(NamedTuple):
    level: Array  # [b, t]
    below: Array
    above: Array
    pending: Array
    step: Array


def _levels(lay: Overlay, low: Array, high: Array, guess: Array) -> tuple[Array, ...]:
    """Levels T [b, t] at which prices, quotas and indices agree: Newton inside a bracket.

    Returns them with delivered prices, which flows are at their quota, indices, shares in
    spending, and what is left of the root function.
    """
    sigma, pull = lay.sigma[:, :, None], lay.sigma - lay.eta

    def paid(level: Array) -> tuple[Array, Array]:
        wanted = (level[:, None, :] - lay.log_quota) / sigma
        price = jnp.minimum(jnp.maximum(low, wanted), high)
        return price, (wanted > low) & (wanted < high)

    def body(at: _Search) -> _Search:
        price, bound = paid(at.level)
        index, inside = _index(lay, price)
        gap = at.level - pull * index - lay.log_demand
        below = jnp.where(gap <= 0, at.level, at.below)
        above = jnp.where(gap >= 0, at.level, at.above)
        at_quota = jnp.sum(jnp.where(bound, inside, 0.0), axis=1)
        slope = jnp.maximum(1 - pull / lay.sigma * at_quota, 1e-12)
        trial = at.level - jnp.clip(gap / slope, -LARGEST_MOVE, LARGEST_MOVE)
        halve = (at.step > NEWTON_ALONE) & (at.step % 4 == 3)
        halve &= jnp.isfinite(below) & jnp.isfinite(above)
        outside = (trial <= below) | (trial >= above) | halve
        trial = jnp.where(outside, 0.5 * (below + above), trial)
        scale = 1 + jnp.abs(at.level) + (lay.sigma + lay.eta) * jnp.abs(index)
        small = jnp.minimum(jnp.abs(gap), jnp.abs(trial - at.level)) <= ROOT_ROUNDING * scale
        pending = at.pending & ~small & jnp.isfinite(gap)
        return _Search(jnp.where(pending, trial, at.level), below, above, pending, at.step + 1)

    def unfinished(at: _Search) -> Array:
        return jnp.any(at.pending) & (at.step < ROOT_STEPS)

    start = jnp.where(lay.limited & jnp.isfinite(guess), guess, 0.0)
    wide = jnp.full_like(start, jnp.inf)
    begin = _Search(start, -wide, wide, lay.limited, jnp.zeros((), jnp.int32))
    found = jax.lax.while_loop(unfinished, body, begin).level
    price, bound = paid(found)
    index, inside = _index(lay, price)
    level = pull * index + lay.log_demand
    gap = jnp.where(lay.limited, found - level, 0.0)
    return jnp.where(lay.limited, found, level), price, bound, index, inside, gap


def _supply(lay: Overlay, price: Array) -> tuple[Array, Array, Array]:
    """Log supply, its elasticity, and whether contract or capacity change it; each [b, i]."""
    under = lay.covered > 0
    value = jnp.exp(jnp.where(under, price, 0.0))
    above = value > lay.strike
    paid = jnp.where(above, lay.strike + (1 - lay.upside) * (value - lay.strike), lay.strike)
    passed = jnp.where(above, (1 - lay.upside) * value, 0.0) / paid
    same = ~under | (above & (lay.upside == 0))
    at_market = lay.epsilon * price
    at_contract = jnp.where(same, at_market, lay.epsilon * jnp.log(paid))
    top = jnp.maximum(at_market, at_contract)
    part = lay.covered * jnp.exp(at_contract - top)
    rest = (1 - lay.covered) * jnp.exp(at_market - top)
    level = lay.log_supply + jnp.where(same, at_market, top + jnp.log(part + rest))
    slope = lay.epsilon * jnp.where(under, (part * passed + rest) / (part + rest), 1.0)
    # Endless supply at price 0 and above ends at the capacity.
    full = jnp.where(lay.free, level > lay.log_capacity, price > 0)
    level = jnp.where(lay.free, jnp.minimum(level, lay.log_capacity), lay.log_capacity)
    return level, jnp.where(full, 0.0, slope), lay.market & (full | (lay.free & ~same))


def _use(
    lay: Overlay, quantity: Array, passed: Array, moving: Array, inside: Array
) -> tuple[Array, Array]:
    """Log use of each group, and how fast it falls with the group's premium; each [b, g]."""

    def of_rows(values: Array) -> Array:
        return _taken(values.reshape(values.shape[0], -1), lay.row)

    def of_groups(values: Array) -> Array:
        chunks = jnp.sum(values.reshape(values.shape[0], -1, CHUNK), axis=2)
        return jnp.matmul(lay.of, chunks[:, :, None])[:, :, 0]

    answer = jnp.cumsum(jnp.where(lay.weight > 0, of_rows(inside * passed), 0.0), axis=1)
    answer = jnp.pad(answer, ((0, 0), (1, 0)))
    first, last = (_taken(answer, lay.span[:, n]) for n in (0, 1))
    fall = lay.sigma * of_rows(passed) - of_rows(moving) * (lay.sigma - lay.eta) * (last - first)
    used = lay.weight * of_rows(quantity)
    total = of_groups(used)
    return jnp.log(total), of_groups(used * fall) / jnp.where(total > 0, total, 1.0)


def _taken(values: Array, index: Array) -> Array:
    """``values[b, index[b, n]]``; no index is beyond the end."""
    return jnp.take_along_axis(values, index, axis=1, mode="promise_in_bounds")


def _put_back(lay: Overlay, values: Array, treated: Array) -> Array:
    """Values [b, j] with those of the treated importers [b, t] in their places."""
    lanes = jnp.arange(values.shape[0])[:, None]
    return values.at[lanes, lay.column].set(treated, mode="drop", unique_indices=True)
