"""Numbers by row most of which scenarios share: memory in proportion to what one changes."""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels.market import Floats, Ints


@dataclass(frozen=True, eq=False)
class Column:
    """One number per row.

    Attributes
    ----------
    base : float64 [rows]
        What holds for all other rows; shared.
    rows : int64 [n]
        Ascending.
    values : float64 [n]
        What holds for these rows.
    """

    base: Floats
    rows: Ints
    values: Floats

    @classmethod
    def of(cls, full: Floats) -> "Column":
        """All rows in one array that nothing else shares."""
        return cls(full, np.zeros(0, np.int64), np.zeros(0))

    @property
    def full(self) -> Floats:
        """All rows; the base itself where nothing differs."""
        if not self.rows.size:
            return self.base
        made = self.base.copy()
        made[self.rows] = self.values
        return made

    def taken_from(self, full: Floats) -> "Column":
        """The same rows with the numbers that they have in an array."""
        if not self.rows.size:
            return Column.of(full)
        return Column(self.base, self.rows, full[self.rows])

    def at(self, rows: Ints) -> Floats:
        """Some rows."""
        made: Floats = self.base[rows]
        if self.rows.size:
            place = np.minimum(np.searchsorted(self.rows, rows), self.rows.size - 1)
            made = np.where(self.rows[place] == rows, self.values[place], made)
        return made

    def replaced(self, rows: Ints, values: Floats) -> "Column":
        """The same with other numbers in some rows, ascending."""
        if rows.size == self.base.size:
            return Column.of(values)
        return Column(self.base, *merged(self.rows, self.values, rows, values))

    def part(self, rows: slice) -> "Column":
        """The same for a range of rows."""
        inside = among(self.rows, rows)
        return Column(self.base[rows], self.rows[inside] - rows.start, self.values[inside])


def among(rows: Ints, wanted: slice) -> slice:
    """Places of ascending ``rows`` that are in a range."""
    return slice(*np.searchsorted(rows, [wanted.start, wanted.stop]).tolist())


def merged(rows: Ints, values: Floats, more: Ints, instead: Floats) -> tuple[Ints, Floats]:
    """Numbers by ascending rows, and others ``instead`` of them in some."""
    kept = ~np.isin(rows, more)
    together = np.concatenate([rows[kept], more])
    order = np.argsort(together, kind="stable")
    return together[order], np.concatenate([values[kept], instead])[order]
