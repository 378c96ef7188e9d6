"""Policy: measures as data, scenarios as lists of them, and what they do to a world's flows."""

from tradewedge.policy.compile import Compiler, compile_wedges
from tradewedge.policy.measures import (
    MEASURES,
    Agreement,
    Capacity,
    CompoundDuty,
    ContractForDifference,
    DemandShift,
    Exclusion,
    ExportQuota,
    ExportTax,
    ImportQuota,
    Measure,
    PriceFloor,
    SpecificDuty,
    SupplyShift,
    Tariff,
    TariffRateQuota,
    TradeCost,
)
from tradewedge.policy.scenario import Scenario
from tradewedge.policy.wedges import Group, Match, Owners, Wedges, changes, shock

__all__ = [
    "MEASURES",
    "Agreement",
    "Capacity",
    "Compiler",
    "CompoundDuty",
    "ContractForDifference",
    "DemandShift",
    "Exclusion",
    "ExportQuota",
    "ExportTax",
    "Group",
    "ImportQuota",
    "Match",
    "Measure",
    "Owners",
    "PriceFloor",
    "Scenario",
    "SpecificDuty",
    "SupplyShift",
    "Tariff",
    "TariffRateQuota",
    "TradeCost",
    "Wedges",
    "changes",
    "compile_wedges",
    "shock",
]
