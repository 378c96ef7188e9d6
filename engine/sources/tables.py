"""Tables of the user's own in the columns of tradewedge: csv or Parquet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.errors import DataError
from tradewedge.sources import textfiles

_PARQUET: Final = (".parquet", ".pq")


def read_table(
    path: str | Path, schema: Mapping[str, type[pl.DataType]], optional: Sequence[str] = ()
) -> pl.DataFrame:
    """Read a table whose columns have the names of ``schema``; other columns are left out.

    Parameters
    ----------
    path : str or Path
        A csv (plain or compressed) or a Parquet file.
    schema : mapping of str to data type
        Codes are text, with their zeros.
    optional : sequence of str
        Columns that may be absent.

    Raises
    ------
    DataError
        If it cannot be read, lacks a column, or has one of another type.
    """
    place = Path(path)
    if place.suffix.lower() in _PARQUET and place.is_file():
        return _parquet(place, schema, optional)
    with textfiles.opened(place) as tables:
        if len(tables) != 1:
            raise DataError(f"{place}: holds {len(tables)} tables; name one")
        table = tables[0]
        table.require([name for name in schema if name not in optional], "a table for this use")
        text = table.scan().collect()
    held = {name: kind for name, kind in schema.items() if name in text.columns}
    frame = text.select(pl.col(name).str.strip_chars() for name in held)
    made = frame.with_columns(pl.col(name).cast(kind, strict=False) for name, kind in held.items())
    for name in held:
        stated = frame[name].is_not_null() & (frame[name] != "")
        bad = (made[name].is_null() & stated).arg_true()
        if len(bad):
            raise DataError(
                f"{table.name}, {table.place(bad[0])}: {name} is not a number: "
                f"{frame[name][bad[0]]!r}"
            )
    return made


def _parquet(
    place: Path, schema: Mapping[str, type[pl.DataType]], optional: Sequence[str]
) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(place)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{place}: cannot be read as Parquet: {error}") from error
    missing = [name for name in schema if name not in frame.columns and name not in optional]
    if missing:
        raise DataError(
            f"{place}: no column {', '.join(missing)}; it has {', '.join(frame.columns)}"
        )
    held = {name: kind for name, kind in schema.items() if name in frame.columns}
    for name, kind in held.items():
        if kind is pl.String and frame.schema[name] not in (pl.String, pl.Categorical, pl.Enum):
            raise DataError(
                f"{place}: column {name} is {frame.schema[name]}, but codes are text "
                '("010121", not 10121)'
            )
    return frame.select(pl.col(name).cast(kind) for name, kind in held.items())
