"""What a configuration says of tariffs, as parts of a plan."""

from datetime import date
from typing import Any, Literal

from tradewedge.build.plan import Charged, UsLaw
from tradewedge.errors import ConfigError

Preference = Literal["average", "claimed", "none"]


def us_law(on: Any, preference: Preference, in_scope: Any) -> UsLaw | None:
    """The law of a day or a year; None where neither is told.

    Parameters
    ----------
    on : date, int, str or None
        YAML may have made a date or a number of it already.
    preference : {"average", "claimed", "none"}
    in_scope : mapping or None

    Raises
    ------
    ConfigError
        For what is no day or year, or shares that are none; for either of the others alone.
    """
    if on is None:
        if in_scope is not None or preference != UsLaw.preference:
            raise ConfigError("us_law needs us_law.date, such as us_law.date=2026-01-20")
        return None
    text = str(on)
    try:
        day = int(text) if text.isdecimal() else date.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"us_law.date takes a day or a year, as us_law.date=2026-01-20, not {text!r}"
        ) from None
    scopes = {} if in_scope is None else in_scope
    if not isinstance(scopes, dict) or not all(isinstance(s, int | float) for s in scopes.values()):
        raise ConfigError(
            "us_law.in_scope takes lists and shares, as 'us_law.in_scope={s232_auto_parts: 0.5}', "
            f"not {scopes!r}"
        )
    return UsLaw(day, preference, {str(name): float(share) for name, share in scopes.items()})


def charged(path: str | None, year: int | None) -> Charged | None:
    """What the world's tariffs are compared with; None where nothing is told.

    Raises
    ------
    ConfigError
        For a year alone.
    """
    if path is None:
        if year is not None:
            raise ConfigError("charged.year needs charged.path")
        return None
    return Charged(path, year)


def tariff_options(given: Any) -> dict[str, dict[str, Any]]:
    """What sources of tariffs are told, by name.

    Raises
    ------
    ConfigError
        If it is no mapping of mappings.
    """
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(told, dict) for told in given.values()):
        raise ConfigError(
            "tariff_options takes sources and what they are told, such as 'tariff_options={wto: "
            f"{{vintage: HS2022}}}}', not {given!r}"
        )
    return {
        str(name): {str(key): value for key, value in told.items()} for name, told in given.items()
    }
