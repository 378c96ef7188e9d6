"""Prices, demand and residuals of one product under instruments, compiled.

The equations are those of :mod:`.instruments`, :mod:`.demand` and :mod:`.complementarity`, with two
unknowns fewer: quotas per pair are eliminated as there, and a capacity is part of supply. Unknowns
are the log *producer* prices y, premium of a capacity included, and the log premiums of groups::

    e_i = ln D_i - min(ln S_i(y_i), ln kappa_i)
    e_i = max(e_i, -e^(y_i))                          supply that stays positive at a price of 0
    e_i = min(sigma y_i, ln kappa_i - ln D_i)         infinite supply elasticity with a capacity
    r_g = mid(sigma (lambda_g - o_g), ln L_g - ln U_g, sigma lambda_g)
"""

import math

import numpy as np
from numba import njit

from tradewedge.kernels.instruments_cpu_layout import (
    AT_QUOTA,
    BASE,
    BEYOND,
    BOUND,
    CAPACITY,
    COST,
    DISPERSION,
    FLOOR,
    HIGH,
    HIGH_LEVEL,
    HIGH_PASSED,
    HIGH_SPENT,
    INNER,
    LIMIT,
    LOW_LEVEL,
    MOST,
    OWN_DEMAND,
    OWN_USE,
    PASSED,
    PRICE,
    QUANTITY,
    QUOTA,
    SALES,
    SHARE,
    SLOPE,
    SPECIFIC,
    SPENT,
    SUPPLY,
    WEIGHT,
)
from tradewedge.kernels.plain_cpu import (
    OWN_SHARE,
    _exp,
    _in_range,
    _log,
    _multiply,
    _padded,
)

# Rows of a run: unknowns (prices [i], padded, then premiums [g]), the step from there, where and
# what they were before, the best point so far, what is lacking; and log levels of demand [j].
UNKNOWN, STEP, LAST, LAST_STEP, BEST, LACK, LEVEL = range(7)

RANGE = 700.0
"""Largest exponent of the polynomials; powers below it count as 0, above it nothing is found."""
ROOT_STEPS = 200
NEWTON_ALONE = 12
"""Steps of the root search after which every fourth one halves the bracket instead."""
LARGEST_MOVE = 20.0
"""Largest change of a log level in one step of the root search."""


@njit(**INNER, inline="always")
def _power(x):  # type: ignore[no-untyped-def]
    return _exp(min(max(x, -RANGE), RANGE))


@njit(**INNER, fastmath={"contract"})
def _powers(n, factor, x, scale, out):  # type: ignore[no-untyped-def]
    for t in range(n):
        out[t] = scale[t] * _power(factor * x[t])


@njit(**INNER)
def _lift(price, floor, spread):  # type: ignore[no-untyped-def]
    """Mean log price of shipments lifted to a floor, and its elasticity."""
    gap = price - floor
    d = gap / spread + spread / 2
    own = math.exp(min(gap, 0.0)) * 0.5 * math.erfc(-d / math.sqrt(2.0))
    total = own + math.exp(min(-gap, 0.0)) * 0.5 * math.erfc((d - spread) / math.sqrt(2.0))
    return max(price, floor) + math.log(total), own / total


@njit(**INNER, fastmath={"contract"})
def _chain(n, has_specific, has_dispersion, number, base, extra, price, passed):  # type: ignore[no-untyped-def]
    """Log price after duty and floor, and its elasticity by the one before (``base + extra``)."""
    log_specific, floor, spread = number[SPECIFIC], number[FLOOR], number[DISPERSION]
    for t in range(n):
        price[t] = base[t] + extra[t]
    for t in range(n):
        passed[t] = 1.0
    if has_specific:
        for t in range(n):
            least = _power(-abs(price[t] - log_specific[t]))
            passed[t] = (1.0 if price[t] > log_specific[t] else least) / (1.0 + least)
            price[t] = max(price[t], log_specific[t]) + _log(1.0 + least)
    if has_dispersion:
        for t in range(n):
            if spread[t] > 0:
                price[t], through = _lift(price[t], floor[t], spread[t])
                passed[t] *= through
            elif price[t] <= floor[t]:
                price[t], passed[t] = floor[t], 0.0
    else:
        for t in range(n):
            passed[t] = passed[t] if price[t] > floor[t] else 0.0
            price[t] = max(price[t], floor[t])


