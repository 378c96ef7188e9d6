"""How a batch is cut into launches: what fits in memory, and what fits in a block."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.dense import ranges
from tradewedge.kernels.market import Bools, Instruments, Ints, Market, Shock, SupplierGroups

FLOW_BYTES = 29
"""Of one flow in the market: two shares, three indices, the mark of home sales."""
ROW_BYTES = 32
"""Of one exporter or importer row in the market, at most."""
SHOCK_FLOW_BYTES = 9
SHOCK_ROW_BYTES = 16
"""Of one exporter or importer row in a scenario: what goes in and what comes out."""
PRODUCT_BYTES = 64
SLOT_SHARE = 4
"""Working memory of the blocks may take this part of the device's memory."""
WHOLE = 24 * 1024
"""A product is kept whole in shared memory where that takes no more bytes than this."""
_BY_FLOW = ("specific", "floor", "dispersion", "quota", "beyond_quota")
_BY_EXPORTER = ("capacity", "strike", "covered", "upside")
STEPS = tuple(1024 * size for size in (4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256))
"""Products of one launch have shared memory between two of these sizes."""


@dataclass(frozen=True, eq=False)
class Launch:
    """Products, or items of products under instruments, that are solved by one launch.

    Attributes
    ----------
    listed : int32 [n]
        Largest first.
    shared : int
        Bytes of shared memory per block.
    weights_stride, vectors_stride : int
        Doubles of global memory that a block needs for the weights of flows and for vectors;
        0 where they are in shared memory.
    """

    listed: NDArray[np.int32]
    shared: int
    weights_stride: int
    vectors_stride: int


def launches(doubles: Ints, weights: Ints, left_out: Bools, shared_limit: int) -> Iterator[Launch]:
    """Sort products by the shared memory that they need.

    Parameters
    ----------
    doubles, weights : int64 [n]
        Size of vectors, and of weights of flows, in units of 8 bytes.
    left_out : bool [n]
        What the kernel is not given.
    shared_limit : int
        Bytes that one block may have.
    """
    whole = 8 * (doubles + weights) <= min(WHOLE, shared_limit)
    fits = 8 * doubles <= shared_limit
    need = np.where(fits, 8 * (doubles + np.where(whole, weights, 0)), 0)
    kind = 2 * np.digitize(need, STEPS) + whole
    kind[~fits] = -1
    kind[left_out] = -2
    for each in np.unique(kind)[::-1]:
        if each == -2:
            continue
        listed = np.flatnonzero(kind == each)
        listed = listed[np.argsort(-weights[listed], kind="stable")]
        inside = bool(whole[listed[0]])
        yield Launch(
            listed=listed.astype(np.int32),
            shared=int(need[listed].max()),
            weights_stride=0 if inside else int(weights[listed].max()),
            vectors_stride=int(doubles[listed].max()) if each == -1 else 0,
        )


def grid_of(launch: Launch, scenarios: int, blocks: int, memory: int) -> int:
    """Blocks to start: no more than there is work, room on the device or working memory for."""
    slot = 8 * (launch.weights_stride + launch.vectors_stride)
    most = memory // SLOT_SHARE // slot if slot else blocks
    return max(1, min(len(launch.listed) * scenarios, blocks, most))


@dataclass(frozen=True)
class Part:
    """Products [start, stop) that are on the device together, ``scenarios`` at a time."""

    start: int
    stop: int
    scenarios: int


def parts(market: Market, scenarios: int, memory: int, more: Ints) -> Iterator[Part]:
    """Cut a batch so that each part takes no more memory than there is.

    A single product is not cut: one that is too large alone is a part of its own.

    Parameters
    ----------
    market : Market
    scenarios : int
    memory : int
        Bytes.
    more : int64 [K]
        Bytes that the instruments of a scenario take beside what every scenario takes, at most.
    """
    flows = np.diff(market.flow_ptr)
    rows = np.diff(market.exporter_ptr) + np.diff(market.importer_ptr)
    base = FLOW_BYTES * flows + ROW_BYTES * rows + PRODUCT_BYTES
    each = SHOCK_FLOW_BYTES * flows + SHOCK_ROW_BYTES * rows + PRODUCT_BYTES + more
    room = memory - memory // SLOT_SHARE
    if base.sum() + each.sum() <= room:
        yield Part(0, len(flows), int(min(scenarios, (room - base.sum()) // each.sum())))
        return
    start, used = 0, 0
    for product, size in enumerate((base + each).tolist()):
        if used + size > room and product > start:
            yield Part(start, product, 1)
            start, used = product, 0
        used += size
    yield Part(start, len(flows), 1)


def runs(marked: Bools) -> Iterator[Part]:
    """Parts of neighbouring products that are all marked, and together all that are."""
    edges = np.flatnonzero(np.diff(marked.astype(np.int8), prepend=0, append=0))
    for start, stop in edges.reshape(-1, 2).tolist():
        yield Part(start, stop, 1)


def cut_market(market: Market, part: Part) -> Market:
    """Return the products of one part; the market itself where that is all of them."""
    if part.stop - part.start == len(market.sigma):
        return market
    flows, exporters, importers = rows_of(market, part)
    products = slice(part.start, part.stop)

    def pointers(ptr: Ints) -> Ints:
        mine: Ints = ptr[part.start : part.stop + 1] - ptr[part.start]
        return mine

    return Market(
        flow_ptr=pointers(market.flow_ptr),
        exporter_ptr=pointers(market.exporter_ptr),
        importer_ptr=pointers(market.importer_ptr),
        flow_exporter=market.flow_exporter[flows] - exporters.start,
        flow_importer=market.flow_importer[flows] - importers.start,
        share=market.share[flows],
        sales_share=market.sales_share[flows],
        home=market.home[flows],
        sigma=market.sigma[products],
        eta=market.eta[products],
        sigma_home=market.sigma_home[products],
        epsilon=market.epsilon[exporters],
        groups=market.groups
        and SupplierGroups(market.groups.sigma_groups[products], market.groups.group[exporters]),
    )


def cut_shock(market: Market, shock: Shock, part: Part) -> Shock:
    """Return what a shock says of the products of one part; groups keep their numbers."""
    flows, exporters, importers = rows_of(market, part)
    given = shock.instruments
    return replace(
        shock,
        log_cost=shock.log_cost[flows],
        admitted=shock.admitted[flows],
        log_supply=shock.log_supply[exporters],
        log_demand=shock.log_demand[importers],
        instruments=None if given is None else _cut_instruments(given, flows, exporters),
    )


def _cut_instruments(given: Instruments, flows: slice, exporters: slice) -> Instruments:
    rows = (given.group_flow >= flows.start) & (given.group_flow < flows.stop)
    group = np.repeat(np.arange(len(given.group_limit)), np.diff(given.group_ptr))[rows]
    return replace(
        given,
        **{name: getattr(given, name)[flows] for name in _BY_FLOW},
        **{name: getattr(given, name)[exporters] for name in _BY_EXPORTER},
        group_ptr=np.searchsorted(group, np.arange(len(given.group_limit) + 1)),
        group_flow=given.group_flow[rows] - flows.start,
        group_weight=given.group_weight[rows],
    )


def rows_of(market: Market, part: Part) -> tuple[slice, slice, slice]:
    """Flows, exporter rows and importer rows of one part."""
    first, last = ranges(market, part.start), ranges(market, part.stop - 1)
    flows, exporters, importers = (
        slice(one.start, other.stop) for one, other in zip(first, last, strict=True)
    )
    return flows, exporters, importers
