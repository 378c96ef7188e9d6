"""The core model: CES demand by source, constant-elasticity supply, exact hat algebra.

Equations: docs/model.md. Armington (1969), doi:10.2307/3866403; exact hat algebra: Dekle, Eaton
and Kortum (2008), doi:10.1057/imfsp.2008.17.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewedge.kernels.backends import Backend, batch_solver
from tradewedge.kernels.changes import Changes
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.columns import Column
from tradewedge.kernels.market import Market, Options
from tradewedge.kernels.part import Part, market_part
from tradewedge.kernels.recover import Recovered, recover
from tradewedge.kernels.solved import Solved
from tradewedge.models.nests import market_of
from tradewedge.models.solution import Exponential, Solution
from tradewedge.policy import Wedges, changes
from tradewedge.world import World


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
    return [
        _solution(one, market, change, solved)
        for one, change, solved in zip(wedges, several, found, strict=True)
    ]


def _solution(wedges: Wedges, market: Market, change: Changes, found: Solved) -> Solution:
    def recover_part(part: Part) -> Recovered:
        inner = market_part(market, part)
        return recover(inner, change.part(part).shock(inner), found.part(part).whole)

    return Solution(
        wedges=wedges,
        price=_levels(found.price, market, 0),
        index=_levels(found.index, market, 1),
        status=found.status,
        iterations=found.iterations,
        residual=found.residual,
        error_bound=found.error_bound,
        recover=lambda: recover(market, change.shock(market), found.whole),
        recover_part=recover_part if change.instruments is None else None,
        log_shadow=found.log_shadow,
    )


def _levels(log: Column, market: Market, number: int) -> Column | Exponential:
    """The exponential of prices (number 0) or indices (1).

    What scenarios share is worked out once, a scenario's own rows late where they are many.
    """
    if not log.rows.size:
        return Exponential(log)
    calm = (market.calm.log_price, market.calm.log_index)[number]
    base = market.calm_levels[number] if log.base is calm else np.exp(log.base)
    return Column(base, log.rows, np.exp(log.values))
