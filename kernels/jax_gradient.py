"""Gradients at an equilibrium, by the implicit function theorem.

Unknowns u solve ``E(u, theta) = 0`` for the parameters theta while the same limits hold, so a
scalar outcome O has::

    dO/dtheta = O_theta - lambda E_theta,    J' lambda = O_u,    J = E_u

O_u, O_theta and the product with E_theta come from JAX's reverse mode over the equations of
:mod:`.jax_equilibrium`, flow by flow; J is written out, product by product. Nothing is solved
again, whatever the number of parameters. Source: the adjoint method.

Importing this module imports JAX.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from tradewedge.kernels import instruments as ins
from tradewedge.kernels.dense import ranges
from tradewedge.kernels.jax_equilibrium import (
    Equilibrium,
    Parameters,
    Unknowns,
    evaluate,
    parameters,
)
from tradewedge.kernels.jax_runtime import float64
from tradewedge.kernels.market import Floats, Ints, KernelSolution
from tradewedge.kernels.regimes import Setting

Array = jax.Array
Outcome = Callable[[Equilibrium, Parameters], Array]


def gradient(
    setting: Setting, solution: KernelSolution, outcome: Outcome
) -> tuple[float, Parameters]:
    """Differentiate a scalar of the equilibrium.

    Parameters
    ----------
    setting : Setting
        A market without nests, its regimes without kinks.
    solution : KernelSolution
        Under the setting's shock; NaN prices without a market.
    outcome : callable
        Of the equilibrium and the parameters, in JAX.

    Returns
    -------
    float
        The outcome.
    Parameters
        NumPy arrays: its derivatives; 0 for what there is none of. NaN where the equilibrium is
        not locally unique.
    """
    known = Unknowns(
        price=np.where(np.isfinite(solution.log_price), solution.log_price, 0.0),
        paid=setting.regimes.paid,
        premium=solution.log_shadow,
    )
    with float64():
        at = Unknowns(*map(jnp.asarray, known))
        theta = Parameters(*map(jnp.asarray, parameters(setting)))

        def value(unknowns: Unknowns, theta: Parameters) -> tuple[Array, Equilibrium]:
            found = evaluate(setting, unknowns, theta)[0]
            return outcome(found, theta), found

        def residuals(theta: Parameters) -> Unknowns:
            return evaluate(setting, at, theta)[1]

        differentiated = jax.value_and_grad(value, argnums=(0, 1), has_aux=True)
        (number, found), (by_unknown, direct) = differentiated(at, theta)
        weight = _adjoint(setting, known, found, Unknowns(*map(np.asarray, by_unknown)))
        (through,) = jax.vjp(residuals, theta)[1](Unknowns(*map(jnp.asarray, weight)))
        pairs = zip(direct, through, strict=True)
        return float(number), Parameters(*(np.asarray(one - two) for one, two in pairs))


def _adjoint(setting: Setting, at: Unknowns, found: Equilibrium, by: Unknowns) -> Unknowns:
    """Weights of the residuals: ``J' lambda = O_u`` for every product that O sees."""
    market, regimes = setting.market, setting.regimes
    log_index, log_quantity = np.asarray(found.log_index), np.asarray(found.log_quantity)
    weight = Unknowns(*(np.zeros_like(part) for part in at))
    group_product = np.full(regimes.binding.size, -1)
    group_product[setting.group_of] = setting.flow_product[setting.given.group_flow]
    seen = np.zeros(market.sigma.size, np.bool_)
    exporter_product = np.repeat(np.arange(seen.size), np.diff(market.exporter_ptr))
    seen[exporter_product[regimes.free & (by.price != 0)]] = True
    seen[setting.flow_product[regimes.at_quota & (by.paid != 0)]] = True
    seen[group_product[regimes.binding & (by.premium != 0)]] = True
    for product in np.flatnonzero(seen).tolist():
        flows, exporters, _ = ranges(market, product)
        rows = Unknowns(
            price=np.flatnonzero(regimes.free[exporters]) + exporters.start,
            paid=np.flatnonzero(regimes.at_quota[flows]) + flows.start,
            premium=np.flatnonzero(regimes.binding & (group_product == product)),
        )
        matrix = _jacobian(setting, product, at, rows, log_index, log_quantity)
        side = np.concatenate([part[of] for part, of in zip(by, rows, strict=True)])
        try:
            solved = np.linalg.solve(matrix.T, side)
        except np.linalg.LinAlgError:
            solved = np.full(side.size, np.nan)
        ends = np.cumsum([of.size for of in rows])[:-1]
        for part, of, values in zip(weight, rows, np.split(solved, ends), strict=True):
            part[of] = values
    return weight


