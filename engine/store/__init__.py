"""Run directories: the tables of a result as Parquet parts, described by one manifest."""

from tradewedge.store.directory import Holding, holding
from tradewedge.store.manifest import MANIFEST, config_hash
from tradewedge.store.run import Run, read_run, view
from tradewedge.store.write import write_run

__all__ = [
    "MANIFEST",
    "Holding",
    "Run",
    "config_hash",
    "holding",
    "read_run",
    "view",
    "write_run",
]
