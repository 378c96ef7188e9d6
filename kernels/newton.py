"""Newton's method for one product: the fallback of every backend for its stragglers.

Dense, in log prices, on the host, with the analytic Jacobian and a line search on the largest
log excess demand. Slow, but it does not mind a contraction modulus at or above 1.
"""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels import equations as eq
from tradewedge.kernels.equations import Block
from tradewedge.kernels.market import Floats

HALVINGS = 30
ACCELERATED_STEPS = 150
"""Accelerated sweeps after which a product goes to Newton, if no earlier."""


@dataclass(frozen=True, eq=False)
class Attempt:
    """Where an iteration over one product stands: log prices [i], largest residual, steps."""

    log_price: Floats
    residual: float
    steps: int


def split_steps(max_steps: int) -> tuple[int, int]:
    """Return the largest numbers of steps of the first method and of Newton: half each."""
    return max_steps - max_steps // 2, max_steps // 2


def accelerated_steps(max_steps: int) -> int:
    """Sweeps of a kernel with Anderson acceleration before a product goes to Newton."""
    return min(split_steps(max_steps)[0], ACCELERATED_STEPS)


def demand_jacobian(
    block: Block, sales: Floats, bundle: Floats, imports: Floats, spending: Floats
) -> Floats:
    """Derivative of log sales [i] by log producer price [k].

    Parameters
    ----------
    block : Block
    sales : float [i, j]
        Share of the flow in its exporter's quantity sold; rows sum to 1.
    bundle : float [i, j]
        Share in the spending on the bundle of the exporter's group.
    imports : float [i, j]
        Share in the spending on all bundles.
    spending : float [i, j]
        Share in all spending of the importer; columns sum to 1.
    """
    outer, middle = block.outer, block.middle
    away = np.where(eq.bundled_flows(block), sales, 0.0)
    in_bundles = np.sum(away, axis=1)
    own = outer * np.sum(sales, axis=1) + (block.sigma - outer) * in_bundles
    matrix: Floats = (outer - block.eta) * (sales @ spending.T)
    if middle != outer:
        matrix += (middle - outer) * (away @ imports.T)
    if block.sigma != middle:
        same = block.group[:, None] == block.group[None, :]
        matrix += (block.sigma - middle) * np.where(same, away @ bundle.T, 0.0)
    matrix[np.diag_indices_from(matrix)] -= own
    return matrix


def new_splits(block: Block, log_price: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Shares in sales, in the own group's bundle, in all bundles and in spending, at new prices."""
    delivered = log_price[:, None] + block.log_cost
    found = eq.indices(block, log_price)
    quantity = eq.log_quantity(block, log_price)
    inner, upper = 1 - block.sigma, 1 - block.outer
    change = quantity - eq.log_sales(block, log_price)[:, None]
    sales = _scaled(block.sales_share, change, block.admitted)
    bundled = eq.bundled_flows(block)
    away = np.where(bundled, block.share, 0.0)
    members = block.group[None, :] == np.arange(eq.group_count(block))[:, None]
    by_group = members.astype(np.float64) @ away
    imports_base = away.sum(axis=0)
    within = away / np.where(by_group > 0, by_group, 1.0)[block.group]
    log_bundle = found.log_bundle[block.group]
    bundle = _scaled(within, inner * (delivered - log_bundle), block.admitted & bundled)
    group = _scaled(
        by_group / np.where(imports_base > 0, imports_base, 1.0),
        (1 - block.middle) * (found.log_bundle - found.log_imports),
        found.bundle_served,
    )
    imports = bundle * group[block.group]
    if not block.nested:
        return sales, bundle, imports, imports
    part = _scaled(
        imports_base, upper * (found.log_imports - found.log_index), found.imports_served
    )
    at_home = _scaled(
        block.share, upper * (delivered - found.log_index), block.admitted & block.home
    )
    return sales, bundle, imports, at_home + imports * part


def _scaled(share: Floats, log_factor: Floats, keep: np.ndarray) -> Floats:
    """Share times a factor given in logs, 0 where not kept or where the share is 0."""
    keep = keep & (share > 0)
    log_share = np.log(np.where(keep, share, 1.0))
    return np.where(keep, np.exp(np.where(keep, log_share + log_factor, 0.0)), 0.0)


def newton(block: Block, start: Floats, tolerance: float, max_steps: int) -> Attempt:
    """Solve one product.

    Parameters
    ----------
    block : Block
        Valid input with a finite index (:func:`~.equations.is_valid`,
        :func:`~.equations.has_finite_index`).
    start : float [i]
        Log prices to start from; 0 is taken where they do not adjust or are not finite.
    tolerance : float
        On the largest absolute log excess demand.
    max_steps : int

    Returns
    -------
    Attempt
        The residual is above the tolerance where Newton did not get there either.
    """
    adjusts = eq.active(block)
    free = np.flatnonzero(adjusts)
    price = np.where(adjusts & np.isfinite(start), start, 0.0)
    excess = eq.log_excess_demand(block, price)
    worst = float(np.max(np.abs(excess), initial=0.0))
    slope = np.where(np.isfinite(block.epsilon), block.epsilon, 0.0)
    for step in range(max_steps):
        if worst <= tolerance:
            return Attempt(price, worst, step)
        jacobian = demand_jacobian(block, *new_splits(block, price))[np.ix_(free, free)]
        jacobian[np.diag_indices_from(jacobian)] -= slope[free]
        try:
            move = np.linalg.solve(jacobian, -excess[free])
        except np.linalg.LinAlgError:
            return Attempt(price, worst, step)
        scale = 1.0
        for _ in range(HALVINGS):
            trial = price.copy()
            trial[free] += scale * move
            with np.errstate(over="ignore", invalid="ignore"):  # too far: the step is halved
                trial_excess = eq.log_excess_demand(block, trial)
            trial_worst = float(np.max(np.abs(trial_excess), initial=0.0))
            if trial_worst < (1 - 1e-4 * scale) * worst:
                break
            scale /= 2
        else:
            return Attempt(price, worst, step)
        price, excess, worst = trial, trial_excess, trial_worst
    return Attempt(price, worst, max_steps)
