"""Several scenarios of one product side by side: the CPU's fast path with a scenario per lane.

The algorithm and its limits are those of :mod:`.plain_cpu`. What scenarios share is loaded once for
eight of them: a weight of the baseline multiplies eight neighbouring numbers, one per lane, where
the single path has to collect its factors one by one. Flows that some lane changes leave the shared
matrices and get a weight per lane, so that nothing is subtracted that was added before: a
prohibitive tariff or an exclusion costs no digits. Lanes stop one by one.

Where more than eight scenarios touch a product, eight of them, spread over the list, are solved
first. The others start from the combination of their prices that what they change calls for: by
interpolation with a polynomial kernel over flows, which for a sweep of one rate is the polynomial
through the eight and the baseline, and for scenarios that share nothing is the baseline.

A lane that the fast path cannot solve is marked as pending, as a product is. Where too few
scenarios touch a product to fill lanes, they are solved one by one.

Compiled functions that call each other share this file: Numba's cache does not see edits elsewhere.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradewedge.kernels import alone_cpu, plain_cpu
from tradewedge.kernels.compiling import inner
from tradewedge.kernels.equations import ROUNDING
from tradewedge.kernels.market import Bools, Floats, Ints
from tradewedge.kernels.plain_cpu import DEPTH, GROWTH, LARGEST, OWN_SHARE
from tradewedge.kernels.sell_cpu import LANES
from tradewedge.kernels.simd import (
    double_at,
    integer_at,
    larger,
    load,
    magnitude,
    smaller,
    spread,
    store,
)

FEWEST = 3
"""Scenarios that are solved side by side; fewer are solved one by one."""
DEGREE = 8
"""Of the polynomial by which the first eight scenarios are interpolated."""
LARGEST_SHARE = 50.0
"""Sum of the sizes of the weights of an interpolation; more is no interpolation."""


class _Vectors(NamedTuple):
    """One product's numbers: by country in the layout's order; those by lane have 8 per country."""

    # Exporters.
    tilt: Floats  # sigma + epsilon
    slope: Floats
    per_slope: Floats
    free: Floats
    supply: Floats  # by lane
    u: Floats  # by lane, as all that follow
    z: Floats
    last: Floats
    step: Floats
    last_step: Floats
    best: Floats
    best_step: Floats
    # Importers.
    offset: Floats  # by lane, as all that follow
    total: Floats
    bundle: Floats
    demand: Floats
    # Flows that exclusions took from each row, by lane; and cells that have none left.
    gone_i: Ints
    gone_j: Ints
    dead_i: Ints
    dead_j: Ints
    dead: Ints  # [2] how many of either


class _Overlay(NamedTuple):
    """Flows of one product that some lane changes."""

    place: NDArray[np.int32]  # [flow of the product] where it is below; -1: nowhere
    flow: NDArray[np.int32]
    exporter: NDArray[np.int32]
    importer: NDArray[np.int32]
    cost: Floats  # by lane, as both weights
    a: Floats
    b: Floats
    count: Ints  # [3] flows, cells with a cost, cells that are excluded
    changed: NDArray[np.int32]  # cells
    excluded: NDArray[np.int32]
    value: Floats  # costs of the changed cells
    factor: Floats


class _Nodes(NamedTuple):
    """The first eight scenarios of a product, once they are solved: where the others start from."""

    price: Floats  # by lane, as supply and demand
    supply: Floats
    demand: Floats
    scale: Floats  # [3] inverse of the largest squared cost, supply and demand shift; 0: none
    factor: Floats  # [8, 8] Cholesky factor of their inner products, the diagonal inverted
    share: Floats  # [8 * 8] of each node in the start of each lane
    scratch: Floats  # [8]


class _Lane(NamedTuple):
    """Numbers by lane."""

    scenario: Ints  # -1: none
    active: Bools
    size: Floats
    worst: Floats
    length: Floats
    best: Floats
    at_best: Bools  # the latest point is the best
    plain: Bools  # the latest step was not accelerated
    extent: Floats  # largest |z|
    low: Floats
    high: Floats
    gram: Floats  # [DEPTH * DEPTH * 8] inner products of differences
    along: Floats  # [DEPTH * 8] of differences with the latest step
    weight: Floats  # [DEPTH * 8]


@njit(cache=True, nogil=True, error_model="numpy")
def solve_slice(  # type: ignore[no-untyped-def]
    rows, calm, layout, stack, out, start, stop, tolerance, max_steps, pending
):
    """As :func:`.alone_cpu.solve_slice`, with scenarios side by side."""
    flows, nx, nm, lines_a, lines_b = alone_cpu.extents(rows, layout, start, stop)
    one, x, m = np.zeros((4, nx)), np.zeros((8, nx * LANES)), np.zeros((4, nm * LANES))
    vec = _Vectors(
        one[0], one[1], one[2], one[3], x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7],
        m[0], m[1], m[2], m[3],
        np.zeros(nx * LANES, np.int64), np.zeros(nm * LANES, np.int64),
        np.zeros(nx * LANES, np.int64), np.zeros(nm * LANES, np.int64), np.zeros(2, np.int64),
    )  # fmt: skip
    first, over = _overlay(flows), _overlay(flows)
    nodes = _Nodes(
        np.zeros(nx * LANES), np.zeros(nx * LANES), np.zeros(nm * LANES), np.zeros(3),
        np.zeros((LANES, LANES)), np.zeros(LANES * LANES), np.zeros(LANES),
    )  # fmt: skip
    lane = _Lane(
        np.zeros(LANES, np.int64), np.zeros(LANES, np.bool_), np.zeros(LANES), np.zeros(LANES),
        np.zeros(LANES), np.zeros(LANES), np.zeros(LANES, np.bool_), np.zeros(LANES, np.bool_),
        np.zeros(LANES), np.zeros(LANES), np.zeros(LANES), np.zeros(DEPTH * DEPTH * LANES),
        np.zeros(DEPTH * LANES), np.zeros(DEPTH * LANES),
    )  # fmt: skip
    history = np.zeros((2 * DEPTH, nx * LANES))
    single = plain_cpu.workspace(flows, nx, nm)
    a, b = np.empty((lines_a, LANES)), np.empty((lines_b, LANES))
    scenarios = len(stack.flow)
    who = np.empty(scenarios, np.int64)
    for k in range(start, stop):
        if rows.flow_ptr[k] == rows.flow_ptr[k + 1]:
            continue
        n = 0
        for s in range(scenarios):
            if alone_cpu.touches(stack, s, k):
                who[n] = s
                n += 1
            else:
                alone_cpu.copy_calm(rows, calm, out, s, k)
        done = 0
        if layout.valid[k] and alone_cpu.is_plain(rows, k):
            _sort(stack, k, who, n)
            _spread_out(who, n)
            while n - done >= FEWEST:
                together = min(LANES, n - done)
                lane.scenario[:] = -1
                lane.scenario[:together] = who[done : done + together]
                here = first if done == 0 else over
                _prepare(rows, layout, stack, k, vec, here, lane, a, b, pending)
                if done > 0:
                    _start(rows, layout, stack, k, vec, first, nodes, lane)
                _iterate(
                    rows, layout, out, k, vec, here, lane, history, a, b,
                    tolerance, max_steps, pending,
                )  # fmt: skip
                if done == 0 and n >= LANES + FEWEST:
                    _remember_nodes(rows, layout, out, k, vec, first, nodes, lane, pending)
                if done > 0:
                    _forget(over)
                done += together
            _forget(first)
        for t in range(done, n):
            s = who[t]
            pending[s, k] = not alone_cpu.solve_product(
                rows, layout, stack, s, out, k, single, a, b, tolerance, max_steps
            )


@inner()
def _overlay(flows):  # type: ignore[no-untyped-def]
    cells = flows * LANES
    return _Overlay(
        np.full(flows, -1, np.int32), np.empty(flows, np.int32),
        np.empty(flows, np.int32), np.empty(flows, np.int32),
        np.empty(cells), np.empty(cells), np.empty(cells), np.zeros(3, np.int64),
        np.empty(cells, np.int32), np.empty(cells, np.int32), np.empty(cells), np.empty(cells),
    )  # fmt: skip


@inner()
def _forget(over):  # type: ignore[no-untyped-def]
    """Empty an overlay."""
    for p in range(over.count[0]):
        over.place[over.flow[p]] = -1
    over.count[:] = 0


@inner()
def _sort(stack, k, who, n):  # type: ignore[no-untyped-def]
    """Order scenarios by how many flows of product k they touch, else as they are.

    Those that change as much take about as many sweeps: lanes wait less for each other.
    """
    for place in range(1, n):
        s = who[place]
        count = stack.flow_ptr[s, k + 1] - stack.flow_ptr[s, k]
        while place > 0:
            before = who[place - 1]
            if stack.flow_ptr[before, k + 1] - stack.flow_ptr[before, k] <= count:
                break
            who[place] = before
            place -= 1
        who[place] = s


@inner()
def _spread_out(who, n):  # type: ignore[no-untyped-def]
    """Bring eight of the first n entries, spread over them, to the front."""
    if n < LANES + FEWEST:
        return
    for place in range(LANES):
        # Places before this one hold earlier picks; what stood there was moved to theirs.
        pick = place * (n - 1) // (LANES - 1)
        who[place], who[pick] = who[pick], who[place]


@inner(fastmath={"contract"})
def _prepare(rows, layout, stack, k, vec, over, lane, a, b, pending):  # type: ignore[no-untyped-def]
    """Put the baseline and the lanes' scenarios into product k's matrices and vectors."""
    x0, j0 = rows.exporter_ptr[k], rows.importer_ptr[k]
    nx, nm = rows.exporter_ptr[k + 1] - x0, rows.importer_ptr[k + 1] - j0
    sigma, eta = rows.sigma[k], rows.eta[k]
    vec.supply[: nx * LANES] = 0.0
    vec.offset[: nm * LANES] = 0.0
    vec.z[: nx * LANES] = 0.0
    for s in range(LANES):
        scenario = lane.scenario[s]
        lane.active[s] = False
        if scenario < 0:
            continue
        lane.size[s] = alone_cpu.extent(stack, scenario, k, sigma)
        if lane.size[s] < 0:
            pending[scenario, k] = True
            continue
        lane.active[s] = True
        _enter(rows, stack, scenario, k, s, over)
        for t in range(stack.exporter_ptr[scenario, k], stack.exporter_ptr[scenario, k + 1]):
            place = layout.sellers.rank[integer_at(stack.exporter[scenario], t)]
            vec.supply[place * LANES + s] = double_at(stack.log_supply[scenario], t)
        for t in range(stack.importer_ptr[scenario, k], stack.importer_ptr[scenario, k + 1]):
            place = layout.buyers.rank[integer_at(stack.importer[scenario], t)]
            vec.offset[place * LANES + s] = double_at(stack.log_demand[scenario], t)
    _weigh(rows, layout, k, over, a, b)
    _exclude(layout, x0, j0, nx, nm, vec, over)
    least = np.inf
    for i in range(nx):
        old = x0 + layout.sellers.order[x0 + i]
        epsilon = rows.epsilon[old]
        vec.free[i] = 1.0 if epsilon < np.inf else 0.0
        least = min(least, epsilon)
        vec.tilt[i] = sigma + (epsilon if epsilon < np.inf else 0.0)
    steepest = max(sigma, eta) if abs(sigma - eta) >= least + sigma else sigma
    for i in range(nx):
        vec.slope[i] = vec.tilt[i] - sigma + steepest
        own = OWN_SHARE * layout.own[x0 + layout.sellers.order[x0 + i]]
        vec.per_slope[i] = vec.free[i] / (vec.slope[i] - max(sigma - eta, 0.0) * own)


@inner()
def _enter(rows, stack, scenario, k, s, over):  # type: ignore[no-untyped-def]
    """Put a scenario's flows into a lane of the overlay."""
    n, changed, gone = over.count
    f0 = rows.flow_ptr[k]
    for t in range(stack.flow_ptr[scenario, k], stack.flow_ptr[scenario, k + 1]):
        f = integer_at(stack.flow[scenario], t) - f0
        cost = double_at(stack.log_cost[scenario], t)
        p = over.place[f]
        if p < 0:
            p = n
            over.place[f] = p
            over.flow[p] = f
            over.cost[p * LANES : (p + 1) * LANES] = 0.0
            n += 1
        cell = p * LANES + s
        if cost < np.inf:
            over.cost[cell] = over.value[changed] = cost
            over.changed[changed] = cell
            changed += 1
        else:
            over.excluded[gone] = cell
            gone += 1
    over.count[0], over.count[1], over.count[2] = n, changed, gone


