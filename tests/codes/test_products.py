"""HS codes and what YAML makes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge import codes
from tradewedge.errors import ConfigError

SIZES = {
    "HS1992": 5040,
    "HS1996": 5133,
    "HS2002": 5225,
    "HS2007": 5053,
    "HS2012": 5206,
    "HS2017": 5388,
    "HS2022": 5613,
}


@pytest.mark.parametrize("vintage", codes.VINTAGES)
def test_every_edition_has_its_codes_once(vintage: str) -> None:
    table = codes.products(vintage)
    assert table.columns == ["product", "text"]
    assert table.height == SIZES[vintage]
    assert table["product"].is_unique().all()
    assert table["product"].is_sorted()
    assert table["product"].str.contains(r"^\d{6}$").all()
    assert (table["text"].str.len_chars() > 2).all()


def test_texts() -> None:
    assert "cobalt" in (codes.product_text("8105") or "").lower()
    assert "cerium" in (codes.product_text("284610", "HS1992") or "").lower()
    assert "cobalt" in (codes.product_text("8105.20".replace(".", "") + "9000") or "").lower()
    assert codes.product_text("811241", "HS2017") is None
    assert codes.product_text("851713", "HS2022")
    # 8485 was parts of machines until 2002 and is additive manufacturing since 2022.
    assert "additive" in (codes.product_text("8485") or "")
    assert codes.product_text("8485", "HS1992") is None
    assert codes.product_text("2846", "HS1992") == codes.product_text("2846")


@pytest.mark.parametrize("text", ["28", "2846", "284690", "28469020", "2846902010"])
def test_prefixes_pass(text: str) -> None:
    assert codes.check_product(text, "w", "HS2022") == text


def test_dots_are_dropped() -> None:
    assert codes.check_product("8505.11.0070", "w") == "8505110070"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (4177, r'case\.yaml: products: .*"010121"'),
        (False, "in quotes"),
        (30, '"30"'),
        (3, '"03"'),
        (10121, '"010121"'),
        (8505.11, '"850511"'),
        (2846.9, '"284690"'),
        (float("nan"), "number nan"),
        (None, "no HS code"),
        (["2846"], "in quotes"),
        ("28469", r'"028469"'),
        ("", "digits only"),
        ("285", "3 digits"),
        ("rare earths", "digits only"),
        ("２８", "digits only"),
        ("284695", "nearest: 284690"),
        ("854140", r"it is in HS1992.*HS2017"),
    ],
)
def test_check_product_explains(text: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        codes.check_product(text, "case.yaml: products", "HS2022")


@pytest.mark.parametrize("text", ["HS2017", "hs2017", "2017", "17", "HS17"])
def test_names_of_editions(text: str) -> None:
    assert codes.check_vintage(text) == "HS2017"


def test_unknown_edition() -> None:
    with pytest.raises(ConfigError, match="HS1992, HS1996"):
        codes.products("HS2018")


@given(st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.binary()))
def test_what_is_not_text_is_never_a_code(value: object) -> None:
    with pytest.raises(ConfigError, match="here"):
        codes.check_product(value, "here")
    with pytest.raises(ConfigError, match="here"):
        codes.check_country(value, "here")
