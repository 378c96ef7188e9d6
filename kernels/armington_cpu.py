"""The CPU kernel: every product solved to convergence while it sits in cache.

The equations are those of :mod:`.equations`; ``kernels/README.md`` tells the algorithm. Compiled
functions that call each other share this file, because Numba's cache does not see edits
elsewhere. Threads take slices of products of about equal numbers of flows, and a product is
computed the same way whatever slice it is in: results do not depend on the number of threads.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradewedge.kernels import instruments_cpu, newton, plain_cpu
from tradewedge.kernels.equations import AT_ONE, NEAR_ONE, ROUNDING
from tradewedge.kernels.market import (
    Bools,
    Floats,
    Ints,
    KernelSolution,
    Market,
    Options,
    Shock,
    Status,
)
from tradewedge.kernels.reference import empty_solution, finish, has_split_home, solve_product
from tradewedge.kernels.sell_cpu import frozen, in_parts, slices

DEPTH = 5
"""Differences that Anderson acceleration remembers."""
GROWTH = 10.0
"""An accelerated step whose step length exceeds the best so far by this factor is undone."""

_CONVERGED = int(Status.CONVERGED)
_MAX_STEPS = int(Status.MAX_STEPS)
_INFEASIBLE = int(Status.INFEASIBLE)
_NONFINITE = int(Status.NONFINITE_INPUT)

# How an index is computed: a plain sum of powers, by expm1 and log1p near 1, Cobb-Douglas at 1.
_POWER, _NEAR, _LOG = 0, 1, 2


class _Rows(NamedTuple):
    """Market and shock as the compiled functions take them."""

    flow_ptr: Ints
    exporter_ptr: Ints
    importer_ptr: Ints
    flow_exporter: Ints
    flow_importer: Ints
    share: Floats
    sales_share: Floats
    home: Bools
    sigma: Floats
    eta: Floats
    sigma_home: Floats
    sigma_groups: Floats
    supplier_group: Ints
    epsilon: Floats
    log_cost: Floats
    admitted: Bools
    log_supply: Floats
    log_demand: Floats


class _Out(NamedTuple):
    """The fields of a KernelSolution."""

    log_price: Floats
    log_index: Floats
    status: NDArray[np.int8]
    iterations: Ints
    residual: Floats
    error_bound: Floats


class _Layout(NamedTuple):
    """One product, prepared: admitted flows by exporter, with what does not change in a sweep.

    Flows that are not home sales of a nest form bundles [b], one per importer and group of
    suppliers: bundle ``g * nm + j``, so without groups that of importer j is j. Costs are split
    as ``c_ij = m_b + n_i + rest``, m and n the smallest that is left, so that a prohibitive cost
    does not underflow. The unknown is ``z_i = x_i + n_i``. Vectors are longer than the product.
    """

    ptr: Ints  # [i + 1] range of the exporter's flows in col, a, b
    col: NDArray[np.int32]  # bundle of the flow
    a: Floats  # weight of the flow in the index
    b: Floats  # weight of the flow in the exporter's sales
    shift_i: Floats  # n_i
    shift_b: Floats  # m_b
    supply: Floats  # [i] log Z_i - epsilon_i n_i
    epsilon: Floats  # [i] 0 where infinite
    slope: Floats  # [i] what log excess demand is divided by in a step
    free: Bools  # [i] the price adjusts
    market: Bools  # [i] a market is left
    log_demand: Floats  # [j]
    offset: Floats  # [b] log_demand, less what m_b takes off the flows' exponents
    constant: Floats  # [b] constant of the index, near 1
    log_kept: Floats  # [b] log share of what was not excluded
    filled: Bools  # [b] a supplier is left
    part: Floats  # [b] share of the bundle among those of its importer that are filled
    log_middle: Floats  # [j] log share that was not lost with whole bundles
    served: Bools  # [j]
    imports: Bools  # [j] a bundle is filled; equal to served without the nest of home sales
    home_row: NDArray[np.int32]  # [j] exporter of the admitted home flow; -1: none
    home_col: NDArray[np.int32]  # [i] importer of the admitted home flow; -1: none
    home_cost: Floats  # [j]
    home_sales: Floats  # [j] log share of the home flow in its exporter's sales
    home_share: Floats  # [j] share of home in spending
    log_upper: Floats  # [j] log share that was not lost at the upper level


class _Vectors(NamedTuple):
    """What a sweep writes."""

    total: Floats  # [b] sum of weighted price powers
    demand: Floats  # [b] level factor of demand
    log_index: Floats  # [j]
    log_imports: Floats  # [j] of all bundles
    log_bundle: Floats  # [b]
    excess: Floats  # [i] log demand over supply


def solve(market: Market, shock: Shock, options: Options) -> KernelSolution:
    """Solve every product with Anderson acceleration, and the stragglers with Newton.

    Parameters
    ----------
    market, shock, options : Market, Shock, Options

    Returns
    -------
    KernelSolution
        The kernel never raises for numbers: see its ``status``.
    """
    if shock.instruments is not None:
        return instruments_cpu.solve(solve, market, shock, options)
    solution = empty_solution(market)
    solve_products(solution, market, shock, options, np.diff(market.flow_ptr) > 0)
    return solution


def solve_products(
    solution: KernelSolution, market: Market, shock: Shock, options: Options, wanted: Bools
) -> None:
    """Solve the ``wanted`` products [K], which have flows, into ``solution``."""
    pending = wanted.copy()
    if not market.nested.all():
        rows = _rows(market, shock)
        plain = plain_cpu.Rows(*(getattr(rows, name) for name in plain_cpu.Rows._fields))
        out = plain_cpu.Out(*(getattr(solution, name) for name in plain_cpu.Out._fields))
        steps = newton.accelerated_steps(options.max_steps)

        def work(part: tuple[int, int]) -> None:
            tolerance = options.tolerance
            plain_cpu.solve_slice(plain, market.layout, out, *part, tolerance, steps, pending)

        market.layout  # noqa: B018  made once, before there are threads
        in_parts(work, slices(market.flow_ptr))
    solve_rest(solution, market, shock, options, pending)


def solve_rest(
    solution: KernelSolution, market: Market, shock: Shock, options: Options, pending: Bools
) -> None:
    """Solve the products that the fast path has left ``pending`` [K], into ``solution``."""
    if not pending.any():
        return
    rows = _rows(market, shock)
    out = _Out(*(getattr(solution, name) for name in _Out._fields))
    first = newton.accelerated_steps(options.max_steps)

    def work(part: tuple[int, int]) -> None:
        if pending[part[0] : part[1]].any():
            _solve_slice(rows, out, *part, options.tolerance, first, pending)

    in_parts(work, slices(market.flow_ptr))
    for product in np.flatnonzero(has_split_home(market) & pending).tolist():
        solve_product(solution, market, shock, product, options)
    finish(solution, market, shock, pending, options)


def _rows(market: Market, shock: Shock) -> _Rows:
    return _Rows(
        *(
            frozen(getattr(shock if hasattr(shock, name) else market, name), _dtype(name))
            for name in _Rows._fields
        )
    )


def _dtype(name: str) -> type[np.generic]:
    if name.startswith("flow_") or name.endswith("_ptr") or name == "supplier_group":
        return np.int64
    return np.bool_ if name in ("home", "admitted") else np.float64


@njit(cache=True, nogil=True)
def _solve_slice(rows, out, start, stop, tolerance, max_steps, pending):  # type: ignore[no-untyped-def]
    flows = exporters = importers = bundles = 0
    for k in range(start, stop):
        flows = max(flows, rows.flow_ptr[k + 1] - rows.flow_ptr[k])
        exporters = max(exporters, rows.exporter_ptr[k + 1] - rows.exporter_ptr[k])
        buyers = rows.importer_ptr[k + 1] - rows.importer_ptr[k]
        importers = max(importers, buyers)
        bundles = max(bundles, buyers * _group_count(rows, k))
    lay = _Layout(
        np.empty(exporters + 1, np.int64),
        np.empty(flows, np.int32),
        np.empty(flows),
        np.empty(flows),
        np.empty(exporters),
        np.empty(bundles),
        np.empty(exporters),
        np.empty(exporters),
        np.empty(exporters),
        np.empty(exporters, np.bool_),
        np.empty(exporters, np.bool_),
        np.empty(importers),
        np.empty(bundles),
        np.empty(bundles),
        np.empty(bundles),
        np.empty(bundles, np.bool_),
        np.empty(bundles),
        np.empty(importers),
        np.empty(importers, np.bool_),
        np.empty(importers, np.bool_),
        np.empty(importers, np.int32),
        np.empty(exporters, np.int32),
        np.empty(importers),
        np.empty(importers),
        np.empty(importers),
        np.empty(importers),
    )
    vec = _Vectors(
        np.empty(bundles),
        np.empty(bundles),
        np.empty(importers),
        np.empty(importers),
        np.empty(bundles),
        np.empty(exporters),
    )
    history = np.empty((3 * DEPTH + 6, exporters))
    for k in range(start, stop):
        if not pending[k]:
            continue
        if not _is_valid(rows, k):
            out.status[k] = _NONFINITE
            out.residual[k] = out.error_bound[k] = np.nan
            continue
        modulus, size, feasible = _prepare(rows, k, lay)
        if not feasible:
            out.status[k] = _INFEASIBLE
            out.residual[k] = out.error_bound[k] = np.nan
            continue
        _solve_product(rows, out, k, lay, vec, history, modulus, size, tolerance, max_steps)


@njit(cache=True, nogil=True)
def _group_count(rows, k):  # type: ignore[no-untyped-def]
    last = 0
    for i in range(rows.exporter_ptr[k], rows.exporter_ptr[k + 1]):
        last = max(last, rows.supplier_group[i])
    return last + 1


@njit(cache=True, nogil=True)
def _levels(rows, k):  # type: ignore[no-untyped-def]
    """Elasticities of substitution within bundles, between bundles, at the top; which nests."""
    sigma, sigma_groups, sigma_home = rows.sigma[k], rows.sigma_groups[k], rows.sigma_home[k]
    grouped, nested = not math.isnan(sigma_groups), not math.isnan(sigma_home)
    middle = sigma_groups if grouped else sigma
    return sigma, middle, sigma_home if nested else middle, grouped, nested


@njit(cache=True, nogil=True)
def _is_valid(rows, k):  # type: ignore[no-untyped-def]
    sigma, eta, sigma_home = rows.sigma[k], rows.eta[k], rows.sigma_home[k]
    if not (0 < sigma < np.inf and 0 <= eta < np.inf):
        return False
    if not (math.isnan(sigma_home) or 0 < sigma_home < np.inf):
        return False
    if not (math.isnan(rows.sigma_groups[k]) or 0 < rows.sigma_groups[k] < np.inf):
        return False
    for i in range(rows.exporter_ptr[k], rows.exporter_ptr[k + 1]):
        if not (rows.epsilon[i] >= 0 and math.isfinite(rows.log_supply[i])):
            return False
    for j in range(rows.importer_ptr[k], rows.importer_ptr[k + 1]):
        if not math.isfinite(rows.log_demand[j]):
            return False
    for f in range(rows.flow_ptr[k], rows.flow_ptr[k + 1]):
        share, sales = rows.share[f], rows.sales_share[f]
        if not (0 <= share < np.inf and 0 <= sales < np.inf and (share > 0) == (sales > 0)):
            return False
        if rows.admitted[f] and not (share > 0 and math.isfinite(rows.log_cost[f])):
            return False
    return True


@njit(cache=True, nogil=True)
def _mode(power):  # type: ignore[no-untyped-def]
    if abs(power) < AT_ONE:
        return _LOG
    if abs(power) < NEAR_ONE:
        return _NEAR
    return _POWER


@njit(cache=True, nogil=True)
def _log_share_kept(kept, lost):  # type: ignore[no-untyped-def]
    if lost == 0:
        return 0.0
    if lost < kept:
        return math.log1p(-lost / (kept + lost))
    return math.log(kept / (kept + lost))


@njit(cache=True, nogil=True)
def _prepare(rows, k, lay):  # type: ignore[no-untyped-def]
    """Fill the layout of product k.

    Returns the contraction modulus, the largest |log cost| and whether every index is finite.
    """
    x0, x1 = rows.exporter_ptr[k], rows.exporter_ptr[k + 1]
    j0, j1 = rows.importer_ptr[k], rows.importer_ptr[k + 1]
    f0, f1 = rows.flow_ptr[k], rows.flow_ptr[k + 1]
    nx, nm = x1 - x0, j1 - j0
    nb = nm * _group_count(rows, k)
    eta = rows.eta[k]
    sigma, middle, outer, grouped, nested = _levels(rows, k)
    power = 1 - sigma
    mode = _mode(power)
    feasible = True
    size = 0.0

    # Shares kept and lost, the smallest cost per bundle, home flows.
    kept, lost = np.zeros(nb), np.zeros(nb)
    home_kept, home_lost = np.zeros(nm), np.zeros(nm)
    broken = np.zeros(nb, np.bool_)
    for b in range(nb):
        lay.shift_b[b] = np.inf
        lay.filled[b] = False
    for j in range(nm):
        lay.home_row[j] = -1
        lay.imports[j] = False
    for i in range(nx):
        lay.shift_i[i] = np.inf
        lay.home_col[i] = -1
    for f in range(f0, f1):
        j = rows.flow_importer[f] - j0
        b = rows.supplier_group[rows.flow_exporter[f]] * nm + j
        at_home = nested and rows.home[f]
        if not rows.admitted[f]:
            if at_home:
                home_lost[j] += rows.share[f]
            else:
                lost[b] += rows.share[f]
                broken[b] |= rows.share[f] > 0
        elif at_home:
            i = rows.flow_exporter[f] - x0
            home_kept[j] += rows.share[f]
            lay.home_row[j] = i
            lay.home_col[i] = j
            lay.home_cost[j] = rows.log_cost[f]
            size = max(size, abs(rows.log_cost[f]))
            lay.home_sales[j] = math.log(rows.sales_share[f])
        else:
            kept[b] += rows.share[f]
            lay.shift_b[b] = min(lay.shift_b[b], rows.log_cost[f])
            lay.filled[b] = True
            lay.imports[j] = True
    for f in range(f0, f1):
        if rows.admitted[f] and not (nested and rows.home[f]):
            i, j = rows.flow_exporter[f] - x0, rows.flow_importer[f] - j0
            b = rows.supplier_group[x0 + i] * nm + j
            lay.shift_i[i] = min(lay.shift_i[i], rows.log_cost[f] - lay.shift_b[b])

    for b in range(nb):
        lay.constant[b] = 0.0
        lay.log_kept[b] = _log_share_kept(kept[b], lost[b]) if lay.filled[b] else 0.0
        if broken[b] and lay.filled[b] and sigma <= 1 + AT_ONE:
            feasible = False
        lay.shift_b[b] = lay.shift_b[b] if lay.filled[b] else 0.0
        low = middle if grouped else outer if nested else eta
        lay.offset[b] = rows.log_demand[j0 + b % nm] - low * lay.shift_b[b]
    for j in range(nm):
        has_home = lay.home_row[j] >= 0
        lay.served[j] = lay.imports[j] or has_home
        bundles_kept = bundles_lost = 0.0
        for b in range(j, nb, nm):
            if lay.filled[b]:
                bundles_kept += kept[b] + lost[b]
            else:
                bundles_lost += lost[b]
        for b in range(j, nb, nm):
            lay.part[b] = (kept[b] + lost[b]) / bundles_kept if lay.filled[b] else 0.0
        lay.log_middle[j] = 0.0
        if lay.imports[j] and bundles_lost > 0:
            lay.log_middle[j] = _log_share_kept(bundles_kept, bundles_lost)
            feasible &= middle > 1 + AT_ONE
        lay.home_share[j] = 0.0
        lay.log_upper[j] = 0.0
        if nested and lay.served[j]:
            imports_base, home_base = bundles_kept + bundles_lost, home_kept[j] + home_lost[j]
            if has_home and lay.imports[j]:
                lay.home_share[j] = home_base / (imports_base + home_base)
            elif has_home:
                lay.home_share[j] = 1.0
                lay.log_upper[j] = _log_share_kept(home_base, imports_base)
                feasible &= imports_base == 0 or outer > 1 + AT_ONE
            else:
                lay.log_upper[j] = _log_share_kept(imports_base, home_base)
                feasible &= home_base == 0 or outer > 1 + AT_ONE
        lay.log_demand[j] = rows.log_demand[j0 + j]

    # Weights, in the order of the flows: by exporter, then importer.
    n = 0
    row = 0
    lay.ptr[0] = 0
    for f in range(f0, f1):
        i, j = rows.flow_exporter[f] - x0, rows.flow_importer[f] - j0
        while row < i:
            row += 1
            lay.ptr[row] = n
        if not rows.admitted[f] or (nested and rows.home[f]):
            continue
        b = rows.supplier_group[x0 + i] * nm + j
        rest = rows.log_cost[f] - lay.shift_b[b] - lay.shift_i[i]
        size = max(size, abs(rows.log_cost[f]))
        share = rows.share[f] / kept[b]
        lay.col[n] = b
        if rest == 0:
            lay.a[n] = share
            lay.b[n] = rows.sales_share[f]
        else:
            lay.a[n] = share * math.exp(power * rest)
            lay.b[n] = rows.sales_share[f] * math.exp(-sigma * rest)
            if mode == _NEAR:
                lay.constant[b] += share * math.expm1(power * rest)
            elif mode == _LOG:
                lay.constant[b] += share * rest
        n += 1
    while row < nx:
        row += 1
        lay.ptr[row] = n

    # Exporters.
    steepest = max(sigma, middle, outer)
    spread = steepest - sigma + abs(sigma - middle) + abs(middle - outer) + abs(outer - eta)
    least = np.inf
    for i in range(nx):
        epsilon = rows.epsilon[x0 + i]
        lay.market[i] = lay.ptr[i] < lay.ptr[i + 1] or lay.home_col[i] >= 0
        lay.free[i] = lay.market[i] and epsilon < np.inf
        if lay.ptr[i] == lay.ptr[i + 1]:
            lay.shift_i[i] = 0.0
        lay.epsilon[i] = epsilon if epsilon < np.inf else 0.0
        lay.supply[i] = rows.log_supply[x0 + i] - lay.epsilon[i] * lay.shift_i[i]
        if lay.free[i]:
            least = min(least, epsilon)
    modulus = spread / (least + steepest)
    if modulus >= 1:
        steepest = max(steepest, eta)
    for i in range(nx):
        lay.slope[i] = lay.epsilon[i] + steepest
    return modulus, size, feasible


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _dot(weight, col, values, start, stop):  # type: ignore[no-untyped-def]
    """Sum of the flows' weights times their importers' values."""
    total = 0.0
    first = col[start]
    if col[stop - 1] - first == stop - 1 - start:  # no gap: vectors instead of gathers
        part, level = weight[start:stop], values[first : first + stop - start]
        for n in range(stop - start):
            total += part[n] * level[n]
    else:
        for f in range(start, stop):
            total += weight[f] * values[col[f]]
    return total


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add(weight, col, value, total, start, stop):  # type: ignore[no-untyped-def]
    """Add the flows' weights times one value to their importers' totals."""
    first = col[start]
    if col[stop - 1] - first == stop - 1 - start:
        part, level = weight[start:stop], total[first : first + stop - start]
        for n in range(stop - start):
            level[n] += part[n] * value
    else:
        for f in range(start, stop):
            total[col[f]] += weight[f] * value


@njit(cache=True, nogil=True)
def _upper_index(home, bundle, share, power):  # type: ignore[no-untyped-def]
    """Log power mean of home price and bundle of imports."""
    mode = _mode(power)
    if mode == _LOG:
        return share * home + (1 - share) * bundle
    if mode == _NEAR:
        inside = share * math.expm1(power * home) + (1 - share) * math.expm1(power * bundle)
        return math.log1p(inside) / power
    top = max(power * home, power * bundle)
    inside = share * math.exp(power * home - top) + (1 - share) * math.exp(power * bundle - top)
    return (top + math.log(inside)) / power


@njit(cache=True, nogil=True)
def _middle_index(nm, nb, j, lay, log_bundle, power):  # type: ignore[no-untyped-def]
    """Log power mean of the bundles of one importer."""
    mode = _mode(power)
    if mode != _POWER:
        inside = 0.0
        for b in range(j, nb, nm):
            if lay.filled[b]:
                value = log_bundle[b] if mode == _LOG else math.expm1(power * log_bundle[b])
                inside += lay.part[b] * value
        return inside if mode == _LOG else (math.log1p(inside) + lay.log_middle[j]) / power
    top = -np.inf
    for b in range(j, nb, nm):
        if lay.filled[b]:
            top = max(top, power * log_bundle[b])
    inside = 0.0
    for b in range(j, nb, nm):
        if lay.filled[b]:
            inside += lay.part[b] * math.exp(power * log_bundle[b] - top)
    return (top + math.log(inside) + lay.log_middle[j]) / power


@njit(cache=True, nogil=True)
def _sweep(nx, nm, nb, eta, levels, lay, z, vec):  # type: ignore[no-untyped-def]
    """Indices and log excess demand at z; return the largest |excess|, steps by slope."""
    sigma, middle, outer, grouped, nested = levels
    power = 1 - sigma
    mode = _mode(power)
    total, demand, excess = vec.total, vec.demand, vec.excess
    for b in range(nb):
        total[b] = lay.constant[b]
    for i in range(nx):
        if lay.ptr[i] == lay.ptr[i + 1]:
            continue
        if mode == _POWER:
            value = math.exp(power * z[i])
        elif mode == _NEAR:
            value = math.expm1(power * z[i])
        else:
            value = z[i]
        _add(lay.a, lay.col, value, total, lay.ptr[i], lay.ptr[i + 1])
    for b in range(nb):
        demand[b] = 0.0
        bundle = 0.0
        if lay.filled[b]:
            if mode == _POWER:
                bundle = math.log(total[b])
            elif mode == _NEAR:
                bundle = math.log1p(total[b])
            else:
                bundle = total[b]
            if mode != _LOG:
                bundle = (bundle + lay.log_kept[b]) / power
        total[b] = bundle
        vec.log_bundle[b] = bundle + lay.shift_b[b]
    for j in range(nm):
        vec.log_imports[j] = 0.0
        if grouped and lay.imports[j]:
            vec.log_imports[j] = _middle_index(nm, nb, j, lay, vec.log_bundle, 1 - middle)
        elif lay.imports[j]:
            vec.log_imports[j] = vec.log_bundle[j]
        index = vec.log_imports[j]
        row = lay.home_row[j]
        if row >= 0:
            home = z[row] - lay.shift_i[row] + lay.home_cost[j]
            if lay.imports[j]:
                index = _upper_index(home, index, lay.home_share[j], 1 - outer)
            else:
                index = home
        if lay.log_upper[j] != 0:
            index += lay.log_upper[j] / (1 - outer)
        vec.log_index[j] = index
    for b in range(nb):
        if not lay.filled[b]:
            continue
        j = b % nm
        # The part of the bundle's shift is in the offset already.
        if grouped:
            level = (middle - outer) * vec.log_imports[j] + (outer - eta) * vec.log_index[j]
            level += (sigma - middle) * total[b]
        elif nested:
            level = (sigma - outer) * total[b] + (outer - eta) * vec.log_index[j]
        else:
            level = (sigma - eta) * total[b]
        demand[b] = math.exp(level + lay.offset[b])
    worst = 0.0
    longest = 0.0
    for i in range(nx):
        excess[i] = 0.0
        if not lay.free[i]:
            continue
        sales = -np.inf
        if lay.ptr[i] < lay.ptr[i + 1]:
            sales = math.log(_dot(lay.b, lay.col, demand, lay.ptr[i], lay.ptr[i + 1]))
            sales -= sigma * z[i]
        j = lay.home_col[i]
        if nested and j >= 0:
            delivered = z[i] - lay.shift_i[i] + lay.home_cost[j]
            home = (outer - eta) * vec.log_index[j] + lay.log_demand[j] - outer * delivered
            home += lay.home_sales[j]
            top = max(sales, home)
            sales = top + math.log(math.exp(sales - top) + math.exp(home - top))
        excess[i] = sales - lay.supply[i] - lay.epsilon[i] * z[i]
        # A comparison written so that NaN counts as the worst.
        if not abs(excess[i]) <= worst:
            worst = abs(excess[i])
        longest = max(longest, abs(excess[i]) / lay.slope[i])
        if math.isnan(worst):
            return np.nan, np.nan
    return worst, longest


@njit(cache=True, nogil=True)
def _solve_product(rows, out, k, lay, vec, history, modulus, size, tolerance, max_steps):  # type: ignore[no-untyped-def]
    """Anderson acceleration of the fixed point in z, undone where it does not pay."""
    nx = rows.exporter_ptr[k + 1] - rows.exporter_ptr[k]
    nm = rows.importer_ptr[k + 1] - rows.importer_ptr[k]
    nb = nm * _group_count(rows, k)
    eta, levels = rows.eta[k], _levels(rows, k)
    dx, df, q = history[:DEPTH], history[DEPTH : 2 * DEPTH], history[2 * DEPTH : 3 * DEPTH]
    z, step = history[3 * DEPTH], history[3 * DEPTH + 1]
    last, last_step = history[3 * DEPTH + 2], history[3 * DEPTH + 3]
    best, best_step = history[3 * DEPTH + 4], history[3 * DEPTH + 5]
    for i in range(nx):
        z[i] = lay.shift_i[i]
    best_length = np.inf
    held = slot = steps = 0
    plain = True
    done = False
    worst = np.nan
    while steps < max_steps:
        worst, length = _sweep(nx, nm, nb, eta, levels, lay, z, vec)
        steps += 1
        if worst <= tolerance:
            done = True
            break
        if not length <= GROWTH * best_length or length == np.inf:
            if plain:
                break
            for i in range(nx):
                z[i] = best[i] + best_step[i]
                last[i] = best[i]
                last_step[i] = best_step[i]
            held = slot = 0
            plain = True
            continue
        for i in range(nx):
            step[i] = vec.excess[i] / lay.slope[i]
        if best_length < np.inf:
            for i in range(nx):
                dx[slot, i] = z[i] - last[i]
                df[slot, i] = step[i] - last_step[i]
            slot = (slot + 1) % DEPTH
            held = min(held + 1, DEPTH)
        if length < best_length:
            best_length = length
            for i in range(nx):
                best[i] = z[i]
                best_step[i] = step[i]
        for i in range(nx):
            last[i] = z[i]
            last_step[i] = step[i]
            z[i] += step[i]
        plain = held == 0
        if not plain:
            _accelerate(nx, held, slot, dx, df, q, step, z)
    if not done and best_length < np.inf:
        for i in range(nx):
            z[i] = best[i]
        worst, _ = _sweep(nx, nm, nb, eta, levels, lay, z, vec)
    out.status[k] = _CONVERGED if done else _MAX_STEPS
    out.iterations[k] = steps
    out.residual[k] = worst
    _write(rows, out, k, lay, vec, z, modulus, size)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _accelerate(nx, held, slot, dx, df, q, step, z):  # type: ignore[no-untyped-def]
    """Subtract from z = x + f the combination of past differences that best explains f.

    Least squares by modified Gram-Schmidt, latest difference first; one that adds no new
    direction is left out.
    """
    r = np.empty((DEPTH, DEPTH))
    weight = np.empty(DEPTH)
    chosen = np.empty(DEPTH, np.int64)
    n = 0
    for age in range(1, held + 1):
        h = (slot - age) % DEPTH
        column = q[n]
        size = left = along = 0.0
        for i in range(nx):
            column[i] = df[h, i]
            size += column[i] * column[i]
        for p in range(n):
            inner = 0.0
            for i in range(nx):
                inner += q[p, i] * column[i]
            r[p, n] = inner
            for i in range(nx):
                column[i] -= inner * q[p, i]
        for i in range(nx):
            left += column[i] * column[i]
            along += column[i] * step[i]
        if left <= 1e-16 * size:
            continue
        length = math.sqrt(left)
        for i in range(nx):
            column[i] /= length
        r[n, n] = length
        weight[n] = along / length
        chosen[n] = h
        n += 1
    for p in range(n - 1, -1, -1):
        for c in range(p + 1, n):
            weight[p] -= r[p, c] * weight[c]
        weight[p] /= r[p, p]
        h = chosen[p]
        for i in range(nx):
            z[i] -= weight[p] * (dx[h, i] + df[h, i])


@njit(cache=True, nogil=True)
def _write(rows, out, k, lay, vec, z, modulus, size):  # type: ignore[no-untyped-def]
    """Prices, indices and the error bound of product k, from the last sweep."""
    x0, x1 = rows.exporter_ptr[k], rows.exporter_ptr[k + 1]
    j0, j1 = rows.importer_ptr[k], rows.importer_ptr[k + 1]
    sigma, middle, outer, grouped, nested = _levels(rows, k)
    eta = rows.eta[k]
    price = index = imports = bundle = 0.0
    for i in range(x1 - x0):
        x = z[i] - lay.shift_i[i]
        out.log_price[x0 + i] = x if lay.market[i] else np.nan
        if lay.market[i]:
            price = max(price, abs(x))
    for j in range(j1 - j0):
        out.log_index[j0 + j] = vec.log_index[j] if lay.served[j] else np.nan
        if lay.served[j]:
            index = max(index, abs(vec.log_index[j]))
        if grouped and lay.imports[j]:
            imports = max(imports, abs(vec.log_imports[j]))
    for b in range((j1 - j0) * _group_count(rows, k)):
        if lay.filled[b]:
            bundle = max(bundle, abs(vec.log_bundle[b]))
    if modulus >= 1:
        out.error_bound[k] = np.nan
        return
    # As equations.rounding_error.
    top = abs(outer - eta)
    climb = abs(sigma - middle) + abs(middle - outer) + top
    gain = top / max(abs(1 - outer), NEAR_ONE) + climb / max(abs(1 - sigma), NEAR_ONE)
    if grouped and nested:
        gain += (abs(middle - outer) + top) / max(abs(1 - middle), NEAR_ONE)
    terms = 4 + max(x1 - x0, j1 - j0)
    exponent = 1 + size + price + index + bundle + imports
    steepest = max(sigma, middle, outer, eta)
    rounding = ROUNDING * (terms * (1 + gain) + 4 * (1 + steepest) * exponent)
    worst = 0.0
    for i in range(x1 - x0):
        if lay.free[i]:
            worst = max(worst, (abs(vec.excess[i]) + rounding) / lay.slope[i])
    out.error_bound[k] = worst / (1 - modulus)
