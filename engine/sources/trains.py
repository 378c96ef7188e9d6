"""Tariffs of all countries from UNCTAD TRAINS, as the World Bank's WITS delivers them.

Two layouts: the bulk download (``Reporter_ISO_N``, a file per reporter, year and kind of rate) and
the answer to an advanced query (``DutyType``, all kinds in one file). Rates are per cent, simple
averages over the tariff lines of a six-digit code.

Terms: https://wits.worldbank.org (free registration; no redistribution of the data).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import fields, files
from tradewedge.sources.beneficiaries import members, spread
from tradewedge.sources.comtrade import EDITIONS
from tradewedge.sources.files import Table
from tradewedge.sources.tally import Rule, Sifted, collect, sift
from tradewedge.sources.tariffs import ANY, Tariffs, download

_EU: Final = {"918": "EU27", "97": "EU27", "097": "EU27"}
_WORLD: Final = ("000", "0", "")
_KIND: Final = re.compile(r"(?<![A-Z])(AHS|MFN|PRF|BND)(?![A-Z])", re.IGNORECASE)
#: Kinds of rate, the one that counts first.
KINDS: Final = ("AHS", "PRF", "MFN")
_READ: Final = ("year", "product", "exporter", "importer", "kind", "rate")


@dataclass(frozen=True)
class _Layout:
    """Names of the columns of one layout; ``kind`` "" where only the file's name tells it."""

    reporter: str
    year: str
    product: str
    edition: str
    rate: str
    kind: str
    partner: str
    lines: str
    other_lines: str


_LAYOUTS: Final = (
    _Layout(
        reporter="Reporter_ISO_N",
        year="Year",
        product="ProductCode",
        edition="NomenCode",
        rate="SimpleAverage",
        kind="",
        partner="Partner",
        lines="TotalNoOfLines",
        other_lines="Nbr_NA_Lines",
    ),
    _Layout(
        reporter="Reporter",
        year="Tariff Year",
        product="Product",
        edition="Selected Nomen",
        rate="Simple Average",
        kind="DutyType",
        partner="Partner",
        lines="",
        other_lines="",
    ),
)


@dataclass(frozen=True)
class Options:
    """What the user may say about WITS files.

    Attributes
    ----------
    vintage : str or None
        HS edition to read, where files hold several or do not tell.
    beneficiaries : str or None
        Path of a table of the countries behind groups' codes: group, country. Preferences of
        groups that it does not name are dropped with a count.
    """

    vintage: str | None = None
    beneficiaries: str | None = None


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Tariffs:
    """Read TRAINS.

    Parameters
    ----------
    path : str or Path
        A csv, or a zip or folder of several.
    years : sequence of int, optional
        One; default: the year of the files, if it is one.
    options : Options

    Raises
    ------
    DataError
        If a file has neither layout, or at a row that cannot be what it claims.
    ConfigError
        For a year that is not there, or several HS editions.
    """
    with files.opened(path, r"\.csv$", lossy=True) as tables:
        vintage = check_vintage(options.vintage) if options.vintage else _vintage(tables, str(path))
        groups = {} if options.beneficiaries is None else members(options.beneficiaries)
        done = [
            spread(_read(table, vintage, years, tuple(groups)), groups, table.file)
            for table in tables
        ]
    return download(done, str(path), years, vintage, KINDS, "UNCTAD TRAINS, through WITS,")


def _layout(table: Table) -> _Layout:
    for layout in _LAYOUTS:
        if layout.reporter in table.columns and layout.rate in table.columns:
            return layout
    table.require([_LAYOUTS[0].reporter, _LAYOUTS[0].rate], "a tariff download of WITS")
    raise AssertionError


def _vintage(tables: Sequence[Table], where: str) -> str:
    found: set[str] = set()
    for table in tables:
        names = table.scan().select(fields.text(_layout(table).edition)).unique()
        found |= {
            EDITIONS[name] for (name,) in collect([names], table)[0].rows() if name in EDITIONS
        }
    if len(found) != 1:
        listed = f"holds {', '.join(sorted(found))}" if found else "names no HS edition"
        raise ConfigError(f"{where} {listed}: name one, as vintage=HS2017")
    return found.pop()


def _read(table: Table, vintage: str, years: Sequence[int] | None, groups: Sequence[str]) -> Sifted:
    at = _layout(table)
    table.require([at.year, at.product, at.edition], "a tariff download of WITS")
    told = _KIND.search(table.file)
    if not at.kind and told is None:
        raise DataError(
            f"{table.name}: its name does not say which rates it holds; keep AHS, MFN or PRF in it"
        )
    kind = fields.text(at.kind) if at.kind else pl.lit(told[1] if told else "")
    has_partner = at.partner in table.columns
    place = fields.text(at.partner).fill_null("") if has_partner else pl.lit("000")
    every = place.is_in(_WORLD)

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        partner = fields.country(place.str.strip_chars_start("0"), "m49", _EU).cast(pl.String)
        group = pl.when(place.is_in(list(groups))).then(place)
        return scan.with_columns(
            year=fields.text(at.year).cast(pl.Int16, strict=False),
            product=fields.product(at.product).cast(fields.product_type(vintage), strict=False),
            exporter=pl.when(every).then(pl.lit(ANY)).otherwise(pl.coalesce(group, partner)),
            importer=fields.country(fields.text(at.reporter), "m49", _EU).cast(pl.String),
            kind=kind.str.to_uppercase(),
            rate=fields.number(at.rate) / 100,
        )

    editions = [name for name, edition in EDITIONS.items() if edition == vintage]
    counted = {at.lines, at.other_lines} <= set(table.columns)
    odd = fields.number(at.other_lines) >= fields.number(at.lines)
    rules = [
        Rule("is not a year", pl.col("year").is_null(), at.year),
        *([] if years is None else [Rule("another year", ~pl.col("year").is_in(list(years)))]),
        Rule(f"not in {vintage}", ~fields.text(at.edition).is_in(editions)),
        Rule("bound rates", pl.col("kind") == "BND"),
        Rule("is no kind of rate", ~pl.col("kind").is_in(KINDS), at.kind or at.reporter),
        *fields.product_rules(at.product, "product", vintage),
        *([Rule("no ad valorem line among the code's", odd)] if counted else []),
        Rule("is no country of ours", pl.col("importer").is_null(), at.reporter),
        Rule("partner is a group, members not named", pl.col("exporter").is_null()),
        *fields.number_rules(at.rate, "rate"),
    ]
    notes = [fields.zero_restored(at.product)]
    return sift(table, prepare, rules, _READ, step=table.file, notes=notes, weight=None)
