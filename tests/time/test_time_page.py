"""The example of docs/time.md runs, and its YAML is its Python."""

import re
import subprocess
import sys
from pathlib import Path

import tradewedge as tw

PAGE = Path(__file__).parents[2] / "docs" / "time.md"


def _blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_example_runs(tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text("\n".join(_blocks("python")), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_yaml_is_a_scenario() -> None:
    (text,) = _blocks("yaml")
    talks = tw.Scenario.from_yaml(text)
    assert list(talks.branches) == ["no_deal", "tariff"]
    assert talks.hypothetical
