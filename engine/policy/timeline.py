"""A scenario over time: its state on a day, its branches, the days on which it changes."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from tradewedge.errors import ConfigError
from tradewedge.policy import calendar
from tradewedge.policy.checks import did_you_mean
from tradewedge.policy.law.tables import law
from tradewedge.policy.measures import Measure

if TYPE_CHECKING:
    from tradewedge.policy.scenario import Scenario

#: Value of ``Scenario.law``: the law of the day that the scenario is solved for.
OF_THE_DAY = "of the day"
FIRST_OF_THE_LAW = dt.date(2025, 1, 1)
"""Changes of the law from here on are days of a path: the data of 2024 hold the ones before."""


def is_dated(scenario: "Scenario") -> bool:
    """Whether what the scenario does depends on the day."""
    return (
        bool(scenario.branches)
        or scenario.law == OF_THE_DAY
        or any(measure.dated for measure in scenario.measures)
    )


def at(scenario: "Scenario", day: dt.date | str) -> "Scenario":
    """See :meth:`Scenario.at`."""
    on = calendar.check_date(day, f"scenario {scenario.name!r}: day")
    if _is_of_one_day(scenario):
        if on == scenario.date:
            return scenario
        raise ConfigError(
            f"scenario {scenario.name!r} is that of one day and cannot be put on {on}; take .at "
            "of the one it was made from"
        )
    if _has_parted(scenario, on):
        raise ConfigError(
            f"scenario {scenario.name!r} parts on {scenario.branch_date}, so that there is no one "
            f"state of {on}: choose .branch(name) with one of {', '.join(scenario.branches)}, or "
            "use .path"
        )
    return replace(
        scenario,
        name=f"{scenario.name}@{on}",
        measures=[_grown(m, on) for m in scenario.measures if m.in_force(on)],
        date=on,
        law=on if scenario.law == OF_THE_DAY else scenario.law,
        branches={},
        branch_date=None,
    )


def states(scenario: "Scenario", day: dt.date | str | None) -> tuple["Scenario", ...]:
    """See :meth:`Scenario.states`."""
    if day is None and (not is_dated(scenario) or _is_of_one_day(scenario)):
        return (scenario,)
    return path(scenario, [_need_date(scenario) if day is None else day])


def of_its_day(scenario: "Scenario") -> "Scenario":
    """See :meth:`Scenario.of_its_day`."""
    if not is_dated(scenario) or _is_of_one_day(scenario):
        return scenario
    return at(scenario, _need_date(scenario))


def branch(scenario: "Scenario", name: str) -> "Scenario":
    """See :meth:`Scenario.branch`."""
    if name not in scenario.branches:
        known = ", ".join(scenario.branches) or "none"
        raise ConfigError(
            f"scenario {scenario.name!r} has no branch {name!r}; there are: {known}"
            + did_you_mean(name, scenario.branches)
        )
    return replace(
        scenario,
        name=f"{scenario.name}/{name}",
        measures=[*scenario.measures, *scenario.branches[name]],
        branches={},
        branch_date=None,
    )


def all_branches(scenario: "Scenario") -> tuple["Scenario", ...]:
    """See :meth:`Scenario.all_branches`."""
    return tuple(branch(scenario, name) for name in scenario.branches) or (scenario,)


def path(
    scenario: "Scenario", dates: Iterable[dt.date | str] | None = None
) -> tuple["Scenario", ...]:
    """See :meth:`Scenario.path`."""
    where = f"scenario {scenario.name!r}: path"
    if isinstance(dates, str):
        raise ConfigError(f"{where} takes a list of dates; write [{dates!r}]")
    days = changes(scenario) if dates is None else calendar.parse_dates(dates, where)
    if not days:
        raise ConfigError(f"{where}: nothing in it has a date; name the dates")
    return tuple(
        at(case, day)
        for day in days
        for case in (all_branches(scenario) if _has_parted(scenario, day) else (scenario,))
    )


def changes(scenario: "Scenario") -> tuple[dt.date, ...]:
    """Days on which the scenario does something else than the day before."""
    days = own_changes(scenario)
    if scenario.law == OF_THE_DAY:
        days = (*days, *(day for day in law().turns if day >= FIRST_OF_THE_LAW))
    return tuple(sorted(set(days)))


def own_changes(scenario: "Scenario") -> tuple[dt.date, ...]:
    """Those on which a measure of it does, or its branches part."""
    days: set[dt.date] = set()
    for measures in (scenario.measures, *scenario.branches.values()):
        for measure in measures:
            days.update(calendar.changes(*measure.window))
            if isinstance(measure.ramp_until, dt.date) and measure.in_force(measure.ramp_until):
                days.add(measure.ramp_until)
    if isinstance(scenario.branch_date, dt.date):
        days.add(scenario.branch_date)
    return tuple(sorted(days))


def _need_date(scenario: "Scenario") -> dt.date | str:
    if scenario.date is not None:
        return scenario.date
    days = ", ".join(str(day) for day in own_changes(scenario)[:4])
    raise ConfigError(
        f"what scenario {scenario.name!r} does depends on the day"
        + (f" (it changes on {days})" if days else "")
        + "; say which: solve(..., date=...), scenario.at(...), or its key date"
    )


def _is_of_one_day(scenario: "Scenario") -> bool:
    return scenario.date is not None and scenario.name.endswith(f"@{scenario.date}")


def _has_parted(scenario: "Scenario", on: dt.date) -> bool:
    return isinstance(scenario.branch_date, dt.date) and on >= scenario.branch_date


def _grown(measure: Measure, on: dt.date) -> Measure:
    """A measure that grows until a later day, as far as it has grown."""
    start, full = measure.start, measure.ramp_until
    if not (isinstance(start, dt.date) and isinstance(full, dt.date)):
        return measure
    return replace(measure.ramped(calendar.ramp_share(on, start, full)), ramp_until=None)
