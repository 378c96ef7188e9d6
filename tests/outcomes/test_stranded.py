"""Importers without a supplier, exporters without a market: counted, not failed."""

from collections.abc import Callable

import polars as pl
import pytest

import tradewedge as tw

WorldMaker = Callable[..., tw.World]
ELASTICITIES = pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.5], "epsilon": [1.0]})
FLOWS = [
    ("x", "CHN", "USA", 100.0),
    ("x", "CHN", "JPN", 50.0),
    ("x", "CHN", "CHN", 30.0),
    ("x", "DEU", "JPN", 20.0),
    ("y", "CHN", "USA", 10.0),
    ("y", "DEU", "USA", 10.0),
]
DUTIES = [("x", "CHN", "USA", 0.2), ("y", "CHN", "USA", 0.2)]


@pytest.fixture
def stranded() -> tw.World:
    """USA buys x from CHN alone."""
    columns = ["product", "exporter", "importer"]
    return tw.World.from_flows(
        pl.DataFrame(FLOWS, schema=[*columns, "value"], orient="row"),
        ELASTICITIES,
        pl.DataFrame(DUTIES, schema=[*columns, "rate"], orient="row"),
        tariff_importers="*",
    )


class TestUnserved:
    @pytest.fixture
    def result(self, stranded: tw.World) -> tw.Result:
        ban = tw.Exclusion(importer="USA", exporter="CHN")
        return tw.solve(stranded, tw.Scenario("ban", [ban]), on_failure="raise")

    def test_the_importer_is_marked(self, result: tw.Result) -> None:
        table = result.importers().collect()
        assert table.filter("unserved").select("product", "importer").rows() == [("x", "USA")]
        lost = table.row(by_predicate=pl.col("unserved"), named=True)
        assert lost["price_index_hat"] is None
        assert lost["consumer_surplus"] is None
        assert lost["expenditure_base"] == pytest.approx(120.0)
        assert lost["expenditure_new"] == 0
        assert table.filter(~pl.col("unserved")).null_count().sum_horizontal().item() == 0

    def test_its_welfare_is_not_known(self, result: tw.Result) -> None:
        table = result.welfare().collect()
        lost = table.row(
            by_predicate=(pl.col("product") == "x") & (pl.col("country") == "USA"), named=True
        )
        assert lost["consumer_surplus"] is None
        assert lost["net"] is None
        assert not lost["complete"]
        assert lost["revenue"] == pytest.approx(-20.0)
        known = table.filter("complete").select("product", "country").rows()
        assert known == [("x", "CHN")]  # the one market whose home sales are in the world

    def test_it_makes_nothing_fail(self, result: tw.Result) -> None:
        status = result.status().collect()
        assert (status["status"] == "converged").all()
        assert status["error_bound"].null_count() == 0

    def test_creation_is_all_that_it_bought(self, result: tw.Result) -> None:
        rows = (pl.col("product") == "x") & (pl.col("importer") == "USA")
        table = result.diversion().filter(rows).collect()
        assert table["creation"].to_list() == pytest.approx([-120.0])
        assert table["diversion"].to_list() == pytest.approx([0.0])

    def test_the_others_still_clear(self, result: tw.Result) -> None:
        """What CHN no longer sells to the USA depresses its price elsewhere."""
        prices = dict(
            result.exporters()
            .filter(pl.col("product") == "x")
            .select("exporter", "price_hat")
            .collect()
            .iter_rows()
        )
        assert prices["CHN"] < prices["DEU"] < 1

    def test_a_tie_with_demand_that_shifts(self, stranded: tw.World) -> None:
        """Whoever has no supplier cannot buy more either."""
        case = tw.Scenario(
            "ban and boom",
            [
                tw.Exclusion(importer="USA", exporter="CHN"),
                tw.DemandShift(importer="USA", factor=2.0),
            ],
        )
        table = tw.solve(stranded, case).importers().collect()
        assert table.filter("unserved")["expenditure_new"].to_list() == [0.0]


class TestWithoutAMarket:
    @pytest.fixture
    def result(self, stranded: tw.World) -> tw.Result:
        ban = tw.Exclusion(exporter="DEU")
        return tw.solve(stranded, tw.Scenario("ban", [ban]), on_failure="raise")

    def test_the_exporter_sells_nothing(self, result: tw.Result) -> None:
        table = result.exporters().filter(pl.col("exporter") == "DEU").collect()
        assert table["price_hat"].to_list() == [None, None]
        assert table["output_hat"].to_list() == [0.0, 0.0]

    def test_it_loses_its_whole_surplus(self, result: tw.Result) -> None:
        """R / (1 + epsilon): all of the area above supply."""
        table = result.exporters().filter(pl.col("exporter") == "DEU").collect()
        assert table["producer_surplus"].to_list() == pytest.approx([-10.0, -5.0])
        welfare = result.welfare().filter(pl.col("country") == "DEU").collect()
        assert welfare["producer_surplus"].to_list() == pytest.approx([-10.0, -5.0])
        assert welfare["net"].null_count() == 2  # its home sales are not in the world

    def test_no_importer_is_unserved(self, result: tw.Result) -> None:
        assert not result.importers().collect()["unserved"].any()


def test_everyone_may_be_cut_off(stranded: tw.World) -> None:
    case = tw.Scenario("no trade", [tw.Exclusion(include_domestic=True)])
    result = tw.solve(stranded, case, on_failure="raise")
    assert result.importers().collect()["unserved"].all()
    assert (result.exporters().collect()["output_hat"] == 0).all()
    assert (result.flows().collect()["value_new"] == 0).all()
    assert not result.welfare().collect()["complete"].any()
    assert set(result.status().collect()["status"]) == {"converged"}


def test_infinite_supply_without_a_market(stranded: tw.World) -> None:
    case = tw.Scenario("ban", [tw.Exclusion(exporter="DEU")])
    table = tw.solve(stranded.with_elasticities(epsilon=float("inf")), case).exporters().collect()
    germany = table.filter(pl.col("exporter") == "DEU")
    assert germany["price_hat"].null_count() == 2
    assert germany["output_hat"].to_list() == [0.0, 0.0]
    assert germany["producer_surplus"].to_list() == [0.0, 0.0]
    assert (table.filter(pl.col("exporter") == "CHN")["price_hat"] == 1).all()


def test_a_served_importer_that_was_not(stranded: tw.World) -> None:
    """Against a reference that cut it off, its levels come back without a ratio."""
    law = tw.Scenario("law", [tw.Exclusion(importer="USA", exporter="CHN")])
    result = tw.solve(stranded, tw.Scenario("open", []), reference=law)
    rows = (pl.col("product") == "x") & (pl.col("importer") == "USA")
    row = result.importers().filter(rows).collect().row(0, named=True)
    assert not row["unserved"]
    assert row["price_index_hat"] is None
    assert row["consumer_surplus"] is None
    assert row["expenditure_base"] == 0
    assert row["expenditure_new"] == pytest.approx(120.0)
