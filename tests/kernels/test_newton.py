"""The fallback on its own."""

import numpy as np
import pytest

from tradewedge.kernels import equations as eq
from tradewedge.kernels import newton, reference
from tradewedge.kernels.dense import block_of
from tradewedge.kernels.sample import Recipe, random_market, random_shock


@pytest.mark.parametrize("nested", [0.0, 1.0])
@pytest.mark.parametrize("start", [0.0, 3.0, np.nan])
def test_gets_there_from_anywhere(nested: float, start: float) -> None:
    rng = np.random.default_rng(1)
    market = random_market(rng, 10, Recipe(nested=nested))
    shock = random_shock(rng, market)
    for product in range(10):
        block = block_of(market, shock, product)
        plain = reference.plain_steps(block, 1e-12, 20000)
        found = newton.newton(block, np.full(len(block.epsilon), start), 1e-12, 200)
        assert found.residual <= 1e-12
        adjusts = eq.active(block)
        np.testing.assert_allclose(
            found.log_price[adjusts], plain.log_price[adjusts], atol=1e-9, rtol=1e-9
        )


def test_splits_are_shares() -> None:
    rng = np.random.default_rng(2)
    market = random_market(rng, 10, Recipe(nested=0.5))
    shock = random_shock(rng, market)
    for product in range(10):
        block = block_of(market, shock, product)
        price = rng.normal(0, 0.3, len(block.epsilon))
        sales, bundle, _, spending = newton.new_splits(block, price)
        served = block.admitted.any(axis=0)
        away = (block.admitted & ~block.home if block.nested else block.admitted).any(axis=0)
        np.testing.assert_allclose(sales.sum(axis=1)[block.admitted.any(axis=1)], 1, rtol=1e-12)
        np.testing.assert_allclose(spending.sum(axis=0)[served], 1, rtol=1e-12)
        np.testing.assert_allclose(bundle.sum(axis=0)[away], 1, rtol=1e-12)
        assert (spending[~block.admitted] == 0).all()


def test_gives_up_where_there_is_nothing_to_find() -> None:
    """epsilon = eta = 0 and demand above supply: no price clears the market."""
    rng = np.random.default_rng(3)
    recipe = Recipe((1, 1), (1, 1), eta=(0, 0), epsilon=(0, 0), rigid=1.0, infinite=0.0, nested=0.0)
    market = random_market(rng, 1, recipe)
    shock = random_shock(rng, market, shifted=1.0)
    found = newton.newton(block_of(market, shock, 0), np.zeros(1), 1e-10, 50)
    assert found.residual > 1e-3
