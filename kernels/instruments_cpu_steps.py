"""Sweeps with Anderson acceleration for products under instruments, compiled.

Every unknown moves by its own residual over its own elasticity: a price by the elasticity of supply
plus that of what its buyers take, a premium by that of what the group uses. A floor or a quota that
binds takes its part of the demand out of the former, so that a step is neither too short there nor
too long elsewhere, and needs no damping.

Only the outermost function is cached on disk, under the sources of all that it calls: Numba's cache
does not see edits in other files.
"""

import inspect
import math
import sys
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from tradewedge.kernels import (
    instruments_cpu_layout,
    instruments_cpu_sweep,
    plain_cpu,
    sell_cpu,
    simd,
)
from tradewedge.kernels.instruments_cpu_layout import (
    BASE,
    INNER,
    MOST,
    OWN_DEMAND,
    OWN_USE,
    PRICE,
    SLOPE,
    SUPPLY,
    Limits,
    Makers,
    Treated,
    collect,
    is_usable,
)
from tradewedge.kernels.instruments_cpu_sweep import (
    BEST,
    LACK,
    LAST,
    LAST_STEP,
    STEP,
    UNKNOWN,
    evaluate,
    own_use,
)
from tradewedge.kernels.plain_cpu import (
    DEPTH,
    GROWTH,
    _accelerate,
    _lines,
    _padded,
    _prepare,
    _remember,
    _size,
    workspace,
)
from tradewedge.kernels.sell_cpu import LANES

SOLVED, LEFT, INVALID = range(3)
"""How a product ended: solved, or as it was, since no instrument acts; left to the host; with
instruments that cannot be used."""

LEAST_OWN = 0.02
"""Least elasticity of demand that a step is divided by, as a share of sigma, to begin with."""
CARE = 4.0
"""Factor by which that share grows, up to 1, each time that the sweeps have to go back."""
NOTHING = math.log(1e-14)
"""Log price that counts as 0: of output that has to be sold, and that nobody wants more of."""
STARTED = 10.0
"""Residual, in tolerances, up to which a solution without instruments is one with them, too."""


@njit(**INNER)
def _longest_step(least, n, free, limits, makers, run):  # type: ignore[no-untyped-def]
    """Write the plain step; returns its largest part."""
    z, step, lack = run[UNKNOWN], run[STEP], run[LACK]
    slope, own = makers.number[SLOPE], makers.number[OWN_DEMAND]
    ni = _padded(n.exporters)
    for i in range(n.exporters):
        step[i] = lack[i] / (slope[i] + max(least, own[i])) * free[i]
        if makers.rigid[i]:
            step[i] = max(NOTHING, z[i] + step[i]) - z[i]
    for c in range(n.capped):
        i = makers.capped[c]
        step[i] = max(0.0, z[i] + lack[i] / max(least, own[i])) - z[i]
    for g in range(n.groups):
        u = ni + g
        moved = z[u] + lack[u] / max(least, limits.number[OWN_USE, g])
        step[u] = min(max(0.0, moved), limits.number[MOST, g]) - z[u]
    longest = 0.0
    for u in range(ni + n.groups):
        if not abs(step[u]) <= longest:
            longest = abs(step[u])
    return longest


@njit(**INNER)
def _acts(n, vec, treated, makers, z):  # type: ignore[no-untyped-def]
    """Whether any instrument changes a price or a quantity."""
    acts = n.specific
    for t in range(n.treated):
        acts |= treated.number[PRICE, t] != treated.number[BASE, t]
    for g in range(n.groups):
        acts |= z[_padded(n.exporters) + g] > 0
    for c in range(n.capped):
        acts |= z[makers.capped[c]] > 0
    for i in range(n.exporters):
        plain = vec.supply[i] + vec.epsilon[i] * z[i]
        acts |= vec.free[i] > 0 and makers.number[SUPPLY, i] != plain
    return acts


