"""The JAX kernel: blocks of padded products, on all devices that JAX has, CPU or GPU.

The equations are those of :mod:`.equations`; ``kernels/README.md`` tells the algorithm. Importing
this module imports JAX.
"""

# JAX does not type all that it exports.
# mypy: allow-untyped-calls

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from jax.sharding import Mesh

from tradewedge.kernels import (
    armington_cpu,
    instrumented,
    jax_checks,
    jax_instrumented,
    jax_loop,
    newton,
)
from tradewedge.kernels.backends import DENSE_TOGETHER
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.jax_blocks import Bin, Shape, bins, calibration, cases, filled
from tradewedge.kernels.jax_blocks import ranges as rows_of
from tradewedge.kernels.jax_rounds import CPU_CELLS, GPU_CELLS, Turn, compile_all, results
from tradewedge.kernels.jax_runtime import float64, keep_programs, mesh, on_gpu
from tradewedge.kernels.market import Ints, KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.reference import empty_solution, finish, has_split_home


def solve(
    market: Market, shock: Shock, options: Options, *, clock: Clock | None = None
) -> KernelSolution:
    """Solve every product with Anderson acceleration, and the stragglers with Newton on the host.

    Products with instruments are then solved again from there (:mod:`.jax_instrumented`).

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
    return solve_batch(market, [shock], options, clock=clock)[0]


def solve_batch(
    market: Market, shocks: Sequence[Shock], options: Options, *, clock: Clock | None = None
) -> list[KernelSolution]:
    """Solve several scenarios; in blocks without instruments they share the baseline.

    Parameters
    ----------
    market : Market
    shocks : sequence of Shock
    options : Options
    clock : Clock, optional
        Is added to.

    Returns
    -------
    list of KernelSolution
        In the order given.
    """
    keep_programs()
    under = [n for n, shock in enumerate(shocks) if shock.instruments is not None]
    plain = list(shocks)
    for n in under:
        plain[n] = instrumented.without(market, shocks[n])
    width = _scenarios_together(len(plain))
    found: list[KernelSolution] = []
    for start in range(0, len(plain), width):
        found += _solve_plain(market, plain[start : start + width], width, options, clock)
    for n in under:
        found[n] = replace(found[n], log_shadow=np.zeros(_groups(shocks[n])))
    if under:
        some = [shocks[n] for n in under]
        jax_instrumented.obey([found[n] for n in under], market, some, options, clock)
    return found


def _groups(shock: Shock) -> int:
    return 0 if shock.instruments is None else len(shock.instruments.group_limit)


def _program(options: Options) -> Callable[[Shape, Mesh], Any]:
    """The program of a shape; asked for in one way only, since it is cached by its arguments."""
    return partial(jax_loop.program, mixed=options.precision == "mixed")


def _scenarios_together(count: int) -> int:
    """A power of two, so that few programs serve all batches."""
    return min(DENSE_TOGETHER, 1 << (max(count, 1) - 1).bit_length())


def _plan(market: Market, width: int, where: Mesh) -> list[Bin]:
    cells = GPU_CELLS if on_gpu(where) else CPU_CELLS
    return bins(market, where.size, width, cells)


def _solve_plain(
    market: Market, shocks: list[Shock], width: int, options: Options, clock: Clock | None
) -> list[KernelSolution]:
    """Solve shocks without instruments, at most ``width`` of them."""
    watch = clock or Clock()
    solutions = [empty_solution(market) for _ in shocks]
    most = newton.accelerated_steps(options.max_steps)
    limits = (np.float64(options.tolerance), np.int32(most))
    where = mesh()
    start = perf_counter()
    plan = _plan(market, width, where)
    planned = perf_counter()
    program = _program(options)
    compile_all(program, (part.shape for part in plan), where)
    watch.layout += planned - start
    watch.compile += perf_counter() - planned
    with float64():
        turns = _turns(market, shocks, plan, where, program)
        for (part, products), round_ in results(turns, limits, where, clock):
            _write(solutions, market, part, products, round_)
    start = perf_counter()
    on_processor = has_split_home(market) | ~np.isnan(market.sigma_groups)
    on_processor &= np.diff(market.flow_ptr) > 0
    for solution, shock in zip(solutions, shocks, strict=True):
        _judge(solution, market, shock)
        armington_cpu.solve_rest(solution, market, shock, options, on_processor.copy())
        finish(solution, market, shock, np.ones(len(market.sigma), np.bool_), options)
    watch.newton += perf_counter() - start
    return solutions


def _turns(
    market: Market,
    shocks: list[Shock],
    plan: list[Bin],
    where: Mesh,
    program: Callable[[Shape, Mesh], Any],
) -> Iterator[Turn[tuple[Bin, Ints]]]:
    for part in plan:
        run = program(part.shape, where)
        for products in part.products:

            def pack(part: Bin = part, products: Ints = products) -> tuple[Any, ...]:
                given = calibration(market, part.shape, products)
                return given, cases(market, shocks, part.shape, products)

            yield Turn(run, pack, (part, products))


def _write(
    solutions: list[KernelSolution],
    market: Market,
    part: Bin,
    products: Ints,
    host: jax_loop.Found,
) -> None:
    """Write a round where it belongs."""
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
    some = (np.diff(market.flow_ptr) > 0) & np.isnan(market.sigma_groups)
    usable = jax_checks.valid(market, shock)
    lost = some & usable & ~jax_checks.feasible(market, shock)
    for status, where in (
        (Status.NONFINITE_INPUT, some & ~usable),
        (Status.INFEASIBLE, lost),
    ):
        for product in np.flatnonzero(where).tolist():
            instrumented.fail(solution, market, product, status)
            solution.iterations[product] = 0
