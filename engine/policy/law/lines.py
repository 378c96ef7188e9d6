"""Which lines a product has, what they weigh, and the checks on what a user asks."""

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np

from tradewedge import codes
from tradewedge.errors import ConfigError, DataError
from tradewedge.policy.law.stacking import Floats, Ints
from tradewedge.policy.law.tables import Law

IMPORTER: Final = "USA"
EUROPEAN_UNION: Final = "EU27"
#: First day that the tables describe.
FIRST_DAY: Final = date(2022, 1, 1)


def as_date(on: date | str) -> date:
    """Read an ISO date.

    Raises
    ------
    ConfigError
        If it is none, or lies before the tables begin.
    """
    try:
        day = date.fromisoformat(on) if isinstance(on, str) else on
    except ValueError:
        raise ConfigError(f"date {on!r}: write it as 2026-01-20") from None
    return check_day(day)


def check_day(day: date) -> date:
    """Refuse a day before the tables begin, of which they would tell a law that never was.

    Raises
    ------
    ConfigError
    """
    if day < FIRST_DAY:
        raise ConfigError(f"date {day}: the shipped law begins on {FIRST_DAY}")
    return day


def partner_of(origin: str) -> str:
    """The partner of the import weights that an origin belongs to."""
    return EUROPEAN_UNION if origin in codes.group_members(EUROPEAN_UNION) else origin


def origin_of(exporter: str) -> str:
    """Check the code of an origin: a country or EU27."""
    if exporter == EUROPEAN_UNION:
        return exporter
    return codes.check_country(exporter, "exporter")


def lines_of(rules: Law, product: str) -> Ints:
    """Ten-digit lines of an HS6, HTS8 or HTS10 code; dots are allowed.

    Raises
    ------
    ConfigError
        If it is no such code.
    DataError
        If the US tariff has no such line.
    """
    code = product.replace(".", "")
    if not (code.isdigit() and len(code) in (6, 8, 10)):
        raise ConfigError(f"product {code!r}: an HS6, HTS8 or HTS10 code is needed")
    first, last = rules.below(code)
    if first == last:
        near = codes.nearest(code, tuple(sorted({c[: len(code)] for c in rules.hs10})))
        raise DataError(
            f"product {code!r} has no line in the US tariff (HS2022); nearest: {', '.join(near)}"
        )
    return np.arange(first, last, dtype=np.int64)


def check_scopes(rules: Law, in_scope: Mapping[str, float] | None) -> None:
    """Check the lists and shares that a user sets; errors name the nearest lists."""
    for name, share in (in_scope or {}).items():
        if name not in rules.scopes:
            near = codes.nearest(name, tuple(rules.scopes))
            raise ConfigError(f"in_scope: unknown list {name!r}; nearest: {', '.join(near)}")
        if not 0.0 <= share <= 1.0:
            raise ConfigError(f"in_scope: {name} must lie between 0 and 1, got {share}")


def line_weights(rules: Law, lines: Ints, partner: str) -> tuple[Floats, Floats, str]:
    """Weights of lines that sum to 1, the values behind them, and whose imports they are."""
    if lines.size == 1:
        own = _values(rules, lines, partner)
        return np.ones(1), own, "one line"
    for name, who in (("own imports", partner), ("all partners", None)):
        value = _values(rules, lines, who)
        if value.sum() > 0:
            return value / value.sum(), value, name
    return np.full(lines.size, 1 / lines.size), np.zeros(lines.size), "simple mean"


def _values(rules: Law, lines: Ints, partner: str | None) -> Floats:
    if partner is None:
        return rules.imports_of_all[lines]
    return rules.imports.at(lines, (partner,), np.zeros_like(lines))
