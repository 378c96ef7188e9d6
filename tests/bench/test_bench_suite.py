"""One case measured: for real in a small process, and with a stand-in for a GPU's kernel."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tradewedge as tw
from tradewedge.bench import suite
from tradewedge.bench.cases import MEASURES, Effort
from tradewedge.kernels import armington_cpu, backends
from tradewedge.kernels.changes import Changes
from tradewedge.kernels.market import Market, Options
from tradewedge.kernels.solved import Solved
from tradewedge.models import armington

Make = Callable[..., Any]
BRIEF = Effort(longest=1.0, rounds_for=0.01, fewest=2, most=3)


class Benchmark:
    """Stands in for pytest-benchmark's fixture."""

    def __init__(self) -> None:
        self.extra_info: dict[str, Any] = {}
        self.rounds = 0
        self.stats = SimpleNamespace(stats=SimpleNamespace(data=[0.5]))

    def pedantic(self, target: Callable[[], Any], rounds: int) -> Any:
        self.rounds = rounds
        return target()


@pytest.fixture
def measured(tmp_path: Path) -> Callable[..., tuple[Benchmark, list[dict[str, Any]]]]:
    """Measure a case in this process."""
    shelf = suite.Shelf(tmp_path)

    def run(case: Any) -> tuple[Benchmark, list[dict[str, Any]]]:
        told: list[dict[str, Any]] = []
        benchmark = Benchmark()
        hooks = suite.Suite([case], BRIEF, shelf, told.append)
        suite.test_case(benchmark, hooks, case)
        return benchmark, told

    return run


@pytest.mark.parametrize("measure", MEASURES)
def test_scenarios_differ_and_meet_flows(measure: str) -> None:
    world = tw.load_world("synthetic", products=2, countries=25)
    made = suite.scenarios(world, measure, 45)
    assert len({one.name for one in made}) == 45
    assert len({one.measures for one in made}) == 45
    assert made[0].measures[0].importer == world.countries[0], "the largest importer"
    first = suite.Compiler(world).compile(made[0])
    assert first.touched_flows.any()


def test_a_case_says_what_it_is(measured: Make, make_case: Make) -> None:
    case = make_case(products=2, countries=20)
    benchmark, told = measured(case)
    assert [event["event"] for event in told] == ["start", "done"]
    assert told[1]["seconds"] == 0.5
    assert benchmark.rounds in (2, 3)
    info = json.loads(json.dumps(benchmark.extra_info))
    assert {name: info[name] for name in asdict(case)} == asdict(case)
    assert info["unsolved"] == 0
    assert info["residual"] <= info["tolerance"]
    assert info["bytes_once"] > 0
    assert info["phases"] is None
    assert info["apart"] is None


def test_an_empty_cache_is_solved_once(measured: Make, make_case: Make) -> None:
    benchmark, _ = measured(make_case(products=2, countries=20, cold=True))
    assert benchmark.rounds == 1


@pytest.mark.parametrize("scenarios", [1, 3])
def test_a_gpu_kernel_is_compared_and_timed_apart(
    scenarios: int, measured: Make, make_case: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batch_solver(_: Any, clock: Any = None) -> backends.BatchSolver:
        def batch(market: Market, several: Sequence[Changes], options: Options) -> list[Solved]:
            if clock is not None:
                clock.compile, clock.transfer, clock.solve = 1.0, 2.0, 3.0
            found = [armington_cpu.solve(market, one.shock(market), options) for one in several]
            for one in found:
                one.log_price[:] += 1e-12
            return [Solved.of(one) for one in found]

        return batch

    size = {"products": 2, "countries": 20, "scenarios": scenarios}
    measured(make_case("cpu", **size))
    monkeypatch.setattr(backends, "batch_solver", batch_solver)
    monkeypatch.setattr(armington, "batch_solver", batch_solver)
    benchmark, _ = measured(make_case("cupy", **size))
    info = benchmark.extra_info
    assert info["apart"] == pytest.approx(1e-12, rel=0.01)
    assert info["phases"] == {"compile": 1.0, "transfer": 2.0, "device": 3.0, "host": 0.0}


def test_worlds_are_kept_for_the_next_process(tmp_path: Path, make_case: Make) -> None:
    case = make_case(products=2, countries=20)
    drawn = suite.Shelf(tmp_path).world(case)
    again = suite.Shelf(tmp_path).world(case)
    assert again.data_hash == drawn.data_hash
    shelf = suite.Shelf(tmp_path)
    assert shelf.world(case) is shelf.world(case)


def test_prices_without_a_market_do_not_count(tmp_path: Path, make_case: Make) -> None:
    shelf = suite.Shelf(tmp_path)
    assert shelf.apart(make_case(), np.array([1.0, np.nan])) is None
    assert shelf.apart(make_case("cupy"), np.array([1.0, np.nan])) == 0.0
    assert shelf.apart(make_case("cupy"), np.array([np.nan, np.nan])) == np.inf
    assert shelf.apart(make_case("cupy", products=3), np.array([1.0])) is None


def test_pytest_benchmark_underneath(tmp_path: Path, make_case: Make) -> None:
    cases = [make_case(products=1, countries=15), make_case("reference", 1, countries=15)]
    bad = make_case(products=1, countries=15, measure="no such measure")
    plan, out = tmp_path / "plan.json", tmp_path / "out.json"
    asked = {"cases": [asdict(case) for case in (*cases, bad)], "effort": asdict(BRIEF)}
    plan.write_text(json.dumps(asked | {"place": str(tmp_path)}))
    command = [sys.executable, "-m", "tradewedge.bench.suite", str(plan), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [event["event"] for event in events] == ["start", "done"] * 2 + ["start", "failed"]
    assert "no such measure" in events[-1]["reason"]
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"plan.json", "out.json", "1x15", cases[0].work + ".npy"}
    written = json.loads(out.read_text())
    assert "node" not in written["machine_info"]
    first, second = written["benchmarks"]
    assert first["extra_info"]["target"] == "cpu"
    assert first["stats"]["rounds"] >= 2
    assert second["extra_info"]["apart"] < 1e-8
