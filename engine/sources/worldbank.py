"""World Bank: gross domestic product (NY.GDP.MKTP.CD), current USD, by country and year.

Two layouts: the bank's own csv or zip (a column per year, a title above the header) and the long
table (Country Code, Year, Value) that others make of it. Columns read: country, year, gdp (thousand
USD). Groups of countries in it are dropped with a count.

Source: https://data.worldbank.org/indicator/NY.GDP.MKTP.CD. Licence: CC BY 4.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.errors import DataError
from tradewedge.sources import fields, files
from tradewedge.sources.facts import Facts, facts, of_years
from tradewedge.sources.files import Table
from tradewedge.sources.tally import Rule, Sifted, sift

INDICATOR: Final = "NY.GDP.MKTP.CD"
_CODE: Final = "Country Code"
_COLUMNS: Final = ("country", "year", "gdp")


@dataclass(frozen=True)
class Options:
    """Nothing to say."""


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Facts:  # noqa: ARG001
    """Read GDP, all years or some."""
    with files.opened(path, r"^(API|world_bank|gdp).*\.csv$", header=_CODE) as tables:
        done = [_read(table) for table in tables]
    made = facts(done, ["country", "year"], str(path), "World Bank, GDP in current USD")
    return Facts(of_years(made.frame, years, str(path)), made.audit, made.title)


@dataclass(frozen=True, eq=False)
class _Unpivoted:
    """A table with a column per year, seen as one with a row per year."""

    table: Table
    years: tuple[str, ...]
    name: str
    columns: tuple[str, ...] = (_CODE, "Indicator Code", "Year", "Value")

    def scan(self) -> pl.LazyFrame:
        index = [name for name in self.columns[:2] if name in self.table.columns]
        return self.table.scan().unpivot(
            list(self.years), index=index, variable_name="Year", value_name="Value"
        )

    def place(self, row: int) -> str:
        return f"value {row + 1}, year by year"

    def explain(self, error: Exception) -> str:
        return self.table.explain(error)


def _read(table: Table) -> Sifted:
    table.require([_CODE], "the World Bank's GDP")
    years = tuple(name for name in table.columns if name.isdigit() and len(name) == 4)
    seen: Table | _Unpivoted = _Unpivoted(table, years, table.name) if years else table
    if not years:
        table.require(["Year", "Value"], "the World Bank's GDP")
    indicators = "Indicator Code" in table.columns

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        return scan.with_columns(
            country=fields.country(fields.text(_CODE), "iso3"),
            year=fields.text("Year").cast(pl.Int16, strict=False),
            gdp=fields.number("Value") / 1000,
        )

    alone = codes.countries().filter(pl.col("kind") == "country")["iso3"]
    known = pl.col("country").cast(pl.String).is_in(alone.implode())
    other = [Rule("another indicator", fields.text("Indicator Code") != INDICATOR)]
    rules = [
        *(other if indicators else []),
        Rule("group of countries, or none of ours", ~known.fill_null(value=False)),
        Rule("is not a year", pl.col("year").is_null(), "Year"),
        Rule(
            "not reported",
            fields.text("Value").is_in(fields.NOT_REPORTED) | pl.col("Value").is_null(),
        ),
        *fields.number_rules("Value", "gdp"),
    ]
    done = sift(seen, prepare, rules, _COLUMNS, step=table.file, weight=None)
    if done.frame.is_empty() and indicators:
        raise DataError(f"{table.name}: holds no {INDICATOR}")
    return done
