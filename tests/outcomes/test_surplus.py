"""Surplus against numeric integration of the curves it is the area of."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import tradewedge as tw

WorldMaker = Callable[..., tw.World]
INF = float("inf")
CASE = tw.Scenario(
    "case",
    [
        tw.Tariff(importer="USA", exporter="CHN", rate=0.6),
        tw.DemandShift(importer="JPN", factor=1.5),
        tw.TradeCost(exporter="GBR", factor=0.7),
    ],
)
MINES = tw.Scenario("mines", [*CASE.measures, tw.SupplyShift(exporter="GBR", factor=1.7)])


@given(
    seed=st.integers(0, 2**32 - 1),
    eta=st.one_of(st.sampled_from([0.0, 1.0, 1 + 1e-12]), st.floats(0, 4)),
)
def test_consumer_surplus_is_the_area_left_of_demand(
    seed: int, eta: float, random_world: WorldMaker
) -> None:
    world = random_world(seed, eta=eta, density=1.0)
    table = tw.solve(world, CASE).importers().collect()
    for row in table.iter_rows(named=True):
        shift = 1.5 if row["importer"] == "JPN" else 1.0
        area, _ = quad(lambda p: p**-eta, 1.0, row["price_index_hat"], epsabs=0, epsrel=1e-11)
        expected = -row["expenditure_base"] * shift * area
        assert row["consumer_surplus"] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1), epsilon=st.floats(0, 20))
def test_producer_surplus_is_the_area_above_supply(
    seed: int, epsilon: float, random_world: WorldMaker
) -> None:
    world = random_world(seed, epsilon=epsilon, density=1.0)
    result = tw.solve(world, MINES)
    sales = dict(
        zip(
            zip(world.exporter_product, world.exporter_country, strict=True),
            world.exporter_sales,
            strict=True,
        )
    )
    for row in result.exporters().collect().iter_rows(named=True):
        key = world.products.index(row["product"]), world.countries.index(row["exporter"])
        shift = 1.7 if row["exporter"] == "GBR" else 1.0
        new, _ = quad(lambda p: p**epsilon, 0.0, row["price_hat"], epsrel=1e-11)
        old, _ = quad(lambda p: p**epsilon, 0.0, 1.0, epsrel=1e-11)
        expected = sales[key] * (shift * new - old)
        assert row["producer_surplus"] == pytest.approx(expected, rel=1e-7, abs=1e-8 * sales[key])


def test_infinite_supply_earns_nothing(random_world: WorldMaker) -> None:
    table = tw.solve(random_world(1, epsilon=INF), CASE).exporters().collect()
    assert (table["producer_surplus"] == 0).all()


def test_without_a_measure_there_is_none(world: tw.World) -> None:
    welfare = tw.solve(world, tw.Scenario("nothing", [])).welfare().collect()
    for name in ("consumer_surplus", "producer_surplus", "revenue", "rents", "net"):
        assert welfare[name].abs().max() < 1e-9


wedges = st.lists(
    st.one_of(
        st.builds(
            tw.Tariff,
            importer=st.sampled_from(["USA", "JPN", "CHN"]),
            exporter=st.sampled_from(["DEU", "GBR", "*"]),
            rate=st.floats(-0.3, 3),
        ),
        st.builds(tw.ExportTax, exporter=st.just("CHN"), rate=st.floats(-0.3, 3)),
        st.builds(tw.TradeCost, importer=st.just("USA"), factor=st.floats(1, 4)),
        st.builds(tw.Exclusion, importer=st.just("USA"), exporter=st.just("CHN")),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.filterwarnings("ignore::tradewedge.errors.SuspiciousRateWarning")
@given(
    seed=st.integers(0, 2**32 - 1),
    sigma=st.floats(1.1, 12),
    eta=st.floats(0.05, 4),
    epsilon=st.floats(0, 8),
    measures=wedges,
)
def test_no_wedge_helps_the_world(
    seed: int,
    sigma: float,
    eta: float,
    epsilon: float,
    measures: list[tw.Tariff],
    random_world: WorldMaker,
) -> None:
    """From free trade, surplus and revenue of all countries together only fall.

    It ties consumer and producer surplus, revenue and the equilibrium to each other: free trade
    maximises their sum.
    """
    world = random_world(seed, sigma=sigma, eta=eta, epsilon=epsilon, density=1.0, tariffs=False)
    result = tw.solve(world, tw.Scenario("wedges", measures))
    welfare = result.welfare().collect()
    assert welfare["complete"].all()
    assert welfare["net"].sum() <= 1e-9 * world.value.sum()


def test_the_loss_of_a_small_wedge_is_of_second_order(random_world: WorldMaker) -> None:
    world = random_world(3, density=1.0, tariffs=False)

    def loss(rate: float) -> float:
        case = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="CHN", rate=rate)])
        return -float(tw.solve(world, case, tolerance=1e-14).welfare().collect()["net"].sum())

    assert loss(1e-3) / loss(1e-2) == pytest.approx(0.01, rel=0.05)


class TestLinearModels:
    def test_surplus_is_that_of_their_own_prices(self, world: tw.World) -> None:
        case = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="CHN", rate=0.1)])
        table = tw.solve(world, case, model="gsim").importers().collect()
        expected = -table["expenditure_base"] * (table["price_index_hat"].pow(0.4) - 1) / 0.4
        np.testing.assert_allclose(table["consumer_surplus"], expected, rtol=1e-10)

    def test_an_answer_below_zero_is_none(self, world: tw.World) -> None:
        """Far from the baseline a linear price may be negative: that product is empty, and said."""
        case = tw.Scenario("half", [tw.DemandShift(importer="USA", factor=0.01)])
        low = world.with_elasticities(epsilon=0.01, eta=0.01)
        result = tw.solve(low, case, model="gsim")
        assert set(result.status().collect()["status"]) == {"out_of_range"}
        for table in (result.exporters(), result.importers(), result.welfare()):
            surplus = pl.col("^(consumer|producer)_surplus$")
            assert table.select(surplus.is_null().all()).collect().row(0)[0]
