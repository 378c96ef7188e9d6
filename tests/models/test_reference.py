"""A policy against the law of a date: ratios to another scenario's solution."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tradewedge as tw

WorldMaker = Callable[..., tw.World]
LAW = tw.Scenario(
    "law",
    [
        tw.Tariff(importer="USA", exporter="CHN", rate=0.25),
        tw.Exclusion(importer="JPN", exporter="GBR"),
    ],
)
POLICY = tw.Scenario(
    "policy",
    [
        tw.Tariff(importer="USA", exporter="*", rate=0.1),
        tw.Exclusion(importer="JPN", exporter="GBR"),
        tw.Exclusion(importer="USA", exporter="CHN"),
    ],
)
OPEN = tw.Scenario("open", [tw.Tariff(importer="USA", exporter="CHN", rate=0.0)])
HATS = {
    "flows": ["quantity_hat", "delivered_hat", "cost_factor"],
    "exporters": ["price_hat", "output_hat"],
    "importers": ["price_index_hat"],
}


@pytest.fixture
def world(random_world: WorldMaker) -> tw.World:
    return random_world(11, density=1.0)


@pytest.mark.parametrize("model", ["armington", "gsim", "smart"])
def test_against_itself_nothing_changes(model: str, world: tw.World) -> None:
    law = LAW if model == "armington" else tw.Scenario("law", LAW.measures[:1])
    same = tw.Scenario("again", law.measures)
    tables = tw.solve(world, same, reference=law, model=model).tables()
    for name, hats in HATS.items():
        table = tables[name].collect()
        for hat in hats:
            assert (table[hat].drop_nulls() == 1).all()
    flows, importers = tables["flows"].collect(), tables["importers"].collect()
    assert flows["value_base"].equals(flows["value_new"])
    assert flows["tariff_base"].equals(flows["tariff_new"])
    assert importers["expenditure_base"].equals(importers["expenditure_new"])
    welfare = tables["welfare"].collect()
    for name in ("consumer_surplus", "producer_surplus", "revenue", "net"):
        assert (welfare[name] == 0).all()
    assert (tables["diversion"].collect()["diversion"].drop_nulls() == 0).all()


def test_flows_excluded_in_both_have_no_ratio(world: tw.World) -> None:
    same = tw.Scenario("again", LAW.measures)
    table = tw.solve(world, same, reference=LAW).flows().collect()
    lost = (table["exporter"] == "GBR") & (table["importer"] == "JPN")
    for name in ("quantity_hat", "delivered_hat"):
        assert (table[name].is_null() == lost).all()
    assert (table.filter(lost)["value_base"] == 0).all()
    assert (table.filter(lost)["quantity_base"] == 0).all()


def test_hats_chain(world: tw.World) -> None:
    """new / law times law / data year is new / data year."""
    later = tw.solve(world, POLICY, reference=LAW)
    first, whole = tw.solve(world, LAW), tw.solve(world, POLICY)
    for name, hats in HATS.items():
        parts = [result.tables()[name].collect() for result in (later, first, whole)]
        for hat in hats:
            two, one, both = (table[hat].to_numpy() for table in parts)
            there = ~np.isnan(one * two)
            np.testing.assert_allclose((one * two)[there], both[there], rtol=1e-9)


def test_levels_of_the_reference_are_its_own(world: tw.World) -> None:
    later, first = tw.solve(world, POLICY, reference=LAW), tw.solve(world, LAW)
    pairs = {
        "flows": [
            ("value_base", "value_new"),
            ("quantity_base", "quantity_new"),
            ("tariff_base", "tariff_new"),
        ],
        "importers": [("expenditure_base", "expenditure_new")],
    }
    for name, columns in pairs.items():
        base, new = (result.tables()[name].collect() for result in (later, first))
        for left, right in columns:
            assert base[left].to_list() == new[right].to_list()


def test_money_adds_up(world: tw.World) -> None:
    """What a policy changes beyond the law is its change less the law's."""
    later = tw.solve(world, POLICY, reference=LAW)
    both = tw.solve(world, [LAW, POLICY])
    keys = ["product", "country"]
    money = ["consumer_surplus", "producer_surplus", "revenue", "net"]
    law, policy = (
        both.welfare().filter(pl.col("scenario") == name).collect() for name in ("law", "policy")
    )
    difference = policy.select(*keys, *((pl.col(name) - law[name]) for name in money))
    assert_frame_equal(later.welfare().collect().select(*keys, *money), difference)


def test_transfers_meet_in_the_middle(world: tw.World) -> None:
    keys = ["product", "payer", "receiver", "authority", "kind"]
    base = (
        tw.solve(world, POLICY, reference=LAW)
        .transfers()
        .filter(pl.col("amount_base") != 0)
        .select(*keys, amount="amount_base")
        .collect()
    )
    new = (
        tw.solve(world, LAW)
        .transfers()
        .filter(pl.col("amount_new") != 0)
        .select(*keys, amount="amount_new")
        .collect()
    )
    assert_frame_equal(base, new)


def test_a_supplier_let_in_again_has_a_level_but_no_ratio(world: tw.World) -> None:
    table = tw.solve(world, OPEN, reference=LAW).flows().collect()
    back = table.filter((pl.col("exporter") == "GBR") & (pl.col("importer") == "JPN"))
    assert (back["value_base"] == 0).all()
    assert (back["value_new"] > 0).all()
    assert back["quantity_hat"].null_count() == back["delivered_hat"].null_count() == back.height


def test_the_reference_is_named(world: tw.World) -> None:
    result = tw.solve(world, OPEN, reference=LAW)
    assert result.reference == LAW
    assert set(result.flows().collect()["scenario"]) == {"open"}
