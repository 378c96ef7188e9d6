"""Random markets under random mixes of instruments, checked from what comes out alone."""

from dataclasses import replace
from math import erf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.kernels import armington_cpu
from tradewedge.kernels.market import (
    Instruments,
    KernelSolution,
    Market,
    Options,
    Shock,
    Status,
)
from tradewedge.kernels.recover import recover
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

RECIPE = Recipe(
    exporters=(6, 60),
    importers=(6, 60),
    density=(0.2, 0.9),
    sigma=(1.2, 20),
    eta=(0, 3),
    epsilon=(0.05, 10),
    rigid=0,
    nested=0.2,
    grouped=0.2,
)


def draw(seed: int, recipe: Recipe = RECIPE) -> tuple[Market, Shock]:
    """One product; now and then with eta = 0, and with infinite supply throughout."""
    rng = np.random.default_rng(seed)
    market = random_market(rng, 1, recipe)
    if rng.random() < 0.05:
        market = replace(market, eta=np.zeros(1))
    if rng.random() < 0.05:
        market = replace(market, epsilon=np.full_like(market.epsilon, np.inf))
    return market, random_instruments(rng, market, random_shock(rng, market))


def log_mean(weight: np.ndarray, log_value: np.ndarray, power: float) -> float:
    top = np.max(power * log_value)
    return float((top + np.log(np.sum(weight * np.exp(power * log_value - top)))) / power)


def demand_gap(market: Market, shock: Shock, delivered: np.ndarray, quantity: np.ndarray) -> float:
    """Largest gap between log quantities and CES demand at the delivered prices."""
    sigma, eta, upper = market.sigma[0], market.eta[0], market.sigma_home[0]
    between = market.sigma_groups[0]
    middle = sigma if np.isnan(between) else between
    outer = middle if np.isnan(upper) else upper
    group = market.supplier_group[market.flow_exporter]
    nested_home = market.home & ~np.isnan(upper)
    worst = 0.0
    for j in range(int(market.importer_ptr[-1])):
        mine = market.flow_importer == j
        rows = np.flatnonzero(mine & ~np.isnan(delivered))
        if rows.size == 0:
            continue
        price, home = np.log(delivered[rows]), nested_home[rows]
        imports_base = market.share[mine & ~nested_home].sum()
        bundle, bases, indices = np.zeros(rows.size), [], []
        for g in np.unique(group[rows[~home]]):
            part = ~home & (group[rows] == g)
            base = market.share[mine & ~nested_home & (group == g)].sum()
            index = log_mean(market.share[rows[part]] / base, price[part], 1 - sigma)
            bundle[part] = index
            bases.append(base / imports_base)
            indices.append(index)
        imports = log_mean(np.array(bases), np.array(indices), 1 - middle) if bases else 0.0
        index = imports
        if not np.isnan(upper):
            weights = [*([imports_base] if bases else []), *market.share[rows[home]]]
            parts = [*([imports] if bases else []), *price[home]]
            index = log_mean(np.array(weights), np.array(parts), 1 - upper)
        wanted = -sigma * price + (sigma - middle) * bundle + (middle - outer) * imports
        wanted = np.where(home, -outer * price, wanted) + (outer - eta) * index
        gap = wanted + shock.log_demand[j] - np.log(quantity[rows])
        worst = max(worst, float(np.abs(gap).max()))
    return worst


def supplied(market: Market, shock: Shock, price: np.ndarray) -> np.ndarray:
    """Supply at producer prices without capacities; NaN where it is infinite."""
    given = shock.instruments
    assert given is not None
    with np.errstate(all="ignore"):
        above = given.strike + (1 - given.upside) * (price - given.strike)
        paid = np.where(price > given.strike, above, given.strike)
        share = np.where(given.strike > 0, given.covered, 0.0)
        epsilon = market.epsilon
        both = share * np.where(share > 0, paid, 1.0) ** epsilon + (1 - share) * price**epsilon
        return np.where(np.isinf(epsilon), np.nan, np.exp(shock.log_supply) * both)


