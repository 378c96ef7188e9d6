"""A scenario: a named list of measures, in Python or in one YAML file, on a day or over time."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError
from tradewedge.policy import calendar, plaindata, scenariofile, timeline
from tradewedge.policy.checks import (
    HYPOTHETICAL,
    check_status,
    check_text,
    is_hypothetical,
)
from tradewedge.policy.measures import CODE_FIELDS, Measure
from tradewedge.policy.scenariochecks import check_measures, check_names, check_segments
from tradewedge.policy.timeline import OF_THE_DAY

_TEXTS = ("name", "description", "status", "source", "vintage", "coverage")
_TIMES = ("date", "law", "branch_date")
_KEYS = (*_TEXTS, "worlds", *_TIMES, "segments", "measures", "branches")


@dataclass(frozen=True)
class Scenario:
    """What changes, compared with the baseline.

    Attributes
    ----------
    name : str
        Identifies the scenario in every table.
    measures : sequence of Measure
        They act by priority, then as listed. None at all is the baseline.
    description, source : str
        What it is about, and where it is written down.
    status : str
        Its standing, for example ``"in force"``. ``"hypothetical"`` is shown wherever the
        scenario is named.
    vintage : str
        HS edition of the product codes in the measures (``"HS2022"``), translated to the
        world's; "" means that they are the world's own. Named lists know their edition.
    date : date or str, optional
        The day it is solved for, unless the call names another. A scenario whose measures have
        dates needs one.
    law : date or str, optional
        Statutory duties as of this day come first, and the measures act on top of them;
        ``"of the day"`` follows the scenario's day. Without it the law of the reference holds, or
        where there is none the duties of the data year.
    segments : mapping
        Importer to the shares of its segments, ``{"USA": {"defence": 0.05}}``: demand that a
        measure may name by itself. The rest stays with the importer.
    branches : mapping
        Name of each way on from ``branch_date``, and the measures that it adds. Those without a
        start begin on that date.
    branch_date : date or str, optional
    worlds : sequence of str
        Embedded worlds that the scenario is meant for.
    coverage : str
        How much of the policy's products those worlds hold.

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
    date: dt.date | str | None = None
    law: dt.date | str | None = None
    segments: Mapping[str, Mapping[str, float]] = field(default_factory=dict, hash=False)
    branches: Mapping[str, Sequence[Measure]] = field(default_factory=dict, hash=False)
    branch_date: dt.date | str | None = None
    worlds: Sequence[str] = ()
    coverage: str = ""

    def __post_init__(self) -> None:
        for key in _TEXTS:
            self._put(key, check_text(getattr(self, key), f"scenario: {key}"))
        if not self.name.strip():
            raise ConfigError("scenario: name is empty")
        check_status(self.status, self._at("status"))
        if self.vintage:
            self._put("vintage", check_vintage(self.vintage))
        self._put("worlds", check_names(self.worlds, self._at("worlds")))
        self._put("measures", check_measures(self.measures, self._at("measures")))
        for key in _TIMES:
            value = getattr(self, key)
            if value is not None and (key, value) != ("law", OF_THE_DAY):
                self._put(key, calendar.check_date(value, self._at(key)))
        self._put("segments", check_segments(self.segments, self._at("segments")))
        self._check_branches()

    def _check_branches(self) -> None:
        where = self._at("branches")
        given = plaindata.check_mapping(self.branches, where)
        if bool(given) != (self.branch_date is not None):
            raise ConfigError(
                f"{where} and branch_date go together: the ways on, and the day they part"
            )
        branches = {}
        for name, measures in given.items():
            if not isinstance(name, str) or not name.strip():
                raise ConfigError(f"{where}: the name of a branch must be text, not {name!r}")
            branches[name] = tuple(
                self._from_branch_date(measure, f"{where}: {name}")
                for measure in check_measures(measures, f"{where}: {name}")
            )
        self._put("branches", branches)

    def _from_branch_date(self, measure: Measure, where: str) -> Measure:
        if measure.start is None:
            return replace(measure, start=self.branch_date)
        if str(measure.start) < str(self.branch_date):
            raise ConfigError(
                f"{where}: {measure.kind} starts on {measure.start}, before the branches part on "
                f"{self.branch_date}; put it under measures"
            )
        return measure

    @property
    def hypothetical(self) -> bool:
        """Whether the scenario, or a measure of it or of a branch, is hypothetical."""
        every = [*self.measures, *(m for branch in self.branches.values() for m in branch)]
        return is_hypothetical(self.status) or any(measure.hypothetical for measure in every)

    @property
    def title(self) -> str:
        """The name, marked where the scenario is hypothetical."""
        return f"{self.name} ({HYPOTHETICAL})" if self.hypothetical else self.name

    def __str__(self) -> str:
        lines = [self.title + (f": {self.description}" if self.description else "")]
        lines += [_with_dates(measure) for measure in self.measures]
        for name, measures in self.branches.items():
            lines.append(f"from {self.branch_date}, {name}:")
            lines += [f"  {_with_dates(measure)}" for measure in measures]
        return "\n  ".join(lines)

    @property
    def dated(self) -> bool:
        """Whether what the scenario does depends on the day."""
        return timeline.is_dated(self)

    def at(self, day: dt.date | str) -> "Scenario":
        """The scenario of one day, named ``name@2026-01-20``.

        Measures that do not hold that day are left out; those that grow until a later day have
        grown so far.

        Parameters
        ----------
        day : date or str

        Raises
        ------
        ConfigError
            From ``branch_date`` on: choose a :meth:`branch` first. For the scenario of another
            day: what it left out is gone.
        """
        return timeline.at(self, day)

    def of_its_day(self) -> "Scenario":
        """The scenario as it is solved: that of ``date`` where something in it has dates.

        Raises
        ------
        ConfigError
            If it needs a date and has none; as :meth:`at`.
        """
        return timeline.of_its_day(self)

    def states(self, day: dt.date | str | None = None) -> tuple["Scenario", ...]:
        """What there is to solve on a day: one scenario, or from ``branch_date`` on one per branch.

        Parameters
        ----------
        day : date or str, optional
            Default: ``date``; a scenario without any dates then stays as it is.

        Raises
        ------
        ConfigError
            If it needs a date and has none.
        """
        return timeline.states(self, day)

    def on_law_of(self, reference: "Scenario | None") -> "Scenario":
        """The scenario on the law that its reference stands on, unless it names one itself.

        Otherwise a comparison would show the change of law as an effect of the policy.
        """
        if self.law is not None or reference is None or reference.law is None:
            return self
        return replace(self, law=reference.law)

    def branch(self, name: str) -> "Scenario":
        """One way on from ``branch_date``: the measures and those of the branch.

        Its name is that of the scenario, a slash, and ``name``.

        Raises
        ------
        ConfigError
            If there is no such branch.
        """
        return timeline.branch(self, name)

    def all_branches(self) -> tuple["Scenario", ...]:
        """Every branch, in the order listed; the scenario itself where there is none."""
        return timeline.all_branches(self)

    def path(self, dates: Iterable[dt.date | str] | None = None) -> tuple["Scenario", ...]:
        """The scenario on several days, in order of time; from ``branch_date`` on every branch.

        Parameters
        ----------
        dates : iterable of date or str, optional
            Default: every day on which a measure begins, ends, is suspended, comes back or is
            fully grown, and the branch date; with ``law="of the day"`` also those from 2025 on
            on which the law changes.

        Raises
        ------
        ConfigError
            If no date is given and nothing has one.
        """
        return timeline.path(self, dates)

    def _at(self, key: str) -> str:
        return f"scenario {self.name!r}: {key}"

    def _put(self, key: str, value: object) -> None:
        object.__setattr__(self, key, value)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "scenario") -> "Scenario":
        """Build a scenario from plain data.

        Parameters
        ----------
        data : mapping
            ``name`` and, as far as wanted, the other attributes. ``measures`` is a list of
            mappings with ``kind`` and the arguments of that measure; ``branches`` maps names to
            such lists.
        where : str
            Put in front of error messages.

        Raises
        ------
        ConfigError
            For an unknown key or kind (with the nearest), a missing key, a wrong value.
        """
        data = plaindata.check_mapping(data, where)
        plaindata.check_keys(data, _KEYS, where)
        if "name" not in data:
            raise ConfigError(f"{where}: the key name is missing")
        arguments = dict(data)
        arguments["measures"] = plaindata.read_measures(
            data.get("measures", ()), f"{where}: measures"
        )
        branches = plaindata.check_mapping(data.get("branches", {}), f"{where}: branches")
        arguments["branches"] = {
            name: plaindata.read_measures(entries, f"{where}: branches: {name}")
            for name, entries in branches.items()
        }
        try:
            return cls(**arguments)
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
        data = {key: value for key in _KEYS if (value := getattr(self, key))}
        return {**plaindata.plain(data), "measures": plaindata.plain(self.measures)}

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


def law(day: dt.date | str) -> Scenario:
    """The law of a day as a scenario without measures, for ``solve(..., reference=...)``.

    Parameters
    ----------
    day : date or str
    """
    on = calendar.check_date(day, "law")
    return Scenario(f"law of {on}", law=on)


def _with_dates(measure: Measure) -> str:
    dates = calendar.text(*measure.window)
    return f"{measure.title}, {dates}" if dates else measure.title
