"""Statutory rates of a world beside the duty that customs charged, on one screen."""

from typing import TYPE_CHECKING

import polars as pl

from tradewedge.report.layout import note, table

if TYPE_CHECKING:
    from rich.console import RenderableType

_MILLION = 1000.0
_SHOWN = 10


def duty_check(compared: pl.DataFrame, where: str) -> "RenderableType":
    """Totals, and the flows on which the two differ most in money.

    Parameters
    ----------
    compared : DataFrame
        product, exporter, importer, value (thousand USD), statutory, effective, difference,
        duty_statutory, duty_charged; the largest difference first.
    where : str
        The file that holds all of it.
    """
    from rich.console import Group

    both = compared.drop_nulls(["statutory", "effective"])
    value, law, paid = both.select("value", "duty_statutory", "duty_charged").sum().row(0)
    apart = both.select(pl.col("value").filter(pl.col("difference").abs() > 0.01).sum()).item()
    missing = compared.filter(pl.col("statutory").is_null())
    rows = [
        ("flows compared", f"{both.height:,}", _money(value), ""),
        ("statutory duty on them", "", _money(law), _rate(law / value if value else None)),
        ("duty charged on them", "", _money(paid), _rate(paid / value if value else None)),
        ("value of flows more than a point apart", "", _money(apart), ""),
        (
            "imports that the world has not",
            f"{missing.height:,}",
            _money(float(missing["value"].sum())),
            "",
        ),
    ]
    most = [
        (
            f"{row['product']} from {row['exporter']}",
            _money(row["value"]),
            _rate(row["statutory"]),
            _rate(row["effective"]),
            f"{(row['duty_statutory'] - row['duty_charged']) / _MILLION:+,.1f}",
        )
        for row in both.head(_SHOWN).iter_rows(named=True)
    ]
    return Group(
        table(("tariffs against the duty charged", "flows", "million USD", "rate"), rows),
        "",
        table(
            ("furthest apart", "million USD", "statutory", "charged", "million USD of duty"), most
        ),
        note(f"Every flow: {where}"),
    )


def _money(value: float) -> str:
    return f"{value / _MILLION:,.1f}"


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.2f} %"
