"""The compiled kernel against the reference, and both against a general root finder."""

from collections.abc import Callable
from dataclasses import replace

import numba
import numpy as np
import pytest
from scipy.optimize import root

from tradewedge.kernels import armington_cpu, newton, reference
from tradewedge.kernels.dense import block_of, neutral
from tradewedge.kernels.equations import Block
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.sample import Recipe, random_market, random_shock

TIGHT = Options(tolerance=1e-12, max_steps=400)
STIFF = Recipe(
    exporters=(3, 10),
    importers=(3, 10),
    sigma=(20, 20),
    eta=(0.05, 0.05),
    epsilon=(0.05, 0.05),
    infinite=0,
    rigid=0,
    nested=0,
)
RECIPES = {
    "usual": Recipe(),
    "stiff": STIFF,
    "tiny shares": replace(STIFF, spread=9.0),
    "near one": Recipe(sigma=(0.985, 1.015), eta=(0.1, 2.0)),
    "demand steeper than sigma": Recipe(sigma=(0.4, 1.5), eta=(2.0, 4.0), epsilon=(0.0, 0.3)),
    "sparse": Recipe(exporters=(10, 30), importers=(10, 30), density=(0.05, 0.1)),
    "one buyer": Recipe(exporters=(5, 20), importers=(1, 1)),
    "nested": Recipe(nested=1.0, exporters=(2, 8), importers=(2, 8), density=(0.6, 1.0)),
    "groups": Recipe(nested=0.0, grouped=1.0, exporters=(2, 9), importers=(2, 8)),
    "groups and home": Recipe(nested=0.6, grouped=0.6, exporters=(2, 9), importers=(2, 8)),
    "groups near one": Recipe(
        sigma=(0.985, 1.015), eta=(0.1, 2.0), nested=0.5, grouped=1.0, exporters=(3, 8)
    ),
}


def assert_same(first: KernelSolution, second: KernelSolution, tolerance: float) -> None:
    assert first.status.tolist() == second.status.tolist()
    for name in ("log_price", "log_index"):
        one, other = getattr(first, name), getattr(second, name)
        assert np.isnan(one).tolist() == np.isnan(other).tolist()
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    proven = ~np.isnan(second.error_bound)
    assert (~np.isnan(first.error_bound)).tolist() == proven.tolist()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
@pytest.mark.parametrize("size", [0.5, 3.0])
def test_kernel_equals_reference(recipe: Recipe, size: float) -> None:
    rng = np.random.default_rng(int(100 * size))
    market = random_market(rng, 25, recipe)
    shock = random_shock(rng, market, size=size, excluded=0.15)
    compiled = armington_cpu.solve(market, shock, TIGHT)
    plain = reference.solve(market, shock, TIGHT)
    assert (plain.status == Status.CONVERGED).all()
    assert (compiled.residual <= TIGHT.tolerance).all()
    assert_same(compiled, plain, 1e-9)


def test_prohibitive_costs_do_not_underflow() -> None:
    rng = np.random.default_rng(5)
    market = random_market(rng, 40)
    shock = random_shock(rng, market, treated=0.5, size=80.0)
    compiled = armington_cpu.solve(market, shock, TIGHT)
    assert (compiled.status == Status.CONVERGED).all()
    assert_same(compiled, reference.solve(market, shock, TIGHT), 1e-9)


def test_newton_finishes_what_acceleration_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    market = random_market(rng, 30)
    shock = random_shock(rng, market)
    usual = armington_cpu.solve(market, shock, TIGHT)
    monkeypatch.setattr(newton, "ACCELERATED_STEPS", 1)
    rescued = armington_cpu.solve(market, shock, TIGHT)
    assert_same(rescued, usual, 1e-9)


