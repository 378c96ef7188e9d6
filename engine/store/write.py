"""Write a run as a directory, scenario by scenario; it appears there whole or not at all."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tradewedge.outcomes.diagnosis import parameters
from tradewedge.outcomes.tables import scenario_frames
from tradewedge.store.describe import account, coverage, manifest, products
from tradewedge.store.directory import MARKS, Holding, holding, staged
from tradewedge.store.manifest import MANIFEST, config_hash, dump, plain
from tradewedge.store.parts import PartWriter

if TYPE_CHECKING:
    from tradewedge.models import Solution
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
    hashes = config_hash(config), result.world.data_hash
    there = holding(directory, *hashes, overwrite=overwrite)
    if there is Holding.SAME_RUN and not overwrite:
        return directory
    names = [scenario.name for scenario in result.scenarios]
    with writing(directory, hashes, names) as run:
        for solution in result.solutions:
            if solution.wedges.scenario.name not in run.complete:
                run.add(result, solution)
        run.finish(result, config, extra)
    return directory


@contextmanager
def writing(
    directory: Path, hashes: tuple[str, str], names: Sequence[str]
) -> Iterator["RunWriter"]:
    """Yield what writes a run; when the block ends well, the run is in ``directory``.

    Parameters
    ----------
    directory : Path
        What it holds has been looked at, see :func:`~tradewedge.store.directory.holding`.
    hashes : (str, str)
        Of configuration and data. A process that was killed while it wrote the same run has left
        the scenarios that were complete.
    names : sequence of str
        All scenarios of the run, in the order in which the manifest tells of them.
    """
    key = config_hash({"run": hashes, "version": version("tradewedge")})
    with staged(directory, key) as stage:
        yield RunWriter(stage, names)


class RunWriter:
    """Takes the scenarios of a run one by one, and keeps nothing of them in memory.

    Parameters
    ----------
    stage : Path
        The directory to fill.
    names : sequence of str

    Attributes
    ----------
    complete : dict
        What is known of each scenario that is complete on disk, by name.
    """

    def __init__(self, stage: Path, names: Sequence[str]) -> None:
        self._stage, self._names = stage, names
        # The order of names is that of rows in a table, and that of its files.
        self._prefix = {name: f"{number:05d}-" for number, name in enumerate(sorted(names))}
        self.complete: dict[str, dict[str, Any]] = {}
        for path in (stage / MARKS).glob("*.json"):
            found = json.loads(path.read_text(encoding="utf-8"))
            self.complete[found["scenario"]["name"]] = found
        self._sweep()

    def add(self, result: "Result", solution: "Solution") -> None:
        """Write the tables of one scenario; after this it survives a kill."""
        name = solution.wedges.scenario.name
        with PartWriter(self._stage, self._prefix[name]) as parts:
            for some in scenario_frames(result.world, result.base, solution):
                for table, frame in some.items():
                    parts.add(table, frame)
            parts.add("coverage", coverage(result, solution))
        files = [{**file, "scenario": name} for file in parts.files]
        told = {**account(result, solution), "files": files}
        self.complete[name] = told
        mark = self._stage / MARKS / f"{self._prefix[name]}.json"
        part = mark.with_suffix(".part")
        _write_synced(part, json.dumps(plain(told)))
        part.rename(mark)

    def finish(
        self,
        result: "Result",
        config: Mapping[str, Any],
        extra: Mapping[str, pl.LazyFrame] | None = None,
    ) -> None:
        """Write what is not of one scenario, and the manifest.

        Parameters
        ----------
        result : "Result"
            The last one; its world, timings and so on hold for all.
        config : Mapping
        extra : Mapping, optional
            Further tables, by name.
        """
        with PartWriter(self._stage) as parts:
            parts.add("parameters", parameters(result.world))
            parts.add("products", products(result.world))
            for table, lazy in (extra or {}).items():
                parts.add(table, lazy.collect())
        told = [self.complete[name] for name in self._names]
        files = sorted(
            [*parts.files, *(file for one in told for file in one["files"])],
            key=lambda file: str(file["path"]),
        )
        rows: dict[str, int] = {}
        for file in files:
            rows[file["table"]] = rows.get(file["table"], 0) + file["rows"]
        everything = {**manifest(result, config, told), "rows": rows, "files": files}
        _write_synced(self._stage / MANIFEST, dump(everything))

    def _sweep(self) -> None:
        """Remove files of scenarios that were not complete."""
        kept = {file["path"] for told in self.complete.values() for file in told["files"]}
        for path in self._stage.glob("*/*.parquet"):
            if path.relative_to(self._stage).as_posix() not in kept:
                path.unlink()


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
