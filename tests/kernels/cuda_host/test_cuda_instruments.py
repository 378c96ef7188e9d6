"""The kernel for products under instruments, on the processor, against the host solver."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from tradewedge.kernels import armington_cpu, instrumented
from tradewedge.kernels.cuda.batch import solve_batch
from tradewedge.kernels.cuda.taken import solvable
from tradewedge.kernels.instruments import no_instruments
from tradewedge.kernels.layout import is_valid
from tradewedge.kernels.market import (
    Instruments,
    Ints,
    KernelSolution,
    Market,
    Options,
    Shock,
    Status,
)
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

TIGHT = Options(tolerance=1e-12)
FLAT = Recipe(nested=0)
LARGE = replace(
    FLAT,
    exporters=(6, 60),
    importers=(6, 60),
    density=(0.2, 0.9),
    sigma=(1.2, 20),
    epsilon=(0.05, 10),
    rigid=0,
)
RECIPES = {
    "usual": FLAT,
    "some nested": Recipe(nested=0.5),
    "near one": replace(FLAT, sigma=(0.985, 1.015), eta=(0.1, 2.0)),
    "demand steeper than sigma": replace(FLAT, sigma=(0.5, 1.5), eta=(2.0, 4.0)),
    "no response of demand": replace(FLAT, eta=(0.0, 0.0)),
    "one buyer": replace(FLAT, exporters=(5, 20), importers=(1, 1)),
    "large": LARGE,
}
Maker = Callable[..., Any]


def drawn(
    seed: int, products: int, recipe: Recipe = FLAT, scenarios: int = 1
) -> tuple[Market, list[Shock]]:
    """A market under several random mixes of every instrument."""
    rng = np.random.default_rng(seed)
    market = random_market(rng, products, recipe)
    shocks = [random_instruments(rng, market, random_shock(rng, market)) for _ in range(scenarios)]
    return market, shocks


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Products that the host was given."""
    told: list[int] = []
    usual = instrumented.finish

    def finish(
        solution: KernelSolution, market: Market, shock: Shock, products: Ints, options: Options
    ) -> None:
        told.extend(products.tolist())
        usual(solution, market, shock, products, options)

    monkeypatch.setattr(instrumented, "finish", finish)
    return told


def on_the_host(market: Market, shock: Shock) -> KernelSolution:
    """The solution without instruments, then semismooth Newton."""
    return instrumented.solve(armington_cpu.solve, market, shock, TIGHT)


def assert_same(found: KernelSolution, wanted: KernelSolution) -> None:
    """Statuses alike, and log prices to 1e-9.

    Below -20 they count as one: a producer who has to sell all the same, behind a floor, may get
    nothing, and the log of that is any large negative number.
    """
    assert found.status.tolist() == wanted.status.tolist()
    for name in ("log_price", "log_index"):
        one, other = (np.maximum(getattr(which, name), -20.0) for which in (found, wanted))
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(np.isnan(found.error_bound), np.isnan(wanted.error_bound))


def assert_identical(found: KernelSolution, wanted: KernelSolution) -> None:
    for part in fields(KernelSolution):
        np.testing.assert_array_equal(getattr(found, part.name), getattr(wanted, part.name))


@pytest.mark.parametrize("block", [8, 32])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_equals_the_host(host: Maker, on_host: list[int], recipe: Recipe, block: int) -> None:
    market, (shock,) = drawn(block, 25, recipe)
    (found,) = solve_batch(host(), market, [shock], TIGHT, block)
    assert shock.instruments
    taken = np.flatnonzero(solvable(market, shock, shock.instruments))
    assert np.isin(taken, on_host).sum() <= 0.3 * taken.size
    done = found.status == Status.CONVERGED
    assert (found.residual[done] <= TIGHT.tolerance).all()
    assert_same(found, on_the_host(market, shock))


def test_one_large_block(host: Maker) -> None:
    market, (shock,) = drawn(3, 6, LARGE)
    (found,) = solve_batch(host(), market, [shock], TIGHT, 512)
    assert_same(found, on_the_host(market, shock))


@pytest.mark.slow
@pytest.mark.parametrize("block", [8, 32])
@pytest.mark.parametrize("recipe", [Recipe(), LARGE], ids=["small", "large"])
def test_equals_the_host_on_500_markets(
    host: Maker, on_host: list[int], recipe: Recipe, block: int
) -> None:
    market, (shock,) = drawn(100 + block, 500, recipe)
    (found,) = solve_batch(host(), market, [shock], TIGHT, block)
    assert len(on_host) < 250
    assert_same(found, on_the_host(market, shock))


@pytest.mark.parametrize(
    ("block", "settings"),
    [
        (1, {}),
        (100, {}),
        (1024, {}),
        (16, {"backwards": True}),
        (16, {"shared_limit": 0}),
        (16, {"shared_limit": 8000, "blocks": 1}),
        (16, {"memory": 60_000}),
    ],
    ids=str,
)
def test_nothing_but_the_source_changes_a_bit(
    host: Maker, block: int, settings: dict[str, Any]
) -> None:
    market, shocks = drawn(4, 12, replace(FLAT, exporters=(1, 30), importers=(1, 30)), 3)
    usual = solve_batch(host(), market, shocks, TIGHT, 8)
    found = solve_batch(host(**settings), market, shocks, TIGHT, block)
    for one, other in zip(found, usual, strict=True):
        assert_identical(one, other)


