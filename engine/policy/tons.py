"""From tons and USD per kilogram to ratios to the baseline.

Values are in thousand USD and quantities in metric tons, so value / quantity is USD per kilogram
as it stands.
"""

from dataclasses import dataclass

import numpy as np

from tradewedge.errors import ConfigError
from tradewedge.policy.draft import Floats, Ints, Remark, Task
from tradewedge.policy.weighed import Weighed
from tradewedge.policy.words import flow_name
from tradewedge.sources import content
from tradewedge.world import World


@dataclass(frozen=True, eq=False)
class Weighing:
    """Flows with their weight.

    Attributes
    ----------
    rows : int64 [n]
        Those of the task, less the ones that are left alone for want of tons.
    tons : float64 [n]
    remark : Remark
    """

    rows: Ints
    tons: Floats
    remark: Remark


def weigh(task: Task, measure: Weighed, rows: Ints | None = None) -> Weighing:
    """Baseline tons of the flows of a task, or of other ``rows``.

    Raises
    ------
    ConfigError
        Where tons are unknown and ``missing_tons`` does not say what to do, or nothing can be
        done.
    """
    world = task.world
    rows = task.rows if rows is None else rows
    tons = world.quantity[rows]
    missing = np.isnan(tons)
    n = int(missing.sum())
    if not n:
        return Weighing(rows, tons, Remark())
    if measure.missing_tons == "error" or (measure.missing_tons == "skip" and n == rows.size):
        raise ConfigError(_no_tons(task, rows, missing))
    shown = f"{n:,} of {rows.size:,} flows ({_percent(world, rows, missing)} of their value)"
    if measure.missing_tons == "skip":
        note = f"{shown} have no tons in this world and are left alone"
        return Weighing(rows[~missing], tons[~missing], Remark((note,), n))
    filled = tons.copy()
    filled[missing] = world.value[rows[missing]] / _average(task, rows, missing)
    note = f"{shown} have no tons in this world and are given the average unit value"
    return Weighing(rows, filled, Remark((note,), n))


def unit_value(world: World, weighing: Weighing) -> Floats:
    """Baseline border unit value of the flows, USD per kg."""
    value: Floats = world.value[weighing.rows] / weighing.tons
    return value


def contained(task: Task, mineral: str | None, share: str | float, rows: Ints) -> Floats:
    """Kilograms of the mineral per kilogram of product, for each flow; 1 for the product itself.

    Raises
    ------
    ConfigError
        For a product whose content of the mineral is not in the table.
    """
    if mineral is None:
        return np.ones(rows.size)
    world = task.world
    products, place = np.unique(world.flow_product[rows], return_inverse=True)
    if isinstance(share, float):
        return np.full(rows.size, share)
    found = np.array(
        [
            content.content_of(mineral, world.products[k], world.vintage, share, task.where)
            for k in products
        ]
    )
    spread: Floats = found[place]
    return spread


def _average(task: Task, rows: Ints, missing: np.ndarray) -> Floats:
    """Unit value of the importer's known flows of the product, else of all importers'."""
    world = task.world
    wanted = rows[missing]
    known = ~np.isnan(world.quantity)
    value = np.where(known, world.value, 0.0)
    tons = np.where(known, world.quantity, 0.0)
    sums = []
    for row, size in (
        (world.importer_row, world.importer_country.size),
        (world.flow_product, len(world.products)),
    ):
        with np.errstate(invalid="ignore"):
            unit = np.bincount(row, value, size) / np.bincount(row, tons, size)
        sums.append(unit[row[wanted]])
    average: Floats = np.where(np.isnan(sums[0]), sums[1], sums[0])
    if np.isnan(average).any():
        raise ConfigError(_no_tons(task, wanted, np.isnan(average)))
    return average


def _no_tons(task: Task, rows: Ints, missing: np.ndarray) -> str:
    world = task.world
    flow = flow_name(world, rows[missing][0])
    start = f"{task.where} needs tons, which "
    if np.isnan(world.quantity).all():
        return (
            f"{start}world {world.name!r} does not know (the first flow is {flow}). Write it "
            "relative to the baseline (multiple or fraction), or use a world with tons: the "
            'embedded "minerals" has them for its products'
        )
    return (
        f"{start}world {world.name!r} does not know for {int(missing.sum()):,} of {rows.size:,} "
        f"flows ({_percent(world, rows, missing)} of their value), the first {flow}. Set "
        'missing_tons to "skip" (leave them alone) or "average" (average unit value), narrow the '
        "scope, or write it relative to the baseline (multiple or fraction)"
    )


def _percent(world: World, rows: Ints, part: np.ndarray) -> str:
    return f"{world.value[rows[part]].sum() / world.value[rows].sum() * 100:.2g} %"