@pytest.mark.parametrize("solve", [armington_cpu.solve, reference.solve])
def test_too_few_steps(solve: Callable) -> None:
    rng = np.random.default_rng(7)
    market = random_market(rng, 5, STIFF)
    shock = random_shock(rng, market)
    found = solve(market, shock, Options(max_steps=3))
    assert (found.status == Status.MAX_STEPS).all()
    assert (found.iterations == 3).all()
    assert (found.residual > 1e-10).all()
    exact = solve(market, shock, TIGHT)
    error = np.abs(found.log_price - exact.log_price)
    worst = np.maximum.reduceat(np.nan_to_num(error), market.exporter_ptr[:-1])
    assert (worst <= found.error_bound).all()


def test_one_by_one_is_the_same(one_product: Callable) -> None:
    rng = np.random.default_rng(8)
    market = random_market(rng, 30)
    shock = random_shock(rng, market)
    together = armington_cpu.solve(market, shock, Options())
    alone = [
        armington_cpu.solve(*one_product(market, shock, product), Options())
        for product in range(len(market.sigma))
    ]
    for name in KernelSolution.__dataclass_fields__:
        joined = np.concatenate([getattr(each, name) for each in alone])
        np.testing.assert_array_equal(joined, getattr(together, name))


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_matter(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    rng = np.random.default_rng(9)
    market = random_market(rng, 60)
    shock = random_shock(rng, market)
    usual = armington_cpu.solve(market, shock, Options())
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", threads)
    other = armington_cpu.solve(market, shock, Options())
    for name in KernelSolution.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(other, name), getattr(usual, name))


def test_slices_cover_all_products() -> None:
    flow_ptr = np.cumsum([0, 5, 0, 100, 1, 1, 1, 0, 30])
    for parts in (1, 2, 3, 50):
        cuts = armington_cpu.slices(flow_ptr, parts)
        assert len(cuts) <= parts + 1
        assert [k for start, stop in cuts for k in range(start, stop)] == list(range(8))


def scalar_excess(block: Block, price: np.ndarray) -> np.ndarray:
    """Demand over supply, written out with loops and powers of levels."""
    exporters, importers = block.share.shape
    delivered = np.exp(price)[:, None] * np.exp(block.log_cost)
    quantity = np.zeros((exporters, importers))
    sigma, middle, outer = block.sigma, block.middle, block.outer
    home = block.home & block.nested
    for j in range(importers):
        level = np.exp(block.log_demand[j])
        imports_base = sum(block.share[i, j] for i in range(exporters) if not home[i, j])
        bundles, imports_total = {}, 0.0
        for g in sorted({int(n) for n in block.group}):
            members = [i for i in range(exporters) if block.group[i] == g and not home[i, j]]
            base = sum(block.share[i, j] for i in members)
            left = [i for i in members if block.admitted[i, j]]
            if left:
                total = sum(block.share[i, j] / base * delivered[i, j] ** (1 - sigma) for i in left)
                bundles[g] = total ** (1 / (1 - sigma))
                imports_total += base / imports_base * bundles[g] ** (1 - middle)
        imports = imports_total ** (1 / (1 - middle)) if bundles else np.nan
        index = imports
        if block.nested:
            total = imports_base * imports ** (1 - outer) if bundles else 0.0
            for i in range(exporters):
                if home[i, j] and block.admitted[i, j]:
                    total += block.share[i, j] * delivered[i, j] ** (1 - outer)
            index = total ** (1 / (1 - outer)) if total > 0 else np.nan
        for i in range(exporters):
            if home[i, j]:
                quantity[i, j] = delivered[i, j] ** -outer
            elif block.admitted[i, j]:
                bundle = bundles[int(block.group[i])]
                quantity[i, j] = delivered[i, j] ** -sigma * bundle ** (sigma - middle)
                quantity[i, j] *= imports ** (middle - outer)
            quantity[i, j] *= index ** (outer - block.eta) * level if block.admitted[i, j] else 0
    supply = np.exp(block.log_supply) * np.exp(block.epsilon * price)
    return (block.sales_share * quantity).sum(axis=1) / supply - 1


