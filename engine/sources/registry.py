"""The sources by name: what ``tradewedge data build`` may be told to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError


@dataclass(frozen=True)
class Source:
    """A format of files.

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

    def read(self, path: Path, years: Sequence[int] | None, options: Mapping[str, Any]) -> Any:
        """Read files of this format: a ``Trade``, ``Tariffs`` or ``Facts``.

        Raises
        ------
        ConfigError
            For an option that the format has not, besides what its module raises.
        """
        module = import_module(f"tradewedge.sources.{self.name}")
        allowed = [entry.name for entry in fields(module.Options)]
        strange = sorted(set(options) - set(allowed))
        if strange:
            told = ", ".join(allowed) or "none"
            raise ConfigError(f"{self.name} has no option {strange[0]!r}; it has {told}")
        return module.read(path, years, module.Options(**options))


SOURCES: Final = (
    Source("baci", "CEPII BACI: a year's csv, or the zip of a release"),
    Source("comtrade", "UN Comtrade: downloads of today's site, of the API, or of before 2022"),
    Source("census", "US imports by HS10 and partner with duties: answers of the Census API"),
    Source("icio", "OECD ICIO: sectors, home sales included; the official csv, or a long table"),
    Source("table", "a table of your own, in our columns or described in a YAML file"),
)


#: Sources of tariffs, which ``tariffs=NAME:PATH`` names.
TARIFFS: Final = (
    Source("usitc", "US tariff schedule: exports of hts.usitc.gov"),
    Source("dataweb", "US tariff database, by year: USITC DataWeb"),
    Source("trains", "tariffs of all countries: UNCTAD TRAINS through WITS"),
    Source("wto", "tariffs of WTO members: stats.wto.org"),
)


#: Sources of facts about countries, pairs and minerals: ``tradewedge data table NAME PATH``.
FACTS: Final = (
    Source("geodist", "CEPII GeoDist: distances and ties of pairs"),
    Source("gravity", "CEPII Gravity: covariates of pairs by year"),
    Source("worldbank", "World Bank: gross domestic product"),
    Source("usgs", "USGS Mineral Commodity Summaries: world production"),
    Source("mining", "World Mining Data: world production"),
)


def source(name: str, among: Sequence[Source] = SOURCES) -> Source:
    """The source of a name.

    Raises
    ------
    ConfigError
        If there is none, with the nearest.
    """
    named = {entry.name: entry for entry in among}
    if name not in named:
        near = nearest(name, named)
        raise ConfigError(
            f"no source {name!r}; nearest: {', '.join(near) or 'none'}. There are "
            f"{', '.join(named)}"
        )
    return named[name]
