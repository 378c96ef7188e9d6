"""Lists carried between HS editions."""

from itertools import permutations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge import codes
from tradewedge.errors import ConfigError

PAIRS = list(permutations(codes.VINTAGES, 2))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_both_ways_are_inverse_and_codes_exist(source: str, target: str) -> None:
    there = codes.concordance(source, target)
    back = codes.concordance(target, source)
    assert there.columns == ["source", "target", "relation"]
    assert set(there.select("source", "target").iter_rows()) == set(
        back.select("target", "source").iter_rows()
    )
    assert set(there["source"]) <= set(codes.products(source)["product"])
    assert set(there["target"]) <= set(codes.products(target)["product"])
    turned = {"1:1": "1:1", "1:n": "n:1", "n:1": "1:n", "n:m": "n:m"}
    relation = {(a, b): r for a, b, r in there.iter_rows()}
    assert all(relation[b, a] == turned[r] for a, b, r in back.iter_rows())


@pytest.mark.parametrize("vintage", codes.VINTAGES)
def test_an_edition_to_itself(vintage: str) -> None:
    same = codes.concordance(vintage, vintage)
    assert (same["source"] == same["target"]).all()
    assert set(same["relation"]) == {"1:1"}


@pytest.mark.parametrize(("source", "target"), [p for p in PAIRS if p[0] > p[1]])
def test_every_later_code_has_an_earlier_one(source: str, target: str) -> None:
    lost = set(codes.products(source)["product"]) - set(codes.concordance(source, target)["source"])
    # Only codes that are no goods: gold as money, coins, what is not specified; and the petroleum
    # codes of UN Comtrade.
    assert all(code in {"710820", "711890", "999999"} for code in lost)


@given(st.data())
def test_one_to_one_codes_come_back(data: st.DataObject) -> None:
    source, target = data.draw(st.sampled_from(PAIRS))
    table = codes.concordance(source, target).filter(pl.col("relation") == "1:1")
    wanted = data.draw(st.lists(st.sampled_from(table["source"].to_list()), max_size=20))
    there = codes.translate(wanted, source, target)
    assert there.ambiguous == there.missing == there.widened == ()
    back = codes.translate(there.products, target, source)
    assert back.products == tuple(sorted(set(wanted)))


@given(st.data())
def test_nothing_vanishes(data: st.DataObject) -> None:
    source, target = data.draw(st.sampled_from(PAIRS))
    everything = codes.products(source)["product"].to_list()
    wanted = data.draw(st.lists(st.sampled_from(everything), max_size=20))
    result = codes.translate(wanted, source, target)
    assert {a for a, _ in result.pairs} | set(result.missing) == set(wanted)
    assert {b for _, b in result.pairs} == set(result.products)
    assert set(result.ambiguous) <= set(wanted)
    assert set(result.widened) <= set(result.products)


def test_splits_and_merges() -> None:
    split = codes.translate(["810600"], "HS2017", "HS2022")
    assert split.products == ("810610", "810690")
    assert split.ambiguous == ("810600",)
    assert split.widened == ()
    part = codes.translate(["810610"], "HS2022", "HS2017")
    assert part.products == part.widened == ("810600",)
    whole = codes.translate(["810610", "810690"], "HS2022", "HS2017")
    assert whole.products == ("810600",)
    assert whole.widened == ()


def test_gallium_and_germanium_share_a_code_since_2007() -> None:
    result = codes.translate(["811292"], "HS2022", "HS1992")
    assert result.products == ("811230", "811240", "811291")
    assert result.ambiguous == ("811292",)
    assert "811292" in codes.translate(["811230"], "HS1992", "HS2022").products


def test_other_semiconductors_are_not_smartphones() -> None:
    assert codes.translate(["854159"], "HS2022", "HS2017").products == ("854150",)
    assert codes.translate(["854159"], "HS2022", "HS1992").products == ("854150",)


def test_prefixes_and_longer_codes() -> None:
    heading = codes.translate(["2846"], "HS2022", "HS1992")
    assert heading.products == ("284610", "284690")
    line = codes.translate(["8505110070"], "HS2022", "HS2017")
    assert line.products == line.widened == ("850511",)


def test_unknown_codes_are_missing() -> None:
    result = codes.translate(["284695", "99"], "HS2022", "HS1992")
    assert "284695" in result.missing
    with pytest.raises(ConfigError, match="string of digits"):
        codes.translate(["rare earths"], "HS2022", "HS1992")
    with pytest.raises(ConfigError, match="unknown HS edition"):
        codes.translate(["2846"], "HS2022", "SITC3")
