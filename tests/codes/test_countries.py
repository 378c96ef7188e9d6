"""Country codes: the odd ones that trade files really hold, and what people mistype."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge import codes
from tradewedge.errors import ConfigError, DataError


def one(system: str, code: object) -> str:
    return str(codes.to_iso3(system, pl.Series("code", [code]))[0])


@pytest.mark.parametrize(
    ("system", "code", "iso3"),
    [
        ("baci", "842", "USA"),
        ("baci", 251, "FRA"),
        ("baci", "579", "NOR"),
        ("baci", "699", "IND"),
        ("baci", "757", "CHE"),
        ("baci", "490", "TWN"),
        ("baci", "4", "AFG"),
        ("baci", "004", "AFG"),
        ("baci", 4.0, "AFG"),
        ("baci", "516", "NAM"),
        ("baci", "380", "ITA"),
        ("baci", "381", "ITA"),
        ("baci", "58", "BLX"),
        ("baci", "711", "ZA1"),
        ("baci", "849", "PUS"),
        ("comtrade", 0, "WLD"),
        ("comtrade", "492", "N492"),
        ("comtrade", "736", "SUD"),
        ("comtrade", "891", "SCG"),
        ("comtrade", "890", "YUG"),
        ("comtrade", "810", "SUN"),
        ("comtrade", "899", "UNS"),
        ("comtrade", "840", "USA"),
        ("m49", "840", "USA"),
        ("m49", "158", "TWN"),
        ("m49", "492", "MCO"),
        ("census", "0003", "EU27"),
        ("census", 3, "EU27"),
        ("census", "5700", "CHN"),
        ("census", "5082", "PSE"),
        ("census", "4803", "XKX"),
        ("iso2", "NA", "NAM"),
        ("iso2", "no", "NOR"),
        ("iso2", "EL", "GRC"),
        ("iso3", "ROM", "ROU"),
        ("iso3", "ZAR", "COD"),
        ("iso3", "TMP", "TLS"),
        ("iso3", "PAL", "PSE"),
        ("iso3", "S19", "TWN"),
        ("iso3", "W00", "WLD"),
        ("iso3", "X2 ", "FRE"),
    ],
)
def test_codes_that_trade_files_really_hold(system: str, code: object, iso3: str) -> None:
    assert one(system, code) == iso3


def test_the_table_has_one_row_per_code_and_names_its_successors() -> None:
    table = codes.countries()
    assert table["iso3"].is_unique().all()
    assert table["iso3"].is_sorted()
    assert set(table["kind"]) == {"country", "aggregate", "historic"}
    assert table.filter(pl.col("kind") == "country").height >= 226
    assert table.select("iso3", "name", "kind").null_count().sum_horizontal().item() == 0
    past = table.filter(pl.col("kind") == "historic")
    assert past.select("to_year", "successor").null_count().sum_horizontal().item() == 0
    successors = past["successor"].str.split(" ").explode()
    assert set(successors) <= set(table["iso3"])
    assert {"EU27", "ROW", "WLD"} <= set(table.filter(pl.col("kind") == "aggregate")["iso3"])


@pytest.mark.parametrize("system", codes.SYSTEMS)
def test_a_code_means_one_country(system: str) -> None:
    table = codes.crosswalk(system)
    assert table["code"].is_unique().all()
    assert set(table["iso3"]) <= set(codes.countries()["iso3"])
    if system != "iso3":
        primary = codes.countries().drop_nulls(system)
        back = codes.to_iso3(system, primary[system])
        assert back.to_list() == primary["iso3"].to_list()


def test_unknown_codes_are_named_and_counted() -> None:
    column = pl.Series("i", ["842", "999", "999", None, "7"])
    expected = r"x\.csv: i: 3 unknown baci .* in 4 of 5 rows: '999' \(2 rows\)"
    with pytest.raises(DataError, match=expected):
        codes.to_iso3("baci", column, "x.csv: i")
    with pytest.raises(DataError, match=r"\(no code\)"):
        codes.to_iso3("baci", column)
    with pytest.raises(DataError, match="HALF"):
        codes.to_iso3("iso2", pl.Series(["half"]))


def test_a_fraction_is_not_a_code() -> None:
    with pytest.raises(DataError, match="no code"):
        codes.to_iso3("baci", pl.Series([842.5]))


def test_expressions_do_the_same() -> None:
    frame = pl.LazyFrame({"i": ["842", "4"]})
    assert frame.select(codes.to_iso3("baci", pl.col("i"))).collect()["i"].to_list() == [
        "USA",
        "AFG",
    ]
    with pytest.raises(DataError, match="'000'"):
        pl.LazyFrame({"i": ["0"]}).select(codes.to_iso3("baci", pl.col("i"))).collect()


def test_unknown_system() -> None:
    with pytest.raises(ConfigError, match="baci, m49"):
        codes.crosswalk("fips")


@pytest.mark.parametrize(
    ("text", "canonical"), [("CHN", "CHN"), (" chn", "CHN"), ("rom", "ROU"), ("eu27", "EU27")]
)
def test_check_country_returns_the_canonical_code(text: str, canonical: str) -> None:
    assert codes.check_country(text, "case.yaml: importer") == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (False, r"case\.yaml: importer: .*NO.*NOR"),
        ("False", "NOR"),
        ("NO", r'write "NOR" \(Norway\)'),
        ("Germany", r'write "DEU"'),
        ("germny", "DEU"),
        ("CHIN", r"nearest: CHN \(China\)"),
        ("USAA", r"nearest: .*USA"),
        (840, '"USA"'),
        (True, "in quotes"),
        (None, "no country code given"),
        ("", "unknown country code"),
    ],
)
def test_check_country_explains(text: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        codes.check_country(text, "case.yaml: importer")


def test_check_country_within_a_world() -> None:
    here = ("USA", "EU27", "REST")
    assert codes.check_country("REST", "w", here) == "REST"
    assert codes.check_country("usa", "w", here) == "USA"
    with pytest.raises(ConfigError, match=r"DEU \(Germany\) is not among the 3 countries here"):
        codes.check_country("DEU", "w", here)


@given(st.sampled_from(codes.countries()["iso3"].to_list()))
def test_every_code_passes_in_either_case(iso3: str) -> None:
    assert codes.check_country(iso3, "t") == iso3
    assert codes.check_country(iso3.lower(), "t") == iso3