@njit(**INNER, fastmath={"contract"})
def _bounds(n, sigma, quota, price, high, low_level, high_level):  # type: ignore[no-untyped-def]
    for t in range(n):
        low_level[t] = sigma * price[t] + quota[t]
        high_level[t] = sigma * high[t] + quota[t]


@njit(**INNER)
def _prices(n, sigma, treated, limits, y, premium):  # type: ignore[no-untyped-def]
    """Prices of treated flows within their quotas and beyond."""
    m, number, power = n.treated, treated.number, 1 - sigma
    base, cost, high = number[BASE], number[COST], number[HIGH]
    for t in range(m):
        base[t] = y[treated.exporter[t]] + cost[t]
    for r in range(n.members):
        base[limits.flow[r]] += premium[limits.group[r]]
    nothing = number[QUANTITY]  # not known yet, its place serves
    for t in range(m):
        nothing[t] = 0.0
    _chain(m, n.specific, n.dispersed, number, base, nothing, number[PRICE], number[PASSED])
    _powers(m, power, number[PRICE], number[SHARE], number[SPENT])
    if n.rated:
        _chain(m, n.specific, n.dispersed, number, base, number[BEYOND], high, number[HIGH_PASSED])
        _powers(m, power, high, number[SHARE], number[HIGH_SPENT])
    elif n.limited:
        for t in range(m):
            high[t] = np.inf
    if n.limited:
        _bounds(m, sigma, number[QUOTA], number[PRICE], high, number[LOW_LEVEL], number[HIGH_LEVEL])


@njit(**INNER, fastmath={"reassoc"})
def _spending(first, last, level, number):  # type: ignore[no-untyped-def]
    """Sums of powers of flows whose quota does not set the price, and of AT_QUOTA of the others."""
    low_level, high_level, at_quota = number[LOW_LEVEL], number[HIGH_LEVEL], number[AT_QUOTA]
    spent, high_spent = number[SPENT], number[HIGH_SPENT]
    free = at = 0.0
    for t in range(first, last):
        free += spent[t] if level <= low_level[t] else 0.0
        free += high_spent[t] if level >= high_level[t] else 0.0
        at += at_quota[t] if low_level[t] < level < high_level[t] else 0.0
    return free, at


@njit(**INNER)
def _level(first, last, number, level, fixed, shift, sigma, eta):  # type: ignore[no-untyped-def]
    """Level of demand of an importer with quotas: root of one increasing function.

    Returns the level, what is left of the function, and the sum of powers.
    """
    below, above = -np.inf, np.inf
    gap = total = np.nan
    for step in range(ROOT_STEPS):
        free, at = _spending(first, last, level, number)
        at *= _power((1 - sigma) / sigma * level)
        total = fixed + free + at
        index = math.log(total) / (1 - sigma)
        gap = level - (sigma - eta) * index - shift
        slope = 1 - (sigma - eta) / sigma * at / total
        if gap <= 0:
            below = level
        if gap >= 0:
            above = level
        trial = level - min(max(gap / max(slope, 1e-12), -LARGEST_MOVE), LARGEST_MOVE)
        outside = trial <= below or trial >= above
        if step % 4 == 3 and step > NEWTON_ALONE:
            outside = below > -np.inf and above < np.inf
        if outside:
            trial = 0.5 * (below + above)
        scale = 4e-16 * (1 + abs(level) + (sigma + eta) * abs(index))
        if not (abs(gap) > scale and abs(trial - level) > scale):
            break
        level = trial
    return level, gap, total


