"""The nest of home sales against the bundle of imports."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

import tradewedge as tw

WorldMaker = Callable[..., tw.World]
DUTY = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="*", rate=0.25)])
BAN = tw.Scenario("ban", [tw.Exclusion(importer="USA", exporter=["CHN", "JPN"])])
NOTHING_LEFT = tw.Scenario("ban", [tw.Exclusion(importer="USA", exporter="*")])


def solve(world: tw.World, case: tw.Scenario, sigma_home: float | None) -> pl.DataFrame:
    result = tw.solve(
        world, case, model_options={"sigma_home": sigma_home}, tolerance=1e-12, on_failure="raise"
    )
    return result.flows().collect()


@pytest.mark.parametrize("case", [DUTY, BAN], ids=["duty", "ban"])
def test_at_sigma_it_is_no_nest(case: tw.Scenario, random_world: WorldMaker) -> None:
    world = random_world(4)
    nested, flat = solve(world, case, 4.0), solve(world, case, None)
    for name in ("quantity_hat", "delivered_hat", "value_new"):
        np.testing.assert_allclose(
            nested[name].to_numpy(), flat[name].to_numpy(), rtol=1e-10, equal_nan=True
        )


def test_without_home_sales_it_does_not_matter(random_world: WorldMaker) -> None:
    world = random_world(4, home=False)
    np.testing.assert_allclose(
        solve(world, DUTY, 1.5)["quantity_hat"], solve(world, DUTY, None)["quantity_hat"], rtol=1e-9
    )


def test_the_less_home_replaces_imports_the_less_it_gains(random_world: WorldMaker) -> None:
    world = random_world(4, density=1.0)
    at_home = (pl.col("exporter") == "USA") & (pl.col("importer") == "USA")
    gains = [
        solve(world, DUTY, sigma_home).filter(at_home)["quantity_hat"].to_numpy()
        for sigma_home in (0.5, 2.0, 4.0, 8.0)
    ]
    for less, more in pairwise(gains):
        assert (less < more).all()


@pytest.mark.parametrize(
    ("case", "sigma"),
    [
        *((DUTY, sigma) for sigma in (0.4, 1 - 1e-9, 1.0, 1 + 1e-9, 1 + 1e-4, 3.0, 30.0)),
        *((case, sigma) for case in (BAN, NOTHING_LEFT) for sigma in (1 + 1e-4, 3.0, 30.0)),
    ],
)
def test_markets_clear_in_the_table(
    case: tw.Scenario, sigma: float, random_world: WorldMaker
) -> None:
    """Quantities follow from prices alone, so that they test the index of imports too."""
    world = random_world(6, sigma=sigma, density=1.0)
    result = tw.solve(
        world, case, model_options={"sigma_home": 1.8}, tolerance=1e-12, on_failure="raise"
    )
    demanded = (
        result.flows()
        .group_by("product", "exporter")
        .agg(
            demanded=(pl.col("value_base") * pl.col("quantity_hat")).sum()
            / pl.col("value_base").sum()
        )
    )
    table = result.exporters().join(demanded, on=["product", "exporter"]).collect()
    np.testing.assert_allclose(table["demanded"], table["output_hat"], rtol=1e-9)


@pytest.mark.filterwarnings("ignore::tradewedge.errors.SuspiciousRateWarning")
def test_a_prohibitive_duty_does_not_overflow(random_world: WorldMaker) -> None:
    """One supplier a billion times dearer, at a sigma where its powers leave float64."""
    world = random_world(6, sigma=45.0, density=1.0)
    wall = tw.Scenario("wall", [tw.TradeCost(importer="USA", exporter="CHN", factor=1e9)])
    lost = tw.Scenario("lost", [tw.Exclusion(importer="USA", exporter="CHN")])
    np.testing.assert_allclose(
        solve(world, wall, 2.0)["quantity_hat"],
        solve(world, lost, 2.0)["quantity_hat"],
        atol=1e-9,
    )


def test_a_product_without_a_solution_is_empty_not_zero(random_world: WorldMaker) -> None:
    """All imports are lost and sigma_home is below 1: no finite price index."""
    world = random_world(4, density=1.0)
    case = tw.Scenario("ban", [tw.Exclusion(importer="USA", products="284690")])
    result = tw.solve(world, case, model_options={"sigma_home": 0.8})
    status = dict(result.status().select("product", "status").collect().iter_rows())
    assert status == {"284610": "converged", "284690": "infeasible"}
    failed, fine = pl.col("product") == "284690", pl.col("product") == "284610"

    flows = result.flows().collect()
    excluded = (pl.col("importer") == "USA") & (pl.col("exporter") != "USA")
    for name in ("value_new", "quantity_hat", "quantity_new"):
        assert (flows.filter(failed & excluded)[name] == 0).all()
        assert flows.filter(failed & ~excluded)[name].is_null().all()
        assert flows.filter(fine)[name].is_not_null().all()
    importers = result.importers().collect()
    assert not importers["unserved"].any()
    for name in ("price_index_hat", "expenditure_new", "consumer_surplus"):
        assert importers.filter(failed)[name].is_null().all()
        assert importers.filter(fine)[name].is_not_null().all()
    exporters = result.exporters().collect()
    for name in ("price_hat", "output_hat", "producer_surplus"):
        assert exporters.filter(failed)[name].is_null().all()
    welfare = result.welfare().collect()
    assert (welfare["complete"] == (welfare["product"] == "284610")).all()
    assert welfare.filter(failed)["net"].is_null().all()
    transfers = result.transfers().collect()
    assert transfers.filter(failed & (pl.col("payer") != "USA"))["amount_new"].is_null().all()
    with pytest.raises(tw.SolveError, match=r"284690 \(infeasible"):
        tw.solve(world, case, model_options={"sigma_home": 0.8}, on_failure="raise")
