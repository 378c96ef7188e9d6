"""tw.solve with dates: suspension, snapback, branches, references."""

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.errors import ConfigError
from tradewedge.policy import compile_wedges

BAN = tw.Exclusion(
    importer="USA", exporter="CHN", start="2024-12-03", suspended=[("2025-11-09", "2026-11-27")]
)
CASE = tw.Scenario("ban", [BAN])
TALKS = tw.Scenario(
    "talks",
    branch_date="2026-07-13",
    branches={"no_deal": [], "tariff": [tw.Tariff(importer="USA", rate=0.25)]},
)


ELASTICITIES = pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.5], "epsilon": [1.0]})


@pytest.fixture(scope="module")
def world() -> tw.World:
    rows = [("CHN", "USA", 50.0), ("AUS", "USA", 30.0), ("CHN", "JPN", 20.0), ("JPN", "USA", 5.0)]
    return tw.World.from_flows(
        pl.DataFrame(
            [("811292", *row) for row in rows],
            schema=["product", "exporter", "importer", "value"],
            orient="row",
        ),
        elasticities=ELASTICITIES,
    )


def _names(result: tw.Result) -> list[str]:
    return [scenario.name for scenario in result.scenarios]


def test_on_off_on_is_reproducible(world: tw.World) -> None:
    result = tw.solve(world, CASE.path())
    flows = result.flows().collect().partition_by("scenario", include_key=False)
    on, off, back = flows
    assert on.equals(back)
    assert not on.equals(off)
    assert off["quantity_hat"].to_list() == pytest.approx([1.0] * 4)
    assert on.filter(exporter="CHN", importer="USA")["value_new"].item() == 0.0


def test_a_date_picks_the_measures(world: tw.World) -> None:
    result = tw.solve(world, [CASE, TALKS], date="2025-01-01")
    assert _names(result) == ["ban@2025-01-01", "talks@2025-01-01"]
    assert set(result.flows().collect()["scenario"]) == set(_names(result))
    own = tw.Scenario("own", [BAN], date="2026-01-01")
    assert _names(tw.solve(world, own)) == ["own@2026-01-01"]


def test_a_parted_scenario_is_solved_on_every_branch(world: tw.World) -> None:
    result = tw.solve(world, TALKS, date="2026-08-01")
    assert _names(result) == ["talks/no_deal@2026-08-01", "talks/tariff@2026-08-01"]


def test_a_reference_on_a_date(world: tw.World) -> None:
    lifted = tw.solve(world, tw.Scenario("lifted"), reference=CASE, date="2025-01-01")
    assert lifted.reference is not None
    assert lifted.reference.name == "ban@2025-01-01"
    flow = lifted.flows().filter(exporter="AUS").collect()
    assert flow["quantity_hat"].item() < 1.0
    same = tw.solve(world, CASE.at("2025-01-01"), reference=CASE, date="2025-01-01")
    open_flows = same.flows().filter(pl.col("value_base") > 0).collect()
    assert open_flows["quantity_hat"].to_list() == pytest.approx([1.0] * 3)


def test_undated_references_keep_their_name(world: tw.World) -> None:
    plain = tw.Scenario("plain", [tw.Tariff(importer="USA", rate=0.1)])
    result = tw.solve(world, CASE, reference=plain, date="2025-01-01")
    assert result.reference == plain


def test_what_cannot_be_solved_says_why(world: tw.World) -> None:
    with pytest.raises(ConfigError, match="say which"):
        tw.solve(world, CASE)
    with pytest.raises(ConfigError, match="say which"):
        compile_wedges(world, CASE)
    with pytest.raises(ConfigError, match="parted into 2 branches"):
        tw.solve(world, CASE, reference=TALKS, date="2026-08-01")
    with pytest.raises(ConfigError, match=r"reference is a tw\.Scenario"):
        tw.solve(world, CASE, reference="law", date="2026-08-01")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no date"):
        tw.solve(world, CASE, date="tomorrow")


def test_priority_decides_what_acts_first(world: tw.World) -> None:
    known = tw.World.from_flows(
        world.flows().select(pl.exclude("tariff")), ELASTICITIES, tariff_importers="*"
    )
    add = tw.Tariff(importer="USA", rate=0.1)
    replace = tw.Tariff(importer="USA", rate=0.2, mode="set")
    first = tw.Tariff(importer="USA", rate=0.2, mode="set", priority=-1)
    listed = compile_wedges(known, tw.Scenario("listed", [add, replace]))
    ordered = compile_wedges(known, tw.Scenario("ordered", [add, first]))
    assert set(listed.tariff_new) == {0.0, 0.2}
    assert sorted(set(ordered.tariff_new)) == pytest.approx([0.0, 0.3])
