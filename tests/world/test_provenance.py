"""Where each elasticity of a world is from: rows, prefixes, sets, conversions."""

from pathlib import Path

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.provenance import counts

INF = float("inf")


@pytest.fixture
def given() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "product": ["", "2846", "284690", "28"],
            "exporter": [None, None, None, "CHN"],
            "sigma": [2.0, None, 0.9, None],
            "eta": [1.0, 0.5, None, None],
            "epsilon": [3.0, None, None, 1.0],
            "source": ["book", "paper; table 3", "own", "ministry"],
            "standard_error": [0.2, None, 0.1, None],
        },
        schema_overrides={"exporter": pl.String},
    )


def rows(world: tw.World) -> dict[tuple[str, str], dict[str, object]]:
    table = world.elasticity_sources()
    return {(row["product"], row["elasticity"]): row for row in table.iter_rows(named=True)}


def test_every_number_tells_its_row(
    flows: pl.DataFrame, given: pl.DataFrame, tmp_path: Path
) -> None:
    world = tw.World.from_flows(flows, given)
    for held in (world, tw.load_world(world.save(tmp_path / "world"))):
        told = rows(held)
        assert len(told) == 3 * len(world.products)
        sigma, eta, supply = (told["284690", name] for name in ("sigma", "eta", "epsilon"))
        assert (sigma["found_by"], sigma["prefix"], sigma["source"]) == (
            "own code",
            "284690",
            "own",
        )
        assert (sigma["least"], sigma["standard_error"]) == (0.9, 0.1)
        assert sigma["note"] == "exclusions need sigma above 1"
        assert (eta["found_by"], eta["prefix"]) == ("prefix", "2846")
        assert eta["source"] == "paper; table 3"
        assert (supply["found_by"], supply["source"]) == ("default", "book")
        assert (supply["least"], supply["most"]) == (1.0, 3.0)
        assert supply["note"] == "differs by exporter"
        assert told["284610", "sigma"]["prefix"] == ""


def test_part_of_a_world_keeps_it(flows: pl.DataFrame, given: pl.DataFrame) -> None:
    world = tw.World.from_flows(flows, given)
    assert rows(world.select(["284690"])) == {
        key: row for key, row in rows(world).items() if key[0] == "284690"
    }


def test_one_value_for_all_says_so(flows: pl.DataFrame, given: pl.DataFrame) -> None:
    told = rows(tw.World.from_flows(flows, given).with_elasticities(sigma=4.0))
    assert told["284690", "sigma"]["found_by"] == "set for all"
    assert told["284690", "sigma"]["source"] == "set to 4"
    assert told["284690", "eta"]["source"] == "paper; table 3"


def test_import_demand_tells_what_it_is_made_of(flows: pl.DataFrame, given: pl.DataFrame) -> None:
    share = pl.DataFrame({"product": ["284690"], "home_share": [0.25]})
    told = rows(tw.World.from_flows(flows, given, home_share=share))
    assert told["284690", "eta"]["note"] == (
        "import demand: made of eta 0.5 with the home share 0.25"
    )


def test_horizons_keep_the_note(flows: pl.DataFrame) -> None:
    world = tw.World.from_flows(flows, vintage="HS2017").at_horizon(3)
    told = rows(world)["284690", "sigma"]
    assert str(told["source"]).startswith("3 years: between short (1 year) and long; ProTEE")
    assert told["found_by"] == "own code"


def test_a_world_that_was_drawn_does_not_know() -> None:
    world = tw.load_world("synthetic", products=2, countries=5)
    table = world.elasticity_sources()
    assert table["found_by"].null_count() == table.height
    assert set(table["source"]) == {"synthetic: drawn at random"}


def test_shipped_sets_tell_tier_shrinkage_and_judgement() -> None:
    table = tw.load_world("us_imports", year=2024).elasticity_sources()
    told = counts(table)
    assert (
        told.group_by("elasticity").agg(pl.col("products").sum())["products"].to_list()
        == [5478] * 3
    )
    sigma = told.filter(elasticity="sigma")
    assert sigma.select(pl.col("own code", "prefix", "default", "set for all").sum()).row(0) == (
        5478,
        0,
        0,
        0,
    )
    assert sigma["source"].str.contains("shrunk|prior").all()
    supply = table.filter(elasticity="epsilon")
    assert set(supply["least"]) == {INF}
    assert supply["note"].str.contains("the one market").all()


def test_counts_leave_details_out(flows: pl.DataFrame, given: pl.DataFrame) -> None:
    told = counts(tw.World.from_flows(flows, given).elasticity_sources())
    eta = told.filter(elasticity="eta").row(0, named=True)
    assert (eta["source"], eta["products"], eta["prefix"]) == ("paper", 2, 2)
