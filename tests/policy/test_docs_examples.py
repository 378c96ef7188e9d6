"""The examples on the pages of docs/instruments run and print what the pages say."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from tradewedge.policy import MEASURES
from tradewedge.policy.measures import Measure

PAGES = Path(__file__).resolve().parents[2] / "docs" / "instruments"
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHARED = {"SpecificDuty": "specific_duty", "CompoundDuty": "specific_duty"}


def page_of(kind: str) -> Path:
    name = SHARED.get(kind) or re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    return PAGES / f"{name}.md"


@pytest.mark.parametrize("kind", MEASURES)
def test_every_kind_has_a_page_that_names_its_arguments(kind: str) -> None:
    text = page_of(kind).read_text(encoding="utf-8")
    own = set(MEASURES[kind].__dataclass_fields__) - set(Measure.__dataclass_fields__)
    assert [name for name in sorted(own) if name not in text] == []
    assert f"]({page_of(kind).name})" in (PAGES / "index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted({page_of(kind) for kind in MEASURES}), ids=lambda p: p.stem)
def test_examples_print_what_the_page_shows(page: Path) -> None:
    (found,) = EXAMPLE.findall(page.read_text(encoding="utf-8"))
    code, shown = found
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(page), "exec"), {"__name__": "example"})
    assert printed.getvalue() == shown


def test_the_ranges_of_the_ndpr_floor() -> None:
    from tradewedge.sources.content import content_of

    ends = [110 * content_of("NdPr", "284690", "HS2022", column) for column in ("low", "high")]
    assert ends == pytest.approx([5.5, 33])
    assert "from 5.50 to 33 USD" in (PAGES / "index.md").read_text(encoding="utf-8")
