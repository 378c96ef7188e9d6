"""Volume, tons, groups, the rest of long tables, means that nobody should believe."""

from collections.abc import Callable

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.report import text
from tradewedge.report.headline import Headline
from tradewedge.report.wording import change, money
from tradewedge.store import Run

Narrow = Callable[[Run | tw.Result, str], Headline]
G7 = ("CAN", "DEU", "FRA", "GBR", "ITA", "JPN", "USA")
FLAT = pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.5], "epsilon": [1.0]})


def _world(importers: list[str], products: tuple[str, ...] = ("284690",)) -> tw.World:
    rows = [
        (product, exporter, importer, 10.0 + 7 * n, 5.0 if exporter == "CHN" else None)
        for product in products
        for n, importer in enumerate(importers)
        for exporter in ("CHN", "MYS", "VNM")
    ]
    names = ["product", "exporter", "importer", "value", "quantity"]
    return tw.World.from_flows(pl.DataFrame(rows, schema=names, orient="row"), FLAT)


def test_volume_is_imports_at_baseline_prices(result: tw.Result, headline_of: Narrow) -> None:
    trade = headline_of(result, "duty").trade
    flows = result.flows().filter(scenario="duty", importer="USA", product="284690").collect()
    assert trade["volume_base"] == 400.0
    assert trade["volume_new"] == pytest.approx((flows["value_base"] * flows["quantity_hat"]).sum())
    assert trade["volume_new"] < trade["volume_base"]
    assert "volume, at baseline prices" in text(result, width=80)


def test_tons_where_they_are_known() -> None:
    duty = tw.Scenario("duty", [tw.Tariff(importer="USA", rate=0.1)])
    page = text(tw.solve(_world(["USA"]), duty), width=80)
    row = next(line for line in page.splitlines() if "metric tons" in line)
    assert "33.3 % of value" in row
    assert "5.00 t" in row


def test_a_group_is_named_and_all_its_members_shown() -> None:
    case = tw.Scenario("club", [tw.Tariff(importer="G7", rate=0.1)])
    page = text(tw.solve(_world(list(G7)), case), width=80)
    assert "What happens to G7 (7 importers), 1 touched product" in page
    table = page[page.index("importer   ") : page.index("Elasticities")]
    assert all(f"\n{country}" in table for country in G7)
    assert "others" not in table


def test_a_long_table_ends_with_the_others() -> None:
    countries = tw.codes.countries().filter(pl.col("kind") == "country")["iso3"].to_list()
    buyers = [c for c in countries if c not in ("CHN", "MYS", "VNM")][:20]
    result = tw.solve(_world(buyers), tw.Scenario("all", [tw.Tariff(exporter="CHN", rate=0.2)]))
    page = text(result, width=80)
    assert "What happens to 20 importers" in page
    row = next(line for line in page.splitlines() if line.startswith("12 others"))
    assert "+" in row


def test_a_median_that_does_not_move_is_not_shown(result: tw.Result) -> None:
    page = text(result, width=80)
    assert "of the median purchase" in page[: page.index("lost ====")]
    case = tw.Scenario("lost", [tw.Exclusion(importer="USA", exporter="CHN", products="2846")])
    products = ("284610", "284690", "280530", "850511")
    rows = [
        (product, exporter, "USA", 100.0)
        for product in products
        for exporter in (("CHN", "MYS") if product == "284690" else ("MYS", "VNM"))
    ]
    rows.append(("284610", "CHN", "USA", 0.001))
    names = ["product", "exporter", "importer", "value"]
    world = tw.World.from_flows(pl.DataFrame(rows, schema=names, orient="row"), FLAT)
    page = text(tw.solve(world, case), width=80)
    assert "of the median purchase" not in page


def test_an_absurd_mean_names_its_product() -> None:
    rows = [("284690", "CHN", "USA", 999.0), ("284690", "MYS", "USA", 1.0)]
    names = ["product", "exporter", "importer", "value"]
    world = tw.World.from_flows(
        pl.DataFrame(rows, schema=names, orient="row"), FLAT.with_columns(sigma=1.5)
    )
    lost = tw.Scenario("lost", [tw.Exclusion(importer="USA", exporter="CHN")])
    result = tw.solve(world, lost)
    page = text(result, width=80)
    flat = " ".join(page.split())
    assert "Beyond the model: the mean price is more than 11 times" in flat
    assert "driven by 284690" in flat
    row = result.importers().collect().row(0, named=True)
    got = row["expenditure_new"] / row["price_index_hat"] / row["expenditure_base"]
    assert got < 1.0
    assert f"what buyers get of these goods changes by {change(got)}" in flat
    assert row["price_index_hat"] > 11.0
    assert change(row["price_index_hat"]) not in page
    line = next(line for line in page.splitlines() if line.startswith("Spending"))
    assert line.split() == ["Spending,", "duty-paid", "1.00", "M", "-", "beyond", "the", "model"]
    assert money(row["consumer_surplus"], signed=True) not in page
    assert "the prices of USA are beyond the model" in flat


def test_volume_and_tons_that_part_ways_say_why() -> None:
    """A floor lifts the cheap goods of one supplier: dearer ones, by the ton, take over."""
    rows = [
        ("284690", "CHN", "USA", 100.0, 100.0),
        ("284690", "JPN", "USA", 100.0, 1.0),
    ]
    names = ["product", "exporter", "importer", "value", "quantity"]
    world = tw.World.from_flows(pl.DataFrame(rows, schema=names, orient="row"), FLAT)
    told = "Volume counts the goods of each supplier at its baseline price, tons by weight"
    floor = tw.Scenario("floor", [tw.PriceFloor(importer="USA", usd_per_kg=2.0)])
    page = " ".join(text(tw.solve(world, floor), width=80).split())
    assert told in page
    assert "dearer by the ton, often another grade" in page
    assert "spending over price index, changes by -" in page
    small = tw.Scenario("small", [tw.Tariff(importer="USA", rate=0.1)])
    assert told not in " ".join(text(tw.solve(world, small), width=80).split())


def test_home_sales_are_counted_by_themselves(small_world: tw.World) -> None:
    outage = tw.Scenario("outage", [tw.SupplyShift(exporter="JPN", factor=0.5)])
    page = " ".join(text(tw.solve(small_world, outage), width=100).split())
    assert "6 trade flows, 1.29 M USD; home sales in 1 market, 400 k USD" in page
    assert "1 flow, 60.0 k USD and 1 home market, 400 k USD" in page
