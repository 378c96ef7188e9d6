"""The compiled program for blocks of products without instruments."""

# JAX does not type all that it exports.
# mypy: allow-untyped-calls

from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from tradewedge.kernels.jax_anderson import Move, iterate
from tradewedge.kernels.jax_blocks import Calibration, Cases, Shape
from tradewedge.kernels.jax_runtime import AXIS, split
from tradewedge.kernels.jax_sweep import Array, Layout, dense, error_bound, prepare, sweep

FLOAT32_TOLERANCE = 1e-4
"""Residual at which sweeps in float32 end: rounding hides less than a tenth of it."""
FLOAT32_STEPS = 30


class Found(NamedTuple):
    """What comes back for a block; NaN prices and indices where nothing is bought or sold."""

    log_price: Any  # [b, i]
    log_index: Any  # [b, j]
    done: Any  # [b] the residual reached the tolerance
    steps: Any  # [b]
    residual: Any  # [b]
    error_bound: Any  # [b]


def solved(lay: Layout, tolerance: Array, max_steps: Array, mixed: bool) -> Found:
    """Solve all lanes of a block; ``mixed``: in float32 as far as that goes, then in float64."""
    everyone = jnp.ones(lay.size.shape, bool)
    start, taken = lay.shift_i, jnp.zeros(lay.size.shape, jnp.int32)
    if mixed:
        start, taken = _roughly(lay, tolerance, max_steps)
    end = iterate(partial(_move, lay), start, None, everyone, tolerance, max_steps - taken)
    last = sweep(lay, end.point)
    return Found(
        log_price=jnp.where(lay.market, end.point - lay.shift_i, jnp.nan),
        log_index=jnp.where(lay.served, last.log_index, jnp.nan),
        done=end.done,
        steps=taken + end.steps,
        residual=jnp.where(end.done, end.residual, jnp.max(jnp.abs(last.excess), axis=1)),
        error_bound=error_bound(lay, last, end.point),
    )


def _move(lay: Layout, z: Array, _: None) -> Move:
    excess = sweep(lay, z).excess
    return Move(excess / lay.step_slope, jnp.max(jnp.abs(excess), axis=1), None)


def _roughly(lay: Layout, tolerance: Array, max_steps: Array) -> tuple[Array, Array]:
    """Where sweeps in float32 lead [b, i], and how many there were [b].

    A lane that float32 cannot hold starts afresh. At least one sweep is left for float64.
    """

    def short(values: Array) -> Array:
        return values.astype(jnp.float32) if values.dtype == jnp.float64 else values

    coarse = jax.tree.map(short, lay)
    enough = jnp.maximum(tolerance, FLOAT32_TOLERANCE).astype(jnp.float32)
    most = jnp.minimum(max_steps - 1, FLOAT32_STEPS)
    everyone = jnp.ones(lay.size.shape, bool)
    end = iterate(partial(_move, coarse), coarse.shift_i, None, everyone, enough, most)
    point = end.point.astype(jnp.float64)
    held = jnp.all(jnp.isfinite(point), axis=1, keepdims=True)
    return jnp.where(held, point, lay.shift_i), end.steps


def block(
    given: Calibration,
    cases: Cases,
    tolerance: Array,
    max_steps: Array,
    *,
    shape: Shape,
    mixed: bool = False,
) -> Found:
    """Solve the block of one device; arrays have a device axis of length 1 in front."""
    inside, changes = Calibration(*(x[0] for x in given)), Cases(*(x[0] for x in cases))
    found = solved(prepare(dense(inside, changes, shape)), tolerance, max_steps, mixed)
    sizes = (1, shape.scenarios, shape.lanes)
    return Found(*(part.reshape(*sizes, *part.shape[1:]) for part in found))


def solver(shape: Shape, where: Mesh, mixed: bool = False) -> Any:
    """The function of one shape, to be lowered, for the devices of a mesh."""
    spread, same = PartitionSpec(AXIS), PartitionSpec()
    mapped = jax.shard_map(
        partial(block, shape=shape, mixed=mixed),
        mesh=where,
        in_specs=(spread, spread, same, same),
        out_specs=spread,
        # Devices loop for as long as their own lanes need; they exchange nothing.
        check_vma=False,
    )
    return jax.jit(mapped)


@cache
def program(shape: Shape, where: Mesh, mixed: bool = False) -> jax.stages.Compiled:
    """Compile the solver of one shape, once per process; needs :func:`.jax_runtime.float64`."""
    lowered = solver(shape, where, mixed).lower(*arguments(shape, where))
    compiled: jax.stages.Compiled = lowered.compile()
    return compiled


def arguments(shape: Shape, where: Mesh) -> tuple[Any, ...]:
    """Shapes and types of what a program takes."""
    d, s, k, i, j, n, _ = shape
    rows, whole = split(where), jax.sharding.NamedSharding(where, PartitionSpec())

    def array(*size: int, dtype: type = float) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(size, jnp.dtype(dtype), sharding=rows)

    given = Calibration(
        cell=jax.ShapeDtypeStruct((d, n), jnp.int32, sharding=rows),
        share=array(d, n),
        sales_share=array(d, n),
        home=array(d, n, dtype=bool),
        sigma=array(d, k),
        eta=array(d, k),
        sigma_home=array(d, k),
        epsilon=array(d, k, i),
        terms=array(d, k),
    )
    cases = Cases(array(d, s, n), array(d, s, k, i), array(d, s, k, j))
    limits = (
        jax.ShapeDtypeStruct((), jnp.float64, sharding=whole),
        jax.ShapeDtypeStruct((), jnp.int32, sharding=whole),
    )
    return (given, cases, *limits)
