"""World Mining Data (Austrian Federal Ministry of Finance): production of 65 raw materials.

Read from a long table (mineral, iso3, year, production, unit, source_flag; country, the name, if it
is there), into which the ministry's workbooks, a sheet per mineral, are easily brought. Diamonds
and gas are not in tons and are dropped with a count.

Source: https://www.world-mining-data.info. The publisher keeps its own terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.sources import fields, files, production
from tradewedge.sources.facts import Facts, facts, of_years
from tradewedge.sources.files import Table
from tradewedge.sources.tally import Rule, Sifted, sift

_NEEDED: Final = ("mineral", "iso3", "year", "production", "unit", "source_flag")


@dataclass(frozen=True)
class Options:
    """Nothing to say."""


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Facts:  # noqa: ARG001
    """Read production, all years or some; see :mod:`tradewedge.sources.production`."""
    with files.opened(path, r"\.(csv|parquet)$") as tables:
        done = [_read(table) for table in tables]
    made = facts(done, production.KEYS, str(path), "World Mining Data")
    return Facts(of_years(made.frame, years, str(path)), made.audit, made.title)


def _read(table: Table) -> Sifted:
    table.require(_NEEDED, "a long table of World Mining Data")

    named = "country" in table.columns

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        raw = {name: f"_{name}" for name in ("mineral", "year", *(["country"] if named else []))}
        unit = fields.text("unit").replace_strict(production.TONS, default=None)
        code = fields.country(fields.text("iso3"), "iso3").cast(pl.String)
        # Names are right where codes are not: French Guiana has Guyana's in some releases.
        name = [production.country(pl.col("_country"))] if named else []
        return scan.rename(raw).with_columns(
            mineral=fields.text("_mineral"),
            detail=pl.lit("production"),
            country=pl.coalesce(*name, code),
            year=fields.text("_year").cast(pl.Int16, strict=False),
            factor=unit,
            tons=fields.number("production") * unit,
            estimated=fields.text("source_flag") == "e",
        )

    rules = [
        Rule("unit is no weight", pl.col("factor").is_null()),
        Rule("total of the world", fields.text("iso3").is_in(["", "WLD", "TOTAL"])),
        fields.no_group("country"),
        Rule("is no country of ours", pl.col("country").is_null(), "iso3"),
        Rule("is not a year", pl.col("year").is_null(), "_year", name="year"),
        Rule("not reported", pl.col("production").is_null()),
        *fields.number_rules("production", "tons"),
    ]
    return sift(table, prepare, rules, production.COLUMNS, step=table.file, weight=None)
