"""Anderson acceleration of a whole block in one ``while_loop``; each lane stops by itself.

Step for step what ``armington_cpu`` does to one product: see ``kernels/README.md``.
"""

# JAX does not type all that it exports.
# mypy: allow-untyped-calls

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array

DEPTH = 5
"""Differences that Anderson acceleration remembers."""
GROWTH = 10.0
"""An accelerated step whose step length exceeds the best so far by this factor is undone."""


class Move(NamedTuple):
    """What one sweep finds at a point.

    ``guess`` is anything that spares the next sweep work; no result depends on it.
    """

    step: Array  # [b, n] the plain step
    residual: Array  # [b]
    guess: Any


class End(NamedTuple):
    """Where lanes came to rest."""

    point: Array  # [b, n]
    done: Array  # [b] the residual reached the tolerance
    steps: Array  # [b]
    residual: Array  # [b] at the point, where done
    guess: Any


class _State(NamedTuple):
    active: Array  # [b]
    done: Array  # [b]
    steps: Array  # [b]
    residual: Array  # [b] at the point, once done
    plain: Array  # [b] the last step was a plain one
    held: Array  # [b] differences in memory
    point: Array  # [b, n]
    last: Array  # [b, n]
    last_step: Array  # [b, n]
    best: Array  # [b, n]
    best_step: Array  # [b, n]
    best_length: Array  # [b]
    dx: Array  # [age, b, n] latest first
    df: Array  # [age, b, n]
    guess: Any


Sweep = Callable[[Array, Any], Move]


def iterate(
    sweep: Sweep,
    start: Array,
    guess: Any,
    active: Array,
    tolerance: Array,
    max_steps: Array,
    allowed: Callable[[Array], Array] = lambda point: point,
) -> End:
    """Solve all lanes of a block.

    Parameters
    ----------
    sweep : callable
        From a point [b, n] and a guess to what is found there.
    start : Array
        [b, n]
    guess : Any
        For the first sweep.
    active : Array
        [b] False: leave the lane where it starts. One with nothing to adjust takes the one sweep
        that says so.
    tolerance, max_steps : Array
    allowed : callable
        The nearest point that is allowed, to any point.
    """
    zero, length = jnp.zeros_like(start), jnp.full(start.shape[:1], jnp.inf, start.dtype)
    never, none = jnp.zeros_like(active), jnp.zeros(active.shape, jnp.int32)
    history = jnp.zeros((DEPTH, *start.shape), start.dtype)
    begin = _State(
        active=active,
        done=never,
        steps=none,
        residual=length,
        plain=~never,
        held=none,
        point=start,
        last=zero,
        last_step=zero,
        best=start,
        best_step=zero,
        best_length=length,
        dx=history,
        df=history,
        guess=guess,
    )

    def unfinished(state: _State) -> Array:
        return jnp.any(state.active & (state.steps < max_steps))

    advance = partial(_step, sweep, allowed, tolerance, max_steps)
    end = jax.lax.while_loop(unfinished, advance, begin)
    point = jnp.where(end.done[:, None], end.point, end.best)
    return End(point, end.done, end.steps, end.residual, end.guess)


def _step(
    sweep: Sweep,
    allowed: Callable[[Array], Array],
    tolerance: Array,
    max_steps: Array,
    state: _State,
) -> _State:
    """One sweep of every lane that is not finished, and where it goes next."""
    going = state.active & (state.steps < max_steps)
    step, worst, guess = sweep(state.point, state.guess)
    length = jnp.max(jnp.abs(step), axis=1)
    done = going & (worst <= tolerance)
    grown = ~(length <= GROWTH * state.best_length) | (length == jnp.inf)
    failed = going & ~done & grown & state.plain
    undo = going & ~done & grown & ~state.plain
    ahead = going & ~done & ~grown

    pushed = ahead & (state.best_length < jnp.inf)
    dx = _push(state.dx, state.point - state.last, pushed)
    df = _push(state.df, step - state.last_step, pushed)
    held = jnp.where(pushed, jnp.minimum(state.held + 1, DEPTH), state.held)
    better = ahead & (length < state.best_length)
    best, best_step = _pick(better, state.point, state.best), _pick(better, step, state.best_step)

    accelerated = allowed(state.point + step - _correction(dx, df, held, step))
    restart = state.best + state.best_step
    point = _pick(ahead, accelerated, _pick(undo, restart, state.point))
    last = _pick(ahead, state.point, _pick(undo, state.best, state.last))
    last_step = _pick(ahead, step, _pick(undo, state.best_step, state.last_step))
    return _State(
        active=state.active & ~done & ~failed,
        done=state.done | done,
        steps=state.steps + going,
        residual=jnp.where(done, worst, state.residual),
        plain=jnp.where(ahead, held == 0, state.plain | undo),
        held=jnp.where(undo, 0, held),
        point=point,
        last=last,
        last_step=last_step,
        best=best,
        best_step=best_step,
        best_length=jnp.where(better, length, state.best_length),
        dx=dx,
        df=df,
        guess=guess,
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
        inner = jnp.zeros((DEPTH, column.shape[0]), column.dtype)
        for _ in range(2):  # twice is as good as modified Gram-Schmidt, and in fewer pieces
            part = jnp.sum(basis * column, axis=2)
            inner += part
            column = column - jnp.sum(basis * part[:, :, None], axis=0)
        left = jnp.sum(column * column, axis=1)
        use = (age < held) & (left > 1e-16 * jnp.sum(given * given, axis=1))
        norm = jnp.sqrt(jnp.where(use, left, 1.0))
        basis = basis.at[age].set(_pick(use, column / norm[:, None], 0.0))
        return basis, upper.at[age].set(jnp.where((ages == age)[:, None], use * norm, inner))

    start = (jnp.zeros_like(df), jnp.zeros((DEPTH, DEPTH, held.shape[0]), df.dtype))
    basis, upper = jax.lax.fori_loop(0, DEPTH, orthogonal, start)
    along = jnp.sum(basis * step, axis=2)

    def substitute(back: Array, weight: Array) -> Array:
        p = DEPTH - 1 - back
        norm = upper[p, p]
        rest = along[p] - jnp.sum(upper[:, p] * weight, axis=0)
        return weight.at[p].set(jnp.where(norm > 0, rest / jnp.where(norm > 0, norm, 1.0), 0.0))

    weight = jax.lax.fori_loop(0, DEPTH, substitute, jnp.zeros_like(along))
    return jnp.sum(weight[:, :, None] * (dx + df), axis=0)
