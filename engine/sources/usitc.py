"""The Harmonized Tariff Schedule of the United States, as hts.usitc.gov exports it.

A row per heading and line, csv or JSON; rates are free text on lines of eight digits. Rates of six
digits are means over the lines: by the value of imports where a Census file is named, else simple.

Source: https://hts.usitc.gov/export. Public domain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import files
from tradewedge.sources.files import Table
from tradewedge.sources.special import preferential
from tradewedge.sources.tally import OF_THESE, audit_frame, collect
from tradewedge.sources.tariffs import (
    ANY,
    RATES,
    Tariffs,
    first_of_each,
    line_audit,
    six_digit_rates,
    weighed_lines,
)

IMPORTER: Final = "USA"
AUTHORITY: Final = "MFN"
_RATED: Final = ("product", "exporter", "rate", "usd_per_kg")
_NUMBER: Final = ("HTS Number", "htsno")
#: Names of the rate columns in csv and in JSON.
_RATES: Final = {
    "general": ("General Rate of Duty", "general"),
    "column_2": ("Column 2 Rate of Duty", "other"),
    "special": ("Special Rate of Duty", "special"),
}
_COLUMNS: Final = ("general", "column_2")


@dataclass(frozen=True)
class Options:
    """What the user may say about a schedule.

    Attributes
    ----------
    column : str
        "general" (normal trade relations) or "column_2".
    preferences : bool
        Whether partners claim every rate that the special column offers them.
    on : str or None
        Day whose programmes of preference count, as 2024-12-31; None: those without an end.
    weights : str or None
        Path of a Census file of imports, to weigh lines by value.
    vintage : str
        HS edition of the schedule.
    """

    column: str = "general"
    preferences: bool = False
    on: str | None = None
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
    if options.column not in _COLUMNS:
        raise ConfigError(f"column is {' or '.join(_COLUMNS)}, not {options.column!r}")
    if options.preferences and options.column != "general":
        raise ConfigError("preferences: partners under column 2 have none")
    with files.opened(path, r"\.(csv|json)$") as tables:
        if len(tables) != 1:
            raise DataError(f"{path}: holds {len(tables)} tables, a schedule is one")
        rows, dropped, restored, lines = _lines(tables[0], options)
        step = tables[0].file
    weighed = weighed_lines(lines, weights_of(options.weights, years))
    codes = six_digit_rates(weighed)
    general = codes.filter(pl.col("rate").is_not_null()).with_columns(exporter=pl.lit(ANY))
    parts = [general.select(_RATED)]
    audit = line_audit(step, rows, dropped, restored, codes)
    if options.preferences:
        lower = preferential(weighed, _day(options.on))
        parts.append(lower.select(_RATED))
        audit = pl.concat([audit, _coverage(step, weighed, lower)])
    rates = pl.concat(parts).with_columns(importer=pl.lit(IMPORTER), authority=pl.lit(AUTHORITY))
    return Tariffs(
        rates=rates.select(*RATES),
        audit=audit,
        vintage=check_vintage(options.vintage),
        importers=(IMPORTER,),
        title=f"US Harmonized Tariff Schedule, {options.column.replace('_', ' ')} rates",
        notes=(
            "US duties are the schedule's own: "
            + ("preferences always claimed, " if options.preferences else "no preferences, ")
            + "no additional duties (chapter 99).",
        ),
    )


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"on takes a day, as 2024-12-31, not {text!r}") from None


def _coverage(step: str, lines: pl.DataFrame, lower: pl.DataFrame) -> pl.DataFrame:
    """How far preferences reach."""
    offers = lines.filter(pl.col("special") != "")
    partners = lower["exporter"].n_unique()
    return audit_frame(
        [
            (step, f"{OF_THESE}lines with a special rate", offers.height, None),
            (step, f"preferential rates of {partners} partners", lower.height, None),
        ]
    )


def _lines(table: Table, options: Options) -> tuple[int, list[tuple[str, int]], int, pl.DataFrame]:
    """Rows read, what was left out and why, zeros put back, and line, text, special of the rest."""
    number = next((name for name in _NUMBER if name in table.columns), _NUMBER[0])
    rate, special = (
        next((name for name in _RATES[column] if name in table.columns), _RATES[column][0])
        for column in (options.column, "special")
    )
    needed = [number, rate, *([special] if options.preferences else [])]
    table.require(needed, "an export of the US tariff schedule")
    offered = pl.col(special) if options.preferences else pl.lit(None, pl.String)
    (rows,) = collect(
        [
            table.scan().select(
                line=pl.col(number).fill_null("").str.replace_all(".", "", literal=True),
                text=pl.col(rate).fill_null("").str.strip_chars(),
                special=offered.fill_null("").str.strip_chars(),
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
