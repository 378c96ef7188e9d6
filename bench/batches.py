"""Time scenarios in a batch against the same scenarios one by one, in one run.

    python bench/batches.py --products 5000 --scenarios 64 --memory 2GB
    python bench/batches.py --world minerals

Four batches: tariffs of 1, 2, 3 ... % by the largest importer on everything; the exclusion of one
exporter after the other from one chapter (a hundredth of the products) each; 25 % on everything
from one exporter after the other; price floors of the largest importer on one chapter, 1, 2, 3 ...
% above baseline prices. "Solve" is ``result.timings["solve"]``, from aligned wedges to
prices; "call" all of ``tw.solve``, measures to prices included, and every price is looked at.
Processor seconds are of all threads: they vary less where other jobs run. Batches keep to the
memory that is stated: solutions are dropped as they come.
"""

import argparse
from collections.abc import Callable, Sequence
from time import perf_counter, process_time

import numpy as np

import tradewedge as tw
from tradewedge.budget import read_size
from tradewedge.session import Job, Session

TOLERANCE = 1e-10


def main() -> None:
    """Print seconds per scenario of both, their ratio, and how far prices are apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", default="synthetic")
    parser.add_argument("--products", type=int, default=5000, help="of the synthetic world")
    parser.add_argument("--scenarios", type=int, default=64)
    parser.add_argument("--memory", default="2GB", help="what the scenarios of a batch may take")
    parser.add_argument("--only", nargs="*", default=sorted(BATCHES), choices=sorted(BATCHES))
    asked = parser.parse_args()
    size = {"products": asked.products} if asked.world == "synthetic" else {}
    world = tw.load_world(asked.world, **size)
    print(world)
    warm_up(world)
    for name in asked.only:
        compare(name, world, BATCHES[name](world, asked.scenarios), read_size(asked.memory))


def warm_up(world: tw.World) -> None:
    """Compile, and lay out the world."""
    batch(world, tariffs(world, 3), 1e9, lambda _: None)
    batch(world, floors(world, 1), 1e9, lambda _: None)


def compare(name: str, world: tw.World, cases: Sequence[tw.Scenario], memory: float) -> None:
    """Solve the scenarios both ways."""
    one: list[np.ndarray] = []
    solve, call, cpu = 0.0, perf_counter(), process_time()
    for case in cases:
        result = tw.solve(world, case, tolerance=TOLERANCE)
        solve += result.timings["solve"]
        (solution,) = result.solutions
        one.append(solution.price_hat)
        solution.index_hat  # noqa: B018  worked out when looked at
    alone = np.array([solve, perf_counter() - call, process_time() - cpu]) / len(cases)

    apart = [0.0]

    def look(price: np.ndarray) -> None:
        gap = np.abs(np.log(price) - np.log(one.pop(0)))
        apart[0] = max(apart[0], float(np.nanmax(gap)))

    together = batch(world, cases, memory, look) / len(cases)
    print(f"{name}: {len(cases)} scenarios, log prices at most {apart[0]:.0e} apart")
    words = ("solve", "call", "processor")
    for what, one_s, all_s in zip(words, alone * 1e3, together * 1e3, strict=True):
        print(f"  {what:9} {one_s:8.2f} ms each, {all_s:8.2f} ms in a batch: ", end="")
        print(f"{one_s / all_s:.1f} times")


def batch(
    world: tw.World,
    cases: Sequence[tw.Scenario],
    memory: float,
    look: Callable[[np.ndarray], None],
) -> np.ndarray:
    """Seconds of solving, of the whole call and of the processors, without those of ``look``."""
    start, cpu = perf_counter(), process_time()
    session = Session(Job(world, tuple(cases), None, "armington", "auto", TOLERANCE, {}, "raise"))
    aside = np.zeros(3)
    for solutions in session.solve(cases, memory):
        while solutions:
            solution = solutions.pop(0)
            price, _ = solution.price_hat, solution.index_hat  # worked out when looked at
            before = perf_counter(), process_time()
            look(price)
            aside[1:] += perf_counter() - before[0], process_time() - before[1]
    solve = session.result([]).timings["solve"]
    return np.array([solve, perf_counter() - start, process_time() - cpu]) - aside


def tariffs(world: tw.World, count: int) -> list[tw.Scenario]:
    """One importer's tariff on everything, percent by percent."""
    importer = world.countries[ranked(world, world.flow_importer)[0]]
    return [
        tw.Scenario(f"{n} %", [tw.Tariff(importer=importer, rate=n / 100)])
        for n in range(1, count + 1)
    ]


def exclusions(world: tw.World, count: int) -> list[tw.Scenario]:
    """Exporters leave one chapter each, eight exporters and then the next chapter."""
    exporters = ranked(world, world.flow_exporter)
    chapters = np.array_split(np.array(world.products), min(100, len(world.products)))
    return [
        tw.Scenario(
            f"exclusion {n}",
            [
                tw.Exclusion(
                    exporter=world.countries[exporters[n % 8]],
                    products=chapters[n // 8 % len(chapters)].tolist(),
                    allow_empty=True,
                )
            ],
        )
        for n in range(count)
    ]


def partners(world: tw.World, count: int) -> list[tw.Scenario]:
    """25 % on everything from one exporter: scenarios that have little in common."""
    exporters = ranked(world, world.flow_exporter)
    return [
        tw.Scenario(f"partner {n}", [tw.Tariff(exporter=world.countries[exporters[n]], rate=0.25)])
        for n in range(min(count, len(exporters)))
    ]


def floors(world: tw.World, count: int) -> list[tw.Scenario]:
    """Price floors on one chapter, a tenth of the way into the codes, percent by percent."""
    importer = world.countries[ranked(world, world.flow_importer)[0]]
    first, size = len(world.products) // 10, max(1, len(world.products) // 100)
    chapter = list(world.products[first : first + size])
    return [
        tw.Scenario(
            f"floor {n} %",
            [tw.PriceFloor(importer=importer, products=chapter, multiple=1 + n / 100)],
        )
        for n in range(1, count + 1)
    ]


def ranked(world: tw.World, country: np.ndarray) -> np.ndarray:
    """Countries, those with the most trade first."""
    return np.argsort(-np.bincount(country, world.value, len(world.countries)), kind="stable")


BATCHES = {
    "tariffs": tariffs,
    "exclusions": exclusions,
    "partners": partners,
    "floors": floors,
}

if __name__ == "__main__":
    main()
