"""A world that sees one importer: what it cannot know is null and said."""

from collections.abc import Callable

import polars as pl
import pytest

import tradewedge as tw

DUTY = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="CHN", rate=0.25)])


@pytest.fixture
def partial(world: tw.World) -> tw.World:
    """US purchases from abroad, with finite supply to this market."""
    imports = (pl.col("importer") == "USA") & (pl.col("exporter") != "USA")
    flows = world.flows().filter(imports).collect()
    tariffs = flows.select("product", "exporter", "importer", rate="tariff")
    table = pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.6], "epsilon": [2.0]})
    return tw.World.from_flows(flows, table, tariffs, observed_importers=["USA"])


@pytest.fixture
def result(partial: tw.World) -> tw.Result:
    return tw.solve(partial, DUTY)


def test_this_markets_own_outcomes_are_known(result: tw.Result) -> None:
    importers = result.importers().collect()
    assert set(importers["importer"]) == {"USA"}
    assert importers.null_count().sum_horizontal().item() == 0
    assert (importers["consumer_surplus"] < 0).all()
    prices = result.exporters().collect()
    assert (prices.filter(pl.col("exporter") == "CHN")["price_hat"] < 1).all()
    revenue = result.welfare().filter(pl.col("country") == "USA").collect()
    assert revenue["revenue"].null_count() == 0
    assert revenue["consumer_surplus"].null_count() == 0


def test_foreign_surplus_and_world_welfare_are_null(result: tw.Result) -> None:
    assert result.exporters().collect()["producer_surplus"].is_null().all()
    abroad = result.welfare().filter(pl.col("country") != "USA").collect()
    for name in ("consumer_surplus", "producer_surplus", "revenue", "net"):
        assert abroad[name].is_null().all()
    assert not abroad["complete"].any()


def test_it_is_said(result: tw.Result) -> None:
    assert any("Only purchases of USA are observed" in note for note in result.notes)


def test_unknown_tons_home_sales_and_home_shares_are_said(
    random_world: Callable[..., tw.World],
) -> None:
    world = random_world(3, home=False)
    bare = tw.World.from_flows(
        world.flows().drop("quantity"),
        pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.6], "epsilon": [2.0]}),
    )
    notes = " ".join(tw.solve(bare, tw.Scenario("nothing", [])).notes)
    assert "Home sales are known in 0 of 10 markets" in notes
    assert "For 2 of 2 products no country's home sales or home share is known" in notes
    assert "No quantities in tons are known" in notes


def test_a_world_that_sees_everything_has_nothing_to_say(world: tw.World) -> None:
    assert tw.solve(world, DUTY).notes == ()
