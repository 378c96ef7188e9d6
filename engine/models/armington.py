"""The core model: CES demand by source, constant-elasticity supply, exact hat algebra.

Equations: docs/model.md. Armington (1969), doi:10.2307/3866403; exact hat algebra: Dekle, Eaton
and Kortum (2008), doi:10.1057/imfsp.2008.17.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.backends import Backend, batch_solver
from tradewedge.kernels.changes import Changes
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.columns import Column
from tradewedge.kernels.market import Market, Options
from tradewedge.kernels.recover import recover
from tradewedge.kernels.solved import Solved
from tradewedge.models.nests import market_of
from tradewedge.models.solution import Exponential, Solution
from tradewedge.policy import Wedges, changes
from tradewedge.world import World

Floats = NDArray[np.float64]


def solve(
    world: World,
    wedges: Wedges,
    options: Options,
    backend: Backend,
    clock: Clock | None = None,
    **nests: Any,
) -> Solution:
    """Solve every product of ``world`` under ``wedges``.

    Products that they do not touch keep the solution of the baseline.

    Parameters
    ----------
    clock : Clock, optional
        Is added to where the backend copies to a device.
    **nests
        See :func:`~.nests.market_of`. Default: all suppliers, home included, form one CES.
    """
    return solve_batch(world, [wedges], options, backend, clock, **nests)[0]


def solve_batch(
    world: World,
    wedges: Sequence[Wedges],
    options: Options,
    backend: Backend,
    clock: Clock | None = None,
    **nests: Any,
) -> list[Solution]:
    """Solve every product under several scenarios at once; as :func:`solve` in all else."""
    market = market_of(world, **nests)
    several = [changes(world, one) for one in wedges]
    found = batch_solver(backend, clock)(market, several, options)
    bases: dict[int, Floats] = {}
    return [
        _solution(one, market, change, solved, bases)
        for one, change, solved in zip(wedges, several, found, strict=True)
    ]


def _solution(
    wedges: Wedges, market: Market, change: Changes, found: Solved, bases: dict[int, Floats]
) -> Solution:
    return Solution(
        wedges=wedges,
        price=_levels(found.price, bases),
        index=_levels(found.index, bases),
        status=found.status,
        iterations=found.iterations,
        residual=found.residual,
        error_bound=found.error_bound,
        recover=lambda: recover(market, change.shock(market), found.whole),
        log_shadow=found.log_shadow,
    )


def _levels(log: Column, bases: dict[int, Floats]) -> Column | Exponential:
    """The exponential: of what scenarios share once (``bases``, by identity), of their own late."""
    if not log.rows.size:
        return Exponential(log)
    if id(log.base) not in bases:
        bases[id(log.base)] = np.exp(log.base)
    return Column(bases[id(log.base)], log.rows, np.exp(log.values))
