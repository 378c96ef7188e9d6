"""The JAX kernel: blocks of padded products, on all devices that JAX has, CPU or GPU.

The equations are those of :mod:`.equations`; ``kernels/README.md`` tells the algorithm. Importing
this module imports JAX.
"""

# JAX does not type all that it exports.
# mypy: allow-untyped-calls

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import jax
import numpy as np
from jax.sharding import Mesh

from tradewedge.kernels import instrumented, jax_checks, jax_loop, newton
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.dense import block_of, ranges
from tradewedge.kernels.jax_blocks import Bin, bins, calibration, cases, filled
from tradewedge.kernels.jax_blocks import ranges as rows_of
from tradewedge.kernels.jax_runtime import fetch, float64, keep_programs, mesh, on_gpu, put, split
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.reference import empty_solution, record

ACCELERATED_STEPS = 150
"""Sweeps after which a product goes to Newton."""
CPU_CELLS = 2**17
"""Cells of a block on a CPU, small enough to stay in cache."""
GPU_CELLS = 2**24
"""Cells of a block on a GPU: 128 MiB per dense array of float64."""
MOST_SCENARIOS = 16
"""Scenarios that share a block."""
COMPILERS = 4
"""Programs compiled side by side."""
IN_FLIGHT = 2
"""Rounds handed to the devices before the first is fetched: this bounds their memory."""


def solve(
    market: Market, shock: Shock, options: Options, *, clock: Clock | None = None
) -> KernelSolution:
    """Solve every product with Anderson acceleration, and the stragglers with Newton on the host.

    Products with instruments are then solved again on the host (:mod:`.instrumented`).

    Parameters
    ----------
    market, shock, options : Market, Shock, Options
    clock : Clock, optional
        Is added to.

    Returns
    -------
    KernelSolution
        The kernel never raises for numbers: see its ``status``.
    """
    if shock.instruments is not None:
        return instrumented.solve(solve, market, shock, options)
    return solve_batch(market, [shock], options, clock=clock)[0]


def solve_batch(
    market: Market, shocks: Sequence[Shock], options: Options, *, clock: Clock | None = None
) -> list[KernelSolution]:
    """Solve several scenarios; those of one block share its baseline.

    Parameters
    ----------
    market : Market
    shocks : sequence of Shock
        One with instruments is solved by itself.
    options : Options
    clock : Clock, optional
        Is added to.

    Returns
    -------
    list of KernelSolution
        In the order given.
    """
    plain = [n for n, shock in enumerate(shocks) if shock.instruments is None]
    found: dict[int, KernelSolution] = {}
    width = _scenarios_together(len(plain))
    for start in range(0, len(plain), width):
        together = plain[start : start + width]
        some = [shocks[n] for n in together]
        found.update(zip(together, _solve_plain(market, some, width, options, clock), strict=True))
    for n, shock in enumerate(shocks):
        if n not in found:
            found[n] = solve(market, shock, options)
    return [found[n] for n in range(len(shocks))]


def compile_programs(market: Market, scenarios: int = 1) -> float:
    """Compile what a market needs, or load it from the cache on disk; return the seconds."""
    start = perf_counter()
    keep_programs()
    where = mesh()
    _compile(_plan(market, _scenarios_together(scenarios), where), where)
    return perf_counter() - start


def _compile(plan: list[Bin], where: Mesh) -> None:
    """Compile the shapes of a plan side by side; XLA does it without the GIL."""

    def one(part: Bin) -> None:
        with float64():
            jax_loop.program(part.shape, where)

    with ThreadPoolExecutor(COMPILERS) as pool:
        list(pool.map(one, plan))


def _scenarios_together(count: int) -> int:
    """A power of two, so that few programs serve all batches."""
    return min(MOST_SCENARIOS, 1 << (max(count, 1) - 1).bit_length())


def _plan(market: Market, width: int, where: Mesh) -> list[Bin]:
    cells = GPU_CELLS if on_gpu(where) else CPU_CELLS
    return bins(market, where.size, width, cells)


