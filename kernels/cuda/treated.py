"""What the CUDA kernel is handed about instruments: treated flows, limits on groups, supply.

Everything here is NumPy, all products and scenarios at once. ``instruments.cuh`` says what the
arrays are; tests compare the names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.cuda.packing import LANES, Packed, as_stored, vector_doubles
from tradewedge.kernels.cuda.taken import hit, of_product, on_flows, on_supply, solvable
from tradewedge.kernels.instruments import without_idle_limits
from tradewedge.kernels.market import Bools, Floats, Instruments, Ints, Market, Shock

POINTERS = (
    "items",
    "product",
    "scenario",
    "exporter_row",
    "importer_row",
    "supply_row",
    "limited_ptr",
    "group_ptr",
    "segments_ptr",
    "by_exporter",
    "by_importer",
    "turned",
    "limited",
    "limited_start",
    "flow",
    "place",
    "source",
    "to",
    "log_specific",
    "log_floor",
    "dispersion",
    "log_quota",
    "beyond",
    "groups_ptr",
    "groups",
    "rows_ptr",
    "log_limit",
    "largest_premium",
    "rows",
    "segment_of",
    "weight",
    "segment_rows",
    "log_capacity",
    "strike",
    "covered",
    "upside",
    "log_shadow",
    "left",
)
"""Addresses in ``struct Treated``, in its order; the number follows."""
COUNTS = ("listed",)

IMPORTER_VECTORS, FLOW_VECTORS = 13, 9

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Treated:
    """Products under instruments, each under one scenario: items n, as the kernel reads them.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the names of ``struct Treated``; the kernel writes ``log_shadow`` and ``left``.
    doubles, weights : int64 [n]
        Size of vectors, and of weights and vectors over flows, in units of 8 bytes.
    product, scenario : int64 [n]
    group, group_scenario : int64 [g]
        Number of each packed group in its shock, and the shock.
    """

    arrays: Arrays
    doubles: Ints
    weights: Ints
    product: Ints
    scenario: Ints
    group: Ints
    group_scenario: Ints

    @property
    def nbytes(self) -> int:
        """Memory that the arrays take on the device."""
        return sum(array.nbytes for array in self.arrays.values())


class _Listed(NamedTuple):
    """What one scenario has: products, treated flows, rows of groups, rows of exporters."""

    scenario: int
    given: Instruments
    products: Ints
    flow: Ints
    group: Ints  # of each row
    group_flow: Ints
    weight: Floats
    supply: Bools  # [products] has a capacity or a contract
    makers: Ints


class _Flows(NamedTuple):
    """Treated flows of all scenarios: item, flow, exporter and importer within the product."""

    key: Ints  # ascending, by scenario and flow
    item: Ints
    first: Ints  # [items + 1] where each item's begin
    flow: Ints
    source: Ints
    to: Ints


def pack(market: Market, packed: Packed, shocks: Sequence[Shock]) -> Treated | None:
    """Lay out the products under instruments that the kernel is given; None: there are none.

    Parameters
    ----------
    market : Market
    packed : Packed
        The same market.
    shocks : sequence of Shock
        Whose admitted flows leave out what a limit of 0 shuts.
    """
    lists = [
        _list(market, s, shock, shock.instruments)
        for s, shock in enumerate(shocks)
        if shock.instruments is not None
    ]
    if not any(one.products.size for one in lists):
        return None
    product = np.concatenate([one.products for one in lists])
    scenario = np.repeat([one.scenario for one in lists], [one.products.size for one in lists])
    flows = _flows(market, lists, scenario * len(market.sigma) + product)
    exporters = np.diff(market.exporter_ptr)[product]
    importers = np.diff(market.importer_ptr)[product]
    wedges, (limits, group, group_item, segments) = _wedges(lists), _groups(lists, flows)
    arrays: Arrays = {"product": product, "scenario": scenario, "left": np.ones(product.size)}
    arrays |= wedges | limits | _supply(lists, exporters)
    arrays |= _orders(flows, exporters, importers, wedges["log_quota"] < np.inf)
    arrays |= {"flow": flows.flow - market.flow_ptr[product[flows.item]]}
    arrays |= {"place": packed.place[flows.flow]}
    return Treated(
        arrays={name: as_stored(name, array) for name, array in arrays.items()},
        doubles=vector_doubles(
            exporters,
            importers,
            unknowns=exporters + np.bincount(group_item, minlength=product.size),
            importer_vectors=np.full(product.size, IMPORTER_VECTORS),
            sums=2 * np.maximum(exporters, importers) * LANES,
        ),
        weights=packed.weights[product] + FLOW_VECTORS * np.diff(flows.first) + segments,
        product=product,
        scenario=scenario,
        group=group,
        group_scenario=scenario[group_item],
    )


def _list(market: Market, scenario: int, shock: Shock, given: Instruments) -> _Listed:
    able = solvable(market, shock, given)
    given = without_idle_limits(given, shock.admitted)
    products = np.flatnonzero(able)
    there = np.repeat(able, np.diff(market.flow_ptr)) & shock.admitted
    group = np.repeat(np.arange(len(given.group_limit)), np.diff(given.group_ptr))
    kept = (given.group_weight > 0) & ~np.isposinf(given.group_limit)[group]
    kept &= there[given.group_flow]
    mine = on_flows(given)
    mine[given.group_flow[kept]] = True
    supply = hit(market.exporter_ptr, on_supply(given))
    return _Listed(
        scenario=scenario,
        given=given,
        products=products,
        flow=np.flatnonzero(mine & there),
        group=group[kept],
        group_flow=given.group_flow[kept],
        weight=given.group_weight[kept],
        supply=supply[products],
        makers=np.flatnonzero(np.repeat(supply & able, np.diff(market.exporter_ptr))),
    )


def _flows(market: Market, lists: Sequence[_Listed], items: Ints) -> _Flows:
    """Join the treated flows of all scenarios; ``items`` holds scenario and product of each."""
    scenario = np.repeat([one.scenario for one in lists], [one.flow.size for one in lists])
    flow = np.concatenate([one.flow for one in lists])
    product = of_product(market.flow_ptr, flow)
    item = np.searchsorted(items, scenario * len(market.sigma) + product)
    return _Flows(
        key=scenario * len(market.share) + flow,
        item=item,
        first=_ranges(item, items.size),
        flow=flow,
        source=market.flow_exporter[flow] - market.exporter_ptr[product],
        to=market.flow_importer[flow] - market.importer_ptr[product],
    )


def _ranges(of: Ints, count: int) -> Ints:
    """Range of each number below ``count`` in an ascending list of numbers."""
    ptr: Ints = np.searchsorted(of, np.arange(count + 1))
    return ptr


def _starts(counts: Ints) -> Ints:
    """Where each of several ranges begins, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def _wedges(lists: Sequence[_Listed]) -> dict[str, Floats]:
    """Instruments of the treated flows."""
    specific, floor, dispersion, quota, beyond = (
        np.concatenate([getattr(one.given, name)[one.flow] for one in lists])
        for name in ("specific", "floor", "dispersion", "quota", "beyond_quota")
    )
    with np.errstate(divide="ignore"):
        return {
            "log_specific": np.log(specific),
            "log_floor": np.log(floor),
            "dispersion": dispersion,
            "log_quota": np.log(quota),
            "beyond": np.where(np.isposinf(quota), np.inf, beyond),
        }


