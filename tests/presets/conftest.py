"""The presets and the embedded worlds, read once."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

import tradewedge as tw

FOLDER = Path(str(files("tradewedge.conf"))) / "scenario"
WORLDS = ("minerals", "us_imports")


@pytest.fixture(scope="session")
def preset() -> Callable[[str], tw.Scenario]:
    """Read a shipped scenario by name."""
    return cache(lambda name: tw.Scenario.from_yaml(FOLDER / f"{name}.yaml"))


@pytest.fixture(scope="session")
def worlds() -> dict[str, tw.World]:
    """The embedded worlds by name."""
    return {name: tw.load_world(name) for name in WORLDS}


@pytest.fixture(scope="session")
def minerals(worlds: dict[str, tw.World]) -> tw.World:
    return worlds["minerals"]


@pytest.fixture(scope="session")
def us_imports(worlds: dict[str, tw.World]) -> tw.World:
    return worlds["us_imports"]
