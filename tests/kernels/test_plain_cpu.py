"""The fast path of the CPU kernel: its arithmetic, its layout, and what it leaves to others."""

from dataclasses import replace

import numpy as np
import pytest

from tradewedge.kernels import armington_cpu, plain_cpu, reference, sell_cpu
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.recover import recover
from tradewedge.kernels.sample import Recipe, random_market, random_shock

PLAIN = Recipe(
    exporters=(20, 60),
    importers=(20, 60),
    density=(0.05, 0.3),
    sigma=(1.5, 8.0),
    nested=0.0,
)


def left_over(market: Market, shock: Shock) -> np.ndarray:
    """Products that the fast path hands on."""
    solution = reference.empty_solution(market)
    pending = np.ones(len(market.sigma), np.bool_)
    given = {name: getattr(market, name, None) for name in plain_cpu.Rows._fields}
    rows = plain_cpu.Rows(
        *(
            sell_cpu.frozen(getattr(shock, name) if value is None else value)
            for name, value in given.items()
        )
    )
    out = plain_cpu.Out(*(getattr(solution, name) for name in plain_cpu.Out._fields))
    products = len(market.sigma)
    plain_cpu.solve_slice(rows, market.layout, out, 0, products, 1e-10, 150, pending)
    return pending


class TestArithmetic:
    def test_exponential_is_good_to_two_units_in_the_last_place(self) -> None:
        rng = np.random.default_rng(0)
        x = np.concatenate([rng.uniform(-690, 690, 50_000), rng.normal(0, 0.1, 50_000), [0.0]])
        found = np.empty_like(x)
        plain_cpu.exp_of(x, found)
        exact = np.exp(x.astype(np.longdouble))
        assert (np.abs(found - exact) <= 2 * np.spacing(exact.astype(float))).all()

    def test_logarithm_is_good_to_two_units_in_the_last_place(self) -> None:
        rng = np.random.default_rng(0)
        wide, near = 10.0 ** rng.uniform(-300, 300, 50_000), np.exp(rng.normal(0, 1e-3, 50_000))
        x = np.concatenate([wide, near, np.linspace(0.5, 2, 10_001)])
        found = np.empty_like(x)
        plain_cpu.log_of(x, found)
        exact = np.log(x.astype(np.longdouble))
        assert (np.abs(found - exact) <= 2 * np.spacing(np.abs(exact).astype(float))).all()

    def test_both_are_exact_where_nothing_changes(self) -> None:
        one = np.empty(1)
        plain_cpu.exp_of(np.zeros(1), one)
        assert one[0] == 1.0
        plain_cpu.log_of(one, one)
        assert one[0] == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_the_layout_holds_every_flow_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(rng, 7, PLAIN)
    made = sell_cpu.layout(market)
    assert made.valid.all()
    sides = [
        (made.sellers, market.exporter_ptr, market.sales_share, market.flow_exporter),
        (made.buyers, market.importer_ptr, market.share, market.flow_importer),
    ]
    for side, row_ptr, weight, row in sides:
        assert (side.weight > 0).sum() == len(weight)
        for k in range(len(market.sigma)):
            flows = slice(market.flow_ptr[k], market.flow_ptr[k + 1])
            order = side.order[row_ptr[k] : row_ptr[k + 1]]
            assert sorted(order) == list(range(len(order)))
            first = side.line_ptr[side.group_ptr[k]]
            line = first + side.place[flows] // sell_cpu.LANES
            lane = side.place[flows] % sell_cpu.LANES
            np.testing.assert_allclose(side.weight[line, lane], weight[flows], rtol=1e-14)
            group = np.searchsorted(side.line_ptr, line, side="right") - 1 - side.group_ptr[k]
            placed = order[group * sell_cpu.LANES + lane]
            np.testing.assert_array_equal(placed, row[flows] - row_ptr[k])


