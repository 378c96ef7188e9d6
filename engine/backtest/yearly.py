"""What was enacted, averaged over a year by days: annual trade knows no other dates."""

from calendar import isleap
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tradewedge.errors import ConfigError
from tradewedge.policy import Scenario
from tradewedge.policy.measures import (
    DemandShift,
    ExportTax,
    Measure,
    SupplyShift,
    Tariff,
    TradeCost,
)


@dataclass(frozen=True)
class Enacted:
    """A scenario as two years saw it.

    Attributes
    ----------
    base : Scenario
        The duties that already held in a part of the year before.
    change : Scenario
        What came on top of them until the year after.
    """

    base: Scenario
    change: Scenario


def enacted(scenario: Scenario, before: int, after: int) -> Enacted:
    """Average a scenario's measures over the days of two years, and take the difference.

    A duty of 25 % that began on 1 July counts as 12.6 %. Measures without dates hold in the year
    after and not in the year before.

    Raises
    ------
    ConfigError
        If a measure of a kind that has no average held in a part of a year, or nothing changed.
    """
    base, change = [], []
    for number, measure in enumerate(scenario.measures, start=1):
        where = f"scenario {scenario.name!r}, measure {number} ({measure.kind})"
        first = share_of_year(measure, before) if measure.dated else 0.0
        last = share_of_year(measure, after)
        if isinstance(measure, Tariff) and first > 0.0:
            base.append(_part(measure, first, 0.0, where))
        if first != last:
            change.append(_part(measure, last, first, where))
    if not change:
        raise ConfigError(
            f"scenario {scenario.name!r}: nothing differs between {before} and {after}; name "
            "other years, or measures that begin or end between them"
        )
    timeless = replace(scenario, date=None)
    return Enacted(replace(timeless, measures=base), replace(timeless, measures=change))


def share_of_year(measure: Measure, year: int) -> float:
    """Share of a year's days on which a measure holds."""
    days = 366 if isleap(year) else 365
    first = date(year, 1, 1)
    return sum(measure.in_force(first + timedelta(days=n)) for n in range(days)) / days


def _part(measure: Measure, share: float, less: float, where: str) -> Measure:
    """The undated measure whose effect is that of ``share`` of a year, less another share."""
    undated = replace(measure, start=None, end=None, suspended=())
    match undated:
        case Tariff(mode="add"):
            return replace(undated, rate=undated.rate * (share - less))
        case ExportTax():
            return replace(undated, rate=undated.rate * (share - less))
        case TradeCost() | SupplyShift(factor=float()) | DemandShift():
            assert undated.factor is not None  # as the pattern says
            return replace(undated, factor=_mean(undated.factor, share, less))
    if (share, less) != (1.0, 0.0):
        raise ConfigError(
            f"{where} holds in a part of a year and cannot be averaged over it: leave out its "
            "dates, or take years in which it holds throughout or not at all"
        )
    return undated


def _mean(factor: float, share: float, less: float) -> float:
    return (1.0 + (factor - 1.0) * share) / (1.0 + (factor - 1.0) * less)
