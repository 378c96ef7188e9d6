"""What a directory holds, and how a finished run gets into its place in one step."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Final

from tradewedge.errors import ConfigError, TradewedgeError
from tradewedge.store.manifest import MANIFEST, read_manifest

# What Hydra may have put there before the run: its configuration folder and log files.
_HYDRA: Final = (".hydra", "*.log", "multirun.yaml")

MARKS: Final = ".complete"
"""Folder of a run in the making, a file for each part of it that is complete."""
_LOCK: Final = ".lock"
_KEY_LENGTH: Final = 12


class Holding(Enum):
    """What a directory holds, seen by a run that wants to be written there."""

    NOTHING = "nothing"
    SAME_RUN = "the same run"
    OTHER_RUN = "another run"


def holding(directory: Path, config_hash: str, data_hash: str, *, overwrite: bool) -> Holding:
    """Say whether a run may be written to a directory, or is already there.

    Parameters
    ----------
    directory : Path
    config_hash, data_hash : str
        Of the run that wants the place.
    overwrite : bool
        Whether another run may be replaced.

    Raises
    ------
    ConfigError
        If it is no directory, holds another run and ``overwrite`` is false, or holds other
        files and no run; those are never overwritten.
    DataError
        If its manifest cannot be read.
    """
    if not directory.exists():
        return Holding.NOTHING
    if not directory.is_dir():
        raise ConfigError(f"{directory} is a file; a run needs a directory of its own.")
    if not (directory / MANIFEST).exists():
        foreign = sorted(entry.name for entry in directory.iterdir() if not _is_hydras(entry.name))
        if foreign:
            raise ConfigError(
                f"{directory} holds no run but other files ({_some(foreign)}). Choose another "
                "directory; these files would not be overwritten in any case."
            )
        return Holding.NOTHING
    found = read_manifest(directory)
    if found["config_hash"] == config_hash and found["data_hash"] == data_hash:
        return Holding.SAME_RUN
    if not overwrite:
        differs = [
            text
            for key, text, mine in (
                ("config_hash", "another configuration", config_hash),
                ("data_hash", "other data", data_hash),
            )
            if found[key] != mine
        ]
        raise ConfigError(
            f"{directory} holds another run ({' and '.join(differs)}, written "
            f"{found['created']}). Choose another directory, or replace it with overwrite=true "
            "(output.overwrite=true on the command line)."
        )
    return Holding.OTHER_RUN


@contextmanager
def staged(directory: Path, key: str) -> Iterator[Path]:
    """Yield a sibling directory to fill; when the block ends well, it becomes ``directory``.

    Its name starts with a dot and ends with ``key``: who asks for the same again finds there what
    an interrupted process has left. A block that raises leaves nothing behind unless something
    lies in its folder :data:`MARKS`, which says that part of the work is complete; an error of
    ours, which would come again, leaves nothing in any case.

    Raises
    ------
    ConfigError
        If another process is filling it.
    """
    directory = directory.absolute()
    stage = directory.with_name(f".{directory.name}.part-{key[:_KEY_LENGTH]}")
    marks = stage / MARKS
    marks.mkdir(parents=True, exist_ok=True)
    with (stage / _LOCK).open("a") as lock:
        if not _locked(lock):
            raise ConfigError(f"{directory}: another process is writing this run; wait for it.")
        try:
            yield stage
            (stage / _LOCK).unlink()
            _place(stage, directory)
        except BaseException as error:
            if isinstance(error, TradewedgeError) or not any(marks.glob("*.json")):
                shutil.rmtree(stage, ignore_errors=True)
            raise
    shutil.rmtree(directory / MARKS)


def _locked(file: IO[str]) -> bool:
    """Whether this process now holds the file alone, where the system can tell."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _place(stage: Path, directory: Path) -> None:
    """Swap the finished stage in; at no moment is a file of somebody else only in a temporary."""
    sync_directory(stage)
    if not directory.exists():
        stage.rename(directory)
        sync_directory(directory.parent)
        return
    kept = [entry.name for entry in _not_of_a_run(directory)]
    old = directory.with_name(f".{directory.name}.old-{os.getpid()}")
    directory.rename(old)
    try:
        stage.rename(directory)
    except OSError:
        old.rename(directory)
        raise
    for name in kept:
        (old / name).rename(directory / name)
    sync_directory(directory.parent)
    shutil.rmtree(old, ignore_errors=True)


def _not_of_a_run(directory: Path) -> list[Path]:
    """Hydra's files, and what somebody put beside a run: they move over to the new one."""
    if not (directory / MANIFEST).exists():
        return list(directory.iterdir())
    own = {Path(file["path"]).parts[0] for file in read_manifest(directory)["files"]}
    return [e for e in directory.iterdir() if e.name not in own and e.name != MANIFEST]


def _is_hydras(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in _HYDRA)


def _some(names: list[str], n: int = 4) -> str:
    more = "" if len(names) <= n else f" and {len(names) - n} more"
    return ", ".join(names[:n]) + more


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
