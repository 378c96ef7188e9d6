"""Instruments on the rows that have some are those on all rows, whole or cut."""

from dataclasses import fields, replace

import numpy as np
import pytest

from tradewedge.kernels import armington_cpu, batch_cpu
from tradewedge.kernels.changes import Changes
from tradewedge.kernels.instruments import effectively_admitted
from tradewedge.kernels.market import Instruments, Market, Options, Shock, Status
from tradewedge.kernels.part import Part, rows_of, some_products
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock
from tradewedge.kernels.thin import OF_EXPORTERS, OF_FLOWS, Thin

RECIPE = Recipe(exporters=(4, 9), importers=(4, 9), density=(0.4, 0.9), nested=0.2, grouped=0.2)


def sample(seed: int, products: int = 9) -> tuple[Market, Shock, Instruments]:
    rng = np.random.default_rng(seed)
    market = random_market(rng, products, RECIPE)
    shock = random_instruments(rng, market, random_shock(rng, market))
    assert shock.instruments is not None
    return market, shock, shock.instruments


def on_few(market: Market, shock: Shock, products: list[int]) -> Shock:
    """The shock with the instruments of some products alone."""
    given = shock.instruments
    assert given is not None
    of_flow = np.isin(np.repeat(np.arange(len(market.sigma)), np.diff(market.flow_ptr)), products)
    of_exporter = np.isin(
        np.repeat(np.arange(len(market.sigma)), np.diff(market.exporter_ptr)), products
    )
    limit = given.group_limit.copy()
    for g, first in enumerate(given.group_ptr[:-1]):
        if given.group_ptr[g + 1] == first or not of_flow[given.group_flow[first]]:
            limit[g] = np.inf
    few = replace(
        given,
        group_limit=limit,
        **{
            name: np.where(of_flow, getattr(given, name), nothing)
            for name, nothing in OF_FLOWS.items()
        },
        **{
            name: np.where(of_exporter, getattr(given, name), nothing)
            for name, nothing in OF_EXPORTERS.items()
        },
    )
    return replace(shock, instruments=few)


def assert_same(one: Instruments, other: Instruments) -> None:
    for field in fields(Instruments):
        np.testing.assert_array_equal(
            getattr(one, field.name), getattr(other, field.name), err_msg=field.name
        )


@pytest.mark.parametrize("seed", range(5))
def test_written_out_they_are_what_they_were(seed: int) -> None:
    market, shock, given = sample(seed)
    thin = Thin.of(given)
    assert_same(thin.full(len(market.share), len(market.epsilon)), given)
    shut = np.flatnonzero(shock.admitted & ~effectively_admitted(market, shock))
    np.testing.assert_array_equal(thin.shut(market)[shock.admitted[thin.shut(market)]], shut)


@pytest.mark.parametrize("seed", range(5))
def test_a_range_is_that_of_the_whole(seed: int) -> None:
    market, _, given = sample(seed)
    a, b = 3, 7
    ptrs = market.flow_ptr, market.exporter_ptr, market.importer_ptr
    part = Part(slice(a, b), *(slice(int(ptr[a]), int(ptr[b])) for ptr in ptrs))
    thin = Thin.of(given).part(part)
    found = thin.full(
        part.flows.stop - part.flows.start, part.exporters.stop - part.exporters.start
    )
    for name in OF_FLOWS:
        np.testing.assert_array_equal(getattr(found, name), getattr(given, name)[part.flows])
    for name in OF_EXPORTERS:
        np.testing.assert_array_equal(getattr(found, name), getattr(given, name)[part.exporters])
    inside = [
        (rows - part.flows.start).tolist()
        for rows in np.split(given.group_flow, given.group_ptr[1:-1])
        if rows.size and part.flows.start <= rows[0] < part.flows.stop
    ]
    groups = [rows.tolist() for rows in np.split(found.group_flow, found.group_ptr[1:-1])]
    assert [rows for rows in groups if rows] == inside


def test_some_products_are_solved_as_among_all() -> None:
    market, shock, _ = sample(11)
    products = np.array([1, 2, 5, 8])
    inner = some_products(market, products)
    plain = replace(shock, instruments=None)
    change = Changes.of(plain).among(market, products)
    whole = armington_cpu.solve(market, plain, Options())
    found = armington_cpu.solve(inner, change.shock(inner), Options())
    np.testing.assert_array_equal(found.status, whole.status[products])
    rows = rows_of(market.exporter_ptr, products)
    np.testing.assert_allclose(found.log_price, whole.log_price[rows], rtol=0, atol=1e-9)


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("products", [[2], [0, 4, 6], list(range(9))])
def test_a_batch_gives_what_single_solves_give(products: list[int], count: int) -> None:
    """Instruments on few products are solved apart from the world, on most in it."""
    market, _, _ = sample(21)
    rng = np.random.default_rng(5)
    shocks = [
        on_few(market, random_instruments(rng, market, random_shock(rng, market)), products)
        for _ in range(count)
    ]
    several = [Changes.of(shock) for shock in shocks]
    for shock, found in zip(shocks, batch_cpu.solve_batch(market, several, Options()), strict=True):
        alone = armington_cpu.solve(market, shock, Options())
        np.testing.assert_array_equal(found.status, alone.status)
        solved = np.repeat(alone.status == Status.CONVERGED, np.diff(market.exporter_ptr))
        one, other = np.exp(found.log_price[solved]), np.exp(alone.log_price[solved])
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(found.log_shadow, alone.log_shadow, rtol=0, atol=1e-7)
