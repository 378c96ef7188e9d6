"""Scenarios on a day, along a path of days, and on branches."""

from datetime import date

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.errors import ConfigError
from tradewedge.policy import compile_wedges
from tradewedge.policy.scenario import law

BAN = tw.Exclusion(
    importer="USA",
    exporter="CHN",
    products="284690",
    start="2024-12-03",
    suspended=[("2025-11-09", "2026-11-27")],
)
FIRST = tw.Tariff(importer="USA", rate=0.10, start="2026-01-01", end="2026-06-30")
SECOND = tw.Tariff(importer="USA", rate=0.25, start="2026-07-01")
ALWAYS = tw.TradeCost(importer="USA", factor=1.01)
NEGOTIATION = tw.Scenario(
    "talks",
    [BAN, ALWAYS],
    branch_date="2026-07-13",
    branches={
        "no_deal": [],
        "tariff": [tw.Tariff(importer="USA", rate=0.25, status="hypothetical")],
        "later": [tw.Tariff(importer="USA", rate=0.5, start="2026-09-01", priority=-1)],
    },
)
YAML = """\
name: dated
date: 2026-01-20
law: "2026-01-15"
worlds: ["minerals"]
coverage: "all of it"
segments: {"USA": {"defence": 0.05}}
branch_date: "2026-07-13"
measures:
- kind: Exclusion
  importer: "USA"
  start: 2024-12-03
  suspended: [[2025-11-09, "2026-11-27"], ["2027-01-01", null]]
- {kind: SupplyShift, exporter: "AUS", factor: 2, start: 2026-01-01, ramp_until: 2030-01-01}
branches:
  nothing: []
  tariff: [{kind: Tariff, rate: 0.25}]
"""


def test_yaml_dates_may_be_quoted_or_not() -> None:
    case = tw.Scenario.from_yaml(YAML)
    assert case.date == date(2026, 1, 20)
    assert case.law == date(2026, 1, 15)
    assert case.measures[0].suspended[0] == (date(2025, 11, 9), date(2026, 11, 27))
    assert case.measures[0].suspended[1] == (date(2027, 1, 1), None)
    assert case.branches["tariff"][0].start == date(2026, 7, 13)
    assert tw.Scenario.from_yaml(case.to_yaml()) == case
    assert tw.Scenario.from_dict(case.to_dict()) == case
    assert hash(case) == hash(tw.Scenario.from_dict(case.to_dict()))


def test_a_suspended_measure_is_dropped_and_snaps_back() -> None:
    case = tw.Scenario("ban", [BAN, ALWAYS])
    assert case.at("2024-12-02").measures == (ALWAYS,)
    assert case.at("2024-12-03").measures == (BAN, ALWAYS)
    assert case.at("2025-11-08").measures == (BAN, ALWAYS)
    assert case.at("2025-11-09").measures == (ALWAYS,)
    assert case.at("2026-11-27").measures == (ALWAYS,)
    back = case.at(date(2026, 11, 28))
    assert back.measures == (BAN, ALWAYS)
    assert back.name == "ban@2026-11-28"
    assert back.date == date(2026, 11, 28)


def test_the_path_goes_on_off_on() -> None:
    path = tw.Scenario("ban", [BAN]).path()
    assert [case.name for case in path] == ["ban@2024-12-03", "ban@2025-11-09", "ban@2026-11-28"]
    assert [len(case.measures) for case in path] == [1, 0, 1]


def test_stages_are_measures_with_windows() -> None:
    case = tw.Scenario("stages", [FIRST, SECOND])
    path = case.path()
    assert [case.date for case in path] == [date(2026, 1, 1), date(2026, 7, 1)]
    assert [case.measures for case in path] == [(FIRST,), (SECOND,)]
    assert case.at("2026-06-30").measures == (FIRST,)


