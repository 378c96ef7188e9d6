"""Pages of the tables that ship about minerals."""

from collections.abc import Iterable, Sequence

import polars as pl
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tradewedge.sources.dimensions import DIMENSIONS

#: Columns that a screen has no room for; a file has them.
_LONG = ("source", "note", "basis", "vintage", "only", "except", "deduct")


def table_list(readable: Sequence[tuple[str, str]]) -> Group:
    """Every table: those that ship, and those that are made of a file.

    Parameters
    ----------
    readable : sequence of (name, text)
        Sources that need a file.
    """
    shipped = [(name, "ships", about.text) for name, about in DIMENSIONS.items()]
    read = [(name, "needs its file", text) for name, text in readable]
    more = "Show one: tradewedge data table NAME. Write one: --out FILE.csv, or .parquet"
    return Group(_grid(("name", "", "what"), [*shipped, *read]), more)


def dimension_page(name: str, frame: pl.DataFrame) -> Group:
    """One table that ships, without the columns that are long."""
    shown = [column for column in frame.columns if column not in _LONG]
    rest = [column for column in frame.columns if column in _LONG]
    more = f"; in a file also {', '.join(rest)} (--out FILE)" if rest else ""
    return Group(
        Text(f"{name}: {DIMENSIONS[name].text}", style="bold"),
        _grid(shown, frame.select(shown).iter_rows()),
        f"{frame.height:,} rows{more}",
    )


def _grid(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in titles:
        made.add_column(title)
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return made
