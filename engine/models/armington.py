"""The core model: CES demand by source, constant-elasticity supply, exact hat algebra.

Equations: docs/model.md. Armington (1969), doi:10.2307/3866403; exact hat algebra: Dekle, Eaton
and Kortum (2008), doi:10.1057/imfsp.2008.17.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from tradewedge.errors import ConfigError
from tradewedge.kernels.backends import Backend, solver
from tradewedge.kernels.market import Options
from tradewedge.kernels.recover import recover
from tradewedge.models.solution import Solution
from tradewedge.policy import Wedges, shock
from tradewedge.world import World


def solve(
    world: World,
    wedges: Wedges,
    options: Options,
    backend: Backend,
    *,
    sigma_home: float | None = None,
) -> Solution:
    """Solve every product of ``world`` under ``wedges``.

    Parameters
    ----------
    sigma_home : float, optional
        Substitution between home sales and the bundle of imports: turns on that nest for every
        product. Default: all suppliers, home included, form one CES.

    Raises
    ------
    ConfigError
        If ``sigma_home`` is not positive and finite.
    """
    market = world.market
    if sigma_home is not None:
        if not isinstance(sigma_home, int | float) or not 0 < sigma_home < np.inf:
            raise ConfigError(f"sigma_home is a positive number, not {sigma_home!r}")
        market = replace(market, sigma_home=np.full(len(world.products), float(sigma_home)))
    change = shock(world, wedges)
    found = solver(backend)(market, change, options)
    return Solution(
        wedges=wedges,
        price_hat=np.exp(found.log_price),
        index_hat=np.exp(found.log_index),
        status=found.status,
        iterations=found.iterations,
        residual=found.residual,
        error_bound=found.error_bound,
        recover=partial(recover, market, change, found),
        log_shadow=found.log_shadow,
    )
