"""Delimited text, plain or compressed, and Parquet, as tables whose every column is text."""

import csv
import gzip
import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

import polars as pl

from tradewedge.codes import nearest
from tradewedge.errors import DataError

_MARKS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_CHUNK: Final = 1 << 20
_MOST_LINES_ABOVE: Final = 20
_PARQUET: Final = (".parquet", ".pq")


@dataclass(frozen=True)
class TextTable:
    """A delimited text file on disk.

    Attributes
    ----------
    name : str
        What messages call it: the file that the user named, and the member of a zip.
    file : str
        The file's own name.
    path : Path
        Plain text, uncompressed.
    columns : tuple of str
        As in its first line.
    separator : str
    first : int
        Number of the line that holds the header; sites put a title above it now and then.
    lossy : bool
        Whether bytes that are not UTF-8 are let through as a replacement character: for files
        with names in other encodings, whose codes and numbers are plain.
    """

    name: str
    file: str
    path: Path
    columns: tuple[str, ...]
    separator: str = ","
    first: int = 1
    lossy: bool = False

    def scan(self) -> pl.LazyFrame:
        """Its rows, lazily; every column is text, an empty field null."""
        return pl.scan_csv(
            self.path,
            has_header=False,
            skip_lines=self.first,
            schema=dict.fromkeys(self.columns, pl.String),
            separator=self.separator,
            encoding="utf8-lossy" if self.lossy else "utf8",
        )

    def place(self, row: int) -> str:
        """Line of a data row, of a file without line breaks inside fields."""
        return f"line {row + 1 + self.first}"

    def explain(self, error: Exception) -> str:
        """Why it cannot be read, and where."""
        with self.path.open("rb") as raw:
            for number, line in enumerate(raw, 1):
                try:
                    fields = next(csv.reader([line.decode()], delimiter=self.separator), [])
                except UnicodeDecodeError as fault:
                    return (
                        f"line {number} is not UTF-8 (byte {line[fault.start]:#04x} at character "
                        f"{fault.start + 1}): save the file as UTF-8"
                    )
                if len(fields) > len(self.columns):
                    return f"line {number} has {len(fields)} fields, the header {len(self.columns)}"
        return f"cannot be read: {error}"

    def require(self, names: Sequence[str], what: str) -> None:
        """Every one of these columns is there.

        Raises
        ------
        DataError
            Naming what is missing, what the header has, and the layout expected.
        """
        _require(self, names, what, f"{self.name}, line {self.first}")


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file, read as if it were text: attributes as of :class:`TextTable`."""

    name: str
    file: str
    path: Path
    columns: tuple[str, ...]

    def scan(self) -> pl.LazyFrame:
        """Its rows, lazily, every column as text."""
        return pl.scan_parquet(self.path).select(pl.col(self.columns).cast(pl.String))

    def place(self, row: int) -> str:
        """Number of a data row, counted from 1."""
        return f"row {row + 1}"

    def explain(self, error: Exception) -> str:
        """Why it cannot be read."""
        return f"cannot be read: {error}"

    def require(self, names: Sequence[str], what: str) -> None:
        """Every one of these columns is there; see :meth:`TextTable.require`."""
        _require(self, names, what, self.name)


@dataclass(frozen=True, eq=False)
class JsonTable:
    """A JSON array of rows: lists, the first of them the header, or objects of the same keys.

    Attributes as of :class:`TextTable`.
    """

    name: str
    file: str
    columns: tuple[str, ...]
    frame: pl.DataFrame

    def scan(self) -> pl.LazyFrame:
        """Its rows, every column as text."""
        return self.frame.lazy()

    def place(self, row: int) -> str:
        """Number of a data row, counted from 1."""
        return f"row {row + 1}"

    def explain(self, error: Exception) -> str:
        """Why it cannot be read."""
        return f"cannot be read: {error}"

    def require(self, names: Sequence[str], what: str) -> None:
        """Every one of these columns is there; see :meth:`TextTable.require`."""
        _require(self, names, what, self.name)


Table = TextTable | ParquetTable | JsonTable


def _require(table: Table, names: Sequence[str], what: str, where: str) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        near = nearest(missing[0], table.columns)
        hint = f" (did {' or '.join(near)} mean {missing[0]}?)" if near else ""
        raise DataError(
            f"{where}: no column {', '.join(missing)}{hint}; the header is "
            f"{', '.join(table.columns)}. This is not {what}"
        )


@contextmanager
def opened(
    path: str | Path,
    member: str = r"\.(csv|txt)$",
    *,
    lossy: bool = False,
    header: str | None = None,
) -> Iterator[list[Table]]:
    """The tables of a file, a zip, or a folder, for as long as the context lasts.

    Parameters
    ----------
    path : str or Path
        A text or Parquet file, a text compressed as ``.gz``, a ``.zip``, or a folder of these.
    member : str
        Regular expression that the name of a wanted file matches, in any case; of a single file
        that the user names it is not asked.
    lossy : bool
        As in :class:`TextTable`.
    header : str, optional
        A column by which the line of the header is known, where lines may stand above it.

    Raises
    ------
    DataError
        If there is no such file, it is damaged, holds nothing wanted, or is not UTF-8 text.
    """
    place = Path(path)
    wanted = re.compile(member, re.IGNORECASE)
    check_there(place)
    with TemporaryDirectory(prefix="tradewedge-") as scratch:
        files = _files(place, wanted, Path(scratch), asked=True)
        found: list[Table] = [_table(*file, lossy=lossy, header=header) for file in files]
        if not found:
            raise DataError(f"{place}: holds no file whose name matches {member}")
        yield found


def check_there(place: Path) -> None:
    """Raise a :class:`DataError`, with what is there instead, if a file or folder is not."""
    if not place.exists():
        beside = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
        near = nearest(place.name, beside)
        hint = f"; there is {', '.join(near)}" if near else ""
        raise DataError(f"there is no file {place}{hint}")


def _table(path: Path, name: str, file: str, *, lossy: bool, header: str | None) -> Table:
    ending = path.suffix.lower()
    if ending in _PARQUET:
        return _parquet(path, name, file)
    if ending == ".json":
        return _json(path, name, file)
    return table(path, name, file, lossy=lossy, header=header)


def _json(path: Path, name: str, file: str) -> JsonTable:
    try:
        rows = json.loads(path.read_text("utf-8"))
        if isinstance(rows[0], dict):
            rows = [list(rows[0]), *([row.get(column) for column in rows[0]] for row in rows)]
        columns, *data = [tuple(map(_plain, row)) for row in rows]
        header = tuple(map(str, columns))
        frame = pl.DataFrame(data, schema=dict.fromkeys(header, pl.String), orient="row")
    except (OSError, ValueError, TypeError, LookupError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{name}: is no JSON array of rows of text: {error}") from error
    return JsonTable(name, file, header, frame)


def _plain(field: object) -> str | None:
    """A field of a JSON row as text."""
    return field if field is None or isinstance(field, str) else json.dumps(field)


def _parquet(path: Path, name: str, file: str) -> ParquetTable:
    try:
        columns = tuple(pl.read_parquet_schema(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{name}: cannot be read as Parquet: {error}") from error
    return ParquetTable(name, file, path, columns)


def names(path: str | Path) -> list[str]:
    """Names of the files that a folder or zip holds; of a file its own, without ".gz"."""
    place = Path(path)
    if place.is_dir():
        return sorted(entry.name.removesuffix(".gz") for entry in place.iterdir())
    if place.suffix.lower() == ".zip" and place.is_file():
        with _damage(place), zipfile.ZipFile(place) as archive:
            return sorted(Path(name).name for name in archive.namelist() if name[-1] != "/")
    return [place.name.removesuffix(".gz")]


def table(
    path: Path,
    name: str | None = None,
    file: str | None = None,
    *,
    lossy: bool = False,
    header: str | None = None,
) -> TextTable:
    """A plain text file as a table, its header read; told what messages call it.

    Some sites end every row with a separator too many; the last column is then called "".

    Raises
    ------
    DataError
        If it is empty, or its first line is not UTF-8 text.
    """
    name = name or str(path)
    number = 1
    with path.open("rb") as raw:
        first = start = raw.readline(_CHUNK)
        second = raw.readline(_CHUNK)
        while header and header.encode() not in start and second and number < _MOST_LINES_ABOVE:
            start, second, number = second, raw.readline(_CHUNK), number + 1
    for mark, encoding in _MARKS.items():
        if first.startswith(mark):
            raise DataError(f"{name}: is {encoding} text; save it as UTF-8")
    errors = "replace" if lossy else "strict"
    try:
        line = start.decode("utf-8-sig", errors).rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}, line 1: is not UTF-8 text: {error}") from error
    if not line.strip() or "\0" in line:
        raise DataError(f"{name}: is {'empty' if not line.strip() else 'not a text file'}")
    separator = max(",;\t|", key=line.count)
    columns, fields = (
        next(csv.reader([text], delimiter=separator), [])
        for text in (line, second.decode("utf-8", "replace"))
    )
    if len(fields) == len(columns) + 1 and not fields[-1].strip():
        columns.append("")
    named = tuple(column.strip() for column in columns)
    twice = next((column for column in named if named.count(column) > 1), None)
    if twice is not None:
        raise DataError(f"{name}, line 1: two columns are called {twice!r}")
    return TextTable(name, file or path.name, path, named, separator, number, lossy)


def _files(
    place: Path, wanted: re.Pattern[str], scratch: Path, *, asked: bool = False
) -> Iterator[tuple[Path, str, str]]:
    """Plain files with their names, long and short, unpacked where they are compressed."""
    if place.is_dir():
        for entry in sorted(place.iterdir()):
            if entry.suffix.lower() == ".zip" or wanted.search(entry.name.removesuffix(".gz")):
                yield from _files(entry, wanted, scratch)
    elif place.suffix.lower() == ".zip":
        yield from _members(place, wanted, scratch)
    elif place.suffix.lower() == ".gz":
        with _damage(place), gzip.open(place) as packed:
            yield _unpack(packed, scratch, place.stem), str(place), place.stem
    elif asked or wanted.search(place.name):
        yield place, str(place), place.name


def _members(
    place: Path, wanted: re.Pattern[str], scratch: Path
) -> Iterator[tuple[Path, str, str]]:
    with _damage(place), zipfile.ZipFile(place) as archive:
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            name = Path(entry.filename).name
            if not entry.is_dir() and wanted.search(name):
                with archive.open(entry) as packed:
                    yield _unpack(packed, scratch, name), f"{place} ({name})", name


def _unpack(packed: IO[bytes] | gzip.GzipFile, scratch: Path, name: str) -> Path:
    made = scratch / f"{len(list(scratch.iterdir()))}-{name}"
    with made.open("wb") as plain:
        shutil.copyfileobj(packed, plain, _CHUNK)
    return made


@contextmanager
def _damage(place: Path) -> Iterator[None]:
    """Say of a damaged archive that it is one."""
    try:
        yield
    except (zipfile.BadZipFile, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{place}: is damaged or was not downloaded whole ({error}): download it again"
        ) from error
    except NotImplementedError as error:
        raise DataError(f"{place}: {error}; unpack it and name the csv file") from error
