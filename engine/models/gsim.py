"""The field's familiar modes: the log-linear GSIM, and SMART, which is GSIM with infinite supply.

Francois and Hall (2003), "Global Simulation Analysis of Industry-Level Trade Policy"; Laird and
Yeats (1986), "The UNCTAD Trade Policy Simulation Model". Ratios are 1 plus the first-order
relative change, with a tariff change as T1/T0 - 1 of its power: a preview, good for small shocks.
A product whose answer has a price or quantity below zero is empty, with status "out_of_range".
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tradewedge.errors import ConfigError
from tradewedge.kernels import gsim
from tradewedge.kernels.backends import Backend
from tradewedge.kernels.columns import Column
from tradewedge.kernels.market import Market, Options, Status, row_sums
from tradewedge.kernels.recover import Recovered
from tradewedge.models.solution import Solution
from tradewedge.policy import Wedges, shock
from tradewedge.world import World


def solve(world: World, wedges: Wedges, _options: Options, _backend: Backend) -> Solution:
    """Solve one linear system per product.

    Raises
    ------
    ConfigError
        If a flow is excluded: an exclusion has no first-order form.
    """
    return _linear(world.market, world, wedges)


def solve_smart(world: World, wedges: Wedges, _options: Options, _backend: Backend) -> Solution:
    """The same with infinite supply elasticities: producer prices stay.

    Raises
    ------
    ConfigError
        If a flow is excluded or a supply is shifted.
    """
    if np.any(wedges.supply != 1.0):
        raise ConfigError("model 'smart' has infinite supply, which a SupplyShift cannot move")
    market = replace(world.market, epsilon=np.full_like(world.epsilon, np.inf))
    return _linear(market, world, wedges)


def solve_batch(
    world: World, wedges: Sequence[Wedges], options: Options, backend: Backend
) -> list[Solution]:
    """Solve several scenarios by :func:`solve`, one after the other."""
    return [solve(world, one, options, backend) for one in wedges]


def solve_smart_batch(
    world: World, wedges: Sequence[Wedges], options: Options, backend: Backend
) -> list[Solution]:
    """Solve several scenarios by :func:`solve_smart`, one after the other."""
    return [solve_smart(world, one, options, backend) for one in wedges]


def _linear(market: Market, world: World, wedges: Wedges) -> Solution:
    if wedges.thin is not None:
        raise ConfigError(
            f"scenario {wedges.scenario.name!r} has floors, quotas, specific duties or the like, "
            "which have no linear form: use model 'armington'"
        )
    if not wedges.admitted.all():
        raise ConfigError(
            f"scenario {wedges.scenario.name!r} excludes flows, which the linear models 'gsim' and "
            "'smart' cannot: use model 'armington'"
        )
    cost = np.expm1(shock(world, wedges).log_cost)
    found = gsim.solve(market, cost, wedges.supply - 1.0, wedges.demand - 1.0)
    eta = world.eta[world.importer_product]
    change = market.sales_share * found.quantity
    sold = row_sums(market.flow_exporter, change, found.price.size).astype(np.float64, copy=False)
    hats = {
        "price_hat": 1.0 + found.price,
        "index_hat": 1.0 + found.index,
        "composite_hat": wedges.demand - eta * found.index,
        "delivered_hat": 1.0 + found.price[market.flow_exporter] + cost,
        "quantity_hat": 1.0 + found.quantity,
        "output_hat": 1.0 + sold,
    }
    status = _reject_negative(world, found.status, hats)
    flows = Recovered(
        delivered=hats["delivered_hat"],
        quantity=hats["quantity_hat"],
        output=hats["output_hat"],
        composite=hats["composite_hat"],
        rents=None,
    )
    return Solution(
        wedges=wedges,
        price=Column.of(hats["price_hat"]),
        index=Column.of(hats["index_hat"]),
        status=status,
        iterations=found.iterations,
        residual=found.residual,
        error_bound=np.full(found.residual.size, np.nan),
        recover=lambda: flows,
    )


def _reject_negative(
    world: World, status: NDArray[np.int8], hats: dict[str, NDArray[np.float64]]
) -> NDArray[np.int8]:
    """Empty, in place, the products whose first-order answer has left the positive range."""
    rows = {
        "price_hat": world.exporter_product,
        "index_hat": world.importer_product,
        "composite_hat": world.importer_product,
        "delivered_hat": world.flow_product,
        "quantity_hat": world.flow_product,
        "output_hat": world.exporter_product,
    }
    out = np.zeros(status.size, dtype=bool)
    for name, values in hats.items():
        out[rows[name][values < 0.0]] = True
    for name, values in hats.items():
        values[out[rows[name]]] = np.nan
    return np.where(out, Status.OUT_OF_RANGE, status).astype(np.int8)
