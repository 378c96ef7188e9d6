"""Numbers by flow most of which scenarios share: memory in proportion to what one changes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Column:
    """One number per flow.

    Attributes
    ----------
    base : float64 [F]
        What holds for all other rows; shared, or a :func:`constant`.
    rows : int64 [n]
        Ascending.
    values : float64 [n]
        What holds for these rows.
    """

    base: Floats
    rows: Ints
    values: Floats

    @property
    def full(self) -> Floats:
        """All rows, [F]; the base itself where nothing differs."""
        if not self.rows.size:
            return self.base
        made = self.base.copy()
        made[self.rows] = self.values
        return made

    def at(self, rows: Ints) -> Floats:
        """Numbers of some rows, ascending, that include all which differ from the base."""
        made = self.base[rows]
        made[np.searchsorted(rows, self.rows)] = self.values
        return made

    def part(self, flows: slice) -> "Column":
        """The same for a range of flows."""
        inside = among(self.rows, flows)
        return Column(self.base[flows], self.rows[inside] - flows.start, self.values[inside])


def constant(size: int, value: float) -> Floats:
    """An array [size] of one value that takes no memory, and cannot be written to."""
    return np.broadcast_to(np.float64(value), (size,))


def owned(array: Floats) -> Floats:
    """The same array, or a copy where it cannot be written to."""
    return array if array.flags.writeable else array.copy()


def among(rows: Ints, flows: slice) -> slice:
    """Places of ascending ``rows`` that are in a range of flows."""
    return slice(*np.searchsorted(rows, [flows.start, flows.stop]).tolist())


def marks(rows: Ints, size: int) -> NDArray[np.bool_]:
    """Boolean mask [size] of some rows."""
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask
