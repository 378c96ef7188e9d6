"""The two matrices of every product in the layout that the CPU's fast path multiplies with.

SELL-8: rows sorted by length (longest first), in groups of eight, each group as long as its
longest row and stored line by line. Eight sums then run side by side, and no loop ends at a place
that the processor cannot foresee. Countries are numbered in this order, so nothing is permuted
while solving. The layout depends on the flows alone, not on elasticities or a scenario.

Compiled functions that call each other share this file: Numba's cache does not see edits elsewhere.
"""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradewedge.kernels.market import Bools, Floats, Ints, Market

LANES = 8
SLICES_PER_THREAD = 8
MOST_ROWS = 65_535

Int32s = NDArray[np.int32]
UInt16s = NDArray[np.uint16]


class Side(NamedTuple):
    """One matrix of every product: a row per exporter (or importer), a column per importer (...).

    Attributes
    ----------
    order : int32 [rows]
        Per product, the row (counted within the product) at each place of the order by length.
    rank : int32 [rows]
        The place of each row: the inverse of ``order``.
    length : int32 [rows]
        Flows of the row at each place.
    group_ptr : int64 [K + 1]
        Groups of each product.
    line_ptr : int64 [groups + 1]
        Lines of each group; a line holds one flow of each of its eight rows.
    weight : float64 [lines, 8]
        0 beyond a row's end.
    column : uint16 [lines, 8]
        Place of the other country in its order.
    place : int32 [F]
        Where each flow is, counted in cells from the product's first line.
    """

    order: Int32s
    rank: Int32s
    length: Int32s
    group_ptr: Ints
    line_ptr: Ints
    weight: Floats
    column: UInt16s
    place: Int32s


class Layout(NamedTuple):
    """Both matrices.

    Attributes
    ----------
    valid : bool [K]
        False where a share is not a positive number, there is a nest or there are too many rows.
    own : float64 [X]
        Share of an exporter's own price in the indices of its markets, weighted by its sales.
    sellers : Side
        Exporters' rows, of shares in their sales.
    buyers : Side
        Importers' rows, of shares in their spending, scaled to sum to 1.
    """

    valid: Bools
    own: Floats
    sellers: Side
    buyers: Side


def layout(market: Market) -> Layout:
    """Lay out a market; a fraction of a second for 10 million flows."""
    names = "flow_ptr flow_exporter flow_importer share sales_share"
    flows = [frozen(getattr(market, name)) for name in names.split()]
    row_ptrs = frozen(market.exporter_ptr), frozen(market.importer_ptr)
    parts = slices(market.flow_ptr)
    valid = ~market.nested
    sold, bought = (np.zeros(int(ptr[-1]), np.int64) for ptr in row_ptrs)
    row_sum = np.zeros(len(bought))
    in_parts(lambda part: _survey(*flows, valid, sold, bought, row_sum, *part), parts)
    valid &= np.diff(market.exporter_ptr) <= MOST_ROWS
    valid &= np.diff(market.importer_ptr) <= MOST_ROWS
    scale = 1.0 / np.where(row_sum > 0, row_sum, 1.0)
    sellers = _start(market.flow_ptr, market.exporter_ptr, sold)
    buyers = _start(market.flow_ptr, market.importer_ptr, bought)
    own = np.zeros(len(market.epsilon))

    def work(part: tuple[int, int]) -> None:
        _fill(*flows, *row_ptrs, scale, own, sellers, buyers, *part)

    in_parts(work, parts)
    return Layout(valid, own, sellers, buyers)


def in_parts(work: Callable[[tuple[int, int]], None], parts: Sequence[tuple[int, int]]) -> None:
    """Give the parts to threads as they get free; the compiled functions release the GIL."""
    if threads() == 1 or len(parts) < 2:
        for part in parts:
            work(part)
    else:
        with ThreadPoolExecutor(threads()) as pool:
            list(pool.map(work, parts))


def threads() -> int:
    """Return the number of threads to use: Numba's, which NUMBA_NUM_THREADS sets."""
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def slices(flow_ptr: Ints, parts: int | None = None) -> Sequence[tuple[int, int]]:
    """Cut the products into at most ``parts`` ranges of about equal numbers of flows.

    Default: several per thread.
    """
    parts = parts or threads() * SLICES_PER_THREAD
    products = len(flow_ptr) - 1
    weight = flow_ptr + 8 * np.arange(products + 1)
    cuts = np.searchsorted(weight, np.linspace(0, weight[-1], parts + 1))
    edges = np.unique(np.concatenate([[0], cuts, [products]])).tolist()
    return list(itertools.pairwise(edges))


