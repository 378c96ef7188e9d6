"""The CPU kernel's fast path: products with one CES nest and sigma away from 1.

The algorithm is that of ``kernels/README.md``; here is how it is laid out. Rows of both matrices
are sorted by length, cut into groups of eight, and padded to the longest of the group (SELL-8), so
that eight sums run side by side and no loop ends at an unexpected place. Countries are renumbered
in that order, so that nothing is permuted inside a sweep, and those without flows come last, where
they are left out. Vectors are padded to whole groups. Exponentials and logarithms are polynomials
that the compiler turns into vector instructions, good to 2 units in the last place.

A product for which any of this does not hold - an index near sigma = 1, a nest, numbers outside
what the polynomials take, an input that is not valid, a step that fails - is left untouched and
reported as pending: the general kernel solves it from the start. What is solved here depends on the
product alone.

Compiled functions that call each other share this file: Numba's cache does not see edits elsewhere.
"""

import math
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from tradewedge.kernels.equations import AT_ONE, NEAR_ONE, ROUNDING
from tradewedge.kernels.market import Floats, Ints

DEPTH = 5
GROWTH = 10.0
LANES = 8
LARGEST = 690.0
"""Largest exponent that the polynomials are used for."""

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# Adding this leaves the nearest integer in the low bits of a double.
_SHIFT = 6755399441055744.0
_SHIFT_BITS = 0x4338000000000000
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD


class Vectors(NamedTuple):
    """One product's numbers by country, in the order of the rows' lengths, padded with zeros."""

    # Exporters.
    epsilon: Floats
    slope: Floats  # sigma + epsilon, or eta in place of sigma: a step divides by it
    per_slope: Floats  # its inverse; 0 where the price does not adjust
    tilt: Floats  # sigma + epsilon
    supply: Floats
    free: Floats  # 1 where the price adjusts
    shift_i: Floats
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
    log_kept: Floats
    shift_j: Floats
    total: Floats
    demand: Floats
    bundle: Floats


class Places(NamedTuple):
    """Where each country's row of a matrix lies; rank is its place in the order of lengths."""

    length: Ints
    rank: Ints
    order: Ints
    cursor: Ints
    bucket: Ints
    group: Ints  # [g + 1] range of a group's lines


@intrinsic
def _bits(typing, value):  # type: ignore[no-untyped-def]
    """The bits of a double as an integer."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), build


@intrinsic
def _double(typing, value):  # type: ignore[no-untyped-def]
    """The double that has these bits."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), build


@njit(nogil=True, inline="always")
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
    return _double(_bits(p + 1.0) + (_bits(shifted) << 52))


@njit(nogil=True, inline="always")
def _log(x):  # type: ignore[no-untyped-def]
    """ln x of a normal positive number: fdlibm's polynomial in s = f / (2 + f), x = 2^n (1 + f)."""
    bits = _bits(x)
    exponent = (bits - _ROOT_HALF_BITS) >> 52
    n = _double(exponent + _SHIFT_BITS) - _SHIFT
    f = _double(bits - (exponent << 52)) - 1.0
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


@njit(cache=True, nogil=True, fastmath={"contract"})
def exp_of(x, out):  # type: ignore[no-untyped-def]
    """Write e^x into ``out``, for tests of the polynomial."""
    for i in range(len(x)):
        out[i] = _exp(x[i])


@njit(cache=True, nogil=True, fastmath={"contract"})
def log_of(x, out):  # type: ignore[no-untyped-def]
    """Write ln x into ``out``, for tests of the polynomial."""
    for i in range(len(x)):
        out[i] = _log(x[i])


