"""The equations themselves: in three array libraries, around sigma = 1, and their derivatives."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import fields, replace
from typing import Any

import array_api_strict
import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.kernels import equations as eq
from tradewedge.kernels import newton, reference
from tradewedge.kernels.dense import block_of
from tradewedge.kernels.equations import Block
from tradewedge.kernels.market import Options
from tradewedge.kernels.sample import Recipe, random_market, random_shock

SEEDS = st.integers(0, 2**32 - 1)
Nest = dict[str, float]
EACH_NEST: list[Nest] = [
    {"nested": nested, "grouped": grouped} for nested in (0.0, 1.0) for grouped in (0.0, 1.0)
]
NESTS = pytest.mark.parametrize("nest", EACH_NEST, ids=["flat", "groups", "home", "both"])
LIBRARIES = {
    "strict": (array_api_strict.asarray, nullcontext),
    "jax": (jax.numpy.asarray, lambda: jax.enable_x64(True)),
}


def blocks(seed: int, products: int = 6, **recipe: Any) -> Iterator[Block]:
    rng = np.random.default_rng(seed)
    market = random_market(rng, products, Recipe(**recipe))
    shock = random_shock(rng, market)
    return (block_of(market, shock, product) for product in range(products))


@pytest.mark.parametrize(("asarray", "context"), LIBRARIES.values(), ids=LIBRARIES.keys())
@NESTS
def test_every_array_library_agrees(asarray: Callable, context: Callable, nest: Nest) -> None:
    rng = np.random.default_rng(0)
    for sigma in [(0.4, 0.9), (1.0, 1.0), (0.995, 1.005), (2.0, 9.0)]:
        for block in blocks(1, products=1, sigma=sigma, exporters=(4, 6), **nest):
            price = rng.normal(0, 0.2, len(block.epsilon))
            with context():
                other = replace(
                    block,
                    **{
                        field.name: asarray(getattr(block, field.name))
                        for field in fields(Block)
                        if field.type is eq.Array
                    },
                )
                for function in (
                    eq.log_index,
                    eq.log_quantity,
                    eq.log_sales,
                    eq.log_supply,
                    eq.log_excess_demand,
                    eq.next_log_price,
                    eq.error_bound,
                ):
                    found = np.asarray(function(other, asarray(price)))
                    np.testing.assert_allclose(
                        found, function(block, price), rtol=1e-11, atol=1e-13
                    )
                assert eq.contraction_modulus(other) == eq.contraction_modulus(block)
                assert eq.is_valid(other)
                assert eq.has_finite_index(other)


@given(SEEDS)
def test_index_is_the_textbook_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for block in blocks(seed, sigma=(1.2, 8.0), nested=0.0):
        price = rng.normal(0, 0.3, len(block.epsilon))
        delivered = np.exp(price[:, None] + block.log_cost)
        kept = np.where(block.admitted, block.share, 0.0)
        total = (kept * delivered ** (1 - block.sigma)).sum(axis=0)
        served = total > 0
        index = total[served] ** (1 / (1 - block.sigma))
        np.testing.assert_allclose(np.exp(eq.log_index(block, price))[served], index, rtol=1e-9)
        assert np.isnan(eq.log_index(block, price)[~served]).all()


@given(SEEDS)
def test_step_is_the_closed_fixed_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for block in blocks(seed, sigma=(1.2, 8.0), eta=(0.1, 1.0), nested=0.0):
        price = rng.normal(0, 0.3, len(block.epsilon))
        adjusts = eq.active(block)
        index = np.nan_to_num(eq.log_index(block, price))
        pull = block.sales_share * np.exp(-block.sigma * block.log_cost)
        pull = pull * np.exp((block.sigma - block.eta) * index + block.log_demand)
        total = np.where(block.admitted, pull, 0.0).sum(axis=1)[adjusts]
        slope = block.epsilon[adjusts] + block.sigma
        closed = (np.log(total) - block.log_supply[adjusts]) / slope
        np.testing.assert_allclose(eq.next_log_price(block, price)[adjusts], closed, atol=1e-10)


@given(SEEDS, st.sampled_from(EACH_NEST))
def test_map_contracts_by_its_modulus(seed: int, nest: Nest) -> None:
    rng = np.random.default_rng(seed)
    for block in blocks(seed, sigma=(0.5, 20.0), epsilon=(0.3, 10.0), **nest):
        adjusts, modulus = eq.active(block), eq.contraction_modulus(block)
        if modulus >= 1 or not adjusts.any() or not eq.has_finite_index(block):
            continue
        base = rng.normal(0, 1.0, len(adjusts))
        moved = base + np.where(adjusts, rng.normal(0, 1.0, len(adjusts)), 0.0)
        before = np.abs(moved - base).max()
        change = eq.next_log_price(block, moved) - eq.next_log_price(block, base)
        assert np.abs(change[adjusts]).max() <= modulus * before + 1e-12


@given(SEEDS, st.sampled_from(EACH_NEST))
def test_jacobian_is_the_derivative(seed: int, nest: Nest) -> None:
    rng = np.random.default_rng(seed)
    for block in blocks(seed, products=2, sigma=(0.6, 9.0), **nest):
        price = rng.normal(0, 0.2, len(block.epsilon))
        analytic = newton.demand_jacobian(block, *newton.new_splits(block, price))
        step = 1e-6
        for k, unit in enumerate(np.eye(len(price))):
            up, down = (eq.log_sales(block, price + h * unit) for h in (step, -step))
            numeric = (up - down) / (2 * step)
            sells = block.admitted.any(axis=1)
            np.testing.assert_allclose(analytic[sells, k], numeric[sells], atol=2e-7)


@pytest.mark.parametrize("centre", [0.99, 1.0, 1.01])
def test_sigma_runs_smoothly_through_one(centre: float) -> None:
    """No jump where the computation changes branch, alone and at both levels of the nest."""
    rng = np.random.default_rng(3)
    market = random_market(rng, 10, Recipe(nested=0.5, eta=(0.2, 2.0)))
    shock = random_shock(rng, market, excluded=0.0)
    options = Options(tolerance=1e-14, max_steps=300)
    nested = ~np.isnan(market.sigma_home)

    def prices(sigma: float) -> np.ndarray:
        home = np.where(nested, sigma, np.nan)
        each = replace(market, sigma=np.full(10, sigma), sigma_home=home)
        return reference.solve(each, shock, options).log_price

    middle = prices(centre)
    for gap in (1e-13, 1e-9, 1e-7):
        for sigma in (centre - gap, centre + gap):
            np.testing.assert_allclose(prices(sigma), middle, atol=10 * gap + 1e-12)
    # A second difference: the curve has no kink either.
    left, right = prices(centre - 1e-3), prices(centre + 1e-3)
    np.testing.assert_allclose(left + right, 2 * middle, atol=2e-5)


def exact_prices(block: Block) -> np.ndarray:
    """Log prices to about 18 digits, by plain steps in extended precision."""
    long = replace(
        block,
        **{
            field.name: getattr(block, field.name).astype(np.longdouble)
            for field in fields(Block)
            if field.type is eq.Array and getattr(block, field.name).dtype == np.float64
        },
    )
    price = np.zeros(len(block.epsilon), np.longdouble)
    slope = eq.step_slope(long)
    for _ in range(20000):
        excess = eq.log_excess_demand(long, price)
        if np.abs(excess).max() < 1e-17:
            break
        price = price + excess / slope
    return price


@pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="no extended precision on this machine"
)
@NESTS
@pytest.mark.parametrize("tolerance", [1e-3, 1e-8, 1e-15])
def test_error_bound_holds(nest: Nest, tolerance: float) -> None:
    """Also where only rounding is left, and not by being useless."""
    tightness = []
    for block in blocks(4, products=12, sigma=(1.2, 12.0), eta=(0.3, 2.0), **nest):
        attempt = reference.plain_steps(block, tolerance, 300)
        bound = eq.error_bound(block, attempt.log_price)
        if np.isnan(bound):
            assert eq.contraction_modulus(block) >= 1
            continue
        adjusts = eq.active(block)
        error = np.abs(attempt.log_price - exact_prices(block))[adjusts].max(initial=0.0)
        assert error <= bound
        if adjusts.any() and tolerance > 1e-10 and attempt.residual > 1e-12:
            tightness.append(float(error / bound))
    if tolerance == 1e-3:
        assert max(tightness) > 0.1
