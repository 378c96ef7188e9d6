"""US Geological Survey, Mineral Commodity Summaries: world production by mineral and country.

Two layouts: the world tables of a year (``MCS2025_World_Data.csv``: a column per year) and the data
release since 2026 (``MCS2026_Commodities_Data.csv``: a row per figure, of which world production is
read). Figures are text: thousands have commas, "W" is withheld, "NA" not available.

Source: https://www.usgs.gov/centers/national-minerals-information-center. Public domain.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.sources import fields, files, production
from tradewedge.sources.facts import Facts, facts, of_years
from tradewedge.sources.files import Table
from tradewedge.sources.tally import Rule, Sifted, sift
from tradewedge.sources.tally import Table as Rows

_YEAR_COLUMN: Final = re.compile(r"^PROD_(EST_\s*)?(\d{4})$")
_LONG: Final = (
    "Section",
    "Commodity",
    "Country",
    "Statistics",
    "Statistics_detail",
    "Unit",
    "Year",
    "Value",
    "Notes",
)
_WIDE: Final = ("COMMODITY", "COUNTRY", "TYPE", "UNIT_MEAS")
_ZERO: Final = ("—", "–", "-", "\ufffd")
_NOT_FIGURES: Final = {
    "withheld": ("W",),
    "not available": ("NA", "XX", ""),
    "less than half a unit": ("s", "(3)"),
}


@dataclass(frozen=True)
class Options:
    """Nothing to say."""


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Facts:  # noqa: ARG001
    """Read world production, all years or some; see :mod:`tradewedge.sources.production`."""
    with files.opened(path, r"^MCS.*\.csv$", lossy=True) as tables:
        done = [_read(table) for table in tables]
    made = facts(done, production.KEYS, str(path), "USGS, Mineral Commodity Summaries")
    return Facts(of_years(made.frame, years, str(path)), made.audit, made.title)


@dataclass(frozen=True, eq=False)
class _ByYear:
    """The world tables with a row per figure."""

    table: Table
    years: tuple[str, ...]
    name: str

    def scan(self) -> pl.LazyFrame:
        named = {"COMMODITY": "Commodity", "COUNTRY": "Country", "TYPE": "Statistics_detail"}
        return (
            self.table.scan()
            .unpivot(
                list(self.years), index=list(_WIDE), variable_name="_column", value_name="Value"
            )
            .rename(named | {"UNIT_MEAS": "Unit"})
            .with_columns(
                Section=pl.lit("World"),
                Statistics=pl.lit("Production"),
                Year=pl.col("_column").str.extract(r"(\d{4})"),
                Notes=pl.when(pl.col("_column").str.contains("EST")).then(pl.lit("Estimated.")),
            )
        )

    def place(self, row: int) -> str:
        return f"figure {row + 1}, year by year"

    def explain(self, error: Exception) -> str:
        return self.table.explain(error)


def _read(table: Table) -> Sifted:
    years = tuple(name for name in table.columns if _YEAR_COLUMN.match(name))
    if years:
        table.require(_WIDE, "the world tables of the Mineral Commodity Summaries")
    else:
        table.require(_LONG, "a data release of the Mineral Commodity Summaries")
    rows: Rows = _ByYear(table, years, table.name) if years else table
    figure, name = fields.text("Value").fill_null(""), pl.col("Country")

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        unit = fields.text("Unit").str.to_lowercase().replace_strict(production.TONS, default=None)
        plain = figure.str.replace_all(",", "").cast(pl.Float64, strict=False)
        return scan.with_columns(
            mineral=fields.text("Commodity"),
            detail=fields.text("Statistics_detail").str.replace(r",?\s*estimated\s*$", ""),
            country=production.country(name),
            year=fields.text("Year").cast(pl.Int16, strict=False),
            unit=unit,
            tons=pl.when(figure.is_in(_ZERO)).then(0.0).otherwise(plain) * unit,
            estimated=fields.text("Notes").str.contains("(?i)estimated").fill_null(value=False)
            | fields.text("Statistics_detail").str.contains("(?i)estimated"),
        )

    rules = [
        Rule("not world production", ~fields.text("Section").str.starts_with("World")),
        Rule("not world production", fields.text("Statistics") != "Production"),
        Rule("total or rest of the world", production.is_no_country(name)),
        Rule("several countries", pl.col("country").is_null() & name.str.contains(r"\sand\s")),
        Rule("unit is no weight", pl.col("unit").is_null()),
        *(Rule(text, figure.is_in(signs)) for text, signs in _NOT_FIGURES.items()),
        Rule("a bound, not a figure", figure.str.contains("^[<>]")),
        Rule("is no country of ours", pl.col("country").is_null(), "Country"),
        Rule("is not a year", pl.col("year").is_null(), "Year"),
        Rule("is not a figure", ~pl.col("tons").is_finite().fill_null(value=False), "Value"),
        Rule("is negative", pl.col("tons") < 0, "Value"),
    ]
    return sift(rows, prepare, rules, production.COLUMNS, step=table.file, weight=None)
