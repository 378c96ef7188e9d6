"""Build ``data/us_imports``: US imports for consumption in 2024, by HS6 product and partner.

    python -m tradewedge.data.build.us_imports SHARED_DIR [OUTPUT_DIR]

Prints an audit whose rows, values and duties add up to those of the source file.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.data.build.us_home_share import home_share
from tradewedge.errors import DataError

HERE: Final = Path(__file__).resolve().parent.parent / "us_imports"
YEAR: Final = 2024
VINTAGE: Final = "HS2022"
AUTHORITY: Final = f"calculated duty {YEAR}"
EU: Final = {"0003": "EU27"}
SOURCE: Final = {
    "cty_code": pl.String,
    "cty_name": pl.String,
    "hs10": pl.String,
    "customs_value_usd": pl.Float64,
    "calculated_duty_usd": pl.Float64,
}


def read_census(path: Path) -> pl.DataFrame:
    """Read the Census table, one row per partner and HS10 line; bad rows are errors."""
    frame = pl.read_parquet(path)
    if dict(frame.schema) != SOURCE:
        raise DataError(f"{path}: columns must be {SOURCE}, found {dict(frame.schema)}")
    bad = frame.with_row_index("row").filter(
        ~pl.col("hs10").str.contains(r"^\d{10}$")
        | (pl.col("customs_value_usd") < 0)
        | (pl.col("calculated_duty_usd") < 0)
        | ((pl.col("customs_value_usd") == 0) & (pl.col("calculated_duty_usd") > 0))
        | pl.any_horizontal(pl.all().is_null())
        | pl.struct("cty_code", "hs10").is_duplicated()
    )
    if bad.height:
        raise DataError(f"{path}: cannot interpret row {bad['row'][0]}: {bad.row(0)}")
    return frame


def sort_out(census: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Say of every row why it is left out (column ``reason``), or "kept".

    Parameters
    ----------
    census : DataFrame
        As :func:`read_census` gives it.
    known : Series
        The HS6 codes of the vintage.
    """
    chapter = pl.col("hs10").str.head(2)
    return census.with_columns(
        product=pl.col("hs10").str.head(6),
        reason=pl.when(pl.col("cty_code") == "4359")
        .then(pl.lit("dropped: Slovakia, inside the EU partner as well"))
        .when(chapter.is_in(["98", "99"]))
        .then(pl.lit("dropped: chapters 98 and 99, special provisions"))
        .when(~pl.col("hs10").str.head(6).is_in(known.implode()))
        .then(pl.lit("dropped: line withheld by Census, heading only"))
        .when(pl.col("customs_value_usd") == 0)
        .then(pl.lit("dropped: value 0"))
        .otherwise(pl.lit("kept")),
    )


def trade(kept: pl.DataFrame, census_codes: Mapping[str, str]) -> pl.DataFrame:
    """Add the kept rows up to product and exporter: value and duty in USD."""
    return (
        kept.group_by("product", exporter=pl.col("cty_code").replace_strict(census_codes))
        .agg(
            value_usd=pl.col("customs_value_usd").sum(),
            duty_usd=pl.col("calculated_duty_usd").sum(),
        )
        .sort("product", "exporter")
    )


def flows(table: pl.DataFrame) -> pl.DataFrame:
    """The tidy flows: thousand USD, no quantities."""
    return table.select(
        "product",
        "exporter",
        importer=pl.lit("USA"),
        value=pl.col("value_usd") / 1000,
        quantity=pl.lit(None, dtype=pl.Float64),
    )


def tariffs(table: pl.DataFrame) -> pl.DataFrame:
    """The effective rate where any duty was charged; every other pair paid none."""
    return table.filter(pl.col("duty_usd") > 0).select(
        "product",
        "exporter",
        importer=pl.lit("USA"),
        rate=pl.col("duty_usd") / pl.col("value_usd"),
        authority=pl.lit(AUTHORITY),
    )


