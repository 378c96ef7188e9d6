"""Another share of home producers in spending, and what becomes of eta."""

from pathlib import Path

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.errors import ConfigError, DataError


@pytest.fixture
def world() -> tw.World:
    """Two products without domestic rows, 284690 with home share 0.6, 850511 with none known."""
    flows = pl.DataFrame(
        {
            "product": ["284690", "850511"],
            "exporter": ["CHN", "CHN"],
            "importer": ["USA", "USA"],
            "value": [300.0, 80.0],
        }
    )
    elasticities = pl.DataFrame(
        {"product": [""], "sigma": [4.0], "eta": [0.5], "epsilon": [1.0], "source": ["a book"]}
    )
    home = pl.DataFrame({"product": ["284690"], "home_share": [0.6]})
    return tw.World.from_flows(flows, elasticities, home_share=home)


def test_eta_is_made_again_from_that_of_the_composite(world: tw.World) -> None:
    made = world.with_home_share(0.2)
    assert made.eta == pytest.approx([0.2 * 4 + 0.8 * 0.5] * 2)
    assert made.elasticities.eta_kind == ("import_demand", "import_demand")
    assert made.elasticities.source[0] == (
        "sigma: a book; eta: a book, home share set to 0.2; epsilon: a book"
    )
    assert made.elasticities.set_name == "user, home_share=0.2"
    assert made.data_hash != world.data_hash


def test_prefixes_change_their_products_only(world: tw.World, tmp_path: Path) -> None:
    table = pl.DataFrame({"product": ["85", "850511"], "home_share": [0.9, 0.0]})
    table.write_csv(tmp_path / "shares.csv")
    for given in ({"85": 0.9, "850511": 0.0}, table, tmp_path / "shares.csv"):
        made = world.with_home_share(given)
        assert made.elasticities.home_share.tolist() == [0.6, 0.0]
        assert made.eta.tolist() == [world.eta[0], 0.5]
        assert made.elasticities.source[0] == "a book"
    assert world.with_home_share({"*": 0.1, "28": 0.3}).elasticities.home_share.tolist() == [
        0.3,
        0.1,
    ]


def test_it_stays_when_other_elasticities_are_set(world: tw.World) -> None:
    made = world.with_home_share(0.2).with_home_share(0.25)
    for later in (made.with_elasticities(eta=1.0), made.with_elasticities("short")):
        assert later.elasticities.home_share.tolist() == [0.25, 0.25]
        assert later.elasticities.source[0].count("home share set to") == 1
        assert "home share set to 0.25" in later.elasticities.source[0]
    assert "home share set to 0.25" in made.at_horizon(3).elasticities.source[0]


def test_domestic_sales_in_the_flows_are_left_alone(flows: pl.DataFrame) -> None:
    held = tw.World.from_flows(flows)  # 284610 has a domestic row
    assert held.with_home_share(0.2).eta[0] == held.eta[0]
    assert held.with_home_share(0.2).eta[1] != held.eta[1]
    with pytest.raises(DataError, match="domestic sales of every product"):
        held.with_home_share({"284610": 0.2})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (20, "20 % is 0.2"),
        ({"28": -0.1}, "home_share of '28' is between 0 and 1"),
        ({2846: 0.1}, "text in quotes"),
        ({}, "is empty"),
        ({"9999": 0.1}, "begins with '9999'"),
        ("nowhere.csv", "no file nowhere.csv"),
    ],
)
def test_what_is_no_share(world: tw.World, given: object, says: str) -> None:
    with pytest.raises((ConfigError, DataError), match=says):
        world.with_home_share(given)  # type: ignore[arg-type]
