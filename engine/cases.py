"""The scenarios that a run names: shipped or in files, changed on the way, on their day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError
from tradewedge.policy import Scenario
from tradewedge.policy.scenario import law
from tradewedge.solver import one_state

#: Value of ``dates``: every day on which something in a scenario changes.
CHANGES = "changes"


@dataclass(frozen=True)
class Case:
    """A scenario of a run.

    Attributes
    ----------
    scenario : Scenario
    changes : tuple of str
        Where it differs from what ships under its name, such as ``rate=0.5``.
    """

    scenario: Scenario
    changes: tuple[str, ...] = ()


def shipped_scenarios() -> tuple[Scenario, ...]:
    """Read every scenario under ``conf/scenario``, by name."""
    folder = files("tradewedge.conf") / "scenario"
    texts = [f.read_text(encoding="utf-8") for f in folder.iterdir() if f.name.endswith(".yaml")]
    return tuple(sorted(map(Scenario.from_yaml, texts), key=lambda scenario: scenario.name))


def named_cases(
    group: Mapping[str, Any], paths: Sequence[str], changes: Mapping[str, Any]
) -> tuple[Case, ...]:
    """Scenarios of the Hydra group, then those of the files.

    Parameters
    ----------
    group : mapping
        Name -> scenario, with what was changed in it.
    paths : sequence of str
    changes : mapping
        Name of a scenario in a file -> values to change in it; lists by number, counted from 0.

    Raises
    ------
    ConfigError
        If there is none, two have one name, or one cannot be read.
    """
    if isinstance(group.get("measures"), list):
        raise ConfigError(
            "A scenario file taken in as a Hydra group option needs the first line "
            "'# @package scenario.NAME'. Without it, give its path: tradewedge run my.yaml."
        )
    found = [_from_group(key, body) for key, body in group.items()]
    of_files = [Scenario.from_yaml(_existing(path)) for path in paths]
    unknown = sorted(set(changes) - {scenario.name for scenario in of_files})
    if unknown:
        raise ConfigError(f"scenario_changes: no scenario file here is called {unknown[0]!r}.")
    found += [_changed(scenario, changes.get(scenario.name)) for scenario in of_files]
    if not found:
        raise ConfigError(
            "There is no scenario to solve. Name one (`tradewedge scenarios` lists them) with "
            "scenario=NAME, or give the path of a YAML file."
        )
    names = [case.scenario.name for case in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"Two scenarios have the same name: {', '.join(twice)}.")
    return tuple(found)


def _existing(path: str) -> Path:
    found = Path(path)
    if not found.is_file():
        raise ConfigError(f"scenario_files: there is no file {path}.")
    return found


def _from_group(key: str, body: Any) -> Case:
    """A scenario of the group; one that was changed on the way says so in its description."""
    if not isinstance(body, dict):
        raise ConfigError(f"scenario.{key} must be a scenario, not {body!r}.")
    scenario = Scenario.from_dict({"name": key, **body})
    file = files("tradewedge.conf") / "scenario" / f"{key}.yaml"
    if not file.is_file():
        return Case(scenario)
    before = Scenario.from_yaml(file.read_text(encoding="utf-8"))
    return _told(before, scenario, "As it ships")


def _changed(scenario: Scenario, change: Any) -> Case:
    """A scenario of a file with some of its values changed."""
    if not change:
        return Case(scenario)
    after = _merged(scenario.to_dict(), change, f"scenario.{scenario.name}")
    return _told(scenario, Scenario.from_dict(after), "As in its file")


def _merged(value: Any, change: Any, where: str) -> Any:
    """Plain data with some values changed; a list's by their numbers, counted from 0."""
    if not isinstance(change, Mapping) or not isinstance(value, Mapping | list):
        return change
    made = dict(value) if isinstance(value, Mapping) else dict(enumerate(value))
    for key, inside in change.items():
        place = key
        if isinstance(value, list):
            place = int(key) if str(key).isdigit() else -1
            if place not in made:
                raise ConfigError(
                    f"{where}.{key}: there is no such entry; the {len(value)} are counted from 0."
                )
        made[place] = _merged(made.get(place), inside, f"{where}.{key}")
    return made if isinstance(value, Mapping) else list(made.values())


def _told(before: Scenario, after: Scenario, how: str) -> Case:
    """A scenario that says in its description where it differs from another."""
    changes = tuple(_differences(before.to_dict(), after.to_dict()))
    if not changes:
        return Case(after)
    text = f"Changed on the command line: {', '.join(changes)}."
    if after.description == before.description:
        text += f" {how}: {after.description}" if after.description else ""
    return Case(replace(after, description=text), changes)


def _differences(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """What is another in ``after``, as ``rate=0.5`` or ``measure 2: rate=0.5``."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            if key in after:
                inside = "" if key == "measures" else f"{place}{key}"
                yield from _differences(before.get(key), after[key], inside)
            else:
                yield f"{place}{key} removed"
    elif _measures(before) and _measures(after) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True), start=1):
            inside = f"{place}: " if place else ""
            inside += f"measure {number}: " if len(before) > 1 else ""
            yield from _differences(old, new, inside)
    else:
        yield f"{place or 'measures'}={_short(after)}"


def _measures(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)


def _short(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "[" + ", ".join(value) + "]"
    return "other measures" if isinstance(value, list) else str(value)


def on_the_day(
    cases: Iterable[Case], date: str | None, dates: Any
) -> tuple[tuple[Scenario, ...], dict[str, tuple[str, ...]]]:
    """The scenarios on the day or days asked for, and by their names what was changed in them."""
    if date is not None and dates is not None:
        raise ConfigError("date and dates are both given: date is one day, dates are several.")
    if dates is not None and dates != CHANGES and not isinstance(dates, list):
        raise ConfigError(
            f"dates is a list such as [2026-01-20,2026-12-01], or the word {CHANGES}, not "
            f"{dates!r}."
        )
    found: list[Scenario] = []
    changes: dict[str, tuple[str, ...]] = {}
    for case in cases:
        if dates is None:
            states = case.scenario.states(date)
        else:
            states = case.scenario.path(None if dates == CHANGES else dates)
        found += states
        changes |= {state.name: case.changes for state in states if case.changes}
    return tuple(found), changes


def reference_case(asked: str | None, date: str | None) -> Scenario | None:
    """The law of a day, a scenario that ships, or one in a file."""
    if asked is None:
        return None
    if asked[:1].isdigit():
        return law(asked)
    shipped = {scenario.name: scenario for scenario in shipped_scenarios()}
    if asked in shipped:
        found = shipped[asked]
    elif Path(asked).is_file():
        found = Scenario.from_yaml(Path(asked))
    else:
        near = nearest(asked, list(shipped))
        raise ConfigError(
            f"reference: {asked!r} is no date, no shipped scenario and no file"
            + (f"; did you mean {near[0]}?" if near else ".")
        )
    return one_state(found, date)
