"""``armington.cu`` on the processor, against the kernel for it and against the reference.

What these tests run is the source that a GPU gets and the code that packs, launches and copies
back; only the device itself is another one.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from tradewedge.kernels import armington_cpu, newton, reference
from tradewedge.kernels.cuda.batch import solve_batch
from tradewedge.kernels.dense import neutral
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.reference import has_split_home
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
}
Maker = Callable[..., Any]


USUAL = Recipe()


def drawn(seed: int, products: int, recipe: Recipe = USUAL, **kind: float) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    market = random_market(rng, products, recipe)
    return market, random_shock(rng, market, **kind)


def assert_same(found: KernelSolution, wanted: KernelSolution, tolerance: float = 1e-9) -> None:
    assert found.status.tolist() == wanted.status.tolist()
    for name in ("log_price", "log_index", "log_shadow"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert np.isnan(one).tolist() == np.isnan(other).tolist()
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    for name in ("residual", "error_bound"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert np.isnan(one).tolist() == np.isnan(other).tolist()


def assert_identical(found: KernelSolution, wanted: KernelSolution) -> None:
    for part in fields(KernelSolution):
        np.testing.assert_array_equal(getattr(found, part.name), getattr(wanted, part.name))


@pytest.mark.parametrize("block", [8, 32])
@pytest.mark.parametrize("size", [0.5, 3.0])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_equals_reference(host: Maker, recipe: Recipe, size: float, block: int) -> None:
    market, shock = drawn(int(100 * size) + block, 25, recipe, size=size, excluded=0.15)
    (found,) = solve_batch(host(), market, [shock], TIGHT, block)
    wanted = reference.solve(market, shock, TIGHT)
    assert (wanted.status == Status.CONVERGED).all()
    assert (found.residual <= TIGHT.tolerance).all()
    assert_same(found, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("block", [8, 32])
def test_equals_reference_on_500_markets(host: Maker, block: int) -> None:
    market, shock = drawn(block, 500)
    (found,) = solve_batch(host(), market, [shock], TIGHT, block)
    assert_same(found, reference.solve(market, shock, TIGHT))


def test_statuses_and_steps_of_the_processor_kernel(host: Maker) -> None:
    market, shock = drawn(1, 200)
    (found,) = solve_batch(host(), market, [shock], Options())
    wanted = armington_cpu.solve(market, shock, Options())
    assert_same(found, wanted, 1e-8)
    # Without a nest the kernel for the processor divides its steps by other slopes.
    more = (found.iterations - wanted.iterations)[market.nested]
    assert np.abs(more).max() <= 3
    assert np.median(more) == 0
    proven = (wanted.error_bound > 0) & market.nested
    ratio = found.error_bound[proven] / wanted.error_bound[proven]
    assert 0.9 < np.median(ratio) < 1.1


@pytest.mark.parametrize("block", [1, 7, 32, 100, 1024])
def test_block_size_changes_no_bit(host: Maker, block: int) -> None:
    market, shock = drawn(2, 12, Recipe(exporters=(1, 40), importers=(1, 40)))
    (usual,) = solve_batch(host(), market, [shock], TIGHT, 8)
    (found,) = solve_batch(host(), market, [shock], TIGHT, block)
    assert_identical(found, usual)


@pytest.mark.parametrize("nested", [0.0, 1.0])
def test_order_of_threads_changes_no_bit(host: Maker, nested: float) -> None:
    recipe = Recipe(exporters=(5, 30), importers=(5, 30), nested=nested)
    market, shock = drawn(3, 20, recipe)
    (forwards,) = solve_batch(host(), market, [shock], TIGHT, 16)
    (backwards,) = solve_batch(host(backwards=True), market, [shock], TIGHT, 16)
    assert_identical(backwards, forwards)


@pytest.mark.parametrize(
    "settings",
    [{"shared_limit": 0}, {"shared_limit": 8000}, {"blocks": 1}, {"blocks": 10**6}],
    ids=str,
)
def test_where_vectors_lie_and_how_many_blocks_change_no_bit(
    host: Maker, settings: dict[str, int]
) -> None:
    recipe = Recipe(exporters=(1, 50), importers=(1, 50))
    market, shock = drawn(4, 30, recipe)
    (usual,) = solve_batch(host(), market, [shock], TIGHT)
    device = host(**settings)
    (found,) = solve_batch(device, market, [shock], TIGHT)
    assert_identical(found, usual)
    limit = settings.get("shared_limit", 10**9)
    assert max(shared for *_, shared in device.launches) <= limit


def test_little_memory_changes_no_bit(host: Maker) -> None:
    market, shock = drawn(5, 40)
    shocks = [shock, *(random_shock(np.random.default_rng(n), market) for n in range(5))]
    usual = solve_batch(host(), market, shocks, TIGHT)
    for memory in (2000, 20_000, 80_000):
        device = host(memory=memory)
        for found, wanted in zip(solve_batch(device, market, shocks, TIGHT), usual, strict=True):
            assert_identical(found, wanted)
        assert len(device.launches) > 2


def test_scenarios_do_not_touch_each_other(host: Maker) -> None:
    market, shock = drawn(6, 30)
    bad = shock.log_cost.copy()
    bad[market.flow_ptr[7]] = np.nan
    shocks = [shock, neutral(market), replace(shock, log_cost=bad), shock]
    together = solve_batch(host(), market, shocks, TIGHT)
    for each, found in zip(shocks, together, strict=True):
        assert_identical(found, solve_batch(host(), market, [each], TIGHT)[0])
    assert together[2].status[7] == Status.NONFINITE_INPUT or not shock.admitted[bad != bad].any()


def test_prohibitive_costs_do_not_underflow(host: Maker) -> None:
    market, shock = drawn(8, 40, treated=0.5, size=80.0)
    (found,) = solve_batch(host(), market, [shock], TIGHT)
    assert (found.status == Status.CONVERGED).all()
    assert_same(found, reference.solve(market, shock, TIGHT))


def test_newton_finishes_what_acceleration_does_not(
    host: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    market, shock = drawn(9, 30)
    (usual,) = solve_batch(host(), market, [shock], TIGHT)
    monkeypatch.setattr(newton, "ACCELERATED_STEPS", 1)
    (rescued,) = solve_batch(host(), market, [shock], TIGHT)
    assert_same(rescued, usual)


def test_too_few_steps(host: Maker) -> None:
    market, shock = drawn(10, 5, STIFF)
    (found,) = solve_batch(host(), market, [shock], Options(max_steps=3))
    assert (found.status == Status.MAX_STEPS).all()
    assert (found.iterations == 3).all()
    assert (found.residual > 1e-10).all()


def damaged(market: Market, shock: Shock, field: str, value: float) -> tuple[Market, Shock]:
    """Put a bad number where it belongs to the third product."""
    table = market if hasattr(market, field) else shock
    array = getattr(table, field).copy()
    ptr = {"epsilon": market.exporter_ptr, "log_supply": market.exporter_ptr}.get(field)
    if field == "log_demand":
        ptr = market.importer_ptr
    elif field in ("share", "sales_share", "log_cost"):
        ptr = market.flow_ptr
    array[2 if ptr is None else ptr[2]] = value
    if table is market:
        return replace(market, **{field: array}), shock
    return market, replace(shock, **{field: array})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sigma", np.nan),
        ("sigma", 0.0),
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
    ],
)
def test_bad_numbers_harm_their_product_only(host: Maker, field: str, value: float) -> None:
    market, shock = drawn(11, 4, excluded=0.0)
    (clean,) = solve_batch(host(), market, [shock], Options())
    (found,) = solve_batch(host(), *unpacked(damaged(market, shock, field, value)), Options())
    assert found.status.tolist() == [0, 0, Status.NONFINITE_INPUT, 0]
    mine = np.zeros(len(clean.log_price), bool)
    mine[market.exporter_ptr[2] : market.exporter_ptr[3]] = True
    assert np.isnan(found.log_price[mine]).all()
    assert np.isnan([found.residual[2], found.error_bound[2]]).all()
    np.testing.assert_array_equal(found.log_price[~mine], clean.log_price[~mine])


def unpacked(pair: tuple[Market, Shock]) -> tuple[Market, list[Shock]]:
    return pair[0], [pair[1]]


def table_market(values: list[list[float]], **given: float) -> Market:
    """One product from a table of values; exporters and importers are the same countries."""
    table = np.array(values)
    i, j = np.nonzero(table)
    value = table[i, j]
    return Market(
        flow_ptr=np.array([0, len(i)]),
        exporter_ptr=np.array([0, table.shape[0]]),
        importer_ptr=np.array([0, table.shape[1]]),
        flow_exporter=i,
        flow_importer=j,
        share=value / np.bincount(j, value)[j],
        sales_share=value / np.bincount(i, value)[i],
        home=i == j,
        sigma=np.array([given.get("sigma", 3.0)]),
        eta=np.array([0.5]),
        sigma_home=np.array([given.get("sigma_home", np.nan)]),
        epsilon=np.ones(table.shape[0]),
    )


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
    ],
)
def test_losses_without_a_substitute(
    host: Maker, sigma: float, sigma_home: float, lost: list[int], status: Status
) -> None:
    market = table_market([[3.0, 1.0], [1.0, 3.0], [1.0, 1.0]], sigma=sigma, sigma_home=sigma_home)
    admitted = np.ones(6, bool)
    admitted[lost] = False
    shock = replace(neutral(market), admitted=admitted)
    (found,) = solve_batch(host(), market, [shock], TIGHT)
    assert found.status.tolist() == [status]
    assert_same(found, reference.solve(market, shock, TIGHT))


def test_unserved_and_stranded(host: Maker) -> None:
    market = table_market([[3.0, 1.0], [1.0, 0.0]])
    calm = neutral(market)
    some = replace(calm, admitted=np.array([True, False, False]))
    none = replace(calm, admitted=np.zeros(3, bool))
    found, nothing = solve_batch(host(), market, [some, none], Options())
    assert np.isnan(found.log_price).tolist() == [False, True]
    assert np.isnan(found.log_index).tolist() == [False, True]
    assert found.status.tolist() == [Status.CONVERGED]
    assert np.isnan(nothing.log_price).all()
    assert np.isnan(nothing.log_index).all()
    assert (nothing.status[0], nothing.residual[0]) == (Status.CONVERGED, 0.0)


def test_products_without_flows(host: Maker) -> None:
    market, _ = drawn(12, 1)
    ends = {
        name: np.concatenate([[0], getattr(market, name), getattr(market, name)[-1:]])
        for name in ("flow_ptr", "exporter_ptr", "importer_ptr")
    }
    per_product = {
        name: np.repeat(getattr(market, name), 3) for name in ("sigma", "eta", "sigma_home")
    }
    wide = replace(market, **ends, **per_product)
    (found,) = solve_batch(host(), wide, [neutral(wide)], Options())
    assert found.status.tolist() == [0, 0, 0]
    assert found.iterations.tolist() == [0, 1, 0]
    assert solve_batch(host(), wide, [], Options()) == []


def test_exporters_with_several_markets_at_home_go_to_the_host(host: Maker) -> None:
    market = table_market([[3.0, 1.0, 1.0], [1.0, 3.0, 1.0]], sigma_home=2.0)
    split = replace(market, home=np.array([True, False, True, False, True, False]))
    assert has_split_home(market).tolist() == [False]
    assert has_split_home(split).tolist() == [True]
    assert has_split_home(replace(split, sigma_home=np.array([np.nan]))).tolist() == [False]
    shock = replace(neutral(split), log_cost=np.linspace(0, 0.5, 6))
    device = host()
    (found,) = solve_batch(device, split, [shock], TIGHT)
    assert device.launches == []
    assert_same(found, reference.solve(split, shock, TIGHT))
    assert_same(armington_cpu.solve(split, shock, TIGHT), reference.solve(split, shock, TIGHT))


@pytest.mark.parametrize("block", [0, 1025])
def test_block_is_one_that_exists(host: Maker, block: int) -> None:
    market, shock = drawn(13, 1)
    with pytest.raises(ValueError, match="from 1 to 1024"):
        solve_batch(host(), market, [shock], Options(), block)
