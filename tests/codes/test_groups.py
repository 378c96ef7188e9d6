"""Groups of countries by date."""

from datetime import date

import pytest

from tradewedge import codes
from tradewedge.errors import ConfigError


def test_sizes_now() -> None:
    sizes = {name: len(members) for name, members in codes.groups().items()}
    assert sizes["G7"] == 7
    assert sizes["EU27"] == sizes["EU"] == 27
    assert sizes["USMCA"] == 3
    assert sizes["deal_232_cap15"] == 29
    assert sizes["minerals_meeting_2026_01"] == 35
    assert codes.group_members("dfars_covered") == ("CHN", "IRN", "PRK", "RUS")


@pytest.mark.parametrize(
    ("on", "size"),
    [
        (date(1957, 12, 31), 0),
        (date(1958, 1, 1), 6),
        (date(1994, 12, 31), 12),
        (date(2004, 4, 30), 15),
        (date(2004, 5, 1), 25),
        (date(2013, 7, 1), 28),
        (date(2020, 1, 31), 28),
        (date(2020, 2, 1), 27),
    ],
)
def test_the_union_grows_and_shrinks(on: date, size: int) -> None:
    assert len(codes.groups(on)["EU"]) == size


def test_the_united_kingdom_left_the_customs_union_later() -> None:
    assert "GBR" in codes.customs_unions(date(2020, 12, 31))["EU_customs_union"]
    assert "GBR" not in codes.customs_unions(date(2021, 1, 1))["EU_customs_union"]
    assert "GBR" not in codes.groups(date(2020, 12, 31))["EU"]
    assert "GBR" not in codes.groups(date(2015, 1, 1))["EU27"]


def test_customs_unions() -> None:
    unions = codes.customs_unions()
    assert set(unions) == {"EU_customs_union", "SACU", "EAEU", "GCC"}
    assert set(codes.groups()["EU27"]) <= set(unions["EU_customs_union"])
    assert codes.group_members("sacu") == ("BWA", "LSO", "NAM", "SWZ", "ZAF")


def test_agreements_count_from_their_date() -> None:
    assert "AUS" not in codes.groups(date(2025, 10, 19))["minerals_agreements"]
    assert "AUS" in codes.groups(date(2025, 10, 20))["minerals_agreements"]
    before = set(codes.groups(date(2026, 4, 23))["minerals_agreements"])
    after = set(codes.groups(date(2026, 4, 24))["minerals_agreements"])
    assert after - before == set(codes.groups()["EU27"])
    assert "COD" in codes.groups(date(2025, 12, 1))["minerals_agreements"]


def test_names_in_any_case() -> None:
    assert codes.is_group("g7")
    assert codes.is_group(" Usmca ")
    assert not codes.is_group("CHN")
    assert codes.group_members("eu27") == codes.groups()["EU27"]


def test_unknown_or_empty_group() -> None:
    with pytest.raises(ConfigError, match="did you mean G7"):
        codes.group_members("G8")
    with pytest.raises(ConfigError, match="no members today"):
        codes.group_members("NAFTA")
    assert codes.group_members("NAFTA", date(2019, 1, 1)) == ("CAN", "MEX", "USA")


def test_members_are_countries_and_names_are_free() -> None:
    table = codes.group_table()
    assert set(table["iso3"]) <= set(codes.countries()["iso3"])
    assert set(table["group"]) == set(codes.group_titles()["group"])
    clash = set(codes.group_titles()["group"]) & set(codes.countries()["iso3"])
    assert clash == {"EU27"}  # the same thing as a partner and as its members


def test_callers_cannot_change_the_groups() -> None:
    codes.groups()["G7"] = ()
    assert len(codes.groups()["G7"]) == 7