def _solve_plain(
    market: Market, shocks: list[Shock], width: int, options: Options, clock: Clock | None
) -> list[KernelSolution]:
    """Solve shocks without instruments, at most ``width`` of them."""
    watch = clock or Clock()
    solutions = [empty_solution(market) for _ in shocks]
    first, second = newton.split_steps(options.max_steps)
    keep_programs()
    with float64():
        limits = (np.float64(options.tolerance), np.int32(min(first, ACCELERATED_STEPS)))
        waiting: list[tuple[Bin, int, jax_loop.Found]] = []
        for part, number, found in _rounds(market, shocks, width, limits, clock, watch):
            waiting.append((part, number, found))
            if len(waiting) > IN_FLIGHT:
                _collect(solutions, market, *waiting.pop(0), watch)
        for item in waiting:
            _collect(solutions, market, *item, watch)
    start = perf_counter()
    for solution, shock in zip(solutions, shocks, strict=True):
        _judge(solution, market, shock)
        if second:
            for product in np.flatnonzero(solution.status == Status.MAX_STEPS).tolist():
                _finish(solution, market, shock, product, options.tolerance, second)
    watch.newton += perf_counter() - start
    return solutions


def _rounds(
    market: Market,
    shocks: list[Shock],
    width: int,
    limits: tuple[np.float64, np.int32],
    clock: Clock | None,
    watch: Clock,
) -> Iterator[tuple[Bin, int, jax_loop.Found]]:
    """Start one round after another; waits for each only where a clock runs."""
    where = mesh()
    start = perf_counter()
    plan = _plan(market, width, where)
    planned = perf_counter()
    _compile(plan, where)
    watch.layout += planned - start
    watch.compile += perf_counter() - planned
    for part in plan:
        run = jax_loop.program(part.shape, where)
        for number, products in enumerate(part.products):
            start = perf_counter()
            host = (
                calibration(market, part.shape, products),
                cases(market, shocks, part.shape, products),
            )
            packed = perf_counter()
            inputs = put(host, split(where))
            if clock is not None:
                jax.block_until_ready(inputs)
            there = perf_counter()
            found = run(*inputs, *limits)
            if clock is not None:
                jax.block_until_ready(found)
            watch.layout += packed - start
            watch.transfer += there - packed
            watch.solve += perf_counter() - there
            yield part, number, found


def _collect(
    solutions: list[KernelSolution],
    market: Market,
    part: Bin,
    number: int,
    found: jax_loop.Found,
    watch: Clock,
) -> None:
    """Fetch a round and write it where it belongs."""
    start = perf_counter()
    host = jax_loop.Found(*(fetch(array) for array in found))
    watch.transfer += perf_counter() - start
    products = part.products[number]
    used = products >= 0
    mine = products[used]
    sides = (
        ("log_price", host.log_price, market.exporter_ptr, part.shape.exporters),
        ("log_index", host.log_index, market.importer_ptr, part.shape.importers),
    )
    for case, solution in enumerate(solutions):
        for name, values, ptr, width in sides:
            rows, _ = rows_of(ptr, mine)
            getattr(solution, name)[rows] = values[:, case][filled(ptr, products, width)]
        done = host.done[:, case][used]
        solution.status[mine] = np.where(done, Status.CONVERGED, Status.MAX_STEPS)
        solution.iterations[mine] = host.steps[:, case][used]
        solution.residual[mine] = host.residual[:, case][used]
        solution.error_bound[mine] = host.error_bound[:, case][used]


def _judge(solution: KernelSolution, market: Market, shock: Shock) -> None:
    """Take back what was computed for products that cannot be solved."""
    some = np.diff(market.flow_ptr) > 0
    usable = jax_checks.valid(market, shock)
    lost = some & usable & ~jax_checks.feasible(market, shock)
    for status, where in (
        (Status.NONFINITE_INPUT, some & ~usable),
        (Status.INFEASIBLE, lost),
    ):
        for product in np.flatnonzero(where).tolist():
            instrumented.fail(solution, market, product, status)
            solution.iterations[product] = 0


def _finish(
    solution: KernelSolution,
    market: Market,
    shock: Shock,
    product: int,
    tolerance: float,
    max_steps: int,
) -> None:
    """Hand one product to Newton, from where acceleration left it."""
    block = block_of(market, shock, product)
    _, exporters, _ = ranges(market, product)
    found = newton.newton(block, solution.log_price[exporters], tolerance, max_steps)
    steps = int(solution.iterations[product]) + found.steps
    attempt = newton.Attempt(found.log_price, found.residual, steps)
    record(solution, market, product, block, attempt, tolerance)
