"""The scenarios and worlds that ship with the package, together."""

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import tradewedge as tw
from tradewedge.errors import ConfigError
from tradewedge.policy import compile_wedges, shock

# The presets, P01 to P30, have tests of their own.
SCENARIOS = [
    path
    for path in sorted(Path(str(files("tradewedge.conf"))).glob("scenario/*.yaml"))
    if not re.match(r"p\d\d_", path.stem)
]


@pytest.fixture(scope="module")
def us_imports() -> tw.World:
    return tw.load_world("us_imports")


@pytest.fixture(scope="module")
def minerals() -> tw.World:
    return tw.load_world("minerals")


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["us_imports", "minerals"])
def test_shipped_scenarios_meet_shipped_worlds(
    path: Path, name: str, request: pytest.FixtureRequest
) -> None:
    world: tw.World = request.getfixturevalue(name)
    case = tw.Scenario.from_yaml(path)
    assert tw.Scenario.from_yaml(case.to_yaml()) == case
    wedges = compile_wedges(world, case)
    assert all(match.flows > 0 for match in wedges.matches)
    home = wedges.touched_flows & (world.flow_exporter == world.flow_importer)
    assert not home.any()
    found = shock(world, wedges)
    assert np.isfinite(found.log_cost).all()
    assert not found.log_cost[~wedges.touched_flows].any()


def test_the_european_union_is_one_partner(us_imports: tw.World) -> None:
    deal = tw.Tariff(importer="USA", exporter="EU27", rate=0.15, mode="set", authority="Deal")
    (match,) = compile_wedges(us_imports, tw.Scenario("deal", [deal])).matches
    assert match.exporters == ("EU27",)
    with pytest.raises(ConfigError, match="holds DEU only as part of EU27"):
        compile_wedges(us_imports, tw.Scenario("x", [tw.Exclusion(exporter="DEU")]))


def test_a_tariff_on_all_replaces_the_duties_charged(us_imports: tw.World) -> None:
    flat = tw.Tariff(importer="USA", rate=0.1, mode="set", authority="Flat")
    wedges = compile_wedges(us_imports, tw.Scenario("flat", [flat]))
    assert set(wedges.tariff_new[wedges.touched_flows]) == {0.1}
    assert [duty.authority for duty in wedges.duties] == ["Flat"]
