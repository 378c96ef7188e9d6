"""Products and scenarios one by one, from the rows that a scenario changes.

What :mod:`.plain_cpu` does for a dense shock, without looking at the rows that stay as they are.

Compiled functions that call each other share this file, but for those of :mod:`.plain_cpu`:
Numba's cache does not see edits elsewhere.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradewedge.kernels import plain_cpu
from tradewedge.kernels.compiling import inner
from tradewedge.kernels.equations import AT_ONE, NEAR_ONE
from tradewedge.kernels.market import Floats, Ints
from tradewedge.kernels.plain_cpu import LARGEST
from tradewedge.kernels.sell_cpu import LANES
from tradewedge.kernels.simd import double_at, integer_at


class Out(NamedTuple):
    """Where solutions are written.

    Attributes
    ----------
    log_price, log_index : float64 [...]
        Of all scenarios, one after the other.
    exporter, importer : int64 [S, K]
        Where each product's first row is in these; -1: it is not written.
    status, iterations, residual, error_bound : [S, K]
    """

    log_price: Floats
    log_index: Floats
    exporter: Ints
    importer: Ints
    status: NDArray[np.int8]
    iterations: Ints
    residual: Floats
    error_bound: Floats


class Calm(NamedTuple):
    """The solution that no change has."""

    log_price: Floats
    log_index: Floats


@njit(cache=True, nogil=True, error_model="numpy")
def solve_slice(  # type: ignore[no-untyped-def]
    rows, calm, layout, stack, out, start, stop, tolerance, max_steps, pending
):
    """Solve the products of a slice under every scenario that touches them.

    Of the others what no change has is copied where there is room for it. ``pending`` [S, K].
    """
    flows, exporters, importers, lines_a, lines_b = extents(rows, layout, start, stop)
    single = plain_cpu.workspace(flows, exporters, importers)
    a, b = np.empty((lines_a, LANES)), np.empty((lines_b, LANES))
    for k in range(start, stop):
        if rows.flow_ptr[k] == rows.flow_ptr[k + 1]:
            continue
        for s in range(len(stack.flow)):
            if touches(stack, s, k):
                pending[s, k] = not solve_product(
                    rows, layout, stack, s, out, k, single, a, b, tolerance, max_steps
                )
            else:
                copy_calm(rows, calm, out, s, k)


@inner()
def extents(rows, layout, start, stop):  # type: ignore[no-untyped-def]
    """Largest numbers of flows, exporters and importers (padded), and lines of both matrices."""
    flows = exporters = importers = lines_a = lines_b = 0
    for k in range(start, stop):
        flows = max(flows, rows.flow_ptr[k + 1] - rows.flow_ptr[k])
        exporters = max(exporters, rows.exporter_ptr[k + 1] - rows.exporter_ptr[k])
        importers = max(importers, rows.importer_ptr[k + 1] - rows.importer_ptr[k])
        lines_a = max(lines_a, plain_cpu._lines(layout.buyers, k))
        lines_b = max(lines_b, plain_cpu._lines(layout.sellers, k))
    return flows, plain_cpu._padded(exporters), plain_cpu._padded(importers), lines_a, lines_b


@inner()
def touches(stack, s, k):  # type: ignore[no-untyped-def]
    """Whether a scenario changes a row of a product."""
    return (
        stack.flow_ptr[s, k] < stack.flow_ptr[s, k + 1]
        or stack.exporter_ptr[s, k] < stack.exporter_ptr[s, k + 1]
        or stack.importer_ptr[s, k] < stack.importer_ptr[s, k + 1]
    )


@inner()
def copy_calm(rows, calm, out, s, k):  # type: ignore[no-untyped-def]
    """Write what no change has, where there is room."""
    if out.exporter[s, k] < 0:
        return
    x0, j0 = rows.exporter_ptr[k], rows.importer_ptr[k]
    for i in range(rows.exporter_ptr[k + 1] - x0):
        out.log_price[out.exporter[s, k] + i] = calm.log_price[x0 + i]
    for j in range(rows.importer_ptr[k + 1] - j0):
        out.log_index[out.importer[s, k] + j] = calm.log_index[j0 + j]


@inner()
def solve_product(rows, layout, stack, s, out, k, single, a, b, tolerance, max_steps):  # type: ignore[no-untyped-def]
    """Solve product k under scenario s; returns whether it was plain and has converged.

    ``single`` is a :func:`.plain_cpu.workspace`; ``a`` and ``b`` have room for the lines of both
    matrices.
    """
    vec, work, _ = single
    if not (layout.valid[k] and is_plain(rows, k)):
        return False
    sigma = rows.sigma[k]
    size = extent(stack, s, k, sigma)
    if size < 0:
        return False
    n = gone = 0
    for t in range(stack.flow_ptr[s, k], stack.flow_ptr[s, k + 1]):
        f = integer_at(stack.flow[s], t) - rows.flow_ptr[k]
        cost = double_at(stack.log_cost[s], t)
        if cost < np.inf:
            work.flow[n], work.cost[n] = f, cost
            n += 1
        else:
            work.gone[gone] = f
            gone += 1
    work.count[0] = n
    modulus = plain_cpu._prepare(rows, layout, k, vec, work, a, b, gone)
    for t in range(stack.exporter_ptr[s, k], stack.exporter_ptr[s, k + 1]):
        place = layout.sellers.rank[integer_at(stack.exporter[s], t)]
        vec.supply[place] = double_at(stack.log_supply[s], t)
    for t in range(stack.importer_ptr[s, k], stack.importer_ptr[s, k + 1]):
        place = layout.buyers.rank[integer_at(stack.importer[s], t)]
        vec.offset[place] = double_at(stack.log_demand[s], t)
    x, j = out.exporter[s, k], out.importer[s, k]
    mine = plain_cpu.Out(
        out.log_price[x : x + rows.exporter_ptr[k + 1] - rows.exporter_ptr[k]],
        out.log_index[j : j + rows.importer_ptr[k + 1] - rows.importer_ptr[k]],
        out.status[s],
        out.iterations[s],
        out.residual[s],
        out.error_bound[s],
    )
    return plain_cpu.solve_prepared(
        rows, layout, mine, k, single, a, b, modulus, size, tolerance, max_steps
    )


@inner()
def is_plain(rows, k):  # type: ignore[no-untyped-def]
    """Whether a product's elasticities are those of the fast path."""
    sigma, eta = rows.sigma[k], rows.eta[k]
    plain = 0 < sigma < np.inf and 0 <= eta < np.inf and abs(1 - sigma) >= NEAR_ONE
    for i in range(rows.exporter_ptr[k], rows.exporter_ptr[k + 1]):
        plain &= rows.epsilon[i] >= 0
    return plain


@inner()
def extent(stack, s, k, sigma):  # type: ignore[no-untyped-def]
    """Largest |log cost| of a scenario; -1: not plain."""
    size, total = 0.0, 0.0
    for t in range(stack.flow_ptr[s, k], stack.flow_ptr[s, k + 1]):
        cost = double_at(stack.log_cost[s], t)
        if cost < np.inf:
            size = max(size, abs(cost))
        elif math.isnan(cost) or sigma <= 1 + AT_ONE:
            return -1.0
    for t in range(stack.exporter_ptr[s, k], stack.exporter_ptr[s, k + 1]):
        total += double_at(stack.log_supply[s], t)
    for t in range(stack.importer_ptr[s, k], stack.importer_ptr[s, k + 1]):
        total += double_at(stack.log_demand[s], t)
    # A prohibitive cost has to be shifted out of the way first.
    if not math.isfinite(total) or (sigma + 1) * size > LARGEST / 2:
        return -1.0
    return size
