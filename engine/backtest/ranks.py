"""Rank correlations, and how often chance does as well."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def spearman(first: Floats, second: Floats) -> float | None:
    """Rank correlation, with mean ranks for ties; None for fewer than three or no variation."""
    if first.size < 3:
        return None
    return _correlation(_ranks(first), _ranks(second))


def kendall(first: Floats, second: Floats) -> float | None:
    """Kendall's tau-b; None for fewer than three pairs or no variation."""
    if first.size < 3:
        return None
    x, y = _ranks(first), _ranks(second)
    rows, columns = np.triu_indices(x.size, 1)
    a, b = np.sign(x[rows] - x[columns]), np.sign(y[rows] - y[columns])
    scale = np.sqrt(np.abs(a).sum() * np.abs(b).sum())
    return float((a * b).sum() / scale) if scale > 0 else None


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2
    return np.asarray(middle[place], np.float64)


def _correlation(x: Floats, y: Floats) -> float | None:
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0 else None


def permutation_p(
    observed: Floats, predicted: Floats, draws: int, rng: np.random.Generator
) -> float | None:
    """Share of shuffled predictions that correlate at least as well: one-sided."""
    real = spearman(observed, predicted)
    if real is None:
        return None
    x, y = _ranks(observed), _ranks(predicted)
    x, y = x - x.mean(), y - y.mean()
    # A shuffle leaves both scales as they are, so that the products alone can be compared.
    as_good = sum(x @ rng.permutation(y) >= x @ y - 1e-9 for _ in range(draws))
    return float((1 + as_good) / (1 + draws))
