"""SMART: infinite supply, so that a duty is paid by the buyer and only redirects trade."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tradewedge as tw

CASE = tw.Scenario(
    "duty",
    [
        tw.Tariff(importer="USA", exporter="CHN", rate=0.25),
        tw.Tariff(importer="JPN", exporter="*", rate=0.1),
    ],
)
WorldMaker = Callable[..., tw.World]


def column(table: pl.LazyFrame, name: str) -> np.ndarray:
    return table.collect()[name].to_numpy()


@given(seed=st.integers(0, 2**32 - 1))
def test_diversion_sums_to_zero_over_partners(seed: int, random_world: WorldMaker) -> None:
    result = tw.solve(random_world(seed, density=1.0), CASE, model="smart")
    totals = (
        result.diversion()
        .group_by("product", "importer")
        .agg(pl.col("diversion", "creation").sum(), gross=pl.col("diversion").abs().sum())
        .collect()
    )
    assert totals["gross"].max() > 0
    assert (totals["diversion"].abs() <= 1e-12 * (1 + totals["gross"])).all()


def test_creation_and_diversion_make_the_change(random_world: WorldMaker) -> None:
    result = tw.solve(random_world(3), CASE, model="smart")
    tables = (
        result.flows()
        .join(result.diversion(), on=["scenario", "product", "exporter", "importer"])
        .with_columns(duty_paid=pl.col("value_base") * (1 + pl.col("tariff_base")))
        .select(
            change=pl.col("duty_paid") * (pl.col("quantity_hat") - 1),
            parts=pl.col("creation") + pl.col("diversion"),
        )
        .collect()
    )
    np.testing.assert_allclose(tables["parts"], tables["change"], atol=1e-9)


def test_a_dearer_supplier_loses_to_all_others(random_world: WorldMaker) -> None:
    case = tw.Scenario("one", [tw.Tariff(importer="USA", exporter="CHN", rate=0.25)])
    result = tw.solve(random_world(3, density=1.0), case, model="smart")
    table = result.diversion().filter(pl.col("importer") == "USA").collect()
    lost = table["exporter"] == "CHN"
    assert (table["diversion"].filter(lost) < 0).all()
    assert (table["diversion"].filter(~lost) > 0).all()
    assert (table["creation"] < 0).all()


def test_producer_prices_stay(random_world: WorldMaker) -> None:
    result = tw.solve(random_world(3), CASE, model="smart")
    assert (column(result.exporters(), "price_hat") == 1).all()
    assert (column(result.exporters(), "producer_surplus") == 0).all()


@pytest.mark.parametrize("power", [3, 6])
def test_gsim_approaches_smart_as_supply_grows_elastic(
    power: int, random_world: WorldMaker
) -> None:
    """The gap closes with 1 / epsilon."""
    world = random_world(5)
    smart = column(tw.solve(world, CASE, model="smart").flows(), "quantity_hat")
    gsim = column(
        tw.solve(world.with_elasticities(epsilon=10.0**power), CASE, model="gsim").flows(),
        "quantity_hat",
    )
    gap = np.abs(gsim - smart).max()
    assert 0 < gap < 10 * 10.0**-power


def test_gsim_with_infinite_supply_is_smart(random_world: WorldMaker) -> None:
    world = random_world(5)
    smart = tw.solve(world, CASE, model="smart").flows().collect()
    gsim = tw.solve(world.with_elasticities(epsilon=np.inf), CASE, model="gsim")
    assert gsim.flows().collect().equals(smart)


def test_the_worlds_own_supply_does_not_matter(random_world: WorldMaker) -> None:
    one, other = (
        tw.solve(random_world(5, epsilon=epsilon), CASE, model="smart").flows().collect()
        for epsilon in (0.1, 8.0)
    )
    assert one.equals(other)


@pytest.mark.parametrize("model", ["smart", "gsim"])
def test_an_exclusion_is_no_small_change(model: str, random_world: WorldMaker) -> None:
    case = tw.Scenario("no China", [tw.Exclusion(importer="USA", exporter="CHN")])
    with pytest.raises(tw.ConfigError, match=r"'no China' excludes flows.*use model 'armington'"):
        tw.solve(random_world(5), case, model=model)


def test_supply_that_is_infinite_cannot_shift(random_world: WorldMaker) -> None:
    case = tw.Scenario("mine", [tw.SupplyShift(exporter="CHN", factor=2.0)])
    with pytest.raises(tw.ConfigError, match="infinite supply, which a SupplyShift cannot move"):
        tw.solve(random_world(5), case, model="smart")