def test_scenarios_do_not_touch_each_other(host: Maker) -> None:
    market, (first, second) = drawn(5, 20, Recipe(), 2)
    plain = replace(first, instruments=None)
    shocks = [first, plain, second, first]
    together = solve_batch(host(), market, shocks, TIGHT)
    for each, found in zip(shocks, together, strict=True):
        assert_identical(found, solve_batch(host(), market, [each], TIGHT)[0])


def test_instruments_that_do_not_bind_change_no_bit(host: Maker, on_host: list[int]) -> None:
    market, (shock,) = drawn(6, 30)
    slack = replace(
        no_instruments(market),
        floor=np.full(len(market.share), 1e-9),
        quota=np.full(len(market.share), 1e9),
        capacity=np.full(len(market.epsilon), 1e9),
    )
    calm, found = solve_batch(
        host(),
        market,
        [replace(shock, instruments=None), replace(shock, instruments=slack)],
        TIGHT,
    )
    assert_identical(found, calm)
    assert on_host == []


def test_tariff_rate_quota_over_a_group(host: Maker, on_host: list[int]) -> None:
    market, (shock,) = drawn(7, 1, replace(FLAT, exporters=(5, 5), importers=(5, 5), rigid=0))
    everything = np.flatnonzero(shock.admitted)
    group = replace(
        no_instruments(market),
        group_ptr=np.array([0, everything.size]),
        group_flow=everything,
        group_weight=market.sales_share[everything] / market.sales_share[everything].sum(),
        group_limit=np.array([1.0]),
        group_beyond=np.array([2.0]),
    )
    shocks = [
        replace(shock, instruments=replace(group, group_limit=np.array([limit])))
        for limit in (10.0, 0.9, 0.01, 0.0)
    ]
    found = solve_batch(host(), market, shocks, TIGHT)
    premiums = [float(one.log_shadow[0]) for one in found]
    assert premiums[0] == 0
    assert 0 < premiums[1] < 2
    assert premiums[2:] == [2, 2]
    assert on_host == []
    for one, other in zip(found, shocks, strict=True):
        assert_same(one, on_the_host(market, other))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("specific", -0.1),
        ("floor", np.nan),
        ("dispersion", np.inf),
        ("quota", np.nan),
        ("beyond_quota", -1.0),
        ("capacity", np.nan),
        ("strike", np.inf),
        ("covered", 1.5),
        ("upside", -0.1),
        ("group_weight", np.nan),
        ("group_limit", -1.0),
        ("group_beyond", np.nan),
    ],
)
def test_bad_numbers_harm_their_product_only(host: Maker, field: str, value: float) -> None:
    market, (shock,) = drawn(8, 12)
    good = shock.instruments
    assert good
    array = getattr(good, field).copy()
    array[array.size // 2] = value
    bad = replace(good, **{field: array})
    valid = [is_valid(market, bad, k) for k in range(12)]
    assert valid.count(False) == 1
    damaged = replace(shock, instruments=bad)
    assert (solvable(market, damaged, bad) <= valid).all()
    (found,) = solve_batch(host(), market, [damaged], TIGHT)
    (clean,) = solve_batch(host(), market, [shock], TIGHT)
    assert (found.status == Status.NONFINITE_INPUT).tolist() == [not good for good in valid]
    rows = np.repeat(valid, np.diff(market.exporter_ptr))
    np.testing.assert_array_equal(found.log_price[rows], clean.log_price[rows])


def test_what_the_host_has_to_prove_goes_to_the_host() -> None:
    market, (shock,) = drawn(9, 4)
    nothing, flows = no_instruments(market), len(market.share)

    def taken(market: Market, given: Instruments) -> bool:
        found = solvable(market, replace(shock, instruments=given), given)
        assert found.all() or not found.any()
        return bool(found.all())

    stiff = replace(market, eta=np.zeros(4))
    nested = replace(market, sigma_home=market.sigma)
    floors = replace(nothing, floor=np.full(flows, 2.0))
    quotas = replace(nothing, quota=np.full(flows, 0.5))
    capacities = replace(nothing, capacity=np.full(len(market.epsilon), 0.5))
    assert not taken(market, nothing)
    assert [taken(market, given) for given in (floors, quotas, capacities)] == [True] * 3
    assert [taken(stiff, given) for given in (floors, quotas, capacities)] == [True, False, False]
    assert not taken(nested, floors)


def test_a_straggler_goes_to_the_host(
    host: Maker, on_host: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    market, (shock,) = drawn(10, 20)
    (usual,) = solve_batch(host(), market, [shock], TIGHT)
    few = len(on_host)
    on_host.clear()
    monkeypatch.setattr("tradewedge.kernels.newton.ACCELERATED_STEPS", 12)
    (rescued,) = solve_batch(host(), market, [shock], TIGHT)
    assert len(on_host) > few
    assert_same(rescued, usual)
