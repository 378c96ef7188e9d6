"""A line for whoever waits for a compiler, and knows nothing of it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Timer
from typing import Final

_LOG = logging.getLogger("tradewedge")

#: Seconds within which kernels are loaded from their cache, so that no line is needed.
LOADED: Final = 3.0
TEXT: Final = (
    "compiling kernels for this machine, which may take about a minute; they are kept on disk, "
    "and the next process loads them in seconds"
)


@contextmanager
def announced(seconds: float = LOADED) -> Iterator[None]:
    """Log a warning, once in a process, if a block takes longer than ``seconds``."""
    timer = Timer(seconds, _say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@cache
def _say() -> None:
    _LOG.warning(TEXT)
