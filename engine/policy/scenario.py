"""A scenario: a named list of measures, in Python or in one YAML file."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError
from tradewedge.policy import scenariofile
from tradewedge.policy.checks import (
    HYPOTHETICAL,
    check_status,
    check_text,
    did_you_mean,
    is_hypothetical,
)
from tradewedge.policy.measures import CODE_FIELDS, MEASURES, Measure

_TEXTS = ("name", "description", "status", "source", "vintage")
_KEYS = (*_TEXTS, "measures")


@dataclass(frozen=True)
class Scenario:
    """What changes, compared with the baseline.

    Attributes
    ----------
    name : str
        Identifies the scenario in every table.
    measures : sequence of Measure
        Applied in order; none at all is the baseline.
    description, source : str
        What it is about, and where it is written down.
    status : str
        Its standing, for example ``"in force"``. ``"hypothetical"`` is shown wherever the
        scenario is named.
    vintage : str
        HS edition of the product codes in the measures (``"HS2022"``), translated to the
        world's; "" means that they are the world's own. Named lists know their edition.

    Raises
    ------
    ConfigError
        For a wrong type, an empty name, an unknown edition, or something in
        ``measures`` that is none.
    """

    name: str
    measures: Sequence[Measure] = ()
    description: str = ""
    source: str = ""
    status: str = ""
    vintage: str = ""

    def __post_init__(self) -> None:
        for key in _TEXTS:
            object.__setattr__(self, key, check_text(getattr(self, key), f"scenario: {key}"))
        if not self.name.strip():
            raise ConfigError("scenario: name is empty")
        check_status(self.status, f"scenario {self.name!r}: status")
        if self.vintage:
            object.__setattr__(self, "vintage", check_vintage(self.vintage))
        if isinstance(self.measures, Measure):
            raise ConfigError(
                f"scenario {self.name!r}: measures is a list; write [{self.measures.kind}(...)]"
            )
        object.__setattr__(self, "measures", tuple(self.measures))
        for position, measure in enumerate(self.measures):
            if not isinstance(measure, Measure):
                raise ConfigError(
                    f"scenario {self.name!r}: measures[{position}] is no measure: {measure!r}; "
                    f"use one of {', '.join(MEASURES)}"
                )

    @property
    def hypothetical(self) -> bool:
        """Whether the scenario or one of its measures is hypothetical."""
        return is_hypothetical(self.status) or any(m.hypothetical for m in self.measures)

    @property
    def title(self) -> str:
        """The name, marked where the scenario is hypothetical."""
        return f"{self.name} ({HYPOTHETICAL})" if self.hypothetical else self.name

    def __str__(self) -> str:
        lines = [self.title + (f": {self.description}" if self.description else "")]
        return "\n  ".join([*lines, *(measure.title for measure in self.measures)])

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "scenario") -> "Scenario":
        """Build a scenario from plain data.

        Parameters
        ----------
        data : mapping
            ``name``, optionally ``description``, ``status``, ``source``, ``vintage``, and
            ``measures``: a list of mappings with ``kind`` and the arguments of that measure.
        where : str
            Put in front of error messages.

        Raises
        ------
        ConfigError
            For an unknown key or kind (with the nearest), a missing key, a wrong value.
        """
        data = _mapping(data, where)
        _check_keys(data, _KEYS, where)
        if "name" not in data:
            raise ConfigError(f"{where}: the key name is missing")
        entries = data.get("measures", ())
        if isinstance(entries, str | Mapping) or not isinstance(entries, Sequence):
            raise ConfigError(f"{where}: measures is a list of mappings, not {entries!r}")
        measures = [
            _measure(entry, f"{where}: measures[{position}]")
            for position, entry in enumerate(entries)
        ]
        texts = {key: data[key] for key in _TEXTS if key in data}
        try:
            return cls(measures=measures, **texts)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None

    @classmethod
    def from_yaml(cls, source: str | Path) -> "Scenario":
        """Read a scenario from YAML.

        Parameters
        ----------
        source : str or Path
            A file; a ``str`` with a line break is the YAML text itself.

        Raises
        ------
        ConfigError
            As :meth:`from_dict`, with file and line; also for a file that cannot be read, YAML
            that does not parse, a key given twice, and a code that is not in quotes and that
            YAML therefore reads as a number, a date, true or false.
        """
        return cls.from_dict(*scenariofile.read(source, CODE_FIELDS))

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` turns back into an equal scenario."""
        data: dict[str, Any] = {key: text for key in _TEXTS if (text := getattr(self, key))}
        data["measures"] = [_measure_dict(measure) for measure in self.measures]
        return data

    def to_yaml(self, path: str | Path | None = None) -> str:
        """YAML text that :meth:`from_yaml` turns back into an equal scenario, codes in quotes.

        Parameters
        ----------
        path : str or Path, optional
            Also write the text to this file.
        """
        text = scenariofile.dump(self.to_dict())
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


def _measure(entry: object, where: str) -> Measure:
    arguments = dict(_mapping(entry, where))
    kind = arguments.pop("kind", None)
    if kind is None:
        raise ConfigError(f"{where}: the key kind is missing; it is one of {', '.join(MEASURES)}")
    if not isinstance(kind, str) or kind not in MEASURES:
        raise ConfigError(
            f"{where}: unknown kind {kind!r}; use one of {', '.join(MEASURES)}"
            + did_you_mean(kind, MEASURES)
        )
    cls = MEASURES[kind]
    _check_keys(arguments, [field.name for field in fields(cls)], f"{where} ({kind})")
    missing = [
        field.name
        for field in fields(cls)
        if field.default is MISSING and field.name not in arguments
    ]
    if missing:
        raise ConfigError(f"{where}: {kind} needs {' and '.join(missing)}")
    try:
        return cls(**arguments)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _measure_dict(measure: Measure) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": measure.kind}
    for field in fields(measure):
        value = getattr(measure, field.name)
        if field.default is MISSING or value != field.default:
            data[field.name] = list(value) if isinstance(value, tuple) else value
    return data


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys to values, not {value!r}")
    return value


def _check_keys(data: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in data:
        if key not in known:
            raise ConfigError(
                f"{where}: unknown key {key!r}; allowed are {', '.join(known)}"
                + did_you_mean(key, known)
            )
