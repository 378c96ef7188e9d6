"""The shape of every table: columns, types, order, units."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tradewedge as tw

TEXT, NUMBER = pl.String, pl.Float64
COLUMNS = {
    "flows": [
        *("scenario", "product", "exporter", "importer"),
        *("value_base", "value_new", "quantity_hat", "quantity_base", "quantity_new"),
        *("delivered_hat", "cost_factor", "tariff_base", "tariff_new", "levy", "rent"),
    ],
    "exporters": [
        *("scenario", "product", "exporter"),
        *("price_hat", "output_hat", "producer_surplus"),
    ],
    "importers": [
        *("scenario", "product", "importer"),
        *("price_index_hat", "expenditure_base", "expenditure_new", "consumer_surplus"),
        "unserved",
    ],
    "diversion": ["scenario", "product", "exporter", "importer", "creation", "diversion"],
    "transfers": [
        *("scenario", "product", "payer", "receiver", "authority", "kind"),
        *("amount_base", "amount_new"),
    ],
    "welfare": [
        *("scenario", "product", "country"),
        *("consumer_surplus", "producer_surplus", "revenue", "rents", "net", "complete"),
    ],
    "limits": [
        *("scenario", "product", "measure", "kind"),
        *("limit", "used", "shadow_price", "slack"),
    ],
    "parameters": [
        *("product", "exporter", "sigma", "eta", "epsilon"),
        *("source", "eta_kind"),
        *("sigma_standard_error", "eta_standard_error", "epsilon_standard_error"),
    ],
    "status": ["scenario", "product", "status", "iterations", "residual", "error_bound"],
}
KEYS = {
    "flows": COLUMNS["flows"][:4],
    "exporters": COLUMNS["exporters"][:3],
    "importers": COLUMNS["importers"][:3],
    "diversion": COLUMNS["diversion"][:4],
    "transfers": COLUMNS["transfers"][:6],
    "welfare": COLUMNS["welfare"][:3],
    "limits": COLUMNS["limits"][:4],
    "parameters": COLUMNS["parameters"][:2],
    "status": COLUMNS["status"][:2],
}
KINDS = {
    "unserved": pl.Boolean,
    "complete": pl.Boolean,
    "iterations": pl.Int64,
    **dict.fromkeys(
        ["scenario", "product", "exporter", "importer", "payer", "receiver", "authority"], TEXT
    ),
    **dict.fromkeys(["kind", "country", "measure", "source", "eta_kind", "status"], TEXT),
}
BAN = tw.Scenario("a ban", [tw.Exclusion(importer="USA", exporter="CHN")])


@pytest.fixture
def result(world: tw.World, everything: tw.Scenario) -> tw.Result:
    return tw.solve(world, [everything, BAN, tw.Scenario("nothing", [])])


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_and_types(name: str, result: tw.Result) -> None:
    """These names and types stay, in this order; a later version may add columns."""
    table = result.tables()[name]
    assert isinstance(table, pl.LazyFrame)
    schema = table.collect().schema
    kept = {column: kind for column, kind in schema.items() if column in COLUMNS[name]}
    assert list(kept) == COLUMNS[name]
    assert kept == {column: KINDS.get(column, NUMBER) for column in COLUMNS[name]}
    assert getattr(result, name)().collect().equals(table.collect())


def test_tables_are_the_methods(result: tw.Result) -> None:
    assert set(COLUMNS) <= set(result.tables())


def test_invented_scenarios_are_marked_in_every_table(world: tw.World) -> None:
    rate = tw.Tariff(importer="USA", exporter="CHN", rate=0.1, status="hypothetical")
    cases = [tw.Scenario("a", [rate]), tw.Scenario("b", [])]
    for reference, marked in ((None, [True, False]), (tw.Scenario("c", [rate]), [True, True])):
        for name, table in tw.solve(world, cases, reference=reference).tables().items():
            if name in ("parameters", "limits"):  # no scenario, no rows
                continue
            found = table.select("scenario", "hypothetical").unique().sort("scenario").collect()
            assert found["hypothetical"].to_list() == marked, name


@pytest.mark.parametrize("name", COLUMNS)
def test_keys_are_sorted_and_unique(name: str, result: tw.Result) -> None:
    table = result.tables()[name].collect().select(KEYS[name])
    assert table.equals(table.sort(KEYS[name]))
    assert not table.is_duplicated().any()


@pytest.mark.parametrize("name", COLUMNS)
def test_missing_is_null_never_nan(name: str, result: tw.Result) -> None:
    table = result.tables()[name].collect()
    for column, kind in table.schema.items():
        if kind == NUMBER:
            assert not table[column].drop_nulls().is_nan().any()


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_is_documented(name: str) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "results.md").read_text()
    part = text.split(f"**{name}**", 1)[1].split("\n\n**", 1)[0]
    words = set(re.findall(r"\w+", part + ("exporter importer" if name == "diversion" else "")))
    assert set(COLUMNS[name]) - {"scenario"} <= words


def test_order_survives_many_rows() -> None:
    """The tables of several scenarios are put together lazily; streaming must not mix them."""
    world = tw.load_world("minerals")
    names = ["d", "a", "c", "b"]
    cases = [
        tw.Scenario(name, [tw.Tariff(importer="USA", exporter="CHN", rate=rate)])
        for name, rate in zip(names, (0.1, 0.2, 0.3, 0.4), strict=True)
    ]
    result = tw.solve(world, cases, model="smart")
    for name in ("flows", "transfers", "welfare"):
        table = result.tables()[name].collect()
        assert table.height > 4
        assert table.select(KEYS[name]).equals(table.select(KEYS[name]).sort(KEYS[name]))


class TestFlows:
    def test_every_baseline_flow_is_there(self, world: tw.World, result: tw.Result) -> None:
        table = result.flows().collect()
        base = world.flows().collect()
        for name in ("everything", "a ban", "nothing"):
            part = table.filter(pl.col("scenario") == name)
            assert part["value_base"].equals(base["value"].rename("value_base"))
            assert part["quantity_base"].equals(base["quantity"].rename("quantity_base"))
            assert part["tariff_base"].equals(base["tariff"].rename("tariff_base"))

    def test_excluded_ones_are_zero_and_have_no_price(self, result: tw.Result) -> None:
        table = result.flows().filter(pl.col("scenario") == "a ban").collect()
        lost = (pl.col("importer") == "USA") & (pl.col("exporter") == "CHN")
        for name in ("value_new", "quantity_hat", "quantity_new"):
            assert (table.filter(lost)[name] == 0).all()
            assert (table.filter(~lost)[name] > 0).all()
        assert table.filter(lost)["delivered_hat"].is_null().all()
        assert table.filter(~lost)["delivered_hat"].is_not_null().all()

    def test_tons_that_are_not_reported_stay_so(self) -> None:
        flows = pl.DataFrame(
            {
                "product": ["x", "x"],
                "exporter": ["CHN", "DEU"],
                "importer": ["USA", "USA"],
                "value": [1.0, 2.0],
                "quantity": [None, 4.0],
            }
        )
        table = pl.DataFrame({"product": [""], "sigma": [3.0], "eta": [1.0], "epsilon": [1.0]})
        world = tw.World.from_flows(flows, table)
        out = tw.solve(world, tw.Scenario("nothing", [])).flows().collect()
        assert out["quantity_base"].to_list() == [None, 4.0]
        assert out["quantity_new"].to_list() == [None, pytest.approx(4.0)]
        assert out["quantity_hat"].null_count() == 0

    @pytest.mark.parametrize("model", ["armington", "gsim"])
    def test_columns_hang_together(
        self, model: str, world: tw.World, everything: tw.Scenario
    ) -> None:
        case = everything
        if model == "gsim":
            allowed = [m for m in everything.measures if not isinstance(m, tw.Exclusion)]
            case = tw.Scenario("everything", allowed)
        result = tw.solve(world, case, model=model)
        table = (
            result.flows()
            .join(result.exporters(), on=["scenario", "product", "exporter"])
            .collect()
        )
        china = pl.col("exporter") == "CHN"
        tax = table.select(
            pl.when(china & (pl.col("importer") == "USA"))
            .then(0.20)
            .when(china & (pl.col("importer") != "CHN"))
            .then(0.15)
            .otherwise(0.0)
        ).to_series()
        cost = table.select(
            pl.when((pl.col("importer") == "DEU") & pl.col("exporter").is_in(["CHN", "JPN"]))
            .then(1.2)
            .otherwise(1.0)
        ).to_series()
        np.testing.assert_allclose(table["cost_factor"], (1 + tax) * cost, rtol=1e-14)
        np.testing.assert_allclose(
            table["value_new"],
            table["value_base"] * table["price_hat"] * (1 + tax) * table["quantity_hat"],
            rtol=1e-12,
        )
        np.testing.assert_allclose(
            table["quantity_new"], table["quantity_base"] * table["quantity_hat"], rtol=1e-14
        )
        if model == "armington":
            there = table["quantity_hat"] > 0
            duty = (1 + table["tariff_new"]) / (1 + table["tariff_base"])
            np.testing.assert_allclose(
                table["delivered_hat"].filter(there),
                (table["price_hat"] * table["cost_factor"] * duty).filter(there),
                rtol=1e-12,
            )

    def test_rates_are_those_of_the_measures(
        self, world: tw.World, everything: tw.Scenario
    ) -> None:
        table = tw.solve(world, everything).flows().collect()
        rate = {
            (e, i): (base, new)
            for e, i, base, new in table.filter(pl.col("product") == "284610")
            .select("exporter", "importer", "tariff_base", "tariff_new")
            .iter_rows()
        }

        def new(exporter: str, importer: str) -> float:
            return rate[exporter, importer][1]

        def base(exporter: str, importer: str) -> float:
            return rate[exporter, importer][0]

        assert new("CHN", "USA") == pytest.approx(base("CHN", "USA") + 0.35)
        assert new("GBR", "USA") == pytest.approx(base("GBR", "USA") + 0.10)
        assert new("USA", "USA") == base("USA", "USA")
        assert new("CHN", "JPN") == 0.05
        assert new("CHN", "GBR") == pytest.approx(base("CHN", "GBR") / 2)


def test_parameters_are_the_worlds(world: tw.World, result: tw.Result) -> None:
    table = result.parameters().collect()
    assert table.height == world.epsilon.size
    assert set(table["sigma"]) == {4.0}
    assert set(table["eta"]) == {0.6}
    assert set(table["epsilon"]) == {1.2}
    assert set(table["source"]) == {"user table"}
    assert set(table["eta_kind"]) == {"composite"}
    assert table["sigma_standard_error"].is_null().all()


def test_status_has_a_row_for_every_product_and_scenario(
    world: tw.World, result: tw.Result
) -> None:
    table = result.status().collect()
    assert table.height == 3 * len(world.products)
    assert (table["status"] == "converged").all()
    assert (table["residual"] <= 1e-10).all()
    assert (table["error_bound"] < 1e-9).all()


def test_linear_models_prove_no_bound(world: tw.World) -> None:
    case = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="CHN", rate=0.1)])
    table = tw.solve(world, case, model="gsim").status().collect()
    assert table["error_bound"].is_null().all()
    assert (table["residual"] < 1e-12).all()
