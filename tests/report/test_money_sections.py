"""Revenue adds up with the transfers; what is partly known is marked; nothing else is shown."""

from collections.abc import Callable

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.report import text
from tradewedge.report.headline import Headline
from tradewedge.report.purse import by_country, public
from tradewedge.store import Run

Narrow = Callable[[Run | tw.Result, str], Headline]


def test_revenue_is_by_authority(result: tw.Result, headline_of: Narrow) -> None:
    found = public(headline_of(result, "duty"))
    assert found["authority"].to_list() == ["Tariff (scenario)"]
    assert found["amount_base"].to_list() == [0.0]
    assert found["amount_new"].item() > 0


def test_revenue_ties_to_welfare(result: tw.Result, headline_of: Narrow) -> None:
    headline = headline_of(result, "lost")
    change = public(headline).select(pl.col("amount_new") - pl.col("amount_base")).sum().item()
    usa = by_country(headline).filter(pl.col("country") == "USA")
    assert change == pytest.approx(usa["revenue"].item())


def test_the_total_is_that_of_the_rows(small_world: tw.World) -> None:
    duties = [
        tw.Tariff(importer="USA", exporter="CHN", rate=0.01 * n, authority=f"Law {n:02d}")
        for n in range(1, 13)
    ]
    page = text(tw.solve(small_world, tw.Scenario("many", duties)), width=80)
    part = page[page.index("Public revenue from the touched products") : page.index("Welfare")]
    assert "5 others" in part
    assert "total" in part


def test_an_export_tax_is_the_known_part_of_revenue(small_world: tw.World) -> None:
    tax = tw.Scenario("tax", [tw.ExportTax(exporter="CHN", products="2846", rate=0.2)])
    result = tw.solve(small_world, tax)
    page = text(result, width=100)
    part = page[page.index("Welfare") : page.index("Products that cost")]
    china = next(line for line in part.splitlines() if line.startswith("CHN"))
    paid = result.transfers().filter(kind="export_tax").collect()["amount_new"].sum()
    assert f"(+{paid:.0f} k)" in china
    assert "In parentheses: the known part of a sum" in part


def test_net_needs_home_sales(small_world: tw.World) -> None:
    duty = tw.Scenario("duty", [tw.Tariff(importer="USA", rate=0.2)])
    page = text(tw.solve(small_world, duty), width=100)
    part = page[page.index("Welfare") : page.index("Products that cost")]
    usa = next(line for line in part.splitlines() if line.startswith("USA"))
    assert usa.split()[-1] == "-"
    assert "both" in part
    assert "Home sales of USA are known for 0 of 2 touched products" in part


def test_rows_of_zeros_are_left_out(small_world: tw.World) -> None:
    duty = tw.Scenario("duty", [tw.Tariff(importer="USA", products="2846", rate=0.2)])
    result = tw.solve(small_world, duty, model="smart")
    page = text(result, width=100)
    part = page[page.index("Welfare") : page.index("Products that cost")]
    assert [line[:3] for line in part.splitlines()[3:4]] == ["USA"]
    assert not any(line.startswith(("CHN", "MYS")) for line in part.splitlines())


def test_revenue_of_unknown_importers_is_said(small_world: tw.World) -> None:
    page = text(tw.solve(small_world, tw.Scenario("cost", [tw.TradeCost(factor=1.1)])), width=100)
    assert "the tariffs of" in " ".join(page.split())
