"""The CPU kernel and the reference on generated markets of three shapes."""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tradewedge.kernels import armington_cpu, reference
from tradewedge.kernels.backends import Solver
from tradewedge.kernels.market import Options
from tradewedge.kernels.sample import Recipe, random_market, random_shock

_CURVES = {"sigma": (1.5, 20.0), "eta": (0.3, 1.0), "epsilon": (0.3, 3.0)}
_PLAIN = {"infinite": 0.0, "rigid": 0.0, "nested": 0.0, "density": (1.0, 1.0)}
SHAPES = {
    "5500 products, one buyer": (5500, Recipe((50, 50), (1, 1), **_CURVES, **_PLAIN)),
    "55 products, 200 by 200": (55, Recipe((200, 200), (200, 200), **_CURVES, **_PLAIN)),
    "500 products, sparse": (
        500,
        Recipe((130, 130), (160, 160), **_CURVES, **_PLAIN | {"density": (0.11, 0.11)}),
    ),
}
SMALL = {"100 products, 20 by 20": (100, Recipe((20, 20), (20, 20), **_CURVES, **_PLAIN))}


def measure(
    benchmark: BenchmarkFixture, solve: Solver, products: int, recipe: Recipe, rounds: int
) -> None:
    """Time ``solve`` warm, and keep what it took to get there."""
    rng = np.random.default_rng(0)
    market = random_market(rng, products, recipe)
    shock = random_shock(rng, market, treated=0.05, excluded=0.0, shifted=0.0)
    found = benchmark.pedantic(
        solve, (market, shock, Options()), rounds=rounds, warmup_rounds=min(rounds - 1, 1)
    )
    assert (found.status == 0).all()
    benchmark.extra_info["flows"] = len(market.share)
    benchmark.extra_info["iterations_mean"] = float(found.iterations.mean())
    benchmark.extra_info["iterations_max"] = int(found.iterations.max())
    benchmark.extra_info["residual_max"] = float(found.residual.max())
    benchmark.extra_info["error_bound_max"] = float(np.nanmax(found.error_bound))


@pytest.mark.parametrize("shape", SHAPES | SMALL)
def test_cpu(benchmark: BenchmarkFixture, shape: str) -> None:
    products, recipe = (SHAPES | SMALL)[shape]
    measure(benchmark, armington_cpu.solve, products, recipe, rounds=5)


@pytest.mark.parametrize("shape", SMALL)
def test_reference(benchmark: BenchmarkFixture, shape: str) -> None:
    products, recipe = SMALL[shape]
    measure(benchmark, reference.solve, products, recipe, rounds=1)
