"""CEPII GeoDist: distances and ties between pairs of countries, and within them.

Columns read: exporter, importer, distance_km (between the largest cities), distance_weighted_km (by
population), contiguous, common_language (official), colony (0 or 1, ever).

Source: Mayer, T. and Zignago, S. (2011), Notes on CEPII's distances measures, CEPII Working Paper
2011-25. Codes are of 2011; those of countries since renamed are translated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.sources import fields, files
from tradewedge.sources.facts import Facts, facts
from tradewedge.sources.files import Table
from tradewedge.sources.tally import Rule, Sifted, sift

_FLAGS: Final = {"contig": "contiguous", "comlang_off": "common_language", "colony": "colony"}
_COLUMNS: Final = (
    "exporter",
    "importer",
    "distance_km",
    "distance_weighted_km",
    *_FLAGS.values(),
)


@dataclass(frozen=True)
class Options:
    """Nothing to say."""


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Facts:  # noqa: ARG001
    """Read dist_cepii, as csv or Parquet; distances hold for every year."""
    with files.opened(path, r"dist.*\.(csv|parquet)$") as tables:
        done = [_read(table) for table in tables]
    return facts(done, ["exporter", "importer"], str(path), "CEPII GeoDist")


def _read(table: Table) -> Sifted:
    table.require(["iso_o", "iso_d", "dist", "distw", *_FLAGS], "CEPII's dist_cepii")

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        return scan.with_columns(
            exporter=fields.country(fields.text("iso_o"), "iso3"),
            importer=fields.country(fields.text("iso_d"), "iso3"),
            distance_km=fields.number("dist"),
            distance_weighted_km=fields.number("distw"),
            **{name: fields.number(raw) for raw, name in _FLAGS.items()},
        )

    # A dot stands for what is not known.
    absent = fields.text("distw").is_in([*fields.NOT_REPORTED, "."])
    rules = [
        fields.no_group("exporter", "importer"),
        Rule("is no country of ours", pl.col("exporter").is_null(), "iso_o"),
        Rule("is no country of ours", pl.col("importer").is_null(), "iso_d"),
        *fields.number_rules("dist", "distance_km"),
        Rule("is not a number", pl.col("distance_weighted_km").is_null() & ~absent, "distw"),
        *(
            Rule(
                "is neither 0 nor 1", ~pl.col(name).is_in([0.0, 1.0]) | pl.col(name).is_null(), raw
            )
            for raw, name in _FLAGS.items()
        ),
    ]
    return sift(table, prepare, rules, _COLUMNS, step=table.file, weight=None)
