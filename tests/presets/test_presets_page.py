"""The code on the page of the presets runs."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/presets.md"


def test_the_examples_hold() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) == 2
    exec(compile("\n".join(blocks), str(PAGE), "exec"), {})
