"""Pack products under instruments into padded blocks of few shapes. NumPy only.

A lane is one product under one scenario. Beside the flows (:mod:`.jax_blocks`) a block holds the
measures on the flows to *treated* importers: those with a specific duty, floor, quota or group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tradewedge.kernels.instruments import effectively_admitted, without_idle_limits
from tradewedge.kernels.jax_blocks import (
    Calibration,
    Cases,
    Shape,
    calibration,
    difficulty,
    lanes_together,
    merged,
    padded,
    ranges,
    round_up,
)
from tradewedge.kernels.market import (
    Bools,
    Floats,
    Instruments,
    Ints,
    KernelSolution,
    Market,
    Shock,
    Status,
)

Array = Any

CHUNK = 16
"""Rows of one group that are summed first; each group is padded to a multiple of it."""
LEAST_ROWS = 256
LEAST_COLUMNS = 8
WEIGHT = 6
"""Cells of plain flows that cost as much as one under instruments."""


class Wide(NamedTuple):
    """What a compiled program depends on, beside its devices.

    ``columns`` counts treated importers, ``pairs`` flows with a measure of their own, ``groups``
    groups, ``rows`` flows of all groups of a lane with padding, ``depth`` groups per flow,
    ``members`` flows of all groups of all lanes.
    """

    devices: int
    lanes: int
    exporters: int
    importers: int
    flows: int
    columns: int
    pairs: int
    groups: int
    rows: int
    depth: int
    members: int

    @property
    def plain(self) -> Shape:
        """The shape of the flows."""
        return Shape(self.devices, 1, self.lanes, self.exporters, self.importers, self.flows, False)


class Measures(NamedTuple):
    """Instruments of a round, and where to start; the first axis is the device.

    ``place`` and ``member_place`` are cells of [lane, exporter, column] and [lane, membership,
    exporter, column] laid flat, and beyond their end for padding.
    """

    column: Array  # [d, k, t] int32 importer of each column, beyond the last for padding
    place: Array  # [d, p] int32
    specific: Array  # [d, p]
    log_floor: Array  # [d, p]
    dispersion: Array  # [d, p]
    log_quota: Array  # [d, p]
    beyond: Array  # [d, p]
    member_place: Array  # [d, r] int32
    member: Array  # [d, r] int32 number of the group in its lane
    row: Array  # [d, k, r] int32 cell in [exporter, column]
    span: Array  # [d, k, 2, r] int32 where rows of the same group and importer begin and end
    weight: Array  # [d, k, r] 0 for padding
    chunk: Array  # [d, k, r / CHUNK] int32 group of each chunk; the number of groups: of none
    log_limit: Array  # [d, k, g]
    group_beyond: Array  # [d, k, g]
    log_capacity: Array  # [d, k, i]
    strike: Array  # [d, k, i]
    covered: Array  # [d, k, i]
    upside: Array  # [d, k, i]
    start: Array  # [d, k, i] log prices
    start_premium: Array  # [d, k, g]
    started: Array  # [d, k] bool: the prices solve the product without its instruments


@dataclass(frozen=True, eq=False)
class Listed:
    """The instruments of one scenario, listed by product.

    Attributes
    ----------
    shock : Shock
    given : Instruments
    admitted : bool [F]
        Under no limit of zero.
    column : int64 [M]
        Place of each importer row among the treated ones of its product; -1: not treated.
    pair, pair_ptr : int64
        Flows with a specific duty, floor or quota, and the range of each product.
    member, member_ptr : int64
        The same for flows of groups; one that is in several is there as often.
    group : int64 [n]
        Number of its group within the product; ``slot`` [n] the number of groups before this one
        that hold the flow.
    place : int64 [n]
        Place among all rows of the product, by group and importer, padded to chunks; ``span``
        [2, n] where the rows of the same group and importer begin and end.
    weight : float64 [n]
    limit, limit_ptr : int64
        Groups that are left, as numbered in the shock, and the range of each product.
    columns, groups, rows, depth : int64 [K]
        See :class:`Wide`.
    """

    shock: Shock
    given: Instruments
    admitted: Bools
    column: Ints
    pair: Ints
    pair_ptr: Ints
    member: Ints
    member_ptr: Ints
    group: Ints
    place: Ints
    slot: Ints
    span: Ints
    weight: Floats
    limit: Ints
    limit_ptr: Ints
    columns: Ints
    groups: Ints
    rows: Ints
    depth: Ints


def listed(market: Market, shock: Shock, given: Instruments) -> Listed:
    """List what instruments touch; they are ``shock.instruments``."""
    admitted = effectively_admitted(market, shock)
    given = without_idle_limits(given, admitted)
    own = (given.specific > 0) | (given.floor > 0) | ~np.isposinf(given.quota)
    pair = np.flatnonzero(own & admitted)
    of = np.repeat(np.arange(given.group_limit.size), np.diff(given.group_ptr))
    kept = admitted[given.group_flow] & (given.group_weight > 0)
    kept &= ~np.isposinf(given.group_limit)[of]
    # In the order of flows, and so of products.
    order = np.flatnonzero(kept)[np.lexsort((of[kept], given.group_flow[kept]))]
    member, of = given.group_flow[order], of[order]
    treated = np.zeros(int(market.importer_ptr[-1]), np.bool_)
    treated[market.flow_importer[pair]] = True
    treated[market.flow_importer[member]] = True
    before = np.concatenate([[0], np.cumsum(treated)])
    first = before[market.importer_ptr]
    per_product = np.diff(market.importer_ptr)
    column = np.where(treated, before[:-1] - np.repeat(first[:-1], per_product), -1)
    member_ptr = np.searchsorted(member, market.flow_ptr)
    product = np.repeat(np.arange(market.sigma.size), np.diff(member_ptr))
    limit, first_row, count = np.unique(of, return_index=True, return_counts=True)
    limit_product = product[first_row]
    by_product = np.argsort(limit_product, kind="stable")
    limit, count = limit[by_product], count[by_product]
    limit_ptr = np.searchsorted(limit_product[by_product], np.arange(market.sigma.size + 1))
    number = np.full(given.group_limit.size, -1)
    number[limit] = np.arange(limit.size) - limit_ptr[limit_product[by_product]]
    slot = _rank(member)
    group, importer = number[of], market.flow_importer[member]
    place, span, rows = _places(product, group, importer, market.sigma.size)
    return Listed(
        shock=shock,
        given=given,
        admitted=admitted,
        column=column,
        pair=pair,
        pair_ptr=np.searchsorted(pair, market.flow_ptr),
        member=member,
        member_ptr=member_ptr,
        group=group,
        place=place,
        slot=slot,
        span=span,
        weight=given.group_weight[order],
        limit=limit,
        limit_ptr=limit_ptr,
        columns=np.diff(first),
        groups=np.diff(limit_ptr),
        rows=rows,
        depth=_largest(slot + 1, member_ptr),
    )


def _places(product: Ints, group: Ints, importer: Ints, products: int) -> tuple[Ints, Ints, Ints]:
    """Places of rows in their product, the ranges of their importers there, and all places."""
    order = np.lexsort((importer, group, product))
    keys = np.stack([product, group, importer])[:, order]
    fresh = np.ones((2, order.size), np.bool_)
    fresh[0, 1:] = (keys[:2, 1:] != keys[:2, :-1]).any(axis=0)
    fresh[1, 1:] = fresh[0, 1:] | (keys[2, 1:] != keys[2, :-1])
    begin = np.append(np.flatnonzero(fresh[0]), order.size)
    width = -(-np.diff(begin) // CHUNK) * CHUNK
    total = np.bincount(keys[0, begin[:-1]], width, products).astype(np.int64)
    before = np.cumsum(width) - width  # of all products
    before -= (np.cumsum(total) - total)[keys[0, begin[:-1]]]
    mine = np.cumsum(fresh[0]) - 1
    at = before[mine] + np.arange(order.size) - begin[mine]
    run = np.append(np.flatnonzero(fresh[1]), order.size)
    number = np.cumsum(fresh[1]) - 1
    place, span = np.empty(order.size, np.int64), np.empty((2, order.size), np.int64)
    place[order], span[0, order] = at, at[run[number]]
    span[1, order] = at[run[number + 1] - 1] + 1
    return place, span, total


def _rank(key: Ints) -> Ints:
    """How many equal keys come before each one."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    out = np.empty(key.size, np.int64)
    out[order] = np.arange(key.size) - np.searchsorted(ordered, ordered)
    return out


