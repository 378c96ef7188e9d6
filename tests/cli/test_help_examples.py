"""Every example that a help page shows runs."""

import re
import shlex
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from tradewedge import cli
from tradewedge.cli import main

MINE = """\
name: "mine"
measures:
  - kind: "Tariff"
    importer: "USA"
    exporter: "CHN"
    products: "2846"
    rate: 0.1
    start: "2026-01-20"
date: "2026-07-01"
"""


def _run_help() -> str:
    config = yaml.safe_load((files("tradewedge.conf") / "config.yaml").read_text("utf-8"))
    return str(config["hydra"]["help"]["footer"])


def _examples() -> list[str]:
    lines = (cli._EPILOG + _run_help()).splitlines()
    found = [line.strip() for line in lines if line.strip().startswith("tradewedge ")]
    return [re.split(r"   +", line)[0] for line in found]


def test_there_are_examples() -> None:
    assert len(_examples()) > 10


@pytest.mark.parametrize("example", _examples())
def test_the_example_runs(
    example: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_scenario.yaml").write_text(MINE)
    _, *arguments = shlex.split(example)
    if arguments[0] in ("report", "compare"):
        assert main(["run", "output.directory=outputs/demo", "output=quiet"]) == 0
        arguments = [a.replace("outputs/*", "outputs/demo") for a in arguments]
    try:
        status = main(arguments)
    except SystemExit as stop:  # --help and --cfg leave by the back door
        status = int(stop.code or 0)
    assert status == 0, capsys.readouterr().err
