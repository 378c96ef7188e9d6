"""Countries, aggregates and former countries, in the codes that trade files use."""

from collections.abc import Collection
from functools import cache
from typing import overload

import polars as pl

from tradewedge.codes.nearest import nearest
from tradewedge.codes.tables import shipped_csv
from tradewedge.errors import ConfigError, DataError

# Digits of a code as its source prints it; files that went through a spreadsheet lack zeros.
_WIDTH = {"baci": 3, "m49": 3, "comtrade": 3, "census": 4}
# Up to here a wrong text is read as a mistyped code, beyond as a mistyped name.
_CODE_LENGTH = 4
SYSTEMS = ("baci", "m49", "comtrade", "census", "iso2", "iso3")


@cache
def countries() -> pl.DataFrame:
    """All countries, aggregates and former countries.

    Returns
    -------
    polars.DataFrame
        Sorted by ``iso3``: iso3 (our canonical code; ISO 3166-1 alpha-3 where there is one),
        name, m49, baci, comtrade, census, iso2 (text, null where the system lacks it), kind
        ("country", "aggregate", "historic"), from_year, to_year (int64: first and last year as
        a trade partner of its own, null where open), successor (codes separated by a blank),
        note.
    """
    return shipped_csv("codes", "countries.csv", numbers=("from_year", "to_year")).sort("iso3")


@cache
def crosswalk(system: str) -> pl.DataFrame:
    """Every code of one system with the country it means.

    Parameters
    ----------
    system : {"baci", "m49", "comtrade", "census", "iso2", "iso3"}
        "comtrade" also has the codes that only old years use; "iso3" has former and private
        alpha-3 codes (ROM, ZAR, TMP, S19, W00 ...) beside the canonical ones.

    Returns
    -------
    polars.DataFrame
        Sorted by ``code``, which is unique: code, iso3, from_year, to_year, note. Numeric codes
        carry their leading zeros.

    Raises
    ------
    ConfigError
        For an unknown system.
    """
    if system not in SYSTEMS:
        raise ConfigError(f"unknown code system {system!r}; use one of {', '.join(SYSTEMS)}")
    table = shipped_csv("codes", "country_codes.csv", numbers=("from_year", "to_year"))
    return table.filter(pl.col("system") == system).drop("system").sort("code")


@overload
def to_iso3(system: str, codes: pl.Series, where: str = "") -> pl.Series: ...
@overload
def to_iso3(system: str, codes: pl.Expr, where: str = "") -> pl.Expr: ...
def to_iso3(system: str, codes: pl.Series | pl.Expr, where: str = "") -> pl.Series | pl.Expr:
    """Turn the codes of one system into canonical ISO3 codes.

    Parameters
    ----------
    system : str
        As in :func:`crosswalk`.
    codes : polars.Series or polars.Expr
        Text or whole numbers; leading zeros may be missing.
    where : str
        File and column, put in front of an error.

    Returns
    -------
    polars.Series or polars.Expr
        Text, of the same length and name.

    Raises
    ------
    DataError
        If a code is unknown or missing; names the codes and how often each occurs. With an
        expression the error comes when the query runs.
    """
    if isinstance(codes, pl.Expr):
        return codes.map_batches(
            lambda part: _series_to_iso3(system, part, where), return_dtype=pl.String
        )
    return _series_to_iso3(system, codes, where)


def _series_to_iso3(system: str, codes: pl.Series, where: str) -> pl.Series:
    table = crosswalk(system)
    text = _printed(system, codes)
    found = text.replace_strict(table["code"], table["iso3"], default=None, return_dtype=pl.String)
    bad = text.to_frame("code").filter(found.is_null()).group_by("code").len()
    if not bad.is_empty():
        bad = bad.sort("len", "code", descending=[True, False])
        named = ", ".join(
            f"{'(no code)' if code is None else repr(code)} ({rows} rows)"
            for code, rows in bad.head(10).iter_rows()
        )
        more = f" and {bad.height - 10} more" if bad.height > 10 else ""
        prefix = f"{where}: " if where else ""
        raise DataError(
            f"{prefix}{bad.height} unknown {system} country code(s) in {bad['len'].sum()} of "
            f"{codes.len()} rows: {named}{more}. tw.codes.crosswalk({system!r}) lists those known; "
            "drop or recode such rows before reading"
        )
    return found.alias(codes.name)


