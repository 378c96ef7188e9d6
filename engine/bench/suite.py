"""The benchmark itself: one function that pytest-benchmark times, one case after another.

``python -m tradewedge.bench.suite PLAN OUT`` runs the cases of the JSON file PLAN in this process
and writes pytest-benchmark's JSON to OUT. It says what it is doing on standard output, one JSON
object a line.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

import tradewedge as tw
from tradewedge.bench.cases import SYNTHETIC, TARGETS, Case, Effort
from tradewedge.bench.roofline import traffic
from tradewedge.kernels import backends
from tradewedge.kernels.backends import Backend
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.market import Options, Status
from tradewedge.models import Solution, armington
from tradewedge.policy import Compiler, Wedges, changes
from tradewedge.world import World
from tradewedge.worlds import load_world

_IMPORTERS: Final = 20
"""Batches take the largest importers in turn, at a rate that rises from round to round."""
_CALLS: Final = "from tradewedge.bench.suite import test_case  # noqa: F401\n"


def scenarios(world: World, measure: str, count: int) -> list[tw.Scenario]:
    """What is solved: the measure by the largest importer first, then by others, at other rates."""
    bought = np.bincount(world.flow_importer, world.value, len(world.countries))
    sold = np.bincount(world.flow_exporter, world.value, len(world.countries))
    largest = [world.countries[i] for i in np.argsort(-bought)[:_IMPORTERS] if bought[i] > 0]
    sellers = [world.countries[i] for i in np.argsort(-sold)]
    made: dict[str, Callable[[str, int], tw.Measure]] = {
        "tariff": lambda who, step: tw.Tariff(importer=who, rate=0.25 + 0.05 * step),
        "exclusion": lambda who, step: tw.Exclusion(
            importer=who, exporter=sellers[step], allow_empty=True
        ),
        "floor": lambda who, step: tw.PriceFloor(importer=who, multiple=1.2 + 0.05 * step),
        "quota": lambda who, step: tw.ImportQuota(
            importer=who, fraction=0.9 / (1 + 0.1 * step), per="importer"
        ),
    }
    return [
        tw.Scenario(f"{measure} {n}", [made[measure](who, n // len(largest))])
        for n, who in ((n, largest[n % len(largest)]) for n in range(count))
    ]


class Shelf:
    """The world in use; synthetic ones are kept on disk, for the processes that come after.

    Parameters
    ----------
    place : Path
        A directory that all processes of a run share.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._held: tuple[str, World] | None = None

    def world(self, case: Case) -> World:
        """Open or draw a case's world, laid out for solving."""
        if self._held is None or self._held[0] != case.place:
            self._held = None  # before the next one takes its memory
            self._held = case.place, self._open(case)
        return self._held[1]

    def _open(self, case: Case) -> World:
        if case.world != SYNTHETIC:
            return load_world(case.world)
        saved = self.place / case.place
        if not saved.is_dir():
            drawn = load_world(SYNTHETIC, products=case.products, countries=case.countries)
            drawn.save(saved)
        return load_world(saved)

    def apart(self, case: Case, price: NDArray[np.float64]) -> float | None:
        """Largest difference of log prices from the CPU kernel's, which are kept here.

        Infinite where one of the two has no price and the other has. None where the CPU kernel
        has not solved this, or is what solved it.
        """
        kept = self.place / f"{case.work}.npy"
        if case.target == "cpu":
            np.save(kept, price)
        elif kept.is_file():
            theirs = np.load(kept)
            if not np.array_equal(np.isnan(price), np.isnan(theirs)):
                return float("inf")
            return float(np.nanmax(np.abs(np.log(price) - np.log(theirs)), initial=0.0))
        return None