def _largest(values: Ints, ptr: Ints) -> Ints:
    """Largest of each range, 0 where it is empty."""
    out = np.zeros(ptr.size - 1, np.int64)
    some = np.diff(ptr) > 0
    if some.any():
        out[some] = np.maximum.reduceat(values, ptr[:-1][some])
    return out


@dataclass(frozen=True, eq=False)
class Lanes:
    """Products [..] under scenarios [..]; a product of -1 leaves its lane empty."""

    product: Ints
    case: Ints

    def at(self, place: Ints) -> "Lanes":
        """The lanes at some places; empty at -1."""
        used = place >= 0
        case = np.where(used, self.case[place], 0)
        return Lanes(np.where(used, self.product[place], -1), case)


@dataclass(frozen=True, eq=False)
class WideBin:
    """Lanes [n] that share a shape, in the order in which they fill rounds."""

    shape: Wide
    lanes: Lanes


def wide_bins(
    market: Market, cases: Sequence[Listed], lanes: Lanes, devices: int, cells: int
) -> list[WideBin]:
    """Assign lanes [n] to shapes; ``devices`` and ``cells`` as in :func:`.jax_blocks.bins`.

    Any lanes of a bin fit into one of its rounds.
    """
    if lanes.product.size == 0:
        return []

    def count(name: str) -> Ints:
        out = np.zeros(lanes.product.shape, np.int64)
        for number, case in enumerate(cases):
            mine = lanes.case == number
            values = getattr(case, name)
            values = np.diff(values) if name.endswith("_ptr") else values
            out[mine] = values[lanes.product[mine]]
        return out

    flows, rows, importers = (
        np.diff(ptr)[lanes.product]
        for ptr in (market.flow_ptr, market.exporter_ptr, market.importer_ptr)
    )
    pairs, members, treated = count("pair_ptr"), count("member_ptr"), count("columns")
    groups, longest, depth = count("groups"), count("rows"), count("depth")
    # What takes long goes together: groups first, then stiff products.
    stiff = difficulty(market)[lanes.product]
    sizes = np.column_stack([padded(rows), padded(importers)])
    found = []
    for (i, j), mine in merged(sizes, np.arange(flows.size)):
        ordered = mine[np.lexsort((stiff[mine], groups[mine] > 0))]
        t = min(max(int(padded(treated[mine]).max()), LEAST_COLUMNS), j)
        together = lanes_together(mine.size, devices, cells // (i * (j + WEIGHT * t)))

        def most(values: Ints, mine: Ints = mine, together: int = together) -> int:
            """Of any lanes that share a round."""
            return int(np.sort(values[mine])[-together:].sum())

        shape = Wide(
            devices=devices,
            lanes=together,
            exporters=i,
            importers=j,
            flows=round_up(most(flows)),
            columns=t,
            pairs=round_up(most(pairs)),
            groups=_power(int(groups[mine].max()), 4),
            rows=_doubled(int(longest[mine].max())),
            depth=_power(int(depth[mine].max()), 4),
            members=round_up(most(members)),
        )
        found.append(WideBin(shape, lanes.at(ordered)))
    return found


def _power(count: int, least: int) -> int:
    """The next power of four times the least, so that few shapes serve; 0 of 0."""
    return 0 if count == 0 else least * 4 ** int(np.ceil(max(0.0, np.log2(count / least)) / 2))


def _doubled(count: int) -> int:
    """The next power of two, of whole chunks; 0 of 0."""
    return 0 if count == 0 else max(LEAST_ROWS, 1 << (count - 1).bit_length())


def wide_round(
    market: Market,
    cases: Sequence[Listed],
    starts: Sequence[KernelSolution],
    shape: Wide,
    lanes: Lanes,
) -> tuple[Calibration, Cases, Measures]:
    """Lay out a round: lanes [d, k] as arrays of the given shape.

    Parameters
    ----------
    market : Market
    cases : sequence of Listed
    starts : sequence of KernelSolution
        By scenario, where to start: prices and premiums; a product that has converged does so
        without its instruments.
    shape : Wide
    lanes : Lanes
    """
    parts = [
        _device(market, cases, starts, shape, lanes.product[n], lanes.case[n])
        for n in range(shape.devices)
    ]
    changes = Cases(*(np.stack(x)[:, None] for x in zip(*(one for one, _ in parts), strict=True)))
    measures = Measures(*(np.stack(x) for x in zip(*(two for _, two in parts), strict=True)))
    return calibration(market, shape.plain, lanes.product), changes, measures


def _device(
    market: Market,
    cases: Sequence[Listed],
    starts: Sequence[KernelSolution],
    shape: Wide,
    product: Ints,
    case: Ints,
) -> tuple[Cases, Measures]:
    """What one device gets, without the axes of devices and scenarios."""
    k, i, j, t = shape.lanes, shape.exporters, shape.importers, shape.columns
    changes = Cases(np.full(shape.flows, np.inf), np.zeros((k, i)), np.zeros((k, j)))
    out = nothing(shape)
    counts = np.where(product >= 0, np.diff(market.flow_ptr)[product], 0)
    first = np.cumsum(counts) - counts
    pairs = members = 0
    for number, one in enumerate(cases):
        at = np.flatnonzero((product >= 0) & (case == number))
        mine, shock, given = product[at], one.shock, one.given

        def entries(ptr: Ints, at: Ints = at, mine: Ints = mine) -> tuple[Ints, Ints, Ints]:
            """Rows of these products, with the lane and the place in it of each."""
            rows, place = ranges(ptr, mine)
            return rows, at[place], rows - ptr[mine][place]

        rows, lane, place = entries(market.flow_ptr)
        cost = np.where(one.admitted[rows], shock.log_cost[rows], np.inf)
        changes.log_cost[first[lane] + place] = cost
        rows, lane, place = entries(market.exporter_ptr)
        changes.log_supply[lane, place] = shock.log_supply[rows]
        out.started[at] = starts[number].status[mine] == Status.CONVERGED
        out.start[lane, place] = np.nan_to_num(starts[number].log_price[rows])
        out.log_capacity[lane, place] = _log(given.capacity[rows])
        for name in ("strike", "covered", "upside"):
            getattr(out, name)[lane, place] = getattr(given, name)[rows]
        rows, lane, place = entries(market.importer_ptr)
        changes.log_demand[lane, place] = shock.log_demand[rows]
        column = one.column[rows]
        out.column[lane[column >= 0], column[column >= 0]] = place[column >= 0]

        def cell(flow: Ints, of: Ints, one: Listed = one) -> Ints:
            """Cell in [exporter, column] of flows of products ``of``."""
            row = market.flow_exporter[flow] - market.exporter_ptr[of]
            found: Ints = row * t + one.column[market.flow_importer[flow]]
            return found

        rows, lane, _ = entries(one.pair_ptr)
        flow = one.pair[rows]
        here = slice(pairs, pairs := pairs + rows.size)
        out.place[here] = lane * (i * t) + cell(flow, product[lane])
        out.specific[here] = given.specific[flow]
        out.log_floor[here] = _log(given.floor[flow])
        out.dispersion[here] = given.dispersion[flow]
        out.log_quota[here] = _log(given.quota[flow])
        out.beyond[here] = given.beyond_quota[flow]

        rows, lane, _ = entries(one.member_ptr)
        here = slice(members, members := members + rows.size)
        inside, group = cell(one.member[rows], product[lane]), one.group[rows]
        out.member_place[here] = (lane * shape.depth + one.slot[rows]) * (i * t) + inside
        out.member[here] = group
        at_row = one.place[rows]
        out.row[lane, at_row] = inside
        out.weight[lane, at_row] = one.weight[rows]
        out.chunk[lane, at_row // CHUNK] = group
        for end in (0, 1):
            out.span[lane, end, at_row] = one.span[end, rows]
        rows, lane, place = entries(one.limit_ptr)
        out.log_limit[lane, place] = _log(given.group_limit[one.limit[rows]])
        out.group_beyond[lane, place] = given.group_beyond[one.limit[rows]]
        out.start_premium[lane, place] = starts[number].log_shadow[one.limit[rows]]
    return changes, out


def _log(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        out: Floats = np.log(values)
    return out


def nothing(shape: Wide) -> Measures:
    """Return what one device gets where there is no instrument."""
    k, i, t, p = shape.lanes, shape.exporters, shape.columns, shape.pairs
    groups, rows, members = shape.groups, shape.rows, shape.members
    cells = k * i * t
    return Measures(
        column=np.full((k, t), shape.importers, np.int32),
        place=np.arange(cells, cells + p, dtype=np.int32),
        specific=np.zeros(p),
        log_floor=np.full(p, -np.inf),
        dispersion=np.zeros(p),
        log_quota=np.full(p, np.inf),
        beyond=np.zeros(p),
        member_place=np.arange(members, dtype=np.int32) + cells * shape.depth,
        member=np.full(members, groups, np.int32),
        row=np.zeros((k, rows), np.int32),
        span=np.zeros((k, 2, rows), np.int32),
        weight=np.zeros((k, rows)),
        chunk=np.full((k, rows // CHUNK), groups, np.int32),
        log_limit=np.full((k, groups), np.inf),
        group_beyond=np.full((k, groups), np.inf),
        log_capacity=np.full((k, i), np.inf),
        strike=np.zeros((k, i)),
        covered=np.zeros((k, i)),
        upside=np.zeros((k, i)),
        start=np.zeros((k, i)),
        start_premium=np.zeros((k, groups)),
        started=np.zeros(k, np.bool_),
    )
