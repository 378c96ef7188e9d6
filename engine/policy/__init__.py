"""Policy: measures as data, scenarios as lists of them, and what they do to a world's flows."""

from tradewedge.policy.compile import compile_wedges
from tradewedge.policy.measures import (
    MEASURES,
    DemandShift,
    Exclusion,
    ExportTax,
    Measure,
    SupplyShift,
    Tariff,
    TradeCost,
)
from tradewedge.policy.scenario import Scenario
from tradewedge.policy.wedges import Group, Match, Owners, Wedges, shock

__all__ = [
    "MEASURES",
    "DemandShift",
    "Exclusion",
    "ExportTax",
    "Group",
    "Match",
    "Measure",
    "Owners",
    "Scenario",
    "SupplyShift",
    "Tariff",
    "TradeCost",
    "Wedges",
    "compile_wedges",
    "shock",
]
