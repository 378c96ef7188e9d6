"""Anderson acceleration of a whole block in one ``while_loop``; each lane stops by itself.

Step for step what ``armington_cpu`` does to one product: see ``kernels/README.md``.
"""

# JAX does not type all that it exports.
# mypy: allow-untyped-calls

from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from tradewedge.kernels.jax_blocks import Calibration, Cases, Shape
from tradewedge.kernels.jax_runtime import AXIS, split
from tradewedge.kernels.jax_sweep import Array, Layout, error_bound, prepare, sweep

DEPTH = 5
"""Differences that Anderson acceleration remembers."""
GROWTH = 10.0
"""An accelerated step whose step length exceeds the best so far by this factor is undone."""


class Found(NamedTuple):
    """What comes back for a block; NaN prices and indices where nothing is bought or sold."""

    log_price: Any  # [b, i]
    log_index: Any  # [b, j]
    done: Any  # [b] the residual reached the tolerance
    steps: Any  # [b]
    residual: Any  # [b]
    error_bound: Any  # [b]


class _State(NamedTuple):
    active: Array  # [b]
    done: Array  # [b]
    steps: Array  # [b]
    residual: Array  # [b] at z, once done
    plain: Array  # [b] the last step was a plain one
    held: Array  # [b] differences in memory
    z: Array  # [b, i]
    last: Array  # [b, i]
    last_step: Array  # [b, i]
    best: Array  # [b, i]
    best_step: Array  # [b, i]
    best_length: Array  # [b]
    dx: Array  # [age, b, i] latest first
    df: Array  # [age, b, i]


def iterate(lay: Layout, tolerance: Array, max_steps: Array) -> Found:
    """Solve all lanes of a block."""
    lanes = lay.size.shape[0]
    zero, length = jnp.zeros_like(lay.shift_i), jnp.full_like(lay.size, jnp.inf)
    never, none = jnp.zeros(lanes, bool), jnp.zeros(lanes, jnp.int32)
    history = jnp.zeros((DEPTH, *zero.shape))
    # A lane with nothing to adjust still takes the one sweep that says so.
    begin = _State(
        active=~never,
        done=never,
        steps=none,
        residual=length,
        plain=~never,
        held=none,
        z=lay.shift_i,
        last=zero,
        last_step=zero,
        best=lay.shift_i,
        best_step=zero,
        best_length=length,
        dx=history,
        df=history,
    )

    def unfinished(state: _State) -> Array:
        return jnp.any(state.active & (state.steps < max_steps))

    end = jax.lax.while_loop(unfinished, partial(_step, lay, tolerance, max_steps), begin)
    z = jnp.where(end.done[:, None], end.z, end.best)
    last = sweep(lay, z)
    return Found(
        log_price=jnp.where(lay.market, z - lay.shift_i, jnp.nan),
        log_index=jnp.where(lay.served, last.log_index, jnp.nan),
        done=end.done,
        steps=end.steps,
        residual=jnp.where(end.done, end.residual, jnp.max(jnp.abs(last.excess), axis=1)),
        error_bound=error_bound(lay, last, z),
    )


def _step(lay: Layout, tolerance: Array, max_steps: Array, state: _State) -> _State:
    """One sweep of every lane that is not finished, and where it goes next."""
    going = state.active & (state.steps < max_steps)
    excess = sweep(lay, state.z).excess
    step = excess / lay.slope
    worst, length = jnp.max(jnp.abs(excess), axis=1), jnp.max(jnp.abs(step), axis=1)
    done = going & (worst <= tolerance)
    grown = ~(length <= GROWTH * state.best_length) | (length == jnp.inf)
    failed = going & ~done & grown & state.plain
    undo = going & ~done & grown & ~state.plain
    ahead = going & ~done & ~grown

    pushed = ahead & (state.best_length < jnp.inf)
    dx = _push(state.dx, state.z - state.last, pushed)
    df = _push(state.df, step - state.last_step, pushed)
    held = jnp.where(pushed, jnp.minimum(state.held + 1, DEPTH), state.held)
    better = ahead & (length < state.best_length)
    best, best_step = _pick(better, state.z, state.best), _pick(better, step, state.best_step)

    accelerated = state.z + step - _correction(dx, df, held, step)
    restart = state.best + state.best_step
    z = _pick(ahead, accelerated, _pick(undo, restart, state.z))
    last = _pick(ahead, state.z, _pick(undo, state.best, state.last))
    last_step = _pick(ahead, step, _pick(undo, state.best_step, state.last_step))
    return _State(
        active=state.active & ~done & ~failed,
        done=state.done | done,
        steps=state.steps + going,
        residual=jnp.where(done, worst, state.residual),
        plain=jnp.where(ahead, held == 0, state.plain | undo),
        held=jnp.where(undo, 0, held),
        z=z,
        last=last,
        last_step=last_step,
        best=best,
        best_step=best_step,
        best_length=jnp.where(better, length, state.best_length),
        dx=dx,
        df=df,
    )


def _pick(where: Array, one: Array, other: Array | float) -> Array:
    return jnp.where(where[:, None], one, other)


def _push(history: Array, latest: Array, where: Array) -> Array:
    moved = jnp.concatenate([latest[None], history[:-1]])
    return jnp.where(where[None, :, None], moved, history)


def _correction(dx: Array, df: Array, held: Array, step: Array) -> Array:
    """The combination of past differences that best explains the step [b, i].

    Least squares by modified Gram-Schmidt, latest difference first; one that adds no new
    direction is left out.
    """
    ages = jnp.arange(DEPTH)

    def orthogonal(age: Array, so_far: tuple[Array, Array]) -> tuple[Array, Array]:
        basis, upper = so_far
        given = column = df[age]
        inner = jnp.zeros((DEPTH, column.shape[0]))
        for _ in range(2):  # twice is as good as modified Gram-Schmidt, and in fewer pieces
            part = jnp.sum(basis * column, axis=2)
            inner += part
            column = column - jnp.sum(basis * part[:, :, None], axis=0)
        left = jnp.sum(column * column, axis=1)
        use = (age < held) & (left > 1e-16 * jnp.sum(given * given, axis=1))
        norm = jnp.sqrt(jnp.where(use, left, 1.0))
        basis = basis.at[age].set(_pick(use, column / norm[:, None], 0.0))
        return basis, upper.at[age].set(jnp.where((ages == age)[:, None], use * norm, inner))

    start = (jnp.zeros_like(df), jnp.zeros((DEPTH, DEPTH, held.shape[0])))
    basis, upper = jax.lax.fori_loop(0, DEPTH, orthogonal, start)
    along = jnp.sum(basis * step, axis=2)

    def substitute(back: Array, weight: Array) -> Array:
        p = DEPTH - 1 - back
        norm = upper[p, p]
        rest = along[p] - jnp.sum(upper[:, p] * weight, axis=0)
        return weight.at[p].set(jnp.where(norm > 0, rest / jnp.where(norm > 0, norm, 1.0), 0.0))

    weight = jax.lax.fori_loop(0, DEPTH, substitute, jnp.zeros_like(along))
    return jnp.sum(weight[:, :, None] * (dx + df), axis=0)


def block(
    given: Calibration, cases: Cases, tolerance: Array, max_steps: Array, *, shape: Shape
) -> Found:
    """Solve the block of one device; arrays have a device axis of length 1 in front."""
    inside, changes = Calibration(*(x[0] for x in given)), Cases(*(x[0] for x in cases))
    found = iterate(prepare(inside, changes, shape), tolerance, max_steps)
    sizes = (1, shape.scenarios, shape.lanes)
    return Found(*(part.reshape(*sizes, *part.shape[1:]) for part in found))


def solver(shape: Shape, where: Mesh) -> Any:
    """The function of one shape, to be lowered, for the devices of a mesh."""
    spread, same = PartitionSpec(AXIS), PartitionSpec()
    mapped = jax.shard_map(
        partial(block, shape=shape),
        mesh=where,
        in_specs=(spread, spread, same, same),
        out_specs=spread,
        # Devices loop for as long as their own lanes need; they exchange nothing.
        check_vma=False,
    )
    return jax.jit(mapped)


@cache
def program(shape: Shape, where: Mesh) -> jax.stages.Compiled:
    """Compile the solver of one shape, once per process; needs :func:`.jax_runtime.float64`."""
    compiled: jax.stages.Compiled = solver(shape, where).lower(*arguments(shape, where)).compile()
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
