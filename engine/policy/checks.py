"""Checks of single values in measures and scenarios, before any world is known."""

import math
import numbers
from collections.abc import Iterable, Mapping, Set
from difflib import get_close_matches

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError

Codes = str | tuple[str, ...]

EVERYTHING = "*"
HYPOTHETICAL = "hypothetical"


def check_codes(value: object, where: str) -> Codes:
    """Check a code or list of codes: text only, nothing empty; lists become tuples.

    Raises
    ------
    ConfigError
        For anything that is not text, with what YAML probably did to it.
    """
    if isinstance(value, str):
        if not value.strip():
            raise ConfigError(f'{where} is empty; write a code, or "*" for everything')
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, Mapping | Set | bytes):
        codes = tuple(value)
        if not codes:
            raise ConfigError(f'{where} is an empty list; leave it out or write "*" for everything')
        for position, code in enumerate(codes):
            if not isinstance(code, str):
                raise ConfigError(not_a_code(code, f"{where}[{position}]"))
            check_codes(code, f"{where}[{position}]")
        return tuple(str(code) for code in codes)
    raise ConfigError(not_a_code(value, where))


def not_a_code(value: object, where: str, written: str | None = None) -> str:
    """Say that a code must be text, and what the value was before YAML read it.

    ``written`` is the text in the file where that is known; otherwise it is guessed.
    """
    message = f"{where} must be a code in quotes or a list of them, not {value!r}"
    if written is not None:
        return f'{message}: write "{written}", or YAML reads it as something else'
    if isinstance(value, bool):
        words = "YES, yes, on" if value else "NO, no, off"
        return f"{message}: YAML reads the unquoted words {words} so"
    if isinstance(value, int) and value >= 0:
        octal = f"0{value:o}"
        if len(octal) in (2, 4, 6):
            return (
                f'{message}: write "{value}", or "{octal}" if that is what stood there (YAML '
                "reads a number with a leading 0 as octal)"
            )
        return f'{message}: write "{value}"'
    return message


def check_text(value: object, where: str) -> str:
    """Text as such, else a :class:`ConfigError`."""
    if not isinstance(value, str):
        raise ConfigError(f"{where} must be text, not {value!r}; write it in quotes")
    return str(value)


def check_number(value: object, where: str) -> float:
    """A finite real number as ``float``, else a :class:`ConfigError`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        hint = "; write 25 % as 0.25" if isinstance(value, str) else ""
        raise ConfigError(f"{where} must be a number, not {value!r}{hint}")
    number = float(value)
    if not math.isfinite(number):
        raise ConfigError(f"{where} must be a finite number, not {number}")
    return number


def check_status(status: str, where: str) -> None:
    """Refuse a misspelt "hypothetical", which would hide that a number is invented."""
    first = status.strip().lower().split(" ")[0].strip(",;:.")
    if first != HYPOTHETICAL and get_close_matches(first, [HYPOTHETICAL], cutoff=0.8):
        raise ConfigError(f'{where} {status!r}: did you mean "{HYPOTHETICAL}"?')


def is_hypothetical(status: str | None) -> bool:
    """Whether a status begins with the word hypothetical."""
    return bool(status) and str(status).strip().lower().startswith(HYPOTHETICAL)


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" with the nearest of ``known``, or nothing."""
    near = nearest(str(word), known, 1)
    return f'; did you mean "{near[0]}"?' if near else ""
