"""Elasticities by the time that trade has had to adjust.

An elasticity x moves from its short-run to its long-run value as contracts end and plants are
built::

    x(h) = x_long - (x_long - x_impact) exp(-h / T)

The short-run sets hold what is seen after one year, so that x_impact = x_long - (x_long - x_short)
exp(1 / T), which makes x(1) = x_short.

T comes from the trade elasticities of Boehm, Levchenko and Pandalai-Nayar (American Economic Review
113(4), 2023): 0.76 after one year, 1.75 to 2.25 after seven to ten. With the limit at the middle,
2.0, and the lower end, 1.75, reached after seven years::

    T = 6 / ln[(2.0 - 0.76) / (2.0 - 1.75)] = 3.75 years

Supply is given the same speed; no estimate stands behind that.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tradewedge.elasticities import Elasticities
from tradewedge.errors import ConfigError

Floats = NDArray[np.float64]

#: Years after which a gap to the long run has shrunk to 1/e.
ADJUSTMENT_YEARS = 6.0 / math.log((2.0 - 0.76) / (2.0 - 1.75))
#: Years after which the short-run value holds.
SHORT_RUN_YEARS = 1.0
#: Least sigma: an exclusion needs more than 1 (docs/model.md).
SIGMA_FLOOR = 1.1
#: Least supply elasticity: output within the capacity that is there.
EPSILON_FLOOR = 0.1


def at(years: float, short: Floats, long: Floats, floor: float = 0.0) -> Floats:
    """Elasticity after some years.

    Parameters
    ----------
    years : float
        0 or more; ``math.inf`` is the long run.
    short, long : float64 [n]
        Values after one year and in the limit. Infinite where either is.
    floor : float
        The result is not below it, unless ``short`` or ``long`` is.

    Returns
    -------
    float64 [n]
    """
    gap = np.zeros_like(long)
    finite = np.isfinite(short) & np.isfinite(long)
    gap[finite] = long[finite] - short[finite]
    made = long - gap * math.exp((SHORT_RUN_YEARS - years) / ADJUSTMENT_YEARS)
    made[~finite] = np.inf
    return np.maximum(made, np.minimum(floor, np.minimum(short, long)))


def between(short: Elasticities, long: Elasticities, years: float) -> Elasticities:
    """Mix two sets of one world: sigma, eta of the composite, and epsilon after ``years``.

    ``eta`` and ``eta_kind`` are those of ``long`` and have to be derived anew. Standard errors
    move as the elasticities do: the two sets are taken to scale one estimate.

    Raises
    ------
    ConfigError
        If ``years`` is no number, or below 0.
    """
    h = check_years(years)
    note = f"{h:g} years: between {short.set_name} (1 year) and {long.set_name}"
    return replace(
        long,
        set_name=note,
        sigma=at(h, short.sigma, long.sigma, SIGMA_FLOOR),
        sigma_standard_error=_error(h, short.sigma_standard_error, long.sigma_standard_error),
        eta_standard_error=_error(h, short.eta_standard_error, long.eta_standard_error),
        epsilon_standard_error=_error(h, short.epsilon_standard_error, long.epsilon_standard_error),
        eta_composite=at(h, short.eta_composite, long.eta_composite),
        epsilon=at(h, short.epsilon, long.epsilon, EPSILON_FLOOR),
        source=tuple(f"{note}; {text}" for text in long.source),
    )


def _error(years: float, short: Floats, long: Floats) -> Floats:
    """Standard error on the way from one to the other; NaN where either is unknown."""
    made: Floats = np.where(np.isnan(short) | np.isnan(long), np.nan, at(years, short, long))
    return made


def check_years(years: object) -> float:
    """A horizon as ``float``, else a :class:`ConfigError`."""
    if isinstance(years, bool) or not isinstance(years, int | float) or not years >= 0:
        raise ConfigError(f"a horizon is a number of years, 0 or more, not {years!r}")
    return float(years)
