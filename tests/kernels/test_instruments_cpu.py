"""The compiled sweeps under instruments against the host solver."""

from collections.abc import Iterator
from dataclasses import replace

import numba
import numpy as np
import pytest

from tradewedge.kernels import armington_cpu, instrumented, reference
from tradewedge.kernels.cut import cut
from tradewedge.kernels.instruments import no_instruments
from tradewedge.kernels.market import Ints, KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

TIGHT = Options(tolerance=1e-12)
RECIPE = Recipe(
    exporters=(6, 60),
    importers=(6, 60),
    density=(0.2, 0.9),
    sigma=(1.2, 20),
    eta=(0.05, 3),
    epsilon=(0.05, 10),
    rigid=0,
    nested=0.2,
)
SMALL = replace(RECIPE, exporters=(4, 12), importers=(4, 12))


def draw(seed: int, products: int, recipe: Recipe = RECIPE) -> tuple[Market, Shock]:
    rng = np.random.default_rng(seed)
    market = random_market(rng, products, recipe)
    return market, random_instruments(rng, market, random_shock(rng, market))


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
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


def assert_same(one: KernelSolution, other: KernelSolution) -> None:
    """Statuses alike, and prices to 1e-9.

    Prices, not their logs: behind a floor a producer who has to sell all the same, by a contract
    or for want of an alternative, may get nothing, and the log of that is any large negative
    number. Below 1e-12 of its baseline a price counts as 0.
    """
    np.testing.assert_array_equal(one.status, other.status)
    for name, scale in (("log_price", 1e-12), ("log_index", 0.0), ("log_shadow", 0.0)):
        first, second = np.exp(getattr(one, name)), np.exp(getattr(other, name))
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=scale)


def assert_identical(one: KernelSolution, other: KernelSolution) -> None:
    for name in KernelSolution.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def check(seed: int, products: int, recipe: Recipe, on_host: list[int]) -> None:
    market, shock = draw(seed, products, recipe)
    wanted = reference.solve(market, shock, TIGHT)
    on_host.clear()
    found = armington_cpu.solve(market, shock, TIGHT)
    assert_same(found, wanted)
    assert np.count_nonzero(~market.nested[on_host]) < 0.1 * products
    assert (found.residual[found.status == Status.CONVERGED] <= TIGHT.tolerance).all()


def test_forty_random_markets(on_host: list[int]) -> None:
    check(1, 40, SMALL, on_host)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_five_hundred_random_markets(seed: int, on_host: list[int]) -> None:
    check(seed, 100, RECIPE, on_host)


def test_a_product_is_solved_the_same_way_whatever_the_others() -> None:
    market, shock = draw(7, 12, SMALL)
    together = armington_cpu.solve(market, shock, Options())
    for product in range(12):
        part = cut(market, shock, product)
        alone = armington_cpu.solve(part.market, part.shock, Options())
        rows = slice(*market.exporter_ptr[product : product + 2])
        np.testing.assert_array_equal(alone.log_price, together.log_price[rows])
        np.testing.assert_array_equal(alone.log_shadow, together.log_shadow[part.limits])


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_matter(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    market, shock = draw(8, 20, SMALL)
    usual = armington_cpu.solve(market, shock, Options())
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", threads)
    assert_identical(armington_cpu.solve(market, shock, Options()), usual)


def test_products_without_an_instrument_keep_every_bit(on_host: list[int]) -> None:
    market, shock = draw(9, 20, SMALL)
    given = shock.instruments
    assert given is not None
    some = np.repeat(np.arange(20) % 2 == 0, np.diff(market.flow_ptr))
    floors = replace(no_instruments(market), floor=np.where(some, 1.2, 0.0))
    plain = armington_cpu.solve(market, replace(shock, instruments=None), Options())
    found = armington_cpu.solve(market, replace(shock, instruments=floors), Options())
    rows = np.repeat(np.arange(20) % 2 == 1, np.diff(market.exporter_ptr))
    np.testing.assert_array_equal(found.log_price[rows], plain.log_price[rows])
    assert (found.iterations[::2] > plain.iterations[::2]).any()
    assert not np.any(np.array(on_host) % 2)


def test_the_host_takes_over_where_sweeps_are_not_enough(on_host: list[int]) -> None:
    market, shock = draw(10, 10, SMALL)
    wanted = armington_cpu.solve(market, shock, TIGHT)
    before = len(on_host)
    on_host.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tradewedge.kernels.instruments_cpu.SWEEPS", 2)
        assert_same(armington_cpu.solve(market, shock, TIGHT), wanted)
    assert len(on_host) > before


def test_numbers_that_cannot_be_used() -> None:
    market, shock = draw(11, 5, replace(SMALL, nested=0))
    given = no_instruments(market)
    given.floor[market.flow_ptr[1]] = np.nan
    given.quota[market.flow_ptr[2]] = -1.0
    given.upside[market.exporter_ptr[3]] = 2.0
    given.floor[market.flow_ptr[:-1] + 1] = 1.5
    given.capacity[market.exporter_ptr[3]] = 1.0
    found = armington_cpu.solve(market, replace(shock, instruments=given), Options())
    assert found.status.tolist() == [0, 3, 3, 3, 0]
    assert np.isnan(found.residual[1:4]).all()


def test_of_two_limits_alike_the_second_is_idle() -> None:
    market, shock = draw(21, 12)
    given = shock.instruments
    assert given is not None
    entries = given.group_flow.size
    hard = replace(given, group_beyond=np.full(given.group_limit.size, np.inf))
    both = replace(
        hard,
        group_ptr=np.concatenate([given.group_ptr, given.group_ptr[1:] + entries]),
        group_flow=np.tile(given.group_flow, 2),
        group_weight=np.tile(given.group_weight, 2),
        group_limit=np.tile(given.group_limit, 2),
        group_beyond=np.tile(hard.group_beyond, 2),
    )
    once, twice = (
        armington_cpu.solve(market, replace(shock, instruments=one), TIGHT) for one in (hard, both)
    )
    assert (once.log_shadow > 0).any()
    assert_same(twice, replace(once, log_shadow=np.append(once.log_shadow, 0 * once.log_shadow)))
