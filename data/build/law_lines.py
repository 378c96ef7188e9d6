"""HTS lines with their ordinary rates, and what importers bought and claimed on them."""

from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.policy.law.ratetext import read_rate

#: Census lists the European Union as one partner and Slovakia once more beside it.
_EUROPEAN_UNION: Final = "0003"
_TWICE: Final = "4359"


def hts(shared: Path) -> pl.DataFrame:
    """The printed schedule: code (digits only), text and the three rate columns."""
    table = pl.read_csv(
        shared / "data/us_tariffs/hts_2025_basic_edition.csv.gz", infer_schema=False
    )
    return table.select(
        code=pl.col(table.columns[0]).str.replace_all(".", "", literal=True).fill_null(""),
        general=pl.col("General Rate of Duty").fill_null("").str.strip_chars(),
        special=pl.col("Special Rate of Duty").fill_null("").str.replace_all(r"\s+", " "),
        column_2=pl.col("Column 2 Rate of Duty").fill_null("").str.strip_chars(),
    )


def rate_lines(schedule: pl.DataFrame) -> pl.DataFrame:
    """Every eight-digit line outside chapters 98 and 99 with its rates, read and as printed."""
    lines = (
        schedule.filter(
            (pl.col("general") != "") & ~pl.col("code").str.slice(0, 2).is_in(["98", "99"])
        )
        .with_columns(hs8=pl.col("code").str.slice(0, 8))
        .unique("hs8", keep="first", maintain_order=True)
        .sort("hs8")
    )
    read = {name: [read_rate(text) for text in lines[name]] for name in ("general", "column_2")}
    parts = [
        pl.Series(f"{name}_{ending}", [getattr(rate, field) for rate in rates])
        for name, rates in read.items()
        for field, ending in (
            ("ad_valorem", "rate"),
            ("usd_per_kg", "usd_per_kg"),
            ("complete", "read"),
        )
    ]
    return lines.select("hs8", "general", "special", "column_2").with_columns(parts)


def statistical_lines(schedule: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """Every ten-digit line of the schedule that has a rate; a line without is its own."""
    ten = schedule.filter(pl.col("code").str.len_chars() == 10)["code"].unique()
    known = ten.filter(ten.str.slice(0, 8).is_in(rates["hs8"].implode()))
    bare = rates["hs8"].filter(~rates["hs8"].is_in(known.str.slice(0, 8).implode()))
    return pl.DataFrame({"hs10": pl.concat([known, bare + "00"])}).unique().sort("hs10")


def imports(shared: Path) -> pl.DataFrame:
    """US imports of 2024: hs10, partner (ISO3 or EU27), value and duty in USD."""
    census = dict(codes.crosswalk("census").select("code", "iso3").iter_rows())
    census[_EUROPEAN_UNION] = "EU27"
    return (
        pl.read_parquet(
            shared
            / "data/us_imports_2024_hs10/us_imports_for_consumption_2024_by_country_hs10.parquet"
        )
        .filter(pl.col("cty_code") != _TWICE)
        .select(
            "hs10",
            partner=pl.col("cty_code").replace_strict(census),
            value_usd="customs_value_usd",
            duty_usd="calculated_duty_usd",
        )
        .sort("hs10", "partner")
    )


def weights(bought: pl.DataFrame) -> pl.DataFrame:
    """Import values in whole thousand USD; cells below one thousand count as one."""
    return bought.filter(pl.col("value_usd") > 0).select(
        "hs10",
        "partner",
        value=(pl.col("value_usd") / 1000).round().clip(1).cast(pl.UInt32),
    )


def usmca_shares(shared: Path) -> pl.DataFrame:
    """Share of each line that entered under USMCA in 2025: hs10, partner, share."""
    census = {"1220": "CAN", "2010": "MEX"}
    return (
        pl.read_csv(shared / "data/us_tariffs/usmca_product_shares_2025.csv.gz", infer_schema=False)
        .select(
            hs10="hts10",
            partner=pl.col("cty_code").replace_strict(census),
            share=pl.col("usmca_share").cast(pl.Float32).round(4),
        )
        .filter(pl.col("share") > 0)
        .sort("hs10", "partner")
    )


def preference_shares(shared: Path) -> pl.DataFrame:
    """Share of a chapter's dutiable imports that entered free: chapter, partner, share."""
    census = dict(codes.crosswalk("census").select("code", "iso3").iter_rows())
    return (
        pl.read_csv(shared / "data/us_tariffs/mfn_exemption_shares.csv.gz", infer_schema=False)
        .select(
            chapter="hs2",
            partner=pl.col("cty_code").replace_strict(census, default=None),
            share=pl.col("exemption_share").cast(pl.Float32).round(4),
        )
        .filter(pl.col("partner").is_not_null() & (pl.col("share") > 0))
        .sort("chapter", "partner")
    )
