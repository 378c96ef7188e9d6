"""Tables that go with trade, in the columns of tradewedge or described in a YAML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.errors import DataError
from tradewedge.sources import files
from tradewedge.sources.mapping import SUFFIXES, Described, described

_COUNTRIES: Final = ("exporter", "importer", "country")
_DIGITS: Final = (2, 4, 6)
_ROW: Final = "_row"


def read_table(
    path: str | Path, schema: Mapping[str, type[pl.DataType]], optional: Sequence[str] = ()
) -> pl.DataFrame:
    """Read a table whose columns have the names of ``schema``; other columns are left out.

    Parameters
    ----------
    path : str or Path
        A csv (plain or compressed), a Parquet file, or a description of one.
    schema : mapping of str to data type
        Text or float64; codes are text, with their zeros.
    optional : sequence of str
        Columns that may be absent.

    Raises
    ------
    DataError
        If it cannot be read, lacks a column, or has a field that cannot be what it should.
    ConfigError
        If a description is not valid.
    """
    place = Path(path)
    about = described(place) if place.suffix.lower() in SUFFIXES else Described(str(place))
    with files.opened(about.path or place, r"\.(csv|txt|tsv|parquet)$") as tables:
        if len(tables) != 1:
            raise DataError(f"{about.path or place}: holds {len(tables)} tables; name one")
        return _read(tables[0], about, schema, optional)


def _read(
    table: files.Table,
    about: Described,
    schema: Mapping[str, type[pl.DataType]],
    optional: Sequence[str],
) -> pl.DataFrame:
    # A column that the description calls something else is not what its name says.
    free = set(table.columns) - set(about.columns.values())
    same = {name: name for name in schema if not about.has(name) and name in free}
    full = about.with_columns(same)
    missing = [name for name in schema if not full.has(name) and name not in optional]
    table.require(missing, "a table for this use")
    held = {name: kind for name, kind in schema.items() if full.has(name)}
    table.require([full.columns[name] for name in held if name in full.columns], "as described")
    raw = table.scan().with_row_index(_ROW).collect()
    out = [pl.col(c).str.strip_chars().is_in(values) for c, values in full.leave_out.items()]
    kept = raw.filter(~pl.any_horizontal(out).fill_null(value=False)) if out else raw
    made = kept.select(_column(full, name, kind) for name, kind in held.items())
    for name, kind in held.items():
        _check(table, full, name, kind, kept, made)
    return made


def _column(about: Described, name: str, kind: type[pl.DataType]) -> pl.Expr:
    if kind is not pl.String:
        return about.number(about.text(name), name).alias(name)
    if name in _COUNTRIES and (about.countries != "iso3" or about.country_names):
        return about.country(about.text(name)).cast(pl.String).alias(name)
    if name in about.constants:
        return pl.lit(about.constants[name]).alias(name)
    return pl.col(about.columns[name]).str.strip_chars().alias(name)


def _check(
    table: files.Table,
    about: Described,
    name: str,
    kind: type[pl.DataType],
    raw: pl.DataFrame,
    made: pl.DataFrame,
) -> None:
    """What was written and could not be understood is an error."""
    stated = raw.select(about.text(name).alias(name))[name]
    lost = made[name].is_null() & stated.is_not_null()
    what = "is not a number" if kind is not pl.String else "is no country of ours"
    if name == "product":
        # A code with an odd number of digits has lost its zero on the way through a program.
        lost = stated.str.contains(r"^\d+$") & ~stated.str.len_chars().is_in(_DIGITS)
        what = "is no HS code of 2, 4 or 6 digits; a leading zero may be lost"
    rows = lost.arg_true()
    if len(rows):
        raise DataError(
            f"{table.name}, {table.place(raw[_ROW][rows[0]])}: {about.column(name)} {what}: "
            f"{stated[rows[0]]!r}"
        )
