"""The example of docs/estimate.md runs and gives the figures beside it."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "estimate.md"
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_example() -> None:
    (example,) = PYTHON.findall(PAGE.read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(example, PAGE.name, "exec"), names)
    found = names["found"].sigmas.row(0, named=True)  # type: ignore[attr-defined]
    told = re.search(r"# ([\d.]+), standard error ([\d.]+), (\d+) rows in (\d+) clusters", example)
    assert told is not None
    assert [f"{found['sigma']:.2f}", f"{found['standard_error']:.2f}"] == [told[1], told[2]]
    assert [found["rows"], found["clusters"]] == [int(told[3]), int(told[4])]
    world = names["world"]
    assert world.sigma[world.products.index("284690")] == pytest.approx(found["sigma"])  # type: ignore[attr-defined]
