"""A run, on disk or still in memory, behind one face."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tradewedge.errors import ConfigError, DataError
from tradewedge.policy import Scenario
from tradewedge.store.describe import describe, frames
from tradewedge.store.manifest import read_manifest
from tradewedge.store.parts import scan_parts, seal
from tradewedge.tables import Tables

if TYPE_CHECKING:
    from tradewedge.result import Result


@dataclass(frozen=True, eq=False)
class Run(Tables):
    """The tables of a result with its manifest.

    Attributes
    ----------
    manifest : Mapping
        Configuration, hashes, versions, machine, timings, scenarios, files.
    frames : Mapping
        Table name -> LazyFrame, sorted by its keys.
    directory : Path or None
        Where it lies; None while it is in memory only.
    """

    manifest: Mapping[str, Any]
    frames: Mapping[str, pl.LazyFrame]
    directory: Path | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables, sorted."""
        return tuple(sorted(self.frames))

    def __repr__(self) -> str:
        told = self.manifest
        names = [str(entry["name"]) for entry in told["scenarios"]]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        place = "in memory" if self.directory is None else f"in {self.directory}"
        return f"<Run {place}: {', '.join(names[:3])}{more}; model {told['model']}>"

    def scan(self, table: str) -> pl.LazyFrame:
        """Return one table.

        Raises
        ------
        ConfigError
            If the run has no table of that name.
        """
        if table not in self.frames:
            raise ConfigError(f"No table {table!r} in this run; it has {', '.join(self.tables)}.")
        return self.frames[table]

    def scan_of(self, table: str, scenario: str) -> pl.LazyFrame:
        """The rows of one table that belong to a scenario; on disk, its files alone are opened.

        Raises
        ------
        ConfigError
            If the run has no table of that name.
        """
        rows = self.scan(table)
        mine = [
            self.directory / file["path"]
            for file in self.manifest["files"]
            if self.directory and (file["table"], file.get("scenario")) == (table, scenario)
        ]
        return scan_parts(mine) if mine else rows.filter(pl.col("scenario") == scenario)

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios, in the order given."""
        known = {field.name for field in fields(Scenario)}
        return tuple(
            Scenario.from_dict({key: value for key, value in entry.items() if key in known})
            for entry in self.manifest["scenarios"]
        )

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.manifest["model"])

    @property
    def backend(self) -> str:
        """Name of the backend; ``manifest["backend"]`` says why this one."""
        return str(self.manifest["backend"]["name"])

    @property
    def timings(self) -> Mapping[str, float]:
        """Seconds, as in a result."""
        return dict(self.manifest["timings"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What the world cannot answer, and what looks like a slip in the scenarios."""
        return tuple(self.manifest["notes"])

    def verify(self) -> None:
        """Compare every file with the checksum in the manifest.

        Raises
        ------
        DataError
            Naming the files that differ.
        """
        if self.directory is None:
            return
        changed = [
            file["path"]
            for file in self.manifest["files"]
            if seal(self.directory / file["path"]) != file["sha256"]
        ]
        if changed:
            raise DataError(f"{self.directory}: changed since it was written: {', '.join(changed)}")


def read_run(directory: str | Path) -> Run:
    """Open a run directory; nothing but the manifest is read yet.

    Raises
    ------
    DataError
        If the directory holds no complete run: manifest missing or unreadable, a file missing or
        of another size than the manifest says.
    """
    directory = Path(directory)
    manifest = read_manifest(directory)
    parts: dict[str, list[Path]] = {}
    for file in manifest["files"]:
        path = directory / file["path"]
        if not path.is_file():
            raise DataError(f"{directory} is incomplete: {file['path']} is missing.")
        if path.stat().st_size != file["bytes"]:
            raise DataError(
                f"{path} has {path.stat().st_size} bytes, the manifest says {file['bytes']}: it "
                "is not the file that was written. Solve again."
            )
        parts.setdefault(file["table"], []).append(path)
    return Run(manifest, {name: scan_parts(paths) for name, paths in parts.items()}, directory)


def view(
    result: "Result",
    config: Mapping[str, Any] | None = None,
    extra: Mapping[str, pl.LazyFrame] | None = None,
) -> Run:
    """Look at a result as a run, without writing it.

    Parameters
    ----------
    result : "Result"
    config : Mapping, optional
        Recorded in the manifest as it is.
    extra : Mapping, optional
        Further tables, by name.
    """
    return Run({**describe(result, config or {}), "files": []}, frames(result, extra))
