"""Codes as integers, and rows in the order of their codes: fast at millions of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Coded:
    """Columns of codes as integers.

    Attributes
    ----------
    codes : tuple of str
        The codes in use, sorted.
    columns : tuple of int64 [n]
        Index of each row's code, one array per column.
    """

    codes: tuple[str, ...]
    columns: tuple[Ints, ...]


def encode(columns: Sequence[pl.Series]) -> Coded:
    """Number the codes of some columns, which share one list.

    An Enum column, whatever the order of its categories, costs no comparison of strings.

    Parameters
    ----------
    columns : sequence of Series
        String, Categorical or Enum; without nulls.
    """
    codes = sorted(set(chain.from_iterable(used(column) for column in columns)))
    position = {code: index for index, code in enumerate(codes)}
    return Coded(tuple(codes), tuple(_numbered(column, position) for column in columns))


def used(column: pl.Series) -> list[str]:
    """The codes that occur in a column without nulls."""
    if not isinstance(column.dtype, pl.Enum):
        return column.unique().cast(pl.String).to_list()
    names = categories(column)
    counts = np.bincount(_physical(column), minlength=len(names))
    return [names[index] for index in np.flatnonzero(counts)]


def _numbered(column: pl.Series, position: Mapping[str, int]) -> Ints:
    if not isinstance(column.dtype, pl.Enum):
        return numbers(column.cast(pl.String).cast(pl.Enum(list(position))))
    places = [position.get(code, -1) for code in categories(column)]
    return np.take(np.array(places, dtype=np.int64), _physical(column))


def categories(column: pl.Series) -> tuple[str, ...]:
    """The codes that an Enum column may hold."""
    assert isinstance(column.dtype, pl.Enum)
    return tuple(column.dtype.categories)


def numbers(column: pl.Series) -> Ints:
    """Index of each row's code in the categories of an Enum column."""
    return _physical(column).astype(np.int64)


def _physical(column: pl.Series) -> NDArray[np.unsignedinteger]:
    return np.asarray(column.to_physical().rechunk().to_numpy())


def order(columns: Sequence[tuple[Ints, int]]) -> tuple[Ints, Ints]:
    """The order of rows by several integer columns, and their sorted joint key.

    Parameters
    ----------
    columns : sequence of (int64 [n], int)
        Each with how many values it may take; the first counts most.

    Returns
    -------
    order, key : int64 [n]
        ``order`` is stable. Equal neighbours in ``key`` are rows with the same codes.
    """
    key = np.zeros_like(columns[0][0])
    for column, size in columns:
        key *= size
        key += column
    rows = np.argsort(key, kind="stable")
    return rows, key[rows]


def any_twice(columns: Sequence[pl.Series]) -> bool:
    """Whether two rows have the same values in all of some columns of codes or years."""
    key: Ints = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        if column.dtype.is_integer():
            index = column.cast(pl.Int64).to_numpy()
            size = int(index.max(initial=0)) + 1
        elif isinstance(column.dtype, pl.Enum):
            index, size = _physical(column), len(column.dtype.categories)
        else:
            coded = encode([column])
            index, size = coded.columns[0], len(coded.codes)
        key *= size
        key += index
    key.sort()
    return bool((key[1:] == key[:-1]).any())


def column(codes: Sequence[str], index: Ints) -> pl.Series:
    """The codes that an index array stands for, as an Enum column."""
    kind = pl.Enum(list(codes))
    physical = pl.Series(dtype=kind).to_physical().dtype
    return pl.Series(index).cast(physical).cat.to(kind)
