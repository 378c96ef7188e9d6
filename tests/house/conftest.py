"""The package as it would reach a user: built from tracked files only."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., str]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def call() -> Call:
    """Run a command, show everything it said if it fails, return its standard output."""

    def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
        words = [str(part) for part in command]
        done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def tracked(repository: Path, call: Call) -> tuple[str, ...]:
    """Return the paths of all files that git tracks and that still exist."""
    if shutil.which("git") is None or not (repository / ".git").exists():
        pytest.skip("not a git checkout: what is tracked is unknown")
    listed = call("git", "ls-files", "-z", cwd=repository).split("\0")
    return tuple(path for path in listed if path and (repository / path).is_file())


@pytest.fixture(scope="session")
def checkout(
    repository: Path, tracked: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Copy the tracked files: no build left over, no file that was never added."""
    copy = tmp_path_factory.mktemp("checkout")
    for path in tracked:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repository / path, copy / path)
    return copy


@pytest.fixture(scope="session")
def wheel(checkout: Path, call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel of the copy, offline."""
    out = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index")
    call(*pip, "--no-build-isolation", "--wheel-dir", out, checkout, cwd=out)
    (built,) = out.glob("*.whl")
    return built