@pytest.mark.parametrize("grouped", [0.0, 1.0])
@pytest.mark.parametrize("nested", [0.0, 1.0])
def test_a_root_finder_agrees(nested: float, grouped: float) -> None:
    rng = np.random.default_rng(10)
    recipe = Recipe(
        sigma=(1.2, 6.0),
        epsilon=(0.3, 3.0),
        infinite=0.0,
        rigid=0.0,
        nested=nested,
        grouped=grouped,
    )
    market = random_market(rng, 12, recipe)
    shock = random_shock(rng, market, size=0.2, excluded=0.05)
    found = armington_cpu.solve(market, shock, TIGHT)
    for product in range(12):
        block = block_of(market, shock, product)
        rows = slice(market.exporter_ptr[product], market.exporter_ptr[product + 1])
        price = found.log_price[rows]
        active = block.admitted.any(axis=1)

        def excess(
            log_price: np.ndarray, block: Block = block, active: np.ndarray = active
        ) -> np.ndarray:
            full = np.zeros(len(active))
            full[active] = log_price
            return scalar_excess(block, full)[active]

        if active.any():
            oracle = root(excess, np.zeros(active.sum()), tol=1e-13)
            assert np.abs(oracle.fun).max() < 1e-9
            np.testing.assert_allclose(price[active], oracle.x, atol=1e-8)


def damaged(market: Market, shock: Shock, field: str, product: int, value: float) -> tuple:
    """Put a bad number where it belongs to one product."""
    table = market if hasattr(market, field) else shock
    array = getattr(table, field).copy()
    ptr = {"sigma": None, "eta": None, "sigma_home": None}.get(field, market.flow_ptr)
    if field in ("epsilon", "log_supply"):
        ptr = market.exporter_ptr
    elif field == "log_demand":
        ptr = market.importer_ptr
    array[product if ptr is None else ptr[product]] = value
    if table is market:
        return replace(market, **{field: array}), shock
    return market, replace(shock, **{field: array})


BAD = [
    ("sigma", np.nan),
    ("sigma", 0.0),
    ("sigma", -2.0),
    ("sigma", np.inf),
    ("eta", -0.1),
    ("eta", np.nan),
    ("sigma_home", np.inf),
    ("sigma_home", -1.0),
    ("epsilon", np.nan),
    ("epsilon", -0.5),
    ("share", np.nan),
    ("share", -0.1),
    ("share", 0.0),
    ("sales_share", np.inf),
    ("log_cost", np.nan),
    ("log_cost", np.inf),
    ("log_supply", -np.inf),
    ("log_demand", np.nan),
]


@pytest.mark.parametrize(("field", "value"), BAD)
@pytest.mark.parametrize("solve", [armington_cpu.solve, reference.solve])
def test_bad_numbers_harm_their_product_only(solve: Callable, field: str, value: float) -> None:
    rng = np.random.default_rng(11)
    market = random_market(rng, 4)
    shock = random_shock(rng, market, excluded=0.0)
    clean = solve(market, shock, Options())
    found = solve(*damaged(market, shock, field, 2, value), Options())
    assert found.status.tolist() == [0, 0, Status.NONFINITE_INPUT, 0]
    assert np.isnan(found.residual[2])
    assert np.isnan(found.error_bound[2])
    mine = np.zeros(len(clean.log_price), bool)
    mine[market.exporter_ptr[2] : market.exporter_ptr[3]] = True
    assert np.isnan(found.log_price[mine]).all()
    np.testing.assert_array_equal(found.log_price[~mine], clean.log_price[~mine])


@pytest.mark.parametrize("solve", [armington_cpu.solve, reference.solve])
def test_costs_of_excluded_flows_are_not_looked_at(solve: Callable, from_table: Callable) -> None:
    market = from_table([[3.0, 1.0], [1.0, 3.0]])
    calm = neutral(market)
    admitted = np.array([True, False, True, True])
    found = solve(market, replace(calm, admitted=admitted), Options())
    cost = np.array([0.0, np.nan, 0.0, 0.0])
    other = solve(market, replace(calm, admitted=admitted, log_cost=cost), Options())
    np.testing.assert_array_equal(found.log_price, other.log_price)
    assert found.status.tolist() == [Status.CONVERGED]


