"""Build ``data/minerals``: 62 ore, raw-material and processed-mineral codes, 2022 and 2023.

Run as ``python -m tradewedge.data.build.minerals SHARED_DIR``, where ``SHARED_DIR/data`` holds the
original files that ``data/minerals/README.md`` names.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import yaml

from tradewedge.data.build import minerals_home, minerals_tariffs, minerals_trade

WORLD = Path(__file__).resolve().parents[1] / "minerals"
LISTS = ("2018", "2022", "2025")


def build(shared: Path, out: Path = WORLD) -> None:
    """Write the tables of the world into ``out`` and print what became of every row."""
    law = yaml.safe_load((WORLD / "tariff_rules.yaml").read_text(encoding="utf-8"))
    mapping = pl.read_csv(WORLD / "home_mapping.csv", infer_schema=False)
    trade = minerals_trade.read(shared)
    products = product_table(shared)
    tariffs = minerals_tariffs.build(shared, products["product"].to_list(), trade.flows, law)
    home = minerals_home.build(shared, mapping, trade.flows)
    for year in minerals_trade.YEARS:
        for name, table in (
            ("flows", trade.flows),
            ("tariffs", tariffs.tariffs),
            ("home_sales", home.sales),
        ):
            _write(
                table.filter(pl.col("year") == year).drop("year"), out / f"{name}_{year}.parquet"
            )
    _write(products, out / "products.parquet")
    _write(tariffs.lines, out / "tariff_lines.parquet")
    _write(tariffs.weights, out / "tariff_weights.parquet")
    check = minerals_tariffs.check_against_2024(shared, tariffs)
    _write(check, out / "tariff_check_2024.parquet")
    _write(trade.audit, out / "audit.parquet")
    _write(home.audit, out / "home_audit.parquet")
    _print(trade.audit, home.audit, check)


def product_table(shared: Path) -> pl.DataFrame:
    """Return product, text, critical, mineral, form, stage, critical_2018, ..., note.

    ``critical`` is the list in force in the data years, that of 2022.
    """
    notes = pl.read_csv(WORLD / "products.csv", infer_schema=False)
    flags = [(pl.col(f"critical_{year}") == "1").alias(f"critical_{year}") for year in LISTS]
    table = minerals_trade.products(shared).join(
        notes.with_columns(flags), on="product", how="full", coalesce=True
    )
    if table["text"].null_count() or table["mineral"].null_count():
        raise ValueError("data/minerals/products.csv and BACI's product list differ")
    return table.select(
        "product", "text", pl.col("critical_2022").alias("critical"), "mineral", "form", "stage",
        *(f"critical_{year}" for year in LISTS), "note",
    ).sort("product")  # fmt: skip


def _write(table: pl.DataFrame, path: Path) -> None:
    table.write_parquet(path, compression="zstd", compression_level=19, statistics=False)


def _print(trade: pl.DataFrame, home: pl.DataFrame, check: pl.DataFrame) -> None:
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, fmt_str_lengths=60):
        print(trade)
        print(home.group_by("year", "outcome").len("rows").sort("year", "outcome"))
        print(check.select("value_usd", "duty_usd", "duty_here_usd").sum())


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if len(given) != 1 or not (Path(given[0]) / "data").is_dir():
        sys.exit("usage: python -m tradewedge.data.build.minerals SHARED_DIR (which holds data/)")
    build(Path(given[0]))


if __name__ == "__main__":
    main()