@njit(**INNER)
def _settle(n, treated, total, offset, sigma, eta):  # type: ignore[no-untyped-def]
    """Add treated flows to the importers' sums of powers; find the levels under quotas.

    Returns what is left of the root functions.
    """
    number = treated.number
    price, spent, passed, bound = number[PRICE], number[SPENT], number[PASSED], number[BOUND]
    high, high_spent, high_passed = number[HIGH], number[HIGH_SPENT], number[HIGH_PASSED]
    low_level, high_level = number[LOW_LEVEL], number[HIGH_LEVEL]
    quota, at_quota = number[QUOTA], number[AT_QUOTA]
    worst = 0.0
    for s in range(n.segments):
        j = treated.of[s]
        first, last = treated.start[s], treated.start[s + 1]
        if not treated.has_quota[s]:
            more = total[j]
            for t in range(first, last):
                more += spent[t]
            total[j] = more
            continue
        level, gap, total[j] = _level(
            first, last, number, treated.level[s], total[j], offset[j], sigma, eta
        )
        treated.level[s] = level
        worst = np.inf if math.isnan(gap) else max(worst, abs(gap))
        factor = _power((1 - sigma) / sigma * level)
        for t in range(first, last):
            bound[t] = 0.0
            if level >= high_level[t]:
                price[t], spent[t], passed[t] = high[t], high_spent[t], high_passed[t]
            elif level > low_level[t]:
                price[t] = (level - quota[t]) / sigma
                spent[t], passed[t], bound[t] = at_quota[t] * factor, 0.0, 1.0
    return worst


@njit(**INNER, fastmath={"contract"})
def _levels(n, per_power, tilt, total, offset, bundle, level, demand):  # type: ignore[no-untyped-def]
    for j in range(n):
        bundle[j] = _log(total[j]) * per_power
    for j in range(n):
        level[j] = tilt * bundle[j] + offset[j]
        demand[j] = _power(level[j])


@njit(**INNER, fastmath={"contract"})
def _sell(n, sigma, exporter, importer, level, number, sold, held):  # type: ignore[no-untyped-def]
    """Quantities of treated flows; add them to sales, and what answers to no price to ``held``."""
    price, quantity, sales, passed = number[PRICE], number[QUANTITY], number[SALES], number[PASSED]
    # Two loops: only without gathering does the compiler make vectors of the second.
    for t in range(n):
        quantity[t] = level[importer[t]] - sigma * price[t]
    for t in range(n):
        quantity[t] = _power(quantity[t])
    for t in range(n):
        sale = sales[t] * quantity[t]
        sold[exporter[t]] += sale
        held[exporter[t]] += sale * (1.0 - passed[t])


@njit(**INNER, fastmath={"contract"})
def _own_sales(n, sigma, y, sales):  # type: ignore[no-untyped-def]
    for i in range(n):
        sales[i] *= _power(-sigma * y[i])


@njit(**INNER, fastmath={"contract"})
def _own_demand(n, steepest, pull, weight, sold, own):  # type: ignore[no-untyped-def]
    """Elasticity of each exporter's demand by its own price, with the sign turned.

    ``own`` comes in as the sales that answer to no price. What the price does to the indices of
    its markets is as at the baseline. ``sold`` becomes its log.
    """
    for i in range(n):
        own[i] = (1.0 - own[i] / sold[i]) * (steepest - OWN_SHARE * pull * weight[i])
    for i in range(n):
        sold[i] = _log(sold[i])


@njit(**INNER)
def _under_contract(price, epsilon, strike, covered, upside):  # type: ignore[no-untyped-def]
    """Log supply less its shift, and its elasticity."""
    value = math.exp(price)
    above = value > strike
    paid = strike + (1 - upside) * (value - strike) if above else strike
    slope = (1 - upside) * value / paid if above else 0.0
    log_paid = price if above and upside == 0 else math.log(paid)
    top = epsilon * max(price, log_paid)
    part = covered * math.exp(epsilon * log_paid - top)
    rest = (1 - covered) * math.exp(epsilon * price - top)
    return top + math.log(part + rest), epsilon * (part * slope + rest) / (part + rest)


