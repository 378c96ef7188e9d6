"""One scenario of a small result."""

from collections.abc import Callable

import pytest

import tradewedge as tw
from tradewedge.report.headline import Headline
from tradewedge.store import Run, view


@pytest.fixture(scope="session")
def headline_of() -> Callable[[Run | tw.Result, str], Headline]:
    """Return a function that narrows a run, or a result, to one of its scenarios."""

    def narrowed(source: Run | tw.Result, name: str) -> Headline:
        run = source if isinstance(source, Run) else view(source)
        (entry,) = [entry for entry in run.manifest["scenarios"] if entry["name"] == name]
        return Headline(run, entry)

    return narrowed
