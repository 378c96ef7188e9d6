import re

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge.errors import ConfigError, SuspiciousRateWarning
from tradewedge.policy import MEASURES
from tradewedge.policy.checks import not_a_code

WITH_DEFAULTS = {
    "Tariff": {"rate": 0.25},
    "SpecificDuty": {"usd_per_kg": 1.5},
    "CompoundDuty": {"text": "5.2¢/kg + 4%"},
    "TariffRateQuota": {"fraction": 0.5, "in_rate": 0.0, "out_rate": 0.25},
    "PriceFloor": {"multiple": 1.5},
    "ImportQuota": {"fraction": 0.5},
    "ExportQuota": {"tons": 100},
    "Exclusion": {},
    "TradeCost": {"factor": 1.1},
    "ExportTax": {"rate": 0.1},
    "Agreement": {"members": "*", "cap": 0.15},
    "SupplyShift": {"factor": 0.9},
    "DemandShift": {"factor": 1.2},
    "Capacity": {"fraction": 1.0},
    "ContractForDifference": {"multiple": 1.2},
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
        ("SupplyShift", {"factor": 2, "importer": "USA"}, "SupplyShift takes no importer: it "),
        ("DemandShift", {"factor": 2, "exporter": "CHN"}, "DemandShift takes no exporter: it "),
        ("SupplyShift", {"factor": 2, "include_domestic": True}, "no include_domestic"),
        ("SupplyShift", {}, "exactly one of factor and tons, not none"),
        ("SupplyShift", {"factor": 2, "tons": 5}, "exactly one of factor and tons, not factor and"),
        ("SupplyShift", {"tons": 5, "joint": "780110"}, "joint maps products to tons per ton"),
        ("SupplyShift", {"tons": 5, "joint": {780110: 1}}, 'write "780110"'),
        ("SupplyShift", {"tons": 5, "joint": ["78"]}, "no pair of a product"),
        ("SupplyShift", {"tons": 5, "joint": [["78", 1], ["78", 2]]}, "78 is given twice"),
        ("SpecificDuty", {"usd_per_kg": 0}, "usd_per_kg must be above 0"),
        ("SpecificDuty", {"usd_per_kg": 1, "missing_tons": "drop"}, "one of error, skip, average"),
        ("SupplyShift", {"tons": 5, "missing_tons": "skip"}, "skip.* would count sales without"),
        ("Capacity", {"tons": 5, "missing_tons": "skip"}, "skip.* would count sales without"),
        ("SpecificDuty", {"usd_per_kg": 1, "per": " "}, 'per is empty; write "product"'),
        ("SpecificDuty", {"usd_per_kg": 1, "content": 0.3}, "name the mineral in per"),
        ("SpecificDuty", {"usd_per_kg": 1, "per": "Li", "content": "hihg"}, 'mean "high"'),
        ("SpecificDuty", {"usd_per_kg": 1, "per": "Li", "content": 30}, "at most 2, not 30"),
        ("CompoundDuty", {"text": "5.2/kg"}, r"cannot read '5\.2/kg'; write it like"),
        ("CompoundDuty", {"text": "1¢/kg on tungsten content", "per": "Li"}, "contradicts"),
        ("PriceFloor", {}, "exactly one of usd_per_kg and multiple, not none"),
        ("PriceFloor", {"multiple": 2, "per": "Li"}, "leave per out"),
        ("PriceFloor", {"multiple": 2, "basis": "cif"}, "basis 'cif' is unknown; use one of duty_"),
        ("PriceFloor", {"multiple": 2, "rent": "importer"}, "one of treasury, exporter"),
        ("PriceFloor", {"multiple": 2, "dispersion": -1}, "dispersion must be 0 or more"),
        ("ImportQuota", {"fraction": -0.1}, "fraction must be 0 or more"),
        ("ImportQuota", {"tons": 1, "fraction": 1}, "exactly one of fraction and tons"),
        ("ImportQuota", {"fraction": 1, "per": "country"}, "one of pair, importer, exporter, glob"),
        ("ImportQuota", {"fraction": 1, "mineral": "Li"}, "belongs to a limit in tons"),
        ("ImportQuota", {"tons": 1, "content": "low"}, "name it in mineral"),
        ("ExportQuota", {"fraction": 1, "rent": "treasury"}, "one of importer, exporter"),
        ("TariffRateQuota", {"fraction": 1, "in_rate": 0.2, "out_rate": 0.1}, "the higher one"),
        (
            "TariffRateQuota",
            {"fraction": 1, "in_rate": 0, "out_rate": 0.1, "per": "everybody"},
            "per 'everybody' is unknown; use one of pair, importer, exporter, global",
        ),
        ("Capacity", {"fraction": 1, "importer": "USA"}, "Capacity takes no importer"),
        ("ContractForDifference", {"multiple": 1, "upside_share": 1.5}, "between 0 and 1, not 1.5"),
        ("ContractForDifference", {"multiple": 1, "covered": 0}, "covered must be above 0"),
        ("Agreement", {"members": "JPN"}, "needs carve_out, cap or preference"),
        ("Agreement", {"members": "JPN", "exporter": "JPN", "cap": 0}, "partners in members"),
        ("Agreement", {"members": False, "cap": 0.1}, "members must be a code in quotes"),
        ("Agreement", {"members": "JPN", "cap": -0.1}, "cap must be 0 or more"),
        ("Exclusion", {"segment": 5}, "segment must be text"),
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


@pytest.mark.parametrize(
    ("kind", "arguments", "says"),
    [
        ("Tariff", {"rate": 3.2}, r"3\.2 means 320 %.*3\.2 % is written 0\.032"),
        ("ImportQuota", {"fraction": 50}, r"fraction 50 means 5000 %.*50 % is written 0\.5"),
        ("ExportQuota", {"fraction": 11}, "fraction 11 means 1100 %"),
        ("TradeCost", {"factor": 10}, r"means times 10; 10 % dearer is written 1\.1"),
        ("TradeCost", {"factor": 0.1}, r"means times 0\.1"),
    ],
)
def test_what_looks_like_a_percentage_is_told_at_once_and_kept(
    kind: str, arguments: dict, says: str
) -> None:
    with pytest.warns(SuspiciousRateWarning, match=f"^{kind}: .*{says}"):
        measure = MEASURES[kind](**arguments)
    (doubt,) = measure.doubts
    assert re.search(says, doubt)


def test_high_duties_and_deep_shifts_are_not_suspicious() -> None:
    shifts = tw.SupplyShift(exporter="CHN", factor=0.05), tw.TradeCost(factor=5)
    duties = tw.Tariff(rate=1.45), tw.Tariff(rate=3, mode="multiply"), tw.ImportQuota(fraction=10)
    assert all(measure.doubts == () for measure in (*shifts, *duties))


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
    assert tw.PriceFloor(usd_per_kg=110, per="NdPr").effect() == "Price floor 110 USD/kg NdPr"
    assert tw.PriceFloor(multiple=2, basis="border").effect().endswith("2 x baseline at the border")
    assert tw.ImportQuota(tons=1200).effect() == "Import quota 1,200 t per importer"
    assert tw.ExportQuota(fraction=0.4).effect() == "Export quota 40 % of baseline per exporter"
    assert (
        tw.Capacity(exporter="CHN", tons=5, mineral="Li").title == "Capacity 5 t Li on all of CHN"
    )
    quota = tw.TariffRateQuota(fraction=0.5, in_rate=0, out_rate=0.25)
    assert quota.effect() == "Tariff-rate quota 50 % of baseline per pair: 0 %, then 25 %"
    deal = tw.Agreement(members=["JPN", "AUS"], importer="USA", carve_out="*", preference=0.05)
    assert deal.title == "Agreement: all spared, duties -5 points on all, JPN, AUS to USA"
    plant = tw.SupplyShift(exporter="USA", products="7901", tons=3e5, joint={"780110": 0.4})
    assert plant.title == "Supply +300000 t with 780110 on 7901 of USA"
    assert tw.Exclusion(segment="defence").effect() == "Exclusion from defence"


def test_the_text_in_the_file_is_shown_where_it_is_known() -> None:
    assert 'write "0101"' in not_a_code(65, "products", "0101")
    assert 'write "65", or "0101"' in not_a_code(65, "products")
