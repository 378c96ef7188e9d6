"""The CPU kernel's fast path: products with one CES nest and sigma away from 1.

The algorithm is that of ``kernels/README.md``, on the layout of :mod:`.sell_cpu`: countries keep
its order, so that nothing is permuted inside a sweep, and vectors are padded to whole groups. The
exponentials and logarithms are polynomials that the compiler turns into vector instructions, good
to 2 units in the last place.

A product for which this does not do - an index near sigma = 1, a nest, a prohibitive cost, an input
that is not valid, a step that fails - is left untouched and reported as pending: the general kernel
solves it from the start. What happens to a product depends on the product alone.

Compiled functions that call each other share this file: Numba's cache does not see edits elsewhere.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradewedge.kernels.compiling import inner
from tradewedge.kernels.equations import AT_ONE, NEAR_ONE, ROUNDING
from tradewedge.kernels.market import Bools, Floats, Ints
from tradewedge.kernels.sell_cpu import LANES
from tradewedge.kernels.simd import bits_of, double_of, eight_sums

DEPTH = 5
GROWTH = 10.0
OWN_SHARE = 0.95
"""Part of an exporter's weight in the indices of its markets that a step allows for."""
LARGEST = 690.0
"""Largest exponent that the polynomials are used for."""

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# Adding this leaves the nearest integer in the low bits of a double.
_SHIFT = 6755399441055744.0
_SHIFT_BITS = np.uint64(0x4338000000000000)
_SHIFT_AND_BIAS = _SHIFT + 1023.0
_MANTISSA = np.uint64(52)
_ONE_BITS = np.uint64(0x3FF0000000000000)
_BIAS_LESS_ROOT_HALF = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)


class Rows(NamedTuple):
    """A market and a shock, as the compiled functions take them."""

    flow_ptr: Ints
    exporter_ptr: Ints
    importer_ptr: Ints
    sigma: Floats
    eta: Floats
    sigma_home: Floats
    epsilon: Floats
    log_cost: Floats
    admitted: Bools
    log_supply: Floats
    log_demand: Floats


class Out(NamedTuple):
    """The fields of a KernelSolution that are written.

    Inside the compiled functions prices and indices are those of one product.
    """

    log_price: Floats
    log_index: Floats
    status: NDArray[np.int8]
    iterations: Ints
    residual: Floats
    error_bound: Floats


class Vectors(NamedTuple):
    """One product's numbers by country, in the layout's order, padded with zeros."""

    # Exporters.
    epsilon: Floats
    slope: Floats  # sigma + epsilon, or eta in place of sigma
    per_slope: Floats  # what a step multiplies by; 0 where the price does not adjust
    tilt: Floats  # sigma + epsilon
    supply: Floats
    free: Floats  # 1 where the price adjusts
    z: Floats
    u: Floats
    excess: Floats
    step: Floats
    last: Floats
    last_step: Floats
    best: Floats
    best_step: Floats
    # Importers.
    offset: Floats
    total: Floats
    demand: Floats
    bundle: Floats
    # Flows that each row has left; rows without any are listed after their number.
    alive_i: Ints
    alive_j: Ints
    dead_i: Ints
    dead_j: Ints


class Work(NamedTuple):
    """The flows of one product that change, counted within the product."""

    flow: NDArray[np.int32]  # whose cost changes
    cost: Floats
    factor: Floats
    gone: NDArray[np.int32]  # that are excluded
    count: Ints  # [1] of ``flow``


@njit(nogil=True, error_model="numpy", inline="always")
def _exp(x):  # type: ignore[no-untyped-def]
    """e^x for |x| up to 700: 2^n times a polynomial on |r| <= ln(2) / 2."""
    shifted = x * _LOG2_E + _SHIFT
    n = shifted - _SHIFT
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * (r * r) + r
    return double_of(bits_of(p + 1.0) + (bits_of(shifted) << _MANTISSA))