def test_a_path_of_chosen_dates_is_in_order_of_time() -> None:
    path = tw.Scenario("plain", [ALWAYS]).path(["2027-01-01", date(2026, 1, 1), "2027-01-01"])
    assert [case.name for case in path] == ["plain@2026-01-01", "plain@2027-01-01"]
    with pytest.raises(ConfigError, match="nothing in it has a date"):
        tw.Scenario("plain", [ALWAYS]).path()
    with pytest.raises(ConfigError, match="takes a list of dates"):
        tw.Scenario("plain", [ALWAYS]).path("2026-01-01")


def test_a_path_of_no_dates_is_refused() -> None:
    with pytest.raises(ConfigError, match="name the dates"):
        tw.Scenario("ban", [BAN]).path([])


def test_branches_part_on_their_date() -> None:
    assert NEGOTIATION.hypothetical
    before = NEGOTIATION.at("2026-07-12")
    assert before.measures == (ALWAYS,)
    assert not before.hypothetical
    with pytest.raises(ConfigError, match=r"parts on 2026-07-13.*no_deal, tariff, later"):
        NEGOTIATION.at("2026-07-13")
    tariff = NEGOTIATION.branch("tariff")
    assert tariff.name == "talks/tariff"
    assert tariff.at("2026-07-12").measures == (ALWAYS,)
    assert [m.kind for m in tariff.at("2026-07-13").measures] == ["TradeCost", "Tariff"]
    assert [case.name for case in NEGOTIATION.all_branches()] == [
        "talks/no_deal",
        "talks/tariff",
        "talks/later",
    ]
    assert tariff.all_branches() == (tariff,)


def test_a_path_follows_every_branch() -> None:
    names = [case.name for case in NEGOTIATION.path(["2026-07-12", "2026-07-13"])]
    assert names == [
        "talks@2026-07-12",
        "talks/no_deal@2026-07-13",
        "talks/tariff@2026-07-13",
        "talks/later@2026-07-13",
    ]
    days = sorted({str(case.date) for case in NEGOTIATION.path()})
    assert days == ["2024-12-03", "2025-11-09", "2026-07-13", "2026-09-01", "2026-11-28"]


def test_a_branch_measure_comes_after_the_others_and_keeps_its_priority() -> None:
    later = NEGOTIATION.branch("later").at("2026-12-01")
    assert [m.kind for m in later.measures] == ["Exclusion", "TradeCost", "Tariff"]
    assert [m.priority for m in later.measures] == [0, 0, -1]


def test_a_supply_that_grows_has_grown_so_far() -> None:
    mine = tw.SupplyShift(exporter="AUS", factor=3.0, start="2026-01-01", ramp_until="2030-01-01")
    case = tw.Scenario("mine", [mine])
    factors = [state.measures[0].factor for state in case.path()]
    assert factors == [1.0, 3.0]
    half = case.at("2028-01-01").measures[0]
    assert half.factor == pytest.approx(2.0, abs=0.01)
    assert half.ramp_until is None


def test_one_day_stays_that_day() -> None:
    case = tw.Scenario("ban", [BAN]).at("2025-01-01")
    assert case.at("2025-01-01") is case
    assert case.of_its_day() is case
    with pytest.raises(ConfigError, match="is that of one day"):
        case.at("2026-01-01")
    assert tw.Scenario.from_yaml(case.to_yaml()).of_its_day() == case


def test_a_dated_scenario_needs_a_date() -> None:
    with pytest.raises(ConfigError, match=r"changes on 2024-12-03, 2025-11-09.*say which"):
        tw.Scenario("ban", [BAN]).of_its_day()
    assert tw.Scenario("ban", [BAN], date="2026-01-20").of_its_day().measures == ()
    plain = tw.Scenario("plain", [ALWAYS], date="2026-01-20")
    assert plain.of_its_day() is plain


def test_law_of_a_day() -> None:
    assert law("2026-01-15") == tw.Scenario("law of 2026-01-15", law=date(2026, 1, 15))
    moving = tw.Scenario("now", law="of the day")
    assert moving.dated
    assert [case.law for case in moving.path(["2026-01-15"])] == [date(2026, 1, 15)]
    fixed = tw.Scenario("then", law="2026-01-15").at("2026-09-01")
    assert fixed.law == date(2026, 1, 15)


