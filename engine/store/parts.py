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
_LEVEL: Final = 1
"""Of zstd: half the time of its default, files a tenth larger."""
_ARROW: Final = "ARROW:schema"
"""Where a Parquet file tells what its columns were in memory."""
_WRITERS: Final = 2
"""Files written side by side: one waits for the disk while the other is encoded."""


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
        self._pool = ThreadPoolExecutor(_WRITERS)
        self._pending: deque[Future[dict[str, Any]]] = deque()
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
        with self._pool:
            if kind is None:
                for table, held in self._held.items():
                    if held or not self._count.get(table):
                        self._flush(table)
                while self._pending:
                    self._take()
        self.files.sort(key=lambda file: str(file["path"]))

    def _flush(self, table: str) -> None:
        number = self._count.get(table, 0)
        self._count[table] = number + 1
        path = self._root / table / f"part-{self._prefix}{number:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frames, self._held[table] = self._held[table], []
        while len(self._pending) >= _WRITERS:
            self._take()
        self._pending.append(self._pool.submit(self._write, table, frames, path))

    def _take(self) -> None:
        self.files.append(self._pending.popleft().result())

    def _write(self, table: str, frames: list[pl.DataFrame], path: Path) -> dict[str, Any]:
        frame = frames[0] if len(frames) == 1 else pl.concat(map(as_text, frames))
        frame.write_parquet(
            path, compression="zstd", compression_level=_LEVEL, metadata=_text_schema(frame)
        )
        return {
            "path": path.relative_to(self._root).as_posix(),
            "table": table,
            "rows": frame.height,
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