@inner()
def _weigh(rows, layout, k, over, a, b):  # type: ignore[no-untyped-def]
    """Move the flows of the overlay out of copies of the matrices, and weigh them by lane."""
    sigma = rows.sigma[k]
    plain_cpu._copy(layout.buyers, k, a)
    plain_cpu._copy(layout.sellers, k, b)
    a_first = layout.buyers.line_ptr[layout.buyers.group_ptr[k]]
    b_first = layout.sellers.line_ptr[layout.sellers.group_ptr[k]]
    for p in range(over.count[0]):
        f = over.flow[p]
        cell = layout.buyers.place[rows.flow_ptr[k] + f]
        line, column = cell // LANES, cell % LANES
        store(over.a, p * LANES, spread(a[line, column]))
        a[line, column] = 0.0
        over.exporter[p] = layout.buyers.column[a_first + line, column]
        cell = layout.sellers.place[rows.flow_ptr[k] + f]
        line, column = cell // LANES, cell % LANES
        store(over.b, p * LANES, spread(b[line, column]))
        b[line, column] = 0.0
        over.importer[p] = layout.sellers.column[b_first + line, column]
    _scale(over, 1 - sigma, over.a)
    _scale(over, -sigma, over.b)


@inner()
def _scale(over, power, weight):  # type: ignore[no-untyped-def]
    """Weigh every cell of the overlay for its cost."""
    plain_cpu._powers(over.count[1], power, over.value, over.factor)
    for t in range(over.count[1]):
        weight[over.changed[t]] *= over.factor[t]
    for t in range(over.count[2]):
        weight[over.excluded[t]] = 0.0


