"""Two years that the model itself has made: before and after a duty."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge.backtest import Experiment

SUPPLIERS = ("CHN", "DEU", "JPN", "MYS", "VNM")
BUYERS = ("FRA", "GBR", "USA")
DUTY = """\
name: "duty"
before: 2018
after: 2019
importers: ["USA"]
scenarios:
  - name: "duty"
    measures:
      - {kind: "Tariff", importer: "USA", exporter: "CHN", rate: 0.2, start: "2019-01-01"}
"""


@dataclass(frozen=True, eq=False)
class Truth:
    """An experiment, the year before, and the year after as the model would have it."""

    experiment: Experiment
    before: tw.World
    after: tw.World


def a_world(flows: pl.DataFrame, year: int, sigma: pl.DataFrame) -> tw.World:
    return tw.World.from_flows(flows, sigma, name="made", year=year, vintage="HS1992")


@pytest.fixture(scope="session")
def sigma() -> pl.DataFrame:
    """Eight products, each with its own sigma."""
    products = [f"26{number:02d}00" for number in range(2, 10)]
    return pl.DataFrame(
        {
            "product": products,
            "sigma": np.geomspace(2.0, 9.0, 8),
            "eta": 0.5,
            "epsilon": 1.5,
        }
    )


@pytest.fixture(scope="session")
def flows(sigma: pl.DataFrame) -> pl.DataFrame:
    """Random trade of the year before."""
    rng = np.random.default_rng(3)
    keys = [(p, i, j) for p in sigma["product"] for i in SUPPLIERS for j in BUYERS]
    value = np.exp(rng.normal(8, 1, len(keys)))
    frame = pl.DataFrame(keys, schema=["product", "exporter", "importer"], orient="row")
    return frame.with_columns(value=value, quantity=value / rng.uniform(1, 3, len(keys)))


@pytest.fixture(scope="session")
def truth(sigma: pl.DataFrame, flows: pl.DataFrame) -> Callable[..., Truth]:
    """A maker of truths; ``growth`` scales all trade of the year after."""

    def make(growth: float = 1.0, flat: float | None = None) -> Truth:
        told = Experiment.from_yaml(DUTY)
        real = sigma if flat is None else sigma.with_columns(sigma=flat)
        duty = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="CHN", rate=0.2)])
        solved = tw.solve(a_world(flows, 2018, real), duty).flows().collect()
        later = solved.select(
            "product",
            "exporter",
            "importer",
            value=pl.col("value_new") * growth,
            quantity="quantity_new",
        )
        return Truth(told, a_world(flows, 2018, sigma), a_world(later, 2019, sigma))

    return make
