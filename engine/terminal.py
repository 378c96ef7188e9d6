"""What the command line shares: exit statuses, a plain console, a progress bar, warnings."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from tradewedge.errors import TradewedgeWarning

if TYPE_CHECKING:
    from rich.console import Console

    from tradewedge.store import Run

#: Exit statuses.
OK: Final = 0
NOT_SOLVED: Final = 1
WRONG_INPUT: Final = 2
INTERRUPTED: Final = 130

_TRACEBACK: Final = "TRADEWEDGE_TRACEBACK"


def wants_traceback() -> bool:
    """Whether errors shall come through as they are."""
    return os.environ.get(_TRACEBACK) == "1"


def console(width: int | None = None) -> "Console":
    """A console as wide as the terminal, at most as wide as a summary, or as told."""
    from rich.console import Console

    from tradewedge.report.summary import MAX_WIDTH

    made = Console(highlight=False, emoji=False)
    made.width = width or min(made.width, MAX_WIDTH)
    return made


def print_summary(run: "Run", width: int | None) -> None:
    """The summary of a run, without colours where nobody looks."""
    from tradewedge.report import summary, text

    place = console(width)
    if place.is_terminal:
        place.print(summary(run))
    else:
        print(text(run, place.width), end="")


def warn(text: str) -> None:
    """A line on stderr that begins with the word warning."""
    print(f"warning: {text}", file=sys.stderr)


def warn_of_absent_products(run: "Run") -> None:
    """Repeat on stderr that a code which a scenario names is not in the world."""
    from tradewedge.policy.goods import ABSENT

    for entry in run.manifest["scenarios"]:
        for text in entry["warnings"]:
            if ABSENT in text:
                warn(f"scenario {entry['name']}: {text}")


def relative(directory: str) -> str:
    """A path as seen from here, unless it lies elsewhere."""
    path = os.path.relpath(directory)
    return directory if path.startswith("..") else path


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    place = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=place, transient=True, disable=not place.is_terminal) as bar:

        def notify(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield notify


@contextmanager
def short_warnings() -> Iterator[None]:
    """Show our own warnings as one line, without the place in the code."""
    before = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, TradewedgeWarning):
            warn(str(message))
        else:
            before(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before
