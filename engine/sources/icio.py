"""OECD Inter-Country Input-Output tables: trade between sectors and countries, home sales included.

Two layouts: the official csv of a year (a square of country_sector rows by country_sector and
final-demand columns, million USD at basic prices) and a long table of it (exporter, importer,
sector, trade_musd). What a country's sector sells to all sectors and final users of a country is
one flow; tariffs that a long table may hold are not read.

Source: https://www.oecd.org/sti/ind/inter-country-input-output-tables.htm. OECD terms, attribution.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import fields, files
from tradewedge.sources.files import Table
from tradewedge.sources.tally import Rule, Sifted, audit_frame, collect, sift
from tradewedge.sources.trade import FLOWS, Trade, gather, without_union

_LONG: Final = ("exporter", "importer", "sector", "trade_musd")
_YEAR: Final = re.compile(r"(?<!\d)(19|20)\d\d(?!\d)")
#: Columns and rows of the square that are no sales.
_SUMS: Final = ("OUT", "OUTPUT", "TOTAL")
_NO_SALES: Final = ("TLS", "TAXSUB", "VA", "VALU", *_SUMS)
#: Parts of a country in extended tables, and the country.
_PARTS: Final = {"CN1": "CHN", "CN2": "CHN", "MX1": "MEX", "MX2": "MEX"}


@dataclass(frozen=True)
class Options:
    """Nothing to say."""


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Trade:  # noqa: ARG001
    """Read a table; arguments and errors as in :func:`tradewedge.sources.baci.read`.

    Products are sectors, so the world has no HS edition.
    """
    with files.opened(path, r"\.(csv|parquet)$") as tables:
        parts = [
            _long(table, years) if set(_LONG) & set(table.columns) else (_square(table, years), {})
            for table in tables
        ]
    flows, audit = gather([done for done, _ in parts], str(path), years)
    return Trade(
        flows=flows,
        audit=audit,
        vintage=None,
        title="OECD ICIO",
        notes=(
            "Sectors of the OECD inter-country input-output tables, at basic prices: domestic "
            "sales are complete, quantities are not reported.",
        ),
        aggregates={name: members for _, held in parts for name, members in held.items()},
    )


def _year(table: Table, years: Sequence[int] | None) -> int:
    found = _YEAR.search(table.file)
    if found:
        return int(found[0])
    if years is not None and len(years) == 1:
        return years[0]
    raise ConfigError(f"{table.name}: its name tells no year; say it, as years=[2022]")


def _long(table: Table, years: Sequence[int] | None) -> tuple[Sifted, dict[str, tuple[str, ...]]]:
    """Flows, and the aggregates among the partners."""
    table.require(_LONG, "a long table of the ICIO")
    year = _year(table, years)

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        return scan.with_columns(
            year=pl.lit(year, pl.Int16),
            product=fields.text("sector"),
            # Beside their raw fields, which rules speak of.
            seller=fields.country(fields.text("exporter"), "iso3"),
            buyer=fields.country(fields.text("importer"), "iso3"),
            value=fields.number("trade_musd") * 1000,
            quantity=pl.lit(None, pl.Float64),
        )

    rules = [
        *([] if years is None else [Rule("another year", ~pl.col("year").is_in(list(years)))]),
        Rule("is missing", pl.col("product").is_null(), "sector"),
        Rule("total of all sectors", fields.text("sector").str.to_uppercase().is_in(_SUMS)),
        fields.no_world("seller", "buyer"),
        Rule("is no country of ours", pl.col("seller").is_null(), "exporter"),
        Rule("is no country of ours", pl.col("buyer").is_null(), "importer"),
        *fields.number_rules("trade_musd", "value"),
        Rule("value 0", pl.col("value") == 0),
    ]
    columns = ["year", "product", "seller", "buyer", "value", "quantity"]
    done = sift(table, prepare, rules, columns, step=table.file)
    named = Sifted(done.frame.rename({"seller": "exporter", "buyer": "importer"}), done.audit)
    return without_union(named, table.file)


def _square(table: Table, years: Sequence[int] | None) -> Sifted:
    """The official layout: rows and columns are sums of country and sector, or of final use."""
    label, *columns = table.columns
    places = _places(columns, table)
    year = _year(table, years)
    (rows,) = collect([table.scan()], table)
    sellers = rows[label].str.strip_chars()
    if sellers.is_duplicated().any():
        raise DataError(f"{table.name}: row {sellers.filter(sellers.is_duplicated())[0]!r} twice")
    sums: dict[str, list[str]] = {}
    for column, (country, _) in places.items():
        sums.setdefault(country, []).append(column)
    numbers = rows.select(pl.col(list(places)).str.strip_chars().cast(pl.Float64, strict=False))
    bad = [name for name in numbers.columns if numbers[name].null_count()]
    if bad:
        row = numbers[bad[0]].is_null().arg_true()[0]
        raise DataError(
            f"{table.name}, {table.place(row)}: column {bad[0]} is not a number: "
            f"{rows[bad[0]][row]!r}"
        )
    kept = {
        index: place
        for index, name in enumerate(sellers)
        if (place := _place(name, table)) is not None
    }
    read = float(sum(numbers[name].sum() for name in numbers.columns)) * 1000
    square = numbers[list(kept)]
    long = pl.concat(
        pl.DataFrame(
            {
                "product": [sector for _, sector in kept.values()],
                "exporter": [country for country, _ in kept.values()],
                "importer": [buyer] * len(kept),
                "value": square.select(pl.sum_horizontal(names) * 1000).to_series(),
            }
        )
        for buyer, names in sums.items()
    )
    together = long.group_by("product", "exporter", "importer").agg(pl.col("value").sum())
    below = together.filter(pl.col("value") < 0)
    flows = together.filter(pl.col("value") > 0).select(
        pl.lit(year, pl.Int16).alias("year"),
        "product",
        pl.col("exporter", "importer").cast(fields.country_type()),
        "value",
        pl.lit(None, pl.Float64).alias("quantity"),
    )
    return Sifted(
        flows.select(FLOWS),
        _audit(table, read, long, together, below, flows, (len(sellers), len(kept))),
    )


def _audit(
    table: Table,
    read: float,
    long: pl.DataFrame,
    together: pl.DataFrame,
    below: pl.DataFrame,
    flows: pl.DataFrame,
    rows: tuple[int, int],
) -> pl.DataFrame:
    step, sales = table.file, float(long["value"].sum())
    zero = together.height - below.height - flows.height
    return audit_frame(
        [
            (f"{step}: rows", "read", rows[0], read),
            (
                f"{step}: rows",
                "dropped: taxes, value added and output",
                rows[0] - rows[1],
                read - sales,
            ),
            (f"{step}: rows", "kept", rows[1], sales),
            (step, "read", together.height, sales),
            (
                step,
                "dropped: negative sales (changes of stocks)",
                below.height,
                float(below["value"].sum()),
            ),
            (step, "dropped: value 0", zero, 0.0),
            (step, "kept", flows.height, float(flows["value"].sum())),
        ]
    )


def _places(columns: Sequence[str], table: Table) -> Mapping[str, tuple[str, str]]:
    """Column -> the country that buys and its sector or final use; sums are left out."""
    found = {column: _place(column, table) for column in columns if column}
    places = {column: place for column, place in found.items() if place is not None}
    if len(places) < 2:
        table.require(["exporter"], "an ICIO table: a square of COUNTRY_SECTOR, or a long table")
    return places


def _place(name: str, table: Table) -> tuple[str, str] | None:
    """Country and sector of a row or column; None for taxes, value added and sums."""
    country, _, rest = name.partition("_")
    if not rest:
        if country.upper() in _NO_SALES:
            return None
        raise DataError(f"{table.name}: {name!r} is neither COUNTRY_SECTOR nor a known sum")
    if country.upper() in _NO_SALES:
        return None
    known = _PARTS.get(country, country)
    if known not in set(codes.countries()["iso3"]):
        near = codes.nearest(known, codes.countries()["iso3"])
        raise DataError(f"{table.name}: unknown country {country!r} in {name!r}; nearest: {near}")
    return known, rest
