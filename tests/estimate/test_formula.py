"""Formulas: what they may say, and the ones that fit by themselves."""

import polars as pl
import pytest

from tradewedge.errors import ConfigError
from tradewedge.estimation.formula import Term, parse, usual


def test_a_formula() -> None:
    made = parse("value~log(1+tariff) +log( distance_km )+agreement|exporter^year + importer^year")
    assert made.text == (
        "value ~ log(1 + tariff) + log(distance_km) + agreement | exporter^year + importer^year"
    )
    assert parse(made.text) == made
    assert made.numbers == ("value", "tariff", "distance_km", "agreement")
    assert made.keys == ("exporter", "year", "importer")
    assert made.tariff == Term("tariff", "log1p")
    assert parse("y ~ x").effects == ()


@pytest.mark.parametrize(
    "text",
    [
        "value",
        "~ x",
        "value ~",
        "value ~ x |",
        "value ~ x^2",
        "value ~ exp(x)",
        "value ~ x | a^",
        "log(value) ~ x",
        "value ~ __import__('os')",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="write it as value ~"):
        parse(text)


@pytest.mark.parametrize("text", ["value ~ x + x | a", "value ~ x | a + a"])
def test_nothing_stands_twice(text: str) -> None:
    with pytest.raises(ConfigError, match="stands in it twice"):
        parse(text)


def test_a_logarithm_that_is_none_is_null() -> None:
    frame = pl.DataFrame({"x": [1.0, 0.0, -2.0, None]})
    assert frame.select(Term("x", "log").values()).to_series().to_list() == [0.0, None, None, None]
    assert frame.select(Term("x", "log1p").values()).to_series().null_count() == 2


def test_several_years_take_pairs_out_and_one_year_explains_them() -> None:
    columns = ["year", "product", "exporter", "importer", "value", "distance_km", "agreement"]
    assert usual(columns, 3, tariffs=True).text == (
        "value ~ log(1 + tariff) + agreement | exporter^product^year + importer^product^year + "
        "exporter^importer^product"
    )
    assert usual(columns, 1, tariffs=True).text == (
        "value ~ log(1 + tariff) + log(distance_km) + agreement | exporter^product + "
        "importer^product"
    )
    with pytest.raises(ConfigError, match="nothing explains trade"):
        usual(["exporter", "importer", "value"], 1, tariffs=False)
