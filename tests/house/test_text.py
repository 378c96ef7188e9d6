"""What the repository says about itself: links lead somewhere, examples run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

LINK = re.compile(r"(?<!\!)\[[^\]\n]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
MACHINE = re.compile(r"(?<![\w.])/(?:home|root|Users|work|mnt)/\w|[A-Z]:\\Users\\")


def anchors(text: str) -> set[str]:
    """Return the anchors that the headings of a Markdown text make."""
    plain = (re.sub(r"[^\w\- ]", "", h.lower()) for h in HEADING.findall(FENCED.sub("", text)))
    return {h.replace(" ", "-") for h in plain}


def test_links_lead_somewhere(repository: Path, tracked: tuple[str, ...]) -> None:
    dead = []
    for name in (path for path in tracked if path.endswith(".md")):
        page = repository / name
        for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                dead.append(f"{name}: {link}")
            elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
                dead.append(f"{name}: {link} (no such heading)")
    assert dead == []


def test_no_path_of_somebodys_machine(repository: Path, tracked: tuple[str, ...]) -> None:
    found = []
    for name in tracked:
        try:
            text = (repository / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name}: {hit.group()}" for hit in MACHINE.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "page",
    ["README.md", "docs/scenarios.md", "docs/results.md", "docs/data.md", "docs/model.md"],
)
def test_examples_run(page: str, repository: Path, tmp_path: Path) -> None:
    blocks = PYTHON.findall((repository / page).read_text(encoding="utf-8"))
    assert blocks, f"{page} has no Python example"
    script = tmp_path / "example.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
