"""Which elasticities a summary says it rests on."""

from collections.abc import Callable

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.report import text
from tradewedge.report.assumptions import elasticities
from tradewedge.report.headline import Headline
from tradewedge.store import Run

Narrow = Callable[[Run | tw.Result, str], Headline]
DUTY = tw.Scenario("duty", [tw.Tariff(importer="USA", rate=0.1)])


@pytest.fixture(scope="module")
def result(small_world: tw.World) -> tw.Result:
    table = pl.DataFrame(
        {
            "product": ["2846", "8505"],
            "sigma": [4.0, 8.0],
            "eta": [0.5, 1.0],
            "epsilon": [1.0, 2.0],
            "source": ["test", "test"],
        }
    )
    return tw.solve(small_world.with_elasticities(table), DUTY)


def test_means_are_weighted_by_spending(result: tw.Result, headline_of: Narrow) -> None:
    found = elasticities(headline_of(result, "duty"))
    spent = result.importers().filter(importer="USA").collect()["expenditure_base"]
    assert found["sigma_mean"] == pytest.approx((4 * spent[0] + 8 * spent[1]) / spent.sum())
    assert (found["sigma_min"], found["sigma_max"]) == (4.0, 8.0)
    assert (found["epsilon_min"], found["epsilon_max"]) == (1.0, 2.0)


def test_kinds_of_eta_are_counted_in_words(result: tw.Result) -> None:
    page = " ".join(text(result, width=80).split())
    assert "Elasticities of the touched products: user" in page
    assert "demand for all purchases for 1 product, whose home sales are known in some" in page
    assert "for 1 product whose home sales are known nowhere" in page


def test_nests_are_told(small_world: tw.World) -> None:
    options = {
        "sigma_home": 2.5,
        "supplier_groups": {"allied": ["JPN", "USA"]},
        "sigma_groups": {"2846": 1.5, "*": 2.0},
    }
    page = " ".join(text(tw.solve(small_world, DUTY, model_options=options), width=80).split())
    assert "nest: home sales against imports, sigma_home 2.5" in page
    assert "sigma_groups 1.5 for 2846, 2 for *: allied (JPN, USA); all others are one" in page
    assert "No source is known for sigma_groups" in page
    assert "nest:" not in text(tw.solve(small_world, DUTY))


def test_the_horizon_is_told(small_world: tw.World) -> None:
    page = text(tw.solve(small_world, DUTY, horizon=2), width=100)
    assert "Elasticities of the touched products: 2 years: between short (1 year) and long" in page


def test_an_import_demand_elasticity_shows_what_it_is_made_of(small_world: tw.World) -> None:
    flows = small_world.flows().filter(pl.col("exporter") != pl.col("importer")).collect()
    share = pl.DataFrame({"product": ["284690", "850511"], "home_share": [0.25, 0.75]})
    table = pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.5], "epsilon": [1.0]})
    world = tw.World.from_flows(flows, table, home_share=share, notes=["Shares are of sectors."])
    page = text(tw.solve(world, DUTY), width=80)
    rows = {line[:34].strip(): line[34:].split() for line in page.splitlines()}
    assert rows["eta: demand, as the model uses it"][1:] == ["1.38", "3.12"]
    assert rows["made from: eta of all purchases"] == ["0.5", "0.5", "0.5"]
    assert rows["and home producers' share"][2:] == ["25.0", "%", "75.0", "%"]
    assert "import-demand elasticity" in page
    assert "Shares are of sectors." in page


def test_overrides_are_part_of_the_name(small_world: tw.World) -> None:
    page = text(tw.solve(small_world.with_elasticities(sigma=6.0), DUTY), width=80)
    assert "Elasticities of the touched products: user, sigma=6" in page


def test_infinite_supply(small_world: tw.World) -> None:
    page = text(tw.solve(small_world.with_elasticities(epsilon=float("inf")), DUTY), width=80)
    row = next(line for line in page.splitlines() if line.startswith("epsilon"))
    assert row.split()[-3:] == ["inf", "inf", "inf"]
