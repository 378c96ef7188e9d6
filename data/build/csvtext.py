"""Reads the original CSV files for the build scripts."""

from pathlib import Path

import polars as pl


def read_text(path: Path) -> pl.DataFrame:
    """Read a CSV with every column as text, trimmed; an empty field is null."""
    frame = pl.read_csv(path, infer_schema=False).with_columns(pl.all().str.strip_chars())
    return frame.with_columns(
        pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in frame.columns
    )
