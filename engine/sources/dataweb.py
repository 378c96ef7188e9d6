"""The annual tariff database of the US International Trade Commission (DataWeb).

One row per eight-digit line and period, separated by "|": texts of the rates beside their parts.
Texts are read, as in the schedule; the parts are what they are compared with.

Source: https://dataweb.usitc.gov/tariff/annual. Public domain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import fields, files
from tradewedge.sources.dutyrates import read_rate
from tradewedge.sources.files import Table
from tradewedge.sources.tally import collect
from tradewedge.sources.tariffs import (
    ANY,
    RATES,
    Tariffs,
    first_of_each,
    line_audit,
    six_digit_rates,
    weighed_lines,
)
from tradewedge.sources.usitc import AUTHORITY, IMPORTER, weights_of

_COLUMNS: Final = {
    "general": ("mfn_text_rate", "mfn_ad_val_rate"),
    "column_2": ("col2_text_rate", "col2_ad_val_rate"),
}
_LINE, _BEGIN, _END = "hts8", "begin_effect_date", "end_effective_date"
#: How the database says that a rate is none of its own.
_NO_RATE: Final = 9999.0
_SAME: Final = 1e-6
_DIGITS: Final = 8


@dataclass(frozen=True)
class Options:
    """What the user may say about the tariff database.

    Attributes
    ----------
    column : str
        "general" (normal trade relations) or "column_2".
    on : str or None
        Day whose rates count, as 2024-12-31; None: the last of each line.
    weights : str or None
        Path of a Census file of imports, to weigh lines by value.
    vintage : str
        HS edition of the lines.
    """

    column: str = "general"
    on: str | None = None
    weights: str | None = None
    vintage: str = "HS2022"


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Tariffs:
    """Read the database; arguments and errors as in :func:`tradewedge.sources.usitc.read`."""
    if options.column not in _COLUMNS:
        raise ConfigError(f"column is {' or '.join(_COLUMNS)}, not {options.column!r}")
    with files.opened(path, r"tariff.*\.(txt|csv)$", lossy=True) as tables:
        if len(tables) != 1:
            raise DataError(f"{path}: holds {len(tables)} tables; name the file of one year")
        step, (rows, dropped, restored, lines) = tables[0].file, _lines(tables[0], options)
    codes = six_digit_rates(weighed_lines(lines, weights_of(options.weights, years)))
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
        title="US tariff database, USITC DataWeb",
        notes=(
            "US duties are those of column 1: preferences and additional duties are not in them.",
        ),
    )


def _lines(table: Table, options: Options) -> tuple[int, list[tuple[str, int]], int, pl.DataFrame]:
    """Rows read, what was left out and why, zeros put back, and line, text of the others."""
    text, number = _COLUMNS[options.column]
    table.require([_LINE, text, number, _BEGIN, _END], "the annual tariff database of the USITC")
    code = fields.text(_LINE).str.replace_all(".", "", literal=True)
    lost = code.str.contains(r"^\d{7}$")
    rows = table.scan().select(
        line=pl.when(lost).then("0" + code).otherwise(code).fill_null(""),
        lost=lost,
        text=fields.text(text).fill_null(""),
        printed=fields.text(number),
        number=fields.number(number),
        begin=fields.text(_BEGIN).str.head(10).str.to_date("%m/%d/%Y", strict=False),
        end=fields.text(_END).str.head(10).str.to_date("%m/%d/%Y", strict=False),
    )
    (frame,) = collect([rows], table)
    _check(frame, table, number)
    day = None if options.on is None else pl.lit(options.on).str.to_date()
    late = (
        pl.col("begin") < pl.col("begin").max().over("line")
        if day is None
        else ~day.is_between(pl.col("begin"), pl.col("end"))
    )
    reasons = {
        "sum over a chapter or heading": pl.col("line").str.len_chars() < _DIGITS,
        "chapters 98 and 99, special provisions": pl.col("line").str.contains("^9[89]"),
        "not in effect on the day" if options.on else "replaced later in the year": late,
    }
    dropped, kept = [], frame
    for reason, out in reasons.items():
        dropped.append((reason, kept.filter(out).height))
        kept = kept.filter(~out)
    _compare(kept, table)
    lines = first_of_each(kept.select("line", "text"), table.name)
    dropped.append(("repeats of a line", kept.height - lines.height))
    return frame.height, dropped, kept.filter("lost").height, lines


def _check(rows: pl.DataFrame, table: Table, number: str) -> None:
    """Every row has a line with two dates, and a number that can be a rate where it has one."""
    dates = pl.col("begin").is_null() | pl.col("end").is_null()
    absent = pl.col("printed").is_null() | pl.col("printed").is_in(fields.NOT_REPORTED)
    wrong = {
        f"{_LINE} is not a line of eight digits": (
            "line",
            ~pl.col("line").str.contains(r"^\d{8}$|^\d{6}$|^\d{4}$|^\d{2}$"),
        ),
        f"{_BEGIN} or {_END} is not a date": ("line", dates),
        f"{number} is not a number": ("printed", pl.col("number").is_null() & ~absent),
        f"{number} is negative": ("printed", pl.col("number") < 0),
    }
    for what, (shown, out) in wrong.items():
        bad = rows.with_row_index("row").filter(out)
        if not bad.is_empty():
            place = table.place(bad["row"][0])
            raise DataError(f"{table.name}, {place}: {what}: {bad[shown][0]!r}")


def _compare(rows: pl.DataFrame, table: Table) -> None:
    """A text that is nothing but a percentage equals the number beside it."""
    for line, text, number in rows.select("line", "text", "number").iter_rows():
        rate = read_rate(text)
        plain = len(rate.terms) == 1 and not rate.other and not rate.usd_per_kg
        if (
            plain
            and number is not None
            and number < _NO_RATE
            and abs(rate.ad_valorem - number) > _SAME
        ):
            raise DataError(
                f"{table.name}: line {line} has the rate {text!r} and the number {number:g} beside "
                "it: per cent in one, a fraction in the other?"
            )
