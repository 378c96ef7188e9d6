"""Outcomes of one country as functions of an equilibrium, in JAX; equations as in ``outcomes``.

Importing this module imports JAX.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.ops import segment_sum
from numpy.typing import NDArray

from tradewedge.kernels.jax_equilibrium import Equilibrium, Parameters
from tradewedge.policy.wedges import Owners
from tradewedge.solvedcase import Case

Array = jax.Array
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Money:
    """Thousand USD by flow [F]."""

    producer: Array  # at producer prices
    border: Array
    duties: Array  # and levies: what the importing treasury takes
    importer_rent: Array
    exporter_rent: Array


def outcome(case: Case, kind: str, country: int, at: Equilibrium, theta: Parameters) -> Array:
    """A number of one country; see :class:`tradewedge.Outcome`."""
    world = case.world
    if kind == "price_index":
        weight = np.where(world.importer_country == country, world.expenditure, 0.0)
        return jnp.sum(weight / weight.sum() * jnp.exp(at.log_index))
    mine = world.flow_importer == country
    money = _money(case, at, theta)
    abroad = jnp.where(mine & ~world.home, money.border, 0.0)
    if kind == "imports":
        return jnp.sum(abroad)
    if kind == "hhi":
        supplied = segment_sum(abroad, world.flow_exporter, len(world.countries))
        return jnp.sum((supplied / jnp.sum(supplied)) ** 2)
    revenue = jnp.sum(jnp.where(mine, money.duties, 0.0))
    if kind == "revenue":
        return revenue
    surplus = _consumer_surplus(case, country, at, theta)
    if kind == "consumer_surplus":
        return surplus
    sells = world.flow_exporter == country
    taxes = jnp.sum(jnp.where(sells, money.producer * case.export_tax, 0.0))
    rents = jnp.where(mine, money.importer_rent, 0.0) + jnp.where(sells, money.exporter_rent, 0.0)
    before = float(np.sum(world.value * world.tariff_base, where=mine))
    net = surplus + revenue - before + taxes + jnp.sum(rents) - _support(case, country, at)
    if world.observed_importers is not None:
        return net
    return net + _producer_surplus(case, country, at, theta)


def _money(case: Case, at: Equilibrium, theta: Parameters) -> _Money:
    world, regimes = case.world, case.setting.regimes
    quantity = jnp.where(regimes.admitted, jnp.exp(at.log_quantity), 0.0)
    producer = quantity * world.value * jnp.exp(at.log_price[world.exporter_row])
    border = producer * (1.0 + case.export_tax)
    nothing = jnp.zeros_like(border)
    if case.owners is None:
        return _Money(producer, border, border * case.trade_cost * theta.tariff, nothing, nothing)
    to_exporter, to_importer, taxed, untaxed = _lifts(case, case.owners, at, theta, quantity)
    kept = to_exporter / (case.trade_cost * (1.0 + theta.tariff))
    levy = taxed / (1.0 + theta.tariff)
    border += kept
    dutiable = border * case.trade_cost + levy
    return _Money(producer, border, dutiable * theta.tariff + levy + untaxed, to_importer, kept)


def _lifts(
    case: Case, owners: Owners, at: Equilibrium, theta: Parameters, quantity: Array
) -> tuple[Array, Array, Array, Array]:
    """What buyers pay on top, by whom it goes to: exporters, importers, the treasury.

    The last twice: as part of what ad valorem duty is charged on, and not. As
    :func:`tradewedge.outcomes.lifts.lifts`.
    """
    paid = case.world.duty_paid
    sold, within = paid * quantity, paid * at.in_quota
    untaxed = theta.specific * sold + at.quota_rent * (sold - within)
    quota, levy = at.quota_rent * within, at.levy * sold
    abroad, lifted = owners.quota_rent_to_exporter, owners.floor_rent_to_exporter
    to_exporter = jnp.where(abroad, quota, 0.0) + jnp.where(lifted, levy, 0.0)
    to_importer = jnp.where(abroad, 0.0, quota)
    taxed = jnp.where(~lifted & owners.floor_taxed, levy, 0.0)
    untaxed += jnp.where(~lifted & ~owners.floor_taxed, levy, 0.0)

    given, entry = case.setting.given, case.setting.group_of
    flow, size = given.group_flow, sold.size
    total = segment_sum(at.premium[entry], flow, size)[flow]
    share = at.premium[entry] / jnp.where(total > 0, total, 1.0)
    group = at.group_rent[flow] * sold[flow] * share
    holds = np.array([one.rent != "importer" for one in owners.groups], np.bool_)[entry]
    rent = group * at.within[entry]
    to_exporter += segment_sum(jnp.where(holds, rent, 0.0), flow, size)
    to_importer += segment_sum(jnp.where(holds, 0.0, rent), flow, size)
    untaxed += segment_sum(group - rent, flow, size)
    return to_exporter, to_importer, taxed, untaxed


def _consumer_surplus(case: Case, country: int, at: Equilibrium, theta: Parameters) -> Array:
    world = case.world
    spent = np.where(world.importer_country == country, world.expenditure, 0.0)
    demand = spent * np.exp(case.setting.shock.log_demand)
    return -jnp.sum(demand * _area(theta.eta[world.importer_product], at.log_index))


def _area(eta: Array, log_index: Array) -> Array:
    """``(P^(1 - eta) - 1) / (1 - eta)`` with an accurate derivative at eta = 1."""
    power = 1.0 - eta
    near = jnp.abs(power) < 1e-4
    safe = jnp.where(near, 1.0, power)
    y = power * log_index
    series = log_index * (1 + y / 2 * (1 + y / 3 * (1 + y / 4)))
    return jnp.where(near, series, jnp.expm1(safe * log_index) / safe)


def _sold(case: Case) -> NDArray[np.bool_]:
    """Exporters [X] with a market left."""
    row = case.world.exporter_row[case.setting.shock.admitted]
    made: NDArray[np.bool_] = np.bincount(row, minlength=case.world.epsilon.size) > 0
    return made


def _support(case: Case, country: int, at: Equilibrium) -> Array:
    """What contracts for differences cost the producing country."""
    if case.owners is None:
        return jnp.zeros(())
    mine = (case.owners.cfd_measure >= 0) & (case.world.exporter_country == country) & _sold(case)
    paid = case.world.exporter_sales * at.output[0] * (at.receipt - jnp.exp(at.log_price))
    return jnp.sum(jnp.where(mine, paid, 0.0))


def _producer_surplus(case: Case, country: int, at: Equilibrium, theta: Parameters) -> Array:
    """As :func:`tradewedge.outcomes.surplus.producer_surplus`."""
    world = case.world
    finite = np.isfinite(world.epsilon)
    margin = 1.0 - theta.epsilon / (1.0 + theta.epsilon) * at.marginal_cost
    earned = at.output[0] * at.receipt + at.output[1] * jnp.exp(at.log_price)
    change = jnp.where(_sold(case), earned * margin, 0.0) - 1.0 / (1.0 + theta.epsilon)
    mine = finite & (world.exporter_country == country)
    return jnp.sum(jnp.where(mine, world.exporter_sales * change, 0.0))
