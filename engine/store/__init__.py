"""Run directories: the tables of a result as Parquet parts, described by one manifest."""

from typing import TYPE_CHECKING, Any

from tradewedge.store.directory import Holding, holding
from tradewedge.store.manifest import MANIFEST, config_hash
from tradewedge.store.run import Run, read_run, view

if TYPE_CHECKING:
    from tradewedge.store.write import RunWriter, write_run, writing

__all__ = [
    "MANIFEST",
    "Holding",
    "Run",
    "RunWriter",
    "config_hash",
    "holding",
    "read_run",
    "view",
    "write_run",
    "writing",
]


def __getattr__(name: str) -> Any:
    """What writes runs needs the kernels, which are slow to import; what reads them does not."""
    if name in ("RunWriter", "write_run", "writing"):
        from tradewedge.store import write

        return getattr(write, name)
    raise AttributeError(f"module 'tradewedge.store' has no attribute {name!r}")
