"""How a tariff measure changes the stack of duties: pure functions on tuples of ``Duty``.

Every function takes duties with ascending rows (see :func:`ordered`) and ascending ``rows``,
and returns new duties with ascending rows, at most one per authority.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tradewedge.duty import Duty
from tradewedge.policy.columns import constant

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def ordered(duties: Iterable[Duty]) -> tuple[Duty, ...]:
    """The same duties with ascending rows and one ``Duty`` per authority."""
    result: dict[str, Duty] = {}
    for duty in duties:
        if np.any(np.diff(duty.rows) < 0):
            order = np.argsort(duty.rows, kind="stable")
            duty = Duty(duty.authority, duty.rows[order], duty.rate[order])
        before = result.get(duty.authority)
        result[duty.authority] = duty if before is None else _sum(before, duty)
    return tuple(result.values())


def add(duties: tuple[Duty, ...], rows: Ints, rate: float, authority: str) -> tuple[Duty, ...]:
    """Put ``rate`` on top of what is in force on ``rows``, under ``authority``."""
    return put(duties, Duty(authority, rows, constant(rows.size, rate)))


def put(duties: tuple[Duty, ...], new: Duty) -> tuple[Duty, ...]:
    """Add a duty whose rate may differ between its rows."""
    if new.rows.size == 0:
        return duties
    if all(duty.authority != new.authority for duty in duties):
        return (*duties, new)
    return tuple(_sum(duty, new) if duty.authority == new.authority else duty for duty in duties)


def remove(duties: tuple[Duty, ...], rows: Ints) -> tuple[Duty, ...]:
    """Remove every duty on ``rows``."""
    kept = []
    for duty in duties:
        keep = ~_among(duty.rows, rows)
        kept.append(Duty(duty.authority, duty.rows[keep], duty.rate[keep]))
    return tuple(duty for duty in kept if duty.rows.size)


def replace(duties: tuple[Duty, ...], rows: Ints, rate: float, authority: str) -> tuple[Duty, ...]:
    """Remove every duty on ``rows``, then charge ``rate`` there under ``authority``."""
    return add(remove(duties, rows), rows, rate, authority)


def multiply(duties: tuple[Duty, ...], rows: Ints, factor: float) -> tuple[Duty, ...]:
    """Scale every duty on ``rows`` by ``factor``."""
    return tuple(
        Duty(
            duty.authority,
            duty.rows,
            np.where(_among(duty.rows, rows), duty.rate * factor, duty.rate),
        )
        for duty in duties
    )


def increase(duties: tuple[Duty, ...], base: Iterable[Duty]) -> tuple[Duty, ...]:
    """By how much each authority charges more than in ``base``, where it does."""
    before = {duty.authority: duty for duty in ordered(base)}
    found = []
    for duty in duties:
        more = duty
        if duty.authority in before:
            old = before[duty.authority]
            more = _sum(duty, Duty(old.authority, old.rows, -old.rate))
        above = more.rate > 0
        found.append(Duty(duty.authority, more.rows[above], more.rate[above]))
    return tuple(found)


def cut(duties: tuple[Duty, ...], part: Iterable[Duty], factor: Floats) -> tuple[Duty, ...]:
    """Scale ``part``, which is in ``duties``, by ``factor`` [F]."""
    for duty in part:
        less = duty.rate * (factor[duty.rows] - 1.0)
        hit = less < 0
        duties = put(duties, Duty(duty.authority, duty.rows[hit], less[hit]))
    return duties


def _sum(first: Duty, second: Duty) -> Duty:
    rows = np.union1d(first.rows, second.rows)
    rate = np.zeros(rows.size)
    for duty in (first, second):
        rate[np.searchsorted(rows, duty.rows)] += duty.rate
    return Duty(first.authority, rows, rate)


def _among(rows: Ints, others: Ints) -> NDArray[np.bool_]:
    """Which of the ascending ``rows`` are in the ascending ``others``."""
    if others.size == 0:
        return np.zeros(rows.size, dtype=bool)
    place = np.minimum(np.searchsorted(others, rows), others.size - 1)
    found: NDArray[np.bool_] = others[place] == rows
    return found
