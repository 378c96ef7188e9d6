"""Some products of a world."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tradewedge as tw


def test_what_is_left_is_what_was_there(world: tw.World) -> None:
    part = world.select(["284690"])
    assert part.products == ("284690",)
    assert part.countries == world.countries
    expected = world.flows().filter(pl.col("product") == "284690")
    assert_frame_equal(part.flows().collect(), expected.collect())
    assert part.sigma.size == 1
    assert part.epsilon.size == part.exporter_country.size == 2


def test_duties_move_with_their_flows(world: tw.World) -> None:
    part = world.select(["284690"])
    assert {duty.authority: duty.rate.tolist() for duty in part.duties} == {
        "MFN": [0.02],
        "Section 301": [0.10],
    }
    np.testing.assert_array_equal(part.tariff_base, world.tariff_base[world.flow_product == 1])


def test_a_part_solves_like_the_whole(world: tw.World) -> None:
    case = tw.Scenario("more", [tw.Tariff(importer="USA", exporter="CHN", rate=0.5)])
    whole = tw.solve(world, case).flows().filter(pl.col("product") == "284690").collect()
    part = tw.solve(world.select(["284690"]), case).flows().collect()
    assert_frame_equal(part, whole, rel_tol=1e-12)


def test_all_is_the_same_world(world: tw.World) -> None:
    assert world.select(world.products[::-1]).data_hash == world.data_hash


def test_flags_are_kept(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    world = tw.World.from_flows(flows, elasticities, critical=["284690"])
    critical = world.select(["284690"]).critical
    assert critical is not None
    assert critical.tolist() == [True]


def test_the_audit_goes_on(world: tw.World) -> None:
    part = world.select(["284690"])
    assert part.audit.height == world.audit.height + 1
    assert part.audit.row(-1) == ("select", "kept: 1 of 2 products", 3, 420.0)


def test_an_unknown_product_gets_its_nearest(world: tw.World) -> None:
    with pytest.raises(tw.DataError, match=r"'small' has no product 284691; nearest: 284690"):
        world.select(["284690", "284691"])


def test_nothing_is_not_a_world(world: tw.World) -> None:
    with pytest.raises(tw.DataError, match="no product of world 'small' selected"):
        world.select([])


def test_text_is_one_code_and_prefixes_take_what_they_begin(world: tw.World) -> None:
    assert world.select("284690").products == ("284690",)
    assert world.select(["2846"]).products == ("284610", "284690")
    assert world.select(["284610", "28469"]).products == ("284610", "284690")
    for missing in ("285", ["284690", ""]):
        with pytest.raises(tw.DataError, match="has no product"):
            world.select(missing)


def test_what_is_no_table_is_told() -> None:
    with pytest.raises(tw.DataError, match=r"flows: a Polars DataFrame or LazyFrame, not dict"):
        tw.World.from_flows({"product": ["284690"]})  # type: ignore[arg-type]
