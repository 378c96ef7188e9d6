"""Whoever waits for a compiler is told so once."""

import logging
from collections.abc import Iterator
from threading import Event

import pytest

from tradewedge.kernels import patience


class Seen(logging.Handler):
    """Tells when a line has come."""

    def __init__(self) -> None:
        super().__init__()
        self.come = Event()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.come.set()


@pytest.fixture
def seen() -> Iterator[Seen]:
    """A handler on the package's logger; nothing has been said before."""
    handler, log = Seen(), logging.getLogger("tradewedge")
    patience._say.cache_clear()
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)
    patience._say.cache_clear()


def test_a_long_wait_is_announced_once(seen: Seen) -> None:
    with patience.announced(0.0):
        assert seen.come.wait(10)
    with patience.announced(0.0):
        pass
    assert seen.lines == [patience.TEXT]


def test_a_short_one_is_not(seen: Seen) -> None:
    with patience.announced(60.0):
        pass
    assert seen.lines == []
