"""One run: scenarios on one world, solved, written, read back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError
from tradewedge.policy import Compiler
from tradewedge.report.band import sigma_band
from tradewedge.session import Job
from tradewedge.settings import Settings
from tradewedge.solver import solve, solve_into, with_segments
from tradewedge.store import Run, read_run
from tradewedge.world import World
from tradewedge.worlds import load_world

Notify = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Outcome:
    """A run and whether it was solved now or found on disk."""

    run: Run
    skipped: bool


class _Counter:
    """Turns "this one is done" into so many of so many."""

    def __init__(self, what: str, total: int, notify: Notify) -> None:
        self.what, self.total, self.notify, self.done = what, total, notify, 0
        notify(what, 0, total)

    def __call__(self, _: str) -> None:
        self.done += 1
        self.notify(self.what, self.done, self.total)


def run_batch(settings: Settings, directory: Path, notify: Notify) -> Outcome:
    """Solve the scenarios of ``settings`` into ``directory``, unless they are there already.

    Raises
    ------
    ConfigError
        If the directory holds another run, or a setting does not fit the data.
    SolveError
        If products did not converge and ``on_failure`` is "raise"; nothing is written then.
    """
    notify("loading the world", 0, 1)
    compared = () if settings.reference is None else (settings.reference,)
    world = with_segments(open_world(settings), (*settings.scenarios, *compared))
    notify("loading the world", 1, 1)
    job = Job(
        world,
        settings.scenarios,
        settings.reference,
        settings.model,
        settings.backend,
        settings.tolerance,
        settings.model_options,
        settings.on_failure,
    )

    def extra() -> dict[str, pl.LazyFrame]:
        compiler = Compiler(world)
        band = sigma_band(compiler, settings.scenarios, solver, settings.band_sigmas, notify)
        return {} if band is None else {"sigma_band": band.lazy()}

    solver = partial(
        solve,
        reference=settings.reference,
        model=settings.model,
        backend=settings.backend,
        tolerance=settings.tolerance,
        model_options=settings.model_options,
    )
    solved = solve_into(
        directory,
        job,
        settings.record(),
        memory=settings.memory,
        overwrite=settings.overwrite,
        progress=_Counter("solving", len(settings.scenarios), notify),
        extra=extra,
    )
    return Outcome(read_run(directory), skipped=not solved)


def open_world(settings: Settings) -> World:
    """Load the world that the settings name, with their elasticities and products."""
    world = load_world(settings.world, year=settings.year, elasticities=settings.elasticities)
    if settings.horizon is not None:
        world = world.at_horizon(settings.horizon)
    if settings.products is not None:
        world = world.select(_matching(world, settings.products))
    table = settings.elasticities_file
    single = {"sigma": settings.sigma, "eta": settings.eta, "epsilon": settings.epsilon}
    if table is not None or any(value is not None for value in single.values()):
        world = world.with_elasticities(table, **single)
    return world if settings.home_share is None else world.with_home_share(settings.home_share)


def _matching(world: World, prefixes: tuple[str, ...]) -> list[str]:
    for prefix in prefixes:
        if not any(product.startswith(prefix) for product in world.products):
            near = ", ".join(nearest(prefix, world.products))
            raise ConfigError(
                f"data.products: no product of {world.name!r} starts with {prefix!r}"
                + (f"; nearest: {near}." if near else ".")
            )
    return [product for product in world.products if product.startswith(prefixes)]
