"""Products under instruments on the CPU: sweeps in compiled code, the rest left to the host.

``kernels/README.md`` tells the algorithm. The compiled parts are in ``instruments_cpu_*.py``.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels import instrumented, plain_cpu
from tradewedge.kernels.instruments import without_idle_limits
from tradewedge.kernels.instruments_cpu_layout import Given
from tradewedge.kernels.instruments_cpu_steps import INVALID, LEFT, solve_slice
from tradewedge.kernels.layout import touched_products
from tradewedge.kernels.market import (
    Instruments,
    Ints,
    KernelSolution,
    Market,
    Options,
    Shock,
    Status,
)
from tradewedge.kernels.sell_cpu import SLICES_PER_THREAD, frozen, in_parts, threads

SWEEPS = 150
"""Sweeps after which a product goes to the host."""


def solve(
    plain: instrumented.Solver, market: Market, shock: Shock, options: Options
) -> KernelSolution:
    """Solve with a kernel that knows no instruments, then the products that they touch.

    As :func:`.instrumented.solve`, with sweeps in compiled code between the two.

    Parameters
    ----------
    plain : callable
        A kernel's ``solve``.
    market, shock, options : Market, Shock, Options

    Returns
    -------
    KernelSolution
        With ``log_shadow``.
    """
    base = instrumented.without(market, shock)
    solution = plain(market, base, options)
    given = shock.instruments
    if given is None:
        return solution
    solution = replace(solution, log_shadow=np.zeros(len(given.group_limit)))
    touched = touched_products(market, shock)
    ends = sweep(solution, market, base, given, touched, options)
    for product in touched[ends == INVALID].tolist():
        instrumented.fail(solution, market, product, Status.NONFINITE_INPUT)
    instrumented.finish(solution, market, shock, touched[ends == LEFT], options)
    return solution


def sweep(
    solution: KernelSolution,
    market: Market,
    base: Shock,
    given: Instruments,
    touched: Ints,
    options: Options,
) -> NDArray[np.int8]:
    """Write what sweeps can solve into a solution without instruments.

    Parameters
    ----------
    solution : KernelSolution
    market : Market
    base : Shock
        Without instruments; what a limit of zero shuts out is excluded.
    given : Instruments
    touched : int64 [n]
        Products to solve.
    options : Options

    Returns
    -------
    int8 [n]
        How each ended: see :mod:`.instruments_cpu_steps`. What has not been solved is left as it
        was.
    """
    ends = np.full(len(touched), LEFT, np.int8)
    flat = ~market.nested[touched] & (solution.status[touched] == Status.CONVERGED)
    todo = np.flatnonzero(flat)
    if todo.size == 0:
        return ends
    source = {name: base if hasattr(base, name) else market for name in plain_cpu.Rows._fields}
    rows = plain_cpu.Rows(*(frozen(getattr(source[name], name)) for name in source))
    out = plain_cpu.Out(*(getattr(solution, name) for name in plain_cpu.Out._fields))
    binding = _given(market, without_idle_limits(given, base.admitted))
    arrays = (rows, market.layout, binding, out, solution.log_shadow)
    products = frozen(touched[todo])
    found = np.full(len(todo), LEFT, np.int8)
    most = min(SWEEPS, options.max_steps)

    def work(part: tuple[int, int]) -> None:
        solve_slice(*arrays, products, *part, options.tolerance, most, found)

    weight = np.cumsum(np.diff(market.flow_ptr)[products])
    parts = np.linspace(0, weight[-1], threads() * SLICES_PER_THREAD + 1)
    cuts = np.unique(np.searchsorted(weight, parts[1:-1], side="right"))
    in_parts(work, list(pairwise(np.unique([0, *cuts, len(todo)]).tolist())))
    ends[todo] = found
    return ends


def _given(market: Market, given: Instruments) -> Given:
    """The instruments, with their groups sorted by product."""
    filled = np.flatnonzero(np.diff(given.group_ptr) > 0)
    first = given.group_flow[given.group_ptr[filled]]
    product = np.searchsorted(market.flow_ptr, first, side="right") - 1
    order = np.argsort(product, kind="stable")
    ptr = np.searchsorted(product[order], np.arange(len(market.sigma) + 1)).astype(np.int64)
    fields = (getattr(given, name) for name in Given._fields[:-2])
    return Given(*(frozen(array) for array in (*fields, filled[order], ptr)))
