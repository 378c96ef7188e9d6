"""What was read, kept and dropped on the way from a file to a world, and why."""

from typing import TYPE_CHECKING

import polars as pl

from tradewedge.report.layout import table

if TYPE_CHECKING:
    from rich.console import RenderableType

_MILLION = 1000.0


def reconciliation(audit: pl.DataFrame) -> "RenderableType":
    """A line per reason that took a row, step by step; values in million USD.

    Parameters
    ----------
    audit : DataFrame
        step, reason, rows, value (thousand USD).
    """
    rows, before = [], None
    told = audit.filter((pl.col("rows") > 0) | pl.col("reason").is_in(["read", "kept"]))
    for step, reason, number, value in told.iter_rows():
        if step != before:
            rows.append((step, "", ""))
        money = "" if value is None else f"{value / _MILLION:,.3f}"
        rows.append((f"  {reason}", f"{number:,}", money))
        before = step
    return table(("what became of the rows", "rows", "million USD"), rows)
