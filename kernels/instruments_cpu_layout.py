"""One product under instruments as the compiled solver takes it.

Flows under an instrument that acts flow by flow (a specific duty, a floor, a quota, a group limit)
are *treated*: they leave the two matrices of :mod:`.sell_cpu` and form a list sorted by importer.
Capacities and contracts for differences act on supply and treat no flow. Numbers of one kind of
thing share a table, of which functions take rows: compiling takes time for every array handed on.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradewedge.kernels.market import Bools, Floats, Ints
from tradewedge.kernels.sell_cpu import LANES

Places = NDArray[np.uint32]

INNER: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""How functions are compiled that only other compiled functions call."""

# Rows of Treated.number. Given:
(
    COST,  # log cost
    SHARE,  # in the importer's spending
    SALES,  # share in the exporter's sales
    SPECIFIC,  # log; -inf: none
    FLOOR,  # log; -inf: none
    DISPERSION,
    QUOTA,  # log; inf: none
    BEYOND,  # log factor beyond the quota; inf: nothing may enter
    AT_QUOTA,  # SHARE e^((sigma - 1) / sigma QUOTA)
    # Written in a sweep; first within the quota, then as paid.
    BASE,  # log price before duty and floor
    PRICE,  # log price
    SPENT,  # SHARE e^((1 - sigma) PRICE)
    PASSED,  # elasticity of the price by the producer price
    HIGH,  # log price beyond the quota
    HIGH_SPENT,
    HIGH_PASSED,
    LOW_LEVEL,  # log level of demand at which the quota begins to bind
    HIGH_LEVEL,  # and at which more is bought beyond it
    BOUND,  # 1 where the quota sets the price, else 0
    QUANTITY,
) = range(20)

# Rows of Limits.number: log limit; largest log premium; elasticity of use by the premium, negative.
LIMIT, MOST, OWN_USE = range(3)

# Rows of Makers.number.
(
    CAPACITY,  # log; inf: none
    WEIGHT,  # of the exporter's own price in the indices of its markets, at the baseline
    SUPPLY,  # log
    SLOPE,  # elasticity of supply
    OWN_DEMAND,  # elasticity of demand by the price, negative
) = range(5)


class Given(NamedTuple):
    """Instruments of a whole market; fields of :class:`~.market.Instruments` but the last two."""

    specific: Floats
    floor: Floats
    dispersion: Floats
    quota: Floats
    beyond_quota: Floats
    capacity: Floats
    strike: Floats
    covered: Floats
    upside: Floats
    group_ptr: Ints
    group_flow: Ints
    group_weight: Floats
    group_limit: Floats
    group_beyond: Floats
    group_of: Ints  # groups sorted by product
    product_ptr: Ints  # [K + 1] range of each product's groups in it


class Counts(NamedTuple):
    """How much of everything one product has."""

    exporters: int
    importers: int
    treated: int
    segments: int
    groups: int
    members: int  # of all groups
    contracts: int
    capped: int  # exporters with a capacity and infinite epsilon
    capacities: int
    specific: bool
    dispersed: bool
    rated: bool  # some flow has a rate beyond its quota
    limited: bool  # some flow has a quota


class Treated(NamedTuple):
    """Treated flows [t] by importer, and the segments [s] that those of one importer are."""

    exporter: Places  # place in the layout's order
    importer: Places
    number: Floats  # [20, t]
    start: Ints  # [s + 1]
    of: Places  # [s] importer
    has_quota: Bools  # [s]
    level: Floats  # [s] log level of demand, where the last root search ended


class Limits(NamedTuple):
    """Group limits [g] and their members [r], in the order of the treated flows."""

    index: Ints  # [g] group in the market
    start: Ints  # [g + 1]
    flow: Places  # [r]
    group: Places  # [r]
    weight: Floats  # [r]
    number: Floats  # [3, g]


