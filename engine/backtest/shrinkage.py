"""Product-level sigmas, one flat sigma, what lies between, and the choice among them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.world import World

Floats = NDArray[np.float64]

WEIGHTS = (-1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0)
SCALES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class Mixture:
    """``ln sigma = ln scale + (1 - weight) ln sigma_product + weight ln sigma_flat``.

    Attributes
    ----------
    weight : float
        0: every product its own sigma; 1: one sigma for all, the geometric mean; below 0: further
        apart than the set has them (-1 about undoes a set's own shrinkage by one half).
    scale : float
        Multiplies all; below 1 for a year that is too short for the long-run sigma.
    """

    weight: float
    scale: float = 1.0

    def __str__(self) -> str:
        return f"weight {self.weight:g}, scale {self.scale:g}"


PRODUCT = Mixture(0.0)
FLAT = Mixture(1.0)


def flat_sigma(world: World) -> float:
    """Geometric mean over products."""
    return float(np.exp(np.mean(np.log(world.sigma))))


def mixed(world: World, mixture: Mixture) -> World:
    """The same world with mixed sigmas; eta and epsilon stay."""
    if mixture == PRODUCT:
        return world
    logs = np.log(world.sigma)
    sigma = mixture.scale * np.exp(
        (1.0 - mixture.weight) * logs + mixture.weight * np.log(flat_sigma(world))
    )
    found = world.elasticities
    made = replace(
        found,
        set_name=f"{found.set_name}, {mixture}",
        sigma=sigma,
        source=tuple(f"{text}; {mixture}" for text in found.source),
    )
    return replace(world, elasticities=made.derive(world))


@dataclass(frozen=True, eq=False)
class Training:
    """Errors of all mixtures on the training pairs, and the choice.

    Attributes
    ----------
    grid : DataFrame
        weight, scale, error (mean over pairs of the error relative to that of "no change"),
        chosen_share (how often resampling the products chooses it), chosen_alone (how often among
        those of its scale).
    chosen : Mixture
        The least error.
    at_full_scale : Mixture
        The least error among those of scale 1: the shrinkage alone.
    pairs : tuple of str
    """

    grid: pl.DataFrame
    chosen: Mixture
    at_full_scale: Mixture
    pairs: tuple[str, ...]


def grid() -> tuple[Mixture, ...]:
    """All mixtures that are tried."""
    return tuple(Mixture(weight, scale) for weight in WEIGHTS for scale in SCALES)


def choose(
    tried: Sequence[Mixture],
    errors: Sequence[Floats],
    unchanged: Sequence[Floats],
    pairs: Sequence[str],
    draws: int,
    seed: int,
) -> Training:
    """Choose the mixture of least error; resample products to see how firm the choice is.

    Parameters
    ----------
    tried : sequence of Mixture [n]
    errors : sequence of float64 [n, products]
        One array per pair: weighted errors, summed within a product.
    unchanged : sequence of float64 [products]
        The same for "no change".
    draws : int
        Resamples of the products of every pair.
    """

    def loss(pick: Sequence[NDArray[np.int64]]) -> Floats:
        parts = [
            error[:, rows].sum(axis=1) / base[rows].sum()
            for error, base, rows in zip(errors, unchanged, pick, strict=True)
        ]
        return np.asarray(np.mean(parts, axis=0), np.float64)

    everything = [np.arange(base.size) for base in unchanged]
    total = loss(everything)
    rng = np.random.default_rng(seed)
    votes, alone = np.zeros(len(tried)), np.zeros(len(tried))
    by_scale = [
        np.array([row for row, one in enumerate(tried) if one.scale == scale])
        for scale in dict.fromkeys(one.scale for one in tried)
    ]
    for _ in range(draws):
        drawn = loss([rng.choice(rows, rows.size) for rows in everything])
        votes[np.argmin(drawn)] += 1
        for rows in by_scale:
            alone[rows[np.argmin(drawn[rows])]] += 1
    frame = pl.DataFrame(
        {
            "weight": [one.weight for one in tried],
            "scale": [one.scale for one in tried],
            "error": total,
            "chosen_share": votes / draws,
            "chosen_alone": alone / draws,
        }
    )
    full = [row for row, one in enumerate(tried) if one.scale == 1.0]
    best = min(full, key=lambda row: total[row])
    return Training(frame, tried[int(np.argmin(total))], tried[best], tuple(pairs))