def _jacobian(
    setting: Setting,
    product: int,
    at: Unknowns,
    rows: Unknowns,
    log_index: Floats,
    log_quantity: Floats,
) -> Floats:
    """Derivatives of one product's residuals by its unknowns [u, u]: prices, quotas, groups."""
    market, given, regimes = setting.market, setting.given, setting.regimes
    flows, exporters, importers = ranges(market, product)
    sigma, eta = market.sigma[product], market.eta[product]
    here = np.flatnonzero(regimes.admitted[flows]) + flows.start
    place = np.full(flows.stop - flows.start, -1)
    place[here - flows.start] = np.arange(here.size)
    n, prices, quotas = here.size, rows.price.size, rows.paid.size
    unknowns = prices + quotas + rows.premium.size
    entries = _entries(setting, rows.premium, place, flows.start)
    # Delivered prices by unknowns [n, u].
    number = np.full(exporters.stop - exporters.start, -1)
    number[rows.price - exporters.start] = np.arange(prices)
    of = number[market.flow_exporter[here] - exporters.start]
    passed = np.where(regimes.at_quota[here], 0.0, regimes.passed[here])
    by = np.zeros((n, unknowns))
    moved = np.flatnonzero(of >= 0)
    by[moved, of[moved]] = passed[moved]
    for group, (members, _) in enumerate(entries):
        by[members, prices + quotas + group] = passed[members]
    bound = place[rows.paid - flows.start]
    by[bound, prices + np.arange(quotas)] = 1.0
    # Quantities by unknowns, through the flow's own price and its importer's index.
    column = market.flow_importer[here] - importers.start
    spent = np.zeros((importers.stop - importers.start, n))
    spent[column, np.arange(n)] = _spending(setting, product, here, log_index, log_quantity)
    moves = -sigma * by + (sigma - eta) * (spent @ by)[column]
    # Residuals by quantities.
    quantity = np.exp(log_quantity[here])
    sales = np.zeros((prices, n))
    sales[of[moved], moved] = (market.sales_share[here] * quantity)[moved]
    use = np.zeros((rows.premium.size, n))
    for group, (members, share) in enumerate(entries):
        use[group, members] = share * quantity[members]
    kept = [part / part.sum(axis=1, keepdims=True) for part in (sales, use)]
    matrix = np.vstack([kept[0] @ moves, moves[bound], kept[1] @ moves])
    slope = ins.log_supply(
        at.price[rows.price],
        np.where(np.isfinite(market.epsilon), market.epsilon, 0.0)[rows.price],
        np.zeros(prices),
        *(part[rows.price] for part in (given.strike, given.covered, given.upside)),
    )[1]
    own = np.arange(prices)
    matrix[own, own] -= np.where(regimes.full[rows.price], 0.0, slope)
    return matrix


def _entries(setting: Setting, groups: Ints, place: Ints, first: int) -> list[tuple[Ints, Floats]]:
    """Flows that are left of each group, as places in the product, and their weights."""
    given, out = setting.given, []
    for group in groups.tolist():
        rows = slice(given.group_ptr[group], given.group_ptr[group + 1])
        members, weight = place[given.group_flow[rows] - first], given.group_weight[rows]
        some = (members >= 0) & (weight > 0)
        out.append((members[some], weight[some]))
    return out


def _spending(
    setting: Setting, product: int, flows: Ints, log_index: Floats, log_quantity: Floats
) -> Floats:
    """Share of each flow in its importer's spending."""
    market = setting.market
    sigma, eta = market.sigma[product], market.eta[product]
    column = market.flow_importer[flows]
    index, demand = log_index[column], setting.shock.log_demand[column]
    delivered = ((sigma - eta) * index + demand - log_quantity[flows]) / sigma
    share: Floats = market.share[flows] * np.exp((1 - sigma) * (delivered - index))
    return share