@pytest.mark.parametrize("solve", [armington_cpu.solve, reference.solve])
@pytest.mark.parametrize(
    ("sigma", "sigma_home", "lost", "status"),
    [
        (1.0, np.nan, [1], Status.INFEASIBLE),
        (0.8, np.nan, [1], Status.INFEASIBLE),
        (1.5, np.nan, [1], Status.CONVERGED),
        (0.8, np.nan, [0, 2, 4], Status.CONVERGED),  # everybody who served importer 0
        (3.0, 0.9, [0], Status.INFEASIBLE),  # home lost
        (3.0, 0.9, [2, 4], Status.INFEASIBLE),  # all imports lost
        (3.0, 0.9, [2], Status.CONVERGED),  # one of two import sources lost
        (0.9, 3.0, [2], Status.INFEASIBLE),
        (0.9, 3.0, [2, 4], Status.CONVERGED),
    ],
)
def test_losses_without_a_substitute(
    from_table: Callable,
    solve: Callable,
    sigma: float,
    sigma_home: float,
    lost: list[int],
    status: Status,
) -> None:
    table = [[3.0, 1.0], [1.0, 3.0], [1.0, 1.0]]
    market = from_table(table, sigma=sigma, sigma_home=sigma_home)
    admitted = np.ones(6, bool)
    admitted[lost] = False
    found = solve(market, replace(neutral(market), admitted=admitted), Options())
    assert found.status.tolist() == [status]


@pytest.mark.parametrize("solve", [armington_cpu.solve, reference.solve])
def test_unserved_and_stranded(from_table: Callable, solve: Callable) -> None:
    market = from_table([[3.0, 1.0], [1.0, 0.0]], same_countries=False)
    calm = neutral(market)
    found = solve(market, replace(calm, admitted=np.array([True, False, False])), Options())
    assert np.isnan(found.log_price).tolist() == [False, True]
    assert np.isnan(found.log_index).tolist() == [False, True]
    assert found.status.tolist() == [Status.CONVERGED]
    nothing = solve(market, replace(calm, admitted=np.zeros(3, bool)), Options())
    assert np.isnan(nothing.log_price).all()
    assert np.isnan(nothing.log_index).all()
    assert (nothing.status[0], nothing.residual[0]) == (Status.CONVERGED, 0.0)


@pytest.mark.parametrize("solve", [armington_cpu.solve, reference.solve])
def test_products_without_flows(solve: Callable) -> None:
    market = random_market(np.random.default_rng(12), 1)
    ends = {
        name: np.concatenate([[0], getattr(market, name), getattr(market, name)[-1:]])
        for name in ("flow_ptr", "exporter_ptr", "importer_ptr")
    }
    per_product = {
        name: np.repeat(getattr(market, name), 3) for name in ("sigma", "eta", "sigma_home")
    }
    wide = replace(market, **ends, **per_product)
    found = solve(wide, neutral(wide), Options())
    assert found.status.tolist() == [0, 0, 0]
    assert found.iterations.tolist() == [0, 1, 0]
    assert found.error_bound[[0, 2]].tolist() == [0.0, 0.0]


def test_read_only_memory_maps_are_fine(tmp_path: object) -> None:
    rng = np.random.default_rng(13)
    market = random_market(rng, 5)
    shock = random_shock(rng, market)
    path = f"{tmp_path}/share.npy"
    np.save(path, market.share)
    mapped = replace(market, share=np.load(path, mmap_mode="r"))
    found = armington_cpu.solve(mapped, shock, Options())
    usual = armington_cpu.solve(market, shock, Options())
    np.testing.assert_array_equal(found.log_price, usual.log_price)
