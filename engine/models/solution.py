"""What a model returns for one scenario, whatever the model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.columns import Column
from tradewedge.kernels.part import Part
from tradewedge.kernels.recover import Recovered
from tradewedge.kernels.rents import Rents
from tradewedge.policy import Wedges

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Exponential:
    """The exponential of a column, worked out where it is looked at."""

    log: Column

    @property
    def full(self) -> Floats:
        """All rows."""
        made: Floats = np.exp(self.log.full)
        return made

    def part(self, rows: slice) -> "Exponential":
        """The same for a range of rows."""
        return Exponential(self.log.part(rows))


@dataclass(frozen=True, eq=False)
class Solution:
    """Ratios to the baseline after one scenario; NaN throughout for a product that has failed.

    Attributes
    ----------
    wedges : Wedges
        The scenario as it was applied.
    price : Column or Exponential
        Producer price of each exporter row, [X]; NaN where no market is left.
    index : Column or Exponential
        Price index of each importer row, [M]; NaN where no supplier is left.
    status : int8 [K]
        :class:`tradewedge.kernels.market.Status`.
    iterations : int64 [K]
    residual, error_bound : float64 [K]
        Largest |log excess demand|; proven bound on the log-price error, NaN where there is none.
    recover : callable
        Returns what follows from the prices; called once, when it is first asked for.
    recover_part : callable or None
        Returns the same for a range of products, without working out the others; None: it cannot.
    log_shadow : float64 [G]
        Log of the premium factor of each group limit.
    """

    wedges: Wedges
    price: Column | Exponential
    index: Column | Exponential
    status: NDArray[np.int8]
    iterations: NDArray[np.int64]
    residual: Floats
    error_bound: Floats
    recover: Callable[[], Recovered]
    recover_part: Callable[[Part], Recovered] | None = None
    log_shadow: Floats = field(default_factory=lambda: np.zeros(0))

    @cached_property
    def price_hat(self) -> Floats:
        """Producer price of each exporter row, [X]."""
        return self.price.full

    @cached_property
    def index_hat(self) -> Floats:
        """Price index of each importer row, [M]."""
        return self.index.full

    @cached_property
    def recovered(self) -> Recovered:
        """What follows from the prices, flow by flow."""
        return self.recover()

    @property
    def composite_hat(self) -> Floats:
        """Quantity of the composite that each importer buys, [M]; 0 without a supplier."""
        return self.recovered.composite

    @property
    def delivered_hat(self) -> Floats:
        """Duty-paid price, [F]; NaN where the flow is excluded."""
        return self.recovered.delivered

    @property
    def quantity_hat(self) -> Floats:
        """Quantity, [F]; 0 where the flow is excluded."""
        return self.recovered.quantity

    @property
    def output_hat(self) -> Floats:
        """Output from the supply side, [X]; for infinite epsilon what is demanded.

        0 where no market is left.
        """
        return self.recovered.output

    @property
    def rents(self) -> Rents | None:
        """What instruments add to delivered prices; None where the scenario has none."""
        return self.recovered.rents
