"""Instruments on the rows that have some: memory, and work, in proportion to those."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from tradewedge.kernels.columns import among
from tradewedge.kernels.market import Bools, Instruments, Ints, Market
from tradewedge.kernels.part import Part, product_of, renumbered

OF_FLOWS: Final[Mapping[str, float]] = {
    "specific": 0.0,
    "floor": 0.0,
    "dispersion": 0.0,
    "quota": np.inf,
    "beyond_quota": np.inf,
}
"""What a flow has where no instrument is on it."""
OF_EXPORTERS: Final[Mapping[str, float]] = {
    "capacity": np.inf,
    "strike": 0.0,
    "covered": 0.0,
    "upside": 0.0,
}
"""The same of exporters."""


@dataclass(frozen=True, eq=False)
class Thin:
    """Instruments without the rows that have none.

    Attributes
    ----------
    flow, exporter : int64 [n], [m]
        Rows of a market that have some, ascending.
    given : Instruments
        Aligned with these; ``group_flow`` holds rows of the market.
    """

    flow: Ints
    exporter: Ints
    given: Instruments

    @classmethod
    def of(cls, given: Instruments) -> "Thin":
        """The rows of instruments that are aligned with a whole market."""
        flow = np.flatnonzero(_differs(given, OF_FLOWS))
        exporter = np.flatnonzero(_differs(given, OF_EXPORTERS))
        return cls(flow, exporter, _aligned(given, flow, exporter))

    def full(self, flows: int, exporters: int) -> Instruments:
        """Written out for every row of a market."""
        return replace(
            self.given,
            **spread_out(self.given, OF_FLOWS, flows, self.flow),
            **spread_out(self.given, OF_EXPORTERS, exporters, self.exporter),
        )

    def products(self, market: Market) -> Ints:
        """Products with an instrument, ascending."""
        hit = np.zeros(len(market.sigma), np.bool_)
        for ptr, rows in (
            (market.flow_ptr, self.flow),
            (market.flow_ptr, self.given.group_flow),
            (market.exporter_ptr, self.exporter),
        ):
            hit[product_of(ptr, rows)] = True
        return np.flatnonzero(hit)

    def groups(self, flows: slice) -> Ints:
        """Groups whose flows are in a range that holds all flows of its products."""
        given = self.given
        filled = np.flatnonzero(np.diff(given.group_ptr))
        first = given.group_flow[given.group_ptr[filled]]
        made: Ints = filled[(first >= flows.start) & (first < flows.stop)]
        return made

    def shut(self, market: Market) -> Ints:
        """Flows under a limit of zero, ascending: they are excluded."""
        given = self.given
        makers = self.exporter[given.capacity == 0]
        nothing = (given.group_limit == 0) & np.isposinf(given.group_beyond)
        members = np.repeat(nothing, np.diff(given.group_ptr)) & (given.group_weight > 0)
        return np.unique(
            np.concatenate(
                [
                    self.flow[(given.quota == 0) & np.isposinf(given.beyond_quota)],
                    given.group_flow[members],
                    np.flatnonzero(np.isin(market.flow_exporter, makers))
                    if makers.size
                    else makers,
                ]
            )
        )

    def part(self, part: Part) -> "Thin":
        """Those of a range of products, rows counted from its start."""
        flow, exporter = among(self.flow, part.flows), among(self.exporter, part.exporters)
        given = _some_groups(_aligned(self.given, flow, exporter), self.groups(part.flows))
        return Thin(
            self.flow[flow] - part.flows.start,
            self.exporter[exporter] - part.exporters.start,
            replace(given, group_flow=given.group_flow - part.flows.start),
        )

    def among(self, market: Market, products: Ints) -> "Thin":
        """For :func:`.part.some_products`, which have to hold all of :meth:`products`."""
        return Thin(
            renumbered(self.flow, market.flow_ptr, products),
            renumbered(self.exporter, market.exporter_ptr, products),
            replace(
                self.given,
                group_flow=renumbered(self.given.group_flow, market.flow_ptr, products),
            ),
        )


def spread_out(record: object, nothing: Mapping[str, Any], size: int, rows: Ints) -> dict[str, Any]:
    """Fields of a record that hold some rows, for all rows: ``nothing`` in the others."""
    made = {}
    for name, value in nothing.items():
        values = getattr(record, name)
        made[name] = np.full(size, value, dtype=values.dtype)
        made[name][rows] = values
    return made


def _differs(given: Instruments, nothing: Mapping[str, float]) -> Bools:
    made: Bools = np.logical_or.reduce(
        [getattr(given, name) != value for name, value in nothing.items()]
    )
    return made


def _aligned(given: Instruments, flow: Ints | slice, exporter: Ints | slice) -> Instruments:
    """Some rows of the arrays by flow and exporter."""
    return replace(
        given,
        **{name: getattr(given, name)[flow] for name in OF_FLOWS},
        **{name: getattr(given, name)[exporter] for name in OF_EXPORTERS},
    )


def _some_groups(given: Instruments, groups: Ints) -> Instruments:
    sizes = np.diff(given.group_ptr)
    kept = np.zeros(sizes.size, dtype=bool)
    kept[groups] = True
    entries = np.repeat(kept, sizes)
    return replace(
        given,
        group_ptr=np.concatenate([[0], np.cumsum(sizes[groups])]),
        group_flow=given.group_flow[entries],
        group_weight=given.group_weight[entries],
        group_limit=given.group_limit[groups],
        group_beyond=given.group_beyond[groups],
    )
