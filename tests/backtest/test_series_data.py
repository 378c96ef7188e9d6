"""The embedded series is what its script makes of the original file."""

from pathlib import Path

import polars as pl
import pytest

from tradewedge.data.build import backtest


def test_tables_are_those_of_the_script(
    shared_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backtest.build(shared_dir, tmp_path)
    assert "62 codes" in capsys.readouterr().out
    for year in backtest.YEARS:
        name = f"flows_{year}.parquet"
        made, ships = pl.read_parquet(tmp_path / name), pl.read_parquet(backtest.FOLDER / name)
        assert made.equals(ships)
        assert not ships.select("product", "exporter", "importer").is_duplicated().any()
        assert ships["value"].min() > 0
    audit = pl.read_parquet(backtest.FOLDER / "audit.parquet")
    assert pl.read_parquet(tmp_path / "audit.parquet").equals(audit)
