"""Dates of a policy: when it holds, when it is suspended, how far a ramp has got.

Days are whole days and both ends of every window belong to it: a measure with ``end`` 10 November
2026 still holds on that day, and one suspended until that day snaps back on the 11th.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from tradewedge.errors import ConfigError

Window = tuple[date, date | None]
"""First and last day; None is without end."""

_FORM = 'write it as "2026-01-20"'
_DAY = timedelta(days=1)

# Logistic scales between the middle of a ramp and either end: 0.7 % is cut off at each.
_RAMP_SCALES = 5.0


def check_date(value: object, where: str) -> date:
    """Turn a date or ISO text into a :class:`datetime.date`.

    Raises
    ------
    ConfigError
        For anything else, a time of day included.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            raise ConfigError(f"{where}: {value!r} is no date; {_FORM}") from None
    raise ConfigError(f"{where} must be a date, not {value!r}; {_FORM}")


def check_windows(value: object, where: str) -> tuple[Window, ...]:
    """Check a list of (first day, last day) pairs; a last day of None is without end.

    Raises
    ------
    ConfigError
        For anything that is no such list, a window that ends before it begins, or two windows
        that share a day.
    """
    shape = f"{where} is a list of [first day, last day]"
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigError(f"{shape}, not {value!r}")
    pairs = list(value)
    if len(pairs) == 2 and not any(isinstance(pair, list | tuple) for pair in pairs):
        raise ConfigError(f"{shape}, not one pair: write [[{pairs[0]}, {pairs[1]}]]")
    windows: list[Window] = []
    for position, pair in enumerate(pairs):
        at = f"{where}[{position}]"
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise ConfigError(f"{at} is a pair [first day, last day], not {pair!r}")
        first = check_date(pair[0], f"{at}: first day")
        last = None if pair[1] is None else check_date(pair[1], f"{at}: last day")
        if last is not None and last < first:
            raise ConfigError(f"{at} ends on {last}, before it begins on {first}")
        windows.append((first, last))
    windows.sort(key=lambda window: window[0])
    for (first, last), (following, _) in pairwise(windows):
        if last is None or following <= last:
            raise ConfigError(f"{where}: the windows from {first} and from {following} overlap")
    return tuple(windows)


def holds(on: date, start: date | None, end: date | None, suspended: Sequence[Window] = ()) -> bool:
    """Whether something in force from ``start`` to ``end`` holds on a day; None is open."""
    if (start is not None and on < start) or (end is not None and on > end):
        return False
    return not any(first <= on and (last is None or on <= last) for first, last in suspended)


def changes(
    start: date | None, end: date | None, suspended: Sequence[Window] = ()
) -> tuple[date, ...]:
    """Days on which something begins, stops or comes back, ascending.

    Each is the first day of the new state: the day after ``end``, the day after a suspension.
    """
    days = {start} if start is not None else set()
    if end is not None:
        days.add(end + _DAY)
    for first, last in suspended:
        days.add(first)
        if last is not None:
            days.add(last + _DAY)
    return tuple(
        day
        for day in sorted(days)
        if holds(day, start, end, suspended) != holds(day - _DAY, start, end, suspended)
    )


def text(start: date | None, end: date | None, suspended: Sequence[Window] = ()) -> str:
    """Dates in words: "from 2024-12-03, suspended 2025-11-09 to 2026-11-27"; "" without any."""
    words = [] if start is None else [f"from {start}"]
    if end is not None:
        words.append(f"until {end}")
    for first, last in suspended:
        words.append(f"suspended {first} to {last or 'further notice'}")
    return ", ".join(words)


def ramp_share(on: date, start: date, full: date) -> float:
    """Share of a new capacity that works on a day, between 0 and 1.

    The logistic curve ``1 / (1 + exp(-(t - t0) / r))`` with t0 half-way from ``start`` to ``full``
    and r a tenth of that time, stretched by 1.4 % so that it is 0 on ``start`` and 1 on ``full``.

    Raises
    ------
    ConfigError
        If ``full`` is not after ``start``.
    """
    if full <= start:
        raise ConfigError(f"a ramp that starts on {start} cannot be full on {full}")
    if on <= start:
        return 0.0
    if on >= full:
        return 1.0
    place = ((on - start) - (full - on)) / (full - start)
    # The logistic function is (1 + tanh(x / 2)) / 2.
    return 0.5 + 0.5 * math.tanh(place * _RAMP_SCALES / 2) / math.tanh(_RAMP_SCALES / 2)


def parse_dates(values: Iterable[object], where: str) -> tuple[date, ...]:
    """Check dates and sort them; a date given twice counts once."""
    return tuple(sorted({check_date(value, where) for value in values}))