class Makers(NamedTuple):
    """Supply of the exporters [i]: what :mod:`.plain_cpu` does not have."""

    number: Floats  # [5, i]
    rigid: Bools  # output at a price of 0
    contract: Places  # [c] exporters with a contract
    terms: Floats  # [3, c] strike, covered share, upside share
    capped: Places  # exporters with a capacity and infinite epsilon


@njit(**INNER)
def is_usable(rows, given, k):  # type: ignore[no-untyped-def]
    """Whether every number of the instruments on product k can be used."""
    for f in range(rows.flow_ptr[k], rows.flow_ptr[k + 1]):
        if not (0 <= given.specific[f] < np.inf and 0 <= given.floor[f] < np.inf):
            return False
        if not (0 <= given.dispersion[f] < np.inf):
            return False
        if not (given.quota[f] >= 0 and given.beyond_quota[f] >= 0):
            return False
    for i in range(rows.exporter_ptr[k], rows.exporter_ptr[k + 1]):
        if not (0 <= given.strike[i] < np.inf and given.capacity[i] >= 0):
            return False
        if not (0 <= given.covered[i] <= 1 and 0 <= given.upside[i] <= 1):
            return False
        if given.strike[i] > 0 and given.covered[i] > 0 and rows.epsilon[i] == np.inf:
            return False
    for n in range(given.product_ptr[k], given.product_ptr[k + 1]):
        g = given.group_of[n]
        if not (given.group_limit[g] >= 0 and given.group_beyond[g] >= 0):
            return False
        for r in range(given.group_ptr[g], given.group_ptr[g + 1]):
            if not 0 <= given.group_weight[r] < np.inf:
                return False
    return True


