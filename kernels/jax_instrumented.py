"""Products under instruments in solutions that ignore them: on the devices, stragglers on the host.

Importing this module imports JAX.
"""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from tradewedge.kernels import equations as eq
from tradewedge.kernels import instrumented, jax_instruments_loop
from tradewedge.kernels.dense import block_of
from tradewedge.kernels.jax_blocks import filled, ranges
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
    Clock,
    Turn,
    compile_all,
    results,
)
from tradewedge.kernels.jax_runtime import float64, mesh, on_gpu
from tradewedge.kernels.layout import is_valid, touched_products
from tradewedge.kernels.market import Bools, Ints, KernelSolution, Market, Options, Shock, Status

SWEEPS = 150
"""Sweeps after which a product goes to the host."""


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
    plan = wide_bins(market, cases, lanes, where.size, cells) if lanes.product.size else []
    planned = perf_counter()
    compile_all(jax_instruments_loop.program, (part.shape for part in plan), where)
    watch.layout += planned - start
    watch.compile += perf_counter() - planned
    left: list[tuple[int, int]] = []

    def turns() -> Iterator[Turn[tuple[WideBin, Lanes]]]:
        for part in plan:
            run = jax_instruments_loop.program(part.shape, where)
            for round_ in range(part.lanes.product.shape[0]):
                mine = Lanes(part.lanes.product[round_], part.lanes.case[round_])

                def pack(part: WideBin = part, mine: Lanes = mine) -> tuple[Any, ...]:
                    return wide_round(market, cases, solutions, part.shape, mine)

                yield Turn(run, pack, (part, mine))

    limits = (np.float64(options.tolerance), np.int32(min(options.max_steps, SWEEPS)))
    with float64():
        for (part, mine), found in results(turns(), limits, where, clock):
            for number, case in enumerate(cases):
                done = _write(solutions[number], market, case, part, mine, number, found)
                left.extend((number, product) for product in done)
    start = perf_counter()
    for number, product in left:
        instrumented.solve_product(solutions[number], market, shocks[number], product, options)
    watch.newton += perf_counter() - start


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
    part: WideBin,
    lanes: Lanes,
    number: int,
    found: jax_instruments_loop.Found,
) -> list[int]:
    """Write what came back for one scenario; return the products that are left to the host."""
    mine = np.where(lanes.case == number, lanes.product, -1)
    used = mine >= 0
    done = np.where(used & found.done, mine, -1)
    products = done[done >= 0]
    sides = (
        ("log_price", found.log_price, market.exporter_ptr, part.shape.exporters),
        ("log_index", found.log_index, market.importer_ptr, part.shape.importers),
    )
    for name, values, ptr, width in sides:
        rows, _ = ranges(ptr, products)
        getattr(solution, name)[rows] = values[filled(ptr, done, width)]
    rows, _ = ranges(case.limit_ptr, products)
    shadow = found.log_shadow[filled(case.limit_ptr, done, part.shape.groups)]
    solution.log_shadow[case.limit[rows]] = shadow
    there = done >= 0
    solution.status[products] = Status.CONVERGED
    solution.iterations[products] += found.steps[there]
    solution.residual[products] = found.residual[there]
    solution.error_bound[products] = np.nan
    for product in done[there & ~found.active].tolist():
        block = block_of(market, instrumented.without(market, case.shock), product)
        price = solution.log_price[market.exporter_ptr[product] : market.exporter_ptr[product + 1]]
        solution.error_bound[product] = eq.error_bound(block, np.nan_to_num(price))
    left: list[int] = mine[used & ~found.done & ~found.unmoved].tolist()
    return left
