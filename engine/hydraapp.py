"""Hydra as a part of the command line: its arguments, and its errors in a sentence."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from tradewedge import terminal

if TYPE_CHECKING:
    from omegaconf import DictConfig

#: Where the options of a group are listed, by group; others are listed in the message.
_LISTED: Final = {"scenario": "`tradewedge scenarios` lists them"}


def launch(
    command: str,
    job: "Callable[[DictConfig], Any]",
    arguments: Sequence[str],
    *,
    config_name: str,
    config_path: str | None = None,
    keys: Sequence[str] = (),
) -> bool:
    """Let Hydra compose a configuration and call ``job`` with it; false if it would not.

    What Hydra objects to goes to stderr, with the nearest of ``keys`` where it does not know a key.
    Errors of ``job`` come through.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    app = hydra.main(version_base="1.3", config_path=config_path, config_name=config_name)(job)
    try:
        with _arguments([command, *arguments]):
            app()
    except (HydraException, OmegaConfBaseException) as error:
        if terminal.wants_traceback():
            raise
        cause = error.__cause__
        near = _near_key(str(error), keys)
        print(f"{command}: {near or _without_paths(str(error))}", file=sys.stderr)
        if near is None and isinstance(cause, OmegaConfBaseException):
            print(cause, file=sys.stderr)
        print(f"`{command} --help` shows the groups and keys.", file=sys.stderr)
        return False
    return True


def composed(schema: str, group: str, **page: str) -> dict[str, Any]:
    """The primary configuration of a command that has Hydra compose its keys, and no more.

    No logs, and no directory of Hydra's.

    Parameters
    ----------
    schema : str
        Name of the stored structure.
    group : str
        Whose options may be chosen from; none is by default.
    page
        What ``--help`` shows, as in ``hydra.help``.
    """
    return {
        "defaults": [
            schema,
            {group: None},
            "_self_",
            {"override hydra/hydra_logging": "none"},
            {"override hydra/job_logging": "none"},
        ],
        "hydra": {
            "output_subdir": None,
            "job": {"name": "tradewedge", "chdir": False},
            "run": {"dir": "."},
            "sweep": {"dir": ".", "subdir": "."},
            "help": page,
        },
    }


def _near_key(message: str, keys: Sequence[str]) -> str | None:
    """What to say of a key that there is not, if some key is near it."""
    asked = re.search(r"Could not override '([^']*)'", message)
    near = get_close_matches(asked.group(1), keys, n=2, cutoff=0.6) if asked else []
    if asked is None or asked.group(1) in keys or not near:
        return None
    return f"{asked.group(1)}: there is no such key; did you mean {' or '.join(near)}?"


def _without_paths(message: str) -> str:
    """What Hydra says of an unknown option, without where it looked, and with the nearest one."""
    text, _, options = message.partition("Available options in ")
    asked = re.search(r"Could not find '([^']*)/([^'/]*)'", text)
    if asked is None:
        return message.partition("\nConfig search path")[0]
    group, option = asked.groups()
    known = [line.strip() for line in options.splitlines()[1:] if line.startswith("\t")]
    known = [name for name in known if "=" not in name]  # the search path follows them
    near = get_close_matches(option, known, n=3, cutoff=0.5)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    listed = _LISTED.get(group, f"Available options in {group!r}: {', '.join(known)}")
    return f"{group}={option}: there is no such option{hint}. {listed}."


@contextmanager
def _arguments(arguments: list[str]) -> Iterator[None]:
    """Let Hydra see these arguments, and let errors come through as exceptions."""
    before, full = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv, os.environ["HYDRA_FULL_ERROR"] = arguments, "1"
    try:
        yield
    finally:
        sys.argv = before
        if full is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = full
