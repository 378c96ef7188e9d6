"""From solved prices to every flow: delivered price, quantity, output, for all products at once."""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels.flows_cpu import price_and_quantity
from tradewedge.kernels.instruments import effectively_admitted
from tradewedge.kernels.market import (
    Bools,
    Floats,
    Ints,
    KernelSolution,
    Market,
    Shock,
    row_sums,
)
from tradewedge.kernels.rents import Rents, overlay


@dataclass(frozen=True, eq=False)
class Recovered:
    """Ratios to the baseline that follow from a :class:`KernelSolution`.

    NaN throughout for a product without a solution, except what the scenario excludes.

    Attributes
    ----------
    delivered : float64 [F]
        Delivered price; NaN where the flow is excluded.
    quantity : float64 [F]
        0 where the flow is excluded.
    output : float64 [X]
        Supply ``Z p^epsilon``; for infinite epsilon what is demanded; 0 without a market.
    composite : float64 [M]
        ``P^(-eta) D``; 0 without a supplier.
    rents : Rents or None
        What instruments add to delivered prices and to what producers get; None where the
        scenario has none.
    """

    delivered: Floats
    quantity: Floats
    output: Floats
    composite: Floats
    rents: Rents | None


def recover(market: Market, shock: Shock, found: KernelSolution) -> Recovered:
    """Evaluate demand and supply at the solved prices (model equations of docs/model.md)."""
    admitted = effectively_admitted(market, shock)
    everything = bool(admitted.all())
    if not market.nested.any():
        delivered, quantity = price_and_quantity(market, shock, found, admitted)
    else:
        delivered, quantity = _nested(market, shock, found, admitted)
    output = _output(market, shock, found, quantity)
    rents = None
    if shock.instruments is not None:
        rents = overlay(market, shock, found, delivered, quantity, output)
    eta = np.repeat(market.eta, np.diff(market.importer_ptr))
    composite = np.exp(shock.log_demand - eta * found.log_index)
    if not everything:
        buyers = found.log_index.size
        served = np.bincount(market.flow_importer[admitted], minlength=buyers) > 0
        composite = np.where(served, composite, 0.0)
    return Recovered(delivered, quantity, output, composite, rents)


def _nested(
    market: Market, shock: Shock, found: KernelSolution, admitted: Bools
) -> tuple[Floats, Floats]:
    """Delivered price and quantity where some product has a nest; [F]."""
    log_delivered = found.log_price[market.flow_exporter] + shock.log_cost
    log_delivered = np.where(admitted, log_delivered, np.nan)
    log_quantity = _log_quantity(market, shock, found, log_delivered)
    # Behind a floor a producer price may be next to 0, with a quantity here that is replaced later.
    with np.errstate(over="ignore" if shock.instruments else "warn"):
        return np.exp(log_delivered), np.where(admitted, np.exp(log_quantity), 0.0)


def _log_quantity(
    market: Market, shock: Shock, found: KernelSolution, log_delivered: Floats
) -> Floats:
    """ln q of the equations, with either nest or none; [F]."""
    per_product = np.diff(market.flow_ptr)
    row, size = market.flow_importer, shock.log_demand.size
    sigma, eta = (np.repeat(x, per_product) for x in (market.sigma, market.eta))
    home_nest, between = (
        np.repeat(x, per_product) for x in (market.sigma_home, market.sigma_groups)
    )
    middle = np.where(np.isnan(between), sigma, between)
    outer = np.where(np.isnan(home_nest), middle, home_nest)
    top = (outer - eta) * found.log_index[row] + shock.log_demand[row]
    at_home = market.home & ~np.isnan(home_nest)
    # Suppliers form bundles by importer and group, these the bundle of imports.
    group = market.supplier_group[market.flow_exporter]
    count = int(group.max(initial=0)) + 1
    bundle = row * count + group
    there = ~at_home & ~np.isnan(log_delivered)
    base = np.where(at_home, 0.0, market.share)
    log_bundle = _log_mean(bundle, base, there, log_delivered, 1 - sigma, size * count)
    log_imports = log_bundle.reshape(size, count)[:, 0]
    if count > 1:
        buyer = np.arange(size * count) // count
        weight = row_sums(bundle, base, size * count)
        power = np.zeros(size)
        power[row] = 1 - middle
        log_imports = _log_mean(
            buyer, weight, ~np.isnan(log_bundle), log_bundle, power[buyer], size
        )
    imports = (sigma - middle) * log_bundle[bundle] + (middle - outer) * log_imports[row]
    return np.where(at_home, top - outer * log_delivered, top + imports - sigma * log_delivered)


def _log_mean(
    row: Ints, base: Floats, there: Bools, log_value: Floats, power: Floats, size: int
) -> Floats:
    """Log of the power mean of the values of each row; NaN where none is there.

    Parameters
    ----------
    row : int64 [n]
    base : float64 [n]
        Baseline weights; those that are not ``there`` count as lost.
    there : bool [n]
    log_value, power : float64 [n]
        One power per row.
    size : int
        Number of rows.
    """
    value = np.where(there, log_value, 0.0)
    share = np.where(there, base, 0.0)
    kept, total = row_sums(row, share, size), row_sums(row, base, size)
    of_row = np.zeros(size)
    of_row[row] = power
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = share / kept[row]
        mean = row_sums(row, weight * value, size)
        exponent = np.where(there, power * (value - mean[row]), -np.inf)
        top = np.full(size, -np.inf)
        np.maximum.at(top, row, exponent)
        # Around the mean the sum of w expm1() is of second order: exact down to sigma = 1. Where
        # it could overflow, the largest term is taken out instead.
        small = np.log1p(row_sums(row, weight * np.expm1(np.minimum(exponent, 1.0)), size))
        large = top + np.log(row_sums(row, weight * np.exp(exponent - top[row]), size))
        spread = np.where(top < 1.0, small, large)
        return mean + np.where(of_row == 0.0, 0.0, (spread + np.log(kept / total)) / of_row)


def _output(market: Market, shock: Shock, found: KernelSolution, quantity: Floats) -> Floats:
    supplied = np.isfinite(market.epsilon) & ~np.isnan(found.log_price)
    log_supply = shock.log_supply + np.where(supplied, market.epsilon, 0.0) * found.log_price
    output: Floats = np.exp(log_supply)
    if not supplied.all():
        sold = row_sums(market.flow_exporter, market.sales_share * quantity, output.size)
        output = np.where(supplied, output, sold)
    return output