@njit(**INNER)
def evaluate(k, sigma, eta, buyers, sellers, n, vec, a, b, treated, limits, makers, run):  # type: ignore[no-untyped-def]
    """Residuals at the prices and premiums in ``run``; returns the largest, NaN out of range.

    Leaves log sales in ``vec.u`` and what is lacking in ``run``.
    """
    nx, nm = n.exporters, n.importers
    ni, nj = _padded(nx), _padded(nm)
    y, lack, level = run[UNKNOWN], run[LACK], run[LEVEL]
    sold, total, held = vec.u, vec.total, makers.number[OWN_DEMAND]
    power = 1 - sigma
    for i in range(ni):
        sold[i] = 1.0
    _powers(nx, power, y, sold, sold)
    _multiply(a, buyers, k, sold, total)
    worst = 0.0
    if n.treated:
        _prices(n, sigma, treated, limits, y, y[ni:])
        worst = _settle(n, treated, total, vec.offset, sigma, eta)
    for d in range(vec.dead_j[0]):
        total[vec.dead_j[d + 1]] = 1.0
    if not _in_range(total, nm):
        return np.nan
    for j in range(nm, nj):
        total[j] = 1.0
    _levels(nj, 1 / power, sigma - eta, total, vec.offset, vec.bundle, level, vec.demand)
    _multiply(b, sellers, k, vec.demand, sold)
    _own_sales(nx, sigma, y, sold)
    for i in range(nx):
        held[i] = 0.0
    if n.treated:
        _sell(
            n.treated, sigma, treated.exporter, treated.importer, level, treated.number, sold, held
        )
    for d in range(vec.dead_i[0]):
        sold[vec.dead_i[d + 1]] = 1.0
    if not _in_range(sold, nx):
        return np.nan
    _own_demand(nx, max(sigma, eta), max(sigma - eta, 0.0), makers.number[WEIGHT], sold, held)

    # Exporters: demand over supply.
    supply, slope, capacity = makers.number[SUPPLY], makers.number[SLOPE], makers.number[CAPACITY]
    for i in range(nx):
        supply[i] = vec.supply[i] + vec.epsilon[i] * y[i]
        slope[i] = vec.epsilon[i]
    for c in range(n.contracts):
        i = makers.contract[c]
        strike, covered, upside = makers.terms[0, c], makers.terms[1, c], makers.terms[2, c]
        supply[i], slope[i] = _under_contract(y[i], vec.epsilon[i], strike, covered, upside)
        supply[i] += vec.supply[i]
    for i in range(nx):
        if supply[i] > capacity[i]:
            supply[i], slope[i] = capacity[i], 0.0
        lack[i] = (sold[i] - supply[i]) * vec.free[i]
        left = abs(lack[i])
        if makers.rigid[i] and lack[i] < 0:
            left = min(left, _power(y[i]))
        if not left <= worst:
            worst = left
    for c in range(n.capped):
        i = makers.capped[c]
        lack[i] = sold[i] - capacity[i]
        left = abs(min(sigma * y[i], -lack[i]))
        if not left <= worst:
            worst = left

    # Groups: use over limit.
    quantity = treated.number[QUANTITY]
    for g in range(n.groups):
        used = 0.0
        for r in range(limits.start[g], limits.start[g + 1]):
            used += limits.weight[r] * quantity[limits.flow[r]]
        over = math.log(used) - limits.number[LIMIT, g]
        premium = y[ni + g]
        left = min(sigma * premium, -over)
        left = abs(max(left, sigma * (premium - limits.number[MOST, g])))
        if not left <= worst:
            worst = left
        lack[ni + g] = over
    return worst


@njit(**INNER)
def own_use(sigma, eta, n, total, treated, limits):  # type: ignore[no-untyped-def]
    """Write the elasticity of each group's use by its own premium, with the sign turned."""
    number, importer = treated.number, treated.importer
    quantity, passed, spent = number[QUANTITY], number[PASSED], number[SPENT]
    for g in range(n.groups):
        used = own = 0.0
        r, stop = limits.start[g], limits.start[g + 1]
        while r < stop:
            j = importer[limits.flow[r]]
            part = inside = 0.0
            while r < stop and importer[limits.flow[r]] == j:
                t = limits.flow[r]
                use = limits.weight[r] * quantity[t]
                used += use
                own += use * sigma * passed[t]
                part += use * (1.0 - number[BOUND, t])
                inside += spent[t] * passed[t]
                r += 1
            own -= (sigma - eta) * part * inside / total[j]
        limits.number[OWN_USE, g] = own / used
