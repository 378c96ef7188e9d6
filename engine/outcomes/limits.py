"""The table of limits: every floor, quota, capacity, with its use, shadow price and slack."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.kernels.market import row_sums
from tradewedge.outcomes.levels import Levels
from tradewedge.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LIMITS = {
    "product": pl.String,
    "measure": pl.String,
    "kind": pl.String,
    "unit": pl.String,
    "limit": pl.Float64,
    "used": pl.Float64,
    "shadow_price": pl.Float64,
    "slack": pl.Float64,
}


def limits(world: World, levels: Levels) -> pl.DataFrame:
    """Limits of one scenario, in ratios to the baseline.

    ``price_floor``: ``limit`` and ``used`` are delivered prices, ``slack`` how far the price is
    above the floor, ``shadow_price`` the levy or rent per unit, all in units of the baseline
    duty-paid price. Quantity limits: ``used`` is the quantity over its baseline, ``slack`` what is
    left of the limit, as a share of it, ``shadow_price`` the premium over the price without it,
    as a fraction: the tariff that would have the same effect. With every limit the smaller of
    ``shadow_price`` and ``slack`` is zero; a floor with price dispersion is smooth instead.
    """
    parts = list(_parts(world, levels))
    if not parts:
        return pl.DataFrame(schema=LIMITS)
    return pl.concat(parts).sort("product", "measure", "kind", "unit")


def _parts(world: World, levels: Levels) -> Iterator[pl.DataFrame]:
    wedges, rents = levels.wedges, levels.rents
    given, owners = wedges.instruments, wedges.owners
    if given is None or owners is None or rents is None:
        return
    open_flow = wedges.admitted & ~np.isnan(levels.delivered)
    rows = np.flatnonzero((owners.floor_measure >= 0) & open_flow)
    yield _table(
        world.product_column(world.flow_product[rows]),
        _labels(levels, owners.floor_measure[rows]),
        "price_floor",
        _pairs(world, rows),
        given.floor[rows],
        levels.delivered[rows],
        rents.levy[rows],
        levels.delivered[rows] - given.floor[rows],
    )
    rows = np.flatnonzero((owners.quota_measure >= 0) & open_flow)
    before = levels.delivered[rows] - rents.quota_rent[rows]
    yield _quantity(
        world.product_column(world.flow_product[rows]),
        _labels(levels, owners.quota_measure[rows]),
        np.where(np.isinf(given.beyond_quota[rows]), "quota", "tariff_rate_quota"),
        _pairs(world, rows),
        given.quota[rows],
        levels.quantity[rows],
        rents.quota_rent[rows] / before,
    )
    rows = np.flatnonzero((owners.capacity_measure >= 0) & levels.sold)
    yield _quantity(
        world.product_column(world.exporter_product[rows]),
        _labels(levels, owners.capacity_measure[rows]),
        "capacity",
        world.country_column(world.exporter_country[rows]),
        given.capacity[rows],
        levels.output[rows],
        rents.scarcity_rent[rows] / (levels.price[rows] - rents.scarcity_rent[rows]),
    )
    used = row_sums(
        np.repeat(np.arange(given.group_limit.size), np.diff(given.group_ptr)),
        given.group_weight * np.nan_to_num(levels.quantity[given.group_flow], nan=0.0),
        given.group_limit.size,
    )
    yield _quantity(
        world.product_column(np.array([group.product for group in owners.groups], dtype=np.int64)),
        pl.Series([group.label for group in owners.groups], dtype=pl.String),
        np.array([group.kind for group in owners.groups], dtype=str),
        pl.Series([group.unit or "*" for group in owners.groups], dtype=pl.String),
        given.group_limit,
        used,
        np.expm1(levels.log_shadow),
    )


def _quantity(
    product: pl.Series,
    measure: pl.Series,
    kind: str | NDArray[np.str_],
    unit: pl.Series,
    limit: Floats,
    used: Floats,
    premium: Floats,
) -> pl.DataFrame:
    return _table(product, measure, kind, unit, limit, used, premium, 1.0 - used / limit)


def _table(
    product: pl.Series,
    measure: pl.Series,
    kind: str | NDArray[np.str_],
    unit: pl.Series,
    *numbers: Floats,
) -> pl.DataFrame:
    kinds = [kind] * len(product) if isinstance(kind, str) else kind.tolist()
    columns = [product, measure, pl.Series(kinds, dtype=pl.String), unit]
    return pl.DataFrame(dict(zip(LIMITS, [*columns, *numbers], strict=True)), schema=LIMITS)


def _labels(levels: Levels, numbers: Ints) -> pl.Series:
    labels = pl.Series([match.label for match in levels.wedges.matches], dtype=pl.String)
    return labels.gather(numbers)


def _pairs(world: World, rows: Ints) -> pl.Series:
    exporter = world.country_column(world.flow_exporter[rows])
    return exporter + " to " + world.country_column(world.flow_importer[rows])
