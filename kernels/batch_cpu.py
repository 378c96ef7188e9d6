"""Scenario batches on the CPU: what a scenario leaves alone is not solved, the rest in lanes."""

from collections.abc import Iterator, Sequence

import numpy as np

from tradewedge.kernels import armington_cpu, lanes_cpu, plain_cpu
from tradewedge.kernels.changes import Changes, calm_shock, stack
from tradewedge.kernels.market import Bools, KernelSolution, Market, Options
from tradewedge.kernels.sell_cpu import frozen, in_parts, slices

MOST_ENTRIES = 10_000_000
"""Touched rows that scenarios solved together may have in all: 160 MB."""


def solve_batch(
    market: Market, several: Sequence[Changes], options: Options
) -> list[KernelSolution]:
    """Solve every product under every scenario.

    Products that a scenario does not touch keep the solution that no change has. Scenarios with
    instruments are solved one by one.

    Parameters
    ----------
    market : Market
    several : sequence of Changes
    options : Options

    Returns
    -------
    list of KernelSolution
        In the order given. The kernel never raises for numbers: see their ``status``.
    """
    apart = [market.nested.all() or one.instruments is not None for one in several]
    together = [n for n, alone in enumerate(apart) if not alone]
    found = {
        n: armington_cpu.solve(market, several[n].shock(market), options)
        for n, alone in enumerate(apart)
        if alone
    }
    for part in _parts([len(several[n].flow) for n in together]):
        numbers = together[part]
        solved = _solve(market, [several[n] for n in numbers], options)
        found.update(zip(numbers, solved, strict=True))
    return [found[n] for n in range(len(several))]


def _parts(entries: Sequence[int]) -> Iterator[slice]:
    """Cut a list of scenarios so that no part has too many touched rows."""
    start = held = 0
    for n, more in enumerate(entries):
        if n > start and held + more > MOST_ENTRIES:
            yield slice(start, n)
            start, held = n, 0
        held += more
    if entries:
        yield slice(start, len(entries))


def _solve(market: Market, several: Sequence[Changes], options: Options) -> list[KernelSolution]:
    count = len(several)
    calm = _calm(market, options)
    tables = {
        name: np.repeat(getattr(calm, name)[None], count, axis=0) for name in lanes_cpu.Out._fields
    }
    nothing = calm_shock(market)
    scratch = lanes_cpu.Scratch(*(getattr(nothing, name) for name in lanes_cpu.Scratch._fields))
    rows = plain_cpu.Rows(
        *(
            frozen(getattr(nothing if hasattr(nothing, name) else market, name))
            for name in plain_cpu.Rows._fields
        )
    )
    out = lanes_cpu.Out(**tables)
    changes = stack(market, several)
    pending = np.zeros((count, len(market.sigma)), np.bool_)
    steps = armington_cpu.accelerated_steps(options)

    def work(part: tuple[int, int]) -> None:
        lanes_cpu.solve_slice(
            rows, scratch, market.layout, changes, out, *part, options.tolerance, steps, pending
        )

    in_parts(work, slices(market.flow_ptr))
    found = [
        KernelSolution(**{name: table[s] for name, table in tables.items()}) for s in range(count)
    ]
    for s in np.flatnonzero(pending.any(axis=1)).tolist():
        _clear(found[s], market, pending[s])
        armington_cpu.solve_rest(found[s], market, several[s].shock(market), options, pending[s])
    return found


def _clear(solution: KernelSolution, market: Market, products: Bools) -> None:
    """Empty some products [K], as a solution is before it is filled."""
    solution.log_price[np.repeat(products, np.diff(market.exporter_ptr))] = np.nan
    solution.log_index[np.repeat(products, np.diff(market.importer_ptr))] = np.nan
    solution.iterations[products] = 0


def _calm(market: Market, options: Options) -> KernelSolution:
    """The solution where nothing changes."""
    if (market.calm.residual <= options.tolerance).all():
        return market.calm
    return armington_cpu.solve(market, calm_shock(market), options)
