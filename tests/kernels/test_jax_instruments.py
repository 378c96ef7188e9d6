"""The JAX kernel under instruments against semismooth Newton on the host."""

from dataclasses import replace

import numpy as np
import pytest

from tradewedge.kernels import armington_jax, instrumented, jax_instruments_blocks, reference
from tradewedge.kernels.instruments import no_instruments
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

Case = tuple[Market, Shock]
TIGHT = Options(tolerance=1e-12)
RECIPE = Recipe(
    exporters=(6, 60),
    importers=(6, 60),
    density=(0.2, 0.9),
    sigma=(1.2, 20),
    eta=(0.02, 3),
    epsilon=(0.05, 10),
    rigid=0,
    nested=0.1,
)
SMALL = replace(RECIPE, exporters=(2, 8), importers=(2, 8), rigid=0.05, nested=0)


def draw(seed: int, products: int, recipe: Recipe = RECIPE, most: int = 12) -> Case:
    """Some products have eta = 0, some infinite supply throughout."""
    rng = np.random.default_rng(seed)
    market = random_market(rng, products, recipe)
    endless = np.repeat(rng.random(products) < 0.05, np.diff(market.exporter_ptr))
    market = replace(
        market,
        eta=np.where(rng.random(products) < 0.05, 0.0, market.eta),
        epsilon=np.where(endless, np.inf, market.epsilon),
    )
    return market, random_instruments(rng, market, random_shock(rng, market), most)


def assert_same(found: KernelSolution, wanted: KernelSolution, tolerance: float = 1e-9) -> None:
    """Prices, not their logs: of what nobody buys, a price of 0 has no log that is determined."""
    assert found.status.tolist() == wanted.status.tolist()
    for name in ("log_price", "log_index"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert np.isnan(one).tolist() == np.isnan(other).tolist()
        np.testing.assert_allclose(np.exp(one), np.exp(other), rtol=tolerance, atol=1e-12)
    for name in ("error_bound", "residual"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert np.isnan(one).tolist() == np.isnan(other).tolist()


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Products that are left to the host."""
    told: list[int] = []
    usual = instrumented.solve_product

    def counted(
        solution: KernelSolution, market: Market, shock: Shock, product: int, options: Options
    ) -> None:
        told.append(product)
        usual(solution, market, shock, product, options)

    monkeypatch.setattr(instrumented, "solve_product", counted)
    return told


def check(seed: int, products: int, on_host: list[int]) -> None:
    market, shock = draw(seed, products)
    wanted = reference.solve(market, shock, TIGHT)
    on_host.clear()
    found = armington_jax.solve(market, shock, TIGHT)
    assert_same(found, wanted)
    takes = np.isnan(market.sigma_home) & (market.eta > 0)
    assert np.count_nonzero(takes[on_host]) < 0.2 * products
    assert (found.residual[found.status == Status.CONVERGED] <= TIGHT.tolerance).all()


def test_forty_random_markets(on_host: list[int]) -> None:
    check(1, 40, on_host)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_five_hundred_random_markets(seed: int, on_host: list[int]) -> None:
    check(seed, 100, on_host)


def test_a_batch_of_scenarios() -> None:
    market, first = draw(7, 5, SMALL, 3)
    rng = np.random.default_rng(7)
    shocks = [
        first,
        random_shock(rng, market),
        *(random_instruments(rng, market, random_shock(rng, market), 3) for _ in range(2)),
    ]
    together = armington_jax.solve_batch(market, shocks, TIGHT)
    for shock, found in zip(shocks, together, strict=True):
        assert_same(found, reference.solve(market, shock, TIGHT))
        groups = 0 if shock.instruments is None else len(shock.instruments.group_limit)
        assert found.log_shadow.shape == (groups,)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.004, 6.0])
def test_measures_of_one_importer_leave_the_rest_to_fixed_weights(sigma: float) -> None:
    rng = np.random.default_rng(8)
    market = random_market(rng, 10, replace(SMALL, sigma=(sigma, sigma), eta=(0.3, 1.5)))
    shock = random_shock(rng, market, excluded=0.0)
    one = market.flow_importer == market.importer_ptr[product_of(market)]
    given = no_instruments(market)
    mixed = rng.random(one.size)
    given = replace(
        given,
        floor=np.where(one & (mixed < 0.4), 1.2, 0.0),
        dispersion=np.where(one & (mixed < 0.2), 0.3, 0.0),
        specific=np.where(one & (mixed > 0.3) & (mixed < 0.6), 0.2, 0.0),
        quota=np.where(one & (mixed > 0.5), 0.8, np.inf),
        beyond_quota=np.where(mixed > 0.7, 0.1, np.inf),
    )
    shock = replace(shock, instruments=given)
    listed = jax_instruments_blocks.listed(market, shock, given)
    assert listed.columns.max() == 1
    assert_same(armington_jax.solve(market, shock, TIGHT), reference.solve(market, shock, TIGHT))


def product_of(market: Market) -> np.ndarray:
    """Product of every flow."""
    return np.repeat(np.arange(market.sigma.size), np.diff(market.flow_ptr))


def test_what_does_not_bind_changes_nothing() -> None:
    market, shock = draw(9, 10, SMALL, 3)
    wide = replace(
        no_instruments(market),
        floor=np.full(market.share.size, 1e-3),
        quota=np.full(market.share.size, 1e3),
        capacity=np.full(market.epsilon.size, 1e3),
    )
    plain = replace(shock, instruments=None)
    found = armington_jax.solve(market, replace(shock, instruments=wide), TIGHT)
    usual = armington_jax.solve(market, plain, TIGHT)
    for name in ("log_price", "log_index", "error_bound", "iterations", "residual"):
        np.testing.assert_array_equal(getattr(found, name), getattr(usual, name))


def test_numbers_that_cannot_be_used() -> None:
    market, shock = draw(10, 10, SMALL, 3)
    given = no_instruments(market)
    given.specific[market.flow_ptr[1]] = np.nan
    given.quota[market.flow_ptr[2]] = 0.5
    shock = replace(shock, instruments=given)
    found = armington_jax.solve(market, shock, TIGHT)
    assert found.status[1] == Status.NONFINITE_INPUT
    assert_same(found, reference.solve(market, shock, TIGHT))


def test_limits_of_zero_are_exclusions_or_rates() -> None:
    market, shock = draw(11, 10, SMALL, 3)
    flows = np.flatnonzero(~market.home & shock.admitted)
    given = no_instruments(market)
    given.quota[flows[:3]] = 0.0
    given.beyond_quota[flows[1]] = 0.2
    given = replace(
        given,
        group_ptr=np.array([0, 1, 2]),
        group_flow=flows[3:5],
        group_weight=np.ones(2),
        group_limit=np.zeros(2),
        group_beyond=np.array([0.3, np.inf]),
    )
    shock = replace(shock, instruments=given)
    found = armington_jax.solve(market, shock, TIGHT)
    assert_same(found, reference.solve(market, shock, TIGHT))
    np.testing.assert_allclose(found.log_shadow, [0.3, 0.0], rtol=1e-12)
