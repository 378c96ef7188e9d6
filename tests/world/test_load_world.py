"""Worlds by name, year and path."""

from pathlib import Path

import pytest

import tradewedge as tw
from tradewedge.sources import embedded


def test_the_newest_year_is_the_default() -> None:
    assert tw.load_world("minerals").year == 2023
    assert tw.load_world("us_imports").year == 2024


def test_a_year_may_be_named() -> None:
    old, new = (tw.load_world("minerals", year=year) for year in (2022, 2023))
    assert (old.year, new.year) == (2022, 2023)
    assert old.data_hash != new.data_hash


def test_elasticities_may_be_named() -> None:
    short, central = (tw.load_world("minerals", elasticities=name) for name in ("short", None))
    assert central.elasticities.set_name == "central"
    assert (short.sigma <= central.sigma).all()


def test_unknown_name_gets_its_nearest() -> None:
    with pytest.raises(
        tw.ConfigError, match=r"no world 'mineral'.*minerals, us_imports \(did you mean minerals"
    ):
        tw.load_world("mineral")


def test_unknown_year_lists_the_years() -> None:
    with pytest.raises(tw.ConfigError, match=r"2019.*2022, 2023"):
        tw.load_world("minerals", year=2019)


def test_unknown_set_lists_the_sets() -> None:
    with pytest.raises(tw.ConfigError, match=r"middling.*short, central, long"):
        tw.load_world("minerals", elasticities="middling")


@pytest.mark.parametrize("name", ["minerals", "us_imports"])
def test_notes_and_vintage_come_along(name: str) -> None:
    world = tw.load_world(name)
    tables = embedded.tables(name)
    assert world.notes == tuple(tables.meta["notes"])
    assert world.vintage == tables.meta["vintage"]


def test_critical_minerals_are_flagged() -> None:
    world = tw.load_world("minerals")
    table = embedded.tables("minerals").products
    assert world.critical is not None
    flagged = {p for p, yes in zip(world.products, world.critical, strict=True) if yes}
    assert flagged == set(table.filter("critical")["product"])
    assert {"280530", "284690"} <= flagged
    assert "260111" not in flagged  # iron ore


def test_what_was_not_assessed_is_not_flagged() -> None:
    assert tw.load_world("us_imports").critical is None


class TestPath:
    def test_a_saved_world(self, world: tw.World, tmp_path: Path) -> None:
        place = world.save(tmp_path / "w")
        assert tw.load_world(str(place)).data_hash == world.data_hash
        assert tw.load_world(place, year=2023).year == 2023

    def test_with_other_elasticities(self, world: tw.World, tmp_path: Path) -> None:
        back = tw.load_world(world.save(tmp_path / "w"), elasticities="long")
        assert back.elasticities.set_name == "long"

    def test_of_another_year(self, world: tw.World, tmp_path: Path) -> None:
        place = world.save(tmp_path / "w")
        with pytest.raises(tw.ConfigError, match="holds year 2023, not 2022"):
            tw.load_world(place, year=2022)

    def test_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(tw.ConfigError, match="there is no such directory"):
            tw.load_world(tmp_path / "nothing")
