"""Random markets and shocks, for tests, benchmarks and self-checks."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from tradewedge.kernels.market import Floats, Market, Shock

_Range = tuple[float, float]


@dataclass(frozen=True)
class Recipe:
    """What a random market looks like; ranges are (smallest, largest).

    Attributes
    ----------
    exporters, importers : (int, int)
        Countries per product before those without a flow are dropped.
    density : (float, float)
        Share of pairs with a flow.
    spread : float
        Standard deviation of log trade values.
    sigma, eta, epsilon : (float, float)
        sigma and epsilon are drawn uniformly in logs, of ``epsilon + 0.05`` for the latter.
    infinite, rigid : float
        Share of exporters with infinite supply elasticity, and with none.
    nested : float
        Share of products with a nest of home sales against imports.
    """

    exporters: tuple[int, int] = (1, 8)
    importers: tuple[int, int] = (1, 8)
    density: _Range = (0.3, 1.0)
    spread: float = 2.0
    sigma: _Range = (1.05, 20.0)
    eta: _Range = (0.05, 3.0)
    epsilon: _Range = (0.0, 10.0)
    infinite: float = 0.1
    rigid: float = 0.05
    nested: float = 0.3


def random_market(rng: Generator, products: int, recipe: Recipe = Recipe()) -> Market:
    """Draw a calibrated market.

    Parameters
    ----------
    rng : numpy.random.Generator
    products : int
    recipe : Recipe

    Returns
    -------
    Market
    """
    parts = [_product(rng, recipe) for _ in range(products)]
    counts = np.array([(len(p[0]), p[1], p[2]) for p in parts], np.int64).reshape(-1, 3)
    flow_ptr, exporter_ptr, importer_ptr = np.vstack(
        [np.zeros((1, 3), np.int64), np.cumsum(counts, axis=0)]
    ).T

    def joined(column: int, ptr: np.ndarray) -> np.ndarray:
        shifted = [p[0][:, column] + ptr[k] for k, p in enumerate(parts)]
        return np.concatenate(shifted).astype(np.int64)

    exporter, importer = joined(0, exporter_ptr), joined(1, importer_ptr)
    producer = np.concatenate([p[0][:, 2] for p in parts])
    paid = np.concatenate([p[0][:, 3] for p in parts])
    rows = int(exporter_ptr[-1])
    epsilon = _log_uniform(rng, recipe.epsilon, rows, 0.05)
    epsilon[rng.random(rows) < recipe.rigid] = 0.0
    epsilon[rng.random(rows) < recipe.infinite] = np.inf
    sigma = _log_uniform(rng, recipe.sigma, products, 0.0)
    sigma_home = _log_uniform(rng, recipe.sigma, products, 0.0)
    return Market(
        flow_ptr=np.ascontiguousarray(flow_ptr),
        exporter_ptr=np.ascontiguousarray(exporter_ptr),
        importer_ptr=np.ascontiguousarray(importer_ptr),
        flow_exporter=exporter,
        flow_importer=importer,
        share=paid / np.bincount(importer, paid)[importer],
        sales_share=producer / np.bincount(exporter, producer)[exporter],
        home=np.concatenate([p[0][:, 4] for p in parts]) > 0,
        sigma=sigma,
        eta=rng.uniform(*recipe.eta, products),
        sigma_home=np.where(rng.random(products) < recipe.nested, sigma_home, np.nan),
        epsilon=epsilon,
    )


def _product(rng: Generator, recipe: Recipe) -> tuple[Floats, int, int]:
    """Flows [exporter, importer, producer value, duty-paid value, home] and counts of rows."""
    exporters = int(rng.integers(*recipe.exporters, endpoint=True))
    importers = int(rng.integers(*recipe.importers, endpoint=True))
    there = rng.random((exporters, importers)) < rng.uniform(*recipe.density)
    there[rng.integers(exporters), rng.integers(importers)] = True
    row, column = np.nonzero(there)
    producer = np.exp(recipe.spread * rng.standard_normal(len(row)))
    paid = producer * (1 + rng.uniform(0, 0.5, len(row)))
    _, row_rank = np.unique(row, return_inverse=True)
    _, column_rank = np.unique(column, return_inverse=True)
    flows = np.column_stack([row_rank, column_rank, producer, paid, row == column])
    return flows, int(row_rank.max()) + 1, int(column_rank.max()) + 1


def _log_uniform(rng: Generator, limits: _Range, n: int, shift: float) -> Floats:
    low, high = np.log(limits[0] + shift), np.log(limits[1] + shift)
    return np.maximum(np.exp(rng.uniform(low, high, n)) - shift, 0.0)


def random_shock(
    rng: Generator,
    market: Market,
    treated: float = 0.3,
    size: float = 0.5,
    excluded: float = 0.1,
    shifted: float = 0.3,
) -> Shock:
    """Draw a shock.

    Parameters
    ----------
    rng : numpy.random.Generator
    market : Market
    treated, excluded : float
        Shares of flows with a changed cost, and of those no longer admitted (none where an
        elasticity of substitution is at most 1).
    size : float
        Largest |log cost|.
    shifted : float
        Share of exporters (with finite supply elasticity) and importers whose curve shifts.
    """
    flows, exporters = len(market.share), len(market.epsilon)
    importers = int(market.importer_ptr[-1])
    log_cost = np.where(rng.random(flows) < treated, rng.uniform(-size / 4, size, flows), 0.0)
    open_to_loss = (market.sigma > 1) & ~(market.sigma_home <= 1)
    open_to_loss = np.repeat(open_to_loss, np.diff(market.flow_ptr))
    admitted = ~(open_to_loss & (rng.random(flows) < excluded))
    log_supply = np.where(rng.random(exporters) < shifted, rng.normal(0, 0.3, exporters), 0.0)
    log_demand = np.where(rng.random(importers) < shifted, rng.normal(0, 0.3, importers), 0.0)
    return Shock(
        log_cost=log_cost,
        admitted=admitted,
        log_supply=np.where(np.isinf(market.epsilon), 0.0, log_supply),
        log_demand=log_demand,
    )
