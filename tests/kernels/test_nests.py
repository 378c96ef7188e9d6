"""The nest of suppliers by group: what it collapses to, closed forms, invariants, derivatives."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.kernels import armington_cpu, reference
from tradewedge.kernels.complementarity import evaluate
from tradewedge.kernels.dense import neutral
from tradewedge.kernels.instruments import no_instruments
from tradewedge.kernels.jacobian import jacobian
from tradewedge.kernels.layout import problem_of
from tradewedge.kernels.market import Market, Options, Shock, Status, SupplierGroups
from tradewedge.kernels.recover import recover
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

TIGHT = Options(tolerance=1e-13, max_steps=600)
SEEDS = st.integers(0, 2**32 - 1)
GROUPED = Recipe(sigma=(1.2, 12.0), eta=(0.1, 2.0), rigid=0.0, nested=0.5, grouped=1.0)


def drawn(seed: int, products: int = 5) -> tuple[Market, Shock]:
    rng = np.random.default_rng(seed)
    market = random_market(rng, products, GROUPED)
    return market, random_shock(rng, market)


def grouped(market: Market, sigma_groups: float, group: list[int]) -> Market:
    return replace(market, groups=SupplierGroups(np.array([sigma_groups]), np.array(group)))


@given(SEEDS)
def test_at_sigma_groups_do_not_matter(seed: int) -> None:
    market, shock = drawn(seed)
    same = SupplierGroups(market.sigma.copy(), market.supplier_group)
    nest = armington_cpu.solve(replace(market, groups=same), shock, TIGHT)
    flat = armington_cpu.solve(replace(market, groups=None), shock, TIGHT)
    np.testing.assert_allclose(nest.log_price, flat.log_price, atol=1e-11)
    np.testing.assert_allclose(nest.log_index, flat.log_index, atol=1e-11)
    np.testing.assert_allclose(nest.error_bound, flat.error_bound, atol=1e-10)


@given(SEEDS)
def test_one_group_of_all_is_none(seed: int) -> None:
    market, shock = drawn(seed)
    all_in_one = SupplierGroups(market.sigma_groups, np.zeros(len(market.epsilon), np.int64))
    nest = armington_cpu.solve(replace(market, groups=all_in_one), shock, TIGHT)
    flat = armington_cpu.solve(replace(market, groups=None), shock, TIGHT)
    # What sigma_groups substitutes is one bundle; demand for it all answers by eta either way.
    np.testing.assert_allclose(nest.log_price, flat.log_price, atol=1e-11)


@given(SEEDS)
def test_names_of_groups_do_not_matter(seed: int) -> None:
    market, shock = drawn(seed)
    turned = SupplierGroups(market.sigma_groups, 5 - market.supplier_group)
    found = armington_cpu.solve(market, shock, TIGHT)
    other = armington_cpu.solve(replace(market, groups=turned), shock, TIGHT)
    np.testing.assert_allclose(other.log_price, found.log_price, atol=1e-11)


@given(SEEDS)
def test_a_common_rise_in_costs_moves_prices_alone(seed: int) -> None:
    """Demand and supply answer to it as one market: shares do not move."""
    market, _ = drawn(seed)
    market = replace(market, epsilon=np.full_like(market.epsilon, np.inf))
    shock = replace(neutral(market), log_cost=np.full_like(market.share, 0.2))
    out = recover(market, shock, armington_cpu.solve(market, shock, TIGHT))
    fall = np.repeat(np.exp(-0.2 * market.eta), np.diff(market.flow_ptr))
    np.testing.assert_allclose(out.quantity, fall, rtol=1e-12)


@pytest.mark.parametrize("solve", [armington_cpu.solve, reference.solve])
@pytest.mark.parametrize("sigma_groups", [0.7, 1.0, 1.003, 2.5])
def test_two_groups_with_infinite_supply(
    from_table: Callable[..., Market], solve: Callable, sigma_groups: float
) -> None:
    """One buyer, groups {0, 1} and {2}, a duty on supplier 0: every index by hand."""
    sigma, eta, duty = 4.0, 0.5, np.log(1.3)
    market = from_table(
        [[2.0], [2.0], [6.0]], sigma=sigma, eta=eta, epsilon=np.inf, same_countries=False
    )
    market = grouped(market, sigma_groups, [0, 0, 1])
    shock = replace(neutral(market), log_cost=np.array([duty, 0.0, 0.0]))
    found = solve(market, shock, TIGHT)
    bundle = np.log(0.5 * 1.3 ** (1 - sigma) + 0.5) / (1 - sigma)
    index = 0.4 * bundle
    if sigma_groups != 1:
        power = 1 - sigma_groups
        index = np.log(0.4 * np.exp(power * bundle) + 0.6) / power
    assert found.log_index == pytest.approx([index], abs=1e-13)
    inner = (sigma - sigma_groups) * bundle
    top = (sigma_groups - eta) * index
    expected = np.exp([inner + top - sigma * duty, inner + top, top])
    np.testing.assert_allclose(recover(market, shock, found).quantity, expected, rtol=1e-12)


def test_the_nest_keeps_replacement_inside_the_group(from_table: Callable[..., Market]) -> None:
    """The less groups replace each other, the more of a lost supplier its own group takes."""
    market = from_table([[3.0], [3.0], [4.0]], sigma=6.0, epsilon=np.inf, same_countries=False)
    shock = replace(neutral(market), admitted=np.array([False, True, True]))
    own, others = [], []
    for sigma_groups in (6.0, 3.0, 1.5):
        nest = grouped(market, sigma_groups, [0, 0, 1])
        quantity = recover(nest, shock, armington_cpu.solve(nest, shock, TIGHT)).quantity
        own.append(quantity[1])
        others.append(quantity[2])
    assert own == sorted(own)
    assert others == sorted(others, reverse=True)


@pytest.mark.parametrize("sigma_groups", [0.8, 1.0])
def test_a_lost_group_without_a_price(
    from_table: Callable[..., Market], sigma_groups: float
) -> None:
    market = from_table([[3.0], [3.0], [4.0]], sigma=6.0, same_countries=False)
    market = grouped(market, sigma_groups, [0, 0, 1])
    for solve in (armington_cpu.solve, reference.solve):
        lost = solve(market, replace(neutral(market), admitted=np.array([0, 0, 1]) > 0), TIGHT)
        assert lost.status.tolist() == [Status.INFEASIBLE]
        kept = solve(market, replace(neutral(market), admitted=np.array([0, 1, 1]) > 0), TIGHT)
        assert kept.status.tolist() == [Status.CONVERGED]


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf])
def test_bad_elasticities_between_groups(from_table: Callable[..., Market], value: float) -> None:
    market = grouped(from_table([[3.0], [3.0]], same_countries=False), value, [0, 1])
    for solve in (armington_cpu.solve, reference.solve):
        found = solve(market, neutral(market), TIGHT)
        assert found.status.tolist() == [Status.NONFINITE_INPUT]


def test_quotas_under_the_nest_by_hand(from_table: Callable[..., Market]) -> None:
    """A binding quota on one of two suppliers of a group, with infinite supply."""
    sigma, sigma_groups, eta, quota = 5.0, 2.0, 0.4, 0.5
    market = from_table(
        [[2.0], [3.0], [5.0]], sigma=sigma, eta=eta, epsilon=np.inf, same_countries=False
    )
    market = grouped(market, sigma_groups, [0, 0, 1])
    limits = replace(no_instruments(market), quota=np.array([quota, np.inf, np.inf]))
    shock = replace(neutral(market), instruments=limits)
    out = recover(market, shock, armington_cpu.solve(market, shock, TIGHT))
    price = out.delivered[0]
    bundle = (0.4 * price ** (1 - sigma) + 0.6) ** (1 / (1 - sigma))
    index = (0.5 * bundle ** (1 - sigma_groups) + 0.5) ** (1 / (1 - sigma_groups))
    level = bundle ** (sigma - sigma_groups) * index ** (sigma_groups - eta)
    assert price**-sigma * level == pytest.approx(quota, rel=1e-12)
    np.testing.assert_allclose(
        out.quantity, [quota, level, index ** (sigma_groups - eta)], rtol=1e-12
    )


@pytest.mark.parametrize("seed", range(12))
def test_derivatives_under_instruments(seed: int) -> None:
    """Of all residuals by prices and premiums, with quotas at work inside bundles."""
    rng = np.random.default_rng(seed)
    recipe = replace(GROUPED, exporters=(5, 8), importers=(3, 6), density=(0.7, 1.0), infinite=0.0)
    market = random_market(rng, 1, recipe)
    shock = random_instruments(rng, market, random_shock(rng, market), most=5, contracts=False)
    limits = shock.instruments
    assert limits is not None
    quota = np.where(rng.random(len(market.share)) < 0.4, 0.8, limits.quota)
    shock = replace(shock, instruments=replace(limits, quota=quota))
    problem = problem_of(market, shock, 0)
    price = rng.normal(0, 0.2, len(problem.exporters))
    # Premiums between their ends, so that the residual is the slack itself.
    premium = np.minimum(rng.uniform(0.5, 1.0, len(problem.groups.start)), problem.groups.beyond)
    level = np.zeros(len(problem.importers))
    state = evaluate(problem, price, premium, level)
    assert state.bound.any()
    _, matrix = jacobian(problem, state, premium)
    active = (problem.demand.sigma * premium > state.slack) & problem.groups.hard
    rows = np.concatenate([np.ones(len(price), bool), active])

    def residual(x: np.ndarray) -> np.ndarray:
        there = evaluate(problem, x[: len(price)], x[len(price) :], level)
        return np.concatenate([there.excess, there.slack])

    middle, step = np.concatenate([price, premium]), 1e-6
    for column, unit in enumerate(np.eye(len(middle))):
        numeric = (residual(middle + step * unit) - residual(middle - step * unit)) / (2 * step)
        np.testing.assert_allclose(matrix[rows, column], numeric[rows], atol=2e-6)


@pytest.mark.parametrize("under", [False, True], ids=["plain", "instruments"])
def test_jax_leaves_groups_to_the_processor(under: bool) -> None:
    armington_jax = pytest.importorskip("tradewedge.kernels.armington_jax")
    rng = np.random.default_rng(11)
    recipe = replace(GROUPED, grouped=0.5, nested=0.3)
    market = random_market(rng, 12, recipe)
    shock = random_shock(rng, market)
    if under:
        shock = random_instruments(rng, market, shock, most=3)
    found = armington_jax.solve(market, shock, Options(tolerance=1e-12))
    other = armington_cpu.solve(market, shock, Options(tolerance=1e-12))
    assert found.status.tolist() == other.status.tolist()
    np.testing.assert_allclose(found.log_price, other.log_price, atol=1e-9)
    mine = np.repeat(~np.isnan(market.sigma_groups), np.diff(market.exporter_ptr))
    np.testing.assert_array_equal(found.log_price[mine], other.log_price[mine])
