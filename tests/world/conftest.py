"""A small world's tables: two products of one heading, three countries, one home market."""

import polars as pl
import pytest

import tradewedge as tw

FLOWS = [
    ("284610", "CHN", "USA", 100.0, 20.0),
    ("284610", "CHN", "DEU", 60.0, None),
    ("284610", "USA", "USA", 40.0, 5.0),
    ("284610", "USA", "DEU", 10.0, 0.0),
    ("284690", "CHN", "USA", 300.0, 30.0),
    ("284690", "DEU", "USA", 30.0, 3.0),
    ("284690", "CHN", "DEU", 90.0, 9.0),
]
TARIFFS = [
    ("284610", "CHN", "USA", 0.05, "MFN"),
    ("284610", "CHN", "USA", 0.25, "Section 301"),
    ("284690", "CHN", "USA", 0.10, "Section 301"),
    ("284690", "DEU", "USA", 0.02, "MFN"),
    ("284690", "JPN", "USA", 0.02, "MFN"),
]
FLOW_COLUMNS = ["product", "exporter", "importer", "value", "quantity"]
TARIFF_COLUMNS = ["product", "exporter", "importer", "rate", "authority"]


@pytest.fixture
def flows() -> pl.DataFrame:
    """Seven flows; one quantity is missing and one is 0."""
    return pl.DataFrame(FLOWS, schema=FLOW_COLUMNS, orient="row")


@pytest.fixture
def tariffs() -> pl.DataFrame:
    """US duties by two authorities; the last is on a pair that does not trade."""
    return pl.DataFrame(TARIFFS, schema=TARIFF_COLUMNS, orient="row")


@pytest.fixture
def elasticities() -> pl.DataFrame:
    """One row for everything."""
    return pl.DataFrame({"product": [""], "sigma": [5.0], "eta": [0.5], "epsilon": [1.5]})


@pytest.fixture
def world(flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame) -> tw.World:
    """The three tables, calibrated."""
    return tw.World.from_flows(flows, elasticities, tariffs, name="small", year=2023)
