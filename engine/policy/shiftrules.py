"""Rules for measures on all sales of an exporter: supply, capacity, price guarantees."""

import numpy as np

from tradewedge.errors import ConfigError
from tradewedge.policy import goods
from tradewedge.policy.columns import owned
from tradewedge.policy.draft import Draft, Floats, Ints, Quota, Remark, Task
from tradewedge.policy.measures import Capacity, ContractForDifference, SupplyShift
from tradewedge.policy.tons import Weighing, contained, weigh
from tradewedge.policy.words import exporter_names, some


def supply(draft: Draft, task: Task, measure: SupplyShift) -> Remark:
    """Multiply the supply curves, of joint products too.

    Tons become a factor relative to baseline output: all matched products of one exporter get
    the same.
    """
    world = task.world
    exporters = np.unique(world.exporter_row[task.rows])
    if not measure.needs_tons:
        _shift(draft, task, exporters, np.full(exporters.size, measure.factor))
        return Remark()
    _check_observed(task, "tons of output")
    weighing = weigh(task, measure)
    output = _by_country(task, weighing)
    if measure.tons is not None:
        exporters = np.unique(world.exporter_row[weighing.rows])
        added = np.where(output > 0, measure.tons, 0.0)
        factor = 1.0 + measure.tons / output[world.exporter_country[exporters]]
    else:
        assert measure.factor is not None  # one of the two is given
        added = (measure.factor - 1.0) * output
        factor = np.full(exporters.size, measure.factor)
    _shift(draft, task, exporters, factor)
    remark = weighing.remark
    for product, ratio in measure.joint_products:
        remark += _joint(draft, task, measure, product, ratio * added)
    return remark


def capacity(draft: Draft, task: Task, measure: Capacity) -> Remark:
    """Limit output; where supply is infinitely elastic, as a limit over all sales."""
    world = task.world
    _check_observed(task, "output")
    exporters = np.unique(world.exporter_row[task.rows])
    remark, place = Remark(), world.exporter_row[task.rows]
    tons = world.quantity
    if measure.tons is None:
        limit = np.full(exporters.size, measure.fraction)
    else:
        weighing = weigh(task, measure)
        remark = weighing.remark
        exporters = np.unique(world.exporter_row[weighing.rows])
        held = weighing.tons * contained(task, measure.mineral, measure.content, weighing.rows)
        tons = np.full(world.value.size, np.nan)
        tons[weighing.rows] = held
        output = _by_country(task, Weighing(weighing.rows, held, remark))
        limit = measure.tons / output[world.exporter_country[exporters]]
    limit = 1.0 + measure.reached * (limit - 1.0) if measure.reached < 1 else limit
    closed = exporters[limit == 0]
    draft.excluded.add(task.rows[np.isin(place, closed)])
    fixed = np.isinf(world.epsilon[exporters]) & (limit > 0)
    tighter = (limit < draft.capacity[exporters]) & ~fixed & (limit > 0)
    draft.capacity, draft.capacity_number = owned(draft.capacity), owned(draft.capacity_number)
    draft.capacity[exporters[tighter]] = limit[tighter]
    draft.capacity_number[exporters[tighter]] = task.number
    rows = np.isin(place, exporters[fixed])
    if rows.any():
        spread = np.zeros(world.exporter_country.size)
        spread[exporters] = limit
        draft.quotas.append(
            Quota(
                number=task.number,
                kind="capacity",
                per="exporter",
                rent="producer",
                rows=task.rows[rows],
                limit=spread[place[rows]],
                tons=tons[task.rows[rows]],
            )
        )
    return remark


