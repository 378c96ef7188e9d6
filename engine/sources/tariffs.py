"""What every source of tariffs hands over, and how a schedule's lines become six-digit rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources.dutyrates import read_rate
from tradewedge.sources.tally import (
    DROPPED,
    KEPT,
    OF_THESE,
    READ,
    Sifted,
    audit_frame,
    why_nothing,
)
from tradewedge.sources.trade import UNION, pick_years

#: Stands for every partner that has no rate of its own.
ANY: Final = "*"
_MEMBERS: Final = "rates of members of the European Union beside its own: they count before it"
ZERO: Final = "a leading zero of the code put back"
RATES: Final = {
    "product": pl.String,
    "exporter": pl.String,
    "importer": pl.String,
    "rate": pl.Float64,
    "usd_per_kg": pl.Float64,
    "authority": pl.String,
}


@dataclass(frozen=True, eq=False)
class Tariffs:
    """Rates of some importers.

    Attributes
    ----------
    rates : DataFrame
        product, exporter (a partner, or "*" for all that have no row of their own), importer,
        rate (fraction), usd_per_kg (specific part, on the tons of the flow), authority.
    audit : DataFrame
        step, reason, rows, value (null: rates have none).
    vintage : str or None
        HS edition of the products.
    importers : tuple of str
        Those whose rates are held in full.
    title : str
    notes : tuple of str
    """

    rates: pl.DataFrame
    audit: pl.DataFrame
    vintage: str | None
    importers: tuple[str, ...]
    title: str
    notes: tuple[str, ...] = ()


def weighed_lines(lines: pl.DataFrame, weights: pl.DataFrame | None) -> pl.DataFrame:
    """The lines of a schedule with what they charge and what they weigh in their six-digit code.

    Parameters
    ----------
    lines : DataFrame
        line (eight digits or more), text: the rate as printed.
    weights : DataFrame or None
        line, value: lines weigh by it where a code has any; else alike.

    Returns
    -------
    DataFrame
        The columns of ``lines``, and product, rate, usd_per_kg, odd (a charge by piece, litre or
        content, or no charge of its own), weight (0 for odd lines; over the others of a code they
        add up to 1).
    """
    read = [(text, read_rate(text)) for text in lines["text"].unique()]
    meaning = pl.DataFrame(
        [(text, rate.ad_valorem, rate.usd_per_kg, rate.other) for text, rate in read],
        schema={"text": pl.String, "rate": float, "usd_per_kg": float, "odd": pl.Boolean},
        orient="row",
    )
    parsed = lines.join(meaning, on="text").with_columns(product=pl.col("line").str.head(6))
    if weights is None:
        weighed = parsed.with_columns(value=pl.lit(0.0))
    else:
        weighed = parsed.join(weights, on="line", how="left").with_columns(
            pl.col("value").fill_null(0.0)
        )
    plain = (~pl.col("odd")).cast(pl.Float64)
    value = pl.col("value") * plain
    total = value.sum().over("product")
    return weighed.with_columns(
        weight=pl.when(total > 0)
        .then(value / total)
        .when(plain > 0)
        .then(plain / plain.sum().over("product"))
        .otherwise(0.0)
    ).drop("value")


def six_digit_rates(lines: pl.DataFrame) -> pl.DataFrame:
    """Mean rate of each six-digit code over the lines below it that can be a rate.

    Parameters
    ----------
    lines : DataFrame
        As :func:`weighed_lines` gives them.

    Returns
    -------
    DataFrame
        product, rate, usd_per_kg, lines, unread (odd lines, which are not in the mean).
    """
    some = (~pl.col("odd")).any()
    means = [
        pl.when(some).then((pl.col(name) * pl.col("weight")).sum()).alias(name)
        for name in ("rate", "usd_per_kg")
    ]
    return (
        lines.group_by("product")
        .agg(*means, lines=pl.len().cast(pl.Int64), unread=pl.col("odd").sum().cast(pl.Int64))
        .sort("product")
    )


def download(
    parts: Sequence[Sifted],
    where: str,
    years: Sequence[int] | None,
    vintage: str,
    kinds: Sequence[str],
    title: str,
) -> Tariffs:
    """The tariffs of a download of all importers' simple averages: one year, one rate a pair.

    Parameters
    ----------
    parts : sequence of Sifted
        year, product, exporter, importer, kind, rate of each file.
    where, title : str
        What messages call the files, and what the data are called.
    years : sequence of int or None
    vintage : str
    kinds : sequence of str
        As :func:`applied` takes them.

    Raises
    ------
    DataError
        If nothing is left, or a rate is stated twice.
    ConfigError
        For a year that is not there, or several.
    """
    rows, audit = (
        pl.concat(tables)
        for tables in ([part.frame for part in parts], [part.audit for part in parts])
    )
    if rows.is_empty():
        raise DataError(f"{where}: no rate of {vintage} is left of its rows ({why_nothing(audit)})")
    held = pick_years(years, rows["year"].unique(), where)
    if len(held) > 1:
        raise ConfigError(f"{where}: tariffs of one year at a time; say years=[{held[-1]}]")
    rates = applied(rows, kinds)
    reject_twice(rates, where)
    beside = _beside_union(rates)
    return Tariffs(
        rates=rates.select(*RATES),
        audit=pl.concat([audit, audit_frame([(where, _MEMBERS, beside, None)] if beside else [])]),
        vintage=vintage,
        importers=tuple(rates["importer"].unique().sort()),
        title=f"{title} {held[0]}",
        notes=(
            "Tariffs are simple averages of ad valorem lines; specific duties are not in them.",
        ),
    )


def _beside_union(rates: pl.DataFrame) -> int:
    """Rates of members of the European Union beside the union's own."""
    count = 0
    for end in ("exporter", "importer"):
        if UNION in rates[end]:
            count += rates.filter(pl.col(end).is_in(codes.group_members(UNION))).height
    return count


