"""Rates of duty as printed: every form that the US schedule uses, and any text at all."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.sources.dutyrates import DutyRate, Term, read_rate

READ = {
    "Free": [],
    "3.7%": [Term(0.037, "", "")],
    "5.2¢/kg + 4%": [Term(0.052, "kg", ""), Term(0.04, "", "")],
    "5.2¢/kg +4%": [Term(0.052, "kg", ""), Term(0.04, "", "")],
    "4.4 cents/kg + 10%": [Term(0.044, "kg", ""), Term(0.1, "", "")],
    "33 1/3%": [Term(0.333333333333, "", "")],
    "$1.61/doz.": [Term(1.61, "doz.", "")],
    "$1,000/t": [Term(1000.0, "t", "")],
    "38.4¢/1000": [Term(0.384, "1000", "")],
    "$1.50/1,000 + 5%": [Term(1.5, "1000", ""), Term(0.05, "", "")],
    "23.7¢/pf.liter": [Term(0.237, "pf.liter", "")],
    "23.7¢/pf. liter": [Term(0.237, "pf.liter", "")],
    "84.4¢/clean kg": [Term(0.844, "clean kg", "")],
    "6.6¢/m2 of recording surface": [Term(0.066, "m2", "of recording surface")],
    "17.6¢/kg on lead content": [Term(0.176, "kg", "lead content")],
    "5.5% on the value of the lead content": [Term(0.055, "", "value of the lead content")],
    "37¢ each + 5% on the case": [Term(0.37, "each", ""), Term(0.05, "", "case")],
    "5¢/line/ gross": [Term(0.05, "line/gross", "")],
    "1.5¢/kg, including weight of container": [Term(0.015, "kg", "including weight of container")],
    "0.2¢ each": [Term(0.002, "each", "")],
    "1/2¢/kg": [Term(0.005, "kg", "")],
}


@pytest.mark.parametrize("text", READ)
def test_forms_of_the_schedule(text: str) -> None:
    rate = read_rate(text)
    assert list(rate.terms) == READ[text]
    assert rate.complete


@pytest.mark.parametrize(
    "text",
    [
        "",
        "See additional U.S. note 1",
        "The rate applicable to the natural juice in heading 2009",
        "3.6606¢/kg less 0.020668¢/kg for each degree under 100 degrees",
        "$1 ¢/kg",
        "1/0%",
        "%",
        "5",
        "5 kg",
        "-5%",
        "1,00%",
    ],
)
def test_what_is_no_rate(text: str) -> None:
    rate = read_rate(text)
    assert rate.terms == ()
    assert not rate.complete
    assert rate.other
    assert rate.equivalent(1.0) is None


def test_a_term_not_understood_is_never_dropped() -> None:
    rate = read_rate("The duty provided in the applicable subheading + 25%")
    assert rate.ad_valorem == 0.25
    assert rate.rest == "The duty provided in the applicable subheading"
    assert rate.equivalent(1.0) is None


def test_equivalents() -> None:
    assert read_rate("Free").equivalent(None) == 0.0
    assert read_rate("3.7%").equivalent(None) == 0.037
    assert read_rate("5¢/kg + 4%").equivalent(2.0) == pytest.approx(0.065)
    assert read_rate("$50/t").equivalent(0.5) == pytest.approx(0.1)
    assert read_rate("5¢/kg").equivalent(None) is None
    assert read_rate("5¢/liter").equivalent(2.0) is None
    assert read_rate("5¢/kg on lead content").equivalent(2.0) is None


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    rate = read_rate(text)
    assert isinstance(rate, DutyRate)
    assert rate.complete == (rate.rest == "")
    assert all(term.amount >= 0 for term in rate.terms)
    assert read_rate(rate.text) == rate


NUMBER = st.decimals(0, 999, places=3).map(lambda d: f"{d.normalize():f}")
UNIT = st.sampled_from(["kg", "t", "liter", "doz.", "each", "m2", "pr.", "gross", "1000", "head"])
ON = st.sampled_from(["", " on lead content", " on the case"])


@given(
    st.lists(st.tuples(NUMBER, st.sampled_from(["%", "¢", "$"]), UNIT, ON), min_size=1, max_size=4)
)
def test_any_sum_of_terms(parts: list[tuple[str, str, str, str]]) -> None:
    printed, value = [], 0.0
    for number, sign, unit, on in parts:
        per = " each" if unit == "each" else f"/{unit}"
        if sign == "%":
            printed.append(f"{number}%{on}")
            value += 0.0 if on else float(number) / 100
        else:
            money = f"${number}" if sign == "$" else f"{number}¢"
            printed.append(f"{money}{per}{on}")
    rate = read_rate(" + ".join(printed))
    assert rate.complete
    assert len(rate.terms) == len(parts)
    assert rate.ad_valorem == pytest.approx(value)


@given(st.text(alphabet="0123456789.,/%¢$+ kgteachonls", max_size=40))
def test_texts_that_nearly_are_rates(text: str) -> None:
    """What is read says all of it: printing the terms again reads the same."""
    for term in read_rate(text).terms:
        amount = f"{term.amount:.15f}"
        unit = " each" if term.unit == "each" else f"/{term.unit}"
        on = f" on {term.on}" if term.on else ""
        if not term.on.startswith(("of", "over", "incl")):
            again = f"{float(amount) * 100:.13f}%{on}" if not term.unit else f"${amount}{unit}{on}"
            assert read_rate(again).complete


def test_the_whole_us_schedule(shared_dir: Path) -> None:
    """Every plain percentage agrees with an independent reading of the same edition."""
    folder = shared_dir / "data/us_tariffs"
    table = pl.read_csv(folder / "mfn_rates_2025_hts8.csv", infer_schema=False)
    plain = table.filter(
        pl.col("rate_type").is_in(["free", "ad_valorem"]) & (pl.col("rate_raw") != "")
    )
    assert plain.height > 11_000
    for rate, text in plain.select("mfn_rate", "rate_raw").iter_rows():
        assert read_rate(text).ad_valorem == pytest.approx(float(rate), abs=1e-9)
        assert read_rate(text).equivalent(None) is not None
    usual = table.filter(~pl.col("hs8").str.contains("^9[89]") & (pl.col("rate_raw") != ""))
    share = sum(read_rate(text).complete for text in usual["rate_raw"]) / usual.height
    assert share > 0.99
