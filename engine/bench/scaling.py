"""How time grows with the size of what is solved."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_DECADES: Final = 3.0
_FEWEST: Final = 3


@dataclass(frozen=True)
class Fit:
    """``seconds = factor * work ** exponent`` by least squares in logs.

    Attributes
    ----------
    exponent, factor : float
        1 is linear; seconds per unit of work where the exponent is 1.
    first, last : float
        Smallest and largest work among the points that were fitted.
    points : int
    """

    exponent: float
    factor: float
    first: float
    last: float
    points: int

    @property
    def decades(self) -> float:
        """How far the fitted points reach."""
        return float(np.log10(self.last / self.first))

    def seconds(self, work: float) -> float:
        """What the fit gives for so much work."""
        return float(self.factor * work**self.exponent)


def fit(work: Sequence[float], seconds: Sequence[float]) -> Fit | None:
    """Fit a power to the largest three decades of work: below, fixed costs hide the rest.

    Parameters
    ----------
    work : sequence of float
        Flows times scenarios.
    seconds : sequence of float

    Returns
    -------
    Fit or None
        None for fewer than three points, or where all are of one size.
    """
    x, y = np.asarray(work, float), np.asarray(seconds, float)
    if x.size == 0:
        return None
    inside = x >= x.max() / 10**_DECADES
    x, y = x[inside], y[inside]
    if x.size < _FEWEST or x.min() == x.max():
        return None
    exponent, level = np.polyfit(np.log(x), np.log(y), 1)
    return Fit(float(exponent), float(np.exp(level)), float(x.min()), float(x.max()), x.size)
