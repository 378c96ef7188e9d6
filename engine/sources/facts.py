"""What a source hands over that is neither trade nor tariffs: tidy rows and their audit."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tradewedge.errors import ConfigError, DataError
from tradewedge.sources.tally import Sifted, why_nothing


@dataclass(frozen=True, eq=False)
class Facts:
    """A tidy table.

    Attributes
    ----------
    frame : DataFrame
        Sorted by its keys; the module of the source says what its columns are.
    audit : DataFrame
        step, reason, rows, value (null: rows alone are counted).
    title : str
    """

    frame: pl.DataFrame
    audit: pl.DataFrame
    title: str


def facts(parts: Sequence[Sifted], keys: Sequence[str], where: str, title: str) -> Facts:
    """Put the files of a source together.

    Raises
    ------
    DataError
        If nothing is left, or two rows have the same keys.
    """
    frame, audit = (
        pl.concat(tables)
        for tables in ([part.frame for part in parts], [part.audit for part in parts])
    )
    if frame.is_empty():
        raise DataError(f"{where}: no row is left ({why_nothing(audit)})")
    twice = frame.filter(frame.select(keys).is_duplicated())
    if not twice.is_empty():
        named = ", ".join(f"{name} {twice[name][0]}" for name in keys)
        raise DataError(f"{where}: {twice.height} rows have the keys of another, such as {named}")
    return Facts(frame.sort(keys), audit, title)


def of_years(rows: pl.DataFrame, years: Sequence[int] | None, where: str) -> pl.DataFrame:
    """The rows of some years; all without a wish.

    Raises
    ------
    ConfigError
        If a year is not there.
    """
    if years is None:
        return rows
    missing = sorted(set(years) - set(rows["year"].unique()))
    if missing:
        raise ConfigError(f"{where} has no year {', '.join(map(str, missing))}")
    return rows.filter(pl.col("year").is_in(list(years)))