@inner()
def _exclude(layout, x0, j0, nx, nm, vec, over):  # type: ignore[no-untyped-def]
    """List the cells of exporters and importers that have no flow left in a lane."""
    vec.dead[:] = 0
    if over.count[2] == 0:
        return
    vec.gone_i[: nx * LANES] = 0
    vec.gone_j[: nm * LANES] = 0
    for t in range(over.count[2]):
        p, s = over.excluded[t] // LANES, over.excluded[t] % LANES
        i, j = over.exporter[p], over.importer[p]
        vec.gone_i[i * LANES + s] += 1
        vec.gone_j[j * LANES + s] += 1
        if vec.gone_i[i * LANES + s] == layout.sellers.length[x0 + i]:
            vec.dead_i[vec.dead[0]] = i * LANES + s
            vec.dead[0] += 1
        if vec.gone_j[j * LANES + s] == layout.buyers.length[j0 + j]:
            vec.dead_j[vec.dead[1]] = j * LANES + s
            vec.dead[1] += 1


@inner()
def _multiply(weight, side, k, first_row, n, values, out):  # type: ignore[no-untyped-def]
    """Product k's matrix times ``values``, by lane; four of its n rows at a time."""
    g0 = side.group_ptr[k]
    first = side.line_ptr[g0]
    for g in range(side.group_ptr[k + 1] - g0):
        start = side.line_ptr[g0 + g]
        for half in (0, 4):
            # Rows are sorted by length: the first of the four is the longest.
            longest = side.length[first_row + g * LANES + half] if g * LANES + half < n else 0
            stop = start + longest
            total0 = total1 = total2 = total3 = spread(0.0)
            for line in range(start, stop):
                w, c = weight[line - first], side.column[line]
                total0 = total0 + spread(w[half]) * load(values, c[half] * LANES)
                total1 = total1 + spread(w[half + 1]) * load(values, c[half + 1] * LANES)
                total2 = total2 + spread(w[half + 2]) * load(values, c[half + 2] * LANES)
                total3 = total3 + spread(w[half + 3]) * load(values, c[half + 3] * LANES)
            row = (g * LANES + half) * LANES
            store(out, row, total0)
            store(out, row + LANES, total1)
            store(out, row + 2 * LANES, total2)
            store(out, row + 3 * LANES, total3)


