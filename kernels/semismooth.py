"""Solve one product under instruments: damped sweeps, then semismooth Newton with a line search."""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels.complementarity import Problem, State, evaluate, jacobian
from tradewedge.kernels.market import Floats

DAMPING = 0.5
"""Share of a plain step that a sweep takes. Full steps of several limits at once can cycle."""
FIRST_SWEEPS = 10
RESCUE_SWEEPS = 20
"""Sweeps after a Newton step along which nothing improves."""
HALVINGS = 12
LARGEST_MOVE = 5.0
"""Largest change of a log price or premium in one Newton step."""


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
    premium = np.zeros(len(problem.groups.index))
    level = np.zeros(len(problem.importers))
    found = best = Found(price, premium, evaluate(problem, price, premium, level), 0)
    found = _sweeps(problem, found, tolerance, min(FIRST_SWEEPS, max_steps))
    while found.steps < max_steps:
        if found.state.residual < best.state.residual:
            best = found
        if found.state.residual <= tolerance:
            return found
        following = _newton_step(problem, found)
        if following is None:
            sweeps = min(RESCUE_SWEEPS, max_steps - found.steps)
            following = _sweeps(problem, found, tolerance, sweeps)
        found = following
    return min(found, best, key=lambda one: one.state.residual)


def _sweeps(problem: Problem, found: Found, tolerance: float, count: int) -> Found:
    """Move every price by its own excess demand and every premium by its own excess use."""
    sigma = max(problem.demand.sigma, problem.demand.outer)
    for _ in range(count):
        state = found.state
        if state.residual <= tolerance:
            break
        price = found.price + DAMPING * state.excess / (state.supply_slope + sigma)
        premium = np.maximum(0.0, found.premium - DAMPING * state.slack / sigma)
        found = _at(problem, found, price, premium)
    return found


def _at(problem: Problem, found: Found, price: Floats, premium: Floats) -> Found:
    state = evaluate(problem, price, premium, found.state.level)
    return Found(price, premium, state, found.steps + 1)


def _newton_step(problem: Problem, found: Found) -> Found | None:
    """One step of semismooth Newton, halved until the residual falls; None where it does not."""
    residual, matrix = jacobian(problem, found.state, found.premium)
    try:
        move = np.linalg.solve(matrix, -residual)
    except np.linalg.LinAlgError:
        move = np.linalg.lstsq(matrix, -residual, rcond=None)[0]
    if not np.isfinite(move).all():
        return None
    move = np.clip(move, -LARGEST_MOVE, LARGEST_MOVE)
    free = problem.free
    scale = 1.0
    for _ in range(HALVINGS):
        price = found.price.copy()
        price[free] += scale * move[: free.size]
        premium = np.maximum(0.0, found.premium + scale * move[free.size :])
        trial = _at(problem, found, price, premium)
        if trial.state.residual < (1 - 1e-4 * scale) * found.state.residual:
            return trial
        scale /= 2
    return None