@njit(cache=True, nogil=True)
def solve_slice(rows, out, start, stop, tolerance, max_steps, pending):  # type: ignore[no-untyped-def]
    """Solve the products of a slice that are plain; mark the others in ``pending``."""
    flows = exporters = importers = 0
    for k in range(start, stop):
        flows = max(flows, rows.flow_ptr[k + 1] - rows.flow_ptr[k])
        exporters = max(exporters, rows.exporter_ptr[k + 1] - rows.exporter_ptr[k])
        importers = max(importers, rows.importer_ptr[k + 1] - rows.importer_ptr[k])
    most = max(exporters, importers)
    width = (most + 15) // 16 * 16
    table = np.zeros((21, width))
    vec = Vectors(
        table[0], table[1], table[2], table[3], table[4], table[5], table[6], table[7], table[8],
        table[9], table[10], table[11], table[12], table[13], table[14], table[15], table[16],
        table[17], table[18], table[19], table[20],
    )  # fmt: skip
    history = np.zeros((3 * DEPTH, width))
    places = np.zeros((10, most + 1), np.int64)
    groups = np.zeros((2, width // LANES + 1), np.int64)
    sellers = Places(places[0], places[1], places[2], places[3], places[4], groups[0])
    buyers = Places(places[5], places[6], places[7], places[8], places[9], groups[1])
    sums = np.zeros((2, importers))
    # A group is as long as its longest row, so that padding is below LANES lines of the longest.
    lines = flows // LANES + 2 * most + 2
    a, b = np.zeros((lines, LANES)), np.zeros((lines, LANES))
    a_col, b_col = np.zeros((lines, LANES), np.uint32), np.zeros((lines, LANES), np.uint32)
    for k in range(start, stop):
        if rows.flow_ptr[k] == rows.flow_ptr[k + 1]:
            continue
        modulus, size = _prepare(rows, k, vec, sellers, buyers, sums, a, a_col, b, b_col)
        pending[k] = not (
            modulus >= 0
            and _iterate(
                rows, out, k, vec, history, sellers, buyers, a, a_col, b, b_col, modulus, size,
                tolerance, max_steps,
            )
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _rank(places, n):  # type: ignore[no-untyped-def]
    """Order rows by length, longest first (ties by number), and lay out their groups.

    Returns the number of rows that are not empty.
    """
    longest = 0
    for i in range(n):
        longest = max(longest, places.length[i])
    for size in range(longest + 1):
        places.bucket[size] = 0
    for i in range(n):
        places.bucket[places.length[i]] += 1
    place = 0
    for back in range(longest + 1):
        size = longest - back
        count = places.bucket[size]
        places.bucket[size] = place
        place += count
    some = places.bucket[0]
    for i in range(n):
        size = places.length[i]
        rank = places.bucket[size]
        places.bucket[size] = rank + 1
        places.rank[i] = rank
        places.order[rank] = i
    line = 0
    group = 0
    while group * LANES < some:
        places.group[group] = line
        line += places.length[places.order[group * LANES]]
        group += 1
    places.group[group] = line
    for i in range(n):
        places.cursor[i] = places.group[places.rank[i] // LANES]
    return some


@njit(cache=True, nogil=True, fastmath={"contract"})
def _prepare(rows, k, vec, sellers, buyers, sums, a, a_col, b, b_col):  # type: ignore[no-untyped-def]
    """Lay out product k.

    Returns the contraction modulus (-1: not a plain product) and the largest |log cost|.
    """
    x0, x1 = rows.exporter_ptr[k], rows.exporter_ptr[k + 1]
    j0, j1 = rows.importer_ptr[k], rows.importer_ptr[k + 1]
    f0, f1 = rows.flow_ptr[k], rows.flow_ptr[k + 1]
    nx, nm = x1 - x0, j1 - j0
    sigma, eta = rows.sigma[k], rows.eta[k]
    if not (0 < sigma < np.inf and 0 <= eta < np.inf and abs(1 - sigma) >= NEAR_ONE):
        return -1.0, 0.0
    if not math.isnan(rows.sigma_home[k]):
        return -1.0, 0.0
    power = 1 - sigma
    kept, lost = sums[0], sums[1]
    for j in range(nm):
        kept[j] = lost[j] = 0.0
        buyers.length[j] = 0
    for i in range(nx):
        sellers.length[i] = 0
    size = 0.0
    valid = True
    whole = True
    for f in range(f0, f1):
        j = rows.flow_importer[f] - j0
        share, sales = rows.share[f], rows.sales_share[f]
        valid &= (0 <= share) & (share < np.inf) & (0 <= sales) & (sales < np.inf)
        valid &= (share > 0) == (sales > 0)
        if rows.admitted[f]:
            cost = abs(rows.log_cost[f])
            valid &= (share > 0) & (cost < np.inf)
            size = max(size, cost)
            kept[j] += share
            buyers.length[j] += 1
            sellers.length[rows.flow_exporter[f] - x0] += 1
        else:
            whole &= not share > 0
            lost[j] += share
    if not valid or not (whole or sigma > 1 + AT_ONE):
        return -1.0, 0.0

    some_i, some_j = _rank(sellers, nx), _rank(buyers, nm)
    for j in range((some_j + 15) // 16 * 16):
        vec.offset[j] = vec.log_kept[j] = vec.shift_j[j] = vec.bundle[j] = 0.0
        vec.total[j] = vec.demand[j] = 0.0
    for i in range((some_i + 15) // 16 * 16):
        vec.shift_i[i] = vec.free[i] = vec.per_slope[i] = vec.tilt[i] = vec.supply[i] = 0.0
        vec.z[i] = vec.u[i] = vec.excess[i] = vec.step[i] = vec.epsilon[i] = 0.0
        vec.last[i] = vec.last_step[i] = vec.best[i] = vec.best_step[i] = 0.0
        vec.slope[i] = 1.0
    # Costs are split as m_j + n_i + rest, m and n the smallest that is left.
    if size > 0:
        for j in range(some_j):
            vec.shift_j[j] = np.inf
        for i in range(some_i):
            vec.shift_i[i] = np.inf
        for f in range(f0, f1):
            if rows.admitted[f]:
                j = buyers.rank[rows.flow_importer[f] - j0]
                vec.shift_j[j] = min(vec.shift_j[j], rows.log_cost[f])
        for f in range(f0, f1):
            if rows.admitted[f]:
                i = sellers.rank[rows.flow_exporter[f] - x0]
                j = buyers.rank[rows.flow_importer[f] - j0]
                vec.shift_i[i] = min(vec.shift_i[i], rows.log_cost[f] - vec.shift_j[j])
    for j in range(some_j):
        old = buyers.order[j]
        demand = rows.log_demand[j0 + old]
        if not abs(demand) < np.inf:
            return -1.0, 0.0
        vec.offset[j] = demand - eta * vec.shift_j[j]
        if lost[old] > 0:
            if lost[old] < kept[old]:
                vec.log_kept[j] = math.log1p(-lost[old] / (kept[old] + lost[old]))
            else:
                vec.log_kept[j] = math.log(kept[old] / (kept[old] + lost[old]))
    for j in range(some_j, nm):
        if not abs(rows.log_demand[j0 + buyers.order[j]]) < np.inf:
            return -1.0, 0.0

    # The two matrices. Padding has weight 0.
    for line in range(sellers.group[(some_i + LANES - 1) // LANES]):
        for lane in range(LANES):
            b[line, lane] = 0.0
            b_col[line, lane] = 0
    for line in range(buyers.group[(some_j + LANES - 1) // LANES]):
        for lane in range(LANES):
            a[line, lane] = 0.0
            a_col[line, lane] = 0
    for f in range(f0, f1):
        if not rows.admitted[f]:
            continue
        i, j = rows.flow_exporter[f] - x0, rows.flow_importer[f] - j0
        ri, rj = sellers.rank[i], buyers.rank[j]
        rest = rows.log_cost[f] - vec.shift_j[rj] - vec.shift_i[ri]
        share, sales = rows.share[f] / kept[j], rows.sales_share[f]
        if rest != 0:
            if not (abs(power) + 1) * abs(rest) < LARGEST:
                return -1.0, 0.0
            share *= _exp(power * rest)
            sales *= _exp(-sigma * rest)
        line = buyers.cursor[j]
        buyers.cursor[j] = line + 1
        a[line, rj % LANES] = share
        a_col[line, rj % LANES] = ri
        line = sellers.cursor[i]
        sellers.cursor[i] = line + 1
        b[line, ri % LANES] = sales
        b_col[line, ri % LANES] = rj

    least = np.inf
    for i in range(nx):
        old = sellers.order[i]
        epsilon = rows.epsilon[x0 + old]
        if not (epsilon >= 0 and abs(rows.log_supply[x0 + old]) < np.inf):
            return -1.0, 0.0
        if i < some_i and epsilon < np.inf:
            least = min(least, epsilon)
            vec.free[i] = 1.0
            vec.epsilon[i] = epsilon
            vec.tilt[i] = sigma + epsilon
            vec.supply[i] = rows.log_supply[x0 + old] - epsilon * vec.shift_i[i]
        if i < some_i:
            vec.z[i] = vec.shift_i[i]
    modulus = abs(sigma - eta) / (least + sigma)
    steepest = max(sigma, eta) if modulus >= 1 else sigma
    for i in range(some_i):
        if vec.free[i] > 0:
            vec.slope[i] = vec.epsilon[i] + steepest
            vec.per_slope[i] = 1.0 / vec.slope[i]
    return modulus, size


@njit(cache=True, nogil=True, fastmath={"contract"})
def _multiply(weight, col, group, count, values, out):  # type: ignore[no-untyped-def]
    """Eight rows at a time: out = matrix times values, for the first ``count`` rows and padding."""
    for g in range((count + LANES - 1) // LANES):
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
        for line in range(group[g], group[g + 1]):
            s0 += weight[line, 0] * values[col[line, 0]]
            s1 += weight[line, 1] * values[col[line, 1]]
            s2 += weight[line, 2] * values[col[line, 2]]
            s3 += weight[line, 3] * values[col[line, 3]]
            s4 += weight[line, 4] * values[col[line, 4]]
            s5 += weight[line, 5] * values[col[line, 5]]
            s6 += weight[line, 6] * values[col[line, 6]]
            s7 += weight[line, 7] * values[col[line, 7]]
        base = g * LANES
        out[base], out[base + 1], out[base + 2], out[base + 3] = s0, s1, s2, s3
        out[base + 4], out[base + 5], out[base + 6], out[base + 7] = s4, s5, s6, s7


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def _largest(values, n):  # type: ignore[no-untyped-def]
    """Largest magnitude; NaN is for :func:`_sum` to find."""
    most = 0.0
    for i in range(n):
        most = max(most, abs(values[i]))
    return most


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def _smallest(values, n):  # type: ignore[no-untyped-def]
    least = np.inf
    for i in range(n):
        least = min(least, values[i])
    return least


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _sum(values, n):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(n):
        total += values[i]
    return total


@njit(cache=True, nogil=True, fastmath={"contract"})
def _powers(n, power, z, u):  # type: ignore[no-untyped-def]
    for i in range(n):
        u[i] = _exp(power * z[i])


@njit(cache=True, nogil=True, fastmath={"contract"})
def _demands(n, per_power, tilt, total, log_kept, offset, bundle, demand):  # type: ignore[no-untyped-def]
    for j in range(n):
        bundle[j] = (_log(total[j]) + log_kept[j]) * per_power
    for j in range(n):
        demand[j] = _exp(tilt * bundle[j] + offset[j])


@njit(cache=True, nogil=True, fastmath={"contract"})
def _excesses(n, sales, z, tilt, supply, free, per_slope, excess, step):  # type: ignore[no-untyped-def]
    for i in range(n):
        excess[i] = (_log(sales[i]) - supply[i] - tilt[i] * z[i]) * free[i]
        step[i] = excess[i] * per_slope[i]


@njit(cache=True, nogil=True)
def _sweep(some_i, some_j, sigma, eta, vec, sellers, buyers, a, a_col, b, b_col):  # type: ignore[no-untyped-def]
    """Indices and log excess demand at z; returns the largest |excess|, steps by slope.

    NaN where a number leaves the range of the polynomials.
    """
    ni, nj = (some_i + 15) // 16 * 16, (some_j + 15) // 16 * 16
    power = 1 - sigma
    if not math.isfinite(_sum(vec.z, ni)) or _largest(vec.z, ni) * abs(power) > LARGEST:
        return np.nan, np.nan
    _powers(ni, power, vec.z, vec.u)
    _multiply(a, a_col, buyers.group, some_j, vec.u, vec.total)
    if not _sum(vec.total, some_j) < 1e300 or _smallest(vec.total, some_j) < 1e-300:
        return np.nan, np.nan
    _demands(
        nj, 1 / power, sigma - eta, vec.total, vec.log_kept, vec.offset, vec.bundle, vec.demand
    )
    # Sales take the place of the powers, which are used up.
    _multiply(b, b_col, sellers.group, some_i, vec.demand, vec.u)
    if not _sum(vec.u, some_i) < 1e300 or _smallest(vec.u, some_i) < 1e-300:
        return np.nan, np.nan
    _excesses(
        ni, vec.u, vec.z, vec.tilt, vec.supply, vec.free, vec.per_slope, vec.excess, vec.step
    )
    return _largest(vec.excess, ni), _largest(vec.step, ni)


@njit(cache=True, nogil=True)
def _iterate(  # type: ignore[no-untyped-def]
    rows, out, k, vec, history, sellers, buyers, a, a_col, b, b_col, modulus, size, tolerance,
    max_steps,
):  # fmt: skip
    """Anderson acceleration, undone where it does not pay; returns whether it converged."""
    some_i = some_j = 0
    for i in range(rows.exporter_ptr[k + 1] - rows.exporter_ptr[k]):
        some_i += sellers.length[i] > 0
    for j in range(rows.importer_ptr[k + 1] - rows.importer_ptr[k]):
        some_j += buyers.length[j] > 0
    sigma, eta = rows.sigma[k], rows.eta[k]
    n = (some_i + 15) // 16 * 16
    z, step, last, last_step = vec.z, vec.step, vec.last, vec.last_step
    best_length = np.inf
    held = slot = steps = 0
    plain = True
    worst = np.nan
    while True:
        if steps == max_steps:
            return False
        worst, length = _sweep(
            some_i, some_j, sigma, eta, vec, sellers, buyers, a, a_col, b, b_col
        )
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
            _remember(n, slot, history, z, step, last, last_step)
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
            _accelerate(n, held, slot, history, step, z)
    out.status[k] = 0
    out.iterations[k] = steps
    out.residual[k] = worst
    _write(rows, out, k, vec, sellers, buyers, some_i, some_j, modulus, size)
    return True


@njit(cache=True, nogil=True)
def _remember(n, slot, history, z, step, last, last_step):  # type: ignore[no-untyped-def]
    """Keep the latest difference of steps, and of the points that they lead to."""
    df, together = history[slot], history[DEPTH + slot]
    for i in range(n):
        df[i] = step[i] - last_step[i]
        together[i] = (z[i] - last[i]) + df[i]


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _dot(x, y, n):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(n):
        total += x[i] * y[i]
    return total


@njit(cache=True, nogil=True, fastmath={"contract"})
def _subtract(x, weight, y, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        x[i] -= weight * y[i]


@njit(cache=True, nogil=True)
def _accelerate(n, held, slot, history, step, z):  # type: ignore[no-untyped-def]
    """Subtract from z = x + f the combination of past differences that best explains f.

    Least squares by modified Gram-Schmidt, latest difference first; one that adds no new
    direction is left out.
    """
    r = np.empty((DEPTH, DEPTH))
    weight = np.empty(DEPTH)
    chosen = np.empty(DEPTH, np.int64)
    m = 0
    for age in range(1, held + 1):
        h = (slot - age) % DEPTH
        column, df = history[2 * DEPTH + m], history[h]
        for i in range(n):
            column[i] = df[i]
        size = _dot(column, column, n)
        for p in range(m):
            inner = _dot(history[2 * DEPTH + p], column, n) / r[p, p]
            r[p, m] = inner
            _subtract(column, inner, history[2 * DEPTH + p], n)
        left = _dot(column, column, n)
        if left <= 1e-16 * size:
            continue
        # Columns keep their length; r[p, p] is its square.
        r[m, m] = left
        weight[m] = _dot(column, step, n) / left
        chosen[m] = h
        m += 1
    for p in range(m - 1, -1, -1):
        for c in range(p + 1, m):
            weight[p] -= r[p, c] * weight[c]
        _subtract(z, weight[p], history[DEPTH + chosen[p]], n)


@njit(cache=True, nogil=True)
def _write(rows, out, k, vec, sellers, buyers, some_i, some_j, modulus, size):  # type: ignore[no-untyped-def]
    """Prices, indices and the error bound of product k, from the last sweep."""
    x0, x1 = rows.exporter_ptr[k], rows.exporter_ptr[k + 1]
    j0, j1 = rows.importer_ptr[k], rows.importer_ptr[k + 1]
    price = index = 0.0
    for i in range(x1 - x0):
        old = x0 + sellers.order[i]
        if i < some_i:
            out.log_price[old] = vec.z[i] - vec.shift_i[i]
            price = max(price, abs(out.log_price[old]))
        else:
            out.log_price[old] = np.nan
    for j in range(j1 - j0):
        old = j0 + buyers.order[j]
        if j < some_j:
            out.log_index[old] = vec.bundle[j] + vec.shift_j[j]
            index = max(index, abs(out.log_index[old]))
        else:
            out.log_index[old] = np.nan
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
    for i in range(some_i):
        if vec.free[i] > 0:
            worst = max(worst, (abs(vec.excess[i]) + rounding) / vec.slope[i])
    out.error_bound[k] = worst / (1 - modulus)
