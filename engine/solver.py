"""Solve scenarios in a world: in memory, or into a directory, where any number of them fits."""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

import polars as pl

from tradewedge.budget import read_size, transient
from tradewedge.errors import ConfigError, SolveError
from tradewedge.models import Solution
from tradewedge.policy import Measure, Scenario
from tradewedge.result import Result
from tradewedge.segments import MARK
from tradewedge.session import Job, OnFailure, Session
from tradewedge.store import Holding, Run, config_hash, holding, read_run, writing
from tradewedge.world import World

Progress = Callable[[str], None]

MEMORY = "2GB"
"""What scenarios may take at once where they are written to a directory."""


class _How(TypedDict, total=False):
    model: str
    reference: Scenario | None
    date: dt.date | str | None
    horizon: float | None
    backend: str
    tolerance: float
    on_failure: OnFailure
    model_options: Mapping[str, Any] | None
    progress: Progress | None
    memory: str | float
    overwrite: bool


@overload
def solve(
    world: World,
    scenarios: Scenario | Sequence[Scenario],
    *,
    directory: None = None,
    **how: Unpack[_How],
) -> Result: ...
@overload
def solve(
    world: World,
    scenarios: Scenario | Sequence[Scenario],
    *,
    directory: str | Path,
    **how: Unpack[_How],
) -> Run: ...
def solve(
    world: World,
    scenarios: Scenario | Sequence[Scenario],
    *,
    model: str = "armington",
    reference: Scenario | None = None,
    date: dt.date | str | None = None,
    horizon: float | None = None,
    backend: str = "auto",
    tolerance: float = 1e-10,
    on_failure: OnFailure = "report",
    model_options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    directory: str | Path | None = None,
    memory: str | float = MEMORY,
    overwrite: bool = False,
) -> Result | Run:
    """Re-solve every product of ``world`` under each scenario.

    Parameters
    ----------
    scenarios : Scenario or sequence of Scenario
        Names must differ. Segments that any of them names are set apart in the world for all.
    model : {"armington", "gsim", "smart"}
        The exact model, its log-linear form (Francois and Hall 2003), or that with infinite
        supply.
    reference : Scenario, optional
        Report changes against this scenario's solution instead of the data year, for example
        ``tw.law("2026-01-15")``. Scenarios that name no law stand on its law too.
    date : date or str, optional
        Solve every scenario as it stands on this day, each branch of it where it has parted by
        then; names get ``@2026-01-20``. Default: each scenario's own date.
    horizon : float, optional
        Years that trade has had to adjust: replaces the world's elasticities by those of
        :meth:`World.at_horizon`.
    backend : {"auto", "cpu", "jax", "cupy", "reference"}
        What solves "armington": "cpu" the processor with Numba; "jax" XLA, on the processor or a
        GPU; "cupy" a CUDA kernel on a GPU; "reference" plain NumPy, slow, for checks. "auto"
        takes a GPU that CuPy or JAX finds, else the processor. What a backend cannot do runs on
        the processor; ``result.backend_reason`` says so, and why this backend. The other models,
        all tables and the compilation of scenarios are NumPy and Polars on the processor.
    tolerance : float
        On the log excess demand of every exporter and product.
    on_failure : {"report", "raise"}
        Whether products that do not converge raise an error or only show in ``status()``.
    model_options : mapping, optional
        ``max_steps``; for "armington" also ``precision`` ("mixed": the backend "jax" sweeps in
        float32 first and ends in float64; answers are the same) and the nests: ``sigma_home``, the
        substitution between home sales and the bundle of imports, and ``sigma_groups`` with
        ``supplier_groups``, that between groups of suppliers, such as ``{"allied": ["G7",
        "AUS"]}`` against all others.
        Either elasticity is one number or a mapping of HS prefixes; see docs/model.md.
    progress : callable, optional
        Called with each scenario's name when it is solved; with ``directory``, when it is
        written.
    directory : path, optional
        Write every table there as ``tradewedge run`` does, and return what reads them back: then
        any number of scenarios takes no more memory than a few. A process that is killed leaves
        the scenarios that are complete, and the same call goes on from there. What is there
        already is not solved again.
    memory : str or float
        With ``directory``: how much scenarios may take at once, beside the world, such as "2GB"
        or a number of bytes. One at a time is solved in any case.
    overwrite : bool
        With ``directory``: replace another run that is there.

    Returns
    -------
    Result or Run
        Tables by the same methods; of a run they are scans of Parquet files.

    Raises
    ------
    ConfigError
        For options that are not allowed, a scenario that needs a date, a measure that cannot
        be applied to this world, or a directory that holds something else.
    BackendUnavailable
        If the backend cannot run here.
    SolveError
        If ``on_failure="raise"`` and a product did not converge.
    """
    given = (scenarios,) if isinstance(scenarios, Scenario | Measure) else tuple(scenarios)
    against = None if reference is None else one_state(reference, date)
    cases = tuple(case.on_law_of(against) for case in _states(given, date))
    world = with_segments(world, cases if against is None else (*cases, against))
    if horizon is not None:
        world = world.at_horizon(horizon)
    if not isinstance(model_options, Mapping | None):
        raise ConfigError(f"model_options is a mapping of option to value, not {model_options!r}")
    options = dict(model_options or {})
    job = Job(world, cases, against, model, backend, tolerance, options, on_failure)
    if directory is None:
        return _solve_all(job, progress)
    place = Path(directory)
    solve_into(place, job, job.record(), memory=memory, overwrite=overwrite, progress=progress)
    return read_run(place)


