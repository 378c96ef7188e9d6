"""Replace the solution of products under instruments by one that obeys them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tradewedge.kernels import equations as eq
from tradewedge.kernels import semismooth
from tradewedge.kernels.complementarity import Problem, State, evaluate
from tradewedge.kernels.cut import cut, rows_of
from tradewedge.kernels.dense import block_of, ranges
from tradewedge.kernels.endless import endless_groups, is_exceeded_in_the_end
from tradewedge.kernels.feasible import is_proven_infeasible
from tradewedge.kernels.instruments import effectively_admitted
from tradewedge.kernels.layout import is_valid, problem_of, touched_products
from tradewedge.kernels.market import Floats, Ints, KernelSolution, Market, Options, Shock, Status

Solver = Callable[[Market, Shock, Options], KernelSolution]


def solve(plain: Solver, market: Market, shock: Shock, options: Options) -> KernelSolution:
    """Solve with a kernel that knows no instruments, then the products that they touch.

    The second starts from where the first ended. Where no instrument binds there, that is the
    solution already, to the last bit, and products without instruments keep it in any case.

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
    solution = plain(market, without(market, shock), options)
    given = shock.instruments
    if given is None:
        return solution
    solution = replace(solution, log_shadow=np.zeros(len(given.group_limit)))
    finish(solution, market, shock, touched_products(market, shock), options)
    return solution


def finish(
    solution: KernelSolution, market: Market, shock: Shock, products: Ints, options: Options
) -> None:
    """Solve some products [n] on the host, into a solution without instruments."""
    given = shock.instruments
    for product in products.tolist():
        if given is None or not Status(solution.status[product]).has_prices:
            continue
        if is_valid(market, given, product):
            solve_product(solution, market, shock, product, options)
        else:
            fail(solution, market, product, Status.NONFINITE_INPUT)


def without(market: Market, shock: Shock) -> Shock:
    """Return the shock without its instruments; a limit of zero stays, as an exclusion."""
    return Shock(
        log_cost=shock.log_cost,
        admitted=effectively_admitted(market, shock),
        log_supply=shock.log_supply,
        log_demand=shock.log_demand,
    )


def fail(solution: KernelSolution, market: Market, product: int, status: Status) -> None:
    """Leave a product without numbers."""
    _, exporters, importers = ranges(market, product)
    solution.log_price[exporters] = np.nan
    solution.log_index[importers] = np.nan
    solution.status[product] = status
    solution.residual[product] = solution.error_bound[product] = np.nan


def solve_product(
    solution: KernelSolution,
    market: Market,
    shock: Shock,
    product: int,
    options: Options,
) -> None:
    """Solve one product on the host, all its instruments valid, into a solution without them."""
    part = cut(market, shock, product)
    found = rows_of(solution, market, product, part.limits)
    _solve(found, part.market, part.shock, options)
    solution.log_shadow[part.limits] = found.log_shadow


def _solve(solution: KernelSolution, market: Market, shock: Shock, options: Options) -> None:
    """Solve a market of one product."""
    problem, product = problem_of(market, shock, 0), 0
    if problem.flow.size == 0:
        return
    if is_proven_infeasible(problem):
        fail(solution, market, product, Status.INFEASIBLE)
        return
    started = solution.status[product] == Status.CONVERGED
    start = solution.log_price[problem.exporters]
    premium = np.zeros(len(problem.groups.start))
    if started:
        level = np.zeros(len(problem.importers))
        state = evaluate(problem, start, premium, level)
        if state.residual <= 10 * options.tolerance and not is_active(
            problem, state, premium, start
        ):
            return
    found = semismooth.solve(
        problem,
        start if started else np.zeros_like(start),
        options.tolerance,
        options.max_steps,
    )
    state = found.state
    done = state.residual <= options.tolerance
    if not done and semismooth.has_diverged(problem, found.premium):
        endless = endless_groups(problem, found.premium)
        proven = is_exceeded_in_the_end(market, shock, product, endless, options)
        fail(solution, market, product, Status.INFEASIBLE if proven else Status.UNBOUNDED)
        return
    limits = len(problem.groups.index)
    price = found.price.copy()
    price[problem.groups.maker] += found.premium[limits:]
    solution.log_price[problem.exporters] = price
    solution.log_index[problem.importers] = state.indices.log_index
    solution.log_shadow[problem.groups.index] = found.premium[:limits]
    solution.status[product] = Status.CONVERGED if done else Status.MAX_STEPS
    solution.iterations[product] += found.steps
    solution.residual[product] = state.residual
    solution.error_bound[product] = np.nan
    if not is_active(problem, state, found.premium, found.price):
        block = block_of(market, without(market, shock), product)
        _, exporters, _ = ranges(market, product)
        price = np.nan_to_num(solution.log_price[exporters])
        solution.error_bound[product] = eq.error_bound(block, price)


def is_active(problem: Problem, state: State, premium: Floats, price: Floats) -> bool:
    """Whether any instrument changes a price or a quantity."""
    supply = problem.supply
    duty, floor, _ = problem.special
    open_price = price[problem.exporter[floor]] + problem.log_cost[floor]
    plain = supply.log_shift + supply.epsilon * price
    contract = ~supply.infinite & (state.log_supplied != plain)
    return bool(
        duty.size
        or np.any(state.low[floor] != open_price)
        or np.any(state.log_price > state.low)
        or np.any(premium > 0)
        or np.any(contract)
    )
