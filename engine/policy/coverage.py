"""Named lists finer than a world's products: what share of each flow they cover."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.policy.columns import constant
from tradewedge.policy.law.change import origin_in
from tradewedge.policy.law.coverage import line_shares
from tradewedge.policy.law.lines import IMPORTER
from tradewedge.policy.measures import Agreement, Measure
from tradewedge.policy.words import some
from tradewedge.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Product row -> its code in the edition of the law, and the listed lines below it.
Parts = Mapping[int, tuple[str, tuple[str, ...]]]


def shares(world: World, rows: Ints, parts: Parts) -> Floats:
    """Share of each flow's value that falls on listed lines.

    Parameters
    ----------
    world : World
    rows : int64 [n]
        Flow rows.
    parts : mapping
        Products held in part; the others count as a whole.

    Returns
    -------
    float64 [n]
        Into the United States by the partner's own lines of 2024, else, and where it sold none of
        the product, by all their imports.
    """
    whole = constant(rows.size, 1.0)
    if not parts:
        return whole
    held = np.flatnonzero(np.isin(world.flow_product[rows], list(parts)))
    if not held.size:
        return whole
    share = whole.copy()
    known = line_shares(dict(parts.values()))
    flow = rows[held]
    abroad = ~world.home[flow]
    origins = {code: origin_in(world, code) for code in world.countries}
    wanted = pl.DataFrame(
        {
            "product": [parts[k][0] for k in world.flow_product[flow]],
            "partner": [
                origins[world.countries[i]] if buys else None
                for i, buys in zip(
                    world.flow_exporter[flow], abroad & _into(world, flow), strict=True
                )
            ],
        },
        schema={"product": pl.String, "partner": pl.String},
    )
    everyone = known.filter(pl.col("partner").is_null()).select("product", everyone="share")
    found = wanted.join(known, on=["product", "partner"], how="left", maintain_order="left").join(
        everyone, on="product", how="left", maintain_order="left"
    )
    share[held] = found.select(pl.coalesce("share", "everyone")).to_series().to_numpy()
    return share


def notes(world: World, measure: Measure, rows: Ints, share: Floats) -> list[str]:
    """What a reader should know about a scope that is held in part; nothing where all is whole."""
    less = share < 1.0
    # What an agreement spares or caps was charged by line, or has said that it was not.
    if not less.any() or (isinstance(measure, Agreement) and measure.preference is None):
        return []
    value = world.value[rows]
    product = world.flow_product[rows]
    size = len(world.products)
    total = np.bincount(product, value, size)
    listed = np.bincount(product, value * share, size)
    held = [k for k in np.unique(product[less]) if total[k] > 0]
    held.sort(key=lambda k: listed[k] - total[k])
    named = [f"{world.products[k]} ({100 * listed[k] / total[k]:.3g} %)" for k in held]
    part = f"{100 * listed.sum() / total.sum():.1f} % of the value"
    if measure.by_line:
        return [
            f"charged on the listed tariff lines, {part}; less than the whole code in "
            f"{some(named)} (see coverage)"
        ]
    return [
        "takes whole codes, for only duties that are added can be charged on some lines of one; "
        f"the listed tariff lines are {part}, and it reaches beyond them in {some(named)} (see "
        "coverage)"
    ]


def _into(world: World, rows: Ints) -> NDArray[np.bool_]:
    buyer = world.parent[world.flow_importer[rows]]
    found: NDArray[np.bool_] = np.array([code == IMPORTER for code in world.countries])[buyer]
    return found
