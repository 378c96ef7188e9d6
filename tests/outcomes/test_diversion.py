"""Creation and diversion add up to the change of a flow; diversion alone does not sum to zero."""

import polars as pl
import pytest

import tradewedge as tw


@pytest.mark.parametrize(
    "measure",
    [
        tw.Tariff(importer="USA", exporter="CHN", rate=0.25),
        tw.ImportQuota(importer="USA", exporter="CHN", fraction=0.5),
        tw.Exclusion(importer="USA", exporter="CHN"),
    ],
)
def test_what_diversion_sums_to(small_world: tw.World, measure: tw.Tariff) -> None:
    """E Q (sum of s (p/P)^-sigma - 1), as docs/results.md says: never below zero."""
    world = small_world.select(["284690"])
    result = tw.solve(world, tw.Scenario("case", [measure]), tolerance=1e-12)
    split = result.diversion().filter(importer="USA").collect()
    flows = result.flows().filter(importer="USA").collect()
    buyer = result.importers().filter(importer="USA").collect().row(0, named=True)
    spent, index = buyer["expenditure_base"], buyer["price_index_hat"]
    composite = buyer["expenditure_new"] / index / spent
    paid = flows["value_base"] * (1.0 + flows["tariff_base"].fill_null(0.0))
    both = split["creation"] + split["diversion"]
    moved = paid * (flows["quantity_hat"] - 1.0)
    assert both.to_list() == pytest.approx(moved.to_list())
    assert split["creation"].sum() == pytest.approx(spent * (composite - 1.0))
    sigma = float(world.sigma[0])
    bought = (pl.col("delivered_hat") / index).pow(-sigma).fill_null(0.0)
    mix = float((flows.select(bought).to_series() * paid).sum() / paid.sum())
    assert split["diversion"].sum() == pytest.approx(spent * composite * (mix - 1.0), rel=1e-6)
    assert split["diversion"].sum() > 0.0
