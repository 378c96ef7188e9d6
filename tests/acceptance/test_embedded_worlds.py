"""Both embedded worlds through the public names: nothing changes nothing, totals tie."""

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge.sources import embedded

NOTHING = tw.Scenario("nothing", [])
WORLDS = [("minerals", 2022), ("minerals", 2023), ("us_imports", 2024)]


@pytest.mark.parametrize(("name", "year"), WORLDS)
def test_without_a_measure_every_hat_is_one(name: str, year: int) -> None:
    result = tw.solve(tw.load_world(name, year=year), NOTHING)
    for table in (result.flows(), result.exporters(), result.importers()):
        frame = table.collect()
        for column in (c for c in frame.columns if c.endswith("_hat")):
            np.testing.assert_allclose(frame[column], 1.0, rtol=0, atol=1e-12)
    assert (result.status().collect()["status"] == "converged").all()


@pytest.mark.parametrize("year", [2022, 2023])
def test_minerals_tie_to_what_was_kept_of_the_source(year: int) -> None:
    audit = embedded.extra_table("minerals", "audit")
    kept = audit.filter(
        pl.col("year") == year, pl.col("table") == "flows", pl.col("step") == "kept"
    )
    flows = tw.solve(tw.load_world("minerals", year=year), NOTHING).flows()
    abroad = flows.filter(pl.col("exporter") != pl.col("importer")).collect()
    assert abroad.height == kept["rows"].item()
    assert abroad["value_base"].sum() == pytest.approx(kept["value"].item(), rel=1e-12)
    assert abroad["quantity_base"].sum() == pytest.approx(kept["quantity"].item(), rel=1e-12)


def test_us_imports_tie_to_the_duty_charged() -> None:
    """3,084 bn USD of imports outside chapters 98 and 99, on which 75.6 bn were charged."""
    result = tw.solve(tw.load_world("us_imports"), NOTHING)
    value = result.flows().select(pl.col("value_base").sum()).collect().item()
    duty = result.transfers().select(pl.col("amount_base").sum()).collect().item()
    assert value / 1e6 == pytest.approx(3084.2, abs=0.05)
    assert duty / 1e6 == pytest.approx(75.6, abs=0.05)


def test_us_imports_follow_their_closed_form() -> None:
    """Supply to one market is infinite: each product's quantities are explicit."""
    world = tw.load_world("us_imports")
    case = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="CHN", rate=0.25)])
    result = tw.solve(world, case, on_failure="raise")
    assert np.isinf(world.epsilon).all()
    assert (result.exporters().collect()["price_hat"] == 1).all()
    buyer = pl.col("product")
    expected = (
        result.flows()
        .join(result.parameters(), on=["product", "exporter"])
        .with_columns(
            price=(1 + pl.col("tariff_new")) / (1 + pl.col("tariff_base")),
            spent=pl.col("value_base") * (1 + pl.col("tariff_base")),
        )
        .with_columns(
            term=pl.col("spent")
            / pl.col("spent").sum().over(buyer)
            * pl.col("price") ** (1 - pl.col("sigma"))
        )
        .with_columns(index=pl.col("term").sum().over(buyer) ** (1 / (1 - pl.col("sigma"))))
        .select(
            "quantity_hat",
            quantity=pl.col("price") ** -pl.col("sigma")
            * pl.col("index") ** (pl.col("sigma") - pl.col("eta")),
        )
        .collect()
    )
    np.testing.assert_allclose(expected["quantity_hat"], expected["quantity"], rtol=1e-11)
