"""Limits, rents and what treasuries pay, in the summary."""

from collections.abc import Callable

import tradewedge as tw
from tradewedge.report import text
from tradewedge.report.headline import Headline
from tradewedge.report.instruments import limits
from tradewedge.store import Run

Narrow = Callable[[Run | tw.Result, str], Headline]
SALE = tw.ImportQuota(importer="USA", exporter="CHN", products="2846", fraction=0.5)


def _page(world: tw.World, *measures: tw.policy.Measure) -> str:
    return text(tw.solve(world, tw.Scenario("case", list(measures))), width=100)


def test_a_quota_that_binds(small_world: tw.World, headline_of: Narrow) -> None:
    result = tw.solve(small_world, tw.Scenario("case", [SALE]))
    found = limits(headline_of(result, "case"))
    assert found["binds"].to_list() == [True]
    page = text(result, width=100)
    assert "Limits: floors, quotas, capacities" in page
    row = next(line for line in page.splitlines() if line.startswith("284690 CHN to USA"))
    assert "50.0 %" in row
    assert "+" in row
    assert "Rents: what private holders keep" in page
    rent = result.transfers().filter(kind="quota_rent").collect()["amount_new"].sum()
    row = next(line for line in page.splitlines() if "(rent of a quota)" in line)
    assert f"{rent:.1f}"[:4] in row


def test_a_quota_that_does_not_bind(small_world: tw.World) -> None:
    loose = tw.ImportQuota(importer="USA", exporter="CHN", products="2846", fraction=2.0)
    assert "No limit binds" in _page(small_world, loose)


def test_a_floor_says_what_its_percentages_are(small_world: tw.World) -> None:
    page = _page(small_world, tw.PriceFloor(importer="USA", products="2846", multiple=1.5))
    assert "price floor" in page
    assert "Floors in % of the baseline's duty-paid price" in page
    assert "(levy)" in page


def test_what_a_contract_pays_is_negative_revenue(small_world: tw.World) -> None:
    contract = tw.ContractForDifference(exporter="MYS", products="2846", multiple=1.5)
    page = _page(small_world, contract)
    row = next(line for line in page.splitlines() if "(contracts, paid out)" in line)
    assert row.startswith("MYS")
    assert "-" in row


def test_no_limits_no_section(result: tw.Result) -> None:
    assert "Limits:" not in text(result)
