"""What has no answer is shown as such: unserved markets, products out of range, exact solutions."""

from collections.abc import Callable

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.policy import Compiler
from tradewedge.report import sigma_band, text
from tradewedge.report.headline import Headline
from tradewedge.store import Run, view

Narrow = Callable[[Run | tw.Result, str], Headline]


@pytest.fixture(scope="module")
def cut(small_world: tw.World) -> Run:
    """Japan loses every supplier of one product; magnets are untouched."""
    case = tw.Scenario("cut", [tw.Exclusion(importer="JPN", exporter=["CHN", "MYS"])])
    band = sigma_band(Compiler(small_world), [case], tw.solve, [2.0, 5.0])
    assert band is not None
    return view(tw.solve(small_world, case), {}, {"sigma_band": band.lazy()})


def test_a_market_without_a_supplier_has_no_surplus(cut: Run, headline_of: Narrow) -> None:
    totals = headline_of(cut, "cut").totals
    assert totals["consumer_surplus"] is None
    assert totals["lost_spending"] == 750.0
    assert totals["expenditure_base"] == 0.0
    assert headline_of(cut, "cut").trade["imports_base"] == 750.0


def test_the_page_never_shows_that_loss_as_zero(cut: Run) -> None:
    page = text(cut, width=80)
    products = page[page.index("Products that cost JPN most") : page.index("Trade that moves")]
    row = next(line for line in products.splitlines() if line.startswith("284690"))
    assert row.endswith(" -")
    assert "unserved" in row
    assert "the loss is not known, not zero" in " ".join(products.split())
    band = page[page.index("How much depends") : page.index("Suppliers of")]
    for line in band.splitlines():
        if "for every product" in line:
            assert line.split()[-1] == "-"


def test_what_the_totals_leave_out_is_said(cut: Run) -> None:
    page = " ".join(text(cut, width=80).split())
    assert "Unserved: 1 market (importer and product) left without any supplier, 750 k USD" in page
    assert "JPN 284690" in page
    assert "these markets are not in price indices, spending and surplus" in page
    assert "lost in 1 unserved market" in page


def test_some_unserved_importers_leave_the_others_in(small_world: tw.World) -> None:
    flows = small_world.flows().collect()
    extra = pl.DataFrame(
        {"product": ["284690"], "exporter": ["CHN"], "importer": ["KOR"], "value": [40.0]}
    )
    world = tw.World.from_flows(
        pl.concat([flows.select(extra.columns), extra]),
        pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.5], "epsilon": [1.0]}),
    )
    page = text(tw.solve(world, tw.Scenario("all", [tw.Exclusion(exporter="CHN")])), width=80)
    assert "*: of the importers that are still served" in page


@pytest.fixture(scope="module")
def too_much(small_world: tw.World) -> tw.Result:
    """A duty far too large for a linear model in one of two products."""
    duties = [
        tw.Tariff(importer="USA", exporter="CHN", products="2846", rate=1.9),
        tw.Tariff(importer="USA", exporter="CHN", products="8505", rate=0.01),
    ]
    return tw.solve(small_world, tw.Scenario("too_much", duties), model="gsim")


def test_products_out_of_range_are_shouted(too_much: tw.Result) -> None:
    page = " ".join(text(too_much, width=80).split())
    assert "OUT OF RANGE for 1 of 2 touched products: 284690." in page
    assert "Solve with model=armington, which is exact" in page
    assert "NO ANSWER: 1 of 2 products: 284690 (out_of_range)" in page


def test_products_out_of_range_are_in_no_figure(too_much: tw.Result, headline_of: Narrow) -> None:
    found = headline_of(too_much, "too_much")
    assert found.products["product"].to_list() == ["850511"]
    assert found.trade["imports_base"] == 140.0
    assert found.suppliers["value_base"].sum() == 140.0
    assert found.totals["price_index_hat"] == pytest.approx(1.0, abs=0.02)


@pytest.mark.filterwarnings("ignore::tradewedge.errors.SuspiciousRateWarning")
def test_nothing_left_to_show(small_world: tw.World) -> None:
    case = tw.Scenario("lost", [tw.Tariff(importer="USA", products="2846", rate=4.0)])
    page = text(tw.solve(small_world, case, model="gsim"), width=80)
    assert "OUT OF RANGE for 1 of 1 touched product" in " ".join(page.split())
    assert "Buyer's price index" not in page


def test_no_residual_is_exact(small_world: tw.World) -> None:
    case = tw.Scenario("duty", [tw.Tariff(importer="USA", rate=0.1)])
    page = text(tw.solve(small_world.with_elasticities(epsilon=float("inf")), case), width=80)
    assert "Converged: all 2 products; exact." in page
