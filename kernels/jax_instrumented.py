"""Products under instruments in solutions that ignore them: on the devices, stragglers on the host.

Importing this module imports JAX.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from jax.sharding import Mesh

from tradewedge.kernels import equations as eq
from tradewedge.kernels import instrumented, jax_instruments_loop
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.dense import block_of
from tradewedge.kernels.jax_blocks import dealt, filled, ranges
from tradewedge.kernels.jax_instruments_blocks import (
    Lanes,
    Listed,
    WideBin,
    listed,
    wide_bins,
    wide_round,
)
from tradewedge.kernels.jax_rounds import (
    CPU_CELLS,
    GPU_CELLS,
    Turn,
    compile_all,
    results,
)
from tradewedge.kernels.jax_runtime import float64, mesh, on_gpu
from tradewedge.kernels.layout import is_valid, touched_products
from tradewedge.kernels.market import Bools, Ints, KernelSolution, Market, Options, Shock, Status

SWEEPS = (40, 150)
"""Sweeps after which what is left is packed together, and those after which it goes to the host."""


def obey(
    solutions: Sequence[KernelSolution],
    market: Market,
    shocks: Sequence[Shock],
    options: Options,
    clock: Clock | None,
) -> None:
    """Replace products under instruments in solutions that ignore them, all scenarios at once.

    Parameters
    ----------
    solutions : sequence of KernelSolution
        One per shock, with a ``log_shadow`` of its groups; written to.
    market : Market
    shocks : sequence of Shock
        All with instruments.
    options : Options
    clock : Clock or None
        Is added to.
    """
    watch = clock or Clock()
    start = perf_counter()
    cases = [listed(market, shock, shock.instruments) for shock in shocks if shock.instruments]
    products, numbers = [], []
    for number, (solution, case) in enumerate(zip(solutions, cases, strict=True)):
        here = _for_the_devices(solution, market, case, options)
        products.append(here)
        numbers.append(np.full(here.size, number))
    lanes = Lanes(np.concatenate(products), np.concatenate(numbers))
    where = mesh()
    cells = GPU_CELLS if on_gpu(where) else CPU_CELLS
    plan = wide_bins(market, cases, lanes, where.size, cells)
    planned = perf_counter()
    compile_all(jax_instruments_loop.program, (part.shape for part in plan), where)
    watch.layout += planned - start
    watch.compile += perf_counter() - planned
    starts = [_copied(solution, market) for solution in solutions]
    todo = [np.arange(part.lanes.product.size) for part in plan]
    for most in np.diff(np.minimum([0, *SWEEPS], options.max_steps)).tolist():
        limits = (np.float64(options.tolerance), np.int32(most))
        left: list[list[Ints]] = [[] for _ in plan]
        with float64():
            turns = _turns(market, cases, starts, plan, todo, where)
            for (which, place), found in results(turns, limits, where, clock):
                left[which].append(place[(place >= 0) & ~found.done])
                mine = plan[which].lanes.at(place)
                for number, case in enumerate(cases):
                    some = np.where(mine.case == number, mine.product, -1)
                    _write(solutions[number], market, case, some, found)
                    _keep(starts[number], market, case, some, found)
        todo = [np.concatenate([*parts, np.zeros(0, np.int64)]) for parts in left]
    start = perf_counter()
    for part, some in zip(plan, todo, strict=True):
        for number, product in zip(part.lanes.case[some], part.lanes.product[some], strict=True):
            solution, shock = solutions[number], shocks[number]
            instrumented.solve_product(solution, market, shock, int(product), options)
    watch.newton += perf_counter() - start


def _turns(
    market: Market,
    cases: Sequence[Listed],
    starts: Sequence[KernelSolution],
    plan: Sequence[WideBin],
    todo: Sequence[Ints],
    where: Mesh,
) -> Iterator[Turn[tuple[int, Ints]]]:
    """Rounds of the lanes of each bin that are still to do; with each its bin and their places."""
    for number, (part, some) in enumerate(zip(plan, todo, strict=True)):
        run = jax_instruments_loop.program(part.shape, where)
        for place in dealt(some, part.shape.devices, part.shape.lanes):

            def pack(part: WideBin = part, place: Ints = place) -> tuple[Any, ...]:
                return wide_round(market, cases, starts, part.shape, part.lanes.at(place))

            yield Turn(run, pack, (number, place))


def _copied(solution: KernelSolution, market: Market) -> KernelSolution:
    """Where to start: at the solution without instruments, at 0 where there is none."""
    done = np.repeat(solution.status == Status.CONVERGED, np.diff(market.exporter_ptr))
    return replace(
        solution,
        log_price=np.where(done, solution.log_price, 0.0),
        log_index=solution.log_index.copy(),
        log_shadow=solution.log_shadow.copy(),
        status=solution.status.copy(),
    )


def _for_the_devices(
    solution: KernelSolution, market: Market, case: Listed, options: Options
) -> Ints:
    """Products that the compiled program takes; solves the others on the host."""
    counts = np.diff(case.pair_ptr)
    exporter = np.repeat(np.arange(market.sigma.size), np.diff(market.exporter_ptr))
    capped = np.zeros(market.sigma.size, np.bool_)
    capped[exporter[~np.isposinf(case.given.capacity)]] = True
    quota = np.zeros(market.sigma.size, np.bool_)
    of_pair = np.repeat(np.arange(counts.size), counts)
    quota[of_pair[~np.isposinf(case.given.quota[case.pair])]] = True
    limits: Bools = capped | quota | (case.groups > 0)
    on_host = market.nested | ((market.eta == 0) & limits)
    here = []
    for product in touched_products(market, case.shock).tolist():
        if not Status(solution.status[product]).has_prices:
            continue
        if not is_valid(market, case.given, product):
            instrumented.fail(solution, market, product, Status.NONFINITE_INPUT)
        elif on_host[product]:
            instrumented.solve_product(solution, market, case.shock, product, options)
        else:
            here.append(product)
    return np.array(here, np.int64)


def _write(
    solution: KernelSolution,
    market: Market,
    case: Listed,
    products: Ints,
    found: jax_instruments_loop.Found,
) -> None:
    """Write what came back for the products [d, k] of one scenario; -1: not of it."""
    moved = np.where((products >= 0) & ~found.unmoved, products, -1)
    solution.iterations[moved[moved >= 0]] += found.steps[moved >= 0]
    done = np.where(found.done, moved, -1)
    _put(solution, market, case, done, found)
    there = done >= 0
    solution.status[done[there]] = Status.CONVERGED
    solution.residual[done[there]] = found.residual[there]
    solution.error_bound[done[there]] = np.nan
    for product in done[there & ~found.active].tolist():
        block = block_of(market, instrumented.without(market, case.shock), product)
        price = solution.log_price[market.exporter_ptr[product] : market.exporter_ptr[product + 1]]
        solution.error_bound[product] = eq.error_bound(block, np.nan_to_num(price))


def _keep(
    start: KernelSolution,
    market: Market,
    case: Listed,
    products: Ints,
    found: jax_instruments_loop.Found,
) -> None:
    """Let products that are not done start from their best point."""
    left = np.where(found.done, -1, products)
    _put(start, market, case, left, found)
    start.status[left[left >= 0]] = Status.MAX_STEPS


def _put(
    solution: KernelSolution,
    market: Market,
    case: Listed,
    products: Ints,
    found: jax_instruments_loop.Found,
) -> None:
    """Write prices, indices and premiums of products [d, k]; nothing where that is -1."""
    mine = products[products >= 0]
    for name, values, ptr in (
        ("log_price", found.log_price, market.exporter_ptr),
        ("log_index", found.log_index, market.importer_ptr),
    ):
        rows, _ = ranges(ptr, mine)
        getattr(solution, name)[rows] = values[filled(ptr, products, values.shape[-1])]
    rows, _ = ranges(case.limit_ptr, mine)
    premium = found.log_shadow[filled(case.limit_ptr, products, found.log_shadow.shape[-1])]
    solution.log_shadow[case.limit[rows]] = premium
