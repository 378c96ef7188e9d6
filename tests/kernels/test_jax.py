"""The JAX kernel against the compiled one: prices, statuses, bounds, batches, devices."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import tradewedge as tw
from tradewedge.kernels import armington_cpu, armington_jax, jax_blocks, newton
from tradewedge.kernels.dense import neutral
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

TIGHT = Options(tolerance=1e-12, max_steps=400)
STIFF = Recipe(sigma=(20, 20), eta=(0.05, 0.05), epsilon=(0.05, 0.05), infinite=0, rigid=0)
RECIPES = {
    "usual": Recipe(),
    "stiff": replace(STIFF, nested=0),
    "tiny shares": replace(STIFF, spread=9.0, nested=0),
    "near one": Recipe(sigma=(0.985, 1.015), eta=(0.1, 2.0)),
    "demand steeper than sigma": Recipe(sigma=(0.4, 1.5), eta=(2.0, 4.0), epsilon=(0.0, 0.3)),
    "one buyer": Recipe(exporters=(5, 8), importers=(1, 1)),
    "nested": Recipe(nested=1.0, exporters=(2, 8), importers=(2, 8), density=(0.6, 1.0)),
}


def assert_same(found: KernelSolution, wanted: KernelSolution, tolerance: float = 1e-9) -> None:
    assert found.status.tolist() == wanted.status.tolist()
    for name in ("log_price", "log_index", "log_shadow"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert np.isnan(one).tolist() == np.isnan(other).tolist()
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    for name in ("error_bound", "residual"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert np.isnan(one).tolist() == np.isnan(other).tolist()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
@pytest.mark.parametrize("size", [0.5, 3.0])
def test_equals_the_compiled_kernel(recipe: Recipe, size: float) -> None:
    rng = np.random.default_rng(int(100 * size))
    market = random_market(rng, 60, recipe)
    shock = random_shock(rng, market, size=size, excluded=0.15)
    found = armington_jax.solve(market, shock, TIGHT)
    assert_same(found, armington_cpu.solve(market, shock, TIGHT))
    assert (found.residual <= TIGHT.tolerance).all()
    assert (found.status == Status.CONVERGED).all()


def test_prohibitive_costs_do_not_underflow() -> None:
    rng = np.random.default_rng(5)
    market = random_market(rng, 60)
    shock = random_shock(rng, market, treated=0.5, size=80.0)
    found = armington_jax.solve(market, shock, TIGHT)
    assert_same(found, armington_cpu.solve(market, shock, TIGHT))


def test_products_of_many_sizes() -> None:
    rng = np.random.default_rng(6)
    recipe = Recipe(exporters=(1, 70), importers=(1, 90), density=(0.05, 0.6))
    market = random_market(rng, 40, recipe)
    shock = random_shock(rng, market)
    found = armington_jax.solve(market, shock, TIGHT)
    assert_same(found, armington_cpu.solve(market, shock, TIGHT))


def test_bounds_hold_the_exact_prices() -> None:
    rng = np.random.default_rng(7)
    market = random_market(rng, 60)
    shock = random_shock(rng, market)
    found = armington_jax.solve(market, shock, Options(tolerance=1e-4))
    exact = armington_cpu.solve(market, shock, Options(tolerance=1e-13))
    error = np.nan_to_num(np.abs(found.log_price - exact.log_price))
    worst = np.maximum.reduceat(error, market.exporter_ptr[:-1])
    proven = ~np.isnan(found.error_bound)
    assert proven.any()
    assert (worst <= found.error_bound)[proven].all()


def test_newton_finishes_what_acceleration_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    market = random_market(rng, 60)
    shock = random_shock(rng, market)
    usual = armington_jax.solve(market, shock, TIGHT)
    monkeypatch.setattr(newton, "ACCELERATED_STEPS", 1)
    assert_same(armington_jax.solve(market, shock, TIGHT), usual)


@pytest.mark.parametrize("name", ["usual", "stiff", "near one"])
def test_sweeps_in_float32_first_give_the_same_answers(name: str) -> None:
    rng = np.random.default_rng(16)
    market = random_market(rng, 60, RECIPES[name])
    shock = random_shock(rng, market, size=2.0)
    found = armington_jax.solve(market, shock, replace(TIGHT, precision="mixed"))
    usual = armington_jax.solve(market, shock, TIGHT)
    assert_same(found, usual)
    assert (found.residual <= TIGHT.tolerance).all()
    np.testing.assert_allclose(found.error_bound, usual.error_bound, rtol=1e-2, atol=1e-10)
    few = armington_jax.solve(market, shock, Options(max_steps=6, precision="mixed"))
    assert (few.iterations <= 6).all()


def test_float32_is_for_jax_alone() -> None:
    world, case = tw.load_world("us_imports"), tw.Scenario("case", [])
    with pytest.raises(tw.ConfigError, match="is for backend"):
        tw.solve(world, case, backend="cpu", model_options={"precision": "mixed"})
    with pytest.raises(tw.ConfigError, match='"double" or "mixed"'):
        tw.solve(world, case, backend="jax", model_options={"precision": "single"})


def test_too_few_steps() -> None:
    rng = np.random.default_rng(9)
    market = random_market(rng, 40, replace(STIFF, exporters=(3, 8), importers=(3, 8), nested=0))
    shock = random_shock(rng, market)
    found = armington_jax.solve(market, shock, Options(max_steps=3))
    assert (found.iterations <= 3).all()
    assert (found.status == Status.MAX_STEPS).sum() > 30
    usual = armington_cpu.solve(market, shock, Options(max_steps=3))
    assert found.status.tolist() == usual.status.tolist()


def test_batch_is_the_same_as_a_loop() -> None:
    rng = np.random.default_rng(10)
    market = random_market(rng, 60)
    shocks = [random_shock(rng, market) for _ in range(3)]
    shocks.insert(1, random_instruments(rng, market, shocks[0]))
    together = armington_jax.solve_batch(market, shocks, TIGHT)
    for shock, found in zip(shocks, together, strict=True):
        alone = armington_jax.solve(market, shock, TIGHT)
        assert_same(found, alone, 1e-11)  # blocks of other sizes add up in another order
        assert np.abs(found.iterations - alone.iterations).max() <= 5


def test_instruments_are_solved_too() -> None:
    rng = np.random.default_rng(11)
    market = random_market(rng, 40)
    shock = random_instruments(rng, market, random_shock(rng, market, excluded=0.0))
    options = Options(tolerance=1e-11)
    found = armington_jax.solve(market, shock, options)
    assert_same(found, armington_cpu.solve(market, shock, options))


BAD = [
    ("sigma", np.nan),
    ("sigma", -2.0),
    ("sigma", np.inf),
    ("eta", -0.1),
    ("sigma_home", np.inf),
    ("epsilon", np.nan),
    ("epsilon", -0.5),
    ("share", np.nan),
    ("share", 0.0),
    ("sales_share", np.inf),
    ("log_cost", np.nan),
    ("log_cost", np.inf),
    ("log_supply", -np.inf),
    ("log_demand", np.nan),
]


def damaged(market: Market, shock: Shock, field: str, product: int, value: float) -> tuple:
    """Put a bad number where it belongs to one product."""
    table = market if hasattr(market, field) else shock
    array = getattr(table, field).copy()
    ptr = {"epsilon": market.exporter_ptr, "log_supply": market.exporter_ptr}.get(field)
    ptr = market.importer_ptr if field == "log_demand" else ptr
    ptr = market.flow_ptr if field in ("share", "sales_share", "log_cost") else ptr
    array[product if ptr is None else ptr[product]] = value
    changed = replace(table, **{field: array})
    return (changed, shock) if table is market else (market, changed)


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_numbers_harm_their_product_only(field: str, value: float) -> None:
    rng = np.random.default_rng(12)
    market = random_market(rng, 60, Recipe(nested=0.0))
    shock = random_shock(rng, market, excluded=0.0)
    bad = damaged(market, shock, field, 2, value)
    found = armington_jax.solve(*bad, Options())
    assert found.status[2] == Status.NONFINITE_INPUT
    assert_same(found, armington_cpu.solve(*bad, Options()))


@pytest.mark.parametrize(
    ("sigma", "sigma_home", "lost", "status"),
    [
        (1.0, np.nan, [1], Status.INFEASIBLE),
        (0.8, np.nan, [1], Status.INFEASIBLE),
        (1.5, np.nan, [1], Status.CONVERGED),
        (0.8, np.nan, [0, 2, 4], Status.CONVERGED),
        (3.0, 0.9, [0], Status.INFEASIBLE),
        (3.0, 0.9, [2, 4], Status.INFEASIBLE),
        (3.0, 0.9, [2], Status.CONVERGED),
        (0.9, 3.0, [2], Status.INFEASIBLE),
        (0.9, 3.0, [2, 4], Status.CONVERGED),
        (3.0, 2.0, [0, 2, 4], Status.CONVERGED),
    ],
)
def test_losses_without_a_substitute(
    from_table: Callable, sigma: float, sigma_home: float, lost: list[int], status: Status
) -> None:
    table = [[3.0, 1.0], [1.0, 3.0], [1.0, 1.0]]
    market = from_table(table, sigma=sigma, sigma_home=sigma_home)
    admitted = np.ones(6, bool)
    admitted[lost] = False
    shock = replace(neutral(market), admitted=admitted)
    found = armington_jax.solve(market, shock, Options())
    assert found.status.tolist() == [status]
    assert_same(found, armington_cpu.solve(market, shock, Options()))


def test_products_without_flows() -> None:
    market = random_market(np.random.default_rng(13), 1)
    ends = {
        name: np.concatenate([[0], getattr(market, name), getattr(market, name)[-1:]])
        for name in ("flow_ptr", "exporter_ptr", "importer_ptr")
    }
    per_product = {
        name: np.repeat(getattr(market, name), 3) for name in ("sigma", "eta", "sigma_home")
    }
    wide = replace(market, **ends, **per_product)
    found = armington_jax.solve(wide, neutral(wide), Options())
    assert found.status.tolist() == [0, 0, 0]
    assert found.iterations.tolist() == [0, 1, 0]


def test_few_shapes_and_every_product_once() -> None:
    rng = np.random.default_rng(14)
    market = random_market(rng, 300, Recipe(exporters=(1, 120), importers=(1, 200)))
    for cells in (2**16, 2**22):
        parts = jax_blocks.bins(market, 2, 1, cells)
        assert len(parts) <= 2 * jax_blocks.MOST_BINS
        placed = np.concatenate([part.products.ravel() for part in parts])
        assert np.sort(placed[placed >= 0]).tolist() == list(range(300))
        for part in parts:
            _, s, k, i, j, _, _ = part.shape
            assert k == 1 or s * k * i * j <= cells


@pytest.mark.parametrize("name", ["minerals", "us_imports"])
def test_embedded_worlds(name: str) -> None:
    world = tw.load_world(name)
    case = tw.Scenario(
        "case",
        [
            tw.Tariff(importer="USA", exporter="CHN", rate=0.25),
            tw.Exclusion(importer="USA", exporter="RUS", allow_empty=True),
        ],
    )
    found = tw.solve(world, case, backend="jax")
    usual = tw.solve(world, case, backend="cpu")
    assert found.backend == "jax"
    one, other = found.solutions[0], usual.solutions[0]
    assert one.status.tolist() == other.status.tolist()
    np.testing.assert_allclose(one.price_hat, other.price_hat, rtol=1e-9)
    np.testing.assert_allclose(one.quantity_hat, other.quantity_hat, rtol=1e-8)


SEVERAL = """
import numpy as np, jax
jax.config.update("jax_num_cpu_devices", 3)
from tradewedge.kernels import armington_cpu, armington_jax
from tradewedge.kernels.market import Options
from tradewedge.kernels.sample import random_market, random_shock
assert len(jax.devices()) == 3
assert jax.numpy.zeros(1).dtype == np.float32
rng = np.random.default_rng(15)
market = random_market(rng, 50)
shock = random_shock(rng, market)
found = armington_jax.solve(market, shock, Options())
usual = armington_cpu.solve(market, shock, Options())
assert found.status.tolist() == usual.status.tolist()
np.testing.assert_allclose(found.log_price, usual.log_price, rtol=1e-9, atol=1e-9)
np.testing.assert_allclose(found.log_index, usual.log_index, rtol=1e-9, atol=1e-9)
assert jax.numpy.zeros(1).dtype == np.float32
print("same")
"""


def test_several_devices_in_one_process() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(SEVERAL)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "same", done.stderr


def test_the_compiled_kernel_needs_no_jax() -> None:
    code = (
        "import sys, numpy as np; from tradewedge.kernels import backends;"
        "backends.resolve('auto'); backends.resolve('cpu'); backends.solver(backends.Backend.CPU);"
        "backends.compile_kernels(backends.Backend.CPU); print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
