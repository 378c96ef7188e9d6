"""The arrays that pass between the engine and every kernel: plain NumPy, no names, no units.

Rows. A *flow* row is one (product, exporter, importer) with a baseline value. An *exporter*
row is one (product, exporter) that has at least one flow, an *importer* row one (product,
importer). All three are sorted by product, so a product owns a contiguous range of each, given
by the ``*_ptr`` arrays, and a product without flows owns none. Only active countries have rows.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tradewedge.kernels.sell_cpu import Layout

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def row_sums(row: Ints, weight: Floats, size: int) -> Floats:
    """Sum of ``weight`` [n] over the entries of each row [size]."""
    return np.bincount(row, weight, size).astype(np.float64, copy=False)


class Status(IntEnum):
    """How the solution of one product ended.

    INFEASIBLE is proven: no equilibrium exists. UNBOUNDED is not: the premium of a limit rose
    beyond all use, which happens where demand does not respond to its price (eta = 0).
    OUT_OF_RANGE is a linear model's: its first-order answer has a price or quantity below zero.
    """

    CONVERGED = 0
    MAX_STEPS = 1
    INFEASIBLE = 2
    NONFINITE_INPUT = 3
    OUT_OF_RANGE = 4
    UNBOUNDED = 5

    @property
    def has_prices(self) -> bool:
        """Whether the product's rows hold numbers, converged or not."""
        return self in (Status.CONVERGED, Status.MAX_STEPS)


@dataclass(frozen=True, eq=False)
class SupplierGroups:
    """Suppliers by group: within a group they compete at ``sigma``, groups at ``sigma_groups``.

    Attributes
    ----------
    sigma_groups : float64 [K]
        Substitution between the bundles of the groups; NaN: no such nest, all suppliers (all
        foreign ones with the nest of home sales) form one bundle.
    group : int64 [X]
        Number of each exporter row's group, from 0 in every product.
    """

    sigma_groups: Floats
    group: Ints


@dataclass(frozen=True, eq=False)
class Market:
    """The calibrated baseline of K products.

    Attributes
    ----------
    flow_ptr, exporter_ptr, importer_ptr : int64 [K + 1]
        Row ranges of each product.
    flow_exporter, flow_importer : int64 [F]
        Row in the exporter (importer) table; counted over all products.
    share : float64 [F]
        Share of the flow in its importer's duty-paid spending; sums to 1 over each importer row.
    sales_share : float64 [F]
        Share of the flow in its exporter's sales at producer prices; sums to 1 over each
        exporter row.
    home : bool [F]
        True where exporter and importer are the same country.
    sigma, eta : float64 [K]
        Substitution among suppliers; demand for the composite.
    sigma_home : float64 [K]
        Substitution between home sales and the bundle of imports; NaN: no such nest, all
        suppliers of an importer form one CES.
    epsilon : float64 [X]
        Supply elasticity of each exporter row; ``inf`` fixes the producer price.
    groups : SupplierGroups or None
        The nest of suppliers by group, below that of home sales; None where no product has it.
    """

    flow_ptr: Ints
    exporter_ptr: Ints
    importer_ptr: Ints
    flow_exporter: Ints
    flow_importer: Ints
    share: Floats
    sales_share: Floats
    home: Bools
    sigma: Floats
    eta: Floats
    sigma_home: Floats
    epsilon: Floats
    groups: SupplierGroups | None = None

    @property
    def sigma_groups(self) -> Floats:
        """Substitution between groups of suppliers [K]; NaN: no such nest."""
        if self.groups is None:
            return np.full(len(self.sigma), np.nan)
        return self.groups.sigma_groups

    @property
    def supplier_group(self) -> Ints:
        """Group of each exporter row [X]; 0 where its product has no groups."""
        if self.groups is None:
            return np.zeros(len(self.epsilon), np.int64)
        grouped = np.repeat(~np.isnan(self.sigma_groups), np.diff(self.exporter_ptr))
        return np.where(grouped, self.groups.group, 0)

    @property
    def nested(self) -> Bools:
        """Products [K] with a nest of either kind."""
        return ~(np.isnan(self.sigma_home) & np.isnan(self.sigma_groups))

    @cached_property
    def layout(self) -> "Layout":
        """The flows as the CPU kernel multiplies with them; made at first use."""
        from tradewedge.kernels.sell_cpu import layout

        return layout(self)

    @property
    def calm(self) -> "KernelSolution":
        """The CPU kernel's solution where nothing changes, to 1e-10."""
        return self.calm_to(Options())

    def calm_to(self, options: "Options") -> "KernelSolution":
        """The same as some options ask for; made at first use."""
        from tradewedge.kernels.armington_cpu import solve
        from tradewedge.kernels.changes import calm_shock

        if options not in self._calm:
            found = solve(self, calm_shock(self), options)
            for shared in (found.log_price, found.log_index):
                shared.setflags(write=False)
            self._calm[options] = found
        return self._calm[options]

    @cached_property
    def _calm(self) -> dict["Options", "KernelSolution"]:
        return {}

    @cached_property
    def calm_levels(self) -> tuple[Floats, Floats]:
        """Prices and indices of :attr:`calm`, not in logs."""
        return np.exp(self.calm.log_price), np.exp(self.calm.log_index)