def _printed(system: str, codes: pl.Series) -> pl.Series:
    """Codes as text, trimmed, with the zeros that their system prints."""
    if codes.dtype.is_float():
        whole = codes.cast(pl.Int64, strict=False)
        codes = whole.set(whole.cast(codes.dtype) != codes, None)
    text = codes.cast(pl.String).str.strip_chars()
    if system in _WIDTH:
        return text.str.zfill(_WIDTH[system])
    return text.str.to_uppercase()


def check_country(text: object, where: str, allowed: Collection[str] | None = None) -> str:
    """Check a country code that somebody wrote.

    Parameters
    ----------
    text : object
        What was written; anything but text is an error that says what YAML may have done.
    where : str
        File and key, put in front of an error.
    allowed : collection of str, optional
        The codes that may stand here, such as a world's countries and declared aggregates.
        Default: every code of :func:`countries`.

    Returns
    -------
    str
        The canonical code: upper case, renamed countries under their new code (ROM: ROU).

    Raises
    ------
    ConfigError
        If it is no such code.
    """
    if not isinstance(text, str):
        raise ConfigError(f"{where}: {_mangled_country(text)}")
    known = _canonical() if allowed is None else frozenset(allowed)
    code = text.strip()
    if code in known:
        return code
    code = _meaning("iso3").get(code.upper(), code.upper())
    if code in known:
        return code
    raise ConfigError(f"{where}: {_unknown_country(text, code, known)}")


def _mangled_country(value: object) -> str:
    if value is False:
        return (
            "read as the truth value False, not as a country code: YAML does that to an unquoted "
            'NO. Write it quoted; Norway is "NOR"'
        )
    if value is None:
        return "no country code given"
    return (
        f"a country code is text, not {value!r}: write the ISO3 code in quotes, such as "
        f'"{_from_number(value)}"'
    )


def _from_number(value: object) -> str:
    for system in ("comtrade", "baci", "m49"):
        found = _meaning(system).get(str(value).zfill(3))
        if found is not None:
            return found
    return "CHN"


def _unknown_country(text: str, code: str, known: frozenset[str]) -> str:
    names = dict(countries().select("iso3", "name").iter_rows())
    if code in names:
        near = nearest(code, known)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        return f"{code} ({names[code]}) is not among the {len(known)} countries here{hint}"
    if code in ("FALSE", "OFF"):
        return _mangled_country(False)
    by_iso2 = _meaning("iso2").get(code)
    by_name = {name.casefold(): iso3 for iso3, name in names.items()}
    exact = by_iso2 or by_name.get(text.strip().casefold())
    if exact is not None:
        return f'unknown country code {text!r}: write "{exact}" ({names[exact]})'
    # Aggregates and former countries are seldom meant: any of them pushes out a likely one.
    likely = known - _unlikely() or known
    by_code, alike = nearest(text, likely), [by_name[name] for name in nearest(text, by_name, 2)]
    order = [*by_code, *alike] if len(code) <= _CODE_LENGTH else [*alike, *by_code]
    near = list(dict.fromkeys(order))[:3]
    shown = ", ".join(f"{n} ({names[n]})" if n in names else n for n in near)
    return f"unknown country code {text!r}; nearest: {shown or 'none'}. Use ISO3 codes"


@cache
def _meaning(system: str) -> dict[str, str]:
    return dict(crosswalk(system).select("code", "iso3").iter_rows())


@cache
def _unlikely() -> frozenset[str]:
    rare = (pl.col("kind") != "country") & ~pl.col("iso3").is_in(["EU27", "ROW"])
    return frozenset(countries().filter(rare)["iso3"])


@cache
def _canonical() -> frozenset[str]:
    return frozenset(countries()["iso3"])
