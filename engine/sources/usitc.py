"""The Harmonized Tariff Schedule of the United States, as hts.usitc.gov exports it.

A row per heading and line, csv or JSON; rates are free text on lines of eight digits. Rates of six
digits are means over the lines: by the value of imports where a Census file is named, else simple.

Source: https://hts.usitc.gov/export. Public domain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import files
from tradewedge.sources.files import Table
from tradewedge.sources.tally import collect
from tradewedge.sources.tariffs import (
    ANY,
    RATES,
    Tariffs,
    first_of_each,
    line_audit,
    six_digit_rates,
)

IMPORTER: Final = "USA"
AUTHORITY: Final = "MFN"
_NUMBER: Final = ("HTS Number", "htsno")
#: Names of the rate columns in csv and in JSON.
_RATES: Final = {
    "general": ("General Rate of Duty", "general"),
    "column_2": ("Column 2 Rate of Duty", "other"),
}


@dataclass(frozen=True)
class Options:
    """What the user may say about a schedule.

    Attributes
    ----------
    column : str
        "general" (normal trade relations) or "column_2".
    weights : str or None
        Path of a Census file of imports, to weigh lines by value.
    vintage : str
        HS edition of the schedule.
    """

    column: str = "general"
    weights: str | None = None
    vintage: str = "HS2022"


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Tariffs:
    """Read the schedule.

    Parameters
    ----------
    path : str or Path
        The export, csv or JSON, plain or compressed.
    years : sequence of int or None
        Of the Census file named in ``options.weights``.
    options : Options

    Raises
    ------
    DataError
        If it is no such export.
    """
    if options.column not in _RATES:
        raise ConfigError(f"column is {' or '.join(_RATES)}, not {options.column!r}")
    with files.opened(path, r"\.(csv|json)$") as tables:
        if len(tables) != 1:
            raise DataError(f"{path}: holds {len(tables)} tables, a schedule is one")
        rows, dropped, restored, lines = _lines(tables[0], options.column)
        step = tables[0].file
    codes = six_digit_rates(lines, weights_of(options.weights, years))
    rates = codes.filter(pl.col("rate").is_not_null()).select(
        "product",
        "rate",
        "usd_per_kg",
        exporter=pl.lit(ANY),
        importer=pl.lit(IMPORTER),
        authority=pl.lit(AUTHORITY),
    )
    return Tariffs(
        rates=rates.select(*RATES),
        audit=line_audit(step, rows, dropped, restored, codes),
        vintage=check_vintage(options.vintage),
        importers=(IMPORTER,),
        title=f"US Harmonized Tariff Schedule, {options.column.replace('_', ' ')} rates",
        notes=(
            "US duties are the schedule's own: preferences and additional duties (chapter 99) are "
            "not in them.",
        ),
    )


def _lines(table: Table, column: str) -> tuple[int, list[tuple[str, int]], int, pl.DataFrame]:
    """Rows read, what was left out and why, zeros put back, and line, text of the others."""
    number = next((name for name in _NUMBER if name in table.columns), _NUMBER[0])
    rate = next((name for name in _RATES[column] if name in table.columns), _RATES[column][0])
    table.require([number, rate], "an export of the US tariff schedule")
    (rows,) = collect(
        [
            table.scan().select(
                line=pl.col(number).fill_null("").str.replace_all(".", "", literal=True),
                text=pl.col(rate).fill_null("").str.strip_chars(),
            )
        ],
        table,
    )
    bad = rows.with_row_index("row").filter(~pl.col("line").str.contains(r"^\d*$"))
    if not bad.is_empty():
        raise DataError(
            f"{table.name}, {table.place(bad['row'][0])}: {number} is no number of a line: "
            f"{bad['line'][0]!r}"
        )
    # Codes of all levels have an even number of digits.
    short = pl.col("line").str.len_chars() % 2 == 1
    restored = rows.filter(short).height
    rows = rows.with_columns(line=pl.when(short).then("0" + pl.col("line")).otherwise("line"))
    reasons = {
        "headings and statistical lines without a rate of their own": pl.col("text") == "",
        "chapters 98 and 99, special provisions": pl.col("line").str.contains("^9[89]"),
        "texts without a line": pl.col("line").str.len_chars() < 8,
    }
    dropped, kept = [], rows
    for text, out in reasons.items():
        dropped.append((text, kept.filter(out).height))
        kept = kept.filter(~out)
    first = first_of_each(kept.with_columns(pl.col("line").str.head(8)), table.name)
    dropped.append(("repeats of an eight-digit line", kept.height - first.height))
    return rows.height, dropped, restored, first


def weights_of(path: str | None, years: Sequence[int] | None) -> pl.DataFrame | None:
    """Imports by eight-digit line: line, value."""
    if path is None:
        return None
    from tradewedge.sources.census import line_values

    return line_values(path, years)
