"""Where two scenarios treat a world differently."""

from collections.abc import Sequence

import pytest

import tradewedge as tw
from tradewedge.policy import compile_wedges
from tradewedge.policy.difference import differing
from tradewedge.policy.measures import Measure

DUTY = tw.Tariff(importer="USA", rate=0.1)
FLOOR = tw.PriceFloor(importer="USA", exporter="CHN", multiple=1.2)
QUOTA = tw.ImportQuota(importer="USA", exporter="CHN", fraction=0.5)
SHARED = tw.ImportQuota(importer="USA", exporter=["CHN", "AUS"], fraction=0.5, per="importer")


def pairs(
    world: tw.World, one: Sequence[Measure], other: Sequence[Measure]
) -> set[tuple[str, str, str]]:
    compiled = [compile_wedges(world, tw.Scenario(n, m)) for n, m in (("a", one), ("b", other))]
    found = differing(world, *compiled)
    assert (found == differing(world, *compiled[::-1])).all()
    keys = world.flow_keys()
    names = zip(keys["product"], keys["exporter"], keys["importer"], strict=True)
    return {name for name, hit in zip(names, found, strict=True) if hit}


@pytest.mark.parametrize("same", [DUTY, FLOOR, QUOTA, SHARED])
def test_what_both_do_is_no_difference(world: tw.World, same: Measure) -> None:
    assert pairs(world, [same], [same]) == set()
    more = tw.Exclusion(importer="JPN", exporter="CHN", products="284690")
    assert pairs(world, [same, more], [same]) == {("284690", "CHN", "JPN")}


@pytest.mark.parametrize(
    "measure",
    [
        DUTY,
        FLOOR,
        QUOTA,
        SHARED,
        tw.TradeCost(importer="USA", factor=1.1),
        tw.ExportTax(exporter="CHN", rate=0.1),
        tw.SupplyShift(exporter="CHN", factor=0.5),
        tw.DemandShift(importer="USA", factor=2.0),
        tw.Capacity(exporter="CHN", fraction=0.9),
    ],
)
def test_what_one_does_differs_where_it_applies(world: tw.World, measure: Measure) -> None:
    wedges = compile_wedges(world, tw.Scenario("alone", [measure]))
    keys = world.flow_keys()
    names = zip(keys["product"], keys["exporter"], keys["importer"], strict=True)
    touched = {name for name, hit in zip(names, wedges.touched_flows, strict=True) if hit}
    assert touched
    assert pairs(world, [measure], []) == touched


def test_the_same_total_under_another_name_differs(world: tw.World) -> None:
    named = tw.Tariff(importer="USA", rate=0.1, authority="Section 122")
    assert pairs(world, [DUTY], [named])


def test_another_holder_of_a_rent_differs(world: tw.World) -> None:
    mine, theirs = (
        tw.PriceFloor(importer="USA", exporter="CHN", multiple=1.2, rent=who)
        for who in ("treasury", "exporter")
    )
    assert pairs(world, [mine], [theirs])
