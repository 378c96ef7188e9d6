"""Measures from and to plain data: mappings, lists, text, numbers."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from tradewedge.errors import ConfigError
from tradewedge.policy.checks import did_you_mean
from tradewedge.policy.measures import MEASURES, Measure


def read_measures(entries: object, where: str) -> tuple[Measure, ...]:
    """Build measures from a list of mappings with ``kind`` and the arguments of that kind.

    Raises
    ------
    ConfigError
        With the place of the entry: for what is no such list, an unknown key or kind (with the
        nearest), a missing argument, a wrong value.
    """
    if isinstance(entries, str | Mapping) or not isinstance(entries, Sequence):
        raise ConfigError(f"{where} is a list of mappings, not {entries!r}")
    return tuple(_measure(entry, f"{where}[{n}]") for n, entry in enumerate(entries))


def plain(value: Any) -> Any:
    """Lists for tuples, ISO text for dates, mappings with ``kind`` for measures."""
    if isinstance(value, Measure):
        changed = {
            field.name: getattr(value, field.name)
            for field in fields(value)
            if field.default is MISSING or getattr(value, field.name) != field.default
        }
        return {"kind": value.kind, **plain(changed)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def check_mapping(value: object, where: str) -> Mapping[str, Any]:
    """A mapping as such, else a :class:`ConfigError`."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys to values, not {value!r}")
    return value


def check_keys(data: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Refuse a key that is not known, with the nearest."""
    for key in data:
        if key not in known:
            raise ConfigError(
                f"{where}: unknown key {key!r}; allowed are {', '.join(known)}"
                + did_you_mean(key, known)
            )


def _measure(entry: object, where: str) -> Measure:
    arguments = dict(check_mapping(entry, where))
    kind = arguments.pop("kind", None)
    if kind is None:
        raise ConfigError(f"{where}: the key kind is missing; it is one of {', '.join(MEASURES)}")
    if not isinstance(kind, str) or kind not in MEASURES:
        raise ConfigError(
            f"{where}: unknown kind {kind!r}; use one of {', '.join(MEASURES)}"
            + did_you_mean(kind, MEASURES)
        )
    cls = MEASURES[kind]
    check_keys(arguments, [field.name for field in fields(cls)], f"{where} ({kind})")
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
