"""The kinds of measures, by name: what a policy changes, for which products, from whom, to whom.

A measure is plain data. It is checked as far as it can be without a world (types, ranges);
which flows it meets is found by :mod:`tradewedge.policy.compile`. What all measures share, scope
and dates above all, is told in :mod:`tradewedge.policy.measure`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tradewedge.policy.agreements import Agreement
from tradewedge.policy.floors import PriceFloor
from tradewedge.policy.measure import CODE_FIELDS, Measure
from tradewedge.policy.quotas import Exclusion, ExportQuota, ImportQuota, TariffRateQuota
from tradewedge.policy.rates import CompoundDuty, ExportTax, SpecificDuty, Tariff, TradeCost
from tradewedge.policy.shifts import Capacity, ContractForDifference, DemandShift, SupplyShift

__all__ = [
    "CODE_FIELDS",
    "MEASURES",
    "Agreement",
    "Capacity",
    "CompoundDuty",
    "ContractForDifference",
    "DemandShift",
    "Exclusion",
    "ExportQuota",
    "ExportTax",
    "ImportQuota",
    "Measure",
    "PriceFloor",
    "SpecificDuty",
    "SupplyShift",
    "Tariff",
    "TariffRateQuota",
    "TradeCost",
]

MEASURES: Mapping[str, type[Measure]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            Tariff,
            SpecificDuty,
            CompoundDuty,
            TariffRateQuota,
            PriceFloor,
            ImportQuota,
            ExportQuota,
            ExportTax,
            Exclusion,
            TradeCost,
            Agreement,
            SupplyShift,
            DemandShift,
            Capacity,
            ContractForDifference,
        )
    }
)