def _solve_all(job: Job, progress: Progress | None) -> Result:
    session = Session(job)
    solutions: list[Solution] = []
    for some in session.solve(job.cases, math.inf):
        solutions += some
        if progress is not None:
            for solution in some:
                progress(solution.wedges.scenario.name)
    return session.result(solutions)


def solve_into(
    directory: Path,
    job: Job,
    config: Mapping[str, Any],
    *,
    memory: str | float = MEMORY,
    overwrite: bool = False,
    progress: Progress | None = None,
    extra: Callable[[], Mapping[str, pl.LazyFrame]] = dict,
) -> bool:
    """Solve scenarios into a run directory, some at a time.

    Parameters
    ----------
    directory : Path
    job : Job
    config : mapping
        Recorded in the manifest; its hash tells runs apart.
    memory, overwrite, progress
        As in :func:`solve`.
    extra : callable, optional
        Makes further tables, by name, when all is solved.

    Returns
    -------
    bool
        Whether anything had to be done.

    Raises
    ------
    SolveError
        If the job is strict and a product did not converge, now or in what is there already.
    """
    room = max(read_size(memory) - transient(job.world), 0.0)
    hashes = config_hash(config), job.world.data_hash
    there = holding(directory, *hashes, overwrite=overwrite)
    if there is Holding.SAME_RUN and not overwrite:
        _check_written(job, read_run(directory).manifest["statuses"])
        return False
    done = progress or (lambda _: None)
    with writing(directory, hashes, [case.name for case in job.cases]) as run:
        session = Session(job)
        _check_written(job, {name: told["statuses"] for name, told in run.complete.items()})
        left = [case for case in job.cases if case.name not in run.complete]
        for name in run.complete:
            done(name)
        for some in session.solve(left, room):
            while some:  # what is written is let go at once
                solution = some.pop(0)
                with session.timed("write"):
                    run.add(session.result(()), solution)
                done(solution.wedges.scenario.name)
        run.finish(session.result(()), config, extra())
    return True


def _check_written(job: Job, statuses: Mapping[str, Mapping[str, int]]) -> None:
    """Make an error of what an earlier run has written and a strict one would not have."""
    if job.on_failure != "raise":
        return
    for name, counts in statuses.items():
        bad = {status: n for status, n in counts.items() if status != "converged"}
        if bad:
            told = ", ".join(f"{n} {status}" for status, n in bad.items())
            raise SolveError(
                f"scenario {name!r}, solved earlier: not all products converged ({told}). See "
                'status() of the run; on_failure="report" takes it as it is'
            )


def _states(scenarios: Sequence[Scenario], date: dt.date | str | None) -> tuple[Scenario, ...]:
    """The scenarios as they stand on a day, under names that differ."""
    if not scenarios:
        raise ConfigError("no scenario to solve")
    for case in scenarios:
        if not isinstance(case, Scenario):
            raise ConfigError(_no_scenario(case))
    cases = tuple(state for case in scenarios for state in case.states(date))
    names = [case.name for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"scenario names must differ: {', '.join(twice)}")
    return cases


def _no_scenario(given: object) -> str:
    kind = type(given).__name__
    text = f"a scenario is a tw.Scenario, not {kind}"
    return f'{text}: tw.Scenario("name", [tw.{kind}(...)])' if isinstance(given, Measure) else text


def with_segments(world: World, scenarios: Sequence[Scenario]) -> World:
    """The world with the segments of all scenarios set apart, once.

    Raises
    ------
    ConfigError
        If two scenarios give an importer different segments, or it cannot be split.
    """
    wanted: dict[str, tuple[str, Mapping[str, float]]] = {}
    for case in scenarios:
        for importer, shares in case.segments.items():
            name, before = wanted.setdefault(importer, (case.name, shares))
            if dict(before) != dict(shares):
                raise ConfigError(
                    f"scenarios {name!r} and {case.name!r} part {importer} differently ({before} "
                    f"and {shares}); solve them in two calls"
                )
    for importer, (_, shares) in sorted(wanted.items()):
        if not all(f"{importer}{MARK}{name}" in world.countries for name in shares):
            world = world.split_importer(importer, shares)
    return world


def one_state(reference: Scenario, date: dt.date | str | None) -> Scenario:
    """The reference as it stands on a day, which has to be one."""
    if not isinstance(reference, Scenario):
        raise ConfigError(f"reference is a tw.Scenario, not {type(reference).__name__}")
    states = reference.states(date if reference.dated else None)
    if len(states) > 1:
        raise ConfigError(
            f"reference {reference.name!r} has parted into {len(states)} branches by then: take "
            "one, reference.branch(name)"
        )
    return states[0]
