"""A small saved world and a scenario file, in a directory of their own."""

from pathlib import Path

import polars as pl
import pytest

import tradewedge as tw

SCENARIO = """\
name: "lost"
status: "hypothetical"
measures:
  - kind: "Exclusion"
    importer: "USA"
    exporter: "CHN"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory that holds ``world/`` and ``lost.yaml``."""
    rows = [
        ("284690", "CHN", "USA", 300.0),
        ("284690", "MYS", "USA", 100.0),
        ("284690", "CHN", "JPN", 500.0),
        ("850511", "CHN", "USA", 80.0),
        ("850511", "JPN", "USA", 60.0),
    ]
    flows = pl.DataFrame(rows, schema=["product", "exporter", "importer", "value"], orient="row")
    elasticities = pl.DataFrame(
        {"product": [""], "sigma": [4.0], "eta": [0.5], "epsilon": [1.0], "source": ["test"]}
    )
    tw.World.from_flows(flows, elasticities, name="small", vintage="HS2022").save(
        tmp_path / "world"
    )
    (tmp_path / "lost.yaml").write_text(SCENARIO)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path
