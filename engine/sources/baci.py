"""CEPII BACI: reconciled trade between all countries, HS6, 1995 on.

Each file is a year of one HS edition; releases ship one zip per edition with all its years and
the dictionaries of countries and products. Values are thousand USD fob, quantities metric tons.

Source: Gaulier, G. and Zignago, S. (2010), BACI: International Trade Database at the
Product-Level, CEPII Working Paper 2010-23. Licence: Etalab Open Licence 2.0.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import fields, files
from tradewedge.sources.files import Table, TextTable
from tradewedge.sources.tally import Rule, Sifted, sift
from tradewedge.sources.trade import FLOWS, Trade, gather, pick_years

LAYOUT: Final = "a BACI file, whose columns are t,i,j,k,v,q (before 2018: t,hs6,i,j,v,q)"
#: BACI_HS22_Y2023_V202501.csv, and baci92_2010.csv of the releases before 2018.
_FILE: Final = re.compile(r"^BACI_?(?:HS)?(\d\d)_Y?(\d{4})(?:_V(\w+))?", re.IGNORECASE)
_COUNTRIES: Final = r"^country_codes?_.*\.csv$"
#: Code and ISO3 columns of the country dictionary, by generation.
_DICTIONARIES: Final = (
    ("country_code", "country_iso3"),
    ("country_code", "iso_3digit_alpha"),
    ("i", "iso3"),
)


@dataclass(frozen=True)
class Options:
    """What the user may say about BACI files.

    Attributes
    ----------
    vintage : str or None
        HS edition of the codes, where the file's name does not tell it.
    """

    vintage: str | None = None


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Trade:
    """Read BACI.

    Parameters
    ----------
    path : str or Path
        A csv, the same as ``.gz``, CEPII's zip, or a folder.
    years : sequence of int, optional
        Default: the year of the file, if it is one.
    options : Options

    Raises
    ------
    DataError
        If a file is damaged or no BACI file, or at a row that cannot be what it claims.
    ConfigError
        For years that are not there.
    """
    found = [match for name in files.names(path) if (match := _FILE.match(name))]
    vintage = _vintage(path, {match[1] for match in found}, options)
    held = {int(match[2]) for match in found}
    if held:
        wanted: tuple[int, ...] | None = pick_years(years, held, str(path))
        member = rf"_Y?({'|'.join(map(str, wanted or ()))})(_V\w+)?\.csv$|{_COUNTRIES}"
    else:
        wanted, member = None if years is None else tuple(years), r"\.csv$"
    with files.opened(path, member) as tables:
        dictionaries = [t for t in tables if re.match(_COUNTRIES, t.file)]
        more = _dictionary(dictionaries[0]) if dictionaries else {}
        parts = [_read_year(t, vintage, more, wanted) for t in tables if t not in dictionaries]
    flows, audit = gather(parts, str(path), years)
    release = next((match[3] for match in found if match[3]), None)
    return Trade(
        flows=flows,
        audit=audit,
        vintage=vintage,
        title=f"CEPII BACI {vintage}" + (f", release {release}" if release else ""),
        notes=(
            "CEPII BACI reconciles what exporters and importers report; values are fob. It has no "
            "domestic sales and no tariffs.",
        ),
    )


def _vintage(path: str | Path, told: set[str], options: Options) -> str:
    if options.vintage is not None:
        return check_vintage(options.vintage)
    files.check_there(Path(path))
    if len(told) != 1:
        problem = f"holds HS editions {', '.join(sorted(told))}" if told else "does not say"
        raise ConfigError(
            f"{path}: its name {problem} which HS edition its codes are of: name one, as "
            "source.vintage=HS2022"
        )
    digits = next(iter(told))
    return check_vintage(("19" if int(digits) > 80 else "20") + digits)


def _dictionary(table: Table) -> dict[str, str]:
    """The country file of a release: code to ISO3, for codes newer than our own table."""
    for code, iso3 in _DICTIONARIES:
        if {code, iso3} <= set(table.columns):
            break
    else:
        raise DataError(
            f"{table.name}, line 1: no columns country_code and country_iso3; the header is "
            f"{', '.join(table.columns)}"
        )
    known = dict(codes.crosswalk("iso3").select("code", "iso3").iter_rows())
    # Names of countries are in other encodings now and then; codes are plain.
    plain = replace(table, lossy=True) if isinstance(table, TextTable) else table
    rows = plain.scan().select(fields.text(code), fields.text(iso3)).drop_nulls().collect()
    return {number: known[text] for number, text in rows.iter_rows() if text in known}


def _read_year(
    table: Table, vintage: str, more: Mapping[str, str], years: Sequence[int] | None
) -> Sifted:
    """One file."""
    k = "hs6" if "hs6" in table.columns else "k"
    table.require(["t", "i", "j", k, "v", "q"], LAYOUT)

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        return scan.with_columns(
            year=fields.text("t").cast(pl.Int16, strict=False),
            product=fields.product(k).cast(fields.product_type(vintage), strict=False),
            exporter=fields.country(fields.text("i"), "baci", more),
            importer=fields.country(fields.text("j"), "baci", more),
            value=fields.number("v"),
            quantity=fields.number("q"),
        )

    def quick(scan: pl.LazyFrame) -> pl.LazyFrame:
        tons = fields.text("q")
        read = scan.with_columns(
            year=pl.col("t").cast(pl.Int16, strict=False),
            product=pl.col(k).cast(fields.product_type(vintage), strict=False),
            exporter=fields.country(pl.col("i"), "baci", more),
            importer=fields.country(pl.col("j"), "baci", more),
            value=pl.col("v").cast(pl.Float64, strict=False),
            quantity=tons.cast(pl.Float64, strict=False),
        )
        value, quantity = pl.col("value"), pl.col("quantity")
        sure = [
            pl.col("year").is_in(list(years)) if years else pl.col("year").is_not_null(),
            pl.col("product").is_not_null(),
            pl.col("exporter") != pl.col("importer"),  # null where either is
            (value > 0) & value.is_finite(),
            ((quantity >= 0) & quantity.is_finite()) | (tons == "NA"),
        ]
        return read.with_columns(sure=pl.all_horizontal(sure).fill_null(value=False))

    unknown = "Take the csv from CEPII's zip with its country_codes file, or correct the code"
    rules = [
        Rule("is not a year", pl.col("year").is_null(), "t"),
        *([] if years is None else [Rule("another year", ~pl.col("year").is_in(list(years)))]),
        *fields.product_rules(k, "product", vintage),
        Rule("is no country of BACI", pl.col("exporter").is_null(), "i", unknown),
        Rule("is no country of BACI", pl.col("importer").is_null(), "j", unknown),
        *fields.number_rules("v", "value"),
        *fields.number_rules("q", "quantity", needed=False),
        Rule("exporter is importer", pl.col("exporter") == pl.col("importer")),
        Rule("value 0", pl.col("value") == 0),
    ]
    notes = [fields.zero_restored(k)]
    return sift(table, prepare, rules, FLOWS, step=table.file, notes=notes, quick=quick)
