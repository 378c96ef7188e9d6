"""Solve one product under instruments: damped sweeps, then semismooth Newton with a line search."""

from dataclasses import dataclass, replace

import numpy as np

from tradewedge.kernels.complementarity import Problem, State, evaluate
from tradewedge.kernels.jacobian import jacobian
from tradewedge.kernels.linear import solution
from tradewedge.kernels.market import Floats

DAMPING = 0.5
"""Share of a plain step that a sweep takes. Full steps of several limits at once can cycle."""
FIRST_SWEEPS = 5
RESCUE_STEPS = 30
"""Steps along the path of sweeps after the first Newton step that improves nothing, twice as many
after the second, and so on: the path may lead far up before it leads down."""
HALVINGS = 8
SLOW_STEPS = 10
"""Newton steps in a row that improve little before the path of sweeps is taken instead."""
LARGEST_MOVE = 5.0
"""Largest change of a log price or premium in one Newton step."""
LARGEST_PATH_MOVE = 1.0
"""The same along the path of sweeps."""
ENDLESS_PREMIUM = 60.0
"""Log premium that no demand answers to: others have left at far lower ones."""
NOTHING = 1e-12
"""Price, relative to the baseline, below which it is 0."""
SLOWEST_GROWTH = 1.2
"""Least growth of the time step along that path while the residual does not rise."""
LARGEST_CUT = 0.25
"""Of the time step where it does."""


@dataclass(frozen=True, eq=False)
class Found:
    """Where the solver stands: log prices [i], log premiums [g], the state there, steps taken."""

    price: Floats
    premium: Floats
    state: State
    steps: int


def solve(problem: Problem, start: Floats, tolerance: float, max_steps: int) -> Found:
    """Solve one product.

    Parameters
    ----------
    problem : Problem
    start : float64 [i]
        Log prices to start from; not finite ones count as 0.
    tolerance : float
        On the largest residual.
    max_steps : int
        Sweeps and Newton steps together.

    Returns
    -------
    Found
        The residual is above the tolerance where the steps did not suffice.
    """
    price = np.where(np.isfinite(start), start, 0.0)
    price[problem.supply.infinite] = 0.0
    premium = np.zeros(len(problem.groups.start))
    level = np.zeros(len(problem.importers))
    found = best = Found(price, premium, evaluate(problem, price, premium, level), 0)
    found = _sweeps(problem, found, tolerance, min(FIRST_SWEEPS, max_steps))
    rescue, slow = RESCUE_STEPS, 0
    while found.steps < max_steps:
        if found.state.residual < best.state.residual:
            best = found
        if found.state.residual <= tolerance:
            return found
        if has_diverged(problem, found.premium):
            break
        following = _newton_step(problem, found) if slow < SLOW_STEPS else None
        slow = 0 if following is None or _falls(found, following) else slow + 1
        if following is None:
            following = _follow_sweeps(problem, found, min(rescue, max_steps - found.steps))
            rescue *= 2
        found = following
    if has_diverged(problem, found.premium):
        return found
    best = min(found, best, key=lambda one: one.state.residual)
    return replace(best, steps=found.steps)


def _falls(found: Found, following: Found) -> bool:
    """Whether the residual has fallen by a twentieth."""
    return following.state.residual < 0.95 * found.state.residual


def has_diverged(problem: Problem, premium: Floats) -> bool:
    """Whether a premium has gone where nothing answers to it any more.

    With eta = 0 the buyers who have no other suppliers than those under the limit buy on at any
    premium. Where they take more than the limit it rises for ever. With eta > 0 a premium may be
    as large, and still do its work.
    """
    endless = (premium > ENDLESS_PREMIUM) & problem.groups.hard
    return problem.demand.eta == 0 and bool(np.any(endless))


def _sweeps(problem: Problem, found: Found, tolerance: float, count: int) -> Found:
    """Move every price by its own excess demand and every premium by its own excess use."""
    sigma = _steepest(problem)
    for _ in range(count):
        state = found.state
        if state.residual <= tolerance:
            break
        price = found.price + DAMPING * state.excess / (state.supply_slope + sigma)
        premium = problem.groups.clip(found.premium - DAMPING * state.slack / sigma)
        found = _at(problem, found, price, premium)
    return found


def _steepest(problem: Problem) -> float:
    demand = problem.demand
    return max(demand.sigma, demand.middle, demand.outer)


def _at(problem: Problem, found: Found, price: Floats, premium: Floats) -> Found:
    state = evaluate(problem, price, premium, found.state.level)
    return Found(price, premium, state, found.steps + 1)


def _newton_step(problem: Problem, found: Found) -> Found | None:
    """One step of semismooth Newton, halved until the residual falls; None where it does not."""
    residual, matrix = jacobian(problem, found.state, found.premium)
    move = solution(matrix, -residual)
    if move is None:
        return None
    # Cut element by element, so that a price that nothing answers to does not hold up the rest.
    # Where price and premium run away together, only a move cut as a whole gets anywhere.
    size = float(np.max(np.abs(move), initial=0.0))
    cuts = [np.clip(move, -LARGEST_MOVE, LARGEST_MOVE)]
    if size > LARGEST_MOVE:
        cuts.append(move * (LARGEST_MOVE / size))
    for cut in cuts:
        scale = 1.0
        for _ in range(HALVINGS):
            trial = _moved(problem, found, scale * cut)
            if trial.state.residual < (1 - 1e-4 * scale) * found.state.residual:
                return trial
            scale /= 2
    return None


def _follow_sweeps(problem: Problem, found: Found, count: int) -> Found:
    """Follow the path that infinitely small sweeps would take, by implicit Euler steps.

    The path does not cycle where sweeps of full size do, and crosses ranges of prices at which
    nothing responds, where Newton has no direction. The time step grows as the residual falls.
    Ends early where the residual has halved.
    """
    entry = found.state.residual
    free, sigma = problem.free, _steepest(problem)
    span = 1.0
    for _ in range(count):
        before = found.state.residual
        residual, matrix = jacobian(problem, found.state, found.premium)
        own = np.concatenate(
            [found.state.supply_slope[free] + sigma, np.full(len(found.premium), sigma)]
        )
        # Prices move with excess demand itself, until nothing is left of them.
        left = np.abs(found.state.price_residual[free]) > NOTHING
        residual[: free.size][left] = found.state.excess[free][left]
        matrix[: free.size] *= -1
        residual[free.size :] *= -1
        matrix[np.diag_indices_from(matrix)] += own / span
        move = solution(matrix, residual)
        if move is None:
            span /= 10
            found = replace(found, steps=found.steps + 1)
            continue
        move = np.clip(move, -LARGEST_PATH_MOVE, LARGEST_PATH_MOVE)
        found = _moved(problem, found, move)
        after = found.state.residual
        if after <= 0.5 * entry:
            break
        fall = before / max(after, 1e-300)
        span *= min(max(fall, SLOWEST_GROWTH if fall >= 0.99 else LARGEST_CUT), 10.0)
    return found


def _moved(problem: Problem, found: Found, move: Floats) -> Found:
    free = problem.free
    price = found.price.copy()
    price[free] += move[: free.size]
    premium = problem.groups.clip(found.premium + move[free.size :])
    return _at(problem, found, price, premium)
