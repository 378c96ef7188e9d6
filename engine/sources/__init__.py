"""Official formats and embedded data, read into the tidy tables of the engine."""

from importlib import import_module
from typing import Any

_HOMES = {
    "EmbeddedTables": "embedded",
    "EmbeddedWorld": "embedded",
    "tables": "embedded",
    "worlds": "embedded",
    "home_share": "embedded",
    "extra_table": "embedded",
    "elasticity_set": "elasticities",
    "content_of": "content",
    "dimension": "dimensions",
    "content_table": "content",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
