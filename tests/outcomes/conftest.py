"""A scenario with every measure, and a world that it fits."""

from collections.abc import Callable

import pytest

import tradewedge as tw


@pytest.fixture
def world(random_world: Callable[..., tw.World]) -> tw.World:
    """Five countries that all trade with each other and at home, every tariff known."""
    return random_world(21, density=1.0)


@pytest.fixture
def everything() -> tw.Scenario:
    """All measures at once, by several authorities, some of them on the same flows."""
    return tw.Scenario(
        "everything",
        [
            tw.Tariff(importer="USA", exporter="*", rate=0.1, authority="Section 122"),
            tw.Tariff(importer="USA", exporter="CHN", rate=0.25, authority="Section 301"),
            tw.Tariff(importer="JPN", exporter="CHN", rate=0.05, mode="set", authority="EPA"),
            tw.Tariff(importer="GBR", rate=0.5, mode="multiply"),
            tw.ExportTax(exporter="CHN", rate=0.15, authority="levy"),
            tw.ExportTax(exporter="CHN", importer="USA", rate=0.05, authority="licence"),
            tw.TradeCost(importer="DEU", exporter=["CHN", "JPN"], factor=1.2),
            tw.Exclusion(importer="DEU", exporter="USA"),
            tw.SupplyShift(exporter="JPN", factor=0.8),
            tw.DemandShift(importer="USA", factor=1.1),
        ],
    )


@pytest.fixture(scope="session")
def minerals() -> tw.World:
    """Return the embedded world of 2023, its rare-earth compounds only."""
    return tw.load_world("minerals", year=2023).select(["284690"])
