"""From a source's tables to a saved world: editions, countries, years, tons, and the audit."""

from importlib import import_module
from typing import Any

_HOMES = {"Built": "make", "Countries": "plan", "Plan": "plan", "Tons": "plan", "build": "make"}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
