"""Scenarios side by side on the CPU: the same answers as one by one."""

from dataclasses import replace

import numpy as np
import pytest

from tradewedge.kernels import armington_cpu, batch_cpu, reference
from tradewedge.kernels.changes import Changes, calm_shock
from tradewedge.kernels.dense import ranges
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.sample import Recipe, random_market, random_shock

PLAIN = Recipe(
    exporters=(10, 40), importers=(10, 40), density=(0.05, 0.3), sigma=(1.5, 8.0), nested=0.0
)
TIGHT = Options(tolerance=1e-12)


def random_shocks(rng: np.random.Generator, market: Market, count: int) -> list[Shock]:
    shares = rng.choice([0.0, 0.1, 0.5, 0.9], (count, 3))
    return [
        random_shock(rng, market, treated=treated, excluded=excluded, shifted=shifted)
        for treated, excluded, shifted in shares.tolist()
    ]


def check(market: Market, shocks: list[Shock], options: Options = TIGHT) -> list[KernelSolution]:
    """Solve as a batch and one by one, and compare."""
    together = batch_cpu.solve_batch(market, [Changes.of(shock) for shock in shocks], options)
    for shock, found in zip(shocks, together, strict=True):
        alone = armington_cpu.solve(market, shock, options)
        np.testing.assert_array_equal(found.status, alone.status)
        # What the tolerance leaves open, by the bound that comes with every solution.
        bound = np.maximum(found.error_bound + alone.error_bound, 1e-9)
        for name, ptr in (("log_price", market.exporter_ptr), ("log_index", market.importer_ptr)):
            one, other = getattr(found, name), getattr(alone, name)
            np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
            apart = np.abs(one - other)
            assert (~(apart > np.repeat(bound, np.diff(ptr)))).all()
        solved = found.status == Status.CONVERGED
        assert (found.residual[solved] <= options.tolerance).all()
        np.testing.assert_array_equal(np.isnan(found.error_bound), np.isnan(alone.error_bound))
    return together


@pytest.mark.parametrize("count", [1, 2, 3, 8, 13])
def test_plain_products_agree_with_single_solves(count: int) -> None:
    rng = np.random.default_rng(count)
    market = random_market(rng, 15, PLAIN)
    check(market, random_shocks(rng, market, count))


@pytest.mark.parametrize("seed", range(4))
def test_every_kind_of_product_agrees_with_single_solves(seed: int) -> None:
    """Nests, sigma near 1, infinite and rigid supply, statuses that are failures."""
    rng = np.random.default_rng(100 + seed)
    market = random_market(rng, 40, Recipe(sigma=(0.5, 12.0)))
    sigma = market.sigma.copy()
    sigma[0], sigma[1] = np.nan, 1.0
    check(replace(market, sigma=sigma), random_shocks(rng, market, 9))


def test_a_prohibitive_cost_costs_no_digits() -> None:
    """The most important supplier of every importer goes, by a tariff or by an exclusion."""
    rng = np.random.default_rng(3)
    market = random_market(rng, 10, PLAIN)
    largest = np.zeros(len(market.share))
    np.maximum.at(largest, market.flow_importer, market.share)
    main = market.share == largest[market.flow_importer]
    calm = calm_shock(market)
    shocks = [replace(calm, log_cost=np.where(main, cost, 0.0)) for cost in (1.0, 5.0, 20.0, 100.0)]
    check(market, [*shocks, replace(calm, admitted=~main), calm])


