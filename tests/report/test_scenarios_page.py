"""The list of scenarios, and the page of one."""

from io import StringIO

import pytest
from rich.console import Console, RenderableType

import tradewedge as tw
from tradewedge.cli import main
from tradewedge.report.scenarios import days, reach, scenario_list, scenario_page, status


def _text(page: RenderableType, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(page)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


BAN = tw.Scenario(
    "ban",
    [
        tw.Exclusion(
            importer="USA",
            exporter="CHN",
            products="284690",
            start="2024-12-03",
            suspended=[("2025-11-09", "2026-11-27")],
        )
    ],
    description="A ban.",
    source="S1",
    status="in force",
    date="2025-01-01",
    worlds=["small"],
    coverage="One code.",
)
CASES = (
    BAN,
    tw.Scenario("duty", [tw.Tariff(importer="USA", rate=0.1, status="hypothetical")], status="law"),
    tw.Scenario("lost", [tw.Tariff(importer="USA", products="2836", rate=0.1)]),
)


def test_reach_counts_what_is_touched(small_world: tw.World) -> None:
    found = reach(small_world, BAN)
    assert (found.products, found.flows, found.value) == (1, 1, 300.0)
    assert found.text == "1 product, 1 trade flow, 300 k USD"


def test_home_sales_are_told_apart(small_world: tw.World) -> None:
    growth = tw.Scenario("growth", [tw.SupplyShift(exporter="JPN", products="8505", factor=2)])
    found = reach(small_world, growth)
    assert (found.flows, found.value) == (1, 60.0)
    assert (found.home_flows, found.home_value) == (1, 400.0)
    assert found.text.endswith("1 trade flow, 60.0 k USD; home sales in 1 market, 400 k USD")
    page = _text(scenario_page(growth, [small_world]))
    assert "home sales in 1 market, 400 k USD" in " ".join(page.split())


def test_reach_says_why_not(small_world: tw.World) -> None:
    found = reach(small_world, CASES[2])
    assert not found.wedges
    assert found.text.startswith("stops: measure 1 (Tariff)")
    assert "2836" in found.text


def test_reach_adds_up_branches_and_parts_segments(small_world: tw.World) -> None:
    duty = [tw.Tariff(importer="USA", products="284690", rate=0.1)]
    ban = [tw.Exclusion(importer="USA", products="850511", segment="defence")]
    case = tw.Scenario(
        "fork",
        branches={"nothing": [], "duty": duty, "ban": ban},
        branch_date="2026-07-13",
        date="2026-07-13",
        segments={"USA": {"defence": 0.1}},
    )
    found = reach(small_world, case)
    assert len(found.wedges) == 3
    assert (found.products, found.flows) == (2, 6)
    assert "fork/ban@2026-07-13" in _text(scenario_page(case, [small_world]))


def test_a_world_it_is_not_meant_for(small_world: tw.World) -> None:
    other = tw.Scenario("other", CASES[1].measures, worlds=["minerals"])
    assert reach(small_world, other).text.endswith("(not meant for this world)")


@pytest.mark.parametrize("width", [80, 100])
def test_the_table_fits(small_world: tw.World, width: int) -> None:
    told: list[tuple[str, int, int]] = []
    table = scenario_list(CASES, small_world, lambda *step: told.append(step))
    lines = _text(table, width).splitlines()
    assert max(map(len, lines)) <= width
    assert "touches in small" in lines[0]
    assert any("2024-12-03" in line for line in lines)
    assert told[-1] == ("scenarios", 3, 3)
    assert "small" in _text(scenario_list(CASES), width)


def test_days_and_status() -> None:
    assert days(BAN) == ("2024-12-03", "2025-11-09", "2026-11-28")
    assert days(tw.Scenario("law", law="2026-04-06")) == ("law 2026-04-06",)
    assert days(CASES[2]) == ()
    assert status(BAN) == "in force"
    assert status(CASES[1]) == "HYPOTHETICAL: law"
    assert status(tw.Scenario("x", status="hypothetical: no rate")) == "HYPOTHETICAL: no rate"
    assert status(CASES[2]) == "no status"


def test_the_page_of_one(small_world: tw.World) -> None:
    page = " ".join(_text(scenario_page(BAN, [small_world])).split())
    for part in ("A ban.", "Status: in force", "Source: S1", "Coverage: One code.", "300 k USD"):
        assert part in page
    assert "stops:" in _text(scenario_page(CASES[2], [small_world]))


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "p14_drc_cobalt_quota"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "96,600 t" in page
    assert "In minerals" in page
    assert "tradewedge run scenario=p14_drc_cobalt_quota" in page
    assert main(["scenarios", "p14_drc_cobalt"]) == 2
    assert "p14_drc_cobalt_quota" in capsys.readouterr().err


def test_every_scenario_in_a_world(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "--world", "minerals"]) == 0
    page = capsys.readouterr().out
    assert "touches in minerals" in page
    assert "p30_eu_cbam_downstream" in page
    assert page.count("stops:") >= 5
