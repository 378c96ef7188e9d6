"""Scenarios on the law of a day, and the law of a day as the reference."""

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge.errors import ConfigError
from tradewedge.policy import compile_wedges
from tradewedge.policy.law.change import law_change
from tradewedge.report import text
from tradewedge.store import view

JANUARY, MARCH = "2026-01-15", "2026-03-15"


@pytest.fixture(scope="module")
def world() -> tw.World:
    """Return rare-earth compounds, graphite and minor metals of the embedded world."""
    whole = tw.load_world("minerals", year=2023)
    return whole.select([p for p in whole.products if p[:4] in ("2846", "2504", "8112")])


@pytest.fixture(scope="module")
def foreign(world: tw.World) -> tw.World:
    flows = world.flows().filter(importer="JPN").select(pl.exclude("tariff"))
    return tw.World.from_flows(flows, vintage=world.vintage, year=2023, name="foreign")


def test_the_law_moves_the_baseline(world: tw.World) -> None:
    wedges = compile_wedges(world, tw.law(JANUARY))
    change = law_change(world, JANUARY).total(world.value.size)
    np.testing.assert_allclose(wedges.tariff_new, world.tariff_base + change, atol=1e-12)
    np.testing.assert_array_equal(wedges.touched_flows, change != 0)
    names = [duty.authority for duty in wedges.duties]
    assert len(names) == len(set(names))
    assert "IEEPA reciprocal" in names
    assert wedges.warnings[0].startswith("law of 2026-01-15: duties of the United States differ")


def test_measures_act_on_top_of_the_law(world: tw.World) -> None:
    duty = tw.Tariff(importer="USA", exporter="CHN", rate=0.1)
    on_law = compile_wedges(world, tw.Scenario("both", [duty], law=JANUARY))
    alone = compile_wedges(world, tw.law(JANUARY))
    hit = np.isclose(on_law.tariff_new - alone.tariff_new, 0.1)
    assert hit.sum() == on_law.matches[0].flows
    np.testing.assert_allclose(on_law.tariff_new[~hit], alone.tariff_new[~hit])
    replaced = tw.Tariff(importer="USA", exporter="CHN", rate=0.1, mode="set")
    only = compile_wedges(world, tw.Scenario("set", [replaced], law=JANUARY))
    assert only.tariff_new[hit] == pytest.approx(0.1)


def test_a_cap_is_on_what_the_scenario_adds_not_on_the_law(world: tw.World) -> None:
    steps = [
        tw.Tariff(importer="USA", rate=0.5),
        tw.Agreement(importer="USA", members="JPN", cap=0.15),
    ]
    wedges = compile_wedges(world, tw.Scenario("cap", steps, law=JANUARY))
    law = compile_wedges(world, tw.law(JANUARY))
    keys = pl.DataFrame(world.flow_keys())
    rows = keys.with_row_index().filter(importer="USA", exporter="JPN")["index"].to_numpy()
    expected = np.maximum(law.tariff_new[rows], 0.15)
    np.testing.assert_allclose(wedges.tariff_new[rows], expected)


def test_a_policy_against_the_law_of_its_day(world: tw.World) -> None:
    same = tw.solve(world, tw.Scenario("same", law=JANUARY), reference=tw.law(JANUARY))
    flows = same.flows().collect()
    assert flows["quantity_hat"].to_numpy() == pytest.approx(1.0)
    assert (flows["tariff_base"] - flows["tariff_new"]).abs().max() == 0.0
    assert same.reference is not None
    assert same.reference.name == "law of 2026-01-15"


def test_a_scenario_without_a_law_takes_that_of_its_reference(world: tw.World) -> None:
    duty = tw.Tariff(importer="USA", exporter="CHN", rate=0.1)
    taken = tw.solve(world, tw.Scenario("duty", [duty]), reference=tw.law(JANUARY))
    named = tw.solve(world, tw.Scenario("duty", [duty], law=JANUARY), reference=tw.law(JANUARY))
    assert taken.scenarios == named.scenarios
    flows = taken.flows().collect()
    assert flows.equals(named.flows().collect())
    added = (flows["tariff_new"] - flows["tariff_base"]).drop_nulls().round(12)
    assert set(added) == {0.0, 0.1}
    own = tw.solve(world, tw.law(MARCH), reference=tw.law(JANUARY))
    assert own.scenarios == (tw.law(MARCH),)


def test_hats_against_two_laws_chain(world: tw.World) -> None:
    """New over data year = (new over January) x (January over data year)."""

    def hats(case: tw.Scenario, reference: tw.Scenario | None) -> np.ndarray:
        result = tw.solve(world, case, reference=reference, tolerance=1e-12)
        return result.flows().collect()["quantity_hat"].to_numpy()

    direct = hats(tw.law(MARCH), None)
    first, second = hats(tw.law(JANUARY), None), hats(tw.law(MARCH), tw.law(JANUARY))
    np.testing.assert_allclose(direct, first * second, rtol=1e-8)
    assert not np.allclose(second, 1.0)


def test_revenue_stays_with_its_authority(world: tw.World) -> None:
    result = tw.solve(world, tw.law(MARCH), reference=tw.law(JANUARY))
    money = result.transfers().group_by("authority").agg(pl.col("^amount_.*$").sum()).collect()
    row = {name: (base, new) for name, base, new in money.iter_rows()}
    assert row["IEEPA reciprocal"][0] > 0
    assert row["IEEPA reciprocal"][1] == 0
    assert row["Section 122"][0] == 0
    assert row["Section 122"][1] > 0


def test_the_summary_of_a_law_alone_shows_its_buyers(world: tw.World) -> None:
    page = text(tw.solve(world, tw.law("2023-06-30"), reference=tw.law(JANUARY)))
    assert "Changes refer to law of 2026-01-15, not to the data year." in page
    assert "No flow is touched" not in page
    assert "What happens to USA" in page


