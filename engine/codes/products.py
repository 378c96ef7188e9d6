"""Harmonized System codes: editions, texts, and the check of what somebody wrote."""

from functools import cache

import polars as pl

from tradewedge.codes.nearest import nearest
from tradewedge.codes.tables import shipped_parquet
from tradewedge.errors import ConfigError

VINTAGES = ("HS1992", "HS1996", "HS2002", "HS2007", "HS2012", "HS2017", "HS2022")
_DIGITS = (2, 4, 6, 8, 10)


def check_vintage(vintage: str) -> str:
    """Return the canonical name of an HS edition ("HS2017"; "hs17" and "2017" are accepted).

    Raises
    ------
    ConfigError
        For anything else.
    """
    text = str(vintage).strip().upper().removeprefix("HS")
    for name in VINTAGES:
        if text in (name[2:], name[4:]):
            return name
    raise ConfigError(f"unknown HS edition {vintage!r}; use one of {', '.join(VINTAGES)}")


@cache
def products(vintage: str) -> pl.DataFrame:
    """The six-digit codes of one HS edition.

    Parameters
    ----------
    vintage : str
        Such as "HS2017".

    Returns
    -------
    polars.DataFrame
        product, text; sorted by product.

    Raises
    ------
    ConfigError
        For an unknown edition.
    """
    name = check_vintage(vintage)
    return (
        _texts()
        .filter(pl.col(name) & (pl.col("product").str.len_chars() == 6))
        .select("product", "text")
    )


@cache
def known_products(vintage: str) -> frozenset[str]:
    """The six-digit codes of an HS edition, and those that trade data use in their place.

    CEPII's BACI has all petroleum oils under 271000 in every edition, although the editions from
    2002 on divide that code.
    """
    return frozenset(products(vintage)["product"]) | {"271000"}


@cache
def _texts() -> pl.DataFrame:
    """product, text and a bool column per edition: whether the edition has it so."""
    return shipped_parquet("codes", "products.parquet").sort("product")


@cache
def _text_of(vintage: str) -> dict[str, str]:
    return dict(_texts().filter(pl.col(vintage)).select("product", "text").iter_rows())


def product_text(product: str, vintage: str = "HS2022") -> str | None:
    """Text of a chapter, heading or subheading.

    Parameters
    ----------
    product : str
        2, 4 or 6 digits; of a longer code the first six count. Chapters and headings have the
        text of HS2022, in an older edition only where the heading still means the same.
    vintage : str

    Returns
    -------
    str or None
        None where the edition lacks the code.
    """
    return _text_of(check_vintage(vintage)).get(product[:6])


def check_product(text: object, where: str, vintage: str | None = None) -> str:
    """Check an HS code or prefix that somebody wrote.

    Parameters
    ----------
    text : object
        What was written; anything but text is an error that says what YAML may have done. Dots
        and blanks as in "8505.11.0070" are dropped.
    where : str
        File and key, put in front of an error.
    vintage : str, optional
        An HS edition in which the first six digits must exist.

    Returns
    -------
    str
        2, 4, 6, 8 or 10 digits.

    Raises
    ------
    ConfigError
        If it is no such code.
    """
    if not isinstance(text, str):
        raise ConfigError(f"{where}: {_mangled_product(text)}")
    code = text.replace(".", "").replace(" ", "")
    if not (code.isascii() and code.isdigit()):
        raise ConfigError(
            f'{where}: {text!r} is not an HS code, which has digits only, such as "2846"'
        )
    if len(code) not in _DIGITS:
        hint = f'; a leading zero may be lost: "0{code}"?' if len(code) + 1 in _DIGITS else ""
        raise ConfigError(
            f"{where}: {text!r} has {len(code)} digits, an HS code has 2, 4, 6, 8 or 10{hint}"
        )
    if vintage is not None:
        _check_exists(code[:6], text, where, check_vintage(vintage))
    return code


def _check_exists(code: str, text: str, where: str, vintage: str) -> None:
    if code in _prefixes(vintage):
        return
    others = [name for name in VINTAGES if code in _prefixes(name)]
    elsewhere = f"; it is in {', '.join(others)}: use tw.codes.translate" if others else ""
    near = nearest(code, sorted(p for p in _prefixes(vintage) if len(p) == len(code)))
    hint = f"; nearest: {', '.join(near)}" if near else ""
    raise ConfigError(f"{where}: {text!r} is not in {vintage}{elsewhere}{hint}")


@cache
def _prefixes(vintage: str) -> frozenset[str]:
    codes = products(vintage)["product"]
    return frozenset(code[:digits] for code in codes for digits in (2, 4, 6))


def _mangled_product(value: object) -> str:
    """Say what an unquoted code may have been before YAML read it as a number."""
    if value is None:
        return "no HS code given"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f'an HS code is text in quotes, such as "284690", not {value!r}'
    guesses = list(dict.fromkeys(_octal(value) + _decimal(value)))
    hint = f" It may have been {' or '.join(guesses)}." if guesses else ""
    return (
        f"read as the number {value}, not as an HS code: YAML drops leading zeros, reads 010121 "
        f"as octal and 8505.11 as a fraction.{hint} Write codes in quotes"
    )


def _octal(value: int | float) -> list[str]:
    if not isinstance(value, int) or value <= 0:
        return []
    text = f"0{value:o}"
    return [f'"{text}"'] if text in _any_prefix() else []


def _decimal(value: int | float) -> list[str]:
    if isinstance(value, float) and not value.is_integer():
        texts = [f"{value:.2f}".replace(".", ""), "0" + f"{value:.2f}".replace(".", "")]
    else:
        texts = [f"{value:.0f}", f"0{value:.0f}"]
    return [f'"{text}"' for text in texts if text in _any_prefix()]


@cache
def _any_prefix() -> frozenset[str]:
    return frozenset().union(*(_prefixes(vintage) for vintage in VINTAGES))