@dataclass(frozen=True, eq=False)
class Instruments:
    """Measures whose wedge depends on prices or quantities, aligned with a :class:`Market`.

    Prices are in units of the baseline delivered (flows) or producer (exporters) price,
    quantities in units of the baseline's. A group is a set of flows of one product under one
    quantity limit; its premium multiplies the delivered price like a tariff.

    Attributes
    ----------
    specific : float64 [F]
        Specific duty per unit; 0: none.
    floor : float64 [F]
        Lowest delivered price; 0: none.
    dispersion : float64 [F]
        Standard deviation of log price within the code, for the floor: the delivered price is
        then the mean of shipments each lifted to the floor. 0: all shipments have one price.
    quota : float64 [F]
        Largest quantity; inf: none.
    beyond_quota : float64 [F]
        Log of the factor that applies beyond the quota (a tariff-rate quota); inf: nothing may
        enter beyond it.
    capacity : float64 [X]
        Largest output; inf: none.
    strike : float64 [X]
        Price guaranteed on covered output (a contract for differences); 0: none.
    covered, upside : float64 [X]
        Share of output covered; share of the price above the strike that is paid back.
    group_ptr : int64 [G + 1]
        Range of each group in the two arrays that follow.
    group_flow : int64 [n]
        Flow rows; all of one group belong to one product.
    group_weight : float64 [n]
        Share of the flow in the group's baseline quantity; sums to 1 over a group.
    group_limit : float64 [G]
        Largest total quantity of the group over its baseline.
    group_beyond : float64 [G]
        Log of the factor that applies beyond the limit (a tariff-rate quota over the group): the
        premium rises no further; inf: nothing may enter beyond the limit.
    """

    specific: Floats
    floor: Floats
    dispersion: Floats
    quota: Floats
    beyond_quota: Floats
    capacity: Floats
    strike: Floats
    covered: Floats
    upside: Floats
    group_ptr: Ints
    group_flow: Ints
    group_weight: Floats
    group_limit: Floats
    group_beyond: Floats


@dataclass(frozen=True, eq=False)
class Shock:
    """What one scenario changes, aligned with a :class:`Market`.

    Attributes
    ----------
    log_cost : float64 [F]
        Log of everything but the producer price that multiplies the delivered price, new over
        base (tariff power, trade cost, export tax).
    admitted : bool [F]
        False where the flow is excluded.
    log_supply : float64 [X]
        Log of the supply shifter Z.
    log_demand : float64 [M]
        Log of the demand shifter D.
    instruments : Instruments or None
        Floors, quotas and the like; None where there are none at all.
    """

    log_cost: Floats
    admitted: Bools
    log_supply: Floats
    log_demand: Floats
    instruments: Instruments | None = None


@dataclass(frozen=True)
class Options:
    """When to stop: ``tolerance`` is on the log excess demand, for every exporter row.

    ``precision`` is "double", or "mixed": the JAX kernel then sweeps in float32 first and ends in
    float64. Other kernels do not look at it.
    """

    tolerance: float = 1e-10
    max_steps: int = 2000
    precision: str = "double"


@dataclass(frozen=True, eq=False)
class KernelSolution:
    """What a kernel returns.

    Attributes
    ----------
    log_price : float64 [X]
        Log of the producer price, new over base; NaN where no market is left.
    log_index : float64 [M]
        Log of the importer's price index, new over base; NaN where no supplier is left.
    status : int8 [K]
        A :class:`Status` value.
    iterations : int64 [K]
    residual : float64 [K]
        Largest |log excess demand| over the product's exporter rows, at ``log_price``; with
        instruments, the largest complementarity residual of group limits included.
    error_bound : float64 [K]
        Proven bound on the largest |log price - exact log price|; NaN where none is proven.
    log_shadow : float64 [G]
        Log of the factor by which each group's limit raises delivered prices; 0 where it does
        not bind. Empty without instruments.
    """

    log_price: Floats
    log_index: Floats
    status: NDArray[np.int8]
    iterations: Ints
    residual: Floats
    error_bound: Floats
    log_shadow: Floats = field(default_factory=lambda: np.zeros(0))
