"""Write a result as a run directory, all of it or nothing."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tradewedge.store.describe import describe, frames
from tradewedge.store.directory import Holding, holding, staged
from tradewedge.store.manifest import MANIFEST, dump
from tradewedge.store.parts import write_parts

if TYPE_CHECKING:
    from tradewedge.result import Result


def write_run(
    result: "Result",
    directory: str | Path,
    config: Mapping[str, Any],
    overwrite: bool = False,
    extra: Mapping[str, pl.LazyFrame] | None = None,
) -> Path:
    """Write every table of a result, and ``manifest.json`` last.

    The run appears in ``directory`` in one rename, after everything is on disk.

    Parameters
    ----------
    result : "Result"
    directory : str or Path
        Where the run shall lie. A run with the same configuration and data already there is left
        alone. Hydra's own files in it are kept.
    config : Mapping
        What was asked for; its hash tells runs apart.
    overwrite : bool
        Replace a run that has another configuration or other data.
    extra : Mapping, optional
        Further tables, by name.

    Returns
    -------
    Path
        ``directory``.

    Raises
    ------
    ConfigError
        If the directory holds another run and ``overwrite`` is false, or other files.
    """
    directory = Path(directory)
    manifest = describe(result, config)
    there = holding(directory, manifest["config_hash"], manifest["data_hash"], overwrite=overwrite)
    if there is Holding.SAME_RUN and not overwrite:
        return directory
    with staged(directory) as stage:
        files = []
        for name, frame in frames(result, extra).items():
            files += write_parts(frame, name, stage)
        rows: dict[str, int] = {}
        for file in files:
            rows[file["table"]] = rows.get(file["table"], 0) + file["rows"]
        _write_synced(stage / MANIFEST, dump({**manifest, "rows": rows, "files": files}))
    return directory


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