@njit(nogil=True, error_model="numpy", inline="always")
def _log(x):  # type: ignore[no-untyped-def]
    """ln x of a normal positive number: fdlibm's polynomial in s = f / (2 + f), x = 2^n (1 + f)."""
    bits = bits_of(x)
    # Biased, so that shifts are of unsigned numbers, which processors have as vectors.
    exponent = (bits + _BIAS_LESS_ROOT_HALF) >> _MANTISSA
    n = double_of(exponent | _SHIFT_BITS) - _SHIFT_AND_BIAS
    f = double_of(bits + _ONE_BITS - (exponent << _MANTISSA)) - 1.0
    s = f / (2.0 + f)
    square = s * s
    p = 1.479819860511658591e-01
    p = p * square + 1.531383769920937332e-01
    p = p * square + 1.818357216161805012e-01
    p = p * square + 2.222219843214978396e-01
    p = p * square + 2.857142874366239149e-01
    p = p * square + 3.999999999940941908e-01
    p = p * square + 6.666666666666735130e-01
    p = p * square
    half = 0.5 * f * f
    return n * _LN2_HIGH - ((half - (s * (half + p) + n * _LN2_LOW)) - f)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def exp_of(x, out):  # type: ignore[no-untyped-def]
    """Write e^x into ``out``, for tests of the polynomial."""
    for i in range(len(x)):
        out[i] = _exp(x[i])


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def log_of(x, out):  # type: ignore[no-untyped-def]
    """Write ln x into ``out``, for tests of the polynomial."""
    for i in range(len(x)):
        out[i] = _log(x[i])


@njit(cache=True, nogil=True, error_model="numpy")
def solve_slice(rows, layout, out, start, stop, tolerance, max_steps, pending):  # type: ignore[no-untyped-def]
    """Solve the products of a slice that are ``pending`` [K], and plain; those are not any more."""
    flows = exporters = importers = lines_a = lines_b = 0
    for k in range(start, stop):
        flows = max(flows, rows.flow_ptr[k + 1] - rows.flow_ptr[k])
        exporters = max(exporters, rows.exporter_ptr[k + 1] - rows.exporter_ptr[k])
        importers = max(importers, rows.importer_ptr[k + 1] - rows.importer_ptr[k])
        lines_a = max(lines_a, _lines(layout.buyers, k))
        lines_b = max(lines_b, _lines(layout.sellers, k))
    single = workspace(flows, _padded(exporters), _padded(importers))
    a, b = np.empty((lines_a, LANES)), np.empty((lines_b, LANES))
    for k in range(start, stop):
        if not pending[k]:
            continue
        size, excluded = -1.0, 0
        if layout.valid[k]:
            size, excluded = _size(rows, k, single[1])
        if size < 0:
            continue
        mine = Out(
            out.log_price[rows.exporter_ptr[k] : rows.exporter_ptr[k + 1]],
            out.log_index[rows.importer_ptr[k] : rows.importer_ptr[k + 1]],
            out.status,
            out.iterations,
            out.residual,
            out.error_bound,
        )
        modulus = _prepare(rows, layout, k, single[0], single[1], a, b, excluded)
        pending[k] = not solve_prepared(
            rows, layout, mine, k, single, a, b, modulus, size, tolerance, max_steps
        )


@inner()
def workspace(flows, exporters, importers):  # type: ignore[no-untyped-def]
    """Room for products of up to so many flows and, padded, exporters and importers."""
    width = max(exporters, importers)
    table = np.zeros((18, width))
    counts = np.zeros((4, width + 1), np.int64)
    vec = Vectors(
        table[0], table[1], table[2], table[3], table[4], table[5], table[6], table[7], table[8],
        table[9], table[10], table[11], table[12], table[13], table[14], table[15], table[16],
        table[17], counts[0], counts[1], counts[2], counts[3],
    )  # fmt: skip
    work = Work(
        np.zeros(flows + 1, np.int32),
        np.zeros(flows + 1),
        np.zeros(flows + 1),
        np.zeros(flows + 1, np.int32),
        np.zeros(1, np.int64),
    )
    return vec, work, np.zeros((2 * DEPTH, width))


@inner()
def solve_prepared(  # type: ignore[no-untyped-def]
    rows, layout, out, k, single, a, b, modulus, size, tolerance, max_steps
):
    """Solve a product that is in ``single``, a :func:`workspace`, and in both matrices.

    Returns whether it has converged.
    """
    vec, _, history = single
    history[:] = 0.0
    return _iterate(rows, layout, out, k, vec, history, a, b, modulus, size, tolerance, max_steps)


@inner(fastmath={"nnan", "nsz", "reassoc"})
def _extent(values, start, stop):  # type: ignore[no-untyped-def]
    """Smallest and largest of a range; NaN is for :func:`_sum` to find."""
    least, most = np.inf, -np.inf
    for f in range(start, stop):
        least = min(least, values[f])
        most = max(most, values[f])
    return least, most


