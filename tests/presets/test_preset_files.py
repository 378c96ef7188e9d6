"""Every preset says what it is, where that is written down, and what it needs."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

import tradewedge as tw
from tradewedge.codes import named_list
from tradewedge.policy import Measure

PATHS = sorted((Path(str(files("tradewedge.conf"))) / "scenario").glob("p[0-9][0-9]_*.yaml"))
REPOSITORY = Path(__file__).resolve().parents[2]
EACH = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def _measures(case: tw.Scenario) -> list[Measure]:
    return [*case.measures, *(m for branch in case.branches.values() for m in branch)]


def test_all_thirty_are_there() -> None:
    assert {path.stem[:3] for path in PATHS} == {f"p{n:02d}" for n in range(1, 31)}


@EACH
def test_says_status_source_world_and_coverage(path: Path) -> None:
    case = tw.Scenario.from_yaml(path)
    assert case.name == path.stem
    assert case.description
    assert case.status
    assert case.coverage
    assert set(case.worlds) <= {"minerals", "us_imports"}
    assert case.worlds
    assert (
        re.search(r"\b[A-Z]\d\d\b", case.source) or "USGS" in case.source or "press" in case.source
    )


@EACH
def test_survives_being_written(path: Path) -> None:
    case = tw.Scenario.from_yaml(path)
    assert tw.Scenario.from_yaml(case.to_yaml()) == case


@EACH
def test_codes_are_quoted_and_lists_exist(path: Path) -> None:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    entries = [*data["measures"], *(m for b in data.get("branches", {}).values() for m in b)]
    for entry in entries:
        for key in ("importer", "exporter", "products", "members"):
            value = entry.get(key, "*")
            for code in value if isinstance(value, list) else [value]:
                assert isinstance(code, str)
                if ":" in code:
                    assert named_list(code).products


@EACH
def test_what_is_invented_is_marked(path: Path) -> None:
    """A status that speaks of something hypothetical goes with a flag that every table shows."""
    case = tw.Scenario.from_yaml(path)
    assert case.hypothetical == ("hypothetical" in case.status)


def test_a_licence_share_is_never_law() -> None:
    for path in PATHS:
        for measure in _measures(tw.Scenario.from_yaml(path)):
            if getattr(measure, "fraction", None) is not None:
                assert measure.hypothetical or tw.Scenario.from_yaml(path).hypothetical, path.stem


def test_the_page_names_every_file() -> None:
    page = (REPOSITORY / "docs/presets.md").read_text(encoding="utf-8")
    for path in PATHS:
        assert f"`{path.stem}`" in page, path.stem


def test_the_page_has_every_source() -> None:
    page = (REPOSITORY / "docs/presets.md").read_text(encoding="utf-8")
    for path in PATHS:
        for key in re.findall(r"\bS\d+\b", tw.Scenario.from_yaml(path).source):
            assert f"| {key} |" in page, f"{path.stem}: {key}"