def frozen(array: NDArray[Any], dtype: type[np.generic] | None = None) -> NDArray[Any]:
    """Return a contiguous read-only view: one compiled version serves memory maps too."""
    view = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view


@njit(cache=True, nogil=True)
def _survey(  # type: ignore[no-untyped-def]
    flow_ptr,
    flow_exporter,
    flow_importer,
    share,
    sales_share,
    valid,
    sold,
    bought,
    row_sum,
    start,
    stop,
):
    """Flows of every row, spending of every importer, and products with a share that is none."""
    for k in range(start, stop):
        for f in range(flow_ptr[k], flow_ptr[k + 1]):
            sold[flow_exporter[f]] += 1
            bought[flow_importer[f]] += 1
            row_sum[flow_importer[f]] += share[f]
            if not (0.0 < share[f] < np.inf and 0.0 < sales_share[f] < np.inf):
                valid[k] = False


def _start(flow_ptr: Ints, row_ptr: Ints, length: Ints) -> Side:
    """Order the rows by their lengths, and make room for the matrix."""
    product = np.repeat(np.arange(len(row_ptr) - 1), np.diff(row_ptr))
    ranked = np.lexsort((-length, product))
    order = (ranked - row_ptr[product]).astype(np.int32)
    rank = np.empty_like(order)
    rank[ranked] = np.arange(len(order)) - row_ptr[product]
    group_ptr = np.zeros(len(row_ptr), np.int64)
    np.cumsum((np.diff(row_ptr) + LANES - 1) // LANES, out=group_ptr[1:])
    # The first row of a group is its longest.
    within = np.arange(group_ptr[-1]) - np.repeat(group_ptr[:-1], np.diff(group_ptr))
    first = np.repeat(row_ptr[:-1], np.diff(group_ptr)) + within * LANES
    line_ptr = np.zeros(len(first) + 1, np.int64)
    np.cumsum(length[ranked[first]], out=line_ptr[1:])
    lines = int(line_ptr[-1])
    return Side(
        order,
        rank,
        length[ranked].astype(np.int32),
        group_ptr,
        line_ptr,
        np.zeros((lines, LANES)),
        np.zeros((lines, LANES), np.uint16),
        np.empty(int(flow_ptr[-1]), np.int32),
    )


@njit(cache=True, nogil=True)
def _fill(  # type: ignore[no-untyped-def]
    flow_ptr,
    flow_exporter,
    flow_importer,
    share,
    sales_share,
    exporter_ptr,
    importer_ptr,
    scale,
    own,
    sellers,
    buyers,
    start,
    stop,
):
    most_i = most_j = 0
    for k in range(start, stop):
        most_i = max(most_i, exporter_ptr[k + 1] - exporter_ptr[k])
        most_j = max(most_j, importer_ptr[k + 1] - importer_ptr[k])
    cursor_i, rank_i = np.empty(most_i, np.int64), np.empty(most_i, np.int64)
    cursor_j, rank_j = np.empty(most_j, np.int64), np.empty(most_j, np.int64)
    for k in range(start, stop):
        x0, j0 = exporter_ptr[k], importer_ptr[k]
        _cursors(sellers, k, x0, exporter_ptr[k + 1], cursor_i, rank_i)
        _cursors(buyers, k, j0, importer_ptr[k + 1], cursor_j, rank_j)
        b0 = sellers.line_ptr[sellers.group_ptr[k]]
        a0 = buyers.line_ptr[buyers.group_ptr[k]]
        for f in range(flow_ptr[k], flow_ptr[k + 1]):
            i, j = flow_exporter[f] - x0, flow_importer[f] - j0
            cell = cursor_i[i]
            cursor_i[i] = cell + LANES
            sellers.place[f] = cell
            sellers.weight[b0 + cell // LANES, cell % LANES] = sales_share[f]
            sellers.column[b0 + cell // LANES, cell % LANES] = rank_j[j]
            cell = cursor_j[j]
            cursor_j[j] = cell + LANES
            buyers.place[f] = cell
            spent = share[f] * scale[flow_importer[f]]
            own[flow_exporter[f]] += spent * sales_share[f]
            buyers.weight[a0 + cell // LANES, cell % LANES] = spent
            buyers.column[a0 + cell // LANES, cell % LANES] = rank_i[i]


@njit(cache=True, nogil=True)
def _cursors(side, k, start, stop, cursor, rank):  # type: ignore[no-untyped-def]
    """First cell of each row of product k, and its place in the order."""
    g0 = side.group_ptr[k]
    first = side.line_ptr[g0]
    for place in range(stop - start):
        row = side.order[start + place]
        rank[row] = place
        cursor[row] = (side.line_ptr[g0 + place // LANES] - first) * LANES + place % LANES
