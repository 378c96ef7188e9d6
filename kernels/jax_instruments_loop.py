"""The compiled program for blocks of products under instruments."""

# JAX does not type all that it exports.
# mypy: allow-untyped-calls

from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from tradewedge.kernels import jax_loop
from tradewedge.kernels.jax_anderson import Move, iterate
from tradewedge.kernels.jax_blocks import Calibration, Cases
from tradewedge.kernels.jax_instruments import (
    Overlay,
    allowed,
    evaluate,
    joined,
    lay_out,
    split,
)
from tradewedge.kernels.jax_instruments_blocks import Measures, Wide, nothing
from tradewedge.kernels.jax_runtime import AXIS
from tradewedge.kernels.jax_runtime import split as split_over
from tradewedge.kernels.jax_sweep import Array, dense

UNMOVED = 10.0
"""Tolerances within which prices without instruments still solve a product that has them."""


class Found(NamedTuple):
    """What comes back for a block; NaN prices and indices where nothing is bought or sold.

    Lanes that are not done come back at their best point, with indices of another.
    """

    log_price: Any  # [k, i]
    log_index: Any  # [k, j]
    log_shadow: Any  # [k, g]
    unmoved: Any  # [k] no instrument binds at the prices to start from, which solve the product
    done: Any  # [k] the residual reached the tolerance
    active: Any  # [k] an instrument binds
    steps: Any  # [k]
    residual: Any  # [k]


class _Seen(NamedTuple):
    first: Array
    unmoved: Array  # [k]
    level: Array  # [k, t]
    log_index: Array  # [k, j]
    active: Array  # [k]


def solved(lay: Overlay, given: Measures, tolerance: Array, max_steps: Array) -> Found:
    """Solve all lanes of a block."""

    def move(point: Array, seen: _Seen) -> Move:
        state = evaluate(lay, point, seen.level)
        still = given.started & ~state.active & (state.residual <= UNMOVED * tolerance)
        unmoved = jnp.where(seen.first, still, seen.unmoved)
        now = _Seen(jnp.array(False), unmoved, state.level, state.log_index, state.active)
        return Move(state.step, jnp.where(unmoved, 0.0, state.residual), now)

    lanes = given.started.shape
    never = jnp.zeros(lanes, bool)
    nothing_seen = _Seen(
        first=jnp.array(True),
        unmoved=never,
        level=jnp.zeros(lay.column.shape),
        log_index=jnp.zeros(lay.served.shape),
        active=never,
    )
    begin = allowed(lay, joined(lay, given.start, given.start_premium))
    end = iterate(move, begin, nothing_seen, ~never, tolerance, max_steps, partial(allowed, lay))
    price, premium = split(lay, end.point)
    return Found(
        log_price=jnp.where(lay.market, price, jnp.nan),
        log_index=jnp.where(lay.served, end.guess.log_index, jnp.nan),
        log_shadow=premium,
        unmoved=end.guess.unmoved,
        done=end.done,
        active=end.guess.active,
        steps=end.steps,
        residual=end.residual,
    )


def block(
    given: Calibration,
    cases: Cases,
    measures: Measures,
    tolerance: Array,
    max_steps: Array,
    *,
    shape: Wide,
) -> Found:
    """Solve the block of one device; arrays have a device axis of length 1 in front."""
    inside, changes = Calibration(*(x[0] for x in given)), Cases(*(x[0] for x in cases))
    mine = Measures(*(x[0] for x in measures))
    lay = lay_out(dense(inside, changes, shape.plain), mine, shape)
    found = solved(lay, mine, tolerance, max_steps)
    return Found(*(part[None] for part in found))


def solver(shape: Wide, where: Mesh) -> Any:
    """The function of one shape, to be lowered, for the devices of a mesh."""
    spread, same = PartitionSpec(AXIS), PartitionSpec()
    mapped = jax.shard_map(
        partial(block, shape=shape),
        mesh=where,
        in_specs=(spread, spread, spread, same, same),
        out_specs=spread,
        # Devices loop for as long as their own lanes need; they exchange nothing.
        check_vma=False,
    )
    return jax.jit(mapped)


@cache
def program(shape: Wide, where: Mesh) -> jax.stages.Compiled:
    """Compile the solver of one shape, once per process; needs :func:`.jax_runtime.float64`."""
    compiled: jax.stages.Compiled = solver(shape, where).lower(*arguments(shape, where)).compile()
    return compiled


def arguments(shape: Wide, where: Mesh) -> tuple[Any, ...]:
    """Shapes and types of what a program takes."""
    given, cases, *limits = jax_loop.arguments(shape.plain, where)
    rows = split_over(where)

    def of_all(array: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((shape.devices, *array.shape), array.dtype, sharding=rows)

    return (given, cases, jax.tree.map(of_all, nothing(shape)), *limits)
