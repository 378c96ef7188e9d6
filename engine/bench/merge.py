"""From the JSON files of one or several machines to what a report is made of."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from tradewedge.bench.cases import Case, Skip
from tradewedge.bench.launch import FORMAT
from tradewedge.bench.roofline import fraction
from tradewedge.errors import DataError

_CASE_FIELDS: Final = tuple(f.name for f in fields(Case))


@dataclass(frozen=True)
class Machine:
    """Where measurements were taken.

    Attributes
    ----------
    label : str
        Its processor and GPUs; numbered where two files have the same.
    about : mapping
        What :mod:`.look` found.
    load : (float or None, float or None)
        Running processes, mean of a minute, before and after.
    bandwidth : mapping
        ``cpu`` and ``gpu`` → place → bytes per second: the better of before and after.
    drift : float
        Largest over smallest bandwidth from memory of the two.
    when : str
    """

    label: str
    about: Mapping[str, Any]
    load: tuple[float | None, float | None]
    bandwidth: Mapping[str, Mapping[str, float]]
    drift: float
    when: str


@dataclass(frozen=True)
class Measurement:
    """One case on one machine.

    Attributes
    ----------
    machine : Machine
    case : Case
        With the world's own sizes, also for an embedded one.
    flows : int
    seconds, spread : float
        Median of the rounds; interquartile range over median.
    rounds : int
    prepare, first : float
        Seconds of laying out the world, where this case was the first on it, and of the first
        solve.
    residual, tolerance : float
        Largest residual, and what was asked for.
    error_bound, apart : float or None
        Largest proven bound on log prices; largest difference from the CPU kernel's log prices.
    unsolved : int
        Products (times scenarios) that did not converge.
    iterations : float
        Mean over products and scenarios.
    bytes_once, bytes_swept : int
        See :class:`.roofline.Traffic`, over all scenarios.
    phases : mapping or None
        ``compile``, ``transfer``, ``device``, ``host`` → seconds of one solve with a clock.
    """

    machine: Machine = field(repr=False)
    case: Case
    flows: int
    seconds: float
    spread: float
    rounds: int
    prepare: float
    first: float
    residual: float
    tolerance: float
    error_bound: float | None
    apart: float | None
    unsolved: int
    iterations: float
    bytes_once: int
    bytes_swept: int
    phases: Mapping[str, float] | None

    @property
    def work(self) -> float:
        """Flows times scenarios."""
        return float(self.flows * self.case.scenarios)

    @property
    def solved(self) -> bool:
        """Whether every product reached the tolerance."""
        return self.unsolved == 0 and self.residual <= self.tolerance

    @property
    def of_memory(self) -> float | None:
        """Share of the memory's bandwidth that reading inputs once would take in this time."""
        return fraction(self.bytes_once, self.seconds, self._bandwidth("memory"))

    @property
    def of_cache(self) -> float | None:
        """Share of the cache's bandwidth that the sweeps' reads take."""
        return fraction(self.bytes_swept, self.seconds, self._bandwidth("cache"))

    def _bandwidth(self, place: str) -> float | None:
        device = "gpu" if self.case.target in ("cupy", "jax-gpu") else "cpu"
        return self.machine.bandwidth.get(device, {}).get(place)


@dataclass(frozen=True)
class Merged:
    """All that the files say."""

    machines: tuple[Machine, ...]
    measurements: tuple[Measurement, ...]
    skipped: tuple[tuple[Machine, Skip], ...]

    @property
    def warm(self) -> tuple[Measurement, ...]:
        """All but the first solves with empty caches."""
        return tuple(m for m in self.measurements if not m.case.cold)

    @property
    def cold(self) -> tuple[Measurement, ...]:
        """The first solves with empty caches."""
        return tuple(m for m in self.measurements if m.case.cold)


def speed_up(one: Measurement, against: Measurement | None) -> float | None:
    """How many times faster ``one`` is; None unless both solved the same to the same tolerance."""
    if against is None or one.case.work != against.case.work:
        return None
    equal = one.tolerance == against.tolerance and one.flows == against.flows
    return against.seconds / one.seconds if equal and one.solved and against.solved else None