def test_a_market_is_laid_out_once() -> None:
    market = random_market(np.random.default_rng(0), 2, PLAIN)
    assert market.layout is market.layout


@pytest.mark.parametrize("excluded", [0.0, 0.3])
def test_it_takes_plain_products_and_agrees_with_the_reference(excluded: float) -> None:
    rng = np.random.default_rng(1)
    market = random_market(rng, 40, PLAIN)
    shock = random_shock(rng, market, excluded=excluded)
    assert left_over(market, shock).mean() < 0.1
    found = armington_cpu.solve(market, shock, Options(tolerance=1e-12))
    exact = reference.solve(market, shock, Options(tolerance=1e-12))
    assert (found.status == Status.CONVERGED).all()
    np.testing.assert_allclose(found.log_price, exact.log_price, atol=1e-10)
    np.testing.assert_allclose(found.log_index, exact.log_index, atol=1e-10)


@pytest.mark.parametrize(
    "change",
    [
        {"sigma": np.array([1.005])},
        {"sigma": np.array([1.0])},
        {"sigma": np.array([np.nan])},
        {"sigma_home": np.array([2.0])},
        {"eta": np.array([-1.0])},
    ],
    ids=lambda change: f"{next(iter(change))} {next(iter(change.values()))[0]}",
)
def test_it_leaves_to_the_general_kernel_what_it_cannot_do(change: dict[str, np.ndarray]) -> None:
    rng = np.random.default_rng(2)
    market = random_market(rng, 1, PLAIN)
    shock = random_shock(rng, market, excluded=0.0)
    assert not left_over(market, shock)[0]
    assert left_over(replace(market, **change), shock)[0]


@pytest.mark.parametrize("cost", [200.0, np.nan, np.inf])
def test_it_leaves_costs_that_it_cannot_compute_with(cost: float) -> None:
    rng = np.random.default_rng(3)
    market = random_market(rng, 1, PLAIN)
    shock = random_shock(rng, market, excluded=0.0)
    log_cost = shock.log_cost.copy()
    log_cost[0] = cost
    assert left_over(market, replace(shock, log_cost=log_cost))[0]


def test_an_untouched_product_stays_exactly_where_it_was() -> None:
    rng = np.random.default_rng(4)
    market = random_market(rng, 5, PLAIN)
    shock = random_shock(rng, market, treated=0.0, excluded=0.0, shifted=0.0)
    found = armington_cpu.solve(market, shock, Options())
    assert (found.log_price == 0).all()
    assert (found.iterations == 1).all()
    assert (found.residual < 1e-13).all()


@pytest.mark.parametrize("recipe", [PLAIN, Recipe(nested=1.0)], ids=["plain", "nested"])
def test_flows_follow_from_prices(recipe: Recipe) -> None:
    """Demand adds up to supply, and both factors of a flow to its quantity."""
    rng = np.random.default_rng(5)
    market = random_market(rng, 20, replace(recipe, infinite=0.2))
    shock = random_shock(rng, market, excluded=0.1)
    found = armington_cpu.solve(market, shock, Options(tolerance=1e-12))
    out = recover(market, shock, found)
    sold = np.bincount(
        market.flow_exporter, market.sales_share * out.quantity, found.log_price.size
    )
    priced = ~np.isnan(found.log_price)
    np.testing.assert_allclose(out.output[priced], sold[priced], rtol=1e-9)
    assert (out.output[~priced] == 0).all()
    assert (out.quantity[~shock.admitted] == 0).all()
    assert np.isnan(out.delivered[~shock.admitted]).all()
    price = np.exp(found.log_price[market.flow_exporter] + shock.log_cost)
    np.testing.assert_allclose(out.delivered[shock.admitted], price[shock.admitted], rtol=1e-13)


def test_fields_are_those_of_the_solution() -> None:
    assert set(plain_cpu.Out._fields) < set(KernelSolution.__dataclass_fields__)
