"""CEPII BACI, HS1992: the raw-material and processed-mineral codes of two years."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.errors import DataError

YEARS: Final = (2022, 2023)

#: What stays out, and why: together 83 % of the value and not the subject of this world.
LEFT_OUT: Final = {"27": "mineral fuels (2701 to 2711)", "7108": "gold (7108)"}

#: BACI's dictionary has its own code for what it calls Other Asia, not elsewhere specified.
RENAMED: Final = {"S19": "TWN"}

AUDIT_SCHEMA: Final = {
    "year": pl.Int64,
    "table": pl.String,
    "step": pl.String,
    "reason": pl.String,
    "rows": pl.Int64,
    "value": pl.Float64,
    "quantity": pl.Float64,
}


@dataclass(frozen=True, eq=False)
class Trade:
    """Flows of all years, and what became of every row that was read.

    Attributes
    ----------
    flows : DataFrame
        year, product, exporter, importer, value (thousand USD), quantity (metric tons or null);
        sorted by its keys.
    audit : DataFrame
        year, table, step ("read", "dropped", "kept", "of these"), reason, rows, value, quantity.
    """

    flows: pl.DataFrame
    audit: pl.DataFrame


def countries(shared: Path) -> pl.DataFrame:
    """Return BACI's country codes (code, iso3), Taiwan under its own code."""
    path = shared / "data/baci_hs92_minerals/country_codes_V202401b.csv"
    table = pl.read_csv(path).select(
        code=pl.col("country_code").cast(pl.Int16), iso3=pl.col("country_iso3").replace(RENAMED)
    )
    # One ISO3 has a second BACI code for another period (DEU, SDN, ...): both lead to it.
    return table.unique(subset="code", keep="first").sort("code")


def products(shared: Path) -> pl.DataFrame:
    """Return the kept codes with BACI's texts: product, text."""
    path = shared / "data/baci_hs92_minerals/products_in_subset.csv"
    table = pl.read_csv(path, schema_overrides={"code": pl.String})
    table = table.select(product=pl.col("code").str.zfill(6), text=pl.col("description"))
    return table.filter(~_left_out()).sort("product")


def read(shared: Path, years: Sequence[int] = YEARS) -> Trade:
    """Read the flows of some years.

    Raises
    ------
    DataError
        A country code is unknown, a value is not positive, a key occurs twice, or the rows kept
        and dropped do not add up to those read.
    """
    path = shared / "data/baci_hs92_minerals/trade_2018_2024.parquet"
    codes = countries(shared)
    raw = (
        pl.read_parquet(path)
        .filter(pl.col("t").is_in(years))
        .join(codes.rename({"code": "i", "iso3": "exporter"}), on="i", how="left")
        .join(codes.rename({"code": "j", "iso3": "importer"}), on="j", how="left")
        .select(
            year=pl.col("t").cast(pl.Int64),
            product=pl.col("k").cast(pl.String).str.zfill(6),
            exporter="exporter",
            importer="importer",
            value="v",
            quantity="q",
        )
    )
    _check(raw, path)
    flows = (
        raw.filter(~_left_out())
        .with_columns(pl.when(pl.col("quantity") > 0).then("quantity").alias("quantity"))
        .sort("year", "product", "exporter", "importer")
    )
    return Trade(flows, _audit(raw, flows, years))


def _left_out() -> pl.Expr:
    return pl.any_horizontal(pl.col("product").str.starts_with(prefix) for prefix in LEFT_OUT)


def _check(raw: pl.DataFrame, path: Path) -> None:
    problems = {
        "with a country code that the dictionary lacks": raw.filter(
            pl.col("exporter").is_null() | pl.col("importer").is_null()
        ),
        "without a positive value": raw.filter(pl.col("value").is_null() | (pl.col("value") <= 0)),
        "with the same key as another": raw.filter(
            raw.select("year", "product", "exporter", "importer").is_duplicated()
        ),
        "with the same exporter and importer": raw.filter(pl.col("exporter") == pl.col("importer")),
    }
    for text, rows in problems.items():
        if not rows.is_empty():
            raise DataError(f"{path}: {rows.height} rows {text}, first {rows.row(0)}")


def _audit(raw: pl.DataFrame, flows: pl.DataFrame, years: Sequence[int]) -> pl.DataFrame:
    parts: list[tuple[int, str, str, pl.DataFrame]] = []
    for year in years:
        of_year, kept = (frame.filter(pl.col("year") == year) for frame in (raw, flows))
        parts.append((year, "read", "71 codes of the source", of_year))
        for prefix, reason in LEFT_OUT.items():
            parts.append(
                (year, "dropped", reason, of_year.filter(pl.col("product").str.starts_with(prefix)))
            )
        parts.append((year, "kept", "62 codes", kept))
        missing = kept.filter(pl.col("quantity").is_null())
        zero = of_year.filter(~_left_out() & (pl.col("quantity") == 0))
        parts.append((year, "of these", "quantity not reported", missing))
        parts.append((year, "of these", "quantity 0 read as not reported", zero))
    audit = pl.DataFrame(
        [
            (year, "flows", step, reason, f.height, f["value"].sum(), f["quantity"].sum())
            for year, step, reason, f in parts
        ],
        schema=AUDIT_SCHEMA,
        orient="row",
    )
    for (year,), rows in audit.group_by("year"):
        totals = {
            step: rows.filter(pl.col("step") == step).select("rows", "value").sum().row(0)
            for step in ("read", "dropped", "kept")
        }
        rows_tie = totals["read"][0] == totals["dropped"][0] + totals["kept"][0]
        value_ties = math.isclose(
            totals["read"][1], totals["dropped"][1] + totals["kept"][1], rel_tol=1e-12
        )
        if not (rows_tie and value_ties):
            raise DataError(f"BACI {year}: rows or value kept and dropped do not tie to those read")
    return audit
