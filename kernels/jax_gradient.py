"""Gradients at an equilibrium, by the implicit function theorem.

Prices x solve ``E(x, theta) = 0`` for the parameters theta, so a scalar outcome O has::

    dO/dtheta = O_theta - lambda E_theta,    J' lambda = O_x,    J = E_x

O_x, O_theta and the product with E_theta come from JAX's reverse mode over the equations below,
flow by flow; J is the analytic Jacobian of :mod:`.newton`, product by product. Nothing is solved
again, whatever the number of parameters. Source: the adjoint method; model as in
:mod:`.equations`, without a nest.

Importing this module imports JAX.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tradewedge.kernels import newton
from tradewedge.kernels.dense import block_of, ranges
from tradewedge.kernels.jax_runtime import float64
from tradewedge.kernels.market import Floats, Market, Shock

Array = jax.Array

CUMULANTS = 1e-3
"""|1 - sigma| below which the index is a series in it, which has an accurate derivative."""


class Parameters(NamedTuple):
    """What outcomes are differentiated by, in JAX; gradients come back so in NumPy."""

    tariff: Any  # [F] ad valorem rate
    sigma: Any  # [K]
    eta: Any  # [K]
    epsilon: Any  # [X] 0 where infinite


class Equilibrium(NamedTuple):
    """Logs of new over base; 0 where a country has no market, a flow is excluded."""

    log_price: Array  # [X]
    log_index: Array  # [M]
    log_quantity: Array  # [F]


Outcome = Callable[[Equilibrium, Parameters], Array]


def gradient(
    market: Market, shock: Shock, tariff: Floats, log_price: Floats, outcome: Outcome
) -> tuple[float, Parameters]:
    """Differentiate a scalar of the equilibrium.

    Parameters
    ----------
    market : Market
        Without a nest.
    shock : Shock
        Without instruments. What of ``log_cost`` is not the tariff stays as it is.
    tariff : float64 [F]
        Rates in force, part of ``log_cost``.
    log_price : float64 [X]
        The solution under ``shock``; NaN without a market.
    outcome : callable
        Of the equilibrium and the parameters, in JAX.

    Returns
    -------
    float
        The outcome.
    Parameters
        NumPy arrays: its derivatives; 0 for epsilon where supply is infinite.
    """
    finite = np.isfinite(market.epsilon)
    with float64():
        price = jnp.asarray(np.where(finite, np.nan_to_num(log_price), 0.0))
        at = Parameters(
            tariff=jnp.asarray(tariff),
            sigma=jnp.asarray(market.sigma),
            eta=jnp.asarray(market.eta),
            epsilon=jnp.asarray(np.where(finite, market.epsilon, 0.0)),
        )
        other = jnp.asarray(np.where(shock.admitted, shock.log_cost - np.log1p(tariff), 0.0))

        def value(x: Array, theta: Parameters) -> Array:
            return outcome(_evaluate(market, shock, other, x, theta)[0], theta)

        def excess(theta: Parameters) -> Array:
            return _evaluate(market, shock, other, price, theta)[1]

        found, (by_price, direct) = jax.value_and_grad(value, argnums=(0, 1))(price, at)
        weight = _adjoint(market, shock, np.asarray(price), np.asarray(by_price))
        (through,) = jax.vjp(excess, at)[1](jnp.asarray(weight))
        pairs = zip(direct, through, strict=True)
        return float(found), Parameters(*(np.asarray(one - two) for one, two in pairs))


def _evaluate(
    market: Market, shock: Shock, other: Array, price: Array, theta: Parameters
) -> tuple[Equilibrium, Array]:
    """The equilibrium's logs and log excess demand [X], 0 where no price adjusts."""
    per_flow, per_importer = np.diff(market.flow_ptr), np.diff(market.importer_ptr)
    of_flow = np.repeat(np.arange(per_flow.size), per_flow)
    of_importer = np.repeat(np.arange(per_flow.size), per_importer)
    admitted = jnp.asarray(shock.admitted)
    row, column = market.flow_exporter, market.flow_importer
    size = shock.log_demand.size
    delivered = jnp.where(admitted, price[row] + other + jnp.log1p(theta.tariff), 0.0)
    power = 1 - theta.sigma[of_importer]
    index = _log_index(market, shock, delivered, power, size)
    sigma, eta = theta.sigma[of_flow], theta.eta[of_flow]
    quantity = -sigma * delivered + (sigma - eta) * index[column] + shock.log_demand[column]
    quantity = jnp.where(admitted, quantity, 0.0)
    rows = market.epsilon.size
    sales = jax.ops.segment_sum(
        jnp.where(admitted, market.sales_share * jnp.exp(quantity), 0.0), row, rows
    )
    free = _free(market, shock)
    sales = jnp.log(jnp.where(free, sales, 1.0))
    excess = jnp.where(free, sales - shock.log_supply - theta.epsilon * price, 0.0)
    return Equilibrium(price, index, quantity), excess


def _log_index(market: Market, shock: Shock, delivered: Array, power: Array, size: int) -> Array:
    column = market.flow_importer
    share = np.where(shock.admitted, market.share, 0.0)
    kept = np.bincount(column, share, size)
    lost = np.bincount(column, market.share - share, size)
    inside = share / np.where(kept > 0, kept, 1.0)[column]

    def mean(values: Array) -> Array:
        return jax.ops.segment_sum(inside * values, column, size)

    near = jnp.abs(power) < CUMULANTS
    safe = jnp.where(near, 1.0, power)
    exponent = safe[column] * delivered
    top = jax.ops.segment_max(jax.lax.stop_gradient(exponent), column, size)
    total = mean(jnp.exp(exponent - top[column]))
    far = (jnp.log(jnp.where(kept > 0, total, 1.0)) + top) / safe
    centre = mean(delivered)
    off = delivered - centre[column]
    second, third, fourth = mean(off**2), mean(off**3), mean(off**4)
    series = centre + power * second / 2 + power**2 * third / 6
    series += power**3 * (fourth - 3 * second**2) / 24
    log_kept = np.log(np.where(kept > 0, kept / np.where(kept > 0, kept + lost, 1.0), 1.0))
    missing = (lost > 0) & (kept > 0)
    without = log_kept / jnp.where(missing, power, 1.0)
    return jnp.where(kept > 0, jnp.where(near, series, far), 0.0) + jnp.where(missing, without, 0.0)


def _free(market: Market, shock: Shock) -> np.ndarray:
    """Exporters whose price adjusts, [X]."""
    sold = np.bincount(market.flow_exporter[shock.admitted], minlength=market.epsilon.size) > 0
    return sold & np.isfinite(market.epsilon)


def _adjoint(market: Market, shock: Shock, price: Floats, by_price: Floats) -> Floats:
    """Weights of the excess demands [X]: ``J' lambda = O_x`` for every product that O sees."""
    free = _free(market, shock)
    weight = np.zeros(price.size)
    seen = np.flatnonzero(free & (by_price != 0))
    products = np.unique(np.searchsorted(market.exporter_ptr, seen, side="right") - 1)
    for product in products.tolist():
        block = block_of(market, shock, product)
        _, exporters, _ = ranges(market, product)
        rows = np.flatnonzero(free[exporters])
        matrix = newton.demand_jacobian(block, *newton.new_splits(block, price[exporters]))
        matrix = matrix[np.ix_(rows, rows)]
        matrix[np.diag_indices_from(matrix)] -= block.epsilon[rows]
        side = by_price[exporters][rows]
        weight[exporters.start + rows] = np.linalg.solve(matrix.T, side)
    return weight
