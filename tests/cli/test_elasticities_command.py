"""``tradewedge data elasticities``: counts by source, and product by product."""

from pathlib import Path

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.cli import main


def test_counts_of_an_embedded_world(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "elasticities", "minerals"]) == 0
    told = capsys.readouterr().out
    assert "sigma from" in told
    assert "prior (tier 3)" in told
    assert "judgement, mineral goods        62   62" in told


def test_products_of_a_saved_world(
    small_world: tw.World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pl.DataFrame(
        {"product": ["", "2846"], "theta": [3.0, 5.0], "eta": [0.5, None], "epsilon": [1.0, None]}
    )
    table.write_csv(tmp_path / "mine.csv")
    small_world.save(tmp_path / "world")
    out = tmp_path / "sources.csv"
    words = ["data", "elasticities", str(tmp_path / "world"), "--set", str(tmp_path / "mine.csv")]
    assert main([*words, "--products", "28", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "sigma 6: user table, given as theta, by prefix 2846" in told
    assert "850511" not in told
    assert pl.read_csv(out).height == 6
    assert main([*words, "--products", "99"]) == 2
    assert "has no product under 99" in capsys.readouterr().err