def guarantee(draft: Draft, task: Task, measure: ContractForDifference) -> Remark:
    """Set the strike price, relative to the exporter's baseline unit value."""
    world = task.world
    _check_observed(task, "output")
    exporters = np.unique(world.exporter_row[task.rows])
    _check_finite(task, exporters, "a contract for differences has no equilibrium")
    taken = exporters[draft.strike[exporters] > 0]
    if taken.size:
        raise ConfigError(
            f"{task.where}: {some(exporter_names(world, taken))} already has a contract for "
            "differences; an exporter can have one per product"
        )
    remark = Remark()
    if measure.usd_per_kg is None:
        strike = np.full(exporters.size, measure.multiple)
    else:
        weighing = weigh(task, measure)
        rows, remark = weighing.rows, weighing.remark
        size = world.exporter_country.size
        value = np.bincount(world.exporter_row[rows], world.value[rows], size)
        tons = np.bincount(world.exporter_row[rows], weighing.tons, size)
        held = np.zeros(size)
        held[world.exporter_row[rows]] = contained(task, measure.mineral, measure.content, rows)
        exporters = exporters[tons[exporters] > 0]
        strike = (measure.usd_per_kg * held * tons / np.where(value > 0, value, 1.0))[exporters]
    draft.strike, draft.strike_number = owned(draft.strike), owned(draft.strike_number)
    draft.covered, draft.upside = owned(draft.covered), owned(draft.upside)
    draft.strike[exporters] = strike
    draft.strike_number[exporters] = task.number
    draft.covered[exporters] = measure.covered
    draft.upside[exporters] = measure.upside_share
    return remark


def _joint(draft: Draft, task: Task, measure: SupplyShift, product: str, added: Floats) -> Remark:
    """Shift a product made along with another; ``added`` tons by country, [N]."""
    world = task.world
    wanted = goods.find(task.shelf, product, f"{task.where}: joint")
    makers = np.flatnonzero(added)
    inside = wanted.matched[world.flow_product] & np.isin(world.flow_exporter, makers)
    rows = np.flatnonzero(inside)
    without = np.setdiff1d(makers, world.flow_exporter[rows])
    if without.size:
        raise ConfigError(
            f"{task.where}: joint {product}: {some([world.countries[i] for i in without])} sells "
            f"none of it in world {world.name!r}, so that there is no baseline to add to. Leave "
            "it out, or give the world that exporter's sales"
        )
    weighing = weigh(task, measure, rows)
    exporters = np.unique(world.exporter_row[rows])
    country = world.exporter_country[exporters]
    _shift(draft, task, exporters, 1.0 + added[country] / _by_country(task, weighing)[country])
    draft.touched.add(rows)
    notes = tuple(f"joint {product}: {note}" for note in (*wanted.notes, *weighing.remark.notes))
    return Remark(notes, weighing.remark.without_tons)


def _shift(draft: Draft, task: Task, exporters: Ints, factor: Floats) -> None:
    _check_finite(task, exporters, "a supply shift has no effect")
    below = np.flatnonzero(factor <= 0)
    if below.size:
        raise ConfigError(
            f"{task.where}: more is taken away than the baseline output of "
            f"{some(exporter_names(task.world, exporters[below]))}; use Exclusion or Capacity"
        )
    draft.supply = owned(draft.supply)
    draft.supply[exporters] *= factor


def _by_country(task: Task, weighing: Weighing) -> Floats:
    """Tons sold by each country, home sales included, [N]."""
    world = task.world
    seller = world.flow_exporter[weighing.rows]
    return np.asarray(np.bincount(seller, weighing.tons, len(world.countries)), np.float64)


def _check_observed(task: Task, what: str) -> None:
    world = task.world
    if world.observed_importers is not None:
        raise ConfigError(
            f"{task.where} needs the exporter's {what}, but world {world.name!r} sees only the "
            f"imports of {some(world.observed_importers)}. Use a world that sees all trade, such "
            'as the embedded "minerals", or a quota on these imports'
        )


def _check_finite(task: Task, exporters: Ints, what: str) -> None:
    fixed = exporters[np.isinf(task.world.epsilon[exporters])]
    if fixed.size:
        raise ConfigError(
            f"{task.where}: {what} where supply is infinitely elastic (epsilon = inf), which "
            f"holds for {some(exporter_names(task.world, fixed))}. Give the world a finite "
            "epsilon, or use TradeCost or Exclusion"
        )