def _orders(flows: _Flows, exporters: Ints, importers: Ints, has_quota: Bools) -> Arrays:
    """Treated flows by exporter and by importer, there with those under a quota last."""
    exporter_row, importer_row = _starts(exporters), _starts(importers)
    row = importer_row[flows.item] + flows.to
    turned = np.lexsort((has_quota, row))
    under_quota = np.flatnonzero(has_quota[turned])
    limited, start = np.unique(row[turned][under_quota], return_index=True)
    limited_item = of_product(importer_row, limited)
    return {
        "exporter_row": exporter_row[:-1],
        "importer_row": importer_row[:-1],
        "limited_ptr": _ranges(limited_item, exporters.size),
        "by_exporter": _ranges(exporter_row[flows.item] + flows.source, int(exporter_row[-1])),
        "by_importer": _ranges(row[turned], int(importer_row[-1])),
        "turned": turned - flows.first[flows.item[turned]],
        "limited": limited - importer_row[limited_item],
        "limited_start": under_quota[start],
        "source": flows.source,
        "to": flows.to,
    }


def _supply(lists: Sequence[_Listed], exporters: Ints) -> Arrays:
    """Capacities and contracts of the items that have one."""
    own = np.concatenate([one.supply for one in lists])
    counts = np.where(own, exporters, 0)
    capacity, strike, covered, upside = (
        np.concatenate([getattr(one.given, name)[one.makers] for one in lists])
        for name in ("capacity", "strike", "covered", "upside")
    )
    with np.errstate(divide="ignore"):
        log_capacity = np.log(capacity)
    return {
        "supply_row": np.where(own, np.cumsum(counts) - counts, -1),
        "log_capacity": log_capacity,
        "strike": strike,
        "covered": covered,
        "upside": upside,
    }


