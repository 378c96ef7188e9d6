"""Tidy tables in, checked and indexed rows out: the first half of building a world."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge import codes
from tradewedge.duty import Duty
from tradewedge.errors import DataError, SuspiciousRateWarning

KEY = ["product", "exporter", "importer"]
AUDIT_SCHEMA = {
    "step": pl.String,
    "reason": pl.String,
    "rows": pl.Int64,
    "value": pl.Float64,
}
#: Above this, an ad valorem rate is more likely a percentage than a fraction: the highest ad
#: valorem rates in force anywhere are a few hundred percent.
SUSPICIOUS_RATE = 5.0


@dataclass(frozen=True, eq=False)
class FlowTable:
    """Checked flows, sorted by key, and what became of the rows that were read."""

    frame: pl.DataFrame
    audit: pl.DataFrame


@dataclass(frozen=True, eq=False)
class FlowIndex:
    """Codes of a flow table and the index of each row into them."""

    products: tuple[str, ...]
    countries: tuple[str, ...]
    product: NDArray[np.int64]
    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]


def empty_audit() -> pl.DataFrame:
    """An audit table without rows."""
    return pl.DataFrame(schema=AUDIT_SCHEMA)


def audit_rows(rows: Sequence[tuple[str, str, int, float | None]]) -> pl.DataFrame:
    """An audit table from (step, reason, rows, value)."""
    return pl.DataFrame(list(rows), schema=AUDIT_SCHEMA, orient="row")


def read_flows(
    flows: pl.DataFrame | pl.LazyFrame,
    home_sales: pl.DataFrame | pl.LazyFrame | None,
    aggregates: Mapping[str, Sequence[str]],
    vintage: str | None,
) -> FlowTable:
    """Check trade and domestic sales and put them into one sorted table.

    Raises
    ------
    DataError
        As described in :meth:`tradewedge.World.from_flows`.
    """
    frame = _flow_columns(flows.lazy().collect(), "flows", KEY)
    if home_sales is not None:
        home = _flow_columns(home_sales.lazy().collect(), "home_sales", ["product", "country"])
        home = home.select(
            "product", exporter="country", importer="country", value="value", quantity="quantity"
        )
        frame = pl.concat([frame, home])
    read = (frame.height, float(frame["value"].sum()))
    frame = frame.filter(pl.col("value") > 0).sort(KEY)
    if frame.is_empty():
        raise DataError("flows: no row with a positive value")
    _reject_duplicates(frame, KEY, "flows and home_sales" if home_sales is not None else "flows")
    _check_codes(frame, aggregates, vintage)
    zero_tons = int((frame["quantity"] == 0).sum())
    frame = frame.with_columns(
        quantity=pl.when(pl.col("quantity") > 0).then(pl.col("quantity")).otherwise(None)
    ).rechunk()
    home_rows = frame.filter(pl.col("exporter") == pl.col("importer"))
    audit = audit_rows(
        [
            ("flows", "read", *read),
            ("flows", "dropped: value 0", read[0] - frame.height, 0.0),
            ("flows", "kept", frame.height, float(frame["value"].sum())),
            ("flows", "of these domestic sales", home_rows.height, float(home_rows["value"].sum())),
            ("flows", "quantity 0 read as not reported", zero_tons, None),
            ("flows", "quantity not reported", frame["quantity"].null_count(), None),
        ]
    )
    return FlowTable(frame, audit)


def index_flows(frame: pl.DataFrame) -> FlowIndex:
    """Index the keys of a sorted flow table."""
    products = frame["product"].unique().sort()
    countries = pl.concat([frame["exporter"], frame["importer"]]).unique().sort()
    places = {"product": products, "exporter": countries, "importer": countries}
    rows = {
        key: frame[key].cast(pl.Enum(names)).to_physical().cast(pl.Int64).rechunk().to_numpy()
        for key, names in places.items()
    }
    return FlowIndex(
        tuple(products), tuple(countries), rows["product"], rows["exporter"], rows["importer"]
    )


def read_tariffs(
    tariffs: pl.DataFrame | pl.LazyFrame | None, flows: pl.DataFrame
) -> tuple[tuple[Duty, ...], pl.DataFrame | None]:
    """Align tariff rows with flow rows, one :class:`Duty` per authority.

    Rates on pairs that do not trade are counted and left out: they touch no flow.

    Raises
    ------
    DataError
        For missing columns, duplicate keys, or rates that are missing or not above -1.
    """
    if tariffs is None:
        return (), None
    frame = tariffs.lazy().collect()
    _require(frame, [*KEY, "rate"], "tariffs")
    if "authority" not in frame.columns:
        frame = frame.with_columns(authority=pl.lit("tariff"))
    frame = frame.select(*(pl.col(c).cast(pl.String) for c in [*KEY, "authority"]), "rate")
    _reject_duplicates(frame, [*KEY, "authority"], "tariffs")
    rate = frame["rate"].cast(pl.Float64)
    bad = frame.filter(rate.is_null() | rate.is_nan() | rate.is_infinite() | (rate <= -1))
    if not bad.is_empty():
        raise DataError(
            f"tariffs: {bad.height} rate(s) missing or not above -1, first at "
            f"{_key_text(bad.row(0, named=True), KEY)}"
        )
    warn_suspicious(frame.with_columns(rate=rate))
    rows = flows.select(KEY).with_row_index("row")
    matched = frame.with_columns(rate=rate).join(rows, on=KEY, how="inner").sort("row")
    duties = tuple(
        Duty(
            str(name),
            part["row"].cast(pl.Int64).rechunk().to_numpy(),
            part["rate"].rechunk().to_numpy(),
        )
        for (name,), part in sorted(
            matched.partition_by("authority", as_dict=True, maintain_order=True).items()
        )
    )
    audit = audit_rows(
        [
            ("tariffs", "read", frame.height, None),
            ("tariffs", "left out: no trade on the pair", frame.height - matched.height, None),
            ("tariffs", "kept", matched.height, None),
        ]
    )
    return duties, audit


def warn_suspicious(frame: pl.DataFrame) -> None:
    """Warn about rates that look like percentages."""
    high = frame.filter(pl.col("rate") >= SUSPICIOUS_RATE)
    if not high.is_empty():
        first = high.row(0, named=True)
        warnings.warn(
            f"tariffs: {high.height} rate(s) of {SUSPICIOUS_RATE:g} or more, such as "
            f"{first['rate']:g} at {_key_text(first, KEY)}: rates are fractions, 25 % is 0.25",
            SuspiciousRateWarning,
            stacklevel=2,
        )


def known_tariffs(
    tariffs: pl.DataFrame | pl.LazyFrame | None,
    importers: Sequence[str] | str | None,
    countries: Sequence[str],
) -> frozenset[str] | None:
    """Importers whose baseline tariffs are known; None means all."""
    if isinstance(importers, str):
        if importers != "*":
            raise DataError(f'tariff_importers: a list of codes or "*", not {importers!r}')
        return None
    if importers is None:
        if tariffs is None:
            return frozenset()
        return frozenset(tariffs.lazy().select("importer").unique().collect()["importer"])
    unknown = set(importers) - set(countries)
    if unknown:
        raise DataError(f"tariff_importers: no importer {', '.join(sorted(unknown))} in the flows")
    return frozenset(importers)


def check_observed(index: FlowIndex, observed: Sequence[str]) -> None:
    """Reject flows to importers that the world claims not to observe."""
    seen = {index.countries[j] for j in np.unique(index.importer)}
    extra = sorted(seen - set(observed))
    if extra:
        raise DataError(
            f"observed_importers is {', '.join(observed)}, but the flows also have importer "
            f"{', '.join(extra[:5])}"
        )


def read_home_share(table: pl.DataFrame, products: Sequence[str]) -> NDArray[np.float64]:
    """Home share per product, NaN where the table has none."""
    _require(table, ["product", "home_share"], "home_share")
    bad = table.filter(~pl.col("home_share").is_between(0, 1) | pl.col("home_share").is_null())
    if not bad.is_empty():
        raise DataError(f"home_share: not between 0 and 1 for product {bad['product'][0]}")
    shares = dict(table.select("product", "home_share").iter_rows())
    return np.array([shares.get(p, np.nan) for p in products], dtype=np.float64)


def column(frame: pl.DataFrame, name: str) -> NDArray[np.float64]:
    """A numeric column as float64, NaN where null."""
    return frame[name].cast(pl.Float64).fill_null(float("nan")).rechunk().to_numpy()


def _flow_columns(frame: pl.DataFrame, where: str, keys: list[str]) -> pl.DataFrame:
    """Keys as strings, value and quantity as float64; every number checked."""
    _require(frame, [*keys, "value"], where)
    if "quantity" not in frame.columns:
        frame = frame.with_columns(quantity=pl.lit(None, dtype=pl.Float64))
    for key in keys:
        if frame.schema[key] not in (pl.String, pl.Categorical) and not isinstance(
            frame.schema[key], pl.Enum
        ):
            raise DataError(
                f"{where}: column {key!r} is {frame.schema[key]}, but codes are strings "
                '("010121", not 10121)'
            )
    try:
        frame = frame.select(
            *(pl.col(key).cast(pl.String) for key in keys),
            *(pl.col(name).cast(pl.Float64) for name in ("value", "quantity")),
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{where}: value and quantity must be numbers: {error}") from error
    value, quantity = pl.col("value"), pl.col("quantity")
    checks = {
        "a key is missing": pl.any_horizontal(
            pl.col(k).is_null() | (pl.col(k) == "") for k in keys
        ),
        "value is missing": value.is_null() | value.is_nan(),
        "value is negative": value < 0,
        "value is infinite": value.is_infinite(),
        "quantity is negative": quantity < 0,
        "quantity is not a number": quantity.is_nan() | quantity.is_infinite(),
    }
    for text, bad in checks.items():
        rows = frame.with_row_index("line").filter(bad)
        if not rows.is_empty():
            first = rows.row(0, named=True)
            raise DataError(
                f"{where}: {text} in {rows.height} row(s), first in row {first['line']} "
                f"({_key_text(first, keys)}, value {first['value']}, quantity {first['quantity']})"
            )
    return frame


def _require(frame: pl.DataFrame, columns: Sequence[str], where: str) -> None:
    for name in columns:
        if name not in frame.columns:
            near = codes.nearest(name, frame.columns)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise DataError(
                f"{where}: no column {name!r} (there are: {', '.join(frame.columns)}){hint}"
            )


def _reject_duplicates(frame: pl.DataFrame, keys: list[str], where: str) -> None:
    twice = frame.filter(frame.select(keys).is_duplicated())
    if not twice.is_empty():
        raise DataError(
            f"{where}: {twice.height} rows share their key ({', '.join(keys)}) with another, "
            f"such as {_key_text(twice.row(0, named=True), keys)}: add them up or remove one"
        )


def _check_codes(
    frame: pl.DataFrame, aggregates: Mapping[str, Sequence[str]], vintage: str | None
) -> None:
    table = codes.countries()
    known = set(table["iso3"]) | set(aggregates)
    seen = pl.concat([frame["exporter"], frame["importer"]]).unique().sort()
    for code in seen:
        if code not in known:
            near = codes.nearest(code, sorted(known))
            raise DataError(
                f"flows: unknown country {code!r}; nearest: {', '.join(near) or 'none'}. Use ISO3 "
                "codes (tw.codes.countries()), or declare it in aggregates="
            )
    overlaps = {member: code for code, members in aggregates.items() for member in members}
    present = set(seen)
    inside = sorted(m for m, code in overlaps.items() if m in present and code in present)
    if inside:
        raise DataError(
            f"flows: {', '.join(inside[:5])} also stand inside aggregate {overlaps[inside[0]]}: "
            "drop them, or they count twice"
        )
    if vintage is not None:
        allowed = set(codes.products(vintage)["product"])
        wrong = [p for p in frame["product"].unique().sort() if p not in allowed]
        if wrong:
            near = codes.nearest(wrong[0], sorted(allowed))
            raise DataError(
                f"flows: {len(wrong)} product code(s) not in {vintage}, such as {wrong[0]!r}; "
                f"nearest: {', '.join(near) or 'none'}. Pass the right vintage=, or none to skip "
                "the check"
            )


def _key_text(row: Mapping[str, object], keys: Sequence[str]) -> str:
    return " ".join(f"{key}={row[key]}" for key in keys)
