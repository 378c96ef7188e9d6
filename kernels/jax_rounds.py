"""Rounds of blocks on their way to the devices and back."""

# JAX does not type all that it exports.
# mypy: allow-untyped-calls

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

import jax
from jax.sharding import Mesh

from tradewedge.kernels.clock import Clock
from tradewedge.kernels.jax_runtime import fetch, float64, put, split

_What = TypeVar("_What")

CPU_CELLS = 2**17
"""Cells of a block on a CPU, small enough to stay in cache."""
GPU_CELLS = 2**24
"""Cells of a block on a GPU: 128 MiB per dense array of float64."""
COMPILERS = 4
"""Programs compiled side by side."""
IN_FLIGHT = 2
"""Rounds handed to the devices before the first is fetched: this bounds their memory."""


class Turn(NamedTuple, Generic[_What]):
    """One round: its program, what packs its input, and anything that comes back with it."""

    program: Callable[..., Any]
    pack: Callable[[], tuple[Any, ...]]
    what: _What


def compile_all(program: Callable[[Any, Mesh], Any], shapes: Iterable[Any], where: Mesh) -> None:
    """Compile shapes side by side; XLA does it without the GIL."""

    def one(shape: Any) -> None:
        with float64():
            program(shape, where)

    with ThreadPoolExecutor(COMPILERS) as pool:
        list(pool.map(one, shapes))


def results(
    turns: Iterable[Turn[_What]],
    limits: tuple[Any, ...],
    where: Mesh,
    clock: Clock | None,
) -> Iterator[tuple[_What, Any]]:
    """Run rounds one after another, a few at once; a clock waits for copies to the device.

    Parameters
    ----------
    turns : iterable of Turn
    limits : tuple
        Further arguments of every program.
    where : Mesh
    clock : Clock or None
        Is added to.
    """
    watch = clock or Clock()
    waiting: list[tuple[_What, Any]] = []

    def collected() -> tuple[_What, Any]:
        what, found = waiting.pop(0)
        start = perf_counter()
        jax.block_until_ready(found)
        done = perf_counter()
        host = jax.tree.map(fetch, found)
        watch.solve += done - start
        watch.transfer += perf_counter() - done
        return what, host

    for program, pack, what in turns:
        start = perf_counter()
        packed = pack()
        laid_out = perf_counter()
        inputs = put(packed, split(where))
        if clock is not None:
            jax.block_until_ready(inputs)
        there = perf_counter()
        found = program(*inputs, *limits)
        watch.layout += laid_out - start
        watch.transfer += there - laid_out
        watch.solve += perf_counter() - there
        waiting.append((what, found))
        if len(waiting) > IN_FLIGHT:
            yield collected()
    while waiting:
        yield collected()
