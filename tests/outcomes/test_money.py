"""Who pays whom: totals over tables tie, and every authority gets its own."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import tradewedge as tw

WorldMaker = Callable[..., tw.World]
MARKET = ["product", "importer"]


def without_exclusion(case: tw.Scenario) -> tw.Scenario:
    kept = [m for m in case.measures if not isinstance(m, tw.Exclusion)]
    return tw.Scenario(case.name, kept)


@pytest.mark.parametrize("model", ["armington", "gsim"])
def test_what_buyers_pay_goes_somewhere(
    model: str, world: tw.World, everything: tw.Scenario
) -> None:
    """Spending is producer revenue, export taxes, trade cost and duties."""
    case = everything if model == "armington" else without_exclusion(everything)
    result = tw.solve(world, case, model=model)
    fine = result.status().filter(pl.col("status") == "converged").select("product")
    flows = (
        result.flows()
        .join(fine, on="product")
        .join(result.exporters(), on=["product", "exporter"])
        .collect()
    )
    producer = flows["value_base"] * flows["price_hat"] * flows["quantity_hat"]
    costly = (flows["importer"] == "DEU") & flows["exporter"].is_in(["CHN", "JPN"])
    flows = flows.with_columns(
        producer=producer,
        trade_cost=pl.when(costly).then(0.2 * pl.col("value_new")).otherwise(0.0),
    )
    paid = flows.group_by(MARKET).agg(pl.col("producer", "trade_cost").sum())
    transfers = (
        result.transfers()
        .group_by("product", importer="payer")
        .agg(transfers=pl.col("amount_new").sum())
        .collect()
    )
    both = result.importers().collect().join(paid, on=MARKET).join(transfers, on=MARKET)
    assert both.height == (10 if model == "armington" else 5)  # one leaves the linear range
    np.testing.assert_allclose(
        both["expenditure_new"], both["producer"] + both["trade_cost"] + both["transfers"]
    )


def test_spending_is_index_times_composite(world: tw.World, everything: tw.Scenario) -> None:
    """E = E0 P^(1 - eta) D: the identity behind the price index."""
    table = tw.solve(world, everything, tolerance=1e-12).importers().collect()
    shift = np.where(table["importer"] == "USA", 1.1, 1.0)
    np.testing.assert_allclose(
        table["expenditure_new"],
        table["expenditure_base"] * table["price_index_hat"].to_numpy() ** 0.4 * shift,
        rtol=1e-10,
    )


def test_output_is_what_is_sold(world: tw.World, everything: tw.Scenario) -> None:
    result = tw.solve(world, everything, tolerance=1e-12)
    sold = (
        result.flows()
        .group_by("product", "exporter")
        .agg(
            sold=(pl.col("value_base") * pl.col("quantity_hat")).sum() / pl.col("value_base").sum()
        )
    )
    table = result.exporters().join(sold, on=["product", "exporter"]).collect()
    np.testing.assert_allclose(table["output_hat"], table["sold"], rtol=1e-10)
    shift = np.where(table["exporter"] == "JPN", 0.8, 1.0)
    np.testing.assert_allclose(
        table["output_hat"], shift * table["price_hat"].to_numpy() ** 1.2, rtol=1e-12
    )


def test_duties_by_authority_are_rate_times_value(world: tw.World, everything: tw.Scenario) -> None:
    result = tw.solve(world, everything)
    flows = result.flows().collect()

    def value(*exporters: str) -> pl.Series:
        rows = (pl.col("importer") == "USA") & pl.col("exporter").is_in(exporters)
        return (
            flows.filter(rows)
            .group_by("product")
            .agg(pl.col("value_new").sum())
            .sort("product")["value_new"]
        )

    paid = result.transfers().filter(pl.col("payer") == "USA").collect()

    def amounts(authority: str) -> pl.DataFrame:
        return paid.filter(pl.col("authority") == authority).sort("product")

    assert amounts("Section 301")["amount_new"].to_list() == pytest.approx(
        (0.25 * value("CHN")).to_list()
    )
    assert amounts("Section 122")["amount_new"].to_list() == pytest.approx(
        (0.10 * value("CHN", "DEU", "GBR", "JPN")).to_list()
    )
    for authority in ("Section 301", "Section 122"):
        assert (amounts(authority)["amount_base"] == 0).all()
        assert set(amounts(authority)["receiver"]) == {"USA"}
        assert set(amounts(authority)["kind"]) == {"duty"}
    taxes = amounts("licence")
    assert taxes["receiver"].to_list() == ["CHN", "CHN"]
    assert taxes["kind"].to_list() == ["export_tax", "export_tax"]
    np.testing.assert_allclose(taxes["amount_new"], 0.05 / 1.2 * value("CHN"))


def test_all_duties_are_the_flows_rates(world: tw.World, everything: tw.Scenario) -> None:
    """Rate times value, times trade cost where there is one."""
    result = tw.solve(world, everything)
    costly = (pl.col("importer") == "DEU") & pl.col("exporter").is_in(["CHN", "JPN"])
    charged = pl.col("value_new") * pl.when(costly).then(1.2).otherwise(1.0)
    from_flows = (
        result.flows()
        .group_by("product", payer="importer")
        .agg(
            amount_base=(pl.col("value_base") * pl.col("tariff_base")).sum(),
            amount_new=(charged * pl.col("tariff_new")).sum(),
        )
        .sort("product", "payer")
        .collect()
    )
    duties = (
        result.transfers()
        .filter(pl.col("kind") == "duty")
        .group_by("product", "payer")
        .agg(pl.col("amount_base", "amount_new").sum())
        .sort("product", "payer")
        .collect()
    )
    assert_frame_equal(duties, from_flows)


def test_a_replaced_duty_is_still_in_the_base(world: tw.World, everything: tw.Scenario) -> None:
    """JPN sets one rate on CHN: the MFN of before is gone, EPA is there instead."""
    result = tw.solve(world, everything)
    rows = (pl.col("payer") == "JPN") & (pl.col("kind") == "duty")
    table = result.transfers().filter(rows).sort("authority", "product").collect()
    epa, mfn = (table.filter(pl.col("authority") == name) for name in ("EPA", "MFN"))
    assert (epa["amount_base"] == 0).all()
    flows = result.flows().filter(pl.col("importer") == "JPN").sort("product")
    china = pl.col("exporter") == "CHN"
    others = flows.filter(~china).group_by("product", maintain_order=True)
    for part, base, new in (
        (epa, None, flows.filter(china).select(0.05 * pl.col("value_new"))),
        (
            mfn,
            flows.group_by("product", maintain_order=True).agg(
                (pl.col("value_base") * pl.col("tariff_base")).sum()
            ),
            others.agg((pl.col("value_new") * pl.col("tariff_new")).sum()),
        ),
    ):
        np.testing.assert_allclose(part["amount_new"], new.collect().to_series(-1))
        if base is not None:
            np.testing.assert_allclose(part["amount_base"], base.collect().to_series(-1))


def test_revenue_is_what_the_treasury_receives(world: tw.World, everything: tw.Scenario) -> None:
    result = tw.solve(world, everything)
    received = (
        result.transfers()
        .group_by("product", country="receiver")
        .agg(received=(pl.col("amount_new") - pl.col("amount_base")).sum())
    )
    table = result.welfare().join(received, on=["product", "country"]).collect()
    assert table.height == 10
    np.testing.assert_allclose(table["revenue"], table["received"], atol=1e-9)


def test_net_is_the_sum_of_its_parts(world: tw.World, everything: tw.Scenario) -> None:
    result = tw.solve(world, everything)
    table = result.welfare().collect()
    parts = ["consumer_surplus", "producer_surplus", "revenue", "rents"]
    assert table["net"].to_list() == pytest.approx(
        table.select(pl.sum_horizontal(parts)).to_series().to_list()
    )
    assert table["complete"].all()
    for side, part in (("importer", "consumer_surplus"), ("exporter", "producer_surplus")):
        other = result.tables()[f"{side}s"].collect()
        both = table.join(other, left_on=["product", "country"], right_on=["product", side])
        assert both.height == 10
        assert both[part].to_list() == both[f"{part}_right"].to_list()


class TestExportTax:
    """An export tax on top of a duty is a duty (1 + t)(1 + e) - 1, paid to the other side."""

    def solve(self, world: tw.World, measure: tw.ExportTax | tw.Tariff) -> tw.Result:
        return tw.solve(world, tw.Scenario("case", [measure]), tolerance=1e-13)

    @given(seed=st.integers(0, 2**32 - 1), rate=st.floats(0.01, 1.9))
    def test_it_moves_goods_as_a_duty_does(
        self, seed: int, rate: float, random_world: WorldMaker
    ) -> None:
        world = random_world(seed, density=1.0, tariffs=False)
        tax = self.solve(world, tw.ExportTax(exporter="CHN", importer="USA", rate=rate))
        duty = self.solve(world, tw.Tariff(exporter="CHN", importer="USA", rate=rate))
        for name, columns in {
            "flows": ["quantity_hat", "delivered_hat"],
            "exporters": ["price_hat", "output_hat", "producer_surplus"],
            "importers": ["price_index_hat", "expenditure_new", "consumer_surplus"],
        }.items():
            left, right = (r.tables()[name].select(columns).collect() for r in (tax, duty))
            assert_frame_equal(left, right, rel_tol=1e-9, abs_tol=1e-7)
        left, right = (r.transfers().collect() for r in (tax, duty))
        np.testing.assert_allclose(left["amount_new"], right["amount_new"], rtol=1e-9)
        assert set(left["receiver"]) == {"CHN"}
        assert set(right["receiver"]) == {"USA"}

    def test_it_is_inside_the_border_value(self, world: tw.World) -> None:
        tax = self.solve(world, tw.ExportTax(exporter="CHN", importer="USA", rate=0.2))
        base = (
            world.flows()
            .collect()
            .filter((pl.col("exporter") == "CHN") & (pl.col("importer") == "USA"))
        )
        flows = tax.flows().collect()
        row = flows.filter((pl.col("exporter") == "CHN") & (pl.col("importer") == "USA"))
        assert row["tariff_new"].to_list() == base["tariff"].to_list()
        assert row["cost_factor"].to_list() == pytest.approx([1.2, 1.2])
        collected = tax.transfers().filter(pl.col("kind") == "export_tax").collect()
        np.testing.assert_allclose(collected["amount_new"], row["value_new"] * (0.2 / 1.2))

    def test_a_subsidy_costs_the_treasury(self, world: tw.World) -> None:
        result = self.solve(world, tw.ExportTax(exporter="CHN", rate=-0.2))
        paid = result.transfers().filter(pl.col("kind") == "export_tax").collect()
        assert (paid["amount_new"] < 0).all()


class TestUnknownTariffs:
    """Only the USA's are known; the others' are not zero."""

    @pytest.fixture
    def partly(self, world: tw.World) -> tw.World:
        flows = world.flows().collect()
        keys = ["product", "exporter", "importer"]
        tariffs = flows.filter(pl.col("importer") == "USA").select(*keys, rate="tariff")
        table = pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.6], "epsilon": [1.2]})
        return tw.World.from_flows(flows, table, tariffs)

    @pytest.fixture
    def result(self, partly: tw.World) -> tw.Result:
        duties = [
            tw.Tariff(importer=i, exporter="CHN", rate=0.25, authority="new")
            for i in ("USA", "JPN")
        ]
        return tw.solve(partly, tw.Scenario("duties", duties))

    def test_rates_are_null(self, result: tw.Result) -> None:
        flows = result.flows().collect()
        home = pl.col("exporter") == pl.col("importer")
        known = (pl.col("importer") == "USA") | home
        for name in ("tariff_base", "tariff_new"):
            assert flows.filter(known)[name].is_not_null().all()
            assert flows.filter(~known)[name].is_null().all()

    def test_a_new_duty_still_works(self, result: tw.Result) -> None:
        """It multiplies whatever was there."""
        flows = result.flows().join(result.exporters(), on=["product", "exporter"])
        added = flows.filter(pl.col("exporter") == "CHN", pl.col("importer") == "JPN").collect()
        np.testing.assert_allclose(added["delivered_hat"], 1.25 * added["price_hat"])

    def test_revenue_and_net_are_null(self, result: tw.Result) -> None:
        welfare = result.welfare().collect()
        known = pl.col("country") == "USA"
        for name in ("revenue", "net"):
            assert welfare.filter(known)[name].is_not_null().all()
            assert welfare.filter(~known)[name].is_null().all()
        assert (welfare["complete"] == (welfare["country"] == "USA")).all()
        for name in ("consumer_surplus", "producer_surplus"):
            assert welfare[name].null_count() == 0

    def test_transfers_hold_what_is_known(self, result: tw.Result) -> None:
        table = result.transfers().collect()
        assert set(table["payer"]) == {"USA", "JPN"}
        japan = table.filter(pl.col("payer") == "JPN")
        assert set(japan["authority"]) == {"new"}
        assert (japan["amount_base"] == 0).all()

    def test_it_is_said(self, result: tw.Result, world: tw.World) -> None:
        assert any("Baseline tariffs are known for USA only" in note for note in result.notes)
        nothing = tw.solve(world, tw.Scenario("nothing", []))
        assert not any("tariffs" in note for note in nothing.notes)

    def test_without_any_tariffs(self, world: tw.World) -> None:
        table = pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.6], "epsilon": [1.2]})
        bare = tw.World.from_flows(world.flows(), table)
        result = tw.solve(bare, tw.Scenario("nothing", []))
        assert any("No baseline tariffs are known" in note for note in result.notes)
        assert result.transfers().collect().height == 0
        assert result.welfare().collect()["revenue"].is_null().all()
