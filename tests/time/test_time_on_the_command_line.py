"""The overrides date, dates, reference and horizon of ``tradewedge run``."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hydra import compose, initialize_config_module

import tradewedge as tw
from tradewedge import conf_schema
from tradewedge.batch import open_world
from tradewedge.cli import main
from tradewedge.errors import ConfigError
from tradewedge.store import read_run

BAN = """\
name: "ban"
measures:
  - kind: "Exclusion"
    importer: "USA"
    exporter: "CHN"
    start: "2024-12-03"
    suspended: [["2025-11-09", "2026-11-27"]]
branch_date: "2026-07-13"
branches:
  wait: []
  duty:
    - {kind: "Tariff", importer: "USA", rate: 0.25}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory with ``world/`` and ``ban.yaml``."""
    rows = [("CHN", "USA", 300.0), ("MYS", "USA", 100.0), ("CHN", "JPN", 500.0)]
    flows = pl.DataFrame(
        [("284690", *row) for row in rows],
        schema=["product", "exporter", "importer", "value"],
        orient="row",
    )
    tw.World.from_flows(flows, name="small", vintage="HS2022").save(tmp_path / "world")
    (tmp_path / "ban.yaml").write_text(BAN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _settings(*overrides: str) -> conf_schema.Settings:
    conf_schema.register()
    with initialize_config_module("tradewedge.conf", version_base="1.3"):
        ours = ["scenario=[]", "scenario_files=[ban.yaml]", "data=path", "data.path=world"]
        return conf_schema.to_settings(compose("config", overrides=[*ours, *overrides]))


@pytest.mark.usefixtures("place")
def test_a_date() -> None:
    assert [s.name for s in _settings("date=2025-01-01").scenarios] == ["ban@2025-01-01"]
    assert [s.name for s in _settings("date=2026-08-01").scenarios] == [
        "ban/wait@2026-08-01",
        "ban/duty@2026-08-01",
    ]


@pytest.mark.usefixtures("place")
def test_several_dates() -> None:
    given = _settings("dates=[2026-01-20,2025-01-01]")
    assert [s.name for s in given.scenarios] == ["ban@2025-01-01", "ban@2026-01-20"]
    days = [str(s.date) for s in _settings("dates=changes").scenarios]
    assert days == ["2024-12-03", "2025-11-09", *["2026-07-13"] * 2, *["2026-11-28"] * 2]


@pytest.mark.usefixtures("place")
def test_a_reference() -> None:
    assert _settings("date=2025-01-01").reference is None
    on_law = _settings("date=2025-01-01", "reference=2026-01-15")
    assert on_law.reference == tw.law("2026-01-15")
    assert [case.law for case in on_law.scenarios] == [date(2026, 1, 15)]
    shipped = _settings("date=2025-01-01", "reference=us_without_china").reference
    assert shipped is not None
    assert shipped.name == "us_without_china"
    file = _settings("date=2025-01-01", "reference=ban.yaml").reference
    assert file is not None
    assert (file.name, file.date) == ("ban@2025-01-01", date(2025, 1, 1))


@pytest.mark.usefixtures("place")
def test_a_horizon_takes_the_place_of_the_set() -> None:
    settings = _settings("date=2025-01-01", "horizon=2", "elasticities.eta=0.4")
    assert (settings.horizon, settings.elasticities) == (2.0, None)
    world = open_world(settings)
    assert world.elasticities.set_name.startswith("2 years: between short")
    assert set(world.eta) == {0.4}
    assert settings.record() != _settings("date=2025-01-01").record()


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "say which"),
        (["date=soon"], "no date"),
        (["date=2025-01-01", "dates=[2025-01-01]"], "both given"),
        (["dates=always"], "or the word changes"),
        (["dates=[soon]"], "no date"),
        (["date=2025-01-01", "reference=us_without_chna"], "did you mean us_without_china"),
        (["date=2025-01-01", "reference=2026-13-01"], "law: '2026-13-01' is no date"),
        (["date=2026-08-01", "reference=ban.yaml"], "parted into 2 branches"),
        (["date=2025-01-01", "horizon=-1"], "number of years"),
        (["date=2025-01-01", "horizon=1", "elasticities=short"], "both say which"),
    ],
)
def test_what_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _settings(*overrides)


def test_a_run_along_a_path(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "off.yaml").write_text('name: "off"\n')
    arguments = ["run", "ban.yaml", "data=path", "data.path=world", "output.directory=out"]
    times = ["dates=[2025-01-01,2026-01-01]", "reference=off.yaml", "horizon=1"]
    assert main([*arguments, *times]) == 0
    assert "ban@2025-01-01" in capsys.readouterr().out
    run = read_run("out")
    flow = run.scan("flows").filter(exporter="CHN", importer="USA").collect()
    assert dict(zip(flow["scenario"], flow["value_new"], strict=True)) == {
        "ban@2025-01-01": 0.0,
        "ban@2026-01-01": pytest.approx(300.0),
    }
    assert main([*arguments, *times]) == 0
    assert "Already solved" in capsys.readouterr().out


def test_help_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    shown = capsys.readouterr().out
    for key in ("date:", "dates:", "reference:", "horizon:", "dates=changes"):
        assert key in shown
