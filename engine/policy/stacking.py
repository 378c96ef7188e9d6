"""How a tariff measure changes the stack of duties: pure functions on tuples of ``Duty``.

Every function takes duties with ascending rows (see :func:`ordered`) and ascending ``rows``,
and returns new duties with ascending rows, at most one per authority.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tradewedge.duty import Duty

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
    if rows.size == 0:
        return duties
    new = Duty(authority, rows, np.full(rows.size, rate))
    if all(duty.authority != authority for duty in duties):
        return (*duties, new)
    return tuple(_sum(duty, new) if duty.authority == authority else duty for duty in duties)


def replace(duties: tuple[Duty, ...], rows: Ints, rate: float, authority: str) -> tuple[Duty, ...]:
    """Remove every duty on ``rows``, then charge ``rate`` there under ``authority``."""
    kept = []
    for duty in duties:
        keep = ~_among(duty.rows, rows)
        kept.append(Duty(duty.authority, duty.rows[keep], duty.rate[keep]))
    return add(tuple(duty for duty in kept if duty.rows.size), rows, rate, authority)


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
