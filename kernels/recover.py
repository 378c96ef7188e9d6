"""From solved prices to every flow: delivered price, quantity, output, for all products at once."""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels.market import Floats, KernelSolution, Market, Shock


@dataclass(frozen=True, eq=False)
class Recovered:
    """Ratios to the baseline that follow from a :class:`KernelSolution`.

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
    """

    delivered: Floats
    quantity: Floats
    output: Floats
    composite: Floats


def recover(market: Market, shock: Shock, found: KernelSolution) -> Recovered:
    """Evaluate demand and supply at the solved prices (model equations of docs/model.md)."""
    log_delivered = found.log_price[market.flow_exporter] + shock.log_cost
    log_delivered = np.where(shock.admitted, log_delivered, np.nan)
    eta = np.repeat(market.eta, np.diff(market.importer_ptr))
    quantity = np.nan_to_num(np.exp(_log_quantity(market, shock, found, log_delivered)), nan=0.0)
    return Recovered(
        delivered=np.exp(log_delivered),
        quantity=quantity,
        output=_output(market, shock, found, quantity),
        composite=np.nan_to_num(np.exp(shock.log_demand - eta * found.log_index), nan=0.0),
    )


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
    foreign = np.where(market.home, 0.0, market.share)
    base = np.bincount(row, foreign, size)
    sigma_of = np.ones(size)
    sigma_of[row] = sigma
    powers = np.nan_to_num(np.exp((1.0 - sigma) * log_delivered), nan=0.0)
    mean_log = np.bincount(row, foreign * np.nan_to_num(log_delivered, nan=0.0), size)
    with np.errstate(divide="ignore", invalid="ignore"):
        ces = np.log(np.bincount(row, foreign * powers, size) / base) / (1.0 - sigma_of)
        return np.where(sigma_of == 1.0, mean_log / base, ces)


def _output(market: Market, shock: Shock, found: KernelSolution, quantity: Floats) -> Floats:
    size = found.log_price.size
    demanded = np.bincount(market.flow_exporter, market.sales_share * quantity, size)
    supplied = np.isfinite(market.epsilon) & ~np.isnan(found.log_price)
    log_supply = shock.log_supply[supplied] + market.epsilon[supplied] * found.log_price[supplied]
    demanded[supplied] = np.exp(log_supply)
    return demanded
