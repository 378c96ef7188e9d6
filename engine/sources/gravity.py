"""CEPII Gravity: what estimations of trade need, by pair of countries and year, 1948 on.

Columns read, where the file has them: exporter, importer, year, distance_km, contiguous,
common_language, colony, agreement (a regional trade agreement is in force), gdp_exporter and
gdp_importer (thousand USD, current).

Source: Conte, M., Cotterlaz, P. and Mayer, T. (2022), The CEPII Gravity Database, CEPII Working
Paper 2022-05. Licence: Etalab Open Licence 2.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.sources import fields, files
from tradewedge.sources.facts import Facts, facts, of_years
from tradewedge.sources.files import Table
from tradewedge.sources.tally import Rule, Sifted, sift

#: Names in the releases since 2020 and in older ones, and ours.
_NUMBERS: Final = {
    "distance_km": ("dist", "distw_harmonic", "distw"),
    "contiguous": ("contig",),
    "common_language": ("comlang_off",),
    "colony": ("col_dep_ever", "colony", "comcol"),
    "agreement": ("fta_wto", "rta", "fta_wto_raw"),
    "gdp_exporter": ("gdp_o",),
    "gdp_importer": ("gdp_d",),
}
_ENDS: Final = {"exporter": ("iso3_o", "iso_o"), "importer": ("iso3_d", "iso_d")}
_EXISTS: Final = ("country_exists_o", "country_exists_d")


@dataclass(frozen=True)
class Options:
    """Nothing to say."""


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Facts:  # noqa: ARG001
    """Read the database, as csv or Parquet, all years or some."""
    with files.opened(path, r"^gravity.*\.(csv|parquet)$") as tables:
        done = [_read(table, years) for table in tables]
    made = facts(done, ["year", "exporter", "importer"], str(path), "CEPII Gravity")
    return Facts(of_years(made.frame, years, str(path)), made.audit, made.title)


def _read(table: Table, years: Sequence[int] | None) -> Sifted:
    held = {
        name: next((raw for raw in names if raw in table.columns), None)
        for name, names in (_ENDS | _NUMBERS).items()
    }
    table.require(
        ["year", *(_ENDS[end][0] for end in _ENDS if held[end] is None)], "CEPII's Gravity database"
    )
    numbers = {name: str(held[name]) for name in _NUMBERS if held[name]}
    ends = {end: str(held[end]) for end in _ENDS}

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        return scan.rename({"year": "_year"}).with_columns(
            year=fields.text("_year").cast(pl.Int16, strict=False),
            **{end: fields.country(fields.text(raw), "iso3") for end, raw in ends.items()},
            **{name: fields.number(raw) for name, raw in numbers.items()},
        )

    gone = [fields.text(name) == "0" for name in _EXISTS if name in table.columns]
    rules = [
        Rule("is not a year", pl.col("year").is_null(), "_year", name="year"),
        *([] if years is None else [Rule("another year", ~pl.col("year").is_in(list(years)))]),
        *([Rule("a country did not exist that year", pl.any_horizontal(gone))] if gone else []),
        fields.no_group(*ends),
        *(Rule("is no country of ours", pl.col(end).is_null(), raw) for end, raw in ends.items()),
        *(
            rule
            for name, raw in numbers.items()
            for rule in fields.number_rules(raw, name, needed=False)
        ),
    ]
    columns = ["year", *_ENDS, *numbers]
    return sift(table, prepare, rules, columns, step=table.file, weight=None)
