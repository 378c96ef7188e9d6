"""What must hold in any market, whatever its numbers."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.kernels import equations as eq
from tradewedge.kernels.armington_cpu import solve
from tradewedge.kernels.dense import block_of, neutral
from tradewedge.kernels.market import Market, Options, Shock, Status
from tradewedge.kernels.sample import Recipe, random_market, random_shock

SEEDS = st.integers(0, 2**32 - 1)
TIGHT = Options(tolerance=1e-12)
USUAL = Recipe()
SUBSTITUTES = Recipe(sigma=(1.5, 12.0), eta=(0.05, 1.5), rigid=0.0, epsilon=(0.1, 5.0))


def draw(seed: int, recipe: Recipe = USUAL, **shock: float) -> tuple[Market, Shock]:
    rng = np.random.default_rng(seed)
    market = random_market(rng, 5, recipe)
    return market, random_shock(rng, market, **shock)


@given(SEEDS)
def test_no_change_no_effect(seed: int) -> None:
    market, _ = draw(seed, Recipe(sigma=(0.5, 20.0), nested=0.4))
    found = solve(market, neutral(market), Options())
    assert np.abs(found.log_price).max() < 1e-13
    assert np.abs(found.log_index).max() < 1e-13
    assert (found.iterations == 1).all()


@given(SEEDS)
def test_markets_clear(seed: int) -> None:
    market, shock = draw(seed)
    found = solve(market, shock, Options())
    assert (found.status == Status.CONVERGED).all()
    for product in range(5):
        rows = slice(market.exporter_ptr[product], market.exporter_ptr[product + 1])
        excess = eq.log_excess_demand(
            block_of(market, shock, product), np.nan_to_num(found.log_price[rows])
        )
        assert np.abs(excess).max() <= 1.5e-10


@given(SEEDS, st.floats(-0.5, 1.0))
def test_scaling_supply_and_demand_together(seed: int, step: float) -> None:
    market, shock = draw(seed, Recipe(infinite=0.0))
    scaled = replace(shock, log_supply=shock.log_supply + step, log_demand=shock.log_demand + step)
    one, other = solve(market, shock, TIGHT), solve(market, scaled, TIGHT)
    np.testing.assert_allclose(one.log_price, other.log_price, atol=1e-9)
    np.testing.assert_allclose(one.log_index, other.log_index, atol=1e-9)


@given(SEEDS, st.floats(-0.5, 2.0))
def test_a_cost_on_everything_falls_on_rigid_sellers(seed: int, cost: float) -> None:
    """With epsilon = 0 producers bear it all; with infinite epsilon buyers do."""
    market, shock = draw(seed)
    dearer = replace(shock, log_cost=shock.log_cost + cost)
    rigid = replace(market, epsilon=np.zeros_like(market.epsilon))
    one, other = solve(rigid, shock, TIGHT), solve(rigid, dearer, TIGHT)
    np.testing.assert_allclose(other.log_price, one.log_price - cost, atol=1e-9)
    np.testing.assert_allclose(other.log_index, one.log_index, atol=1e-9)
    elastic = replace(market, epsilon=np.full_like(market.epsilon, np.inf))
    free = replace(shock, log_supply=np.zeros_like(shock.log_supply))
    one = solve(elastic, free, TIGHT)
    other = solve(elastic, replace(free, log_cost=dearer.log_cost), TIGHT)
    np.testing.assert_allclose(other.log_index, one.log_index + cost, atol=1e-9)


@given(SEEDS, st.floats(-1.0, 1.0))
def test_units_of_an_exporter_do_not_matter(seed: int, step: float) -> None:
    """A cost on all sales of one exporter is the same as a rise of its marginal cost."""
    market, shock = draw(seed, Recipe(infinite=0.0, nested=0.5))
    first = market.exporter_ptr[:-1]
    chosen = np.isin(market.flow_exporter, first)
    dearer = replace(shock, log_cost=shock.log_cost + np.where(chosen, step, 0.0))
    shift = np.zeros(len(market.epsilon))
    shift[first] = step
    costly = replace(shock, log_supply=shock.log_supply - market.epsilon * shift)
    one, other = solve(market, dearer, TIGHT), solve(market, costly, TIGHT)
    np.testing.assert_allclose(one.log_price + shift, other.log_price, atol=1e-9)
    np.testing.assert_allclose(one.log_index, other.log_index, atol=1e-9)


def keeps_everyone_in(market: Market, rng: np.random.Generator) -> np.ndarray:
    """Flows whose loss leaves every exporter a market and every importer a supplier."""
    sells = np.bincount(market.flow_exporter)
    buys = np.bincount(market.flow_importer)
    lost = np.zeros(len(market.share), bool)
    for flow in rng.permutation(len(lost)):
        i, j = market.flow_exporter[flow], market.flow_importer[flow]
        if sells[i] > 1 and buys[j] > 1 and rng.random() < 0.5:
            lost[flow] = True
            sells[i] -= 1
            buys[j] -= 1
    return lost


@given(SEEDS)
def test_prohibitive_cost_is_an_exclusion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market, shock = draw(seed, SUBSTITUTES, excluded=0.0)
    lost = keeps_everyone_in(market, rng)
    without = solve(market, replace(shock, admitted=~lost), TIGHT)
    walled = replace(shock, log_cost=np.where(lost, 120.0, shock.log_cost))
    behind = solve(market, walled, TIGHT)
    np.testing.assert_allclose(behind.log_price, without.log_price, atol=1e-9)
    np.testing.assert_allclose(behind.log_index, without.log_index, atol=1e-9)


@given(seed=SEEDS)
def test_order_of_countries_does_not_matter(
    seed: int, one_product: Callable, reorder: Callable
) -> None:
    rng = np.random.default_rng(seed)
    market, shock = one_product(*draw(seed), 0)
    exporters = rng.permutation(len(shock.log_supply))
    importers = rng.permutation(len(shock.log_demand))
    one = solve(market, shock, TIGHT)
    other = solve(*reorder(market, shock, exporters, importers), TIGHT)
    np.testing.assert_allclose(other.log_price[exporters], one.log_price, atol=1e-9)
    np.testing.assert_allclose(other.log_index[importers], one.log_index, atol=1e-9)
    assert other.status.tolist() == one.status.tolist()


@given(SEEDS)
def test_more_demand_and_less_supply_raise_every_price(seed: int) -> None:
    """Substitutes (sigma >= eta): a shift that helps one seller harms no other."""
    market, shock = draw(seed, replace(SUBSTITUTES, nested=0.0))
    before = solve(market, shock, TIGHT)
    demand, supply = shock.log_demand.copy(), shock.log_supply.copy()
    demand[market.importer_ptr[:-1]] += 0.2
    finite = np.isfinite(market.epsilon[market.exporter_ptr[:-1]])
    supply[market.exporter_ptr[:-1]] -= np.where(finite, 0.2, 0.0)
    for change in ({"log_demand": demand}, {"log_supply": supply}):
        after = solve(market, replace(shock, **change), TIGHT)
        served = ~np.isnan(before.log_index)
        assert (after.log_index[served] >= before.log_index[served] - 1e-9).all()
        sells = ~np.isnan(before.log_price)
        assert (after.log_price[sells] >= before.log_price[sells] - 1e-9).all()


@given(SEEDS)
def test_losing_a_supplier_never_cheapens(seed: int) -> None:
    market, shock = draw(seed, replace(SUBSTITUTES, nested=0.0), excluded=0.0)
    before = solve(market, shock, TIGHT)
    lost = np.isin(market.flow_exporter, market.exporter_ptr[:-1])
    after = solve(market, replace(shock, admitted=~lost), TIGHT)
    for name in ("log_price", "log_index"):
        one, other = getattr(before, name), getattr(after, name)
        assert (other[~np.isnan(other)] >= one[~np.isnan(other)] - 1e-9).all()


@given(SEEDS)
def test_nest_without_a_difference_is_no_nest(seed: int) -> None:
    market, shock = draw(seed, Recipe(nested=0.0, exporters=(2, 8), importers=(2, 8)))
    one = solve(market, shock, TIGHT)
    other = solve(replace(market, sigma_home=market.sigma.copy()), shock, TIGHT)
    np.testing.assert_allclose(other.log_price, one.log_price, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.log_index, one.log_index, rtol=1e-9, atol=1e-9)


@given(SEEDS)
def test_loose_answers_are_within_their_bound(seed: int) -> None:
    market, shock = draw(seed, Recipe(nested=0.4))
    loose, tight = solve(market, shock, Options(tolerance=1e-3)), solve(market, shock, TIGHT)
    error = np.nan_to_num(np.abs(loose.log_price - tight.log_price))
    worst = np.maximum.reduceat(error, market.exporter_ptr[:-1])
    proven = ~np.isnan(loose.error_bound)
    assert (worst[proven] <= (loose.error_bound + tight.error_bound)[proven]).all()
    assert (np.isnan(loose.error_bound) == np.isnan(tight.error_bound)).all()


@pytest.mark.slow
def test_a_thousand_random_markets() -> None:
    rng = np.random.default_rng(2024)
    for recipe in (Recipe(), SUBSTITUTES, Recipe(exporters=(20, 60), importers=(20, 60))):
        market = random_market(rng, 400, recipe)
        found = solve(market, random_shock(rng, market, size=2.0), TIGHT)
        assert (found.status == Status.CONVERGED).all()
        assert (found.residual <= TIGHT.tolerance).all()
