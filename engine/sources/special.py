"""The special column of the US schedule: rates of preference, by programme and by beneficiary.

``Free (A, AU, KR) 2.5% (JP)`` offers each programme a rate. Who may use a programme, and when,
is in ``data/law/by_hand/programmes.csv``.
"""

import re
from datetime import date
from functools import cache
from typing import Final

import polars as pl

from tradewedge.codes.tables import shipped_csv
from tradewedge.sources.dutyrates import read_rate

_OFFER: Final = re.compile(r"([^()]*)\(([^()]*)\)")


def read_special(text: str) -> dict[str, str]:
    """Read a special column: programme code to the text of its rate.

    ``Free (A, AU) 2.5% (JP)`` gives ``{"A": "Free", "AU": "Free", "JP": "2.5%"}``.
    """
    return {
        code.strip(" ."): rate.strip()
        for rate, symbols in _OFFER.findall(text)
        for code in symbols.split(",")
        if code.strip(" .")
    }


@cache
def programmes(on: date | None) -> pl.DataFrame:
    """Who may use which programme on a day; None: of the programmes that have no end.

    Returns
    -------
    DataFrame
        code, exporter.
    """
    table = shipped_csv("law/by_hand", "programmes.csv").with_columns(
        pl.col("start", "end").str.to_date()
    )
    day = pl.lit(on)
    held = (
        pl.col("end").is_null()
        if on is None
        else (pl.col("start") <= day) & (pl.col("end").is_null() | (pl.col("end") >= day))
    )
    return (
        table.filter(held & pl.col("origin").is_not_null())
        .select("code", exporter=pl.col("origin").str.split(" "))
        .explode("exporter")
    )


def preferential(lines: pl.DataFrame, on: date | None) -> pl.DataFrame:
    """Rates of six-digit codes for partners that claim every preference they may.

    Parameters
    ----------
    lines : DataFrame
        As :func:`tradewedge.sources.tariffs.weighed_lines` gives them, with "special", the text.
    on : date or None
        Day whose programmes count.

    Returns
    -------
    DataFrame
        product, exporter, rate, usd_per_kg, lines: how many lines of the code the exporter may
        enter below the general rate. Offers that are no plain rate ("See 9822.05.20") are passed
        over, and lines that are no rate in general stay out of the mean.
    """
    offers = [
        (text, code, rate.ad_valorem, rate.usd_per_kg)
        for text in lines["special"].unique()
        for code, printed in read_special(text).items()
        if not (rate := read_rate(printed)).other
    ]
    read = pl.DataFrame(
        offers,
        schema={"special": pl.String, "code": pl.String, "offer": float, "offer_kg": float},
        orient="row",
    )
    pair = ["line", "exporter"]
    best = (
        lines.filter(~pl.col("odd"))
        .join(read, on="special")
        .join(programmes(on), on="code")
        .sort("offer", "offer_kg", "code")
        .unique(pair, keep="first", maintain_order=True)
        .with_columns(less=pl.col("rate") - pl.col("offer"))
        .with_columns(less_kg=pl.col("usd_per_kg") - pl.col("offer_kg"))
        .filter((pl.col("less") >= 0) & (pl.col("less_kg") >= 0))
        .filter((pl.col("less") > 0) | (pl.col("less_kg") > 0))
    )
    weight = pl.col("weight")
    general = lines.group_by("product").agg(
        rate=(pl.col("rate") * weight).sum(), usd_per_kg=(pl.col("usd_per_kg") * weight).sum()
    )
    return (
        best.group_by("product", "exporter")
        .agg(
            less=(pl.col("less") * weight).sum(),
            less_kg=(pl.col("less_kg") * weight).sum(),
            lines=pl.len().cast(pl.Int64),
        )
        .filter((pl.col("less") > 0) | (pl.col("less_kg") > 0))
        .join(general, on="product")
        .select(
            "product",
            "exporter",
            # Differences of equal numbers are not quite 0.
            rate=(pl.col("rate") - pl.col("less")).clip(0).round(12),
            usd_per_kg=(pl.col("usd_per_kg") - pl.col("less_kg")).clip(0).round(12),
            lines="lines",
        )
        .sort("product", "exporter")
    )
