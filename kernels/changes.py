"""What a scenario changes, by the rows that it touches: memory in proportion to those."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tradewedge.kernels.market import Bools, Floats, Instruments, Ints, Market, Shock


@dataclass(frozen=True, eq=False)
class Changes:
    """A :class:`Shock` without the rows that stay as they are.

    Attributes
    ----------
    flow : int64 [n]
        Flow rows, ascending.
    log_cost : float64 [n]
        As in a shock; inf where the flow is excluded, NaN where a shock has an infinite cost.
    exporter, importer : int64 [...]
        Exporter (importer) rows, ascending.
    log_supply, log_demand : float64 [...]
        Their shifters.
    instruments : Instruments or None
    """

    flow: Ints
    log_cost: Floats
    exporter: Ints
    log_supply: Floats
    importer: Ints
    log_demand: Floats
    instruments: Instruments | None = None

    @classmethod
    def of(cls, shock: Shock) -> "Changes":
        """The rows where a shock is not 0."""
        flow = np.flatnonzero((shock.log_cost != 0) | ~shock.admitted)
        cost = shock.log_cost[flow]
        cost = np.where(shock.admitted[flow], np.where(np.isinf(cost), np.nan, cost), np.inf)
        exporter, importer = np.flatnonzero(shock.log_supply), np.flatnonzero(shock.log_demand)
        return cls(
            flow=flow,
            log_cost=cost,
            exporter=exporter,
            log_supply=shock.log_supply[exporter],
            importer=importer,
            log_demand=shock.log_demand[importer],
            instruments=shock.instruments,
        )

    def products(self, market: Market) -> Bools:
        """Products [K] with a row among these."""
        touched = np.zeros(len(market.sigma), np.bool_)
        for rows, ptr in (
            (self.flow, market.flow_ptr),
            (self.exporter, market.exporter_ptr),
            (self.importer, market.importer_ptr),
        ):
            touched |= np.diff(np.searchsorted(rows, ptr)) > 0
        return touched

    def shock(self, market: Market) -> Shock:
        """Write the changes out for every row of a market."""
        excluded = np.isposinf(self.log_cost)
        admitted = np.ones(len(market.share), np.bool_)
        admitted[self.flow[excluded]] = False
        cost = np.where(excluded, 0.0, self.log_cost)
        return Shock(
            log_cost=_filled(len(market.share), self.flow, cost),
            admitted=admitted,
            log_supply=_filled(len(market.epsilon), self.exporter, self.log_supply),
            log_demand=_filled(int(market.importer_ptr[-1]), self.importer, self.log_demand),
            instruments=self.instruments,
        )


class Stack(NamedTuple):
    """The changes of S scenarios end to end, product by product.

    Attributes
    ----------
    flow_ptr, exporter_ptr, importer_ptr : int64 [S, K + 1]
        Where each scenario's and product's changes are in the arrays below.
    flow, exporter, importer : int64
    log_cost, log_supply, log_demand : float64
    """

    flow_ptr: Ints
    flow: Ints
    log_cost: Floats
    exporter_ptr: Ints
    exporter: Ints
    log_supply: Floats
    importer_ptr: Ints
    importer: Ints
    log_demand: Floats


def stack(market: Market, several: Sequence[Changes]) -> Stack:
    """Put the changes of some scenarios end to end."""
    return Stack(
        *_end_to_end(market.flow_ptr, [(one.flow, one.log_cost) for one in several]),
        *_end_to_end(market.exporter_ptr, [(one.exporter, one.log_supply) for one in several]),
        *_end_to_end(market.importer_ptr, [(one.importer, one.log_demand) for one in several]),
    )


def _end_to_end(row_ptr: Ints, entries: Sequence[tuple[Ints, Floats]]) -> tuple[Ints, Ints, Floats]:
    """Pointers [S, K + 1], rows and values."""
    before = np.cumsum([0, *(len(rows) for rows, _ in entries)])
    pointers = [
        start + np.searchsorted(rows, row_ptr)
        for start, (rows, _) in zip(before.tolist(), entries, strict=False)
    ]
    return (
        np.stack(pointers),
        np.concatenate([rows for rows, _ in entries]),
        np.concatenate([values for _, values in entries]),
    )


def _filled(size: int, rows: Ints, values: Floats) -> Floats:
    made = np.zeros(size)
    made[rows] = values
    return made


def calm_shock(market: Market) -> Shock:
    """Return a shock that changes nothing."""
    return Shock(
        log_cost=np.zeros(len(market.share)),
        admitted=np.ones(len(market.share), np.bool_),
        log_supply=np.zeros(len(market.epsilon)),
        log_demand=np.zeros(int(market.importer_ptr[-1])),
    )
