"""What every room's tests share. Kept small: a room's own helpers live in its own folder."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[1]


def _fresh_numba_cache() -> None:
    """Key Numba's disk cache by the kernels' text.

    Numba looks only at the file that holds a compiled function, so an edit in a module that
    the function calls would go unseen. It reads the variable when it is first imported.
    """
    text = hashlib.sha256()
    for path in sorted((REPOSITORY / "kernels").rglob("*.py")):
        text.update(path.read_bytes())
    place = REPOSITORY / "build" / "numba" / text.hexdigest()[:16]
    os.environ.setdefault("NUMBA_CACHE_DIR", str(place))


_fresh_numba_cache()

settings.register_profile("default", deadline=None, max_examples=25)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder with the original public files, which the repository does not hold."""
    named = os.environ.get("TRADEWEDGE_SHARED")
    place = Path(named) if named else REPOSITORY.parent / "shared"
    if not (place / "data").is_dir():
        pytest.skip(f"the original files are not at {place}; name them in TRADEWEDGE_SHARED")
    return place
