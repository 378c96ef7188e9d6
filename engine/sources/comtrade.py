"""UN Comtrade: what each country reports of its imports or exports, from 1962 on.

Two layouts: that of Comtrade Plus (columns like ``reporterCode``; website, API and bulk files) and
that of the site before 2022 (columns like ``Reporter Code``). Values are USD, imports cif and
exports fob, weights kilograms. Nothing is mirrored or reconciled: one side's reports are read.

Terms: https://comtrade.un.org/licenseagreement.html (no redistribution of the data).
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
from tradewedge.sources.tally import Rule, Sifted, collect, sift
from tradewedge.sources.trade import FLOWS, Trade, gather, without_union

#: Comtrade's names of HS editions.
EDITIONS: Final = {
    "H0": "HS1992",
    "H1": "HS1996",
    "H2": "HS2002",
    "H3": "HS2007",
    "H4": "HS2012",
    "H5": "HS2017",
    "H6": "HS2022",
}
_FLOWS: Final = {"imports": ("M", "1", "IMPORT"), "exports": ("X", "2", "EXPORT")}
_WORLD: Final = "0"


@dataclass(frozen=True)
class Layout:
    """Names of the columns of one layout; ``details`` are those that split a total."""

    text: str
    year: str
    reporter: str
    partner: str
    flow: str
    product: str
    value: str
    weight: str
    edition: str
    details: dict[str, tuple[str, ...]]


_LAYOUTS: Final = (
    Layout(
        text="Comtrade Plus",
        year="period",
        reporter="reporterCode",
        partner="partnerCode",
        flow="flowCode",
        product="cmdCode",
        value="primaryValue",
        weight="netWgt",
        edition="classificationCode",
        details={
            "partner2Code": ("0",),
            "customsCode": ("C00",),
            "motCode": ("0",),
            "mosCode": ("0",),
        },
    ),
    Layout(
        text="Comtrade before 2022",
        year="Period",
        reporter="Reporter Code",
        partner="Partner Code",
        flow="Trade Flow Code",
        product="Commodity Code",
        value="Trade Value (US$)",
        weight="Netweight (kg)",
        edition="Classification",
        details={
            "2nd Partner Code": ("0",),
            "Customs Proc. Code": ("C00",),
            "Mode of Transport Code": ("0",),
        },
    ),
)


@dataclass(frozen=True)
class Options:
    """What the user may say about Comtrade files.

    Attributes
    ----------
    side : str
        "imports": importers' reports, cif; "exports": exporters' reports, fob.
    vintage : str or None
        HS edition to read, where a file holds several or does not tell.
    """

    side: str = "imports"
    vintage: str | None = None


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Trade:
    """Read Comtrade; arguments and errors as in :func:`tradewedge.sources.baci.read`."""
    if options.side not in _FLOWS:
        raise ConfigError(f"source.side is imports or exports, not {options.side!r}")
    asked = None if options.vintage is None else check_vintage(options.vintage)
    with files.opened(path, r"\.(csv|txt)$", lossy=True) as tables:
        vintage = asked or _vintage(tables, str(path))
        parts = [_read(table, vintage, options.side, years) for table in tables]
    flows, audit = gather([part for part, _ in parts], str(path), years)
    basis = "importers, cif" if options.side == "imports" else "exporters, fob"
    return Trade(
        flows=flows,
        audit=audit,
        vintage=vintage,
        title=f"UN Comtrade {vintage or ''}, reports of {basis}".replace(" ,", ","),
        notes=(
            f"UN Comtrade as reported by {basis}; not mirrored and not reconciled. Countries that "
            "do not report are missing on that side.",
        ),
        aggregates={name: members for _, held in parts for name, members in held.items()},
    )


def _vintage(tables: Sequence[Table], where: str) -> str | None:
    """The edition of all rows; None where no column tells it."""
    found: dict[str, int] = {}
    for table in tables:
        edition = _layout(table).edition
        if edition in table.columns:
            counts = table.scan().group_by(pl.col(edition).str.strip_chars()).len()
            for name, rows in collect([counts], table)[0].iter_rows():
                if name in EDITIONS:
                    found[EDITIONS[name]] = found.get(EDITIONS[name], 0) + rows
    if len(found) > 1:
        listed = ", ".join(f"{name} ({rows:,} rows)" for name, rows in sorted(found.items()))
        raise ConfigError(
            f"{where} holds several HS editions: {listed}. Name one, as source.vintage="
            f"{max(found, key=found.__getitem__)}; rows of the others are dropped and counted"
        )
    return next(iter(found), None)


def _layout(table: Table) -> Layout:
    for layout in _LAYOUTS:
        if layout.reporter in table.columns:
            return layout
    table.require(
        [_LAYOUTS[0].reporter], "a Comtrade file, of today's layout or of that before 2022"
    )
    raise AssertionError


def _read(
    table: Table, vintage: str | None, side: str, years: Sequence[int] | None
) -> tuple[Sifted, dict[str, tuple[str, ...]]]:
    at = _layout(table)
    table.require([at.year, at.partner, at.flow, at.product, at.value, at.weight], at.text)
    importer, exporter = (
        (at.reporter, at.partner) if side == "imports" else (at.partner, at.reporter)
    )

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        return scan.with_columns(
            year=fields.text(at.year).str.head(4).cast(pl.Int16, strict=False),
            product=fields.product(at.product).cast(fields.product_type(vintage), strict=False),
            exporter=fields.country(fields.text(exporter), "comtrade"),
            importer=fields.country(fields.text(importer), "comtrade"),
            value=fields.number(at.value) / 1000,
            quantity=fields.number(at.weight) / 1000,
        )

    world = pl.any_horizontal(fields.text(c) == _WORLD for c in (at.reporter, at.partner))
    split = [
        ~fields.text(column).is_in(["", *total])
        for column, total in at.details.items()
        if column in table.columns
    ]
    editions = [name for name, edition in EDITIONS.items() if edition == vintage]
    told = at.edition in table.columns and editions
    rules = [
        Rule("is not a year", pl.col("year").is_null(), at.year),
        *([] if years is None else [Rule("another year", ~pl.col("year").is_in(list(years)))]),
        Rule("a month, not the year", fields.text(at.year).str.len_chars() > 4),
        Rule(f"not {side}", ~fields.text(at.flow).str.to_uppercase().is_in(_FLOWS[side])),
        *([Rule(f"not in {vintage}", ~fields.text(at.edition).is_in(editions))] if told else []),
        Rule("partner is the world: a total", world),
        *(
            [
                Rule(
                    "part of a total (transport, procedure, second partner)",
                    pl.any_horizontal(split),
                )
            ]
            if split
            else []
        ),
        *fields.product_rules(at.product, "product", vintage),
        Rule("is no country of Comtrade", pl.col("exporter").is_null(), exporter),
        Rule("is no country of Comtrade", pl.col("importer").is_null(), importer),
        *fields.number_rules(at.value, "value"),
        *fields.number_rules(at.weight, "quantity", needed=False),
        Rule("re-imports: partner is reporter", pl.col("exporter") == pl.col("importer")),
        Rule("value 0", pl.col("value") == 0),
    ]
    notes = [fields.zero_restored(at.product)]
    done = sift(table, prepare, rules, FLOWS, step=table.file, notes=notes)
    return without_union(done, table.file)
