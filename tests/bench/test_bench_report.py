"""What the pages say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tradewedge.bench import plots, report
from tradewedge.bench.cases import Skip
from tradewedge.bench.merge import Merged, merge
from tradewedge.bench.page import Figure, Heading, Text, html, markdown, table

Make = Callable[..., Any]
_PHASES = {"compile": 1.0, "transfer": 0.01, "device": 0.02, "host": 0.03}


@pytest.fixture
def on_gpu(make_document: Make, make_entry: Make, make_case: Make) -> Merged:
    """A machine with a GPU: sizes, batches, first solves, a case that did not converge."""
    entries = []
    for products in (10, 100, 1000):
        of = make_case(products=products)
        entries.append(make_entry(of, 3e-8 * of.flows))
        of = make_case("cupy", products=products)
        entries.append(make_entry(of, 1e-9 * of.flows, phases=_PHASES))
    batch = make_case(products=1000, scenarios=16)
    entries.append(make_entry(batch, 3e-8 * batch.flows * 8))
    entries.append(make_entry(make_case("jax-gpu"), 1e-3, unsolved=2, phases=_PHASES))
    entries.append(make_entry(make_case("cupy", cold=True), 1e-3, first=30.0))
    skipped = (Skip(make_case("reference", 5000), "takes too long"),)
    return merge([make_document(entries, gpu="H100", skipped=skipped)])


def rows(text: str, section: str) -> list[list[str]]:
    """The first table of a section of a Markdown page, without its head."""
    part = text.partition(f"## {section}\n")[2].partition("\n## ")[0]
    first = next(block for block in part.strip().split("\n\n") if block.startswith("|"))
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in first.splitlines()[2:]]


def test_every_section_of_a_gpu_machine(on_gpu: Merged) -> None:
    text = markdown(report.pages(on_gpu))
    assert "No GPU took part" not in text
    speed = {row[0]: row[3:] for row in rows(text, "Seconds per solve")}
    assert speed["tariff 1000x226"] == ["69 ms", "2.3 ms (30 ×)", ""]
    assert speed["tariff 10x226"][2] == "1 ms (-)", "it did not converge everywhere"
    growth = [row[:3] for row in rows(text, "Growth with flows times scenarios")]
    assert growth == [["cpu", "products", "1.00"], ["cupy", "products", "1.00"]]
    batch = rows(text, "Scenarios in one call")
    assert next(row[2:] for row in batch if row[2] == "16")[-1] == "2.00"
    firsts = {row[0]: row[-1] for row in rows(text, "Compile, transfer, steady state")}
    assert firsts["cupy"].startswith("30.1 s")
    assert firsts["cpu"] == "not measured"
    assert "| tariff 10x226 | cupy | 1 s | 10 ms | 20 ms | 30 ms |" in text
    (left_out,) = rows(text, "Left out")
    assert left_out[1:] == ["reference", "tariff-5000x226-s1", "takes too long"]


def test_without_gpu_it_says_so(make_document: Make, make_entry: Make, make_case: Make) -> None:
    merged = merge([make_document([make_entry(make_case(), 1.0)])])
    assert "**No GPU took part: there is no GPU timing in this report.**" in markdown(
        report.pages(merged)
    )


def test_several_machines_stand_side_by_side(
    make_document: Make, make_entry: Make, make_case: Make
) -> None:
    documents = [
        make_document([make_entry(make_case(), s)], gpu) for s, gpu in ((1, None), (2, "H"))
    ]
    text = markdown(report.pages(merge(documents)))
    assert "cpu, Some CPU (2 cores) | cpu, Some CPU (2 cores), H |" in text
    assert [row[3:] for row in rows(text, "Seconds per solve")] == [["1 s", "2 s"]]
    backends = [row[1] for row in rows(text, "Accuracy beside speed")]
    assert backends == ["cpu, Some CPU (2 cores)", "cpu, Some CPU (2 cores), H"]


def test_nothing_measured_is_a_page_too(make_document: Make, make_case: Make) -> None:
    merged = merge([make_document([], skipped=(Skip(make_case("cupy"), "no GPU here"),))])
    assert "no GPU here" in markdown(report.pages(merged))


def test_pages_and_drawings_are_written(on_gpu: Merged, tmp_path: Path) -> None:
    if not plots.can_draw():
        pytest.skip("the extra bench is not installed")
    markdown_page, html_page = report.write(on_gpu, tmp_path)
    drawn = re.findall(r"!\[[^]]*\]\(([^)]+)\)", markdown_page.read_text(encoding="utf-8"))
    assert drawn == ["growth.svg", "batches.svg", "phases.svg", "accuracy.svg", "bandwidth.svg"]
    for name in drawn:
        assert ElementTree.parse(tmp_path / name).getroot().tag.endswith("svg")
    page = html_page.read_text(encoding="utf-8")
    assert page.count("<svg") == len(drawn)
    assert not re.search(r'(src|href)="', page), "nothing outside the file"
    assert "<script" not in page


def test_without_the_library_there_are_tables(
    on_gpu: Merged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "can_draw", lambda: False)
    blocks = tuple(report.pages(on_gpu))
    assert not any(isinstance(block, Figure) for block in blocks)
    assert "pip install 'tradewedge[bench]'" in markdown(blocks)


def test_blocks_as_markdown_and_html() -> None:
    blocks = [
        Heading(2, "a < b"),
        Text("run `x & y`"),
        table(("k", "v"), [("a", "1")]),
        Figure("f", "a figure", "<svg></svg>"),
    ]
    assert markdown(blocks) == (
        "## a < b\n\nrun `x & y`\n\n| k | v |\n| --- | ---: |\n| a | 1 |\n\n![a figure](f.svg)\n"
    )
    page = html("t", blocks)
    assert "<h2>a &lt; b</h2>" in page
    assert "<code>x &amp; y</code>" in page
    assert "<td>a</td><td>1</td>" in page
    assert "<figure><svg></svg>" in page


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "2 s"), (0.0123, "12.3 ms"), (4.56e-5, "45.6 µs")]
)
def test_seconds(value: float, text: str) -> None:
    assert report.seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(5e3, "5 kB"), (1.2e7, "12 MB"), (3.4e9, "3.4 GB")])
def test_sizes(value: float, text: str) -> None:
    assert report.size(value) == text


def test_growth_with_products_and_with_scenarios_are_fitted_apart(
    make_document: Make, make_entry: Make, make_case: Make
) -> None:
    entries = []
    for products in (10, 100, 1000):
        of = make_case(products=products)
        entries.append(make_entry(of, 1e-8 * of.flows))
        other = make_case(products=products, countries=30)
        entries.append(make_entry(other, 1.0))
    for scenarios in (16, 256):
        of = make_case(scenarios=scenarios)
        entries.append(make_entry(of, 1e-8 * of.flows * scenarios**0.5))
    found = merge([make_document(entries)]).measurements
    fits = report.fitted(found, lambda m: m.case.target)
    assert set(fits) == {("cpu", "products"), ("cpu", "scenarios of 10x226")}
    assert fits["cpu", "products"].exponent == pytest.approx(1.0, abs=1e-3)
    assert fits["cpu", "scenarios of 10x226"].exponent == pytest.approx(0.5, abs=1e-3)
