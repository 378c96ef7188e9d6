"""Rows and numbers by row of which a scenario changes few."""

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_Number = TypeVar("_Number", bound=np.generic)

NONE: Final[Ints] = np.zeros(0, dtype=np.int64)
_SORTED_PER_SCANNED = 16
"""Rows that can be scanned in the time in which one is sorted."""


class Marked:
    """Rows that are marked piece by piece: memory in proportion to them.

    Parameters
    ----------
    size : int
        Rows that there are.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._pieces: list[Ints] = []

    def add(self, rows: Ints) -> None:
        """Mark ascending rows."""
        if rows.size and not any(piece is rows for piece in self._pieces):
            self._pieces.append(rows)

    @property
    def rows(self) -> Ints:
        """All that are marked, ascending, each once."""
        if len(self._pieces) > 1:
            together = np.concatenate(self._pieces)
            few = together.size * _SORTED_PER_SCANNED < self._size
            self._pieces = [
                np.unique(together) if few else np.flatnonzero(marks(together, self._size))
            ]
        return self._pieces[0] if self._pieces else NONE

    def holds(self, rows: Ints) -> NDArray[np.bool_]:
        """Which of some rows are marked."""
        return np.isin(rows, self.rows)


def constant(size: int, value: float) -> Floats:
    """An array [size] of one value that takes no memory, and cannot be written to."""
    return np.broadcast_to(np.float64(value), (size,))


def is_constant(array: Floats) -> bool:
    """Whether an array is a :func:`constant`."""
    return array.strides == (0,)


def scaled(array: Floats, factor: float) -> Floats:
    """The array times a number; a constant stays one."""
    if is_constant(array) and array.size:
        return constant(array.size, float(array[0]) * factor)
    return array * factor


def owned(array: NDArray[_Number]) -> NDArray[_Number]:
    """The same array, or a copy where it cannot be written to."""
    return array if array.flags.writeable else array.copy()


def places(rows: Ints, others: Ints) -> Ints | slice:
    """Where each of ``rows`` is in ascending ``others``, which hold them all."""
    return slice(None) if rows is others else np.searchsorted(others, rows)


def marks(rows: NDArray[np.integer], size: int) -> NDArray[np.bool_]:
    """Boolean mask [size] of some rows."""
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask
