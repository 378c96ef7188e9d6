"""The three experiments on embedded data, worlds of the user's own, and the command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tradewedge import backtest
from tradewedge.backtest import directory, page, verdict
from tradewedge.backtest.comparison import WHAT
from tradewedge.cli import main
from tradewedge.errors import ConfigError

Make = Callable[..., Any]


@pytest.mark.parametrize("name", ["us_china_2018", "china_controls_2023", "rare_earths"])
def test_experiments_run_on_embedded_data(name: str) -> None:
    found = backtest.run(name, models=("armington",), draws=20, train=False)
    assert set(found.scores["what"]) == set(WHAT)
    assert found.scores["units"].min() > 0
    shares = found.shares.filter(sigma="product")
    for column in ("share_before", "share_predicted"):
        sums = shares.group_by("scenario", "product", "importer").agg(pl.col(column).sum())
        assert sums[column].to_numpy() == pytest.approx(1.0)
    assert verdict.sentences(found)
    text = page.blocks(found)
    assert any("cannot see" in getattr(block, "text", "") for block in text)


def test_cut_of_exports_falls_on_the_exporter() -> None:
    found = backtest.run("china_controls_2023", models=("armington",), draws=5, train=False)
    cut = found.shares.filter(pl.col("target"), scenario="observed_cut", sigma="product")
    heavy = cut.filter(pl.col("share_before") > 0.2)
    assert (heavy["share_predicted"] < heavy["share_before"]).all()


def test_models_that_cannot_are_named() -> None:
    found = backtest.run(
        "rare_earths", models=("armington", "smart"), draws=5, train=False, elasticities="short"
    )
    assert set(found.scores["model"]) == {"armington"}
    assert any("infinite supply" in text for text in found.remarks)


@pytest.fixture
def place(truth: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory with worlds of two years and an experiment."""
    made = truth()
    made.before.save(tmp_path / "worlds" / "2018")
    made.after.save(tmp_path / "worlds" / "2019")
    told = made.experiment.record() | {"before": "worlds/2018", "after": "worlds/2019"}
    (tmp_path / "mine.yaml").write_text(json.dumps(told))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.usefixtures("place")
def test_worlds_of_the_user(capsys: pytest.CaptureFixture[str]) -> None:
    call = ["backtest", "mine.yaml", "model=armington", "draws=20", "out=out/mine"]
    assert main(call) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Back-test: duty (worlds/2018 against worlds/2019)" in told
    assert 'better than "no change" (skill +1.00' in told
    held = {path.name for path in Path("out/mine").iterdir()}
    assert {"scores.parquet", "shares.parquet", "report.html", "report.md"} <= held
    assert {"targets.svg", "skill.svg"} <= held
    page_text = Path("out/mine/report.html").read_text()
    assert "<svg" in page_text
    assert pl.read_parquet("out/mine/scores.parquet").height > 0

    assert main(call) == 0
    assert "Already computed, nothing to do" in capsys.readouterr().out
    assert main([*call, "seed=1"]) == 2
    assert "overwrite=true" in capsys.readouterr().err
    assert main([*call, "seed=1", "overwrite=true"]) == 0


@pytest.mark.usefixtures("place")
def test_before_and_after_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = backtest.Experiment.from_yaml("mine.yaml")
    plain = told.record() | {"before": 1999, "after": 2000}
    Path("other.yaml").write_text(json.dumps(plain))
    call = ["backtest", "other.yaml", "before=worlds/2018", "after=worlds/2019", "draws=5"]
    assert main([*call, "model=armington", "train=false"]) == 0
    assert "worlds/2018 against worlds/2019" in capsys.readouterr().out
    assert len(list(Path("outputs/backtest").iterdir())) == 1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ([], "name one experiment"),
        (["experiment=us_chin"], "no such option; nearest: us_china_2018"),
        (["mine.yaml", "experiment=rare_earths"], "name one experiment"),
        (["mine.yaml", "model=gravity"], "there are armington"),
        (["mine.yaml", "weights=none"], "weights"),
        (["mine.yaml", "befor=1"], "befor"),
        (["mine.yaml", "before=1990"], "no year 1990"),
        (["mine.yaml", "after=worlds/2030"], "no such directory"),
        (["mine.yaml", "products=[2602]"], "is text"),
        (["mine.yaml", "importers=[FRO]"], "nearest: FRA"),
        (["absent.yaml"], "cannot read"),
    ],
)
@pytest.mark.usefixtures("place")
def test_bad_configurations(capsys: pytest.CaptureFixture[str], call: list[str], text: str) -> None:
    assert main(["backtest", *call]) == 2
    assert text in capsys.readouterr().err
    assert not Path("outputs").exists()


@pytest.mark.usefixtures("place")
def test_other_files_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("here").mkdir()
    Path("here/notes.txt").write_text("mine")
    assert main(["backtest", "mine.yaml", "out=here", "overwrite=true"]) == 2
    assert "something else" in capsys.readouterr().err
    assert Path("here/notes.txt").read_text() == "mine"
    with pytest.raises(ConfigError, match="something else"):
        directory.is_there(Path("here/notes.txt"), "", overwrite=True)


def test_help_names_the_experiments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["backtest", "--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    for word in ("us_china_2018", "before=worlds/2017", "least_share", "docs/backtest.md"):
        assert word in told
