"""The few shapes that the pages are made of; none of them needs colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_GAP: Final = "  "
_LEAST: Final = 12


def title(text: str) -> Padding:
    """A heading with an empty line above."""
    return Padding(Text(text, style="bold"), (1, 0, 0, 0), expand=False)


def bullet(text: str, level: int = 1) -> Table:
    """One item, wrapped beside its dash; the second level stands further in."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1 + 2 * level, justify="right")
    grid.add_column()
    grid.add_row("-", Text(text))
    return grid


def note(text: str) -> Padding:
    """A remark under a table."""
    return Padding(Text(text), (0, 0, 0, 2), expand=False)


@dataclass(frozen=True)
class Lines:
    """A table of one line per row: only the first column gives way where space is short."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the columns out for the width at hand."""
        columns = list(zip(self.header, *self.rows, strict=True))
        widths = [max(cell_len(cell) for cell in column) for column in columns]
        room = options.max_width - sum(widths[1:]) - len(_GAP) * (len(widths) - 1)
        widths[0] = max(min(widths[0], room), _LEAST)
        yield self._line(self.header, widths)
        yield Text("-" * (sum(widths) + len(_GAP) * (len(widths) - 1)))
        for row in self.rows:
            yield self._line(row, widths)

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> Text:
        first = Text(cells[0])
        first.truncate(widths[0], overflow="ellipsis", pad=True)
        line = Text(no_wrap=True, overflow="crop")
        line.append_text(first)
        for cell, width in zip(cells[1:], widths[1:], strict=True):
            line.append(_GAP + " " * (width - cell_len(cell)) + cell)
        line.rstrip()
        return line


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Lines:
    """First column left, cut where the line is too short; the others right and whole."""
    return Lines(tuple(header), tuple(tuple(row) for row in rows))
