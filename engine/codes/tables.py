"""Reads the code tables that ship with the package, from a folder, a wheel or a zip."""

from io import BytesIO

import polars as pl


def shipped_bytes(room: str, name: str) -> bytes:
    """Content of ``data/<room>/<name>``.

    Raises
    ------
    FileNotFoundError
        If the installation lacks the file.
    """
    from importlib.resources import files

    return (files("tradewedge.data") / room / name).read_bytes()


def shipped_csv(room: str, name: str, numbers: tuple[str, ...] = ()) -> pl.DataFrame:
    """Read a CSV whose columns are text, but for the int64 columns named in ``numbers``.

    An empty field is null; "NA" is text (Namibia's ISO2 code).
    """
    frame = pl.read_csv(BytesIO(shipped_bytes(room, name)), infer_schema=False)
    return frame.with_columns(pl.col(column).cast(pl.Int64) for column in numbers)


def shipped_parquet(room: str, name: str) -> pl.DataFrame:
    """Read a Parquet table."""
    return pl.read_parquet(BytesIO(shipped_bytes(room, name)))
