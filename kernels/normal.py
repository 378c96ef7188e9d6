"""The normal distribution function, over arrays: NumPy has none."""

import math

import numpy as np
from numba import njit

from tradewedge.kernels.market import Floats


def normal_cdf(z: Floats) -> Floats:
    """Return the standard normal distribution function of each element."""
    flat = np.ascontiguousarray(z, np.float64).ravel()
    out: Floats = _cdf(flat).reshape(np.shape(z))
    return out


@njit(cache=True)
def _cdf(z):  # type: ignore[no-untyped-def]
    out = np.empty(z.size)
    for n in range(z.size):
        out[n] = 0.5 * math.erfc(-z[n] / math.sqrt(2.0))
    return out
