"""A table as numbered Parquet files, and back."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

PART_ROWS: Final = 4_000_000


def write_parts(
    frame: pl.LazyFrame, table: str, root: Path, part_rows: int = PART_ROWS
) -> list[dict[str, Any]]:
    """Write a table as ``<table>/part-NNNNN.parquet`` (zstd) under ``root``, in row order.

    Returns
    -------
    list of dict
        path (relative to ``root``), table, rows, bytes, sha256 of each file; one file at least,
        so that an empty table keeps its columns.
    """
    folder = root / table
    folder.mkdir(parents=True)
    rows = int(frame.select(pl.len()).collect().item())
    files = []
    for number, start in enumerate(range(0, max(rows, 1), part_rows)):
        path = folder / f"part-{number:05d}.parquet"
        frame.slice(start, part_rows).sink_parquet(path, compression="zstd")
        files.append(
            {
                "path": path.relative_to(root).as_posix(),
                "table": table,
                "rows": min(part_rows, rows - start),
                "bytes": path.stat().st_size,
                "sha256": seal(path),
            }
        )
    return files


def scan_parts(paths: Sequence[Path]) -> pl.LazyFrame:
    """Open the parts of one table, in the order given."""
    return pl.scan_parquet(list(paths))


def seal(path: Path) -> str:
    """Flush a file to disk and return its SHA-256."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()
