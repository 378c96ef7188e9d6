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
    nested = bool(market.nested.all())
    plain = [n for n, one in enumerate(several) if one.instruments is None and not nested]
    found: dict[int, KernelSolution] = {}
    for part in _parts([len(several[n].flow) for n in plain]):
        numbers = plain[part]
        solve = _side_by_side if len(numbers) >= lanes_cpu.FEWEST else _one_by_one
        solved = solve(market, [several[n] for n in numbers], options)
        found.update(zip(numbers, solved, strict=True))
    for n, one in enumerate(several):
        if n not in found:
            found[n] = armington_cpu.solve(market, one.shock(market), options)
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


def _one_by_one(
    market: Market, several: Sequence[Changes], options: Options
) -> list[KernelSolution]:
    """Solve the products that each scenario touches."""
    found = _solutions(_unchanged(market, len(several), options))
    for solution, one in zip(found, several, strict=True):
        touched = one.products(market)
        _clear(solution, market, touched)
        armington_cpu.solve_products(solution, market, one.shock(market), options, touched)
    return found


def _side_by_side(
    market: Market, several: Sequence[Changes], options: Options
) -> list[KernelSolution]:
    """Solve the scenarios that touch a product together."""
    out = _unchanged(market, len(several), options)
    found = _solutions(out)
    nothing = calm_shock(market)
    scratch = lanes_cpu.Scratch(*(getattr(nothing, name) for name in lanes_cpu.Scratch._fields))
    rows = plain_cpu.Rows(
        *(
            frozen(getattr(nothing if hasattr(nothing, name) else market, name))
            for name in plain_cpu.Rows._fields
        )
    )
    changes = stack(market, several)
    pending = np.zeros((len(several), len(market.sigma)), np.bool_)
    steps = armington_cpu.accelerated_steps(options)

    def work(part: tuple[int, int]) -> None:
        lanes_cpu.solve_slice(
            rows, scratch, market.layout, changes, out, *part, options.tolerance, steps, pending
        )

    in_parts(work, slices(market.flow_ptr))
    for s in np.flatnonzero(pending.any(axis=1)).tolist():
        _clear(found[s], market, pending[s])
        armington_cpu.solve_rest(found[s], market, several[s].shock(market), options, pending[s])
    return found


def _unchanged(market: Market, count: int, options: Options) -> lanes_cpu.Out:
    """Room for solutions in which nothing changes yet."""
    calm = market.calm
    if (calm.residual > options.tolerance).any():
        calm = armington_cpu.solve(market, calm_shock(market), options)
    return lanes_cpu.Out(
        *(np.repeat(getattr(calm, name)[None], count, axis=0) for name in lanes_cpu.Out._fields)
    )


def _solutions(out: lanes_cpu.Out) -> list[KernelSolution]:
    """One solution per scenario, which are views."""
    fields = lanes_cpu.Out._fields
    return [
        KernelSolution(**dict(zip(fields, each, strict=True))) for each in zip(*out, strict=True)
    ]


def _clear(solution: KernelSolution, market: Market, products: Bools) -> None:
    """Empty some products [K], as a solution is before it is filled."""
    solution.log_price[np.repeat(products, np.diff(market.exporter_ptr))] = np.nan
    solution.log_index[np.repeat(products, np.diff(market.importer_ptr))] = np.nan
    solution.iterations[products] = 0