@njit(**INNER)
def _iterate(  # type: ignore[no-untyped-def]
    k, sigma, eta, buyers, sellers, n, vec, a, b, treated, limits, makers, run, history, tolerance,
    most,
):  # fmt: skip
    """Anderson acceleration, undone where it does not pay; how it ended, sweeps, residual.

    It goes back to the best point where a step has grown tenfold, and treads with more care.
    """
    ni = _padded(n.exporters)
    width = _padded(ni + n.groups)
    z, step, last, last_step = run[UNKNOWN], run[STEP], run[LAST], run[LAST_STEP]
    best = run[BEST]
    best_length, care, steepest = np.inf, LEAST_OWN, max(sigma, eta)
    products, scratch = np.zeros((DEPTH, DEPTH)), np.zeros((DEPTH + 3, DEPTH))
    held = slot = steps = 0
    plain = True
    while steps < most:
        worst = evaluate(k, sigma, eta, buyers, sellers, n, vec, a, b, treated, limits, makers, run)
        steps += 1
        if steps == 1 and worst <= STARTED * tolerance and not _acts(n, vec, treated, makers, z):
            return SOLVED, 0, worst
        if worst <= tolerance:
            return SOLVED, steps, worst
        length = np.inf
        if not math.isnan(worst):
            own_use(sigma, eta, n, vec.total, treated, limits)
            length = _longest_step(care * steepest, n, vec.free, limits, makers, run)
        if not length <= GROWTH * best_length or length == np.inf:
            if best_length == np.inf or (plain and care == 1.0):
                break
            for u in range(width):
                z[u] = best[u]
            care = min(1.0, CARE * care)
            best_length = np.inf
            held = slot = 0
            plain = True
            continue
        if best_length < np.inf:
            _remember(width, slot, history, products, z, step, last, last_step)
            slot = (slot + 1) % DEPTH
            held = min(held + 1, DEPTH)
        if length < best_length:
            best_length = length
            for u in range(width):
                best[u] = z[u]
        for u in range(width):
            last[u] = z[u]
            last_step[u] = step[u]
            z[u] += step[u]
        plain = held == 0
        if not plain:
            _accelerate(width, held, slot, history, products, scratch, step, z)
            for i in range(n.exporters):
                if makers.rigid[i]:
                    z[i] = max(NOTHING, z[i])
            for c in range(n.capped):
                z[makers.capped[c]] = max(0.0, z[makers.capped[c]])
            for g in range(n.groups):
                z[ni + g] = min(max(0.0, z[ni + g]), limits.number[MOST, g])
    return LEFT, steps, np.nan


