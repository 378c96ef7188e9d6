"""The log-linear model against its published example and against the exact model's slope."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.kernels import armington_cpu, gsim
from tradewedge.kernels.dense import neutral
from tradewedge.kernels.market import Market, Options, Shock, Status
from tradewedge.kernels.sample import Recipe, random_market

SEEDS = st.integers(0, 2**32 - 1)


def draw(seed: int, recipe: Recipe) -> tuple[Market, np.ndarray, np.ndarray, np.ndarray]:
    """Market, and changes of cost, supply and demand of about one."""
    rng = np.random.default_rng(seed)
    market = random_market(rng, 6, recipe)
    supply = np.where(np.isinf(market.epsilon), 0.0, rng.normal(0, 1, len(market.epsilon)))
    demand = rng.normal(0, 1, int(market.importer_ptr[-1]))
    return market, rng.normal(0, 1, len(market.share)), supply, demand


def test_published_example(from_table: Callable) -> None:
    """Francois and Hall (2003): tariffs between US and EU go to zero."""
    trade = [[0, 50, 200, 300], [500, 0, 150, 200], [300, 100, 200, 200], [50, 100, 110, 20]]
    power = np.array(
        [
            [1, 1.21, 1.41, 1.22],
            [1.37, 1, 1.31, 1.23],
            [1.32, 1.36, 1, 1.18],
            [1.57, 1.41, 1.25, 1.15],
        ]
    )
    market = from_table(trade, power=power, sigma=5.0, eta=1.25, epsilon=1.5)
    after = power.copy()
    after[0, 2] = after[2, 0] = 1
    found = gsim.solve(market, (after / power - 1)[np.nonzero(trade)])
    assert found.price == pytest.approx([0.0792, -0.0316, 0.0480, -0.0184], abs=5e-5)
    assert found.status.tolist() == [Status.CONVERGED]
    assert found.residual[0] < 1e-14


@given(SEEDS, st.sampled_from([0.0, 1.0]))
def test_slope_of_the_exact_model(seed: int, nested: float) -> None:
    recipe = Recipe(nested=nested, sigma=(0.5, 8.0), eta=(0.2, 2.0), infinite=0.3)
    market, cost, supply, demand = draw(seed, recipe)
    linear = gsim.solve(market, cost, supply, demand)
    step = 1e-4

    def exact(size: float) -> tuple[np.ndarray, np.ndarray]:
        admitted = np.ones(len(cost), bool)
        shock = Shock(size * cost, admitted, size * supply, size * demand)
        found = armington_cpu.solve(market, shock, Options(tolerance=1e-13))
        return found.log_price, found.log_index

    for up, down, slope in zip(
        exact(step), exact(-step), (linear.price, linear.index), strict=True
    ):
        scale = 1 + np.abs(slope).max()
        np.testing.assert_allclose((up - down) / (2 * step), slope, atol=1e-4 * scale)


@given(SEEDS)
def test_it_is_linear(seed: int) -> None:
    market, cost, supply, demand = draw(seed, Recipe(rigid=0.0))
    one, other = gsim.solve(market, cost, supply), gsim.solve(market, 0 * cost, None, demand)
    both = gsim.solve(market, cost, supply, demand)
    for name in ("price", "index", "quantity"):
        total = getattr(one, name) + getattr(other, name)
        np.testing.assert_allclose(getattr(both, name), total, rtol=1e-8, atol=1e-8)


def test_infinite_supply_is_the_limit() -> None:
    """SMART: prices stay, indices follow the costs, and large epsilon comes close to it."""
    market, cost, _, demand = draw(1, Recipe(nested=0.5))
    smart = gsim.solve(
        replace(market, epsilon=np.full_like(market.epsilon, np.inf)), cost, None, demand
    )
    assert (smart.price == 0).all()
    index = np.bincount(market.flow_importer, market.share * cost)
    np.testing.assert_allclose(smart.index, index, rtol=1e-12, atol=1e-14)
    near = gsim.solve(
        replace(market, epsilon=np.full_like(market.epsilon, 1e9)), cost, None, demand
    )
    np.testing.assert_allclose(near.price, 0, atol=1e-7)
    np.testing.assert_allclose(near.quantity, smart.quantity, atol=1e-6)


def test_one_fixed_price_among_others(from_table: Callable) -> None:
    market = from_table([[3.0, 1.0], [1.0, 3.0]], epsilon=[np.inf, 0.5])
    found = gsim.solve(market, np.array([0.1, 0.0, 0.0, 0.0]))
    assert found.price[0] == 0
    assert found.price[1] > 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("sigma", np.nan), ("eta", -1.0), ("sigma_home", 0.0), ("epsilon", np.nan), ("share", np.inf)],
)
def test_bad_numbers_harm_their_product_only(field: str, value: float) -> None:
    market, cost, supply, demand = draw(2, Recipe())
    clean = gsim.solve(market, cost, supply, demand)
    array = getattr(market, field).copy()
    place = {"epsilon": market.exporter_ptr, "share": market.flow_ptr}.get(field, np.arange(7))
    array[place[3]] = value
    found = gsim.solve(replace(market, **{field: array}), cost, supply, demand)
    assert found.status.tolist() == [0, 0, 0, Status.NONFINITE_INPUT, 0, 0]
    mine = np.zeros(len(clean.price), bool)
    mine[market.exporter_ptr[3] : market.exporter_ptr[4]] = True
    assert np.isnan(found.price[mine]).all()
    np.testing.assert_array_equal(found.price[~mine], clean.price[~mine])


def test_no_slope_anywhere_is_infeasible(from_table: Callable) -> None:
    """Neither supply nor demand reacts: any price level clears the market."""
    market = from_table([[1.0]], eta=0.0, epsilon=0.0, sigma=2.0)
    found = gsim.solve(market, np.array([0.1]))
    assert found.status.tolist() == [Status.INFEASIBLE]
    assert np.isnan(found.price).all()


def test_products_without_flows() -> None:
    market, _, _, _ = draw(3, Recipe())
    empty = replace(
        market,
        flow_ptr=np.append(market.flow_ptr, market.flow_ptr[-1]),
        exporter_ptr=np.append(market.exporter_ptr, market.exporter_ptr[-1]),
        importer_ptr=np.append(market.importer_ptr, market.importer_ptr[-1]),
        sigma=np.append(market.sigma, 2.0),
        eta=np.append(market.eta, 1.0),
        sigma_home=np.append(market.sigma_home, np.nan),
    )
    found = gsim.solve(empty, neutral(empty).log_cost)
    assert found.iterations.tolist() == [1] * 6 + [0]
    assert (found.price == 0).all()