@inner(fastmath={"reassoc"})
def _sum(values, start, stop):  # type: ignore[no-untyped-def]
    total = 0.0
    for f in range(start, stop):
        total += values[f]
    return total


@inner()
def _unlike(values, start, stop, usual, flow):  # type: ignore[no-untyped-def]
    """List the flows with another value than usual, NaN included; returns their number.

    Without a branch that depends on the value.
    """
    n = 0
    for f in range(start, stop):
        flow[n] = f - start
        n += values[f] != usual
    return n


@inner()
def _count(flags, start, stop):  # type: ignore[no-untyped-def]
    total = 0
    for f in range(start, stop):
        total += flags[f]
    return total


@inner()
def _size(rows, k, work):  # type: ignore[no-untyped-def]
    """Largest |log cost| of product k, and the number of flows excluded; -1: not plain.

    Lists the flows whose cost changes in ``work``.
    """
    sigma, eta = rows.sigma[k], rows.eta[k]
    if not (0 < sigma < np.inf and 0 <= eta < np.inf and abs(1 - sigma) >= NEAR_ONE):
        return -1.0, 0
    if not math.isnan(rows.sigma_home[k]):
        return -1.0, 0
    x0, x1 = rows.exporter_ptr[k], rows.exporter_ptr[k + 1]
    j0, j1 = rows.importer_ptr[k], rows.importer_ptr[k + 1]
    f0, f1 = rows.flow_ptr[k], rows.flow_ptr[k + 1]
    # A sum is finite where all its terms are; one that overflows is left to the general kernel.
    total = _sum(rows.log_supply, x0, x1) + _sum(rows.log_demand, j0, j1)
    excluded = f1 - f0 - _count(rows.admitted, f0, f1)
    n = _unlike(rows.log_cost, f0, f1, 0.0, work.flow)
    size = 0.0
    kept = 0
    for t in range(n):
        f = work.flow[t]
        cost = rows.log_cost[f0 + f]
        work.flow[kept] = f
        work.cost[kept] = cost
        if excluded == 0 or rows.admitted[f0 + f]:
            kept += 1
            total += cost
            size = max(size, abs(cost))
    work.count[0] = kept
    if excluded > 0:
        _unlike(rows.admitted, f0, f1, True, work.gone)
    if not math.isfinite(total):
        return -1.0, 0
    for i in range(x0, x1):
        if not rows.epsilon[i] >= 0:
            return -1.0, 0
    # A prohibitive cost has to be shifted out of the way first.
    if (sigma + 1) * size > LARGEST / 2 or (excluded > 0 and sigma <= 1 + AT_ONE):
        return -1.0, 0
    return size, excluded


@inner(inline="always")
def _lines(side, k):  # type: ignore[no-untyped-def]
    return side.line_ptr[side.group_ptr[k + 1]] - side.line_ptr[side.group_ptr[k]]


@inner()
def _copy(side, k, weight):  # type: ignore[no-untyped-def]
    """The weights of one product, to be changed."""
    first = side.line_ptr[side.group_ptr[k]]
    for line in range(_lines(side, k)):
        for lane in range(LANES):
            weight[line, lane] = side.weight[first + line, lane]


