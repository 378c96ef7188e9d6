"""One authority's ad valorem duty on some flows: the unit in which tariffs are stacked."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Duty:
    """Rates that one authority charges.

    Attributes
    ----------
    authority : str
        The law or measure that revenue is attributed to.
    rows : int64 [n]
        Flow rows of a world, each at most once.
    rate : float64 [n]
        Fraction of the border value times trade cost; negative for a relief.
    """

    authority: str
    rows: NDArray[np.int64]
    rate: NDArray[np.float64]


def stack(duties: Iterable[Duty], n_flows: int) -> NDArray[np.float64]:
    """Total ad valorem rate per flow, float64 [F]."""
    total = np.zeros(n_flows)
    for duty in duties:
        total[duty.rows] += duty.rate
    return total