@inner()
def _add(n, weight, source, target, values, out):  # type: ignore[no-untyped-def]
    """Add what flows of the overlay contribute."""
    for p in range(n):
        to = target[p] * LANES
        more = load(weight, p * LANES) * load(values, source[p] * LANES)
        store(out, to, load(out, to) + more)


@inner()
def _check(n, values, lane):  # type: ignore[no-untyped-def]
    """Mark lanes with a number that has no logarithm or is not far from overflow."""
    low, total = spread(np.inf), spread(0.0)
    for i in range(n):
        value = load(values, i * LANES)
        low = smaller(value, low)
        total = total + value
    store(lane.low, 0, low)
    store(lane.high, 0, total)
    for s in range(LANES):
        if not (lane.low[s] > 1e-150 and lane.high[s] < 1e150):
            lane.extent[s] = np.nan


@inner(fastmath={"contract"})
def _logs(n, values):  # type: ignore[no-untyped-def]
    for i in range(n):
        values[i] = plain_cpu._log(values[i])


@inner()
def _steps(n, vec, step, z, lane):  # type: ignore[no-untyped-def]
    """Steps, and the largest log excess demand and step of each lane; ``vec.u``: log sales."""
    for d in range(vec.dead[0]):
        cell = vec.dead_i[d]
        vec.u[cell] = vec.supply[cell] + vec.tilt[cell // LANES] * z[cell]
    worst = length = spread(0.0)
    for i in range(n):
        c = i * LANES
        excess = load(vec.u, c) - load(vec.supply, c) - spread(vec.tilt[i]) * load(z, c)
        excess = excess * spread(vec.free[i])
        new = excess * spread(vec.per_slope[i])
        store(step, c, new)
        worst = larger(magnitude(excess), worst)
        length = larger(magnitude(new), length)
    store(lane.worst, 0, worst)
    store(lane.length, 0, length)


@inner()
def _sweep(x0, nx, j0, nm, sigma, eta, layout, k, vec, over, lane, a, b, z, step):  # type: ignore[no-untyped-def]
    """Indices, and steps at z; the largest log excess demand by lane, NaN where it has none."""
    power = 1 - sigma
    n = over.count[0]
    plain_cpu._powers(nx * LANES, power, z, vec.u)
    _multiply(a, layout.buyers, k, j0, nm, vec.u, vec.total)
    _add(n, over.a, over.exporter, over.importer, vec.u, vec.total)
    for d in range(vec.dead[1]):
        vec.total[vec.dead_j[d]] = 1.0
    _check(nm, vec.total, lane)
    plain_cpu._demands(
        nm * LANES, 1 / power, sigma - eta, vec.total, vec.offset, vec.bundle, vec.demand
    )
    # Sales take the place of the powers, which are used up.
    _multiply(b, layout.sellers, k, x0, nx, vec.demand, vec.u)
    _add(n, over.b, over.importer, over.exporter, vec.demand, vec.u)
    for d in range(vec.dead[0]):
        vec.u[vec.dead_i[d]] = 1.0
    _check(nx, vec.u, lane)
    _logs(nx * LANES, vec.u)
    _steps(nx, vec, step, z, lane)
    for s in range(LANES):
        if not lane.extent[s] * abs(power) <= LARGEST:
            lane.worst[s] = lane.length[s] = np.nan


@inner()
def _iterate(  # type: ignore[no-untyped-def]
    rows, layout, out, k, vec, over, lane, history, a, b, tolerance, max_steps, pending
):
    """Anderson acceleration of every lane, undone where it does not pay."""
    x0, j0 = rows.exporter_ptr[k], rows.importer_ptr[k]
    nx, nm = rows.exporter_ptr[k + 1] - x0, rows.importer_ptr[k + 1] - j0
    sigma, eta = rows.sigma[k], rows.eta[k]
    z, last, step, last_step = vec.z, vec.last, vec.step, vec.last_step
    lane.best[:] = np.inf
    lane.plain[:] = True
    lane.at_best[:] = False
    _measure(nx, z, lane)
    lane.gram[:] = 0.0
    lane.along[:] = 0.0
    lane.weight[:] = 0.0
    history[:, : nx * LANES] = 0.0
    left = 0
    for s in range(LANES):
        left += lane.active[s]
    slot = held = 0
    for steps in range(1, max_steps + 1):
        if left == 0:
            return
        _sweep(x0, nx, j0, nm, sigma, eta, layout, k, vec, over, lane, a, b, z, step)
        undone = False
        for s in range(LANES):
            if not lane.active[s]:
                continue
            if lane.worst[s] <= tolerance:
                _write(rows, layout, out, k, s, vec, lane, z, step, steps)
            elif not lane.length[s] <= GROWTH * lane.best[s] and lane.plain[s]:
                pending[lane.scenario[s], k] = True
            else:
                undone |= not lane.length[s] <= GROWTH * lane.best[s]
                continue
            lane.active[s] = False
            left -= 1
        if steps > 1:
            _remember(nx, slot, history, lane, z, last, step, last_step)
            slot = (slot + 1) % DEPTH
            held = min(held + 1, DEPTH)
            _weights(slot, held, lane)
        for s in range(LANES):
            _keep_best(nx, s, vec, lane, last, last_step)
        _advance(nx, history, lane, z, step, last)
        if undone:
            for s in range(LANES):
                if lane.active[s] and not lane.length[s] <= GROWTH * lane.best[s]:
                    _undo(nx, s, vec, lane, history, z, step, last)
        z, last = last, z
        step, last_step = last_step, step
    for s in range(LANES):
        if lane.active[s]:
            pending[lane.scenario[s], k] = True


@inner()
def _remember(n, slot, history, lane, z, last, step, last_step):  # type: ignore[no-untyped-def]
    """Keep the latest difference of steps, and of the points that they lead to.

    With its inner products with all differences, and with the latest step; those of the others with
    it follow, for the step itself has changed by this difference.
    """
    change, together = history[slot], history[DEPTH + slot]
    h0, h1, h2, h3, h4 = history[0], history[1], history[2], history[3], history[4]
    g0 = g1 = g2 = g3 = g4 = along = spread(0.0)
    for i in range(n):
        c = i * LANES
        new = load(step, c)
        d = new - load(last_step, c)
        store(change, c, d)
        store(together, c, (load(z, c) - load(last, c)) + d)
        g0 = g0 + d * load(h0, c)
        g1 = g1 + d * load(h1, c)
        g2 = g2 + d * load(h2, c)
        g3 = g3 + d * load(h3, c)
        g4 = g4 + d * load(h4, c)
        along = along + d * new
    row = slot * DEPTH * LANES
    store(lane.gram, row, g0)
    store(lane.gram, row + LANES, g1)
    store(lane.gram, row + 2 * LANES, g2)
    store(lane.gram, row + 3 * LANES, g3)
    store(lane.gram, row + 4 * LANES, g4)
    for h in range(DEPTH):
        inner = load(lane.gram, row + h * LANES)
        store(lane.gram, (h * DEPTH + slot) * LANES, inner)
        store(lane.along, h * LANES, load(lane.along, h * LANES) + inner)
    store(lane.along, slot * LANES, along)


@inner()
def _weights(slot, held, lane):  # type: ignore[no-untyped-def]
    """The combination of differences that best explains each lane's step.

    Normal equations, latest difference first, by Cholesky; one that adds no new direction gets 0.
    ``slot`` is where the next difference goes.
    """
    factor = np.empty((DEPTH, DEPTH))
    side = np.empty(DEPTH)
    for s in range(LANES):
        if not lane.active[s]:
            continue
        for p in range(held):
            h = (slot - 1 - p) % DEPTH
            size = lane.gram[(h * DEPTH + h) * LANES + s]
            left, along = size, lane.along[h * LANES + s]
            for q in range(p):
                g = (slot - 1 - q) % DEPTH
                inner = lane.gram[(g * DEPTH + h) * LANES + s]
                for r in range(q):
                    inner -= factor[q, r] * factor[p, r]
                inner *= factor[q, q]
                factor[p, q] = inner
                left -= inner * inner
                along -= inner * side[q]
            factor[p, p] = 1 / math.sqrt(left) if left > 1e-13 * size else 0.0
            side[p] = along * factor[p, p]
        for p in range(held - 1, -1, -1):
            value = side[p]
            for q in range(p + 1, held):
                value -= factor[q, p] * lane.weight[((slot - 1 - q) % DEPTH) * LANES + s]
            lane.weight[((slot - 1 - p) % DEPTH) * LANES + s] = value * factor[p, p]


@inner()
def _measure(n, z, lane):  # type: ignore[no-untyped-def]
    """Largest magnitude by lane."""
    extent = spread(0.0)
    for i in range(n):
        extent = larger(magnitude(load(z, i * LANES)), extent)
    store(lane.extent, 0, extent)


@inner()
def _alike(values, place, value, scale, sums):  # type: ignore[no-untyped-def]
    """Add to ``sums`` [8] how a change of one row goes with those of the nodes, by powers."""
    q = load(values, place * LANES) * spread(value * scale)
    power = q
    for _ in range(DEGREE - 1):
        power = q + q * power
    store(sums, 0, load(sums, 0) + power)


@inner()
def _remember_nodes(rows, layout, out, k, vec, first, nodes, lane, pending):  # type: ignore[no-untyped-def]
    """Make the scenarios in the lanes, now solved, nodes of an interpolation."""
    x0, j0 = rows.exporter_ptr[k], rows.importer_ptr[k]
    nx, nm = rows.exporter_ptr[k + 1] - x0, rows.importer_ptr[k + 1] - j0
    n = first.count[0]
    nodes.supply[: nx * LANES] = vec.supply[: nx * LANES]
    nodes.demand[: nm * LANES] = vec.offset[: nm * LANES]
    most = max(plain_cpu._largest(first.cost, n * LANES), 0.0)
    # An exclusion counts as the largest cost.
    for t in range(first.count[2]):
        first.cost[first.excluded[t]] = most if most > 0 else 1.0
    nodes.scale[0] = _per_square(first.cost, n)
    nodes.scale[1] = _per_square(nodes.supply, nx)
    nodes.scale[2] = _per_square(nodes.demand, nm)
    for s in range(LANES):
        solved = not pending[lane.scenario[s], k]
        for i in range(nx):
            value = out.log_price[out.exporter[lane.scenario[s], k] + layout.sellers.order[x0 + i]]
            nodes.price[i * LANES + s] = value if solved and math.isfinite(value) else 0.0
        for p in range(n):
            first.cost[p * LANES + s] *= solved
        for i in range(nx):
            nodes.supply[i * LANES + s] *= solved
        for j in range(nm):
            nodes.demand[j * LANES + s] *= solved
    factor = nodes.factor
    for s in range(LANES):
        nodes.scratch[:] = 0.0
        for p in range(n):
            _alike(first.cost, p, first.cost[p * LANES + s], nodes.scale[0], nodes.scratch)
        for i in range(nx if nodes.scale[1] > 0 else 0):
            _alike(nodes.supply, i, nodes.supply[i * LANES + s], nodes.scale[1], nodes.scratch)
        for j in range(nm if nodes.scale[2] > 0 else 0):
            _alike(nodes.demand, j, nodes.demand[j * LANES + s], nodes.scale[2], nodes.scratch)
        left = nodes.scratch[s]
        for t in range(s):
            inner = nodes.scratch[t]
            for q in range(t):
                inner -= factor[t, q] * factor[s, q]
            factor[s, t] = inner * factor[t, t]
            left -= factor[s, t] * factor[s, t]
        # What the nodes before explain already is left out.
        factor[s, s] = 1 / math.sqrt(left) if left > 1e-11 * nodes.scratch[s] else 0.0


@inner()
def _per_square(values, n):  # type: ignore[no-untyped-def]
    most = plain_cpu._largest(values, n * LANES)
    return 1 / (most * most) if most > 0 else 0.0


@inner()
def _start(rows, layout, stack, k, vec, first, nodes, lane):  # type: ignore[no-untyped-def]
    """Start every lane from the combination of nodes that matches what it changes."""
    nx = rows.exporter_ptr[k + 1] - rows.exporter_ptr[k]
    nodes.share[:] = 0.0
    excluded = 1 / math.sqrt(nodes.scale[0]) if nodes.scale[0] > 0 else 0.0
    for s in range(LANES):
        if not lane.active[s]:
            continue
        scenario, sums = lane.scenario[s], nodes.scratch
        sums[:] = 0.0
        for t in range(stack.flow_ptr[scenario, k], stack.flow_ptr[scenario, k + 1]):
            p = first.place[integer_at(stack.flow[scenario], t) - rows.flow_ptr[k]]
            if p >= 0:
                cost = min(double_at(stack.log_cost[scenario], t), excluded)
                _alike(first.cost, p, cost, nodes.scale[0], sums)
        for t in range(stack.exporter_ptr[scenario, k], stack.exporter_ptr[scenario, k + 1]):
            i = layout.sellers.rank[integer_at(stack.exporter[scenario], t)]
            value = double_at(stack.log_supply[scenario], t)
            _alike(nodes.supply, i, value, nodes.scale[1], sums)
        for t in range(stack.importer_ptr[scenario, k], stack.importer_ptr[scenario, k + 1]):
            j = layout.buyers.rank[integer_at(stack.importer[scenario], t)]
            value = double_at(stack.log_demand[scenario], t)
            _alike(nodes.demand, j, value, nodes.scale[2], sums)
        size = 0.0
        for t in range(LANES):
            for q in range(t):
                sums[t] -= nodes.factor[t, q] * sums[q]
            sums[t] *= nodes.factor[t, t]
        for t in range(LANES - 1, -1, -1):
            for q in range(t + 1, LANES):
                sums[t] -= nodes.factor[q, t] * sums[q]
            sums[t] *= nodes.factor[t, t]
            size += abs(sums[t])
        if size <= LARGEST_SHARE:
            for t in range(LANES):
                nodes.share[t * LANES + s] = sums[t]
    for i in range(nx):
        start = spread(0.0)
        for t in range(LANES):
            start = start + spread(nodes.price[i * LANES + t]) * load(nodes.share, t * LANES)
        store(vec.z, i * LANES, start)


@inner()
def _keep_best(n, s, vec, lane, last, last_step):  # type: ignore[no-untyped-def]
    """Note whether a lane's latest point is its best; if the one before was, save it."""
    if not lane.active[s]:
        return
    if lane.length[s] < lane.best[s]:
        lane.best[s] = lane.length[s]
        lane.at_best[s] = True
    elif lane.at_best[s]:
        lane.at_best[s] = False
        for i in range(n):
            vec.best[i * LANES + s] = last[i * LANES + s]
            vec.best_step[i * LANES + s] = last_step[i * LANES + s]


@inner()
def _advance(n, history, lane, z, step, out):  # type: ignore[no-untyped-def]
    """Next point of every lane: z + step less the combination of past differences."""
    t0, t1, t2, t3, t4 = history[5], history[6], history[7], history[8], history[9]
    w0, w1 = load(lane.weight, 0), load(lane.weight, LANES)
    w2, w3 = load(lane.weight, 2 * LANES), load(lane.weight, 3 * LANES)
    w4 = load(lane.weight, 4 * LANES)
    extent = total = spread(0.0)
    for i in range(n):
        c = i * LANES
        new = load(z, c) + load(step, c)
        new = new - w0 * load(t0, c) - w1 * load(t1, c) - w2 * load(t2, c)
        new = new - w3 * load(t3, c) - w4 * load(t4, c)
        store(out, c, new)
        extent = larger(magnitude(new), extent)
        total = total + new
    store(lane.extent, 0, extent)
    store(lane.high, 0, total)
    for s in range(LANES):
        lane.plain[s] = False
        if not math.isfinite(lane.high[s]):
            lane.extent[s] = np.nan


@inner()
def _undo(n, s, vec, lane, history, z, step, out):  # type: ignore[no-untyped-def]
    """Take a plain step from a lane's best point instead, without any history."""
    extent = 0.0
    for i in range(n):
        c = i * LANES + s
        z[c], step[c] = vec.best[c], vec.best_step[c]
        out[c] = z[c] + step[c]
        extent = max(extent, abs(out[c]))
        history[:, c] = 0.0
    lane.extent[s] = extent
    lane.gram[s::LANES] = 0.0
    lane.along[s::LANES] = 0.0
    lane.weight[s::LANES] = 0.0
    lane.plain[s] = True


@inner()
def _write(rows, layout, out, k, s, vec, lane, z, step, steps):  # type: ignore[no-untyped-def]
    """A lane's prices, indices and error bound, from the last sweep; as in the single path."""
    scenario = lane.scenario[s]
    x0, j0 = rows.exporter_ptr[k], rows.importer_ptr[k]
    nx, nm = rows.exporter_ptr[k + 1] - x0, rows.importer_ptr[k + 1] - j0
    log_price = out.log_price[out.exporter[scenario, k] :]
    log_index = out.log_index[out.importer[scenario, k] :]
    price = index = worst = 0.0
    for i in range(nx):
        value = z[i * LANES + s]
        log_price[layout.sellers.order[x0 + i]] = value
        price = max(price, abs(value))
    for j in range(nm):
        value = vec.bundle[j * LANES + s]
        log_index[layout.buyers.order[j0 + j]] = value
        index = max(index, abs(value))
    for d in range(vec.dead[0]):
        if vec.dead_i[d] % LANES == s:
            log_price[layout.sellers.order[x0 + vec.dead_i[d] // LANES]] = np.nan
    for d in range(vec.dead[1]):
        if vec.dead_j[d] % LANES == s:
            log_index[layout.buyers.order[j0 + vec.dead_j[d] // LANES]] = np.nan
    out.status[scenario, k] = 0
    out.iterations[scenario, k] = steps
    out.residual[scenario, k] = lane.worst[s]
    sigma, eta = rows.sigma[k], rows.eta[k]
    least = np.inf
    for i in range(nx):
        old = layout.sellers.order[x0 + i]
        if not math.isnan(log_price[old]):
            least = min(least, rows.epsilon[x0 + old])
    modulus = abs(sigma - eta) / (least + sigma)
    if modulus >= 1:
        out.error_bound[scenario, k] = np.nan
        return
    gain = 2 * abs(sigma - eta) / abs(1 - sigma)
    terms = 4 + max(nx, nm)
    exponent = 1 + lane.size[s] + price + 2 * index
    rounding = ROUNDING * (terms * (1 + gain) + 4 * (1 + max(sigma, eta)) * exponent)
    for i in range(nx):
        if vec.free[i] > 0 and not math.isnan(log_price[layout.sellers.order[x0 + i]]):
            excess = abs(step[i * LANES + s]) / vec.per_slope[i]
            worst = max(worst, (excess + rounding) / vec.tilt[i])
    out.error_bound[scenario, k] = worst / (1 - modulus)