@inner(fastmath={"contract"})
def _prepare(rows, layout, k, vec, work, a, b, excluded):  # type: ignore[no-untyped-def]
    """Put the scenario into product k's matrices and vectors; returns the contraction modulus."""
    x0, j0 = rows.exporter_ptr[k], rows.importer_ptr[k]
    nx, nm = rows.exporter_ptr[k + 1] - x0, rows.importer_ptr[k + 1] - j0
    sigma, eta = rows.sigma[k], rows.eta[k]
    a_place, b_place = layout.buyers.place, layout.sellers.place
    _copy(layout.buyers, k, a)
    _copy(layout.sellers, k, b)
    n = work.count[0]
    _powers(n, 1 - sigma, work.cost, work.factor)
    for t in range(n):
        cell = a_place[rows.flow_ptr[k] + work.flow[t]]
        a[cell // LANES, cell % LANES] *= work.factor[t]
    _powers(n, -sigma, work.cost, work.factor)
    for t in range(n):
        cell = b_place[rows.flow_ptr[k] + work.flow[t]]
        b[cell // LANES, cell % LANES] *= work.factor[t]
    vec.dead_i[0] = vec.dead_j[0] = 0
    if excluded > 0:
        _exclude(rows, layout, k, vec, work.gone[:excluded], a, b)
    for j in range(nm):
        vec.offset[j] = rows.log_demand[j0 + layout.buyers.order[j0 + j]]
    for j in range(nm, _padded(nm)):
        vec.offset[j] = vec.total[j] = 0.0
    for i in range(nx):
        old = x0 + layout.sellers.order[x0 + i]
        epsilon = rows.epsilon[old]
        vec.free[i] = 1.0 if epsilon < np.inf else 0.0
        vec.epsilon[i] = epsilon if epsilon < np.inf else 0.0
        vec.supply[i] = rows.log_supply[old]
    for d in range(vec.dead_i[0]):
        vec.free[vec.dead_i[d + 1]] = 0.0
    least = np.inf
    for i in range(nx):
        if vec.free[i] > 0:
            least = min(least, vec.epsilon[i])
    modulus = abs(sigma - eta) / (least + sigma)
    steepest = max(sigma, eta) if modulus >= 1 else sigma
    for i in range(nx):
        vec.tilt[i] = sigma + vec.epsilon[i]
        vec.slope[i] = vec.epsilon[i] + steepest
        own = OWN_SHARE * layout.own[x0 + layout.sellers.order[x0 + i]]
        vec.per_slope[i] = vec.free[i] / (vec.slope[i] - max(sigma - eta, 0.0) * own)
    for i in range(nx, _padded(nx)):
        vec.free[i] = vec.per_slope[i] = vec.tilt[i] = vec.supply[i] = vec.u[i] = 0.0
    for i in range(_padded(nx)):
        vec.z[i] = 0.0
    return modulus


@inner()
def _exclude(rows, layout, k, vec, gone, a, b):  # type: ignore[no-untyped-def]
    """Take ``gone`` flows out of both matrices and list the rows that have none left."""
    x0, j0 = rows.exporter_ptr[k], rows.importer_ptr[k]
    nx, nm = rows.exporter_ptr[k + 1] - x0, rows.importer_ptr[k + 1] - j0
    b_first = layout.sellers.line_ptr[layout.sellers.group_ptr[k]]
    a_first = layout.buyers.line_ptr[layout.buyers.group_ptr[k]]
    for i in range(nx):
        vec.alive_i[i] = layout.sellers.length[x0 + i]
    for j in range(nm):
        vec.alive_j[j] = layout.buyers.length[j0 + j]
    for f in gone:
        in_a = layout.buyers.place[rows.flow_ptr[k] + f]
        in_b = layout.sellers.place[rows.flow_ptr[k] + f]
        vec.alive_i[layout.buyers.column[a_first + in_a // LANES, in_a % LANES]] -= 1
        vec.alive_j[layout.sellers.column[b_first + in_b // LANES, in_b % LANES]] -= 1
        a[in_a // LANES, in_a % LANES] = 0.0
        b[in_b // LANES, in_b % LANES] = 0.0
    for i in range(nx):
        if vec.alive_i[i] == 0:
            vec.dead_i[0] += 1
            vec.dead_i[vec.dead_i[0]] = i
    for j in range(nm):
        if vec.alive_j[j] == 0:
            vec.dead_j[0] += 1
            vec.dead_j[vec.dead_j[0]] = j


@inner(inline="always")
def _padded(n):  # type: ignore[no-untyped-def]
    """Length of vectors: loops over it leave no remainder, whatever the width of vectors."""
    return (n + 15) // 16 * 16


@inner(fastmath={"contract"})
def _multiply(weight, side, k, values, out):  # type: ignore[no-untyped-def]
    """Product k's matrix times ``values``, eight rows at a time."""
    g0 = side.group_ptr[k]
    first = side.line_ptr[g0]
    for g in range(side.group_ptr[k + 1] - g0):
        start, stop = side.line_ptr[g0 + g], side.line_ptr[g0 + g + 1]
        eight_sums(
            weight,
            (start - first) * LANES,
            side.column,
            start * LANES,
            stop - start,
            values,
            out,
            g * LANES,
        )


@inner(fastmath={"nnan", "nsz", "reassoc"})
def _largest(values, n):  # type: ignore[no-untyped-def]
    """Largest magnitude; NaN is for :func:`_sum` to find."""
    most = 0.0
    for i in range(n):
        most = max(most, abs(values[i]))
    return most


@inner(fastmath={"contract"})
def _powers(n, power, z, u):  # type: ignore[no-untyped-def]
    for i in range(n):
        u[i] = _exp(power * z[i])


@inner(fastmath={"contract"})
def _demands(n, per_power, tilt, total, offset, bundle, demand):  # type: ignore[no-untyped-def]
    for j in range(n):
        bundle[j] = _log(total[j]) * per_power
    for j in range(n):
        level = tilt * bundle[j] + offset[j]
        # Beyond, _exp wraps: what is no number goes to the general kernel.
        demand[j] = _exp(level) if abs(level) <= LARGEST else np.nan


@inner(fastmath={"contract"})
def _excesses(n, sales, z, tilt, supply, free, per_slope, excess, step):  # type: ignore[no-untyped-def]
    for i in range(n):
        excess[i] = (_log(sales[i]) - supply[i] - tilt[i] * z[i]) * free[i]
        step[i] = excess[i] * per_slope[i]


@inner()
def _sweep(nx, nm, sigma, eta, layout, k, vec, a, b):  # type: ignore[no-untyped-def]
    """Indices and log excess demand at z; returns the largest |excess|, steps by slope.

    NaN where a number leaves the range of the polynomials.
    """
    ni, nj = _padded(nx), _padded(nm)
    power = 1 - sigma
    if not math.isfinite(_sum(vec.z, 0, ni)) or _largest(vec.z, ni) * abs(power) > LARGEST:
        return np.nan, np.nan
    _powers(ni, power, vec.z, vec.u)
    _multiply(a, layout.buyers, k, vec.u, vec.total)
    for d in range(vec.dead_j[0]):
        vec.total[vec.dead_j[d + 1]] = 1.0
    if not _in_range(vec.total, nm):
        return np.nan, np.nan
    _demands(nj, 1 / power, sigma - eta, vec.total, vec.offset, vec.bundle, vec.demand)
    # Sales take the place of the powers, which are used up.
    _multiply(b, layout.sellers, k, vec.demand, vec.u)
    for d in range(vec.dead_i[0]):
        vec.u[vec.dead_i[d + 1]] = 1.0
    if not _in_range(vec.u, nx):
        return np.nan, np.nan
    _excesses(ni, vec.u, vec.z, vec.tilt, vec.supply, vec.free, vec.per_slope, vec.excess, vec.step)
    return _largest(vec.excess, ni), _largest(vec.step, ni)


@inner()
def _in_range(values, n):  # type: ignore[no-untyped-def]
    """Whether every number is one that has a logarithm and is far from overflow."""
    return _sum(values, 0, n) < 1e150 and _extent(values, 0, n)[0] > 1e-150


@inner()
def _iterate(rows, layout, out, k, vec, history, a, b, modulus, size, tolerance, max_steps):  # type: ignore[no-untyped-def]
    """Anderson acceleration, undone where it does not pay; returns whether it converged."""
    nx = rows.exporter_ptr[k + 1] - rows.exporter_ptr[k]
    nm = rows.importer_ptr[k + 1] - rows.importer_ptr[k]
    sigma, eta = rows.sigma[k], rows.eta[k]
    n = _padded(nx)
    z, step, last, last_step = vec.z, vec.step, vec.last, vec.last_step
    best_length = np.inf
    products, scratch = np.zeros((DEPTH, DEPTH)), np.zeros((DEPTH + 3, DEPTH))
    held = slot = steps = 0
    plain = True
    worst = np.nan
    while True:
        if steps == max_steps:
            return False
        worst, length = _sweep(nx, nm, sigma, eta, layout, k, vec, a, b)
        steps += 1
        if worst <= tolerance:
            break
        if not length <= GROWTH * best_length:
            if plain:
                return False
            for i in range(n):
                z[i] = vec.best[i] + vec.best_step[i]
                last[i] = vec.best[i]
                last_step[i] = vec.best_step[i]
            held = slot = 0
            plain = True
            continue
        if best_length < np.inf:
            _remember(n, slot, history, products, z, step, last, last_step)
            slot = (slot + 1) % DEPTH
            held = min(held + 1, DEPTH)
        if length < best_length:
            best_length = length
            for i in range(n):
                vec.best[i] = z[i]
                vec.best_step[i] = step[i]
        for i in range(n):
            last[i] = z[i]
            last_step[i] = step[i]
            z[i] += step[i]
        plain = held == 0
        if not plain:
            _accelerate(n, held, slot, history, products, scratch, step, z)
    out.status[k] = 0
    out.iterations[k] = steps
    out.residual[k] = worst
    _write(rows, layout, out, k, vec, modulus, size)
    return True


@inner(fastmath={"contract"})
def _remember(n, slot, history, products, z, step, last, last_step):  # type: ignore[no-untyped-def]
    """Keep the latest difference of steps, and of the points that they lead to.

    ``products[h, :]`` are the inner products of difference h with all of them.
    """
    df, together = history[slot], history[DEPTH + slot]
    for i in range(n):
        df[i] = step[i] - last_step[i]
    for i in range(n):
        together[i] = (z[i] - last[i]) + df[i]
    for h in range(DEPTH):
        inner = _dot(df, history[h], n)
        products[slot, h] = inner
        products[h, slot] = inner


@inner(fastmath={"reassoc", "contract"})
def _dot(x, y, n):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(n):
        total += x[i] * y[i]
    return total


@inner(fastmath={"contract"})
def _accelerate(n, held, slot, history, products, scratch, step, z):  # type: ignore[no-untyped-def]
    """Subtract from z = x + f the combination of past differences that best explains f.

    Normal equations, latest difference first, by Cholesky; one that adds no new direction is left
    out.
    """
    factor, weight = scratch[:DEPTH], scratch[DEPTH]
    m = 0
    for age in range(1, held + 1):
        h = (slot - age) % DEPTH
        weight[h] = 0.0
        left = products[h, h]
        along = _dot(history[h], step, n)
        for p in range(m):
            g = int(scratch[DEPTH + 1, p])
            inner = products[g, h]
            for q in range(p):
                inner -= factor[p, q] * factor[m, q]
            inner /= factor[p, p]
            factor[m, p] = inner
            left -= inner * inner
            along -= inner * scratch[DEPTH + 2, p]
        if left <= 1e-13 * products[h, h]:
            continue
        factor[m, m] = math.sqrt(left)
        scratch[DEPTH + 2, m] = along / factor[m, m]
        scratch[DEPTH + 1, m] = h
        m += 1
    for p in range(m - 1, -1, -1):
        value = scratch[DEPTH + 2, p]
        for q in range(p + 1, m):
            value -= factor[q, p] * weight[int(scratch[DEPTH + 1, q])]
        weight[int(scratch[DEPTH + 1, p])] = value / factor[p, p]
    for h in range(held, DEPTH):
        weight[h] = 0.0
    together = history[DEPTH:]
    w0, w1, w2, w3, w4 = weight[0], weight[1], weight[2], weight[3], weight[4]
    t0, t1, t2, t3, t4 = together[0], together[1], together[2], together[3], together[4]
    for i in range(n):
        z[i] -= w0 * t0[i] + w1 * t1[i] + w2 * t2[i] + w3 * t3[i] + w4 * t4[i]


@inner()
def _write(rows, layout, out, k, vec, modulus, size):  # type: ignore[no-untyped-def]
    """Prices, indices and the error bound of product k, from the last sweep."""
    x0, x1 = rows.exporter_ptr[k], rows.exporter_ptr[k + 1]
    j0, j1 = rows.importer_ptr[k], rows.importer_ptr[k + 1]
    price, index = _largest(vec.z, x1 - x0), _largest(vec.bundle, j1 - j0)
    for i in range(x1 - x0):
        out.log_price[layout.sellers.order[x0 + i]] = vec.z[i]
    for j in range(j1 - j0):
        out.log_index[layout.buyers.order[j0 + j]] = vec.bundle[j]
    for d in range(vec.dead_i[0]):
        out.log_price[layout.sellers.order[x0 + vec.dead_i[d + 1]]] = np.nan
    for d in range(vec.dead_j[0]):
        out.log_index[layout.buyers.order[j0 + vec.dead_j[d + 1]]] = np.nan
    if modulus >= 1:
        out.error_bound[k] = np.nan
        return
    # As equations.rounding_error, where the index and the bundle of imports are one.
    sigma, eta = rows.sigma[k], rows.eta[k]
    gain = 2 * abs(sigma - eta) / abs(1 - sigma)
    terms = 4 + max(x1 - x0, j1 - j0)
    exponent = 1 + size + price + 2 * index
    rounding = ROUNDING * (terms * (1 + gain) + 4 * (1 + max(sigma, eta)) * exponent)
    worst = 0.0
    for i in range(x1 - x0):
        if vec.free[i] > 0:
            worst = max(worst, (abs(vec.excess[i]) + rounding) / vec.slope[i])
    out.error_bound[k] = worst / (1 - modulus)
