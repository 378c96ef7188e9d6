"""Running the cases: processes, what they say, and what becomes of those that end badly."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tradewedge.bench import launch
from tradewedge.bench.cases import QUICK, Case
from tradewedge.errors import SolveError

Make = Callable[..., Any]


class Processes:
    """Stands in for the processes: runs every case in no time, crashes where told."""

    def __init__(self, make_entry: Make, crash: Sequence[str] = (), fail: Sequence[str] = ()):
        self.make_entry, self.crash, self.fail = make_entry, crash, fail
        self.started: list[tuple[list[str], dict[str, str]]] = []

    def __call__(self, module: Sequence[str], variables: Mapping[str, str]) -> Iterator[str]:
        name, plan, out = module
        assert name == "tradewedge.bench.suite"
        cases = [Case(**one) for one in json.loads(Path(plan).read_text())["cases"]]
        self.started.append(([case.name for case in cases], dict(variables)))
        done = []
        yield "a library says hello"
        yield '{"a library": "says JSON"}'
        for case in cases:
            yield json.dumps({"event": "start", "case": case.name})
            if case.name in self.crash:
                raise launch.Ended(-9, "")
            if case.name in self.fail:
                yield json.dumps({"event": "failed", "case": case.name, "reason": "too hard"})
                continue
            done.append(self.make_entry(case, 1.0))
            yield json.dumps({"event": "done", "case": case.name, "seconds": 1.0, "rounds": 3})
        Path(out).write_text(json.dumps({"machine_info": {}, "benchmarks": done}))


def names(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    return [entry["name"] for one in documents for entry in one["benchmarks"]]


def test_one_process_per_backend_with_its_variables(make_case: Make, make_entry: Make) -> None:
    cases = [make_case(), make_case(products=100), make_case("jax-cpu"), make_case("jax-gpu")]
    cases.append(make_case("cupy", cold=True))
    processes, told = Processes(make_entry), []
    documents, failed = launch.measure(cases, QUICK, told.append, processes)
    assert failed == []
    assert names(documents) == [case.name for case in cases]
    assert [event["event"] for event in told] == ["start", "done"] * 5
    groups = [(len(run), variables) for run, variables in processes.started]
    assert groups[:3] == [
        (2, {}),
        (1, {"JAX_PLATFORMS": "cpu"}),
        (1, {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}),
    ]
    assert set(groups[3][1]) == set(launch._CACHES), "empty caches for the cold start"


def test_a_crash_costs_one_case(make_case: Make, make_entry: Make) -> None:
    cases = [make_case(products=k) for k in (1, 10, 100)]
    processes, told = Processes(make_entry, crash=[cases[1].name]), []
    documents, failed = launch.measure(cases, QUICK, told.append, processes)
    assert names(documents) == [cases[0].name, cases[2].name]
    assert [one.case for one in failed] == [cases[1]]
    assert "signal 9" in failed[0].reason
    assert len(processes.started) == 2
    assert [event["event"] for event in told].count("failed") == 1


def test_a_crash_of_all_leaves_nothing(make_case: Make, make_entry: Make) -> None:
    cases = [make_case(products=k) for k in (1, 10)]
    processes = Processes(make_entry, crash=[case.name for case in cases])
    documents, failed = launch.measure(cases, QUICK, lambda _: None, processes)
    assert documents == []
    assert [one.case for one in failed] == cases


def test_a_failure_goes_on(make_case: Make, make_entry: Make) -> None:
    cases = [make_case(products=k) for k in (1, 10)]
    processes = Processes(make_entry, fail=[cases[0].name])
    documents, failed = launch.measure(cases, QUICK, lambda _: None, processes)
    assert names(documents) == [cases[1].name]
    assert [(one.case, one.reason) for one in failed] == [(cases[0], "too hard")]


def test_lines_come_as_they_are_printed() -> None:
    assert list(launch.lines_of(["this"], {}))[:1] == ["The Zen of Python, by Tim Peters\n"]


def test_a_process_that_ends_badly_says_why() -> None:
    with pytest.raises(launch.Ended, match=r"status 1: TypeError"):
        list(launch.lines_of(["tradewedge.bench.suite", "only one argument"], {}))


def test_a_machine_that_cannot_be_looked_at() -> None:
    def broken(_: Sequence[str], __: Mapping[str, str]) -> Iterator[str]:
        yield "hello\n"

    with pytest.raises(SolveError, match="cannot look at this machine"):
        launch.machine(broken)


def test_the_file_is_one_that_pytest_benchmark_reads(
    make_document: Make, make_entry: Make, make_case: Make
) -> None:
    document = make_document([make_entry(make_case(), 1.0)])
    wanted = {"machine_info", "commit_info", "benchmarks", "datetime", "version"}
    assert wanted < set(document)
    assert set(json.loads(json.dumps(document))) == set(document)
