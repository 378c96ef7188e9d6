"""Back-tests: what the models would have said of a year, against the year that came.

``run("us_china_2018")`` gives a :class:`~tradewedge.backtest.trial.Backtest` with tables.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Backtest": "trial",
    "Experiment": "experiment",
    "Plan": "plan",
    "run": "trial",
    "shipped": "experiment",
    "write": "directory",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
