"""tradewedge: who ships what to whom, at what price, after a trade measure.

The public names are imported on first use, so that ``import tradewedge`` and the command
line's ``--help`` stay fast.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("tradewedge")
except PackageNotFoundError:  # a source tree on sys.path, not installed
    __version__ = "0+unknown"

_HOMES = {
    "World": "tradewedge.world",
    "load_world": "tradewedge.worlds",
    "Scenario": "tradewedge.policy",
    "law": "tradewedge.policy.scenario",
    "Tariff": "tradewedge.policy",
    "Exclusion": "tradewedge.policy",
    "TradeCost": "tradewedge.policy",
    "ExportTax": "tradewedge.policy",
    "SupplyShift": "tradewedge.policy",
    "DemandShift": "tradewedge.policy",
    "SpecificDuty": "tradewedge.policy",
    "CompoundDuty": "tradewedge.policy",
    "TariffRateQuota": "tradewedge.policy",
    "PriceFloor": "tradewedge.policy",
    "ImportQuota": "tradewedge.policy",
    "ExportQuota": "tradewedge.policy",
    "Agreement": "tradewedge.policy",
    "Capacity": "tradewedge.policy",
    "ContractForDifference": "tradewedge.policy",
    "solve": "tradewedge.solver",
    "Result": "tradewedge.result",
    "estimate": "tradewedge.estimation",
    "sensitivity": "tradewedge.derivatives",
    "Outcome": "tradewedge.derivatives",
    "TradewedgeError": "tradewedge.errors",
    "DataError": "tradewedge.errors",
    "ConfigError": "tradewedge.errors",
    "BackendUnavailable": "tradewedge.errors",
    "SolveError": "tradewedge.errors",
}
_MODULES = (
    "backtest",
    "codes",
    "errors",
    "sources",
    "policy",
    "models",
    "outcomes",
    "store",
    "report",
)

__all__ = ["__version__", *sorted(_HOMES), *sorted(_MODULES)]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"tradewedge.{name}")
    raise AttributeError(f"module 'tradewedge' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
