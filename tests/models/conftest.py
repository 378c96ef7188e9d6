"""The four regions of the published GSIM example, and how to read a table."""

import polars as pl
import pytest

import tradewedge as tw

REGIONS = ("USA", "JPN", "EUN", "RWX")
TRADE = {
    "USA": (0, 50, 200, 300),
    "JPN": (500, 0, 150, 200),
    "EUN": (300, 100, 200, 200),
    "RWX": (50, 100, 110, 20),
}
TARIFF_POWER = {
    "USA": (1, 1.21, 1.41, 1.22),
    "JPN": (1.37, 1, 1.31, 1.23),
    "EUN": (1.32, 1.36, 1, 1.18),
    "RWX": (1.57, 1.41, 1.25, 1.15),
}


@pytest.fixture
def four_regions() -> tw.World:
    """Trade and tariffs of Francois and Hall (2003), rows exporters, columns importers."""
    keys = [(e, i) for e in REGIONS for i in REGIONS]
    pairs = pl.DataFrame(keys, schema=["exporter", "importer"], orient="row")
    pairs = pairs.with_columns(product=pl.lit("good"))
    values = [float(value) for e in REGIONS for value in TRADE[e]]
    rates = [float(power) - 1 for e in REGIONS for power in TARIFF_POWER[e]]
    return tw.World.from_flows(
        pairs.with_columns(value=pl.Series(values)),
        pl.DataFrame({"product": [""], "sigma": [5.0], "eta": [1.25], "epsilon": [1.5]}),
        pairs.with_columns(rate=pl.Series(rates)),
        tariff_importers="*",
        aggregates={"EUN": ["DEU", "FRA"], "RWX": ["CHN", "IND"]},
    )


@pytest.fixture
def free_trade() -> tw.Scenario:
    """Tariffs between the two biggest go to zero."""
    pair = (("USA", "EUN"), ("EUN", "USA"))
    cuts = [tw.Tariff(importer=i, exporter=e, rate=0.0, mode="set") for i, e in pair]
    return tw.Scenario("free trade", cuts)
