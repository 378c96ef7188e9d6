"""What a scenario does to one world, flow by flow: the product of compiling it.

Two parts. Constant ad valorem wedges are plain arrays. What depends on prices or quantities is
in ``Wedges.instruments``, the arrays that kernels take; beside it stands what money needs and
prices do not: which measure set an instrument, and who keeps what it yields.

A *measure number* is a position in ``scenario.measures`` and in ``Wedges.matches``, counted from
0; -1 means no measure. Its authority is ``wedges.authority(number)``.

How a delivered price is made up (all per unit, in units of the flow's baseline duty-paid price)
-------------------------------------------------------------------------------------------
``a``   producer price x (1 + export tax) x trade cost x (1 + tariff), new over base
``al``  ``a`` x exp(sum of the premiums of the flow's groups)
``b``   ``al + specific``
With a floor or a flow's own quota on top, the buyer pays the *delivered* price. The gaps belong
to:

- ``al - a``: the group's ``rent`` receiver. Beyond a tariff-rate quota that is exceeded, only on
  the group's share within; the rest is duty of its measure's authority. Held by the exporter (or
  producer) it is part of the border price, so ad valorem duty is charged on it: the holder keeps
  the gap / (1 + tariff_new), the treasury the rest. Held by the importer it is untaxed.
- delivered less ``b`` where the flow's own quota binds: the same, by ``quota_rent_to_exporter``.
  Beyond a tariff-rate quota, the gap on the quantity within is rent, the gap on the quantity
  above it duty of ``quota_measure``'s authority.
- delivered less the rest where the floor binds: levy to the treasury under ``floor_measure``'s
  authority, or the exporter's (``floor_rent_to_exporter``). Where ``floor_taxed``, ad valorem
  duty is charged on the lifted price: of the gap, 1 / (1 + tariff_new) is levy or rent, the rest
  is duty in proportion to the stacked rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from tradewedge.duty import Duty
from tradewedge.kernels.changes import Changes
from tradewedge.kernels.columns import Column
from tradewedge.kernels.market import Instruments, Shock
from tradewedge.kernels.thin import Thin, spread_out
from tradewedge.policy.columns import NONE, is_constant, marks, places
from tradewedge.policy.draft import QuotaKind
from tradewedge.policy.measures import Measure
from tradewedge.policy.scenario import Scenario
from tradewedge.world import World

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Match:
    """What one measure met.

    Attributes
    ----------
    measure : Measure
    label : str
        The measure's title, marked where it or its scenario is hypothetical.
    flows, products : int
        Flow rows, and products among them. A supply (demand) shift meets all flows of its
        exporters (importers).
    value_base : float
        Baseline border value of those flows, thousand USD.
    covered_value : float
        Their value on the tariff lines that the scope names; less than ``value_base`` only where a
        named list holds codes in part and ``coverage`` is "lines". Duties that are added are
        charged on it; other measures take the whole, and ``Wedges.warnings`` says so.
    home_flows, home_value : int, float
        How many of those flows are home sales, and their value.
    exporters, importers : tuple of str
        Countries on either side of those flows.
    without_tons : int
        Flows among them whose tons the measure needed and the world lacks (see the measure's
        ``missing_tons``).
    """

    measure: Measure
    label: str
    flows: int
    products: int
    value_base: float
    exporters: tuple[str, ...]
    importers: tuple[str, ...]
    without_tons: int = 0
    home_flows: int = 0
    home_value: float = 0.0
    covered_value: float = 0.0


@dataclass(frozen=True)
class Group:
    """One quantity limit over several flows of one product: row g of the kernel's groups.

    Attributes
    ----------
    measure : int
        Measure number.
    kind : {"import_quota", "export_quota", "tariff_rate_quota", "capacity"}
    label : str
        The measure's title as in its :class:`Match`.
    authority : str
    product : int
        Index into the world's products.
    per : {"pair", "importer", "exporter", "global"}
        What shares the limit. "pair" only where the flow also has a tariff-rate quota, so that
        its own place is taken.
    unit : str
        Who shares it: "USA", "COD", "CHN to USA", or "" for all.
    limit : float
        Largest quantity over the baseline's, as in ``group_limit``.
    tons_base : float
        Baseline tons of the flows; NaN where some are unknown. ``limit * tons_base`` is the limit
        in tons.
    weighted_by : {"tons", "value"}
        What the weights of the flows are shares of: value only for limits given as a fraction.
    rent : {"importer", "exporter", "producer"}
        Who keeps the premium. "producer" is the scarcity rent of a capacity where supply is
        infinitely elastic.
    """

    measure: int
    kind: QuotaKind
    label: str
    authority: str
    product: int
    per: Literal["pair", "importer", "exporter", "global"]
    unit: str
    limit: float
    tons_base: float
    weighted_by: Literal["tons", "value"]
    rent: Literal["importer", "exporter", "producer"]


OWNERS_OF_FLOWS: Final[Mapping[str, float]] = {
    "floor_measure": -1,
    "floor_rent_to_exporter": False,
    "floor_taxed": False,
    "quota_measure": -1,
    "quota_rent_to_exporter": False,
    "tariff_beyond": np.nan,
}
"""What :class:`Owners` hold for a flow without an instrument."""
OWNERS_OF_EXPORTERS: Final[Mapping[str, float]] = {"capacity_measure": -1, "cfd_measure": -1}
"""The same for an exporter."""


@dataclass(frozen=True, eq=False)
class Owners:
    """Which measure set each instrument and who keeps what it yields, aligned with a world.

    All arrays refer to ``Wedges.instruments``.

    Attributes
    ----------
    specific_duties : tuple of Duty
        Specific duties by authority; ``rate`` is per unit in units of the flow's baseline
        duty-paid price, and their sum is ``instruments.specific``. Paid to the importer.
    floor_measure : int64 [F]
        Measure number of the price floor in force (the highest one); -1: none.
    floor_rent_to_exporter : bool [F]
        The exporter lifts its price and keeps the gap; else a levy takes it.
    floor_taxed : bool [F]
        Ad valorem duty is charged on the lifted price: a floor on the border price, or rent to
        the exporter.
    quota_measure : int64 [F]
        Measure number of the flow's own quota or tariff-rate quota; -1: none.
    quota_rent_to_exporter : bool [F]
        Who keeps its rent; else the importer.
    tariff_beyond : float64 [F]
        Total ad valorem rate beyond the flow's own tariff-rate quota; NaN where there is none.
        Within the quota it is ``Wedges.tariff_new``, which holds the in-quota rate.
    groups : tuple of Group
        One per row g of the kernel's groups.
    capacity_measure : int64 [X]
        Measure number of the tightest capacity; -1: none. The scarcity rent is the producer's:
        it is part of the producer price. Where supply is infinitely elastic the capacity is a
        group instead, and this is -1.
    cfd_measure : int64 [X]
        Measure number of the contract for differences; -1: none. Its budget is the exporting
        country's: covered output x (strike - price) below the strike, less upside x (price -
        strike) above it.
    """

    specific_duties: tuple[Duty, ...]
    floor_measure: Ints
    floor_rent_to_exporter: Bools
    floor_taxed: Bools
    quota_measure: Ints
    quota_rent_to_exporter: Bools
    tariff_beyond: Floats
    groups: tuple[Group, ...]
    capacity_measure: Ints
    cfd_measure: Ints


@dataclass(frozen=True, eq=False)
class Wedges:
    """A scenario aligned with the rows of a world.

    Attributes
    ----------
    scenario : Scenario
    duties : tuple of Duty
        All tariffs in force under the scenario, one per authority, rows ascending.
    tariff : Column
        Their total, a fraction of border value times trade cost; the baseline's where no
        tariff measure applies.
    cost : Column
        Factor on the delivered price; 1 where nothing changes.
    export_taxes : tuple of Duty
        Export taxes by authority, a fraction of the producer value.
    tax : Column
        Their total.
    excluded : int64 [...]
        Flows that are excluded, ascending.
    supply : float64 [X]
        Factor on each exporter row's supply.
    demand : float64 [M]
        Factor on each importer row's demand.
    touched_products : bool [K]
        Products that some measure matches.
    touched : int64 [...]
        Flows that some measure matches, ascending.
    matches : tuple of Match
        One per measure, in order.
    warnings : tuple of str
        What a reader of the results should know.
    thin : Thin or None
        What depends on prices or quantities, on the rows that have some; None where the scenario
        has nothing of the kind.
    thin_owners : Owners or None
        Whose these instruments are, by the same rows; None exactly where ``thin`` is.
    """

    scenario: Scenario
    duties: tuple[Duty, ...]
    tariff: Column
    cost: Column
    export_taxes: tuple[Duty, ...]
    tax: Column
    excluded: Ints
    supply: Floats
    demand: Floats
    touched_products: Bools
    touched: Ints
    matches: tuple[Match, ...]
    warnings: tuple[str, ...]
    thin: Thin | None = None
    thin_owners: Owners | None = None

    @cached_property
    def instruments(self) -> Instruments | None:
        """``thin`` for every row."""
        if self.thin is None:
            return None
        return self.thin.full(self.tariff.base.size, self.supply.size)

    @cached_property
    def owners(self) -> Owners | None:
        """``thin_owners`` for every row."""
        if self.thin is None or self.thin_owners is None:
            return None
        return replace(
            self.thin_owners,
            **spread_out(self.thin_owners, OWNERS_OF_FLOWS, self.tariff.base.size, self.thin.flow),
            **spread_out(
                self.thin_owners, OWNERS_OF_EXPORTERS, self.supply.size, self.thin.exporter
            ),
        )

    @property
    def tariff_new(self) -> Floats:
        """Total duty of every flow, [F]."""
        return self.tariff.full

    @property
    def trade_cost(self) -> Floats:
        """Factor on the delivered price of every flow, [F]."""
        return self.cost.full

    @property
    def export_tax(self) -> Floats:
        """Total export tax of every flow, [F]."""
        return self.tax.full

    @property
    def admitted(self) -> Bools:
        """Flows that are not excluded, [F]."""
        return ~marks(self.excluded, self.tariff.base.size)

    @property
    def touched_flows(self) -> Bools:
        """Flows that some measure matches, [F]."""
        return marks(self.touched, self.tariff.base.size)

    def authority(self, number: int) -> str:
        """Authority of a measure number."""
        return self.matches[number].measure.authority_name


def changes(world: World, wedges: Wedges) -> Changes:
    """Translate wedges into what a kernel takes.

    The delivered price is producer price x (1 + export tax) x trade cost x (1 + tariff), so::

        log_cost = ln[(1 + tariff_new) / (1 + tariff_base)] + ln(trade_cost) + ln(1 + export_tax)

    exactly 0 for flows that no such measure matches.

    Parameters
    ----------
    world : World
        The world that ``wedges`` was compiled for.
    wedges : Wedges

    Returns
    -------
    Changes
        Of the flows, exporters and importers where something is not as in the baseline.
    """
    rows, tariff = wedges.touched, wedges.tariff
    log_cost = np.zeros(rows.size)
    log_cost[places(tariff.rows, rows)] = np.log1p(tariff.values)
    log_cost[places(tariff.rows, rows)] -= np.log1p(world.tariff_base[tariff.rows])
    log_cost[places(wedges.cost.rows, rows)] += np.log(wedges.cost.values)
    log_cost[places(wedges.tax.rows, rows)] += np.log1p(wedges.tax.values)
    log_cost[places(wedges.excluded, rows)] = np.inf
    there = log_cost != 0
    if not there.all():
        rows, log_cost = rows[there], log_cost[there]
    exporter, importer = _other_than_one(wedges.supply), _other_than_one(wedges.demand)
    return Changes(
        flow=rows,
        log_cost=log_cost,
        exporter=exporter,
        log_supply=np.log(wedges.supply[exporter]),
        importer=importer,
        log_demand=np.log(wedges.demand[importer]),
        instruments=wedges.thin,
    )


def shock(world: World, wedges: Wedges) -> Shock:
    """The same, written out for every flow, exporter and importer."""
    return changes(world, wedges).shock(world.market)


def _other_than_one(factor: Floats) -> Ints:
    """Rows whose factor changes something; constants are 1."""
    return NONE if is_constant(factor) else np.flatnonzero(factor != 1)
