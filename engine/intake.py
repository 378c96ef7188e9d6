"""Tidy tables in, checked and indexed rows out: the first half of building a world."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge import codes, keys, tidy
from tradewedge.duty import Duty
from tradewedge.errors import DataError, SuspiciousRateWarning

KEY = ["product", "exporter", "importer"]
AUDIT_SCHEMA = {
    "step": pl.String,
    "reason": pl.String,
    "rows": pl.Int64,
    "value": pl.Float64,
}
#: From here on an ad valorem rate is more likely a percentage than a fraction: the highest in force
#: anywhere are a few hundred percent.
SUSPICIOUS_RATE = 5.0
#: Peaks above 1 are real. Where this share of all rates that are not 0 lies above 1, or the mean
#: over trade does, the column is more likely one of percentages.
_MANY = 0.1


@dataclass(frozen=True, eq=False)
class FlowIndex:
    """Codes of a flow table and the index of each row into them."""

    products: tuple[str, ...]
    countries: tuple[str, ...]
    product: NDArray[np.int64]
    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FlowTable:
    """Checked flows, sorted by key, and what became of the rows that were read.

    The keys of ``frame`` are Enums of the codes in use, sorted.
    """

    frame: pl.DataFrame
    audit: pl.DataFrame


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
    parts = [_flow_columns(tidy.collect(flows, "flows"), "flows", KEY)]
    if home_sales is not None:
        table = tidy.collect(home_sales, "home_sales")
        home = _flow_columns(table, "home_sales", ["product", "country"])
        parts.append(home.rename({"country": "exporter"}).with_columns(importer="exporter"))
    read = _rows_and_value(parts)
    zero_tons = sum(int((part["quantity"] == 0).sum()) for part in parts)
    parts = [_traded(part) for part in parts]
    kept = _rows_and_value(parts)
    if kept[0] == 0:
        raise DataError("flows: no row with a positive value")
    where = "flows" if home_sales is None else "flows and home_sales"
    frame = _sorted(parts, where)
    index = index_flows(frame)
    tidy.check_countries(index.countries, aggregates, where)
    tidy.check_aggregates(index.countries, aggregates)
    if vintage is not None:
        tidy.check_products(index.products, vintage)
    home_rows = frame.filter(pl.Series(index.exporter == index.importer))
    audit = audit_rows(
        [
            ("flows", "read", *read),
            ("flows", "dropped: value 0", read[0] - kept[0], 0.0),
            ("flows", "kept", *kept),
            ("flows", "of these domestic sales", *_rows_and_value([home_rows])),
            ("flows", "quantity 0 read as not reported", zero_tons, None),
            ("flows", "quantity not reported", frame["quantity"].null_count(), None),
        ]
    )
    return FlowTable(frame, audit)


def _rows_and_value(parts: Sequence[pl.DataFrame]) -> tuple[int, float]:
    return sum(part.height for part in parts), float(sum(part["value"].sum() for part in parts))


def _traded(part: pl.DataFrame) -> pl.DataFrame:
    """Rows with a value; tons of 0 are not reported."""
    quantity = pl.col("quantity")
    tons = pl.when(quantity > 0).then(quantity)
    return part.filter(pl.col("value") > 0).with_columns(quantity=tons)


def _sorted(parts: Sequence[pl.DataFrame], where: str) -> pl.DataFrame:
    """One table in the order of its keys, which are unique."""
    goods = keys.encode([part["product"] for part in parts])
    places = keys.encode([part[end] for end in ("exporter", "importer") for part in parts])
    product = np.concatenate(goods.columns)
    exporter = np.concatenate(places.columns[: len(parts)])
    importer = np.concatenate(places.columns[len(parts) :])
    n = len(places.codes)
    rows, key = keys.order([(product, len(goods.codes)), (exporter, n), (importer, n)])
    value, quantity = (
        np.concatenate([column(part, name) for part in parts]) for name in ("value", "quantity")
    )
    frame = pl.DataFrame(
        {
            "product": keys.column(goods.codes, product[rows]),
            "exporter": keys.column(places.codes, exporter[rows]),
            "importer": keys.column(places.codes, importer[rows]),
            "value": value[rows],
            "quantity": pl.Series(quantity[rows], nan_to_null=True),
        }
    )
    if (key[1:] == key[:-1]).any():
        tidy.reject_duplicates(frame, KEY, where)
    return frame


def index_flows(frame: pl.DataFrame) -> FlowIndex:
    """The keys of a :class:`FlowTable` as integers."""
    products, countries = (keys.categories(frame[key]) for key in KEY[:2])
    return FlowIndex(products, countries, *(keys.numbers(frame[key]) for key in KEY))


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
    checks = {**tidy.key_checks(frame, [*KEY, "authority"]), **_rate_checks()}
    tidy.check_rows(frame, "tariffs", KEY, checks)
    tidy.reject_duplicates(frame, [*KEY, "authority"], "tariffs")
    named = {*frame["exporter"].unique(), *frame["importer"].unique()}
    tidy.check_countries(named, aggregates, "tariffs")
    rows = flows.select(*KEY, "value").with_row_index("row")
    same = [pl.col(key).cast(flows.schema[key], strict=False) for key in KEY]
    matched = frame.with_columns(same).join(rows, on=KEY, how="inner").sort("row")
    _check_total(matched)
    traded = flows["value"].sum()
    warn_suspicious(frame, matched.select(pl.col("rate").dot("value")).item() / traded)
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


def warn_suspicious(frame: pl.DataFrame, mean: float = 0.0) -> None:
    """Warn about rates that look like percentages.

    Parameters
    ----------
    frame : DataFrame
        With the column rate beside the keys.
    mean : float
        Of the rates, weighted by trade.
    """
    rate = pl.col("rate")
    high = frame.filter(rate > 1)
    many = high.height >= _MANY * frame.filter(rate != 0).height
    if high.is_empty() or not (many or mean > 1 or (high["rate"] >= SUSPICIOUS_RATE).any()):
        return
    rows = high.sort("rate", *KEY, descending=[True, False, False, False]).head(3)
    some = ", ".join(f"{row['rate']:g} at {tidy.key_text(row, KEY)}" for row in rows.to_dicts())
    warnings.warn(
        f"tariffs: {high.height:,} of {frame.height:,} rate(s) are above 1, which is 100 %, such "
        f"as {some}; their mean over trade is {mean:.3g}. Rates are fractions, 25 % is 0.25",
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
    tidy.check_rows(
        table, "home_share", ["product"], {**tidy.key_checks(table, ["product"]), **bad}
    )
    tidy.reject_duplicates(table, ["product"], "home_share")
    shares = dict(table.select("product", "home_share").iter_rows())
    return np.array([shares.get(p, np.nan) for p in products], dtype=np.float64)


def column(frame: pl.DataFrame, name: str) -> NDArray[np.float64]:
    """A numeric column as float64, NaN where null."""
    return frame[name].cast(pl.Float64).fill_null(float("nan")).rechunk().to_numpy()


def _flow_columns(frame: pl.DataFrame, where: str, names: list[str]) -> pl.DataFrame:
    """Keys as text, value and quantity as float64; every one checked."""
    if "quantity" not in frame.columns:
        frame = frame.with_columns(quantity=pl.lit(None, dtype=pl.Float64))
    frame = tidy.typed(frame, where, names, ["value", "quantity"])
    value, quantity = pl.col("value"), pl.col("quantity")
    checks = {
        "value is missing": value.is_null() | value.is_nan(),
        "value is negative": value < 0,
        "value is infinite": value.is_infinite(),
        "quantity is negative": quantity < 0,
        "quantity is not a number": quantity.is_nan() | quantity.is_infinite(),
    }
    tidy.check_rows(frame, where, names, {**tidy.key_checks(frame, names), **checks})
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
