"""Every command that a help page or a page of the documentation shows runs."""

import re
import shlex
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

import tradewedge as tw
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


ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/data.md", "docs/scenarios.md")
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _run_help() -> str:
    config = yaml.safe_load((files("tradewedge.conf") / "config.yaml").read_text("utf-8"))
    return str(config["hydra"]["help"]["footer"])


def _examples() -> list[str]:
    shown = [cli._EPILOG, _run_help()]
    for page in PAGES:
        shown += SHELL.findall((ROOT / page).read_text(encoding="utf-8"))
    lines = [line.strip() for text in shown for line in text.splitlines()]
    found = [line for line in lines if line.startswith("tradewedge ")]
    return sorted({re.split(r"   +", line)[0] for line in found})


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
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    (tmp_path / "rare-earth-duty.yaml").write_text(YAML.findall(page)[0])
    if "my_world" in example:
        tw.load_world("minerals").select(["284690"]).save("my_world")
    _, *arguments = shlex.split(example, comments=True)
    if arguments[0] in ("report", "compare"):
        made = arguments[1].replace("*", "demo")
        assert main(["run", f"output.directory={made}", "output=quiet"]) == 0
        arguments[1] = made
    try:
        status = main(arguments)
    except SystemExit as stop:  # --help and --cfg leave by the back door
        status = int(stop.code or 0)
    assert status == 0, capsys.readouterr().err
