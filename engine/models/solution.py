"""What a model returns for one scenario, whatever the model."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.rents import Rents
from tradewedge.policy import Wedges

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Solution:
    """Ratios to the baseline after one scenario; NaN throughout for a product that has failed.

    Attributes
    ----------
    wedges : Wedges
        The scenario as it was applied.
    price_hat : float64 [X]
        Producer price of each exporter row; NaN where no market is left.
    index_hat : float64 [M]
        Price index of each importer row; NaN where no supplier is left.
    composite_hat : float64 [M]
        Quantity of the composite that the importer buys; 0 where no supplier is left.
    delivered_hat, quantity_hat : float64 [F]
        Duty-paid price and quantity; price NaN and quantity 0 where the flow is excluded.
    output_hat : float64 [X]
        Output from the supply side (for infinite epsilon: what is demanded); 0 where no market
        is left.
    status : int8 [K]
        :class:`tradewedge.kernels.market.Status`.
    iterations : int64 [K]
    residual, error_bound : float64 [K]
        Largest |log excess demand|; proven bound on the log-price error, NaN where there is none.
    rents : Rents or None
        What instruments add to delivered prices; None where the scenario has none.
    log_shadow : float64 [G]
        Log of the premium factor of each group limit.
    """

    wedges: Wedges
    price_hat: Floats
    index_hat: Floats
    composite_hat: Floats
    delivered_hat: Floats
    quantity_hat: Floats
    output_hat: Floats
    status: NDArray[np.int8]
    iterations: NDArray[np.int64]
    residual: Floats
    error_bound: Floats
    rents: Rents | None = None
    log_shadow: Floats = field(default_factory=lambda: np.zeros(0))