def test_a_path_on_the_law_of_the_day_has_its_turns() -> None:
    moving = tw.Scenario("now", [BAN], law="of the day")
    days = [case.date for case in moving.path()]
    for day in ("2024-12-03", "2025-11-09", "2026-02-24", "2026-04-06", "2026-07-24"):
        assert date.fromisoformat(day) in days
    assert min(days) == date(2024, 12, 3)
    assert {case.law for case in moving.path()} == set(days)
    fixed = tw.Scenario("then", [BAN], law="2026-01-15")
    assert [case.date for case in fixed.path()] == [
        case.date for case in tw.Scenario("ban", [BAN]).path()
    ]


def test_dates_are_shown() -> None:
    text = str(NEGOTIATION)
    assert "from 2024-12-03, suspended 2025-11-09 to 2026-11-27" in text
    assert "from 2026-07-13, tariff:\n    Tariff +25 %" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"date": "now"}, "date: 'now' is no date"),
        ({"law": "of today"}, "law: 'of today' is no date"),
        ({"branches": {"a": []}}, "branches and branch_date go together"),
        ({"branch_date": "2026-07-13"}, "branches and branch_date go together"),
        ({"branches": [], "branch_date": "2026-07-13"}, "branches must be a mapping"),
        ({"branches": {1: []}, "branch_date": "2026-07-13"}, "name of a branch must be text"),
        ({"branches": {"a": BAN}, "branch_date": "2026-07-13"}, "branches: a is a list"),
        ({"branches": {"a": [BAN]}, "branch_date": "2026-07-13"}, "before the branches part"),
        ({"segments": {"USA": 0.1}}, "segments: USA must be a mapping"),
        ({"segments": {"USA": {"defence": 1.0}}}, "above 0 and sum to less than 1"),
        ({"segments": {"USA": {"defence": 0.0}}}, "above 0 and sum to less than 1"),
        ({"segments": {"USA": {"a": 0.5, "b": 0.5}}}, "above 0 and sum to less than 1"),
        ({"segments": {"USA": {}}}, "above 0 and sum to less than 1"),
        ({"segments": {False: {"defence": 0.1}}}, "importer must be a code in quotes"),
        ({"segments": {"USA": {"defence": "5%"}}}, "defence must be a number"),
        ({"worlds": 3}, "worlds is a list"),
        ({"coverage": 3}, "coverage must be text"),
        ({"measures": "Tariff"}, "measures is a list"),
    ],
)
def test_bad_scenarios_say_what_is_wrong(arguments: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tw.Scenario("x", **arguments)


def test_an_unknown_branch_gets_its_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no branch 'tarif'.*did you mean \"tariff\""):
        NEGOTIATION.branch("tarif")


def test_a_group_has_the_members_of_the_day() -> None:
    """Australia joined the agreements on minerals on 20 October 2025, Japan on the 28th."""
    flows = pl.DataFrame(
        {"product": "284690", "exporter": ["AUS", "JPN"], "importer": "USA", "value": 1.0}
    )
    world = tw.World.from_flows(flows, vintage="HS2022", year=2024)
    case = tw.Scenario("deal", [tw.Tariff(exporter="minerals_agreements", rate=0.1)])
    met = {
        day: compile_wedges(world, case.at(day)).matches[0].exporters
        for day in ("2025-10-20", "2025-10-28")
    }
    assert met == {"2025-10-20": ("AUS",), "2025-10-28": ("AUS", "JPN")}
    assert compile_wedges(world, case).matches[0].exporters == ("AUS", "JPN")
    with pytest.raises(
        ConfigError, match=r"measure 1 \(Tariff\): exporter: group .* no members on"
    ):
        compile_wedges(world, case.at("2025-10-19"))