@njit(**INNER)
def collect(rows, layout, given, k, vec, a, b, mark, treated, limits, makers):  # type: ignore[no-untyped-def]
    """Take the treated flows out of the matrices and list them, with groups and supply.

    ``a``, ``b`` and ``vec`` are as :func:`.plain_cpu._prepare` leaves them; ``mark`` [2, f] has
    room for the product's flows. Returns :class:`Counts`.
    """
    f0, f1 = rows.flow_ptr[k], rows.flow_ptr[k + 1]
    x0 = rows.exporter_ptr[k]
    nx = rows.exporter_ptr[k + 1] - x0
    nm = rows.importer_ptr[k + 1] - rows.importer_ptr[k]
    sigma = rows.sigma[k]
    buyers, sellers = layout.buyers, layout.sellers
    place, seen = mark[0], mark[1]
    for f in range(f0, f1):
        one = (given.specific[f] > 0) | (given.floor[f] > 0) | (given.quota[f] < np.inf)
        place[f - f0] = one & rows.admitted[f]
    for n in range(given.product_ptr[k], given.product_ptr[k + 1]):
        g = given.group_of[n]
        if given.group_limit[g] < np.inf:
            for r in range(given.group_ptr[g], given.group_ptr[g + 1]):
                f = given.group_flow[r]
                if given.group_weight[r] > 0 and rows.admitted[f]:
                    place[f - f0] = 1

    # Sorted by importer: count, then place. ``place`` ends up with that of every flow.
    a_first = buyers.line_ptr[buyers.group_ptr[k]]
    b_first = sellers.line_ptr[sellers.group_ptr[k]]
    cursor = np.zeros(nm + 1, np.int64)
    for f in range(f0, f1):
        if place[f - f0]:
            cell = sellers.place[f]
            cursor[sellers.column[b_first + cell // LANES, cell % LANES] + 1] += 1
    segments = 0
    treated.start[0] = 0
    for j in range(nm):
        if cursor[j + 1] > 0:
            treated.of[segments] = j
            treated.has_quota[segments] = False
            segments += 1
        cursor[j + 1] += cursor[j]
        treated.start[segments] = cursor[j + 1]
    number = treated.number
    specific = dispersed = rated = limited = False
    for f in range(f0, f1):
        if not place[f - f0]:
            place[f - f0] = -1
            continue
        in_a, in_b = buyers.place[f], sellers.place[f]
        i = buyers.column[a_first + in_a // LANES, in_a % LANES]
        j = sellers.column[b_first + in_b // LANES, in_b % LANES]
        t = cursor[j]
        cursor[j] += 1
        place[f - f0] = t
        treated.exporter[t], treated.importer[t] = i, j
        # The weights without the costs, which stay with the prices here.
        number[SHARE, t] = buyers.weight[a_first + in_a // LANES, in_a % LANES]
        number[SALES, t] = sellers.weight[b_first + in_b // LANES, in_b % LANES]
        a[in_a // LANES, in_a % LANES] = 0.0
        b[in_b // LANES, in_b % LANES] = 0.0
        quota = math.log(given.quota[f])
        number[COST, t] = rows.log_cost[f]
        number[SPECIFIC, t] = math.log(given.specific[f])
        number[FLOOR, t] = math.log(given.floor[f])
        number[DISPERSION, t] = given.dispersion[f] if given.floor[f] > 0 else 0.0
        number[QUOTA, t] = quota
        number[BEYOND, t] = given.beyond_quota[f] if quota < np.inf else np.inf
        number[AT_QUOTA, t] = number[BOUND, t] = 0.0
        if -np.inf < quota < np.inf:
            number[AT_QUOTA, t] = number[SHARE, t] * math.exp((sigma - 1) / sigma * quota)
        specific |= given.specific[f] > 0
        dispersed |= number[DISPERSION, t] > 0
        rated |= number[BEYOND, t] < np.inf
        limited |= quota < np.inf
    for s in range(segments):
        for t in range(treated.start[s], treated.start[s + 1]):
            treated.has_quota[s] |= number[QUOTA, t] < np.inf
    count = treated.start[segments]

    # Limits that have a flow left.
    groups = members = 0
    limits.start[0] = 0
    seen[:count] = -1
    for n in range(given.product_ptr[k], given.product_ptr[k + 1]):
        g = given.group_of[n]
        if given.group_limit[g] == np.inf:
            continue
        for r in range(given.group_ptr[g], given.group_ptr[g + 1]):
            t = place[given.group_flow[r] - f0]
            if t >= 0 and given.group_weight[r] > 0:
                seen[t] = r
        first = members
        for t in range(count):
            if seen[t] >= 0:
                limits.flow[members] = t
                limits.group[members] = groups
                limits.weight[members] = given.group_weight[seen[t]]
                seen[t] = -1
                members += 1
        if members > first:
            limits.index[groups] = g
            limits.number[LIMIT, groups] = math.log(given.group_limit[g])
            limits.number[MOST, groups] = given.group_beyond[g]
            groups += 1
            limits.start[groups] = members

    # Supply.
    contracts = capped = capacities = 0
    for i in range(nx):
        old = x0 + sellers.order[x0 + i]
        makers.number[WEIGHT, i] = layout.own[old]
        makers.number[CAPACITY, i] = math.log(given.capacity[old])
        makers.rigid[i] = rows.epsilon[old] == 0
    for d in range(vec.dead_i[0]):
        makers.number[CAPACITY, vec.dead_i[d + 1]] = np.inf
    for i in range(nx):
        old = x0 + sellers.order[x0 + i]
        if makers.number[CAPACITY, i] < np.inf:
            capacities += 1
            if rows.epsilon[old] == np.inf:
                makers.capped[capped] = i
                capped += 1
        if vec.free[i] > 0 and given.strike[old] > 0 and given.covered[old] > 0:
            makers.rigid[i] = True
            makers.contract[contracts] = i
            makers.terms[0, contracts] = given.strike[old]
            makers.terms[1, contracts] = given.covered[old]
            makers.terms[2, contracts] = given.upside[old]
            contracts += 1
    return Counts(
        nx, nm, count, segments, groups, members, contracts, capped, capacities, specific,
        dispersed, rated, limited,
    )  # fmt: skip
