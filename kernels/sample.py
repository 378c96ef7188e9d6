"""Random markets and shocks, for tests, benchmarks and self-checks."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from tradewedge.kernels.dense import ranges
from tradewedge.kernels.instruments import no_instruments
from tradewedge.kernels.market import (
    Floats,
    Instruments,
    Ints,
    Market,
    Shock,
    SupplierGroups,
)

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
    nested, grouped : float
        Share of products with a nest of home sales against imports, and of those with one of
        suppliers by group, two to four of them.
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
    grouped: float = 0.0


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
        groups=_supplier_groups(rng, recipe, exporter_ptr) if recipe.grouped else None,
    )


def _supplier_groups(rng: Generator, recipe: Recipe, exporter_ptr: Ints) -> SupplierGroups:
    products = len(exporter_ptr) - 1
    sigma_groups = _log_uniform(rng, recipe.sigma, products, 0.0)
    count = np.repeat(rng.integers(2, 4, products, endpoint=True), np.diff(exporter_ptr))
    return SupplierGroups(
        sigma_groups=np.where(rng.random(products) < recipe.grouped, sigma_groups, np.nan),
        group=np.floor(rng.random(len(count)) * count).astype(np.int64),
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
    if market.groups is not None:
        open_to_loss &= ~(market.groups.sigma_groups <= 1)
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


def random_instruments(
    rng: Generator, market: Market, shock: Shock, most: int = 12, contracts: bool = True
) -> Shock:
    """Add 1 to ``most`` instruments to every product of a shock.

    Each is drawn at random among specific duties, floors, quotas and tariff-rate quotas per pair,
    limits on all that an importer buys abroad, on all that an exporter sells abroad and on any
    set of flows (three in ten of them tariff-rate quotas), capacities and, with ``contracts``,
    contracts for differences. None touches home sales but the capacities.

    Parameters
    ----------
    rng : numpy.random.Generator
    market : Market
    shock : Shock
        What the instruments come on top of.
    most : int
    contracts : bool

    Returns
    -------
    Shock
    """
    given = no_instruments(market)
    groups: list[tuple[Ints, float, float]] = []
    for product in range(len(market.sigma)):
        flows, exporters, _ = ranges(market, product)
        abroad = np.flatnonzero(~market.home[flows] & shock.admitted[flows]) + flows.start
        for _ in range(int(rng.integers(1, most, endpoint=True))):
            kind = int(rng.integers(0, 11 if contracts else 10))
            exporter = int(rng.integers(exporters.start, exporters.stop))
            some = _part(rng, market, abroad)
            if kind >= 8 or abroad.size == 0:
                _draw_supply(rng, market, given, exporter, kind == 10)
            elif kind < 5:
                _draw_pairs(rng, given, some, kind)
            else:
                one = rng.choice(abroad)
                same = (market.flow_importer, market.flow_exporter)[kind % 2]
                wide = some if kind == 7 else abroad[same[abroad] == same[one]]
                if wide.size:
                    most_of_it = float(rng.uniform(0.2, 1.2))
                    rated = rng.random() < 0.3
                    groups.append((wide, most_of_it, np.log1p(rng.random()) if rated else np.inf))
    return replace(shock, instruments=_with_groups(market, given, groups))


def _part(rng: Generator, market: Market, flows: Ints) -> Ints:
    """Some of the flows: of everybody, of one importer or of one exporter."""
    keep = rng.random(flows.size) < rng.choice([0.1, 0.3, 1.0])
    for of, chance in ((market.flow_importer, 0.5), (market.flow_exporter, 0.3)):
        if flows.size and rng.random() < chance:
            keep &= of[flows] == of[rng.choice(flows)]
    part: Ints = flows[keep]
    return part


def _draw_pairs(rng: Generator, given: Instruments, flows: Ints, kind: int) -> None:
    if kind == 0:
        given.specific[flows] = rng.uniform(0, 0.5)
    elif kind in (1, 2):
        given.floor[flows] = rng.uniform(0.7, 2.5)
        given.dispersion[flows] = rng.choice([0.0, 0.0, 0.3])
    else:
        given.quota[flows] = np.minimum(given.quota[flows], rng.uniform(0.1, 1.3))
        if kind == 4:
            given.beyond_quota[flows] = np.log1p(rng.random())


def _draw_supply(
    rng: Generator, market: Market, given: Instruments, exporter: int, contract: bool
) -> None:
    if contract and np.isfinite(market.epsilon[exporter]):
        given.strike[exporter] = rng.uniform(0.7, 1.8)
        given.covered[exporter] = rng.choice([0.3, 1.0])
        given.upside[exporter] = rng.choice([0.0, 0.3])
    else:
        given.capacity[exporter] = rng.uniform(0.3, 1.5)


def _with_groups(
    market: Market, given: Instruments, groups: list[tuple[Ints, float, float]]
) -> Instruments:
    """Add groups of flows with limits and log factors beyond them; sales stand for tons."""
    members = [flows for flows, _, _ in groups]
    weights = [market.sales_share[flows] / market.sales_share[flows].sum() for flows in members]
    return replace(
        given,
        group_ptr=np.cumsum([0, *(flows.size for flows in members)]),
        group_flow=np.concatenate(members) if groups else given.group_flow,
        group_weight=np.concatenate(weights) if groups else given.group_weight,
        group_limit=np.array([limit for _, limit, _ in groups]),
        group_beyond=np.array([beyond for _, _, beyond in groups]),
    )
