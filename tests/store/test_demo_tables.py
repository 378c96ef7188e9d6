"""The written tables are enough to check the equilibrium, without any of our solver."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge.conf_schema import shipped_scenarios
from tradewedge.store import Run, read_run, write_run

SCENARIOS = ("us_pcmdp_tariff_25", "us_without_china", "china_excluded_everywhere")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    world = tw.load_world("minerals", year=2023)
    cases = [case for case in shipped_scenarios() if case.name in SCENARIOS]
    result = tw.solve(world, cases)
    return read_run(write_run(result, tmp_path_factory.mktemp("runs") / "demo", {}))


def test_every_market_clears(demo: Run) -> None:
    """Supply equals demand for every exporter and product, from flows, exporters, parameters.

    With baseline share s and p = p_i (1 + t') / (1 + t): P = [sum s p^(1 - sigma)]^(1 / (1 -
    sigma)), q = p^(-sigma) P^(sigma - eta), and sum over importers of w q = p_i^epsilon.
    """
    keys = ["scenario", "product"]
    buyers, sellers = [*keys, "importer"], [*keys, "exporter"]
    sigma, eta = pl.col("sigma"), pl.col("eta")
    flows = (
        demo.scan("flows")
        .join(demo.scan("parameters"), on=["product", "exporter"])
        .join(demo.scan("exporters"), on=sellers)
        .with_columns(
            # Unknown tariffs are not touched by these scenarios: their ratio is 1.
            wedge=((1 + pl.col("tariff_new")) / (1 + pl.col("tariff_base"))).fill_null(1.0),
            spent=pl.col("value_base") * (1 + pl.col("tariff_base").fill_null(0.0)),
            admitted=pl.col("value_new") > 0,
        )
        .with_columns(price=pl.col("price_hat") * pl.col("wedge") * pl.col("cost_factor"))
        .with_columns(
            term=pl.when("admitted")
            .then(
                pl.col("spent")
                / pl.col("spent").sum().over(buyers)
                * pl.col("price") ** (1 - sigma)
            )
            .otherwise(0.0)
        )
        .with_columns(index=pl.col("term").sum().over(buyers) ** (1 / (1 - sigma)))
        .with_columns(
            quantity=pl.when("admitted")
            .then(pl.col("price") ** -sigma * pl.col("index") ** (sigma - eta))
            .otherwise(0.0)
        )
        .collect()
    )
    np.testing.assert_allclose(flows["quantity"], flows["quantity_hat"], rtol=1e-9)
    np.testing.assert_allclose(
        flows["value_new"],
        flows["value_base"] * flows["price_hat"].fill_null(0.0) * flows["quantity_hat"],
        rtol=1e-9,
    )
    cleared = (
        flows.lazy()
        .group_by(sellers)
        .agg(
            demand=(pl.col("value_base") * pl.col("quantity")).sum() / pl.col("value_base").sum(),
            supply=(pl.col("price_hat") ** pl.col("epsilon")).first(),
            stranded=pl.col("price_hat").is_null().any(),
        )
        .collect()
    )
    assert cleared.filter("stranded")["demand"].to_list() == [0.0] * cleared["stranded"].sum()
    trading = cleared.filter(~pl.col("stranded"))
    excess = (trading["demand"] / trading["supply"]).log().abs()
    assert excess.max() < 1e-9


def test_prices_and_spending_agree_with_the_flows(demo: Run) -> None:
    keys = ["scenario", "product", "importer"]
    spent = pl.col("value_new") * (1 + pl.col("tariff_new").fill_null(0.0)) * pl.col("cost_factor")
    totals = demo.scan("flows").group_by(keys).agg(spent.sum().alias("spent"))
    both = demo.scan("importers").join(totals, on=keys).collect()
    np.testing.assert_allclose(both["expenditure_new"], both["spent"], rtol=1e-9, atol=1e-9)


def test_every_product_ends_converged_with_its_bound(demo: Run) -> None:
    status = demo.scan("status").collect()
    assert status["status"].unique().to_list() == ["converged"]
    assert status["error_bound"].is_not_null().all()
    assert status["error_bound"].max() < 1e-8


def test_losing_china_everywhere_harms_nothing_but_unserved_markets(demo: Run) -> None:
    importers = (
        demo.scan("importers").filter(pl.col("scenario") == "china_excluded_everywhere").collect()
    )
    unserved = importers.filter("unserved")
    assert 150 < unserved.height < 250
    assert unserved["price_index_hat"].is_null().all()
    assert unserved["consumer_surplus"].is_null().all()
    served = importers.filter(~pl.col("unserved"))
    assert served["price_index_hat"].is_finite().all()
    assert served["consumer_surplus"].is_finite().all()


def test_baseline_ties_to_the_world(demo: Run) -> None:
    world = tw.load_world("minerals", year=2023)
    flows = demo.scan("flows").filter(pl.col("scenario") == "us_without_china").collect()
    assert flows["value_base"].to_list() == world.value.tolist()


def test_manifest_is_next_to_its_tables(demo: Run) -> None:
    assert demo.directory is not None
    listed = {Path(file["path"]) for file in demo.manifest["files"]}
    found = {path.relative_to(demo.directory) for path in demo.directory.rglob("*.parquet")}
    assert listed == found