def products(table: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Product, its HS2022 text, and critical: null, not assessed here."""
    return (
        table.select("product")
        .unique()
        .join(texts, on="product", how="left")
        .select("product", "text", critical=pl.lit(None, dtype=pl.Boolean))
        .sort("product")
    )


def audit(sorted_out: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """What was read and what became of it: step, reason, rows, value_usd, duty_usd.

    Raises
    ------
    DataError
        If the parts do not add up to the whole.
    """
    sums = [
        pl.len().cast(pl.Int64).alias("rows"),
        pl.col("customs_value_usd").sum().alias("value_usd"),
        pl.col("calculated_duty_usd").sum().alias("duty_usd"),
    ]
    read = sorted_out.select(pl.lit("read").alias("reason"), *sums)
    parts = sorted_out.group_by("reason").agg(sums).sort("value_usd")
    grouped = table.select(
        pl.lit("product and partner").alias("reason"),
        pl.len().cast(pl.Int64).alias("rows"),
        pl.col("value_usd").sum(),
        pl.col("duty_usd").sum(),
    )
    for column in ("rows", "value_usd", "duty_usd"):
        kept = parts.filter(pl.col("reason") == "kept")[column][0]
        if parts[column].sum() != read[column][0] or (
            column != "rows" and grouped[column][0] != kept
        ):
            raise DataError(f"the audit of {column} does not add up")
    return pl.concat(
        [
            frame.select(pl.lit(step).alias("step"), pl.all())
            for step, frame in (("lines", read), ("lines", parts), ("flows", grouped))
        ]
    )


def build(shared: Path, census_codes: Mapping[str, str]) -> dict[str, pl.DataFrame]:
    """Every table of the world by file stem."""
    texts = (
        pl.read_csv(
            shared / "data/hs_nomenclature/hs6_descriptions_all_vintages.csv.gz",
            infer_schema=False,
        )
        .filter(pl.col("vintage") == VINTAGE.removeprefix("HS"))
        .select(product="code", text="desc")
    )
    sorted_out = sort_out(
        read_census(
            shared
            / "data/us_imports_2024_hs10/us_imports_for_consumption_2024_by_country_hs10.parquet"
        ),
        texts["product"],
    )
    table = trade(sorted_out.filter(pl.col("reason") == "kept"), census_codes)
    named = products(table, texts)
    return {
        f"flows_{YEAR}": flows(table),
        f"tariffs_{YEAR}": tariffs(table),
        "products": named,
        "home_share": home_share(named["product"], shared),
        "audit": audit(sorted_out, table),
    }


def census_to_iso3() -> dict[str, str]:
    """Census Schedule C codes to ISO3; the European Union is one partner."""
    known = codes.countries().select("census", "iso3").drop_nulls()
    return {str(code): iso3 for code, iso3 in known.iter_rows()} | EU


def main() -> None:
    """Build the world and print the audit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, help="folder that holds data/us_imports_2024_hs10")
    parser.add_argument("output", type=Path, nargs="?", default=HERE)
    arguments = parser.parse_args()
    tables = build(arguments.shared, census_to_iso3())
    arguments.output.mkdir(parents=True, exist_ok=True)
    for stem, frame in tables.items():
        frame.write_parquet(
            arguments.output / f"{stem}.parquet", compression="zstd", compression_level=19
        )
    report(tables)


def report(tables: Mapping[str, pl.DataFrame]) -> None:
    """Print rows, values and duties, exact."""
    for step, reason, rows, value, duty in tables["audit"].iter_rows():
        print(f"{step:6} {reason:50} {rows:9,} rows {value:22,.0f} USD {duty:17,.0f} USD duty")
    flow = tables[f"flows_{YEAR}"]
    rated = tables[f"tariffs_{YEAR}"]
    highest = rated.select(pl.col("rate").max()).item()
    print(
        f"{flow['product'].n_unique():,} products, {flow['exporter'].n_unique()} partners, "
        f"{flow.height:,} flows, {rated.height:,} with duty, highest rate {highest:.4f}"
    )
    print("home share by ICIO sector:")
    weight = flow.group_by("product").agg(pl.col("value").sum())
    sectors = (
        tables["home_share"]
        .with_columns(sector=pl.col("source").str.extract(r"sector (.*?) \("))
        .join(weight, on="product")
        .group_by("sector")
        .agg(
            pl.col("home_share").first(),
            pl.len().alias("products"),
            (pl.col("value").sum() / 1e6).alias("imports_busd"),
        )
        .sort("sector")
    )
    for sector, share, count, value in sectors.iter_rows():
        print(f"  {sector:22} {share:.4f} {count:6,} products {value:8.1f} bn USD imports")


if __name__ == "__main__":
    main()
