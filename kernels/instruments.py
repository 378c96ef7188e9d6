"""Prices and supply under instruments, element by element: the equations, written once.

Prices are ratios to the baseline. For a flow from i to j, with ``u`` the log of the producer
price times everything ad valorem, group premiums included, the price rises in steps::

    b   = e^u + f                      specific duty f
    bo  = e^(u + o) + f                beyond the quota of a tariff-rate quota (o = inf: nothing)
    B, Bo = lift(b), lift(bo)          floor F: max(., F), or the mean of it over shipments
    X   = (e^T / Q)^(1 / sigma)        price at which just Q is bought, with ln q = T - sigma ln p
    delivered = min(max(B, X), Bo)

Supply of exporter i at producer price p, with a contract for differences (strike K, covered share
theta, upside share phi) and a capacity kappa::

    S = min(Z [theta g^epsilon + (1 - theta) p^epsilon], kappa)
    g = K for p <= K, else K + (1 - phi) (p - K)

A group g of flows under a limit L has a premium ``0 <= lambda_g <= o_g``: 0 where the use
``U_g < L_g``, and o_g (the log factor beyond the limit of a tariff-rate quota, inf: a hard limit)
where ``U_g > L_g``. U is the weighted sum of quantities.

Sources: model equations of docs/model.md; variable levies and tariff-rate quotas as
complementarity problems: Elbehri and Pearson (2000), GTAP Technical Paper 18.
"""

from dataclasses import replace

import numpy as np

from tradewedge.kernels.market import Bools, Floats, Instruments, Market, Shock
from tradewedge.kernels.normal import normal_cdf

INVERSE_STEPS = 100
LARGEST_LOG = 700.0
"""Log price beyond which contracts see no difference: a premium without end may pass it."""


def no_instruments(market: Market) -> Instruments:
    """Return instruments that do nothing, to be filled in with :func:`dataclasses.replace`."""
    flows, exporters = len(market.share), len(market.epsilon)
    return Instruments(
        specific=np.zeros(flows),
        floor=np.zeros(flows),
        dispersion=np.zeros(flows),
        quota=np.full(flows, np.inf),
        beyond_quota=np.full(flows, np.inf),
        capacity=np.full(exporters, np.inf),
        strike=np.zeros(exporters),
        covered=np.zeros(exporters),
        upside=np.zeros(exporters),
        group_ptr=np.zeros(1, np.int64),
        group_flow=np.zeros(0, np.int64),
        group_weight=np.zeros(0),
        group_limit=np.zeros(0),
        group_beyond=np.zeros(0),
    )


def effectively_admitted(market: Market, shock: Shock) -> Bools:
    """Flows [F] that are admitted and under no limit of zero, which is an exclusion."""
    given = shock.instruments
    if given is None:
        return shock.admitted
    shut = (given.quota == 0) & np.isposinf(given.beyond_quota)
    shut |= (given.capacity == 0)[market.flow_exporter]
    nothing = (given.group_limit == 0) & np.isposinf(given.group_beyond)
    nothing = np.repeat(nothing, np.diff(given.group_ptr))
    shut[given.group_flow[nothing & (given.group_weight > 0)]] = True
    admitted: Bools = shock.admitted & ~shut
    return admitted


def without_idle_limits(given: Instruments, admitted: Bools) -> Instruments:
    """Lift hard group limits on the same quantity as a tighter one, or as one that is as tight.

    They never bind; of two alike any split of one premium would be a solution. What is left is
    what :func:`.layout.problem_of` keeps.

    Parameters
    ----------
    given : Instruments
    admitted : bool [F]
        Flows that count.
    """
    of = np.repeat(np.arange(given.group_limit.size), np.diff(given.group_ptr))
    hard = np.isposinf(given.group_beyond) & np.isfinite(given.group_limit)
    kept = admitted[given.group_flow] & (given.group_weight > 0) & hard[of]
    flow, weight = given.group_flow[kept], given.group_weight[kept]
    group, first, size = np.unique(of[kept], return_index=True, return_counts=True)
    # Only groups that begin with the same flow and are as long can be alike.
    key = flow[first] * (size.max(initial=0) + 1) + size
    _, number, times = np.unique(key, return_inverse=True, return_counts=True)
    some = np.flatnonzero(times[number] > 1)
    limit = given.group_limit.copy()
    seen: set[bytes] = set()
    for n in some[np.argsort(limit[group[some]], kind="stable")].tolist():
        rows = slice(first[n], first[n] + size[n])
        quantity = flow[rows].tobytes() + weight[rows].tobytes()
        if quantity in seen:
            limit[group[n]] = np.inf
        seen.add(quantity)
    return replace(given, group_limit=limit) if some.size else given


