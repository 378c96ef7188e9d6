"""An experiment: two years, what was enacted between them, and what to look at. Data, not code."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError
from tradewedge.policy import Scenario, plaindata, scenariofile
from tradewedge.policy.measure import CODE_FIELDS

_FOLDER: Final = "backtest"
_KEYS: Final = (
    "name",
    "title",
    "description",
    "before",
    "after",
    "training",
    "trained_by",
    "importers",
    "products",
    "scenarios",
    "unseen",
)
CODE_KEYS: Final = (*CODE_FIELDS, "importers")
_NEEDED: Final = ("name", "before", "after", "scenarios")

Year = int | str
"""A year of the embedded series, or the path of a saved world."""


@dataclass(frozen=True)
class Experiment:
    """What to predict and what to compare it with.

    Attributes
    ----------
    name, title, description : str
    before, after : int or str
        A year of the embedded series ``minerals``, or the path of a saved world.
    training : tuple of (int or str, int or str)
        Other pairs of years, from which the shrinkage of sigma is chosen; the pair that is
        compared never is among them.
    trained_by : str
        An experiment that ships: the shrinkage is chosen on its pairs instead.
    importers : tuple of str
        Whose imports are scored; empty: everybody's.
    products : tuple of str
        HS prefixes; empty: those that a measure touches.
    scenarios : tuple of Scenario
        What was enacted, in one or several representations. Measures with dates count for the
        share of a year in which they hold.
    unseen : tuple of str
        What happened that the model does not know.
    """

    name: str
    before: Year
    after: Year
    scenarios: tuple[Scenario, ...]
    title: str = ""
    description: str = ""
    training: tuple[tuple[Year, Year], ...] = ()
    trained_by: str = ""
    importers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pair in ((self.before, self.after), *self.training):
            if pair[0] == pair[1]:
                raise ConfigError(f"experiment {self.name!r}: {pair[0]} is compared with itself")
        if not self.scenarios:
            raise ConfigError(f"experiment {self.name!r} has no scenario: nothing to predict")
        names = [scenario.name for scenario in self.scenarios]
        if len(set(names)) < len(names):
            raise ConfigError(f"experiment {self.name!r}: two scenarios have the same name")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "experiment") -> "Experiment":
        """Check plain data and make an experiment of it.

        Raises
        ------
        ConfigError
            For unknown or missing keys, values of the wrong type, and everything that a
            scenario objects to.
        """
        given = plaindata.check_mapping(data, where)
        plaindata.check_keys(given, _KEYS, where)
        for key in _NEEDED:
            if given.get(key) is None:
                raise ConfigError(f"{where}: the key {key} is missing")
        return cls(
            name=_text(given["name"], f"{where}: name"),
            title=_text(given.get("title", ""), f"{where}: title"),
            description=_text(given.get("description", ""), f"{where}: description"),
            before=_year(given["before"], f"{where}: before"),
            after=_year(given["after"], f"{where}: after"),
            training=tuple(
                _pair(pair, f"{where}: training[{i}]")
                for i, pair in enumerate(_list(given.get("training", []), f"{where}: training"))
            ),
            trained_by=_text(given.get("trained_by", ""), f"{where}: trained_by"),
            importers=_texts(given.get("importers", []), f"{where}: importers"),
            products=_texts(given.get("products", []), f"{where}: products"),
            scenarios=tuple(
                Scenario.from_dict(one, f"{where}: scenarios[{i}]")
                for i, one in enumerate(_list(given["scenarios"], f"{where}: scenarios"))
            ),
            unseen=_texts(given.get("unseen", []), f"{where}: unseen"),
        )

    @classmethod
    def from_yaml(cls, source: str | Path) -> "Experiment":
        """Read an experiment from a YAML file, or from text that has a line break.

        Raises
        ------
        ConfigError
            As :meth:`from_dict`; also for a code that is not in quotes.
        """
        return cls.from_dict(*scenariofile.read(source, CODE_KEYS))

    def record(self) -> dict[str, Any]:
        """The experiment as plain data, which :meth:`from_dict` reads."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "before": self.before,
            "after": self.after,
            "training": [list(pair) for pair in self.training],
            "trained_by": self.trained_by,
            "importers": list(self.importers),
            "products": list(self.products),
            "scenarios": [scenario.to_dict() for scenario in self.scenarios],
            "unseen": list(self.unseen),
        }


def shipped() -> dict[str, str]:
    """Name of every experiment that ships, and its YAML text."""
    folder = files("tradewedge.data").joinpath(_FOLDER)
    return {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    }


def find(name: str) -> Experiment:
    """An experiment that ships, or that a YAML file holds.

    Raises
    ------
    ConfigError
        If there is none of that name; the nearest are named.
    """
    known = shipped()
    if name in known:
        return Experiment.from_yaml(known[name])
    if Path(name).suffix in (".yaml", ".yml"):
        return Experiment.from_yaml(name)
    near = nearest(name, known)
    raise ConfigError(
        f"no experiment {name!r}: there are {', '.join(known)}"
        + (f" (did you mean {near[0]}?)" if near else "")
        + ", or the path of a YAML file"
    )


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where} is text, not {value!r}")
    return " ".join(value.split())


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where} is a list, not {value!r}")
    return list(value)


def _texts(value: Any, where: str) -> tuple[str, ...]:
    return tuple(_text(item, f"{where}[{i}]") for i, item in enumerate(_list(value, where)))


def _year(value: Any, where: str) -> Year:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise ConfigError(f"{where} is a year or the path of a saved world, not {value!r}")
    return value


def _pair(value: Any, where: str) -> tuple[Year, Year]:
    years = _list(value, where)
    if len(years) != 2:
        raise ConfigError(f"{where} is a pair of years, not {value!r}")
    return _year(years[0], where), _year(years[1], where)
