"""What a scenario does to one world, flow by flow: the product of compiling it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewedge.duty import Duty
from tradewedge.kernels.market import Shock
from tradewedge.policy.measures import Measure
from tradewedge.policy.scenario import Scenario
from tradewedge.world import World

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


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
    exporters, importers : tuple of str
        Countries on either side of those flows.
    """

    measure: Measure
    label: str
    flows: int
    products: int
    value_base: float
    exporters: tuple[str, ...]
    importers: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Wedges:
    """A scenario aligned with the rows of a world.

    Attributes
    ----------
    scenario : Scenario
    duties : tuple of Duty
        All tariffs in force under the scenario, one per authority, rows ascending.
    tariff_new : float64 [F]
        Their total, a fraction of border value times trade cost; the baseline's where no
        tariff measure applies.
    trade_cost : float64 [F]
        Factor on the delivered price; 1 where nothing changes.
    export_taxes : tuple of Duty
        Export taxes by authority, a fraction of the producer value.
    export_tax : float64 [F]
        Their total.
    admitted : bool [F]
        False where the flow is excluded.
    supply : float64 [X]
        Factor on each exporter row's supply.
    demand : float64 [M]
        Factor on each importer row's demand.
    touched_products : bool [K]
        Products that some measure matches.
    touched_flows : bool [F]
        Flows that some measure matches.
    matches : tuple of Match
        One per measure, in order.
    warnings : tuple of str
        What a reader of the results should know.
    """

    scenario: Scenario
    duties: tuple[Duty, ...]
    tariff_new: Floats
    trade_cost: Floats
    export_taxes: tuple[Duty, ...]
    export_tax: Floats
    admitted: Bools
    supply: Floats
    demand: Floats
    touched_products: Bools
    touched_flows: Bools
    matches: tuple[Match, ...]
    warnings: tuple[str, ...]


def shock(world: World, wedges: Wedges) -> Shock:
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
    Shock
        ``log_cost`` [F], ``admitted`` [F], ``log_supply`` [X], ``log_demand`` [M].
    """
    log_cost = np.zeros(world.value.size)
    rows = np.flatnonzero(wedges.touched_flows)
    log_cost[rows] = (
        np.log1p(wedges.tariff_new[rows])
        - np.log1p(world.tariff_base[rows])
        + np.log(wedges.trade_cost[rows])
        + np.log1p(wedges.export_tax[rows])
    )
    return Shock(
        log_cost=log_cost,
        admitted=wedges.admitted,
        log_supply=np.log(wedges.supply),
        log_demand=np.log(wedges.demand),
    )
