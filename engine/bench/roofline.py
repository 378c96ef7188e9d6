"""Bytes that a solve has to move, and how fast this machine moves bytes.

The machine's bandwidth is that of the STREAM triad ``a = b + s c`` in float64 (McCalpin 1995,
https://www.cs.virginia.edu/stream/ref.html): 24 bytes per element, as STREAM counts, so without
the read of ``a`` that a cache may add.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tradewedge.kernels.market import Market

_TRIAD_BYTES: Final = 24
# Per flow and sweep: its two weights (float64), each with the number of a row (int32).
_SWEEP_BYTES: Final = 24
# Per flow and solve: two shares and the log cost (float64), two rows (int32), admitted (bool).
_FLOW_BYTES: Final = 33
# Epsilon, shift and price of an exporter; shift and index of an importer (float64).
_EXPORTER_BYTES: Final = 24
_IMPORTER_BYTES: Final = 16
_REPETITIONS: Final = 7


@dataclass(frozen=True)
class Traffic:
    """Useful bytes of one solve: what any implementation of the algorithm has to touch.

    Padding, indices of 64 bits and second copies are an implementation's own and not counted.

    Attributes
    ----------
    once : int
        Each input read once and each price written once. This much has to come from memory
        where the arrays are larger than the caches.
    swept : int
        What the sweeps read, from wherever it lies: the weights of every flow, twice a sweep.
    """

    once: int
    swept: int


def traffic(market: "Market", iterations: NDArray[np.int64]) -> Traffic:
    """Bytes of one scenario.

    Parameters
    ----------
    market : Market
    iterations : int64 [K]
        Sweeps of each product; 0 where it was not solved because nothing touches it.
    """
    solved = iterations > 0
    sizes = (market.flow_ptr, market.exporter_ptr, market.importer_ptr)
    flows, exporters, importers = (np.diff(ptr)[solved] for ptr in sizes)
    once = (
        _FLOW_BYTES * int(flows.sum())
        + _EXPORTER_BYTES * int(exporters.sum())
        + _IMPORTER_BYTES * int(importers.sum())
    )
    return Traffic(once=once, swept=_SWEEP_BYTES * int(flows @ iterations[solved]))


def fraction(moved: float, seconds: float, bandwidth: float | None) -> float | None:
    """Share of a bandwidth (bytes per second) that moving so many bytes in a time makes use of."""
    return None if not bandwidth or seconds <= 0 else moved / seconds / bandwidth


def bandwidth(elements: int, repetitions: int, run: Callable[[int], object]) -> float:
    """Bytes per second of the best of several triads.

    Parameters
    ----------
    elements : int
        Length of each array.
    repetitions : int
        Triads in one call: enough that the call's own cost does not count.
    run : callable
        Does so many triads and returns when they are done.
    """
    run(repetitions)  # compiles, touches the pages
    best = min(_timed(run, repetitions) for _ in range(_REPETITIONS))
    return _TRIAD_BYTES * elements * repetitions / best


def _timed(run: Callable[[int], object], repetitions: int) -> float:
    start = perf_counter()
    run(repetitions)
    return perf_counter() - start


def processor_bandwidth(memory: float, threads: int) -> dict[str, float]:
    """Bytes per second of all threads together, from memory and from the caches near them.

    Parameters
    ----------
    memory : float
        Bytes that are free: the arrays take at most a sixteenth of it.
    threads : int
    """
    most = int(min(3 * 2**28, memory / 16)) // _TRIAD_BYTES // threads
    near = 2**18 // _TRIAD_BYTES  # 256 KiB a thread: inside a second-level cache
    return {
        name: bandwidth(each * threads, repetitions, _on_threads(each, threads))
        for name, each, repetitions in (("memory", most, 1), ("cache", near, 2000))
    }


def _on_threads(each: int, threads: int) -> Callable[[int], object]:
    from tradewedge.bench import triad_cpu

    triad: Any = triad_cpu.triad
    pool = ThreadPoolExecutor(threads)
    arrays = [tuple(np.full(each, value) for value in (0.0, 1.0, 2.0)) for _ in range(threads)]

    def run(repetitions: int) -> object:
        return list(pool.map(lambda own: triad(*own, 0.5, repetitions), arrays))

    return run


def cupy_bandwidth(free: float) -> dict[str, float]:
    """Bytes per second of the GPU that CuPy is set to, from its memory and from its cache."""
    import cupy

    triad = cupy.ElementwiseKernel("T b, T c, T s", "T a", "a = b + s * c", "tradewedge_triad")

    def of(elements: int) -> Callable[[int], object]:
        a, b, c = (cupy.full(elements, value) for value in (0.0, 1.0, 2.0))

        def run(repetitions: int) -> object:
            for _ in range(repetitions):
                triad(b, c, 0.5, a)
            return cupy.cuda.Device().synchronize()

        return run

    return _of_gpu(free, of)


def jax_bandwidth(free: float) -> dict[str, float]:
    """Bytes per second of the GPU that JAX is set to, from its memory and from its cache."""
    import jax

    with jax.enable_x64(True):

        def of(elements: int) -> Callable[[int], object]:
            triad: Any = jax.jit(lambda b, c: b + 0.5 * c)
            b, c = jax.numpy.full(elements, 1.0), jax.numpy.full(elements, 2.0)

            def run(repetitions: int) -> object:
                for _ in range(repetitions):
                    done = triad(b, c)
                return done.block_until_ready()

            return run

        return _of_gpu(free, of)


def _of_gpu(free: float, of: Callable[[int], Callable[[int], object]]) -> dict[str, float]:
    large = int(min(3 * 2**30, free / 8)) // _TRIAD_BYTES
    small = 12 * 2**20 // _TRIAD_BYTES
    return {
        "memory": bandwidth(large, 10, of(large)),
        "cache": bandwidth(small, 200, of(small)),
    }
