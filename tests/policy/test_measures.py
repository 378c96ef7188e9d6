import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge.errors import ConfigError, SuspiciousRateWarning
from tradewedge.policy import MEASURES
from tradewedge.policy.checks import not_a_code

WITH_DEFAULTS = {
    "Tariff": {"rate": 0.25},
    "Exclusion": {},
    "TradeCost": {"factor": 1.1},
    "ExportTax": {"rate": 0.1},
    "SupplyShift": {"factor": 0.9},
    "DemandShift": {"factor": 1.2},
}


@pytest.mark.parametrize("kind", MEASURES)
def test_every_kind_is_a_public_name_with_the_same_scope(kind: str) -> None:
    assert getattr(tw, kind) is MEASURES[kind]
    measure = MEASURES[kind](**WITH_DEFAULTS[kind])
    assert (measure.importer, measure.exporter, measure.products) == ("*", "*", "*")
    assert measure.authority_name == f"{kind} (scenario)"
    assert measure.kind == kind


def test_lists_become_tuples_and_equal_measures_are_equal() -> None:
    series = pl.Series(["2846", "8505"])
    first = tw.Tariff(products=["2846", "8505"], rate=np.float64(0.25))
    assert first.products == ("2846", "8505")
    assert first == tw.Tariff(products=series, rate=0.25)
    assert hash(first) == hash(tw.Tariff(products=("2846", "8505"), rate=0.25))
    assert isinstance(first.rate, float)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("Tariff", {"rate": "25%"}, r"Tariff: rate must be a number, not '25%'; write 25 % as"),
        ("Tariff", {"rate": True}, "rate must be a number"),
        ("Tariff", {"rate": None}, "rate must be a number"),
        ("Tariff", {"rate": float("nan")}, "finite"),
        ("Tariff", {"rate": float("inf")}, "finite"),
        ("Tariff", {"rate": -1}, r"above -1 \(-100 %\), not -1"),
        ("Tariff", {"rate": 0.1, "mode": "sett"}, 'add, set, multiply; did you mean "set"'),
        ("Tariff", {"rate": -0.5, "mode": "multiply"}, "cannot be negative"),
        ("ExportTax", {"rate": -1.5}, "ExportTax: rate must be above -1"),
        ("TradeCost", {"factor": 0}, "TradeCost: factor must be above 0.*use Exclusion"),
        ("SupplyShift", {"factor": -1}, "factor must be above 0"),
        ("DemandShift", {"factor": float("inf")}, "finite"),
        ("SupplyShift", {"factor": 2, "importer": "USA"}, "SupplyShift takes no importer: a "),
        ("DemandShift", {"factor": 2, "exporter": "CHN"}, "DemandShift takes no exporter: a "),
        ("SupplyShift", {"factor": 2, "include_domestic": True}, "no include_domestic"),
        ("Exclusion", {"exporter": False}, 'exporter must be a code in quotes.*"?NO'),
        ("Exclusion", {"products": 284690}, 'write "284690"'),
        ("Exclusion", {"products": ["2846", 4177]}, r'products\[1\].*"4177", or "010121"'),
        ("Exclusion", {"products": []}, "empty list"),
        ("Exclusion", {"products": " "}, "is empty"),
        ("Exclusion", {"products": ["2846", ""]}, r"products\[1\] is empty"),
        ("Exclusion", {"importer": None}, "importer must be a code in quotes"),
        ("Exclusion", {"importer": {"USA"}}, "list of them"),
        ("Exclusion", {"importer": {"USA": 1}}, "list of them"),
        ("Exclusion", {"include_intra": 1}, "true or false"),
        ("Exclusion", {"authority": 232}, "authority must be text, not 232"),
        ("Exclusion", {"status": "hypotetical"}, 'did you mean "hypothetical"'),
    ],
)
def test_bad_arguments_are_refused_by_name(kind: str, arguments: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MEASURES[kind](**arguments)


@pytest.mark.parametrize("kind", ["Tariff", "ExportTax"])
def test_a_percentage_is_suspicious_but_allowed(kind: str) -> None:
    with pytest.warns(SuspiciousRateWarning, match=r"25 means 2500 %.*25 % is written 0\.25") as w:
        assert MEASURES[kind](rate=25).rate == 25.0
    assert w[0].filename == __file__


def test_titles_say_what_happens_to_whom() -> None:
    assert (
        tw.Tariff(importer="USA", exporter="CHN", products="2846", rate=0.25).title
        == "Tariff +25 % on 2846, CHN to USA"
    )
    assert tw.Tariff(rate=0.1, mode="set").effect() == "Tariff = 10 %"
    assert tw.Tariff(rate=2, mode="multiply").effect() == "Tariff x 2"
    many = tw.Exclusion(products=["01", "02", "03", "04", "05"], status="Hypothetical; for tests")
    assert many.title == "Exclusion on 01, 02, 03 and 2 more, all to all (hypothetical)"
    assert tw.SupplyShift(exporter="CHN", factor=0.5).title == "Supply x 0.5 on all of CHN"
    assert tw.DemandShift(importer="USA", factor=2, label="AI").title == "AI"


def test_the_text_in_the_file_is_shown_where_it_is_known() -> None:
    assert 'write "0101"' in not_a_code(65, "products", "0101")
    assert 'write "65", or "0101"' in not_a_code(65, "products")
