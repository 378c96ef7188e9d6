"""From solved prices to every flow: delivered price, quantity, output, for all products at once."""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels.flows_cpu import price_and_quantity
from tradewedge.kernels.instruments import effectively_admitted
from tradewedge.kernels.market import Bools, Floats, KernelSolution, Market, Shock, row_sums
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
    if np.isnan(market.sigma_home).all():
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
    """Delivered price and quantity where some product has a nest of home sales; [F]."""
    log_delivered = found.log_price[market.flow_exporter] + shock.log_cost
    log_delivered = np.where(admitted, log_delivered, np.nan)
    log_quantity = _log_quantity(market, shock, found, log_delivered)
    # Behind a floor a producer price may be next to 0, with a quantity here that is replaced later.
    with np.errstate(over="ignore" if shock.instruments else "warn"):
        return np.exp(log_delivered), np.where(admitted, np.exp(log_quantity), 0.0)


def _log_quantity(
    market: Market, shock: Shock, found: KernelSolution, log_delivered: Floats
) -> Floats:
    """ln q = -sigma ln p_ij + (sigma - eta) ln P_j + ln D_j, or its nested form; [F]."""
    per_product = np.diff(market.flow_ptr)
    sigma, eta, upper = (
        np.repeat(x, per_product) for x in (market.sigma, market.eta, market.sigma_home)
    )
    row = market.flow_importer
    index, demand = found.log_index[row], shock.log_demand[row]
    log_q: Floats = -sigma * log_delivered + (sigma - eta) * index + demand
    nested = ~np.isnan(upper)
    if not nested.any():
        return log_q
    bundle = _log_import_index(market, log_delivered, sigma, shock.log_demand.size)[row]
    imports = -sigma * log_delivered + (sigma - upper) * bundle + (upper - eta) * index + demand
    home = -upper * log_delivered + (upper - eta) * index + demand
    return np.where(nested, np.where(market.home, home, imports), log_q)


def _log_import_index(market: Market, log_delivered: Floats, sigma: Floats, size: int) -> Floats:
    """Log price index of the bundle of imports of each importer row, [M]; NaN without any."""
    row = market.flow_importer
    there = ~market.home & ~np.isnan(log_delivered)
    price = np.where(there, log_delivered, 0.0)
    share = np.where(there, market.share, 0.0)
    kept = row_sums(row, share, size)
    base = row_sums(row, np.where(market.home, 0.0, market.share), size)
    power = np.zeros(size)
    power[row] = 1.0 - sigma
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = share / kept[row]
        mean = row_sums(row, weight * price, size)
        exponent = np.where(there, power[row] * (price - mean[row]), -np.inf)
        top = np.full(size, -np.inf)
        np.maximum.at(top, row, exponent)
        # Around the mean the sum of w expm1() is of second order: exact down to sigma = 1. Where
        # it could overflow, the largest term is taken out instead.
        small = np.log1p(row_sums(row, weight * np.expm1(np.minimum(exponent, 1.0)), size))
        large = top + np.log(row_sums(row, weight * np.exp(exponent - top[row]), size))
        spread = np.where(top < 1.0, small, large)
        return mean + np.where(power == 0.0, 0.0, (spread + np.log(kept / base)) / power)


def _output(market: Market, shock: Shock, found: KernelSolution, quantity: Floats) -> Floats:
    supplied = np.isfinite(market.epsilon) & ~np.isnan(found.log_price)
    log_supply = shock.log_supply + np.where(supplied, market.epsilon, 0.0) * found.log_price
    output: Floats = np.exp(log_supply)
    if not supplied.all():
        sold = row_sums(market.flow_exporter, market.sales_share * quantity, output.size)
        output = np.where(supplied, output, sold)
    return output
