"""Tables as numbered Parquet files, and back."""

import hashlib
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import polars as pl

from tradewedge.tables import as_text

PART_ROWS: Final = 1 << 18
"""A file is written when so many rows have come together."""
_COMPRESSION: Final = "lz4"
"""Half the time of zstd at its fastest, files a tenth larger."""
_ARROW: Final = "ARROW:schema"
"""Where a Parquet file tells what its columns were in memory."""
_WRITERS: Final = 3
"""Files encoded side by side, and tables held in memory for that."""
_SEALERS: Final = 2
"""Files waited for until they are on disk."""


class PartWriter:
    """Writes tables as ``<table>/part-<prefix><NNNNN>.parquet``, rows in the order they come.

    As a context manager: when its block ends well, everything is on disk; see ``files`` then.

    Parameters
    ----------
    root : Path
    prefix : str
        Put before the number, so that several writers can share a folder.
    part_rows : int
        Rows of a file, about.

    Attributes
    ----------
    files : list of dict
        path (relative to ``root``), table, rows, bytes, sha256 of each file; one per table at
        least, so that an empty table keeps its columns.
    """

    def __init__(self, root: Path, prefix: str = "", part_rows: int = PART_ROWS) -> None:
        self._root, self._prefix, self._part_rows = root, prefix, part_rows
        self._held: dict[str, list[pl.DataFrame]] = {}
        self._count: dict[str, int] = {}
        self._writers = ThreadPoolExecutor(_WRITERS)
        self._sealers = ThreadPoolExecutor(_SEALERS)
        self._pending: deque[Future[Future[dict[str, Any]]]] = deque()
        self._written: list[Future[dict[str, Any]]] = []
        self.files: list[dict[str, Any]] = []

    def add(self, table: str, frame: pl.DataFrame) -> None:
        """Take the next rows of a table; waits where the disk does not keep up."""
        held = self._held.setdefault(table, [])
        held.append(frame)
        if sum(part.height for part in held) >= self._part_rows:
            self._flush(table)

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._sealers, self._writers:
            if kind is None:
                for table, held in self._held.items():
                    if held or not self._count.get(table):
                        self._flush(table)
                while self._pending:
                    self._take()
                found = [future.result() for future in self._written]
                self.files = sorted(found, key=lambda file: str(file["path"]))

    def _flush(self, table: str) -> None:
        number = self._count.get(table, 0)
        self._count[table] = number + 1
        path = self._root / table / f"part-{self._prefix}{number:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frames, self._held[table] = self._held[table], []
        while len(self._pending) >= _WRITERS:
            self._take()
        self._pending.append(self._writers.submit(self._write, table, frames, path))

    def _take(self) -> None:
        self._written.append(self._pending.popleft().result())

    def _write(self, table: str, frames: list[pl.DataFrame], path: Path) -> Future[dict[str, Any]]:
        frame = frames[0] if len(frames) == 1 else pl.concat(map(as_text, frames))
        frame.write_parquet(path, compression=_COMPRESSION, metadata=_text_schema(frame))
        return self._sealers.submit(self._seal, table, frame.height, path)

    def _seal(self, table: str, rows: int, path: Path) -> dict[str, Any]:
        return {
            "path": path.relative_to(self._root).as_posix(),
            "table": table,
            "rows": rows,
            "bytes": path.stat().st_size,
            "sha256": seal(path),
        }


def _text_schema(frame: pl.DataFrame) -> dict[str, str]:
    """The metadata of a file that holds ``frame``, with strings where it has Enums.

    An Enum is written several times as fast, as the same bytes; who reads the file shall find
    strings, whatever the codes in it.
    """
    file = BytesIO()
    as_text(frame.clear()).write_parquet(file)
    file.seek(0)
    return {_ARROW: pl.read_parquet_metadata(file)[_ARROW]}


def scan_parts(paths: Sequence[Path]) -> pl.LazyFrame:
    """Open the parts of one table, in the order given."""
    return pl.scan_parquet(list(paths))


def seal(path: Path) -> str:
    """Flush a file to disk and return its SHA-256."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()
