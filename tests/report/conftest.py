"""One small solved result."""

from collections.abc import Callable

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.report.headline import Headline
from tradewedge.store import Run, view


@pytest.fixture(scope="session")
def small_world() -> tw.World:
    """Two products, four countries, home sales of one, US tariffs known."""
    rows = [
        ("284690", "CHN", "USA", 300.0),
        ("284690", "MYS", "USA", 100.0),
        ("284690", "CHN", "JPN", 500.0),
        ("284690", "MYS", "JPN", 250.0),
        ("850511", "CHN", "USA", 80.0),
        ("850511", "JPN", "USA", 60.0),
        ("850511", "JPN", "JPN", 400.0),
    ]
    flows = pl.DataFrame(rows, schema=["product", "exporter", "importer", "value"], orient="row")
    elasticities = pl.DataFrame(
        {"product": [""], "sigma": [4.0], "eta": [0.5], "epsilon": [1.0], "source": ["test"]}
    )
    tariffs = pl.DataFrame(
        {
            "product": ["850511"],
            "exporter": ["CHN"],
            "importer": ["USA"],
            "rate": [0.021],
            "authority": ["MFN"],
        }
    )
    return tw.World.from_flows(flows, elasticities, tariffs, name="small", vintage="HS2022")


@pytest.fixture(scope="session")
def result(small_world: tw.World) -> tw.Result:
    """A duty and a lost supplier."""
    duty = tw.Scenario(
        "duty", [tw.Tariff(importer="USA", products="2846", rate=0.25)], status="hypothetical"
    )
    lost = tw.Scenario("lost", [tw.Exclusion(importer="USA", exporter="CHN")])
    return tw.solve(small_world, [duty, lost])


@pytest.fixture(scope="session")
def headline_of() -> Callable[[Run | tw.Result, str], Headline]:
    """Return a function that narrows a run, or a result, to one of its scenarios."""

    def narrowed(source: Run | tw.Result, name: str) -> Headline:
        run = source if isinstance(source, Run) else view(source)
        (entry,) = [entry for entry in run.manifest["scenarios"] if entry["name"] == name]
        return Headline(run, entry)

    return narrowed
