"""A back-test on disk: tables, page and drawings in one directory, whole or not there."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tradewedge import __version__
from tradewedge.backtest import page, plots
from tradewedge.backtest.experiment import Experiment
from tradewedge.backtest.plan import Plan
from tradewedge.backtest.trial import Backtest
from tradewedge.bench.page import html, markdown
from tradewedge.errors import ConfigError, DataError
from tradewedge.store import config_hash
from tradewedge.world import World

RECORD: Final = "backtest.json"


def key(told: Experiment, plan: Plan, first: World, last: World) -> str:
    """Hash of everything that decides the numbers."""
    return config_hash(
        {
            "experiment": told.record(),
            "plan": plan.record(),
            "worlds": [first.data_hash, last.data_hash],
            "version": __version__,
        }
    )


def is_there(directory: Path, wanted: str, *, overwrite: bool) -> bool:
    """Whether a directory holds this back-test already.

    Raises
    ------
    ConfigError
        If it holds another one and ``overwrite`` is false, or other files.
    DataError
        If its record cannot be read.
    """
    if not directory.exists():
        return False
    if not directory.is_dir() or (any(directory.iterdir()) and not (directory / RECORD).exists()):
        raise ConfigError(
            f"{directory} holds no back-test but something else: choose another place"
        )
    if not (directory / RECORD).exists():
        return False
    found = _read(directory)
    if found.get("key") == wanted and not overwrite:
        return True
    if not overwrite:
        raise ConfigError(
            f"{directory} holds another back-test ({found.get('experiment', {}).get('name')}, "
            f"written {found.get('created')}): choose another place, or say overwrite=true"
        )
    return False


def _read(directory: Path) -> dict[str, Any]:
    try:
        found = json.loads((directory / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{directory / RECORD} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{directory / RECORD} holds no record of a back-test")
    return found


def write(found: Backtest, directory: str | Path, *, wanted: str = "") -> Path:
    """Write tables (Parquet), ``report.md``, ``report.html``, drawings and a record.

    A back-test that is there already is replaced when the new one is complete; other files are
    not touched.

    Parameters
    ----------
    found : Backtest
    directory : path
    wanted : str, optional
        Its :func:`key`, by which it is found again.

    Raises
    ------
    ConfigError
        If the directory holds something else.
    """
    place = Path(directory)
    is_there(place, wanted, overwrite=True)
    stage = place.with_name(f".{place.name}.part")
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    try:
        for name, table in found.tables().items():
            table.write_parquet(stage / f"{name}.parquet")
        figures = plots.figures(found) if plots.can_draw() else ()
        for figure in figures:
            (stage / f"{figure.name}.svg").write_text(figure.svg, encoding="utf-8")
        blocks = page.blocks(found, figures)
        (stage / "report.md").write_text(markdown(blocks), encoding="utf-8")
        title = page.title(found)
        (stage / "report.html").write_text(html(title, blocks), encoding="utf-8")
        (stage / RECORD).write_text(json.dumps(_record(found, wanted), indent=1) + "\n", "utf-8")
        if place.exists():
            shutil.rmtree(place)
        stage.rename(place)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    return place


def _record(found: Backtest, wanted: str) -> Mapping[str, Any]:
    return {
        "key": wanted,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "experiment": found.experiment.record(),
        "plan": found.plan.record(),
        "remarks": list(found.remarks),
    }