def residuals(market: Market, shock: Shock, found: KernelSolution) -> dict[str, float]:
    """Every condition of the equilibrium, from the recovered tables."""
    given = shock.instruments
    assert given is not None
    out = recover(market, shock, found)
    rents, there = out.rents, ~np.isnan(out.delivered)
    q, d = out.quantity[there], out.delivered[there]
    levy, premium = rents.levy[there], rents.quota_rent[there]
    price = np.exp(found.log_price)
    chain = (price[market.flow_exporter] * np.exp(shock.log_cost))[there]
    factor = np.zeros(len(market.share))
    use = np.zeros(len(given.group_limit))
    for g in range(len(use)):
        rows = slice(given.group_ptr[g], given.group_ptr[g + 1])
        flows = given.group_flow[rows]
        factor[flows] += found.log_shadow[g]
        use[g] = np.sum(given.group_weight[rows] * out.quantity[flows])
    before = chain * np.exp(factor[there]) + given.specific[there]
    beyond = chain * np.exp(factor[there] + np.minimum(given.beyond_quota[there], 50.0))
    step = beyond + given.specific[there] - before
    quota, floor, spread = given.quota[there], given.floor[there], given.dispersion[there]
    hard = np.isinf(given.beyond_quota[there])
    limited = np.isfinite(quota)
    left = np.log(quota[limited] / q[limited])
    rent = premium[limited] / before[limited]
    over = (step[limited] - premium[limited]) / before[limited]
    at_quota = np.minimum(np.minimum(rent, over), 0)
    rated = np.where(left > 1e-8, rent, np.where(left < -1e-8, over, at_quota))
    regimes = np.where(hard[limited], np.minimum(rent, left), rated)
    sharp = (floor > 0) & (spread == 0)
    smooth = (floor > 0) & (spread > 0)
    plain = (before + premium)[smooth]
    s = spread[smooth]
    at = np.log(plain / floor[smooth]) / s + s / 2
    cdf = np.vectorize(lambda z: 0.5 * (1 + erf(z / 2**0.5)), otypes=[float])
    mean = plain * cdf(at) + floor[smooth] * cdf(s - at)
    made = np.bincount(market.flow_exporter, market.sales_share * out.quantity, price.size)
    active = ~np.isnan(price)
    marginal = supplied(market, shock, price - rents.scarcity_rent)
    finite = active & ~np.isnan(marginal)
    with np.errstate(divide="ignore"):
        gap = np.log(made[finite]) - np.log(marginal[finite])
    # At a price of 0 not all that could be produced is bought.
    cost = (price - rents.scarcity_rent)[finite]
    gap = np.where(cost < 1e-10, np.maximum(gap, 0), gap)
    # The difference of price and scarcity rent is rounded, and may leave no digit.
    gap = np.where(cost < 1e-11 * price[finite], 0, gap)
    below = price[finite] / np.maximum(cost, 1e-10)
    gap = np.maximum(np.abs(gap) - 1e-14 * market.epsilon[finite] * below, 0)
    room = np.log(given.capacity[active] / made[active])
    scarce = rents.scarcity_rent[active] / price[active]
    return {
        "price": float(np.max(np.abs(before + premium + levy - d) / d, initial=0)),
        "demand": demand_gap(market, shock, out.delivered, out.quantity),
        "supply": float(np.max(np.abs(gap), initial=0)),
        "capacity": float(np.max(np.abs(np.minimum(scarce, room)), initial=0)),
        "floor": float(np.max(np.abs(np.minimum(levy, d - floor)[sharp]), initial=0)),
        "spread floor": float(np.max(np.abs(mean / d[smooth] - 1), initial=0)),
        "quota": float(np.max(np.abs(regimes), initial=0)),
        "group": group_gap(given, found.log_shadow, use),
    }


def group_gap(given: Instruments, premium: np.ndarray, use: np.ndarray) -> float:
    """Largest mid(premium - cap, slack, premium) over the limits on groups."""
    with np.errstate(divide="ignore"):
        slack = np.log(given.group_limit) - np.log(use)
    gap = np.maximum(np.minimum(premium, slack), premium - given.group_beyond)
    return float(np.max(np.abs(gap), initial=0))


def check(seed: int) -> Status:
    market, shock = draw(seed)
    found = armington_cpu.solve(market, shock, Options())
    status = Status(int(found.status[0]))
    if status is Status.INFEASIBLE:
        assert market.eta[0] == 0
        return status
    assert status is Status.CONVERGED, seed
    worst = residuals(market, shock, found)
    assert max(worst.values()) < 1e-8, (seed, worst)
    return status


def test_sixty_random_markets() -> None:
    ends = [check(seed) for seed in range(60)]
    assert ends.count(Status.CONVERGED) > 50


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(10))
def test_a_thousand_random_markets(batch: int) -> None:
    ends = [check(seed) for seed in range(2000 + 100 * batch, 2100 + 100 * batch)]
    assert ends.count(Status.CONVERGED) > 90


@given(st.integers(0, 2**32 - 1))
def test_small_markets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(
        rng, 1, Recipe(sigma=(1.2, 12), eta=(0.1, 3), epsilon=(0.05, 10), rigid=0)
    )
    shock = random_instruments(rng, market, random_shock(rng, market), most=4)
    found = armington_cpu.solve(market, shock, Options())
    assert found.status[0] == Status.CONVERGED
    assert max(residuals(market, shock, found).values()) < 1e-8
