"""Importing tradewedge is quick, and every public name is where it is said to be."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import tradewedge as tw

HEAVY = ("numpy", "polars", "numba", "jax", "hydra", "omegaconf", "rich", "scipy")


def test_import_loads_no_library() -> None:
    ask = f"import sys, tradewedge; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", tw.__all__)
def test_public_name_resolves(name: str) -> None:
    assert getattr(tw, name) is not None
    assert name in dir(tw)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tarif'"):
        tw.tarif  # noqa: B018


def test_version_is_told_once(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = project["version"]
    assert tw.__version__ == version("tradewedge") == stated
    changes = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## [{stated}]" in changes
    citation = (repository / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {stated}\n" in citation