def _compiled(sources: int) -> Callable[..., Any]:
    """Compile the solver of a slice, under a number that stands for its sources."""

    @njit(cache=True, nogil=True, error_model="numpy")
    def solve(rows, layout, given, out, shadow, todo, start, stop, tolerance, most, ends):  # type: ignore[no-untyped-def]
        _ = sources  # part of the key under which compiled code is kept
        buyers, sellers = layout.buyers, layout.sellers
        flows = exporters = importers = lines_a = lines_b = groups = members = 0
        for p in range(start, stop):
            k = todo[p]
            flows = max(flows, rows.flow_ptr[k + 1] - rows.flow_ptr[k])
            exporters = max(exporters, rows.exporter_ptr[k + 1] - rows.exporter_ptr[k])
            importers = max(importers, rows.importer_ptr[k + 1] - rows.importer_ptr[k])
            lines_a = max(lines_a, _lines(buyers, k))
            lines_b = max(lines_b, _lines(sellers, k))
            groups = max(groups, given.product_ptr[k + 1] - given.product_ptr[k])
            count = 0
            for q in range(given.product_ptr[k], given.product_ptr[k + 1]):
                g = given.group_of[q]
                count += given.group_ptr[g + 1] - given.group_ptr[g]
            members = max(members, count)
        nx, nm = _padded(exporters), _padded(importers)
        width = max(nx + _padded(groups), nm)
        vec, work, _history = workspace(flows, nx, nm)
        a, b = np.empty((lines_a, LANES)), np.empty((lines_b, LANES))
        run, history = np.zeros((7, width)), np.zeros((2 * DEPTH, width))
        mark = np.empty((2, flows), np.int64)
        treated = Treated(
            np.empty(flows, np.uint32),
            np.empty(flows, np.uint32),
            np.zeros((20, flows)),
            np.empty(importers + 1, np.int64),
            np.empty(importers, np.uint32),
            np.empty(importers, np.bool_),
            np.empty(importers),
        )
        limits = Limits(
            np.empty(groups, np.int64),
            np.empty(groups + 1, np.int64),
            np.empty(members, np.uint32),
            np.empty(members, np.uint32),
            np.empty(members),
            np.empty((3, groups)),
        )
        makers = Makers(
            np.zeros((5, nx)),
            np.empty(nx, np.bool_),
            np.empty(nx, np.uint32),
            np.empty((3, nx)),
            np.empty(nx, np.uint32),
        )
        for p in range(start, stop):
            k = todo[p]
            ends[p] = LEFT
            if not is_usable(rows, given, k):
                ends[p] = INVALID
                continue
            size, excluded = -1.0, 0
            if layout.valid[k]:
                size, excluded = _size(rows, k, work)
            if size < 0:
                continue
            _prepare(rows, layout, k, vec, work, a, b, excluded)
            n = collect(rows, layout, given, k, vec, a, b, mark, treated, limits, makers)
            # Whether limits leave enough where demand cannot give way, the host proves.
            if rows.eta[k] == 0 and (n.limited or n.groups > 0 or n.capacities > 0):
                continue

            # From the solution without instruments.
            x0, j0 = rows.exporter_ptr[k], rows.importer_ptr[k]
            z, ni = run[UNKNOWN], _padded(n.exporters)
            run[:] = 0.0
            history[:] = 0.0
            for i in range(n.exporters):
                if vec.free[i] > 0:
                    z[i] = out.log_price[x0 + sellers.order[x0 + i]]
            for s in range(n.segments):
                treated.level[s] = vec.offset[treated.of[s]]
            ends[p], steps, residual = _iterate(
                k, rows.sigma[k], rows.eta[k], buyers, sellers, n, vec, a, b, treated, limits,
                makers, run, history, tolerance, most,
            )  # fmt: skip
            if ends[p] != SOLVED or steps == 0:
                continue
            out.iterations[k] += steps
            out.residual[k] = residual
            out.error_bound[k] = np.nan
            for i in range(n.exporters):
                out.log_price[x0 + sellers.order[x0 + i]] = z[i]
            for j in range(n.importers):
                out.log_index[j0 + buyers.order[j0 + j]] = vec.bundle[j]
            for d in range(vec.dead_i[0]):
                out.log_price[x0 + sellers.order[x0 + vec.dead_i[d + 1]]] = np.nan
            for d in range(vec.dead_j[0]):
                out.log_index[j0 + buyers.order[j0 + vec.dead_j[d + 1]]] = np.nan
            for g in range(n.groups):
                shadow[limits.index[g]] = z[ni + g]

    compiled: Callable[..., Any] = solve
    return compiled


_SOURCES = (
    instruments_cpu_layout,
    instruments_cpu_sweep,
    sys.modules[__name__],
    plain_cpu,
    sell_cpu,
    simd,
)

solve_slice = _compiled(zlib.crc32("".join(map(inspect.getsource, _SOURCES)).encode()))
"""Solve the products ``todo[start:stop]`` from their solutions without instruments.

``rows`` and ``out`` are those of :mod:`.plain_cpu`. What is solved is written to ``out`` and
``shadow``, and how each product ended to ``ends``.
"""
