"""Which products under instruments the CUDA kernel is given, and what they take on the device."""

import numpy as np

from tradewedge.kernels.layout import touched_products
from tradewedge.kernels.market import Bools, Instruments, Ints, Market, Shock

FLOW_BYTES = 76
"""Of one treated flow in what a scenario puts on the device."""
LIMIT_ROW_BYTES = 28
LIMIT_BYTES = 40
ROW_BYTES = 52
"""Of one exporter or importer row of a product under instruments, at most."""
PRODUCT_BYTES = 96


def of_product(ptr: Ints, rows: Ints) -> Ints:
    """Product of each row."""
    product: Ints = np.searchsorted(ptr, rows, side="right") - 1
    return product


def hit(ptr: Ints, rows: Bools) -> Bools:
    """Products [K] with a row that is marked."""
    found: Bools = np.bincount(of_product(ptr, np.flatnonzero(rows)), minlength=len(ptr) - 1) > 0
    return found


def on_flows(given: Instruments) -> Bools:
    """Flows [F] with an instrument of their own."""
    mine: Bools = (given.specific != 0) | (given.floor > 0) | ~np.isposinf(given.quota)
    return mine


def on_supply(given: Instruments) -> Bools:
    """Exporters [X] with a capacity or a contract for differences."""
    mine: Bools = ~np.isposinf(given.capacity) | _contracts(given)
    return mine


def _contracts(given: Instruments) -> Bools:
    mine: Bools = (given.strike > 0) & (given.covered > 0)
    return mine


def _in_groups(given: Instruments, groups: Bools) -> Bools:
    """Flows [F] in one of the groups [G] that are marked."""
    flows = np.zeros(len(given.quota), np.bool_)
    flows[given.group_flow[np.repeat(groups, np.diff(given.group_ptr))]] = True
    return flows


def solvable(market: Market, shock: Shock, given: Instruments) -> Bools:
    """Products [K] with instruments that the kernel is given; the others are the host's.

    Not those with a nest, with numbers that cannot be used, or with limits on quantity where eta
    is 0: there the host looks for proofs that no solution exists.
    """
    touched = np.zeros(len(market.sigma), np.bool_)
    touched[touched_products(market, shock)] = True
    any_group = np.ones(len(given.group_limit), np.bool_)
    limits = hit(market.flow_ptr, ~np.isposinf(given.quota) | _in_groups(given, any_group))
    limits |= hit(market.exporter_ptr, ~np.isposinf(given.capacity))
    proofs = (market.eta == 0) & limits
    able: Bools = touched & ~market.nested & ~proofs & ~_unusable(market, given)
    return able


def _unusable(market: Market, given: Instruments) -> Bools:
    """Products [K] with a number that cannot be used: not :func:`.layout.is_valid`."""
    rows = ~((given.group_weight >= 0) & np.isfinite(given.group_weight))
    groups = ~((given.group_limit >= 0) & (given.group_beyond >= 0)) | hit(given.group_ptr, rows)
    flows = ~((given.quota >= 0) & (given.beyond_quota >= 0)) | _in_groups(given, groups)
    for part in (given.specific, given.floor, given.dispersion):
        flows |= ~((part >= 0) & np.isfinite(part))
    makers = ~((given.capacity >= 0) & (given.strike >= 0) & np.isfinite(given.strike))
    makers |= _contracts(given) & np.isposinf(market.epsilon)
    for part in (given.covered, given.upside):
        makers |= ~((part >= 0) & (part <= 1))
    return hit(market.flow_ptr, flows) | hit(market.exporter_ptr, makers)


def needed(market: Market, shock: Shock, given: Instruments) -> Ints:
    """Bytes [K] that the instruments of each product take on the device, at most."""
    any_group = np.ones(len(given.group_limit), np.bool_)
    flows = np.flatnonzero(on_flows(given) | _in_groups(given, any_group))
    first = given.group_flow[given.group_ptr[:-1][np.diff(given.group_ptr) > 0]]
    touched = touched_products(market, shock)
    countries = np.diff(market.exporter_ptr) + np.diff(market.importer_ptr)
    bytes_ = np.zeros(len(market.sigma), np.int64)
    bytes_[touched] = ROW_BYTES * countries[touched] + PRODUCT_BYTES
    for rows, size in (
        (flows, FLOW_BYTES),
        (given.group_flow, LIMIT_ROW_BYTES),
        (first, LIMIT_BYTES),
    ):
        bytes_ += size * np.bincount(of_product(market.flow_ptr, rows), minlength=bytes_.size)
    return bytes_
