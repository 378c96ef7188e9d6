"""The sources of trade by name: what ``tradewedge data build source=...`` may be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError
from tradewedge.sources.trade import Trade


@dataclass(frozen=True)
class Source:
    """A format of trade files.

    Attributes
    ----------
    name : str
        Also that of its module, which has ``Options`` and ``read``.
    text : str
        What it is, in a line.
    """

    name: str
    text: str

    def options(self) -> type:
        """The dataclass of what it may be told."""
        kind: type = import_module(f"tradewedge.sources.{self.name}").Options
        return kind

    def read(self, path: Path, years: Sequence[int] | None, options: Mapping[str, Any]) -> Trade:
        """Read files of this format."""
        module = import_module(f"tradewedge.sources.{self.name}")
        made: Trade = module.read(path, years, module.Options(**options))
        return made


SOURCES: Final = (
    Source("baci", "CEPII BACI: a year's csv, or the zip of a release"),
    Source("comtrade", "UN Comtrade: downloads of today's site, of the API, or of before 2022"),
    Source("table", "a table of your own, in our columns or described in a YAML file"),
)


def source(name: str) -> Source:
    """The source of a name.

    Raises
    ------
    ConfigError
        If there is none, with the nearest.
    """
    named = {entry.name: entry for entry in SOURCES}
    if name not in named:
        near = nearest(name, named)
        raise ConfigError(
            f"no source {name!r}; nearest: {', '.join(near) or 'none'}. There are "
            f"{', '.join(named)}"
        )
    return named[name]
