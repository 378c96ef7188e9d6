"""Run the cases: one process per backend, so that a crash or a full GPU ends only its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tradewedge.bench.cases import TARGETS, Case, Effort, Skip
from tradewedge.errors import SolveError

Tell = Callable[[dict[str, Any]], object]
"""Takes events: ``start``, ``done``, ``failed``, each with the name of a case."""
Lines = Callable[[Sequence[str], Mapping[str, str]], Iterator[str]]
"""Runs a Python module with arguments and variables, yields what it prints."""

_GPU: Final = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
_CACHES: Final = ("NUMBA_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR", "CUPY_CACHE_DIR")
_TAIL: Final = 15
FORMAT: Final = 1
"""Of what is added to pytest-benchmark's JSON."""


@dataclass
class Ended(Exception):
    """A process that ended badly."""

    status: int
    said: str

    def __str__(self) -> str:
        last = (self.said.strip().splitlines() or ["without a word"])[-1]
        how = f"signal {-self.status}" if self.status < 0 else f"status {self.status}"
        return f"its process ended with {how}: {last.strip()[:300]}"


def lines_of(module: Sequence[str], variables: Mapping[str, str]) -> Iterator[str]:
    """Run ``python -m module...`` and yield what it prints, as it does.

    Raises
    ------
    Ended
        If its exit status is not 0.
    """
    with (
        TemporaryDirectory() as scratch,
        (Path(scratch) / "stderr").open("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(
            [sys.executable, "-m", *module],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **variables},
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        yield from process.stdout
        if process.wait():
            errors.seek(0)
            raise Ended(process.returncode, "\n".join(errors.read().splitlines()[-_TAIL:]))


def machine(lines: Lines = lines_of) -> dict[str, Any]:
    """What :mod:`.look` finds.

    Raises
    ------
    SolveError
        If that fails.
    """
    try:
        *_, last = lines(["tradewedge.bench.look"], _GPU)
        found: dict[str, Any] = json.loads(last)
    except (Ended, ValueError) as error:
        raise SolveError(f"cannot look at this machine: {error}") from error
    return found


def measure(
    cases: Sequence[Case], effort: Effort, tell: Tell, lines: Lines = lines_of
) -> tuple[list[dict[str, Any]], list[Skip]]:
    """Time all cases; return pytest-benchmark's documents, and what failed with the reason.

    Parameters
    ----------
    cases : sequence of Case
        Those of one backend follow each other.
    """
    documents: list[dict[str, Any]] = []
    failed: list[Skip] = []
    with TemporaryDirectory(prefix="tradewedge-bench-") as scratch:
        for (target, cold), group in groupby(cases, lambda case: (case.target, case.cold)):
            variables = dict(TARGETS[target].environment)
            if cold:
                variables |= {name: f"{scratch}/cold-{target}/{name}" for name in _CACHES}
            found, lost = _one_process(list(group), effort, Path(scratch), variables, tell, lines)
            documents += found
            failed += lost
    return documents, failed


def _one_process(
    cases: list[Case],
    effort: Effort,
    place: Path,
    variables: Mapping[str, str],
    tell: Tell,
    lines: Lines,
) -> tuple[list[dict[str, Any]], list[Skip]]:
    """Cases of one backend. A case that ends the process is given up, the others start over."""
    left = {case.name: case for case in cases}
    failed: dict[str, Skip] = {}
    plan, out = place / "plan.json", place / "out.json"
    while left:
        out.unlink(missing_ok=True)
        asked = {
            "cases": [asdict(case) for case in left.values()],
            "effort": asdict(effort),
            "place": str(place),
        }
        plan.write_text(json.dumps(asked), encoding="utf-8")
        at = next(iter(left))
        try:
            for line in lines(["tradewedge.bench.suite", str(plan), str(out)], variables):
                event = _event(line)
                if event is None or event["case"] not in left:
                    continue
                at = event["case"]
                if event["event"] == "failed":
                    failed[at] = Skip(left[at], event["reason"])
                tell(event)
        except Ended as end:
            failed[at] = Skip(left.pop(at), str(end))
            tell({"event": "failed", "case": at, "reason": str(end)})
            continue
        break
    found = [json.loads(out.read_text(encoding="utf-8"))] if left and out.is_file() else []
    return found, list(failed.values())


def _event(line: str) -> dict[str, Any] | None:
    """What a line says, if it is one of ours: libraries may print too."""
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event and "case" in event else None


def document(
    documents: Sequence[Mapping[str, Any]],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    skipped: Sequence[Skip],
    effort: Effort,
) -> dict[str, Any]:
    """One file that pytest-benchmark's own tools read, with what the report needs besides.

    Parameters
    ----------
    documents : sequence of mapping
        As pytest-benchmark wrote them, one per process.
    before, after : mapping
        The machine, at the start and at the end.
    """
    first = documents[0] if documents else {}
    return {
        "machine_info": dict(first.get("machine_info", {})),
        "commit_info": dict(first.get("commit_info", {})),
        "benchmarks": [entry for one in documents for entry in one["benchmarks"]],
        "datetime": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": first.get("version", ""),
        "tradewedge": {
            "format": FORMAT,
            "machine": dict(before),
            "after": {key: after[key] for key in ("load", "bandwidth")},
            "effort": asdict(effort),
            "skipped": [{**asdict(one.case), "reason": one.reason} for one in skipped],
        },
    }
