"""``tradewedge data fetch`` and ``data table``: official files, and tidy tables made of them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradewedge.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType

FETCH_HELP: Final = "official files: fetch them, or say where they are and check what you bring"
TABLE_HELP: Final = "a table that ships, or a tidy one made of an official file"
_MEGABYTE: Final = 1e6


def add_fetch_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``tradewedge data fetch`` takes."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="a source; without: list them")
    parser.add_argument("--release", help="release, such as 202501 of BACI")
    parser.add_argument("--edition", help="HS edition, such as HS2022")
    parser.add_argument("--to", default="downloads", metavar="DIR", help="default: downloads")
    parser.add_argument("--file", metavar="PATH", help="fetch nothing: check this file")


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``tradewedge data table`` takes."""
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a table or a source; without: list them"
    )
    parser.add_argument("path", metavar="PATH", nargs="?", help="the file of a source")
    parser.add_argument("--out", metavar="FILE", help="write the table as .csv or .parquet")
    parser.add_argument("--year", type=int, action="append", help="may be given several times")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="as source.KEY in a build",
    )


def fetch_page(parsed: argparse.Namespace) -> "RenderableType":
    """Fetch or check, and say what came of it."""
    from tradewedge.report.layout import table
    from tradewedge.sources import downloads

    if parsed.name is None:
        rows = [
            (entry.name, "fetched" if entry.address else "by hand", entry.licence)
            for entry in downloads.DOWNLOADS
        ]
        return table(("source", "", "terms"), rows)
    entry = downloads.download(parsed.name)
    if parsed.file is not None:
        found = downloads.check(Path(parsed.file))
    else:
        url = downloads.address(entry, release=parsed.release, edition=parsed.edition)
        found = downloads.fetch(url, Path(parsed.to), progress=True)
    held = f"{len(found.tables)} file(s): {', '.join(found.tables[:5])}"
    return (
        f"{found.path}: whole, {found.bytes / _MEGABYTE:,.1f} MB, {held}\nsha256 {found.sha256}\n"
        f"Terms: {entry.licence}"
    )


def table_page(parsed: argparse.Namespace) -> "RenderableType":
    """Show a table that ships; or read a file, write its tidy table, and tell of its rows."""
    from tradewedge.codes import nearest
    from tradewedge.report.dimensions import table_list
    from tradewedge.sources.dimensions import DIMENSIONS
    from tradewedge.sources.registry import FACTS, TARIFFS

    entries = (*TARIFFS, *FACTS)
    if parsed.name is None:
        return table_list([(entry.name, entry.text) for entry in entries])
    if parsed.name in DIMENSIONS:
        return _dimension_page(parsed)
    known = (*DIMENSIONS, *(entry.name for entry in entries))
    if parsed.path is None:
        near = ", ".join(nearest(parsed.name, known)) or "none"
        raise ConfigError(
            f"data table {parsed.name}: a source needs its file too, and the tables that ship are "
            f"{', '.join(DIMENSIONS)}; nearest: {near}"
        )
    return _read_page(parsed)


def _dimension_page(parsed: argparse.Namespace) -> "RenderableType":
    from tradewedge.report.dimensions import dimension_page
    from tradewedge.sources.dimensions import dimension

    if parsed.path is not None or parsed.year or parsed.option:
        raise ConfigError(f"{parsed.name} ships with tradewedge: it takes no file, year or option")
    frame = dimension(parsed.name)
    if parsed.out is None:
        return dimension_page(parsed.name, frame)
    write_table(frame, Path(parsed.out))
    return f"{frame.height:,} rows of {', '.join(frame.columns)}\nWritten to {parsed.out}"


def _read_page(parsed: argparse.Namespace) -> "RenderableType":
    from rich.console import Group

    from tradewedge.report.reconciliation import reconciliation
    from tradewedge.sources.registry import FACTS, TARIFFS, source

    entry = source(parsed.name, (*TARIFFS, *FACTS))
    options = dict(_option(text) for text in parsed.option)
    read = entry.read(Path(parsed.path), parsed.year, options)
    frame = read.rates if hasattr(read, "rates") else read.frame
    told = f"{read.title}: {frame.height:,} rows of {', '.join(frame.columns)}"
    if parsed.out is not None:
        write_table(frame, Path(parsed.out))
        told += f"\nWritten to {parsed.out}"
    return Group(reconciliation(read.audit), told)


def write_table(frame: "pl.DataFrame", path: Path) -> None:
    """Write a table as .csv or .parquet, over nothing that is there."""
    if path.exists():
        raise ConfigError(f"{path} exists; choose another name")
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".csv":
        frame.write_csv(path)
    else:
        raise ConfigError(f"{path}: a table is written as .csv or .parquet")


def _option(text: str) -> tuple[str, str | bool]:
    key, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"--option {text!r}: write it as KEY=VALUE")
    return key, {"true": True, "false": False}.get(value, value)
