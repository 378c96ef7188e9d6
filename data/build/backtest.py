"""Build ``data/backtest``: the trade of the years around those of the world ``minerals``.

Run as ``python -m tradewedge.data.build.backtest SHARED_DIR``, where ``SHARED_DIR/data`` holds the
original files that ``data/minerals/README.md`` names.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.data.build import minerals_trade

FOLDER: Final = Path(__file__).resolve().parents[1] / "backtest"
YEARS: Final = (2018, 2019, 2020, 2021, 2024)


def build(shared: Path, out: Path = FOLDER) -> None:
    """Write one table of flows per year and what became of every row; print the latter."""
    trade = minerals_trade.read(shared, YEARS)
    out.mkdir(exist_ok=True)
    for (year,), flows in trade.flows.group_by("year", maintain_order=True):
        table = flows.drop("year").sort("product", "exporter", "importer")
        table.write_parquet(out / f"flows_{year}.parquet", compression="zstd", compression_level=19)
    trade.audit.write_parquet(out / "audit.parquet", compression="zstd")
    with pl.Config(tbl_rows=-1, fmt_str_lengths=60):
        print(trade.audit)


def main(arguments: Sequence[str]) -> int:
    """Run the build script."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    build(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
