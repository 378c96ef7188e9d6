"""Solve scenarios in a world."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from time import perf_counter
from typing import Any, Literal

import numpy as np

from tradewedge.codes import nearest
from tradewedge.errors import BackendUnavailable, ConfigError, SolveError
from tradewedge.kernels import backends
from tradewedge.kernels.market import Options, Status
from tradewedge.models import MODELS, Solution
from tradewedge.policy import Compiler, Scenario
from tradewedge.result import Result
from tradewedge.segments import MARK
from tradewedge.world import World

#: Options of each model beside ``max_steps``, which all take.
MODEL_OPTIONS: Mapping[str, frozenset[str]] = {
    "armington": frozenset({"sigma_home"}),
    "gsim": frozenset(),
    "smart": frozenset(),
}


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
    on_failure: Literal["report", "raise"] = "report",
    model_options: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Result:
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
    backend : {"auto", "cpu", "jax", "reference"}
    tolerance : float
        On the log excess demand of every exporter and product.
    on_failure : {"report", "raise"}
        Whether products that do not converge raise an error or only show in ``status()``.
    model_options : mapping, optional
        ``max_steps``; for "armington" also ``sigma_home``, the substitution between home sales
        and the bundle of imports.
    progress : callable, optional
        Called with each scenario's name when it is solved.

    Raises
    ------
    ConfigError
        For options that are not allowed, a scenario that needs a date, or a measure that cannot
        be applied to this world.
    BackendUnavailable
        If the backend cannot run here.
    SolveError
        If ``on_failure="raise"`` and a product did not converge.
    """
    given = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    against = None if reference is None else one_state(reference, date)
    cases = tuple(case.on_law_of(against) for case in _states(given, date))
    world = with_segments(world, cases if against is None else (*cases, against))
    if horizon is not None:
        world = world.at_horizon(horizon)
    if on_failure not in ("report", "raise"):
        raise ConfigError(f'on_failure is "report" or "raise", not {on_failure!r}')
    extra, options = _options(model, model_options, tolerance)
    try:
        chosen, reason = backends.resolve(backend)
    except backends.Unavailable as error:
        raise BackendUnavailable(str(error)) from error
    start = perf_counter()
    world.market  # noqa: B018  builds the layout, which is cached on the world
    prepared = perf_counter()
    timings = {"prepare": prepared - start, "compile": 0.0, "solve": 0.0}
    if model == "armington":
        timings["compile"] = backends.compile_kernels(chosen, world.market)
        start = perf_counter()
        backends.prepare(chosen, world.market)
        timings["prepare"] += perf_counter() - start
    compiler = Compiler(world)

    def run(scenario: Scenario) -> Solution:
        wedges = compiler.compile(scenario)
        began = perf_counter()
        solution = MODELS[model].solve(world, wedges, options, chosen, **extra)
        timings["solve"] += perf_counter() - began
        if progress is not None:
            progress(scenario.name)
        return solution

    base = compiler.compile(Scenario("baseline")) if against is None else run(against)
    solutions = tuple(run(case) for case in cases)
    result = Result(
        world=world,
        solutions=solutions,
        base=base,
        model=model,
        backend=chosen.value,
        backend_reason=reason,
        timings=timings,
        options={**asdict(options), **extra},
    )
    if on_failure == "raise":
        _raise_failures(result)
    return result


def _states(scenarios: Sequence[Scenario], date: dt.date | str | None) -> tuple[Scenario, ...]:
    """The scenarios as they stand on a day, under names that differ."""
    if not scenarios:
        raise ConfigError("no scenario to solve")
    for case in scenarios:
        if not isinstance(case, Scenario):
            raise ConfigError(f"a scenario is a tw.Scenario, not {type(case).__name__}")
    cases = tuple(state for case in scenarios for state in case.states(date))
    names = [case.name for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"scenario names must differ: {', '.join(twice)}")
    return cases


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


def _options(
    model: str, given: Mapping[str, Any] | None, tolerance: float
) -> tuple[dict[str, Any], Options]:
    if model not in MODELS:
        near = nearest(model, sorted(MODELS))
        raise ConfigError(
            f"no model {model!r}: there are {', '.join(sorted(MODELS))}"
            + (f"; did you mean {near[0]}?" if near else "")
        )
    if not 0 < tolerance < 1:
        raise ConfigError(f"tolerance is a small positive number such as 1e-10, not {tolerance}")
    extra = {key: value for key, value in (given or {}).items() if value is not None}
    unknown = set(extra) - MODEL_OPTIONS[model] - {"max_steps"}
    if unknown:
        allowed = sorted(MODEL_OPTIONS[model] | {"max_steps"})
        raise ConfigError(
            f"model {model!r} has no option {', '.join(sorted(unknown))}; it takes "
            f"{', '.join(allowed)}"
        )
    steps = extra.pop("max_steps", Options().max_steps)
    if not isinstance(steps, int) or steps < 1:
        raise ConfigError(f"max_steps is a positive integer, not {steps!r}")
    return extra, Options(tolerance=tolerance, max_steps=steps)


def _raise_failures(result: Result) -> None:
    base = [result.base] if isinstance(result.base, Solution) else []
    for solution in (*base, *result.solutions):
        bad = np.flatnonzero(solution.status != Status.CONVERGED)
        if bad.size:
            first = ", ".join(
                f"{result.world.products[k]} ({Status(solution.status[k]).name.lower()}, "
                f"residual {solution.residual[k]:.1e})"
                for k in bad[:5]
            )
            raise SolveError(
                f"scenario {solution.wedges.scenario.name!r}: {bad.size} product(s) did not "
                f"converge: {first}. See status(), or raise max_steps in model_options"
            )
