"""Experiments as data: what ships, what is refused, and rates averaged over a year."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tradewedge as tw
from tradewedge.backtest import Experiment, shipped
from tradewedge.backtest.experiment import find
from tradewedge.backtest.predicted import cases
from tradewedge.backtest.series import open_year, years
from tradewedge.backtest.yearly import enacted, share_of_year
from tradewedge.errors import ConfigError

PLAIN: dict[str, Any] = {
    "name": "mine",
    "before": 2018,
    "after": 2019,
    "scenarios": [{"name": "a", "measures": [{"kind": "Tariff", "rate": 0.1}]}],
}
LIST_3 = (0.10 * 129 + 0.25 * 236) / 365


def test_what_ships_is_read_and_told() -> None:
    assert set(shipped()) == {"us_china_2018", "china_controls_2023", "rare_earths"}
    for name in shipped():
        told = find(name)
        assert told.name == name
        assert told.title
        assert told.description
        assert told.unseen
        assert all(scenario.source and scenario.status for scenario in told.scenarios)
        assert Experiment.from_dict(told.record()) == told


def test_what_no_law_sets_is_marked() -> None:
    costs = [s for s in find("china_controls_2023").scenarios if s.name.startswith("licence_cost")]
    assert len(costs) == 3
    assert all(scenario.hypothetical for scenario in costs)
    assert not find("us_china_2018").scenarios[0].hypothetical


def test_list_3_is_that_of_the_law() -> None:
    """All HTS lines of each code are on the list in data/law, and no other code's are."""
    import polars as pl

    from tradewedge.data.build.backtest import FOLDER

    data = FOLDER.parent
    scope = pl.read_parquet(data / "law" / "scope_lines.parquet").filter(scope="s301_list_3")
    lines = pl.read_parquet(data / "minerals" / "tariff_lines.parquet")
    on_list = lines.group_by("product").agg(
        pl.col("hs8").is_in(scope["code"].implode()).all().alias("all"),
    )
    listed = set(on_list.filter("all")["product"])
    assert set(find("us_china_2018").scenarios[0].measures[1].products) == listed


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"befor": 2018}, "befor"),
        ({"before": None}, "key before is missing"),
        ({"after": 2018}, "compared with itself"),
        ({"before": 2018.5}, "a year or the path"),
        ({"scenarios": []}, "no scenario"),
        ({"scenarios": PLAIN["scenarios"] * 2}, "same name"),
        ({"training": [[2018]]}, "pair of years"),
        ({"importers": "USA"}, "is a list"),
        ({"importers": [4177]}, "is text"),
        ({"scenarios": [{"name": "a", "measures": [{"kind": "Tarif"}]}]}, "Tariff"),
    ],
)
def test_bad_experiments(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        Experiment.from_dict(PLAIN | change)


def test_unquoted_codes_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "mine.yaml"
    place.write_text(
        'name: "m"\nbefore: 2018\nafter: 2019\nscenarios:\n'
        '  - {name: "a", measures: [{kind: "Tariff", products: [284690], rate: 0.1}]}\n'
    )
    with pytest.raises(ConfigError, match="line 5: products"):
        find(str(place))


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean us_china_2018"):
        find("us_china_2008")


def test_rates_are_averaged_by_days() -> None:
    law = enacted(find("us_china_2018").scenarios[0], 2018, 2019)
    base = sum(measure.rate for measure in law.base.measures)
    assert base == pytest.approx(0.10 * 99 / 365)
    change = sum(measure.rate for measure in law.change.measures)
    assert base + change == pytest.approx(LIST_3)
    assert not law.change.dated


def test_leap_years_have_one_day_more() -> None:
    half = tw.Tariff(rate=0.1, start="2020-01-01", end="2020-02-29")
    assert share_of_year(half, 2020) == pytest.approx(60 / 366)
    assert share_of_year(half, 2021) == 0.0
    assert share_of_year(tw.Tariff(rate=0.1), 2020) == 1.0


def test_factors_are_averaged_against_the_year_before() -> None:
    cost = tw.TradeCost(factor=1.5, start="2019-07-02")
    law = enacted(tw.Scenario("s", [cost]), 2019, 2020)
    half = share_of_year(cost, 2019)
    assert law.change.measures[0].factor == pytest.approx(1.5 / (1 + 0.5 * half))
    assert not law.base.measures


def test_what_has_no_average_is_refused() -> None:
    ban = tw.Scenario("ban", [tw.Exclusion(exporter="CHN", start="2019-07-01")])
    with pytest.raises(ConfigError, match="cannot be averaged"):
        enacted(ban, 2018, 2019)
    assert enacted(ban, 2018, 2020).change.measures[0].start is None


def test_years_without_a_change_are_refused() -> None:
    with pytest.raises(ConfigError, match="nothing differs between 2021 and 2022"):
        enacted(find("us_china_2018").scenarios[0], 2021, 2022)


def test_the_year_before_carries_its_part_of_the_duty() -> None:
    world = open_year(2018).select(["282530", "284690"])
    scenario = find("us_china_2018").scenarios[0]
    few = [replace(measure, products="282530") for measure in scenario.measures]
    told = replace(find("us_china_2018"), scenarios=(replace(scenario, measures=few),))
    case = cases(told, world, 2019)[0]
    rates = case.world.tariff_base
    assert rates.max() == pytest.approx(0.10 * 99 / 365)
    assert (rates > 0).sum() == 1
    assert case.targets.rows() == [("282530", "USA", "CHN")]
    # A world that knows the importer's duties keeps its own.
    knows = replace(world, tariff_importers=frozenset({"USA"}))
    assert cases(told, knows, 2019)[0].world.tariff_base.max() == 0.0


def test_series_has_seven_years_and_says_so() -> None:
    assert years() == tuple(range(2018, 2025))
    with pytest.raises(ConfigError, match="no year 2017: it has 2018, 2019"):
        open_year(2017)
    assert open_year(2018).flows().collect().height == 42_776