def with_specific(log_price: Floats, log_specific: Floats) -> tuple[Floats, Floats]:
    """Add a specific duty.

    Parameters
    ----------
    log_price, log_specific : float
        Log price before it, and log of the duty (-inf: none).

    Returns
    -------
    tuple of float
        Log price after it, and the elasticity of the price after it by the price before it.
    """
    after = np.logaddexp(log_price, log_specific)
    return after, np.exp(log_price - after)


def lift(log_price: Floats, log_floor: Floats, dispersion: Floats) -> tuple[Floats, Floats]:
    """Lift a price to a floor.

    With shipments that differ, price times z for a lognormal z of mean 1, each is lifted on its
    own and the result is the mean, ``E max(b z, F) = b N(d) + F N(s - d)`` with
    ``d = ln(b / F) / s + s / 2`` and N the normal distribution function.

    Parameters
    ----------
    log_price, log_floor : float
        -inf: no floor.
    dispersion : float
        Standard deviation s of ln z; 0: all shipments have one price.

    Returns
    -------
    tuple of float
        Log of the lifted price, and its elasticity by the price before it.
    """
    lifted = np.maximum(log_price, log_floor)
    passed = np.where(log_price > log_floor, 1.0, 0.0)
    spread = (dispersion > 0) & np.isfinite(log_floor)
    if not spread.any():
        return lifted, passed
    s, gap = dispersion[spread], (log_price - log_floor)[spread]
    d = gap / s + s / 2
    above, below = normal_cdf(d), normal_cdf(s - d)
    # Relative to the larger of price and floor, so that nothing overflows.
    own = np.exp(np.minimum(gap, 0.0)) * above
    total = own + np.exp(np.minimum(-gap, 0.0)) * below
    lifted[spread] += np.log(total)
    passed[spread] = own / total
    return lifted, passed


def price_before_lift(lifted: Floats, log_floor: Floats, dispersion: Floats) -> Floats:
    """Return the log price that :func:`lift` takes to ``lifted``; at most ``lifted``.

    Where shipments are alike, a price above the floor is its own answer, and one at the floor
    has no single answer: ``lifted`` is returned.
    """
    price = lifted.copy()
    some = np.flatnonzero((dispersion > 0) & np.isfinite(log_floor))
    if some.size == 0:
        return price
    target, floor, s = lifted[some], log_floor[some], dispersion[some]
    # In logs the lifted price is convex in the price, so Newton from above descends to the answer.
    guess = target.copy()
    for _ in range(INVERSE_STEPS):
        value, passed = lift(guess, floor, s)
        move = np.minimum((value - target) / np.maximum(passed, 1e-300), 1.0)
        guess = guess - move
        if np.all(np.abs(move) <= 1e-15 * (1 + np.abs(target))):
            break
    price[some] = np.minimum(guess, target)
    return price


def receipt(log_price: Floats, strike: Floats, upside: Floats) -> tuple[Floats, Floats]:
    """Price on covered output under a contract for differences.

    Returns
    -------
    tuple of float
        Log of it, and its elasticity by the producer price; strike 0 pays back from the first
        unit of price.
    """
    price = np.exp(np.minimum(log_price, LARGEST_LOG))
    above = price > strike
    paid = np.where(above, strike + (1 - upside) * (price - strike), strike)
    slope = np.where(above, (1 - upside) * price, 0.0) / paid
    # A strike below the price, with nothing paid back, changes nothing to the last bit.
    return np.where(above & (upside == 0), log_price, np.log(paid)), slope


def log_supply(
    log_price: Floats,
    epsilon: Floats,
    log_shift: Floats,
    strike: Floats,
    covered: Floats,
    upside: Floats,
) -> tuple[Floats, Floats]:
    """Log of what producers would supply without a capacity, and its elasticity by the price.

    All arguments by exporter; ``epsilon`` is finite.
    """
    open_market = epsilon * log_price
    under = (strike > 0) & (covered > 0)
    if not under.any():
        return log_shift + open_market, epsilon
    paid, slope = receipt(log_price, np.where(under, strike, 1.0), upside)
    contract = np.where(under, epsilon * paid, open_market)
    top = np.maximum(open_market, contract)
    share = np.where(under, covered, 0.0)
    part = share * np.exp(contract - top)
    rest = (1 - share) * np.exp(open_market - top)
    level = np.where(under, top + np.log(part + rest), open_market)
    elasticity = epsilon * np.where(under, (part * slope + rest) / (part + rest), 1.0)
    return log_shift + level, elasticity