def applied(rows: pl.DataFrame, kinds: Sequence[str]) -> pl.DataFrame:
    """The rate that is applied where several kinds are stated for a pair: the first of ``kinds``.

    Parameters
    ----------
    rows : DataFrame
        product, exporter, importer, kind, rate (fraction).
    kinds : sequence of str
        A preference before the rate for everyone.

    Returns
    -------
    DataFrame
        The columns of :data:`RATES`, under the authority "applied".
    """
    rank = pl.col("kind").replace_strict(list(kinds), list(range(len(kinds))), return_dtype=pl.Int8)
    pair = ["product", "exporter", "importer"]
    return rows.filter(rank == rank.min().over(pair)).select(
        pl.col(pair).cast(pl.String),
        "rate",
        usd_per_kg=pl.lit(0.0),
        authority=pl.lit("applied"),
    )


def line_audit(
    step: str, read: int, dropped: Sequence[tuple[str, int]], restored: int, rates: pl.DataFrame
) -> pl.DataFrame:
    """The audit of a schedule: rows of the file, lines with a rate, and codes without one."""
    kept = read - sum(rows for _, rows in dropped)
    unread = int(rates["unread"].sum() or 0)
    without = rates["rate"].null_count()
    return audit_frame(
        [
            (step, READ, read, None),
            *((step, DROPPED + text, rows, None) for text, rows in dropped if rows),
            (step, KEPT, kept, None),
            *([(step, f"{OF_THESE}{ZERO}", restored, None)] if restored else []),
            (step, f"{OF_THESE}lines not by value or weight, left out of the mean", unread, None),
            (step, "six-digit codes with no rate at all", without, None),
        ]
    )


def first_of_each(lines: pl.DataFrame, where: str) -> pl.DataFrame:
    """One row per line, of rows that repeat it.

    Parameters
    ----------
    lines : DataFrame
        line, text: the rate as printed.
    where : str

    Raises
    ------
    DataError
        If a line has two rates.
    """
    odd = lines.group_by("line").agg(pl.col("text").unique().sort()).sort("line")
    odd = odd.filter(pl.col("text").list.len() > 1)
    if not odd.is_empty():
        line, texts = odd.row(0)
        raise DataError(f"{where}: line {line} has several rates: {', '.join(map(repr, texts))}")
    return lines.unique("line", keep="first", maintain_order=True)


def reject_twice(rates: pl.DataFrame, where: str) -> None:
    """No rate is stated twice.

    Raises
    ------
    DataError
        Naming the first.
    """
    key = ["product", "exporter", "importer", "authority"]
    twice = rates.filter(rates.select(key).is_duplicated())
    if not twice.is_empty():
        named = ", ".join(f"{name} {twice[name][0]}" for name in key)
        raise DataError(f"{where}: {twice.height} rows state the same rate as another: {named}")
