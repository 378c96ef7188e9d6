"""The JAX kernel under instruments against semismooth Newton on the host."""

from dataclasses import replace

import numpy as np
import pytest

from tradewedge.kernels import armington_jax, instrumented
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

TIGHT = Options(tolerance=1e-11)
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


def draw(seed: int, products: int, recipe: Recipe = RECIPE) -> tuple[Market, Shock]:
    """Some products have eta = 0, some infinite supply throughout."""
    rng = np.random.default_rng(seed)
    market = random_market(rng, products, recipe)
    endless = np.repeat(rng.random(products) < 0.05, np.diff(market.exporter_ptr))
    market = replace(
        market,
        eta=np.where(rng.random(products) < 0.05, 0.0, market.eta),
        epsilon=np.where(endless, np.inf, market.epsilon),
    )
    return market, random_instruments(rng, market, random_shock(rng, market))


def assert_same(found: KernelSolution, wanted: KernelSolution, tolerance: float = 1e-9) -> None:
    """Prices, not their logs: of what nobody buys, a price of 0 has no log that is determined."""
    assert found.status.tolist() == wanted.status.tolist()
    for name in ("log_price", "log_index"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert np.isnan(one).tolist() == np.isnan(other).tolist()
        np.testing.assert_allclose(np.exp(one), np.exp(other), rtol=tolerance, atol=1e-9)
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
    wanted = instrumented.solve(armington_jax.solve, market, shock, TIGHT)
    on_host.clear()
    found = armington_jax.solve(market, shock, TIGHT)
    assert_same(found, wanted)
    takes = np.isnan(market.sigma_home) & (market.eta > 0)
    assert np.count_nonzero(takes[on_host]) < 0.1 * products
    assert (found.residual[found.status == Status.CONVERGED] <= TIGHT.tolerance).all()


def test_forty_random_markets(on_host: list[int]) -> None:
    check(1, 40, on_host)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_five_hundred_random_markets(seed: int, on_host: list[int]) -> None:
    check(seed, 100, on_host)
