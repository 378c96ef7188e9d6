"""Checks that every tidy table goes through: types, keys, codes, and where they fail."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from tradewedge import codes
from tradewedge.errors import DataError


def collect(table: pl.DataFrame | pl.LazyFrame, where: str) -> pl.DataFrame:
    """The table in memory; a file behind it that cannot be read is a :class:`DataError`."""
    if not isinstance(table, pl.DataFrame | pl.LazyFrame):
        raise DataError(
            f"{where}: a Polars DataFrame or LazyFrame, not {type(table).__name__}; "
            "polars.DataFrame(...) makes one of a dict, polars.from_pandas(...) of a pandas frame"
        )
    try:
        return table.lazy().collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{where}: cannot be read: {error}") from error


def typed(
    frame: pl.DataFrame, where: str, keys: Sequence[str], numbers: Sequence[str]
) -> pl.DataFrame:
    """Those columns only: keys as strings, or the Enums they are, and the rest as float64."""
    _require(frame, [*keys, *numbers], where)
    for key in keys:
        kind = frame.schema[key]
        if kind not in (pl.String, pl.Categorical, pl.Enum) and frame[key].null_count() < len(
            frame
        ):
            raise DataError(
                f'{where}: column {key!r} is {kind}, but codes are strings ("010121", not 10121)'
            )
    try:
        return frame.select(
            *(pl.col(k) if frame.schema[k] == pl.Enum else pl.col(k).cast(pl.String) for k in keys),
            *(pl.col(name).cast(pl.Float64) for name in numbers),
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{where}: {' and '.join(numbers)} must be numbers: {error}") from error


def key_checks(frame: pl.DataFrame, keys: Sequence[str]) -> dict[str, pl.Expr]:
    """Checks that a key is there, for :func:`check_rows`."""
    checks = {}
    for key in keys:
        empty, padded = _blank(frame[key])
        checks[f"{key} is missing"] = pl.col(key).is_null() | empty
        checks[f"{key} has blanks around it"] = padded
    return checks


def _blank(column: pl.Series) -> tuple[pl.Expr, pl.Expr]:
    """Whether a code is nothing but blanks, and whether it has some around it."""
    text = pl.col(column.name)
    if not isinstance(column.dtype, pl.Enum):
        return text.str.strip_chars() == "", text != text.str.strip_chars()
    # Few codes in many rows: look at the codes.
    names = column.dtype.categories
    bare = names.str.strip_chars()
    empty, padded = (
        text.is_in(bad.cast(column.dtype).implode()) if len(bad) else pl.lit(value=False)
        for bad in (names.filter(bare == ""), names.filter(names != bare))
    )
    return empty, padded


def check_rows(
    frame: pl.DataFrame, where: str, keys: Sequence[str], checks: Mapping[str, pl.Expr]
) -> None:
    """Name the first row that fails one of the checks."""
    failed = frame.select(bad.any().alias(text) for text, bad in checks.items()).row(0, named=True)
    for text in (text for text, bad in failed.items() if bad):
        rows = frame.with_row_index("line").filter(checks[text])
        first = rows.row(0, named=True)
        numbers = (f"{name} {first[name]}" for name in frame.columns if name not in keys)
        raise DataError(
            f"{where}: {text} in {rows.height} row(s), first in data row {first['line'] + 1} "
            f"({key_text(first, keys)}, {', '.join(numbers)})"
        )


def _require(frame: pl.DataFrame, columns: Sequence[str], where: str) -> None:
    for name in columns:
        if name not in frame.columns:
            near = codes.nearest(name, frame.columns)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise DataError(
                f"{where}: no column {name!r} (there are: {', '.join(frame.columns)}){hint}"
            )


def reject_duplicates(frame: pl.DataFrame, keys: list[str], where: str) -> None:
    """No two rows have the same key."""
    twice = frame.filter(frame.select(keys).is_duplicated())
    if not twice.is_empty():
        raise DataError(
            f"{where}: {twice.height} rows share their key ({', '.join(keys)}) with another, "
            f"such as {key_text(twice.row(0, named=True), keys)}: add them up or remove one"
        )


def check_countries(countries: Iterable[str], aggregates: Iterable[str], where: str) -> None:
    """Every code is in the code table or a declared aggregate."""
    known = {*codes.countries()["iso3"], *aggregates}
    for code in sorted(set(countries) - known):
        near = codes.nearest(code, sorted(known))
        raise DataError(
            f"{where}: unknown country {code!r}; nearest: {', '.join(near) or 'none'}. Use "
            "ISO3 codes (tw.codes.countries()), or declare it in aggregates="
        )


def check_aggregates(present: Iterable[str], aggregates: Mapping[str, Sequence[str]]) -> None:
    """Members are known, and no country of the flows stands in two places."""
    known = set(codes.countries()["iso3"])
    place = {code: code for code in present}
    for code, members in aggregates.items():
        for member in members:
            if member not in known:
                near = codes.nearest(member, sorted(known))
                raise DataError(
                    f"aggregates: {code} has the unknown member {member!r}; nearest: "
                    f"{', '.join(near) or 'none'}"
                )
            if code not in place or member == code:
                continue
            other = place.setdefault(member, code)
            if other != code:
                also = "by itself" if other == member else f"in aggregate {other}"
                raise DataError(
                    f"flows: {member} stands {also} and inside aggregate {code}: take it out of "
                    "one, or it counts twice"
                )


def check_products(products: Iterable[str], vintage: str) -> None:
    """Every product is an HS code of the vintage."""
    allowed = codes.known_products(vintage)
    wrong = sorted(set(products) - allowed)
    if wrong:
        near = codes.nearest(wrong[0], sorted(allowed))
        raise DataError(
            f"flows: {len(wrong)} product code(s) not in {vintage}, such as {wrong[0]!r}; "
            f"nearest: {', '.join(near) or 'none'}. Pass the right vintage=, or none to skip "
            "the check"
        )


def key_text(row: Mapping[str, object], keys: Sequence[str]) -> str:
    """A row's key, for a message."""
    return " ".join(f"{key}={row[key]}" for key in keys)
