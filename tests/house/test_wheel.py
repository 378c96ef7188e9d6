"""What a wheel holds, and whether the command works once it is installed."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

Call = Callable[..., str]

SHOWN = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def setup(repository: Path) -> dict[str, Any]:
    """Return what pyproject.toml tells setuptools."""
    table = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    return table["tool"]["setuptools"]


def installed_name(path: str, package_dir: dict[str, str]) -> str | None:
    """Say where a tracked file lands in site-packages, or None for files of no room."""
    room, _, rest = path.partition("/")
    for package, folder in package_dir.items():
        if folder == room and rest:
            return f"{package.replace('.', '/')}/{rest}"
    return None


def is_note(path: str) -> bool:
    """Tell notes for developers: they stay out, the data's own READMEs go along."""
    return path.endswith(".md") and not path.startswith("data/")


def test_wheel_holds_the_rooms_and_nothing_else(
    wheel: Path, tracked: tuple[str, ...], setup: dict[str, Any]
) -> None:
    held = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    named = {p: installed_name(p, setup["package-dir"]) for p in tracked if not is_note(p)}
    wanted = {name for name in named.values() if name}
    assert sorted(wanted - held) == [], "tracked, but not in the wheel: see package-data"
    assert sorted(held - wanted) == [], "in the wheel, but not tracked"


def test_every_package_is_listed_once(tracked: tuple[str, ...], setup: dict[str, Any]) -> None:
    modules = (installed_name(p, setup["package-dir"]) for p in tracked if p.endswith(".py"))
    packages = {str(PurePosixPath(m).parent).replace("/", ".") for m in modules if m}
    assert sorted(setup["packages"]) == sorted(packages)


def environment(place: Path) -> tuple[Path, dict[str, str]]:
    """Make a fresh virtual environment that sees this one's libraries, but not its tradewedge.

    A path named in a ``.pth`` file is searched last and its own ``.pth`` files are not read,
    so an editable install around the tests does not leak in.
    """
    venv.create(place, with_pip=False)
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(own.stdout.strip(), "libraries.pth").write_text("\n".join(sorted(libraries)))
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "NUMBA_CACHE_DIR")}
    return python, env


def install(call: Call, python: Path, *what: str | Path, cwd: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps")
    call(*pip, "--no-index", "--no-build-isolation", *what, cwd=cwd)


@pytest.fixture(scope="module", params=["wheel", "editable"])
def fresh(
    request: pytest.FixtureRequest, call: Call, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str], Path]:
    """Install into a fresh environment; return its Python, its variables and the source."""
    place = tmp_path_factory.mktemp(f"venv-{request.param}")
    python, env = environment(place / "venv")
    checkout = request.getfixturevalue("checkout")
    if request.param == "wheel":
        install(call, python, request.getfixturevalue("wheel"), cwd=place)
        return python, env, place
    install(call, python, "--editable", checkout, cwd=place)
    return python, env, checkout


def test_all_four_folders_are_one_package(
    fresh: tuple[Path, dict[str, str], Path], call: Call, tmp_path: Path
) -> None:
    python, env, source = fresh
    names = ("tradewedge", "tradewedge.kernels", "tradewedge.conf", "tradewedge.data")
    ask = f"from importlib import import_module as i; [print(i(n).__file__) for n in {names}]"
    places = call(python, "-c", ask, cwd=tmp_path, env=env).split()
    assert len(places) == len(names)
    for place in places:
        assert Path(place).resolve().is_relative_to(source.resolve())


def test_command_answers_from_another_directory(
    fresh: tuple[Path, dict[str, str], Path], call: Call, tmp_path: Path
) -> None:
    python, env, _ = fresh
    command = python.with_name("tradewedge")
    ask = "import tradewedge; print(tradewedge.__version__)"
    version = call(python, "-c", ask, cwd=tmp_path, env=env).strip()
    assert version in call(command, "--version", cwd=tmp_path, env=env)
    assert "run" in call(command, "--help", cwd=tmp_path, env=env)


@pytest.mark.slow
def test_timings_are_taken_from_another_directory(
    fresh: tuple[Path, dict[str, str], Path], call: Call, tmp_path: Path
) -> None:
    python, env, _ = fresh
    only = ("--backend", "cpu", "--products", "1", "--out", "out")
    call(python.with_name("tradewedge"), "bench", *only, cwd=tmp_path, env=env)
    assert {p.name for p in tmp_path.iterdir()} == {"out"}, "it wrote outside its directory"
    (timed,) = json.loads((tmp_path / "out" / "bench.json").read_text("utf-8"))["benchmarks"]
    assert timed["extra_info"]["unsolved"] == 0


@pytest.mark.slow
def test_demo_runs_from_another_directory(
    fresh: tuple[Path, dict[str, str], Path], call: Call, repository: Path, tmp_path: Path
) -> None:
    python, env, _ = fresh
    command = python.with_name("tradewedge")
    out = tmp_path / "out"
    said = call(command, "run", f"output.directory={out}", cwd=tmp_path, env=env)
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert {p.name for p in tmp_path.iterdir()} == {"out"}, "the run wrote outside its directory"
    shown = SHOWN.search((repository / "README.md").read_text(encoding="utf-8"))
    assert shown, "README.md shows no output of the demo"
    lines = {line.rstrip() for line in said.splitlines()}
    invented = [line for line in shown[1].splitlines() if line != "..." and line not in lines]
    assert invented == [], "README.md shows output that the demo does not give"