class Suite:
    """The plugin that hands pytest its cases and tells the caller how they go.

    Parameters
    ----------
    cases : sequence of Case
    effort : Effort
    shelf : Shelf
    tell : callable
        Takes what happened, as plain data.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        effort: Effort,
        shelf: Shelf,
        tell: Callable[[dict[str, Any]], object],
    ) -> None:
        self.cases, self.effort, self.shelf, self.tell = cases, effort, shelf, tell

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test per case, in the order given."""
        ids = [case.name for case in self.cases]
        metafunc.parametrize(("suite", "case"), [(self, case) for case in self.cases], ids=ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say what failed; the rest goes on."""
        if report.failed:
            text = str(getattr(report.longrepr, "reprcrash", None) or report.longrepr)
            self.tell({"event": "failed", "case": _case_of(report.nodeid), "reason": text[-500:]})

    def pytest_benchmark_update_machine_info(
        self, config: pytest.Config, machine_info: dict[str, Any]
    ) -> None:
        """Leave out the name of the machine in its network."""
        del config
        machine_info.pop("node", None)


def _case_of(nodeid: str) -> str:
    return nodeid.partition("[")[2].removesuffix("]")


def test_case(benchmark: Any, suite: Suite, case: Case) -> None:
    """Time one case: the first call apart, then rounds, then one with the clock running."""
    suite.tell({"event": "start", "case": case.name})
    world = suite.shelf.world(case)
    backend, options = Backend(TARGETS[case.target].backend), Options()
    prepare = _seconds(lambda: backends.prepare(backend, world.market))
    compiler = Compiler(world)
    wedges = [compiler.compile(one) for one in scenarios(world, case.measure, case.scenarios)]
    # From aligned wedges to prices, as timings["solve"] counts.
    solve = partial(armington.solve_batch, world, wedges, options, backend)
    first = _seconds(solve)
    rounds = 1 if case.cold else _rounds(suite.effort, _seconds(solve))
    found = benchmark.pedantic(solve, rounds=rounds)
    benchmark.extra_info.update(asdict(case))
    benchmark.extra_info.update(_sizes(world, found))
    benchmark.extra_info.update(_quality(found, options))
    price = np.concatenate([solution.price_hat for solution in found])
    benchmark.extra_info["apart"] = None if case.cold else suite.shelf.apart(case, price)
    benchmark.extra_info["prepare"] = prepare
    benchmark.extra_info["first"] = first
    benchmark.extra_info["phases"] = _phases(world, wedges, options, backend)
    median = float(np.median(benchmark.stats.stats.data))
    suite.tell({"event": "done", "case": case.name, "seconds": median, "rounds": rounds})


def _seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def _rounds(effort: Effort, seconds: float) -> int:
    return int(np.clip(effort.rounds_for / max(seconds, 1e-9), effort.fewest, effort.most))


def _sizes(world: World, found: Sequence[Solution]) -> dict[str, Any]:
    moved = [traffic(world.market, solution.iterations) for solution in found]
    return {
        "products": len(world.products),
        "countries": len(world.countries),
        "flows": int(world.value.size),
        "bytes_once": sum(one.once for one in moved),
        "bytes_swept": sum(one.swept for one in moved),
    }


def _quality(found: Sequence[Solution], options: Options) -> dict[str, Any]:
    status = np.concatenate([solution.status for solution in found])
    iterations = np.concatenate([solution.iterations for solution in found])
    residual = np.concatenate([solution.residual for solution in found])
    bound = np.concatenate([solution.error_bound for solution in found])
    return {
        "tolerance": options.tolerance,
        "unsolved": int((status != Status.CONVERGED).sum()),
        "residual": float(np.nanmax(residual, initial=0.0)),
        "error_bound": float(np.nanmax(bound)) if np.isfinite(bound).any() else None,
        "iterations_mean": float(iterations.mean()),
        "iterations_most": int(iterations.max()),
    }


def _phases(
    world: World, wedges: Sequence[Wedges], options: Options, backend: Backend
) -> dict[str, float] | None:
    """Seconds of one more solve by what they went for; None where nothing is copied."""
    if backend not in (Backend.JAX, Backend.CUPY):
        return None
    several = [changes(world, one) for one in wedges]
    clock = Clock()
    solve = backends.batch_solver(backend, clock)
    total = _seconds(lambda: solve(world.market, several, options))
    known = clock.compile + clock.transfer + clock.solve
    return {
        "compile": clock.compile,
        "transfer": clock.transfer,
        "device": clock.solve,
        "host": max(total - known, 0.0),
    }


def run(
    cases: Sequence[Case], effort: Effort, place: Path, out: Path, tell: Callable[..., object]
) -> int:
    """Run cases under pytest-benchmark; its JSON goes to ``out``.

    Returns
    -------
    int
        0 also where cases failed, which ``tell`` is told; else pytest's exit status.
    """
    with TemporaryDirectory() as scratch:
        # A configuration of its own, so that none around the caller is found.
        (Path(scratch) / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        (Path(scratch) / "test_bench.py").write_text(_CALLS, encoding="utf-8")
        arguments = [
            *("-ppytest_benchmark.plugin", "-pno:cacheprovider", "-pno:terminal", "--capture=no"),
            *("--benchmark-only", f"--benchmark-json={out}"),
            f"--benchmark-storage=file://{scratch}",  # else ./.benchmarks
            *(f"--rootdir={scratch}", "-c", str(Path(scratch) / "pytest.ini"), scratch),
        ]
        status = int(pytest.main(arguments, plugins=[Suite(cases, effort, Shelf(place), tell)]))
        return 0 if status == pytest.ExitCode.TESTS_FAILED else status


def main(plan: str, out: str) -> int:
    """Run the cases of a plan file, in a process that does nothing else."""
    # No other plugin that happens to be installed: some slow tests down or spread them out.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    asked = json.loads(Path(plan).read_text(encoding="utf-8"))

    def tell(event: dict[str, Any]) -> None:
        print(json.dumps(event), flush=True)

    cases = [Case(**case) for case in asked["cases"]]
    return run(cases, Effort(**asked["effort"]), Path(asked["place"]), Path(out), tell)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
