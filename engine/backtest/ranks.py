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


def spearman_draws(first: Floats, second: Floats, counts: Floats) -> Floats:
    """Rank correlations of many resamples.

    Parameters
    ----------
    first, second : float64 [n]
    counts : float64 [draws, n]
        How often each row is in each resample.

    Returns
    -------
    float64 [draws]
        NaN where a resample has no variation.
    """
    x, y = _ranks_of_draws(first, counts), _ranks_of_draws(second, counts)
    size = counts.sum(axis=1, keepdims=True)
    x -= (counts * x).sum(axis=1, keepdims=True) / size
    y -= (counts * y).sum(axis=1, keepdims=True) / size
    scale = np.sqrt((counts * x * x).sum(axis=1) * (counts * y * y).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (counts * x * y).sum(axis=1) / scale
    return np.asarray(np.where(scale > 0, found, np.nan), np.float64)


def _ranks_of_draws(values: Floats, counts: Floats) -> Floats:
    """Mean rank of each row in each resample, [draws, n]; of no meaning where it is not in it."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    tied = np.add.reduceat(counts[:, order], starts, axis=1)
    middle = np.cumsum(tied, axis=1) - (tied - 1.0) / 2.0
    ranks = np.empty_like(counts)
    ranks[:, order] = np.repeat(middle, np.diff(np.append(starts, values.size)), axis=1)
    return ranks


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
