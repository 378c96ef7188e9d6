"""The plain solver: the equations of :mod:`.equations`, one product after another."""

import numpy as np

from tradewedge.kernels import equations as eq
from tradewedge.kernels import instrumented
from tradewedge.kernels.dense import block_of, ranges
from tradewedge.kernels.equations import Block
from tradewedge.kernels.market import Bools, KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.newton import Attempt, newton, split_steps


def solve(market: Market, shock: Shock, options: Options) -> KernelSolution:
    """Solve every product by plain steps of the fixed point, then Newton if they do not suffice.

    Parameters
    ----------
    market, shock, options : Market, Shock, Options

    Returns
    -------
    KernelSolution
        The kernel never raises for numbers: see its ``status``.
    """
    if shock.instruments is not None:
        return instrumented.solve(solve, market, shock, options)
    solution = empty_solution(market)
    for product in range(len(market.sigma)):
        solve_product(solution, market, shock, product, options)
    return solution


def solve_product(
    solution: KernelSolution, market: Market, shock: Shock, product: int, options: Options
) -> None:
    """Solve one product under a shock without instruments, and write it into the solution."""
    block = block_of(market, shock, product)
    if block.share.size == 0:
        return
    if not eq.is_valid(block):
        solution.status[product] = Status.NONFINITE_INPUT
        solution.residual[product] = solution.error_bound[product] = np.nan
    elif not eq.has_finite_index(block):
        solution.status[product] = Status.INFEASIBLE
        solution.residual[product] = solution.error_bound[product] = np.nan
    else:
        first, second = split_steps(options.max_steps)
        attempt = plain_steps(block, options.tolerance, first)
        if attempt.residual > options.tolerance:
            last = newton(block, attempt.log_price, options.tolerance, second)
            attempt = Attempt(last.log_price, last.residual, attempt.steps + last.steps)
        record(solution, market, product, block, attempt, options.tolerance)


def plain_steps(block: Block, tolerance: float, max_steps: int) -> Attempt:
    """Iterate the fixed point from 0; a step is one evaluation of the excess demand."""
    price = np.zeros(block.share.shape[0])
    slope = eq.step_slope(block)
    worst = np.inf
    for step in range(1, max_steps + 1):
        excess = eq.log_excess_demand(block, price)
        worst = float(np.max(np.abs(excess)))
        if worst <= tolerance:
            return Attempt(price, worst, step)
        if step < max_steps:
            price = price + excess / slope
    return Attempt(price, worst, max_steps)


def empty_solution(market: Market) -> KernelSolution:
    """Return a solution to be filled: NaN prices, every product converged in 0 steps."""
    products = len(market.sigma)
    return KernelSolution(
        log_price=np.full(int(market.exporter_ptr[-1]), np.nan),
        log_index=np.full(int(market.importer_ptr[-1]), np.nan),
        status=np.full(products, Status.CONVERGED, np.int8),
        iterations=np.zeros(products, np.int64),
        residual=np.zeros(products),
        error_bound=np.zeros(products),
    )


def record(
    solution: KernelSolution,
    market: Market,
    product: int,
    block: Block,
    attempt: Attempt,
    tolerance: float,
) -> None:
    """Write what came out of one product into the solution."""
    _, exporters, importers = ranges(market, product)
    price = attempt.log_price
    solution.log_price[exporters] = np.where(block.admitted.any(axis=1), price, np.nan)
    solution.log_index[importers] = eq.log_index(block, price)
    done = attempt.residual <= tolerance
    solution.status[product] = Status.CONVERGED if done else Status.MAX_STEPS
    solution.iterations[product] = attempt.steps
    solution.residual[product] = attempt.residual
    solution.error_bound[product] = eq.error_bound(block, price)


def finish(
    solution: KernelSolution, market: Market, shock: Shock, products: Bools, options: Options
) -> None:
    """Hand those of some products [K] that have not converged to Newton, from where they are."""
    _, most = split_steps(options.max_steps)
    unfinished = products & (solution.status == Status.MAX_STEPS)
    for product in np.flatnonzero(unfinished).tolist() if most else ():
        block = block_of(market, shock, product)
        _, exporters, _ = ranges(market, product)
        found = newton(block, solution.log_price[exporters], options.tolerance, most)
        steps = int(solution.iterations[product]) + found.steps
        attempt = Attempt(found.log_price, found.residual, steps)
        record(solution, market, product, block, attempt, options.tolerance)


def has_split_home(market: Market) -> Bools:
    """Nested products [K] in which an exporter sells to several importers at home.

    The kernels keep one home flow per exporter, so they leave these to :func:`solve_product`.
    """
    home = np.flatnonzero(market.home)
    exporter = market.flow_exporter[home]
    several = np.bincount(exporter, minlength=int(market.exporter_ptr[-1]))[exporter] > 1
    product = np.searchsorted(market.flow_ptr, home[several], side="right") - 1
    found: Bools = np.bincount(product, minlength=len(market.sigma)) > 0
    return found & ~np.isnan(market.sigma_home)
