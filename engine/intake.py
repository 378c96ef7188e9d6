"""Tidy tables in, checked and indexed rows out: the first half of building a world."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge import codes, tidy
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
    frame = _flow_columns(tidy.collect(flows, "flows"), "flows", KEY)
    if home_sales is not None:
        table = tidy.collect(home_sales, "home_sales")
        home = _flow_columns(table, "home_sales", ["product", "country"])
        home = home.select(
            "product", exporter="country", importer="country", value="value", quantity="quantity"
        )
        frame = pl.concat([frame, home])
    read = (frame.height, float(frame["value"].sum()))
    frame = frame.filter(pl.col("value") > 0).sort(KEY)
    if frame.is_empty():
        raise DataError("flows: no row with a positive value")
    where = "flows" if home_sales is None else "flows and home_sales"
    tidy.reject_duplicates(frame, KEY, where)
    tidy.check_countries([frame["exporter"], frame["importer"]], aggregates, where)
    tidy.check_aggregates(frame, aggregates)
    if vintage is not None:
        tidy.check_products(frame, vintage)
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
    tariffs: pl.DataFrame | pl.LazyFrame | None,
    flows: pl.DataFrame,
    aggregates: Mapping[str, Sequence[str]],
) -> tuple[tuple[Duty, ...], pl.DataFrame | None]:
    """Align tariff rows with flow rows, one :class:`Duty` per authority.

    Rates on pairs that do not trade are counted and left out: they touch no flow.

    Raises
    ------
    DataError
        For missing columns, unknown countries, duplicate keys, and rates, or totals of several
        authorities, that are missing or not above -1.
    """
    if tariffs is None:
        return (), None
    frame = tidy.collect(tariffs, "tariffs")
    if "authority" not in frame.columns:
        frame = frame.with_columns(authority=pl.lit("tariff"))
    frame = tidy.typed(frame, "tariffs", [*KEY, "authority"], ["rate"])
    checks = {**tidy.key_checks([*KEY, "authority"]), **_rate_checks()}
    tidy.check_rows(frame, "tariffs", KEY, checks)
    tidy.reject_duplicates(frame, [*KEY, "authority"], "tariffs")
    tidy.check_countries([frame["exporter"], frame["importer"]], aggregates, "tariffs")
    warn_suspicious(frame)
    rows = flows.select(KEY).with_row_index("row")
    matched = frame.join(rows, on=KEY, how="inner").sort("row")
    _check_total(matched)
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
            f"{first['rate']:g} at {tidy.key_text(first, KEY)}: rates are fractions, 25 % is 0.25",
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
    mentioned: set[str] = set()
    if tariffs is not None:
        mentioned = set(tariffs.lazy().select("importer").unique().collect()["importer"])
    if importers is None:
        return frozenset(mentioned)
    unknown = sorted(set(importers) - set(countries))
    if unknown:
        near = codes.nearest(unknown[0], countries)
        raise DataError(
            f"tariff_importers: no importer {', '.join(unknown)} in the flows; nearest: "
            f"{', '.join(near) or 'none'}"
        )
    partly = sorted(mentioned - set(importers))
    if partly:
        raise DataError(
            f"tariffs: rates of importer {', '.join(partly[:5])}, whom tariff_importers does not "
            "name: a tariff known in part cannot be told from none. Name them, or drop their rows"
        )
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
    table = tidy.typed(table, "home_share", ["product"], ["home_share"])
    share = pl.col("home_share")
    bad = {"home_share is not between 0 and 1": share.is_null() | ~share.is_between(0, 1)}
    tidy.check_rows(table, "home_share", ["product"], {**tidy.key_checks(["product"]), **bad})
    tidy.reject_duplicates(table, ["product"], "home_share")
    shares = dict(table.select("product", "home_share").iter_rows())
    return np.array([shares.get(p, np.nan) for p in products], dtype=np.float64)


def column(frame: pl.DataFrame, name: str) -> NDArray[np.float64]:
    """A numeric column as float64, NaN where null."""
    return frame[name].cast(pl.Float64).fill_null(float("nan")).rechunk().to_numpy()


def _flow_columns(frame: pl.DataFrame, where: str, keys: list[str]) -> pl.DataFrame:
    """Keys as strings, value and quantity as float64; every number checked."""
    if "quantity" not in frame.columns:
        frame = frame.with_columns(quantity=pl.lit(None, dtype=pl.Float64))
    frame = tidy.typed(frame, where, keys, ["value", "quantity"])
    value, quantity = pl.col("value"), pl.col("quantity")
    checks = {
        "value is missing": value.is_null() | value.is_nan(),
        "value is negative": value < 0,
        "value is infinite": value.is_infinite(),
        "quantity is negative": quantity < 0,
        "quantity is not a number": quantity.is_nan() | quantity.is_infinite(),
    }
    tidy.check_rows(frame, where, keys, {**tidy.key_checks(keys), **checks})
    return frame


def _rate_checks() -> dict[str, pl.Expr]:
    rate = pl.col("rate")
    return {
        "rate is missing": rate.is_null() | rate.is_nan(),
        "rate is infinite": rate.is_infinite(),
        "rate is not above -1": rate <= -1,
    }


def _check_total(matched: pl.DataFrame) -> None:
    """Several authorities together may not take more than everything either."""
    total = matched.group_by(KEY).agg(pl.col("rate").sum()).filter(pl.col("rate") <= -1).sort(KEY)
    if not total.is_empty():
        first = total.row(0, named=True)
        raise DataError(
            f"tariffs: the rates of all authorities sum to {first['rate']:g} at "
            f"{tidy.key_text(first, KEY)}; a total must stay above -1"
        )
