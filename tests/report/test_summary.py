"""The summary says what an analyst asks first, in few columns and without colour."""

from pathlib import Path

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.policy import Compiler
from tradewedge.report import sigma_band, text
from tradewedge.report.exclusions import band, band_rows, own
from tradewedge.report.headline import Headline
from tradewedge.report.summary import _concerns
from tradewedge.store import Run, read_run, view, write_run


@pytest.fixture(scope="module")
def run(small_world: tw.World, result: tw.Result) -> Run:
    band = sigma_band(Compiler(small_world), result.scenarios, tw.solve, [2.0, 5.0])
    assert band is not None
    return view(result, {}, {"sigma_band": band.lazy()})


def _headline(run: Run, name: str) -> Headline:
    (entry,) = [e for e in run.manifest["scenarios"] if e["name"] == name]
    return Headline(run, entry)


def test_totals_cover_touched_products_and_matched_importers(run: Run) -> None:
    duty = _headline(run, "duty")
    assert duty.buyers == ["USA"]
    assert duty.trade["imports_base"] == 400.0
    assert duty.trade["home_base"] == 0.0
    assert duty.products["product"].to_list() == ["284690"]


def test_price_change_is_weighted_by_baseline_spending(run: Run, result: tw.Result) -> None:
    bought = (
        result.importers()
        .filter((pl.col("scenario") == "lost") & (pl.col("importer") == "USA"))
        .collect()
    )
    weight = bought["expenditure_base"] / bought["expenditure_base"].sum()
    expected = (weight * bought["price_index_hat"]).sum()
    assert _headline(run, "lost").totals["price_index_hat"] == pytest.approx(expected, rel=1e-14)


def test_supplier_shares_sum_to_one(run: Run) -> None:
    suppliers = _headline(run, "lost").suppliers
    assert suppliers["share_base"].sum() == pytest.approx(1.0)
    assert suppliers["share_new"].sum() == pytest.approx(1.0)
    lost = suppliers.filter(pl.col("exporter") == "CHN").row(0, named=True)
    assert (lost["value_base"], lost["value_new"]) == (380.0, 0.0)


def test_summary_of_a_duty(run: Run) -> None:
    page = text(run, width=80)
    duty = page[page.index("duty (HYPOTHETICAL)") : page.index("lost ====")]
    assert "Tariff +25 % on 2846, all to USA (hypothetical): 1 product, 2 flows, 400 k" in duty
    for heading in (
        "What happens to USA, 1 touched product",
        "Buyer's price index",
        "Suppliers of USA",
        "Elasticities of the touched products: user",
        "Public revenue from the touched products, by authority",
        "Welfare",
        "Products that cost USA most",
        "Trade that moves most",
        "Unserved: none",
        "Converged: all 2 products",
    ):
        assert heading in duty
    assert "How much depends on sigma" not in duty
    assert "284690 Compounds, inorganic or" in duty
    assert "What this world cannot answer" in page
    assert result_backend(run) in page


def result_backend(run: Run) -> str:
    return f"backend {run.manifest['backend']['name']}"


def test_unknown_is_said_not_zero(run: Run) -> None:
    page = text(run, width=100)
    assert '"-" is unknown, not zero: the tariffs of CHN' in " ".join(page.split())


def test_exclusion_shows_a_band(run: Run) -> None:
    page = text(run, width=80)
    lost = page[page.index("lost ====") :]
    assert "How much depends on sigma" in lost
    for row in ("2 for every product", "5 for every product", "its own (mean 4)", "own sigma"):
        assert row in lost


def test_exclusion_without_a_band_says_that_it_is_missing(result: tw.Result) -> None:
    assert "this result holds no band over sigma" in " ".join(text(result, width=80).split())


def test_band_is_what_solving_at_that_sigma_gives(small_world: tw.World, run: Run) -> None:
    lost = tw.Scenario("lost", [tw.Exclusion(importer="USA", exporter="CHN")])
    solved = tw.solve(small_world.with_elasticities(sigma=5.0), lost)
    expected = solved.importers().filter(pl.col("importer") == "USA").collect()
    band = run.scan("sigma_band").filter(pl.col("sigma") == 5.0).collect()
    assert band["product"].to_list() == expected["product"].to_list()
    assert band["price_index_hat"].to_list() == pytest.approx(expected["price_index_hat"].to_list())
    assert band["scenario"].unique().to_list() == ["lost"]
    assert band["hypothetical"].unique().to_list() == [False]


def test_a_note_on_one_code_is_for_those_who_touch_it() -> None:
    note = "2846.90: holds every rare-earth compound."
    assert _concerns(note, ["284690"])
    assert not _concerns(note, ["284610", "850511"])
    assert _concerns("8505: magnets.", ["850511"])
    assert _concerns("Only US duties are known.", [])


def test_no_exclusion_no_band(small_world: tw.World) -> None:
    duty = tw.Scenario("duty", [tw.Tariff(importer="USA", rate=0.1)])
    assert sigma_band(Compiler(small_world), [duty], tw.solve, [2.0]) is None


def test_loss_falls_with_sigma(run: Run) -> None:
    rows = band_rows(_headline(run, "lost"))
    assert rows is not None
    found = band(rows)
    assert found["sigma"].to_list() == [2.0, 5.0]
    assert found["price_index_hat"][0] > found["price_index_hat"][1] > 1.0


def test_band_ends_with_the_products_own_sigma(run: Run) -> None:
    lost = _headline(run, "lost")
    rows = band_rows(lost)
    assert rows is not None
    held = own(lost, rows).row(0, named=True)
    assert held["consumer_surplus"] == pytest.approx(lost.totals["consumer_surplus"])
    assert lost.mean_sigma == 4.0


def test_products_that_did_not_converge_are_named(small_world: tw.World) -> None:
    duty = tw.Scenario("duty", [tw.Tariff(importer="USA", products="2846", rate=0.25)])
    result = tw.solve(small_world, duty, model_options={"max_steps": 1})
    statuses = result.status().collect()["status"].to_list()
    page = " ".join(text(result, width=80).split())
    if "max_steps" in statuses:
        assert "NOT CONVERGED: 1 of 2 products: 284690 (max_steps)" in page
    else:
        assert "Converged: all 2 products" in page


def test_scenario_without_measures(small_world: tw.World) -> None:
    page = text(tw.solve(small_world, tw.Scenario("nothing", [])), width=80)
    assert "No flow is touched" in page


def test_many_importers_are_summed_and_the_hardest_hit_listed(small_world: tw.World) -> None:
    everywhere = tw.Scenario("everywhere", [tw.Exclusion(exporter="CHN")])
    page = text(tw.solve(small_world, everywhere), width=80)
    assert "What happens to JPN, USA, 2 touched products" in page
    assert "importer" in page


@pytest.mark.parametrize("width", [80, 100])
def test_page_keeps_to_its_width(run: Run, width: int) -> None:
    assert max(len(line) for line in text(run, width).splitlines()) <= width


def test_page_is_plain_text(run: Run) -> None:
    page = text(run)
    assert "\x1b" not in page
    assert page.isascii() or "…" in page


def test_page_from_disk_is_the_page_from_memory(
    run: Run, result: tw.Result, tmp_path: Path
) -> None:
    band = run.scan("sigma_band").collect().lazy()
    written = read_run(write_run(result, tmp_path / "run", {}, extra={"sigma_band": band}))
    here, there = (_without_record(text(source)) for source in (run, written))
    assert here == there


def _without_record(page: str) -> str:
    return page[: page.index("How it was solved")]
