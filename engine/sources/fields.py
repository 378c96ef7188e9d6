"""Fields of a text table as codes and numbers, and the rules for those that are neither."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.sources.tally import Rule

#: How files say that a number is not there.
NOT_REPORTED: Final = ("", "NA", "N/A", "NULL", "null", "nan", "NaN")
_TOTALS: Final = ("TOTAL", "AG2", "AG4", "AG6", "ALL")
_HS6: Final = 6
_NO_KIND: Final = "9999"
_WORLD: Final = "WLD"


def text(column: str) -> pl.Expr:
    """A field without the blanks around it."""
    return pl.col(column).str.strip_chars()


def number(column: str) -> pl.Expr:
    """A field as float64; null where it is not reported, or is no number."""
    return text(column).cast(pl.Float64, strict=False).fill_nan(None)


def no_group(*ends: str) -> Rule:
    """Drop rows of groups of countries, where a table is of countries one by one.

    Parameters
    ----------
    *ends : str
        Columns that :func:`country` made.
    """
    return Rule("group of countries", _among(ends, _groups()))


def no_world(*ends: str) -> Rule:
    """Drop rows of all countries together."""
    return Rule("partner is the world: a total", _among(ends, (_WORLD,)))


def _among(ends: Sequence[str], codes_: Sequence[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(end).cast(pl.String).is_in(codes_) for end in ends)


@cache
def _groups() -> tuple[str, ...]:
    return tuple(codes.countries().filter(pl.col("kind") == "aggregate")["iso3"])


def number_rules(column: str, parsed: str, *, needed: bool = True) -> list[Rule]:
    """Errors of a number that cannot be negative.

    Parameters
    ----------
    column : str
        The raw field.
    parsed : str
        The column that :func:`number` made of it.
    needed : bool
        Whether "not reported" is an error as well.
    """
    absent = pl.col(column).is_null() | text(column).is_in(NOT_REPORTED)
    value = pl.col(parsed)
    rules = [
        Rule("is not a number", value.is_null() & ~absent, column),
        Rule("is infinite", value.is_infinite(), column),
        Rule("is negative", value < 0, column),
    ]
    return [Rule("is missing", absent, column), *rules] if needed else rules


def country(code: pl.Expr, system: str, more: Mapping[str, str] | None = None) -> pl.Expr:
    """ISO3 code for a code of some system; null where it is unknown.

    Parameters
    ----------
    code : Expr
        Text; numeric codes with their leading zeros or without.
    system : str
        As in :func:`tradewedge.codes.crosswalk`.
    more : mapping, optional
        Codes that the system lacks, and the ISO3 code that each means.
    """
    meaning = {**(more or {}), **_meaning(system)}
    return code.replace_strict(
        list(meaning), list(meaning.values()), default=None, return_dtype=country_type()
    )


def country_type() -> pl.Enum:
    """All countries and aggregates, sorted."""
    return pl.Enum(codes.countries()["iso3"])


@cache
def _meaning(system: str) -> dict[str, str]:
    """Every spelling of every code of a system: with its leading zeros and without."""
    table = codes.crosswalk(system)
    found = dict(zip(table["code"], table["iso3"], strict=True))
    bare = {code.lstrip("0") or "0": iso3 for code, iso3 in found.items()}
    return bare | found


def product(column: str) -> pl.Expr:
    """HS6 code of a field; a leading zero that a program took away is put back."""
    code = text(column)
    return pl.when(code.str.len_chars() == _HS6 - 1).then("0" + code).otherwise(code)


def product_type(vintage: str | None) -> pl.DataType:
    """The codes of goods of an HS edition, sorted; any text where none is told."""
    if vintage is None:
        return pl.String()
    goods = (code for code in codes.known_products(vintage) if not code.startswith(_NO_KIND))
    return pl.Enum(sorted(goods))


def product_rules(column: str, parsed: str, vintage: str | None) -> list[Rule]:
    """Rows that are sums over products, goods of no kind, and codes that are none.

    Parameters
    ----------
    column : str
        The raw field.
    parsed : str
        The column that :func:`product` made of it, of :func:`product_type`; null if unknown.
    vintage : str or None
    """
    code = text(column)
    edition = vintage or "a code of six digits"
    return [
        Rule("is missing", code.is_null() | (code == ""), column),
        Rule("total of all products", code.str.to_uppercase().is_in(_TOTALS)),
        Rule("goods of no stated kind (9999)", code.str.starts_with(_NO_KIND)),
        Rule("sum over a chapter or heading", code.str.contains(r"^\d{2}$|^\d{4}$")),
        Rule(
            f"is not in {edition}",
            pl.col(parsed).is_null() | ~code.str.contains(r"^\d{5,6}$"),
            column,
            "Codes are text of six digits: name the HS edition of the file (source.vintage=) if "
            "its name does not, or cut longer national codes (cut_to_six: true in the description "
            "of a table)",
        ),
    ]


def zero_restored(column: str) -> Rule:
    """Note on the codes that lost their leading zero somewhere."""
    return Rule("a leading zero of the code put back", text(column).str.len_chars() == _HS6 - 1)
