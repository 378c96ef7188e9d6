"""Equilibria that can be written down."""

from collections.abc import Callable

import numpy as np
import pytest

from tradewedge.kernels import armington_cpu, reference
from tradewedge.kernels.dense import neutral
from tradewedge.kernels.market import Market, Options, Shock, Status

TIGHT = Options(tolerance=1e-13)
SOLVERS = pytest.mark.parametrize("solve", [armington_cpu.solve, reference.solve])
Build = Callable[..., Market]


def shocked(market: Market, cost: list[float], **changes: np.ndarray) -> Shock:
    calm = neutral(market)
    given = {name: np.asarray(value, float) for name, value in changes.items()}
    return Shock(
        log_cost=np.asarray(cost, float),
        admitted=calm.admitted,
        log_supply=given.get("log_supply", calm.log_supply),
        log_demand=given.get("log_demand", calm.log_demand),
    )


@SOLVERS
@pytest.mark.parametrize("sigma", [0.5, 1.0, 4.0])
@pytest.mark.parametrize(("epsilon", "eta"), [(0.0, 0.4), (0.7, 0.0), (2.0, 1.0), (0.5, 3.0)])
def test_one_seller_one_buyer(
    from_table: Build, solve: Callable, sigma: float, epsilon: float, eta: float
) -> None:
    market = from_table([[7.0]], sigma=sigma, eta=eta, epsilon=epsilon)
    cost, supply, demand = 0.3, -0.2, 0.1
    found = solve(market, shocked(market, [cost], log_supply=[supply], log_demand=[demand]), TIGHT)
    price = (demand - eta * cost - supply) / (epsilon + eta)
    assert found.log_price == pytest.approx([price], abs=1e-11)
    assert found.log_index == pytest.approx([price + cost], abs=1e-11)


@SOLVERS
@pytest.mark.parametrize("sigma", [0.6, 1.0, 1.004, 5.0])
def test_two_suppliers_of_one_market(from_table: Build, solve: Callable, sigma: float) -> None:
    epsilon, eta = 0.8, 0.3
    market = from_table([[3.0], [1.0]], sigma=sigma, eta=eta, epsilon=epsilon)
    cost = np.array([0.25, 0.0])
    found = solve(market, shocked(market, cost.tolist()), TIGHT)
    share, carried = np.array([0.75, 0.25]), cost * epsilon / (epsilon + sigma)
    if sigma == 1:
        mean = share @ carried
    else:
        mean = np.log(share @ np.exp((1 - sigma) * carried)) / (1 - sigma)
    index = mean * (epsilon + sigma) / (epsilon + eta)
    price = (-sigma * cost + (sigma - eta) * index) / (epsilon + sigma)
    assert found.log_index == pytest.approx([index], abs=1e-10)
    assert found.log_price == pytest.approx(price, abs=1e-10)


@SOLVERS
def test_a_lost_supplier(from_table: Build, solve: Callable) -> None:
    """What is left of a share of 1e-9 carries the whole market."""
    sigma, eta, epsilon, left = 4.0, 0.3, 0.8, 1e-9
    market = from_table([[1 - left], [left]], sigma=sigma, eta=eta, epsilon=epsilon)
    calm = neutral(market)
    shock = Shock(calm.log_cost, np.array([False, True]), calm.log_supply, calm.log_demand)
    found = solve(market, shock, TIGHT)
    mean = np.log(market.share[1]) / (1 - sigma)
    index = mean * (epsilon + sigma) / (epsilon + eta)
    assert found.log_index == pytest.approx([index], rel=1e-11)
    assert np.isnan(found.log_price[0])
    assert found.log_price[1] == pytest.approx((sigma - eta) * index / (epsilon + sigma), rel=1e-11)
    assert found.status.tolist() == [Status.CONVERGED]


@SOLVERS
def test_independent_demands(from_table: Build, solve: Callable) -> None:
    """With sigma = eta the index drops out, and exporters do not meet."""
    epsilon = np.array([0.0, 0.5, 3.0])
    table = [[5.0, 1.0, 0.0], [2.0, 2.0, 6.0], [0.0, 1.0, 1.0]]
    market = from_table(table, sigma=2.5, eta=2.5, epsilon=epsilon)
    cost = np.linspace(-0.1, 0.4, len(market.share))
    demand = np.array([0.1, 0.0, -0.2])
    found = solve(market, shocked(market, cost.tolist(), log_demand=demand), TIGHT)
    sold = market.sales_share * np.exp(-2.5 * cost + demand[market.flow_importer])
    expected = np.log(np.bincount(market.flow_exporter, sold)) / (epsilon + 2.5)
    assert found.log_price == pytest.approx(expected, abs=1e-12)
    assert found.error_bound[0] < 1e-12


@SOLVERS
def test_infinite_supply(from_table: Build, solve: Callable) -> None:
    market = from_table([[3.0, 1.0], [1.0, 3.0]], sigma=3.0, epsilon=np.inf)
    found = solve(market, shocked(market, [0.2, 0.0, 0.0, 0.1]), TIGHT)
    assert found.log_price.tolist() == [0.0, 0.0]
    index = [
        np.log(0.75 * np.exp(-2 * 0.2) + 0.25) / -2,
        np.log(0.25 + 0.75 * np.exp(-2 * 0.1)) / -2,
    ]
    assert found.log_index == pytest.approx(index, abs=1e-14)
    assert (found.iterations[0], found.residual[0], found.error_bound[0]) == (1, 0.0, 0.0)


@SOLVERS
def test_nest_with_fixed_prices(from_table: Build, solve: Callable) -> None:
    """Country 0 buys at home (60 %) and from two others; only country 1 is taxed."""
    market = from_table(
        [[6.0, 0, 0], [3.0, 1, 0], [1.0, 0, 1]], sigma=4.0, sigma_home=1.5, epsilon=np.inf
    )
    cost = [0.0, 0.3, 0.0, 0.0, 0.0]
    found = solve(market, shocked(market, cost), TIGHT)
    imports = np.log(0.75 * np.exp(-3 * 0.3) + 0.25) / -3
    index = np.log(0.6 + 0.4 * np.exp(-0.5 * imports)) / -0.5
    assert found.log_index == pytest.approx([index, 0, 0], abs=1e-14)


@SOLVERS
def test_four_regions(from_table: Build, solve: Callable) -> None:
    """The exact model on the data of Francois and Hall (2003)."""
    trade = [[0, 50, 200, 300], [500, 0, 150, 200], [300, 100, 200, 200], [50, 100, 110, 20]]
    power = np.array(
        [
            [1, 1.21, 1.41, 1.22],
            [1.37, 1, 1.31, 1.23],
            [1.32, 1.36, 1, 1.18],
            [1.57, 1.41, 1.25, 1.15],
        ]
    )
    market = from_table(trade, power=power, sigma=5, eta=1.25, epsilon=1.5)
    after = power.copy()
    after[0, 2] = after[2, 0] = 1
    there = np.nonzero(trade)
    found = solve(market, shocked(market, np.log(after / power)[there].tolist()), Options())
    expected = [0.1265, -0.0323, 0.0793, -0.0173]
    assert np.expm1(found.log_price) == pytest.approx(expected, abs=5e-5)
