"""Many scenarios written to a directory: the same tables, some at a time, and on after a kill."""

import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tradewedge as tw
from tradewedge.budget import cost, read_size
from tradewedge.errors import ConfigError, SolveError
from tradewedge.kernels.backends import Backend
from tradewedge.models import Solution
from tradewedge.policy import Wedges
from tradewedge.session import Job, Session
from tradewedge.store import RunWriter, read_run


@pytest.fixture
def world(random_world: Callable[..., tw.World]) -> tw.World:
    return random_world(5)


def cases(number: int) -> list[tw.Scenario]:
    """Tariffs of 1, 2, ... percent, the last first."""
    return [
        tw.Scenario(f"duty of {rate:02d}", [tw.Tariff(importer="USA", rate=rate / 100)])
        for rate in range(number, 0, -1)
    ]


def assert_same_tables(run: tw.store.Run, result: tw.Result) -> None:
    for name, table in result.tables().items():
        assert_frame_equal(run.scan(name).collect(), table.collect(), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("memory", [1, "2GB"])
def test_a_directory_holds_what_memory_would(
    memory: str | int, world: tw.World, tmp_path: Path
) -> None:
    told: list[str] = []
    before = tw.Scenario("before", [tw.Tariff(importer="JPN", rate=0.1)])
    run = tw.solve(
        world,
        cases(3),
        reference=before,
        directory=tmp_path / "run",
        memory=memory,
        progress=told.append,
    )
    result = tw.solve(world, cases(3), reference=before)
    assert told == ["duty of 03", "duty of 02", "duty of 01"]
    assert run.scenarios == result.scenarios
    assert (run.model, run.backend) == ("armington", result.backend)
    assert {"prepare", "compile", "solve", "write"} <= set(run.timings)
    assert set(run.notes) >= set(result.notes)
    assert_same_tables(run, result)
    assert_frame_equal(run.flows().collect(), run.scan("flows").collect())
    assert sorted(file.name for file in (tmp_path / "run" / "flows").iterdir()) == [
        f"part-{number:05d}-00000.parquet" for number in range(3)
    ]
    run.verify()


@pytest.mark.parametrize("where", ["on disk", "in memory", "on disk, by an earlier version"])
def test_the_rows_of_one_scenario(where: str, world: tw.World, tmp_path: Path) -> None:
    run = tw.solve(world, cases(3), directory=tmp_path / "run")
    assert isinstance(run, tw.store.Run)
    if where == "in memory":
        run = tw.store.view(tw.solve(world, cases(3)))
    if where.endswith("version"):
        told = json.loads((tmp_path / "run" / "manifest.json").read_text())
        for file in told["files"]:
            file.pop("scenario", None)
        run = tw.store.Run(told, run.frames, run.directory)
    for table in ("flows", "status", "coverage"):
        mine = run.scan(table).filter(pl.col("scenario") == "duty of 02").collect()
        assert mine.height > 0
        assert_frame_equal(run.scan_of(table, "duty of 02").collect(), mine)
    with pytest.raises(ConfigError, match="No table"):
        run.scan_of("flow", "duty of 02")


def test_what_is_there_is_not_solved_again(
    world: tw.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tw.solve(world, cases(2), directory=tmp_path / "run")
    monkeypatch.delattr(Session, "solve")
    run = tw.solve(world, cases(2), directory=tmp_path / "run", memory="1GB")
    assert run.status().collect().height == 4
    with pytest.raises(ConfigError, match="holds another run"):
        tw.solve(world, cases(3), directory=tmp_path / "run")
    monkeypatch.undo()
    run = tw.solve(world, cases(3), directory=tmp_path / "run", overwrite=True)
    assert len(run.scenarios) == 3


class Killed(BaseException):
    """As KeyboardInterrupt: not an Exception."""


def stop_at(number: int, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    """Let the writing of one scenario break in the middle of its tables."""
    add = RunWriter.add

    def broken(run: RunWriter, result: tw.Result, solution: Solution) -> None:
        if len(run.complete) == number:
            monkeypatch.setattr("tradewedge.store.write.coverage", fail)
        add(run, result, solution)

    def fail(*_: object) -> None:
        raise error("in the middle")

    monkeypatch.setattr(RunWriter, "add", broken)


@pytest.mark.parametrize("error", [Killed, OSError])
def test_the_same_call_goes_on_where_one_broke_off(
    world: tw.World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    place = tmp_path / "run"
    with monkeypatch.context() as broken:
        stop_at(2, broken, error)
        with pytest.raises(error):
            tw.solve(world, cases(4), directory=place, memory=1)
    assert not place.exists()
    solved: list[str] = []
    solve = Session.solve

    def watched(session: Session, left: Sequence[tw.Scenario], memory: float) -> object:
        solved.extend(case.name for case in left)
        return solve(session, left, memory)

    told: list[str] = []
    monkeypatch.setattr(Session, "solve", watched)
    run = tw.solve(world, cases(4), directory=place, memory=1, progress=told.append)
    assert solved == ["duty of 02", "duty of 01"]
    assert sorted(told) == sorted(case.name for case in cases(4))
    assert [case.name for case in run.scenarios] == [case.name for case in cases(4)]
    run.verify()
    assert_same_tables(run, tw.solve(world, cases(4)))
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_an_error_of_ours_leaves_nothing(world: tw.World, tmp_path: Path) -> None:
    hard = [tw.Scenario("nothing"), *cases(1)]
    options = {"max_steps": 1}
    with pytest.raises(SolveError, match="did not converge"):
        tw.solve(
            world,
            hard,
            directory=tmp_path / "run",
            memory=1,
            on_failure="raise",
            model_options=options,
        )
    assert list(tmp_path.iterdir()) == []


def test_what_did_not_converge_earlier_is_an_error_too(world: tw.World, tmp_path: Path) -> None:
    where = {"directory": tmp_path / "run", "model_options": {"max_steps": 1}}
    run = tw.solve(world, cases(1), **where)
    assert run.status().filter(pl.col("status") != "converged").collect().height
    with pytest.raises(SolveError, match=r"duty of 01.*solved earlier: .*max_steps"):
        tw.solve(world, cases(1), on_failure="raise", **where)
    run.verify()


def test_two_processes_do_not_write_the_same_run(
    world: tw.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []

    def again(_: str) -> None:
        with monkeypatch.context() as inner:
            # A second file handle is to flock what a second process is.
            inner.setattr("tradewedge.solver.Session", None)
            with pytest.raises(ConfigError, match="another process is writing") as stop:
                tw.solve(world, cases(2), directory=tmp_path / "run")
            messages.append(str(stop.value))

    run = tw.solve(world, cases(2), directory=tmp_path / "run", progress=again)
    assert len(messages) == 2
    run.verify()


def test_chunks_fit_the_budget_and_the_kernel(
    world: tw.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(world, tuple(cases(40)), None, "armington", "cpu", 1e-10, {}, "report")
    session = Session(job)
    each = cost(world, session.result(next(session.solve(cases(1), 0))).solutions[0].wedges)

    def sizes(room: float) -> list[int]:
        return [len(some) for some in session.solve(cases(40), room)]

    assert sizes(0) == [1] * 40
    assert sizes(3.5 * each) == [3] * 13 + [1]
    assert sizes(21.5 * each) == [16, 16, 8]
    assert sizes(1000 * each) == [40]

    def uneven(_: object, wedges: Wedges) -> float:
        return 100.0 if wedges.scenario.name == "duty of 01" else 1.0

    monkeypatch.setattr("tradewedge.session.cost", uneven)
    assert [len(some) for some in session.solve(cases(16), 100)] == [8, 7, 1]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("2GB", 2e9),
        ("500 mb", 5e8),
        ("1.5G", 1.5e9),
        (10, 10),
        ("64", 64),
        (1e16, 1e16),
        (np.inf, np.inf),
    ],
)
def test_sizes(given: str | int, found: float) -> None:
    assert read_size(given) == found


@pytest.mark.parametrize("given", ["much", "-1GB", "2 cores", "", None, True, -1, np.nan])
def test_what_is_no_size(given: object, world: tw.World, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='memory is a size such as "2GB"'):
        tw.solve(world, cases(1), directory=tmp_path / "run", memory=given)  # type: ignore[call-overload]


def test_the_choice_of_backend_is_logged_and_at_the_top_of_the_summary(
    world: tw.World,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reason = "auto chose cpu: there is no GPU."
    monkeypatch.setattr("tradewedge.kernels.backends._best", lambda: (Backend.CPU, reason))
    with caplog.at_level(logging.INFO, "tradewedge"):
        run = tw.solve(world, cases(1), directory=tmp_path / "run")
    assert reason in caplog.messages
    assert run.manifest["backend"] == {"name": "cpu", "reason": reason}
    assert "backend cpu (auto found no GPU" in tw.report.text(run).splitlines()[1]


def python(program: str, *arguments: object) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


BATCH = """
    import resource, sys
    import tradewedge as tw

    world = tw.load_world(sys.argv[1])
    cases = [
        tw.Scenario(f"{n:02d}", [tw.Tariff(importer="C001", rate=0.01 * n)])
        for n in range(1, int(sys.argv[3]) + 1)
    ]
    tw.solve(
        world,
        cases,
        directory=sys.argv[2],
        memory=sys.argv[4],
        progress=lambda name: print(name, flush=True),
    )
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tw.load_world("synthetic", products=60).save(tmp_path_factory.mktemp("w") / "world")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB on Linux")
def test_peak_memory_does_not_grow_with_the_number_of_scenarios(
    synthetic: Path, tmp_path: Path
) -> None:
    peak = {}
    for number in (10, 60):
        with python(BATCH, synthetic, tmp_path / str(number), number, "50MB") as process:
            assert process.stdout is not None
            peak[number] = int(process.stdout.read().split()[-1]) * 1e3
    world = tw.load_world(synthetic)
    flows = 8 * world.value.size
    # Fifty scenarios more would hold a gigabyte in memory; a few arrays of flows are noise.
    assert peak[60] - peak[10] < 20 * flows


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_killed_process_is_taken_up(synthetic: Path, tmp_path: Path) -> None:
    place = tmp_path / "run"
    with python(BATCH, synthetic, place, 6, "1B") as process:
        assert process.stdout is not None
        for _ in range(3):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert not place.exists()
    with python(BATCH, synthetic, place, 6, "1B") as process:
        assert process.stdout is not None
        names = process.stdout.read().split()[:-1]
    assert len(set(names)) == 6
    run = read_run(place)
    run.verify()
    assert run.flows().select(pl.len()).collect().item() == 6 * tw.load_world(synthetic).value.size
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]