@pytest.mark.parametrize("kind", ["tariff", "supply", "demand", "tariff and exclusion"])
def test_a_sweep_starts_from_the_scenarios_solved_first(kind: str) -> None:
    rng = np.random.default_rng(8)
    market = random_market(rng, 8, PLAIN)
    calm = calm_shock(market)
    hit = rng.random(len(market.share)) < 0.2
    supply = (rng.random(len(market.epsilon)) < 0.3) & np.isfinite(market.epsilon)
    demand = rng.random(len(calm.log_demand)) < 0.3
    closed = (rng.random(len(hit)) < 0.05) & (kind == "tariff and exclusion")
    shocks = [
        replace(
            calm,
            log_cost=np.log1p(rate) * hit * kind.startswith("tariff"),
            admitted=~closed,
            log_supply=-rate * supply * (kind == "supply"),
            log_demand=rate * demand * (kind == "demand"),
        )
        for rate in np.linspace(0.02, 0.5, 24)
    ]
    found = check(market, shocks, Options(tolerance=1e-10))
    touched = found[0].iterations > 1
    sweeps = np.array([one.iterations[touched] for one in found])
    first = np.round(np.arange(8) * 23 // 7)
    assert np.delete(sweeps, first, axis=0).mean() < 0.6 * sweeps[first].mean()


def test_what_is_touched_nowhere_stays_exactly_where_it_was() -> None:
    rng = np.random.default_rng(4)
    market = random_market(rng, 12, PLAIN)
    shocks = []
    for product in range(12):
        flows, _, _ = ranges(market, product)
        cost = np.zeros(len(market.share))
        cost[flows] = 0.1
        shocks.append(replace(calm_shock(market), log_cost=cost))
    found = check(market, shocks)
    for product, one in enumerate(found):
        others = np.arange(12) != product
        assert (one.log_price[np.repeat(others, np.diff(market.exporter_ptr))] == 0).all()
        assert (one.iterations[others] == 1).all()


def test_a_number_that_is_none_fails_its_product_and_scenario_alone() -> None:
    rng = np.random.default_rng(5)
    market = random_market(rng, 6, PLAIN)
    shocks = random_shocks(rng, market, 4)
    cost, supply = shocks[1].log_cost.copy(), shocks[2].log_supply.copy()
    cost[0], supply[-1] = np.inf, np.nan
    shocks[1] = replace(shocks[1], log_cost=cost, admitted=np.ones_like(shocks[1].admitted))
    shocks[2] = replace(shocks[2], log_supply=supply)
    found = check(market, shocks)
    assert found[1].status[0] == Status.NONFINITE_INPUT
    assert found[2].status[-1] == Status.NONFINITE_INPUT
    assert found[0].status[0] == found[3].status[-1] == Status.CONVERGED


@pytest.mark.parametrize("demand", [800.0, -800.0, -1430.0])
@pytest.mark.parametrize("count", [1, 4])
def test_numbers_beyond_the_fast_exponential(demand: float, count: int) -> None:
    """Its polynomial wraps there: such a product has to go another way."""
    rng = np.random.default_rng(12)
    market = random_market(rng, 3, replace(PLAIN, infinite=0.0, rigid=0.0))
    shock = calm_shock(market)
    shock.log_demand[3] = demand
    one = check(market, [shock, *random_shocks(rng, market, count - 1)])[0]
    expected = reference.solve(market, shock, TIGHT)
    np.testing.assert_allclose(one.log_price, expected.log_price, atol=1e-9)


def test_a_bound_is_that_of_the_exporters_who_are_left() -> None:
    rng = np.random.default_rng(13)
    market = random_market(rng, 1, replace(PLAIN, infinite=0.0, rigid=0.0))
    epsilon = np.full_like(market.epsilon, 3.0)
    epsilon[2] = 0.0
    market = replace(market, sigma=np.array([2.0]), eta=np.array([4.5]), epsilon=epsilon)
    calm = calm_shock(market)
    shocks = [
        replace(calm, admitted=market.flow_exporter != 2, log_cost=calm.log_cost + cost)
        for cost in (0.0, 0.1, 0.2)
    ]
    for one in check(market, shocks):
        assert 0 < one.error_bound[0] < 1e-9


def test_steps_may_run_out() -> None:
    rng = np.random.default_rng(6)
    market = random_market(rng, 6, PLAIN)
    found = check(market, random_shocks(rng, market, 5), Options(max_steps=4))
    assert any((one.status == Status.MAX_STEPS).any() for one in found)


def test_changes_hold_all_that_a_shock_does() -> None:
    rng = np.random.default_rng(7)
    market = random_market(rng, 5, PLAIN)
    for shock in random_shocks(rng, market, 5):
        back = Changes.of(shock).shock(market)
        np.testing.assert_array_equal(back.admitted, shock.admitted)
        np.testing.assert_array_equal(back.log_cost, np.where(shock.admitted, shock.log_cost, 0.0))
        np.testing.assert_array_equal(back.log_supply, shock.log_supply)
        np.testing.assert_array_equal(back.log_demand, shock.log_demand)


def test_scenarios_share_what_they_do_not_touch() -> None:
    rng = np.random.default_rng(9)
    market = random_market(rng, 12, PLAIN)
    shocks = random_shocks(rng, market, 4)
    flows, exporters, _ = ranges(market, 5)
    cost = np.zeros(len(market.share))
    cost[flows] = 0.2
    shocks.append(replace(calm_shock(market), log_cost=cost))
    one = batch_cpu.solve_batch(market, [Changes.of(shock) for shock in shocks], TIGHT)[-1]
    assert one.price.base is market.calm.log_price
    np.testing.assert_array_equal(one.price.rows, np.arange(exporters.start, exporters.stop))
    np.testing.assert_array_equal(one.price.part(exporters).full, one.log_price[exporters])


def test_what_no_change_has_is_solved_once_for_each_tolerance() -> None:
    rng = np.random.default_rng(12)
    market = random_market(rng, 6, PLAIN)
    several = [Changes.of(shock) for shock in random_shocks(rng, market, 2)]
    loose, tight = Options(tolerance=1e-8), Options(tolerance=1e-30)
    for options in (loose, tight, loose, tight):
        batch_cpu.solve_batch(market, several, options)
    assert market.calm_to(tight) is market.calm_to(tight)
    assert set(market.__dict__["_calm"]) == {Options(), tight}
    assert not market.calm_to(tight).log_price.flags.writeable
