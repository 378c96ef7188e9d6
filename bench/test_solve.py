"""Seconds per solve, warm, on the embedded worlds."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import tradewedge as tw


@pytest.mark.parametrize(
    ("name", "exporter"), [("us_imports", "CHN"), ("minerals", "CHN"), ("minerals", "*")]
)
def test_tariff_on_every_product(benchmark: BenchmarkFixture, name: str, exporter: str) -> None:
    world = tw.load_world(name)
    case = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter=exporter, rate=0.25)])
    tw.solve(world, case)  # compiles, prepares the layout
    result = benchmark(tw.solve, world, case)
    assert set(result.status().collect()["status"]) == {"converged"}


def test_exclusion_everywhere(benchmark: BenchmarkFixture) -> None:
    world = tw.load_world("minerals")
    case = tw.Scenario("ban", [tw.Exclusion(exporter="CHN")])
    tw.solve(world, case)
    result = benchmark(tw.solve, world, case)
    assert set(result.status().collect()["status"]) == {"converged"}