def test_the_law_of_the_day_follows_the_path(world: tw.World) -> None:
    path = tw.Scenario("now", law="of the day").path([JANUARY, MARCH])
    moved = [compile_wedges(world, case).tariff_new for case in path]
    fixed = [compile_wedges(world, tw.law(day)).tariff_new for day in (JANUARY, MARCH)]
    np.testing.assert_array_equal(moved, fixed)


def test_segments_have_the_law_of_their_importer(world: tw.World) -> None:
    segments = {"USA": {"defence": 0.05}}
    case = tw.Scenario("parts", law=JANUARY, segments=segments)
    tariffs = (
        tw.solve(world, case)
        .flows()
        .filter(pl.col("importer").str.starts_with("USA"), pl.col("exporter") != "USA")
        .group_by("product", "exporter")
        .agg(pl.col("tariff_new").n_unique(), parts=pl.len())
        .collect()
    )
    assert set(tariffs["tariff_new"]) == {1}
    assert set(tariffs["parts"]) == {2}


def test_one_split_serves_all_scenarios(world: tw.World) -> None:
    parted = tw.Scenario("parted", segments={"USA": {"defence": 0.05}})
    result = tw.solve(world, [parted, tw.Scenario("whole")])
    assert "USA:defence" in result.world.countries
    again = tw.solve(result.world, parted)
    assert again.world.countries == result.world.countries
    other = tw.Scenario("other", segments={"USA": {"defence": 0.1}})
    with pytest.raises(ConfigError, match="'parted' and 'other' part USA differently"):
        tw.solve(world, [parted, other])


def test_a_world_without_us_imports_is_refused(foreign: tw.World) -> None:
    with pytest.raises(ConfigError, match=r"law of 2026-01-15.*has no flow into them"):
        tw.solve(foreign, tw.law(JANUARY))


def test_a_world_without_us_duties_is_refused(world: tw.World) -> None:
    bare = tw.World.from_flows(
        world.flows().select(pl.exclude("tariff")), vintage=world.vintage, year=2023, name="bare"
    )
    with pytest.raises(ConfigError, match="does not know those of the United States"):
        tw.solve(bare, tw.law(JANUARY))
    undated = tw.World.from_flows(
        world.flows().select(pl.exclude("tariff")), vintage=world.vintage, tariff_importers="*"
    )
    with pytest.raises(ConfigError, match=r"scenario 'law of 2026-01-15': world .* has no year"):
        tw.solve(undated, tw.law(JANUARY))


def test_touched_is_what_differs_from_the_reference(world: tw.World) -> None:
    """The ban alone, and not every product whose duty has changed since the data year."""
    ban = tw.Scenario(
        "ban", [tw.Exclusion(importer="USA", exporter="CHN", products="284690")], law=JANUARY
    )
    run = view(tw.solve(world, ban, reference=tw.law(JANUARY)))
    (entry,) = run.manifest["scenarios"]
    assert (entry["touched_products"], entry["touched_flows"]) == (1, 1)
    page = text(run)
    assert "What happens to USA, 1 touched product" in page
    same = text(tw.solve(world, tw.law(JANUARY), reference=tw.law(JANUARY)))
    assert "No flow is touched beyond what law of 2026-01-15 does" in same


@pytest.mark.parametrize("day", ["2010-01-01", "2021-12-31"])
def test_a_law_before_the_first_day_on_file_is_refused(world: tw.World, day: str) -> None:
    duty = tw.Scenario("duty", [tw.Tariff(importer="USA", rate=0.1)])
    told = f"law of {day}.*: date {day}: the shipped law begins on 2022-01-01"
    with pytest.raises(ConfigError, match=told):
        tw.solve(world, tw.law(day))
    with pytest.raises(ConfigError, match="the shipped law begins on 2022-01-01"):
        tw.solve(world, duty, reference=tw.law(day))


def test_no_authority_pays_out_where_a_law_falls_below_the_baseline() -> None:
    """The duty charged in a year mixes authorities and days: what a law takes back is in it."""
    whole = tw.load_world("us_imports")
    some = whole.select([p for p in whole.products if p[:4] in ("8541", "8703", "7601", "3818")])
    wedges = compile_wedges(some, tw.law("2024-06-30"))
    assert min(float(duty.rate.min()) for duty in wedges.duties) >= 0.0
    total = np.zeros(some.value.size)
    for duty in wedges.duties:
        total[duty.rows] += duty.rate
    np.testing.assert_allclose(total, wedges.tariff_new, atol=1e-12)
    change = law_change(some, "2024-06-30")
    assert any((duty.rate < 0).any() for duty in change.duties)
    expected = np.maximum(some.tariff_base + change.total(some.value.size), 0.0)
    np.testing.assert_allclose(total, expected, atol=1e-12)


def test_the_baseline_and_the_law_call_one_duty_by_one_name(world: tw.World) -> None:
    wedges = compile_wedges(world, tw.law(JANUARY))
    base = {duty.authority for duty in world.duties}
    assert base <= {"MFN", "Section 232", "Section 301 China"}
    assert base <= {duty.authority for duty in wedges.duties}
    assert "Section 301" not in {duty.authority for duty in wedges.duties}


def test_the_law_of_a_day_that_is_inferred_says_so(world: tw.World) -> None:
    for day, told in (("2025-10-01", "are inferred"), ("2035-01-01", "known up to 19 August")):
        assert told in compile_wedges(world, tw.law(day)).warnings[0]
        assert told in " ".join(text(tw.solve(world, tw.law(day))).split())
    assert "inferred" not in compile_wedges(world, tw.law(JANUARY)).warnings[0]
