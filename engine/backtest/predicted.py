"""What the models say of the year after, from the year before and what was enacted."""

from dataclasses import dataclass, replace

import polars as pl

from tradewedge.backtest.experiment import Experiment
from tradewedge.backtest.observed import KEYS
from tradewedge.backtest.yearly import Enacted, enacted
from tradewedge.errors import ConfigError
from tradewedge.policy import Scenario, compile_wedges
from tradewedge.solver import solve
from tradewedge.world import World


@dataclass(frozen=True, eq=False)
class Case:
    """One representation of what was enacted, on the world of the year before.

    Attributes
    ----------
    name : str
    world : World
        With the duties that already held in a part of that year.
    change : Scenario
        What came on top.
    targets : DataFrame
        product, importer, exporter of the flows abroad that it touches.
    """

    name: str
    world: World
    change: Scenario
    targets: pl.DataFrame


def cases(experiment: Experiment, before: World, after: int) -> tuple[Case, ...]:
    """Put the scenarios of an experiment on the world of the year before.

    Raises
    ------
    ConfigError
        As :func:`~.yearly.enacted`, and for what the world does not allow.
    """
    if before.year is None:
        raise ConfigError(f"world {before.name!r} does not say its year")
    return tuple(
        _case(before, enacted(scenario, before.year, after)) for scenario in experiment.scenarios
    )


def _case(before: World, law: Enacted) -> Case:
    world = _with_duties(before, law.base)
    touched = compile_wedges(world, law.change).touched_flows
    keys = pl.DataFrame(world.flow_keys()).filter(pl.Series(touched & ~world.home))
    return Case(law.change.name, world, law.change, keys.select(KEYS).sort(KEYS))


def _with_duties(world: World, base: Scenario) -> World:
    """Give a world the duties of its year, unless it knows those of the importers concerned."""
    unknown = [measure for measure in base.measures if not _knows(world, measure.importer)]
    if not unknown:
        return world
    wedges = compile_wedges(world, replace(base, measures=unknown))
    return replace(world, duties=wedges.duties)


def _knows(world: World, importers: object) -> bool:
    """Whether the tariffs of these importers are in the world's data."""
    if world.tariff_importers is None:
        return True
    named = (importers,) if isinstance(importers, str) else importers
    assert isinstance(named, tuple)
    return all(code in world.tariff_importers for code in named)


def predict(case: Case, world: World, model: str) -> pl.DataFrame:
    """Imports of the year after: product, importer, exporter, value, quantity.

    Parameters
    ----------
    case : Case
    world : World
        That of the case, perhaps with other elasticities.
    model : {"armington", "gsim", "smart"}

    Raises
    ------
    ConfigError
        If the model cannot take the measures.
    """
    flows = solve(world, case.change, model=model).flows()
    return (
        flows.filter(pl.col("exporter") != pl.col("importer"))
        .select(*KEYS, value="value_new", quantity="quantity_new")
        .sort(KEYS)
        .collect()
    )
