"""One product of a market and a shock as a market and a shock of their own."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tradewedge.kernels.dense import ranges
from tradewedge.kernels.market import (
    Instruments,
    Ints,
    KernelSolution,
    Market,
    Shock,
)
from tradewedge.kernels.part import Part, market_part


class Cut(NamedTuple):
    """One product.

    Attributes
    ----------
    market, shock : Market, Shock
        With copies of its rows alone, counted from 0.
    limits : int64 [g]
        The groups of its flows, as the whole shock numbers them.
    """

    market: Market
    shock: Shock
    limits: Ints


def cut(market: Market, shock: Shock, product: int) -> Cut:
    """Cut one product out; what works on it then takes time in proportion to it alone."""
    flows, exporters, importers = ranges(market, product)
    part = market_part(market, Part(slice(product, product + 1), flows, exporters, importers))
    given, limits = None, np.zeros(0, np.int64)
    if shock.instruments is not None:
        limits = _limits(market, shock.instruments, product)
        given = _instruments(shock.instruments, flows, exporters, limits)
    wedges = Shock(
        log_cost=shock.log_cost[flows],
        admitted=shock.admitted[flows],
        log_supply=shock.log_supply[exporters],
        log_demand=shock.log_demand[importers],
        instruments=given,
    )
    return Cut(part, wedges, limits)


def rows_of(solution: KernelSolution, market: Market, product: int, limits: Ints) -> KernelSolution:
    """One product's rows of a solution: what is written there is written in the whole.

    Except for ``log_shadow``, which is a copy.
    """
    _, exporters, importers = ranges(market, product)
    here = slice(product, product + 1)
    return replace(
        solution,
        log_price=solution.log_price[exporters],
        log_index=solution.log_index[importers],
        status=solution.status[here],
        iterations=solution.iterations[here],
        residual=solution.residual[here],
        error_bound=solution.error_bound[here],
        log_shadow=solution.log_shadow[limits],
    )


def _limits(market: Market, given: Instruments, product: int) -> Ints:
    """Groups on the flows of one product, all of whose flows belong to it."""
    filled = np.flatnonzero(np.diff(given.group_ptr) > 0)
    first = given.group_flow[given.group_ptr[filled]]
    inside = (first >= market.flow_ptr[product]) & (first < market.flow_ptr[product + 1])
    limits: Ints = filled[inside]
    return limits


def _instruments(given: Instruments, flows: slice, exporters: slice, limits: Ints) -> Instruments:
    sizes = np.diff(given.group_ptr)[limits]
    starts = given.group_ptr[limits]
    ptr = np.concatenate([[0], np.cumsum(sizes)])
    rows = np.arange(ptr[-1]) + np.repeat(starts - ptr[:-1], sizes)
    of_flows = ("specific", "floor", "dispersion", "quota", "beyond_quota")
    of_exporters = ("capacity", "strike", "covered", "upside")
    return Instruments(
        **{name: getattr(given, name)[flows] for name in of_flows},
        **{name: getattr(given, name)[exporters] for name in of_exporters},
        group_ptr=ptr,
        group_flow=given.group_flow[rows] - flows.start,
        group_weight=given.group_weight[rows],
        group_limit=given.group_limit[limits],
        group_beyond=given.group_beyond[limits],
    )