def on_cpu(merged: Merged, one: Measurement) -> Measurement | None:
    """The CPU kernel's measurement of the same case on the same machine."""
    for other in merged.warm:
        same = other.machine is one.machine and other.case.work == one.case.work
        if same and other.case.target == "cpu":
            return other
    return None


def read(path: Path) -> dict[str, Any]:
    """Read one file that ``tradewedge bench`` wrote.

    Raises
    ------
    DataError
        If it is something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict) or "tradewedge" not in found or "benchmarks" not in found:
        raise DataError(
            f"{path} was not written by `tradewedge bench`: merge takes the bench.json of its "
            "directories"
        )
    if found["tradewedge"].get("format") != FORMAT:
        raise DataError(
            f"{path} has format {found['tradewedge'].get('format')}, this version reads {FORMAT}"
        )
    return found


def merge(documents: Sequence[Mapping[str, Any]]) -> Merged:
    """Put documents together, each of which is one machine.

    Raises
    ------
    DataError
        If a document lacks something.
    """
    try:
        machines = _machines(documents)
        measurements = [
            _measurement(machine, entry)
            for machine, one in zip(machines, documents, strict=True)
            for entry in one["benchmarks"]
        ]
        skipped = [
            (machine, Skip(_case(entry), entry["reason"]))
            for machine, one in zip(machines, documents, strict=True)
            for entry in one["tradewedge"]["skipped"]
        ]
    except (KeyError, TypeError) as error:
        raise DataError(f"a file of timings is incomplete: {error!r}") from error
    return Merged(tuple(machines), tuple(measurements), tuple(skipped))


def _machines(documents: Sequence[Mapping[str, Any]]) -> list[Machine]:
    labels: list[str] = []
    for one in documents:
        label = _label(one["tradewedge"]["machine"])
        same = sum(known.partition(" #")[0] == label for known in labels)
        labels.append(f"{label} #{same + 1}" if same else label)
    return [_machine(label, one) for label, one in zip(labels, documents, strict=True)]


def _label(about: Mapping[str, Any]) -> str:
    cores = f"{about['cores']} core{'' if about['cores'] == 1 else 's'}"
    names = [f"{about['processor']} ({cores})", *(gpu["name"] for gpu in about["gpus"])]
    return ", ".join(dict.fromkeys(names))


def _machine(label: str, one: Mapping[str, Any]) -> Machine:
    own = one["tradewedge"]
    before, after = own["machine"]["bandwidth"], own["after"]["bandwidth"]
    best = {
        device: {
            place: max(speed, after.get(device, {}).get(place, 0.0)) for place, speed in at.items()
        }
        for device, at in before.items()
    }
    pair = [speeds["cpu"]["memory"] for speeds in (before, after) if "cpu" in speeds]
    return Machine(
        label=label,
        about=own["machine"],
        load=(own["machine"]["load"], own["after"]["load"]),
        bandwidth=best,
        drift=max(pair) / min(pair) if pair else 1.0,
        when=one["datetime"],
    )


def _case(entry: Mapping[str, Any]) -> Case:
    return Case(**{name: entry[name] for name in _CASE_FIELDS})


def _measurement(machine: Machine, entry: Mapping[str, Any]) -> Measurement:
    own, stats = entry["extra_info"], entry["stats"]
    return Measurement(
        machine=machine,
        case=_case(own),
        flows=own["flows"],
        seconds=stats["median"],
        spread=stats["iqr"] / stats["median"],
        rounds=stats["rounds"],
        prepare=own["prepare"],
        first=own["first"],
        residual=own["residual"],
        tolerance=own["tolerance"],
        error_bound=own["error_bound"],
        apart=own["apart"],
        unsolved=own["unsolved"],
        iterations=own["iterations_mean"],
        bytes_once=own["bytes_once"],
        bytes_swept=own["bytes_swept"],
        phases=own["phases"],
    )