def _groups(lists: Sequence[_Listed], flows: _Flows) -> tuple[Arrays, Ints, Ints, Ints]:
    """Limits on groups; number in the shock and item of each, and segments of each item."""
    # Groups of all scenarios get numbers of their own, and so do flows.
    offset = _starts(np.array([len(one.given.group_limit) for one in lists]))
    number = np.concatenate([one.group + o for one, o in zip(lists, offset[:-1], strict=True)])
    keys = [one.scenario * len(one.given.quota) + one.group_flow for one in lists]
    flow = np.searchsorted(flows.key, np.concatenate(keys))
    weight = np.concatenate([one.weight for one in lists])
    # Groups by item; rows by group, then importer.
    total, items = max(int(offset[-1]), 1), len(flows.first) - 1
    found, group = np.unique(flows.item[flow] * total + number, return_inverse=True)
    group_item, group_number = found // total, found % total
    order = np.lexsort((flow, flows.to[flow], group))
    flow, group, weight = flow[order], group[order], weight[order]
    item, to = flows.item[flow], flows.to[flow]
    fresh = np.ones(flow.size, np.bool_)
    fresh[1:] = (group[1:] != group[:-1]) | (to[1:] != to[:-1])
    segment_rows = np.flatnonzero(fresh)
    segments_ptr = _ranges(item[segment_rows], items)
    group_ptr = _ranges(group_item, items)
    by_flow = np.argsort(flow, kind="stable")
    limit, beyond = (
        np.concatenate([getattr(one.given, name) for one in lists])[group_number]
        for name in ("group_limit", "group_beyond")
    )
    with np.errstate(divide="ignore"):
        log_limit = np.log(limit)
    arrays: Arrays = {
        "group_ptr": group_ptr,
        "segments_ptr": segments_ptr,
        "groups_ptr": _ranges(flow[by_flow], flows.key.size),
        "groups": (group - group_ptr[item])[by_flow],
        "rows_ptr": _ranges(group, found.size),
        "log_limit": log_limit,
        "largest_premium": beyond,
        "rows": flow - flows.first[item],
        "segment_of": np.cumsum(fresh) - 1 - segments_ptr[item],
        "weight": weight,
        "segment_rows": np.append(segment_rows, flow.size),
        "log_shadow": np.zeros(found.size),
    }
    number_in_shock = group_number - offset[of_product(offset, group_number)]
    return arrays, number_in_shock, group_item, np.diff(segments_ptr)
