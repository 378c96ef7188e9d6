"""Tariffs by six-digit code from the WTO's statistics portal (stats.wto.org).

A csv of the tariff indicators: simple averages of ad valorem duties, per cent, the one for all
members and the lowest preferential one. Codes are of the HS edition that each member uses.

Terms: https://www.wto.org (attribution).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError
from tradewedge.sources import fields, files
from tradewedge.sources.files import Table
from tradewedge.sources.tally import Rule, Sifted, sift
from tradewedge.sources.tariffs import ANY, Tariffs, download

#: Indicators, the one that counts first, and what they are.
INDICATORS: Final = {
    "HS_P_0070": "lowest preferential, simple average of ad valorem duties",
    "HS_A_0010": "MFN, simple average of ad valorem duties",
}
_CODE, _REPORTER, _PARTNER = (
    "Indicator Code",
    "Reporting Economy ISO3A Code",
    "Partner Economy ISO3A Code",
)
_PRODUCT, _YEAR, _VALUE = "Product/Sector Code", "Year", "Value"
_UNION: Final = ("918", "U918", "EEC", "EU")
_READ: Final = ("year", "product", "exporter", "importer", "kind", "rate")


@dataclass(frozen=True)
class Options:
    """What the user may say about WTO files.

    Attributes
    ----------
    vintage : str or None
        HS edition of the codes, which the file does not tell.
    """

    vintage: str | None = None


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Tariffs:
    """Read WTO tariffs; arguments and errors as in :func:`tradewedge.sources.trains.read`."""
    if options.vintage is None:
        raise ConfigError(f"{path}: WTO files do not say of which HS edition codes are: name it")
    vintage = check_vintage(options.vintage)
    with files.opened(path, r"\.csv$", lossy=True) as tables:
        done = [_read(table, vintage, years) for table in tables]
    return download(done, str(path), years, vintage, tuple(INDICATORS), "WTO tariffs,")


def _read(table: Table, vintage: str, years: Sequence[int] | None) -> Sifted:
    table.require(
        [_CODE, _REPORTER, _PARTNER, _PRODUCT, _YEAR, _VALUE], "a tariff download of stats.wto.org"
    )
    union = "Reporting Economy Code"

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        reporter = fields.country(fields.text(_REPORTER), "iso3").cast(pl.String)
        if union in table.columns:
            is_union = fields.text(union).is_in(_UNION)
            reporter = pl.when(is_union).then(pl.lit("EU27")).otherwise(reporter)
        place = fields.text(_PARTNER).fill_null("")
        partner = fields.country(place, "iso3").cast(pl.String)
        return scan.with_columns(
            year=fields.text(_YEAR).cast(pl.Int16, strict=False),
            product=fields.product(_PRODUCT).cast(fields.product_type(vintage), strict=False),
            exporter=pl.when(place.is_in(["", "WLD"])).then(pl.lit(ANY)).otherwise(partner),
            importer=reporter,
            kind=fields.text(_CODE),
            rate=fields.number(_VALUE) / 100,
        )

    rules = [
        Rule("is not a year", pl.col("year").is_null(), _YEAR),
        *([] if years is None else [Rule("another year", ~pl.col("year").is_in(list(years)))]),
        Rule("another indicator", ~pl.col("kind").is_in(list(INDICATORS))),
        *fields.product_rules(_PRODUCT, "product", vintage),
        Rule("is no country of ours", pl.col("importer").is_null(), _REPORTER),
        Rule("partner is a group, members not named", pl.col("exporter").is_null()),
        Rule("no ad valorem line among the code's", fields.text(_VALUE).is_in(fields.NOT_REPORTED)),
        *fields.number_rules(_VALUE, "rate"),
    ]
    notes = [fields.zero_restored(_PRODUCT)]
    return sift(table, prepare, rules, _READ, step=table.file, notes=notes, weight=None)
