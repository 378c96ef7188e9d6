"""Floors, quotas, contracts: money adds up, and complementarity holds in the written tables."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tradewedge as tw

PER_FLOW = ["product", "exporter", "importer"]

FLOOR = tw.PriceFloor(importer="USA", multiple=1.4, authority="minimum import price")
FLOOR_ABROAD = tw.PriceFloor(importer="JPN", multiple=1.3, basis="border", rent="exporter")
FLOOR_TAXED = tw.PriceFloor(importer="GBR", multiple=1.2, basis="border")
TRQ = tw.TariffRateQuota(
    importer="DEU", exporter="CHN", fraction=0.8, in_rate=0.0, out_rate=0.3, per="pair"
)
CASES: dict[str, Sequence[tw.policy.Measure]] = {
    "floors": [tw.Tariff(importer=["JPN", "GBR"], rate=0.1), FLOOR, FLOOR_ABROAD, FLOOR_TAXED],
    "pair quotas": [
        tw.ImportQuota(importer="USA", fraction=0.7, per="pair", rent="exporter"),
        tw.ImportQuota(importer="JPN", fraction=0.6, per="pair"),
        tw.Tariff(importer="USA", rate=0.2),
    ],
    "group quotas": [
        tw.ImportQuota(importer="USA", fraction=0.7, rent="importer"),
        tw.ExportQuota(exporter="CHN", fraction=0.8, per="exporter"),
        tw.ExportQuota(exporter="JPN", fraction=0.9, per="global"),
    ],
    "rate quota": [TRQ],
    "shared rate quotas": [
        tw.Tariff(importer="JPN", rate=0.1),
        tw.TariffRateQuota(
            importer=["DEU", "JPN"], fraction=0.3, in_rate=0.0, out_rate=0.3, per="importer"
        ),
        tw.TariffRateQuota(
            importer="USA",
            exporter=["CHN", "JPN"],
            fraction=0.5,
            in_rate=0.05,
            out_rate=0.1,
            per="importer",
            rent="exporter",
        ),
    ],
    "guarantee and capacity": [
        tw.ContractForDifference(exporter="USA", multiple=1.3, upside_share=0.3, covered=0.6),
        tw.Capacity(exporter="CHN", fraction=0.9),
    ],
}
CASES["everything"] = [
    tw.Tariff(importer=["JPN", "GBR"], rate=0.1),
    tw.ExportTax(exporter="CHN", rate=0.05),
    FLOOR,
    FLOOR_ABROAD,
    FLOOR_TAXED,
    *CASES["group quotas"],
    TRQ,
    *CASES["guarantee and capacity"],
]


@pytest.fixture
def big(random_world: Callable[..., tw.World]) -> tw.World:
    """Five countries that all trade with each other and at home, every tariff known."""
    return random_world(21, density=1.0)


def case(name: str) -> tw.Scenario:
    return tw.Scenario(name, list(CASES[name]))


def written(result: tw.Result, folder: Path) -> dict[str, pl.DataFrame]:
    tables = {}
    for name, table in result.tables().items():
        table.sink_parquet(folder / f"{name}.parquet")
        tables[name] = pl.read_parquet(folder / f"{name}.parquet")
    return tables


@pytest.mark.parametrize("name", CASES)
def test_what_buyers_pay_is_what_others_get(name: str, big: tw.World) -> None:
    """Spending is producer revenue and all transfers but contracts, market by market."""
    result = tw.solve(big, case(name))
    assert result.status().collect()["status"].unique().to_list() == ["converged"]
    flows = result.flows().join(result.exporters(), on=["product", "exporter"]).collect()
    producer = flows["value_base"] * flows["price_hat"] * flows["quantity_hat"]
    made = (
        flows.with_columns(producer=producer)
        .group_by("product", "importer")
        .agg(pl.col("producer", "levy", "rent").sum())
    )
    transfers = (
        result.transfers()
        .filter(pl.col("kind") != "cfd")
        .group_by("product", importer="payer")
        .agg(
            transfers=pl.col("amount_new").sum(),
            rents=pl.col("amount_new").filter(pl.col("kind").str.ends_with("rent")).sum(),
        )
        .collect()
    )
    both = (
        result.importers()
        .collect()
        .join(made, on=["product", "importer"])
        .join(transfers, on=["product", "importer"], how="left")
        .fill_null(0.0)
    )
    assert both.height == 10
    np.testing.assert_allclose(both["expenditure_new"], both["producer"] + both["transfers"])
    np.testing.assert_allclose(both["rents"], both["rent"], atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_welfare_is_what_the_parts_say(name: str, big: tw.World) -> None:
    """Rents and revenue by country are the transfers it receives, less what it pays."""
    result = tw.solve(big, case(name))
    transfers = result.transfers().collect()
    change = pl.col("amount_new") - pl.col("amount_base")
    private = pl.col("kind").str.ends_with("rent")
    received = transfers.group_by("product", country="receiver").agg(
        rents=change.filter(private).sum(),
        taxes=change.filter(~private & (pl.col("kind") != "cfd")).sum(),
        paid=change.filter(pl.col("kind") == "cfd").sum(),
    )
    both = (
        result.welfare()
        .collect()
        .join(received, on=["product", "country"], how="left", suffix="_told")
        .fill_null(0.0)
    )
    np.testing.assert_allclose(both["rents"], both["rents_told"], atol=1e-9)
    np.testing.assert_allclose(both["revenue"], both["taxes"] - both["paid"], atol=1e-9)


@pytest.mark.parametrize("name", ["floors", "pair quotas", "group quotas", "everything"])
def test_complementarity_in_the_written_tables(name: str, big: tw.World, tmp_path: Path) -> None:
    """min(levy, price - floor) and min(shadow price, slack) are zero, from Parquet alone."""
    tables = written(tw.solve(big, case(name)), tmp_path)
    limits = tables["limits"].filter(pl.col("kind") != "tariff_rate_quota")
    assert limits.height > 0
    worst = limits.select(pl.min_horizontal("shadow_price", "slack").abs().max()).item()
    assert worst < 1e-9
    assert limits["shadow_price"].min() >= 0
    assert limits["slack"].min() > -1e-9
    if name != "group quotas":
        assert limits["shadow_price"].max() > 1e-3


def test_the_three_regimes_of_a_tariff_rate_quota(big: tw.World) -> None:
    def solved(fraction: float) -> dict[str, float]:
        measure = tw.TariffRateQuota(
            importer="DEU", exporter="CHN", fraction=fraction, in_rate=0.0, out_rate=0.3
        )
        result = tw.solve(big, tw.Scenario("trq", [measure]))
        row = result.limits().filter(pl.col("kind") == "tariff_rate_quota").collect().head(1)
        return row.row(0, named=True)

    full = solved(0.01)["shadow_price"]
    wide, tight = solved(3.0), solved(0.01)
    assert wide["shadow_price"] == 0
    assert wide["slack"] > 0
    assert tight["slack"] < 0
    # Somewhere between, the quota is just filled and the premium lies inside the gap.
    at = [solved(f) for f in np.linspace(0.3, 1.2, 19)]
    filled = [row for row in at if abs(row["slack"]) < 1e-9]
    assert filled
    assert all(0 <= row["shadow_price"] <= full + 1e-12 for row in filled)


def test_the_three_regimes_of_a_quota_that_suppliers_share(random_world: Callable) -> None:
    """Slack: nothing. Full: a rent and no duty. Exceeded: the rent within, the duty beyond."""
    world = random_world(5, density=1.0).with_elasticities(sigma=4.0, eta=0.8, epsilon=1.0)

    def solved(fraction: float) -> tuple[pl.DataFrame, dict[str, float]]:
        quota = tw.TariffRateQuota(
            importer="USA",
            fraction=fraction,
            in_rate=0.0,
            out_rate=0.3,
            mode="set",
            per="importer",
            authority="quota",
        )
        result = tw.solve(world, tw.Scenario("trq", [quota]))
        paid = result.transfers().filter(pl.col("authority") == "quota").collect()
        kinds = paid.group_by("kind").agg(pl.col("amount_new").sum())
        return result.limits().collect(), dict(kinds.iter_rows())

    limits, paid = solved(3.0)
    assert limits["kind"].unique().to_list() == ["tariff_rate_quota"]
    assert limits["unit"].unique().to_list() == ["USA"]
    assert limits["shadow_price"].to_list() == [0.0] * limits.height
    assert paid.get("quota_rent", 0.0) == paid.get("duty", 0.0) == 0.0
    limits, paid = solved(0.9)
    np.testing.assert_allclose(limits["slack"], 0.0, atol=1e-9)
    assert limits["shadow_price"].min() > 0
    assert limits["shadow_price"].max() < 0.3
    assert paid["quota_rent"] > 0
    assert paid.get("duty", 0.0) == pytest.approx(0.0, abs=1e-6)
    limits, paid = solved(0.2)
    np.testing.assert_allclose(limits["shadow_price"], 0.3)
    assert limits["slack"].max() < 0
    share = paid["quota_rent"] / (paid["quota_rent"] + paid["duty"])
    within = limits["limit"] / limits["used"]
    assert within.min() <= share <= within.max()


def test_the_shadow_price_put_in_as_a_tariff(random_world: Callable[..., tw.World]) -> None:
    """A quota and the tariff of its shadow price give the same flows."""
    world = random_world(5, density=1.0)
    scope = {"importer": "USA", "exporter": "CHN"}
    quota = tw.solve(world, tw.Scenario("q", [tw.ImportQuota(fraction=0.6, per="pair", **scope)]))
    shadow = quota.limits().collect()
    base = world.flows().collect()
    measures = []
    for row in shadow.iter_rows(named=True):
        where = (pl.col("product") == row["product"]) & (pl.col("importer") == "USA")
        rate = base.filter(where & (pl.col("exporter") == "CHN"))["tariff"].item()
        extra = row["shadow_price"] * (1 + rate)
        measures.append(tw.Tariff(products=row["product"], rate=extra, **scope))
    tariff = tw.solve(world, tw.Scenario("t", measures))
    columns = [*PER_FLOW, "quantity_hat", "delivered_hat"]
    a, b = (r.flows().select(columns).collect() for r in (quota, tariff))
    np.testing.assert_allclose(a["quantity_hat"], b["quantity_hat"], rtol=1e-9)
    np.testing.assert_allclose(a["delivered_hat"], b["delivered_hat"], rtol=1e-9)


def test_who_holds_the_rent_does_not_move_flows(big: tw.World) -> None:
    """The same floor with the rent at home and abroad: same allocation, other receiver."""

    def run(rent: str) -> tw.Result:
        floor = tw.PriceFloor(importer="USA", multiple=1.4, basis="border", rent=rent)
        return tw.solve(big, tw.Scenario("floor", [floor]))

    home, abroad = run("treasury"), run("exporter")
    for column in ("quantity_hat", "delivered_hat"):
        a, b = (r.flows().collect()[column] for r in (home, abroad))
        np.testing.assert_allclose(a, b, rtol=1e-9)
    kinds = [set(r.transfers().collect()["kind"]) for r in (home, abroad)]
    assert "levy" in kinds[0]
    assert "levy" not in kinds[1]
    assert "floor_rent" in kinds[1]
    net = [r.welfare().select(pl.col("net").sum()).collect().item() for r in (home, abroad)]
    assert net[0] == pytest.approx(net[1])


def test_a_slack_floor_is_the_baseline(big: tw.World) -> None:
    result = tw.solve(big, tw.Scenario("slack", [tw.PriceFloor(importer="*", multiple=0.9)]))
    flows = result.flows().collect()
    np.testing.assert_allclose(flows["quantity_hat"], 1.0, atol=1e-12)
    assert flows["levy"].abs().max() == 0


def test_floor_raises_and_contract_lowers_the_buyer_price(minerals: tw.World) -> None:
    """Rare-earth compounds in a market with home sales: opposite signs (China, 2846.90)."""
    floor = tw.PriceFloor(importer="CHN", products="284690", multiple=1.3)
    contract = tw.ContractForDifference(
        exporter="CHN", products="284690", multiple=1.3, upside_share=0.3, covered=0.5
    )
    result = tw.solve(
        minerals, [tw.Scenario("floor", [floor]), tw.Scenario("contract", [contract])]
    )
    index = (
        result.importers()
        .filter(pl.col("product") == "284690", pl.col("importer") == "CHN")
        .collect()
    )
    price = dict(index.select("scenario", "price_index_hat").iter_rows())
    assert price["floor"] > 1
    assert price["contract"] < 1


def test_leaving_the_club_deflects_flows_to_the_leaver(minerals: tw.World) -> None:
    """Members of a floor club leave one by one: what the others shut out goes to those outside."""
    club = ["USA", "JPN", "DEU", "KOR", "FRA"]
    bought, prices = [], []
    for size in range(len(club), 0, -1):
        floor = tw.PriceFloor(importer=club[:size], products="284690", multiple=1.5)
        table = tw.solve(minerals, tw.Scenario("club", [floor])).importers().collect()
        rows = {row["importer"]: row for row in table.iter_rows(named=True)}
        prices.append([rows[member]["price_index_hat"] for member in club])
        bought.append([rows[member]["expenditure_new"] for member in club])
    for step in range(1, len(club)):
        leaver = len(club) - step
        # Outside, the leaver buys at less than the old price: what the club shuts out goes there.
        assert prices[step][leaver] < 1 < prices[step - 1][leaver]
        quantity = [bought[at][leaver] / prices[at][leaver] for at in (step - 1, step)]
        assert quantity[1] > quantity[0]
