"""What a scenario changes, by the rows that it touches: memory in proportion to those."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.columns import among, merged
from tradewedge.kernels.market import Bools, Floats, Ints, Market, Shock
from tradewedge.kernels.part import Part, product_of, renumbered
from tradewedge.kernels.thin import Thin


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
    instruments : Thin or None
    """

    flow: Ints
    log_cost: Floats
    exporter: Ints
    log_supply: Floats
    importer: Ints
    log_demand: Floats
    instruments: Thin | None = None

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
            instruments=None if shock.instruments is None else Thin.of(shock.instruments),
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

    def part(self, part: Part) -> "Changes":
        """Those of a range of products, rows counted from its start."""
        flow, exporter, importer = (
            among(rows, wanted)
            for rows, wanted in (
                (self.flow, part.flows),
                (self.exporter, part.exporters),
                (self.importer, part.importers),
            )
        )
        return Changes(
            flow=self.flow[flow] - part.flows.start,
            log_cost=self.log_cost[flow],
            exporter=self.exporter[exporter] - part.exporters.start,
            log_supply=self.log_supply[exporter],
            importer=self.importer[importer] - part.importers.start,
            log_demand=self.log_demand[importer],
            instruments=self.instruments and self.instruments.part(part),
        )

    def among(self, market: Market, products: Ints) -> "Changes":
        """Those of some products, for :func:`.part.some_products`.

        Those hold all products with instruments.
        """
        flow, exporter, importer = (
            np.isin(product_of(ptr, rows), products)
            for rows, ptr in (
                (self.flow, market.flow_ptr),
                (self.exporter, market.exporter_ptr),
                (self.importer, market.importer_ptr),
            )
        )
        return Changes(
            flow=renumbered(self.flow[flow], market.flow_ptr, products),
            log_cost=self.log_cost[flow],
            exporter=renumbered(self.exporter[exporter], market.exporter_ptr, products),
            log_supply=self.log_supply[exporter],
            importer=renumbered(self.importer[importer], market.importer_ptr, products),
            log_demand=self.log_demand[importer],
            instruments=self.instruments and self.instruments.among(market, products),
        )

    def without(self, flows: Ints) -> "Changes":
        """The same without instruments, and with some flows excluded, ascending."""
        flow, cost = merged(self.flow, self.log_cost, flows, np.full(flows.size, np.inf))
        return replace(self, flow=flow, log_cost=cost, instruments=None)

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
            instruments=None
            if self.instruments is None
            else self.instruments.full(len(market.share), len(market.epsilon)),
        )


class Stack(NamedTuple):
    """The changes of S scenarios as compiled code reads them: where they are, nothing is copied.

    Attributes
    ----------
    flow_ptr, exporter_ptr, importer_ptr : int64 [S, K + 1]
        Where each product's changes are in the arrays of each scenario.
    flow, exporter, importer : int64 [S]
        Addresses of the rows (int64).
    log_cost, log_supply, log_demand : int64 [S]
        Addresses of their numbers (float64).
    """

    flow_ptr: Ints
    flow: Ints
    log_cost: Ints
    exporter_ptr: Ints
    exporter: Ints
    log_supply: Ints
    importer_ptr: Ints
    importer: Ints
    log_demand: Ints

    @property
    def touched(self) -> Bools:
        """Products that each scenario touches, [S, K]."""
        made: Bools = np.diff(self.flow_ptr) > 0
        made |= np.diff(self.exporter_ptr) > 0
        made |= np.diff(self.importer_ptr) > 0
        return made


def stack(market: Market, several: Sequence[Changes]) -> tuple[Stack, list[NDArray[Any]]]:
    """The addresses of some scenarios' changes, good while the arrays that come with them live."""
    held: list[NDArray[Any]] = []
    parts = (
        (market.flow_ptr, "flow", "log_cost"),
        (market.exporter_ptr, "exporter", "log_supply"),
        (market.importer_ptr, "importer", "log_demand"),
    )
    columns: list[Ints] = []
    for row_ptr, rows, numbers in parts:
        there = [np.ascontiguousarray(getattr(one, rows), np.int64) for one in several]
        values = [np.ascontiguousarray(getattr(one, numbers), np.float64) for one in several]
        held += [*there, *values]
        columns.append(np.stack([np.searchsorted(mine, row_ptr) for mine in there]))
        columns += [_addresses(there), _addresses(values)]
    return Stack(*columns), held


def _addresses(arrays: Sequence[NDArray[Any]]) -> Ints:
    return np.array([array.ctypes.data for array in arrays], np.int64)


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
