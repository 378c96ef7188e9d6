"""What one call of ``solve`` prepares once, and its scenarios solved some at a time."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from numbers import Integral
from time import perf_counter
from typing import Any, Literal

import numpy as np

from tradewedge.budget import cost
from tradewedge.codes import nearest
from tradewedge.errors import BackendUnavailable, ConfigError, SolveError
from tradewedge.kernels import backends
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.market import Options, Status
from tradewedge.models import MODELS, Solution, nests
from tradewedge.policy import Compiler, Scenario, Wedges
from tradewedge.result import Result
from tradewedge.world import World

OnFailure = Literal["report", "raise"]

_LOG = logging.getLogger("tradewedge")

#: Options of each model beside ``max_steps``, which all take.
MODEL_OPTIONS: Mapping[str, frozenset[str]] = {
    "armington": nests.OPTIONS,
    "gsim": frozenset(),
    "smart": frozenset(),
}
TOGETHER = 64
"""Most scenarios that are solved at once, whatever memory there is."""
SIDE_BY_SIDE = 8
"""A kernel's batch takes so many scenarios in one go: chunks are multiples of it."""


@dataclass(frozen=True)
class Job:
    """What is to be solved, and how.

    Attributes
    ----------
    world : World
        With the segments of all scenarios set apart.
    cases : tuple of Scenario
        As they stand on their day; names differ.
    reference : Scenario or None
        What ``_base`` and ``_hat`` refer to; None: the data year.
    model, backend, tolerance, model_options, on_failure
        As in :func:`tradewedge.solver.solve`.
    """

    world: World
    cases: tuple[Scenario, ...]
    reference: Scenario | None
    model: str
    backend: str
    tolerance: float
    model_options: Mapping[str, Any]
    on_failure: OnFailure

    def record(self) -> dict[str, Any]:
        """What decides the numbers beside the world's data, as plain data."""
        return {
            "scenarios": [case.to_dict() for case in self.cases],
            "reference": None if self.reference is None else self.reference.to_dict(),
            "model": {
                "name": self.model,
                "tolerance": self.tolerance,
                "options": dict(self.model_options),
            },
            "backend": self.backend,
        }


class Session:
    """A job's world, model and backend made ready for scenarios.

    Parameters
    ----------
    job : Job

    Raises
    ------
    ConfigError
        For options that are not allowed, or a reference that cannot be applied.
    BackendUnavailable
        If the backend cannot run here.
    """

    def __init__(self, job: Job) -> None:
        self._world, self._model = job.world, job.model
        if job.on_failure not in ("report", "raise"):
            raise ConfigError(f'on_failure is "report" or "raise", not {job.on_failure!r}')
        self._strict = job.on_failure == "raise"
        self._extra, self._options = _options(job.model, job.model_options, job.tolerance)
        try:
            self._backend, self._reason = backends.resolve(job.backend)
        except backends.Unavailable as error:
            raise BackendUnavailable(str(error)) from error
        _LOG.info(self._reason)
        if self._options.precision == "mixed" and self._backend is not backends.Backend.JAX:
            raise ConfigError(f'precision "mixed" is for backend "jax", not {self._backend}')
        self._timings = {"prepare": 0.0, "compile": 0.0, "solve": 0.0}
        self._clock = Clock()
        self._passed = dict(self._extra)
        if self._model == "armington":
            self._passed["clock"] = self._clock
        self._compiler = Compiler(self._world)
        with self.timed("prepare"):
            self._world.market  # noqa: B018  what follows from the flows, cached on the world
        with ThreadPoolExecutor(1) as pool:
            compiling = pool.submit(self._compiler.compile, job.reference or Scenario("baseline"))
            if self._model == "armington":
                self._timings["compile"] = backends.compile_kernels(self._backend)
            base = compiling.result()
        if self._model == "armington":
            with self.timed("prepare"):
                backends.prepare(self._backend, self._world.market)
        self._base = base if job.reference is None else self._solved([base])[0]

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Add the seconds of a block to the timings."""
        start = perf_counter()
        yield
        self._timings[what] = self._timings.get(what, 0.0) + perf_counter() - start

    def result(self, solutions: Sequence[Solution]) -> Result:
        """Solutions of this session as tables."""
        return Result(
            world=self._world,
            solutions=tuple(solutions),
            base=self._base,
            model=self._model,
            backend=self._backend.value,
            backend_reason=self._reason,
            timings=self._seconds(),
            options={**asdict(self._options), **self._extra},
        )

    def _seconds(self) -> dict[str, float]:
        """The timings; what was compiled while solving counts as compiling."""
        found = dict(self._timings)
        found["compile"] += self._clock.compile
        found["solve"] -= self._clock.compile
        if self._clock.transfer:
            found["transfer"] = self._clock.transfer
        return found

    def solve(self, cases: Sequence[Scenario], memory: float) -> Iterator[list[Solution]]:
        """Solve scenarios, in their order, so many at a time as fit.

        Parameters
        ----------
        cases : sequence of Scenario
        memory : float
            Bytes that scenarios may take at once; a single one may take more.
        """
        held: list[Wedges] = []
        size = 0.0
        room = memory - backends.written_out(self._backend, self._world.market)
        for case in cases:
            held.append(self._compiler.compile(case))
            size += cost(self._world, held[-1])
            while len(held) > 1 and (size > room or len(held) > TOGETHER):
                fit = len(held) - 1
                fit -= fit % SIDE_BY_SIDE if fit > SIDE_BY_SIDE else 0
                now, held = held[:fit], held[fit:]
                yield self._solved(now)
                del now
                size = sum(cost(self._world, wedges) for wedges in held)
        if held:
            yield self._solved(held)

    def _solved(self, several: Sequence[Wedges]) -> list[Solution]:
        """Solve what was compiled, together."""
        model, given = MODELS[self._model], (self._options, self._backend)
        if self._model == "armington":
            self._timings["compile"] += backends.compile_batch(self._backend, len(several))
            if any(one.thin is not None for one in several):
                self._timings["compile"] += backends.compile_instruments(self._backend)
        with self.timed("solve"):
            if len(several) == 1:
                found = [model.solve(self._world, several[0], *given, **self._passed)]
            else:
                found = model.solve_batch(self._world, several, *given, **self._passed)
        if self._strict:
            _check_solved(self._world, found)
        return found


def _check_solved(world: World, solutions: Sequence[Solution]) -> None:
    """Make an error of products that did not converge.

    Raises
    ------
    SolveError
        Naming the first.
    """
    for solution in solutions:
        bad = np.flatnonzero(solution.status != Status.CONVERGED)
        if bad.size:
            first = ", ".join(
                f"{world.products[k]} ({Status(solution.status[k]).name.lower()}, "
                f"residual {solution.residual[k]:.1e})"
                for k in bad[:5]
            )
            raise SolveError(
                f"scenario {solution.wedges.scenario.name!r}: {bad.size} product(s) did not "
                f"converge: {first}. See status(), or raise max_steps in model_options"
            )


def _options(
    model: str, given: Mapping[str, Any] | None, tolerance: object
) -> tuple[dict[str, Any], Options]:
    if model not in MODELS:
        near = nearest(model, sorted(MODELS))
        raise ConfigError(
            f"no model {model!r}: there are {', '.join(sorted(MODELS))}"
            + (f"; did you mean {near[0]}?" if near else "")
        )
    if not isinstance(tolerance, int | float) or not 0 < tolerance < 1:
        raise ConfigError(f"tolerance is a small positive number such as 1e-10, not {tolerance!r}")
    extra = {key: value for key, value in (given or {}).items() if value is not None}
    own = MODEL_OPTIONS[model] | {"max_steps"} | ({"precision"} if model == "armington" else set())
    unknown = set(extra) - own
    if unknown:
        allowed = sorted(own)
        raise ConfigError(
            f"model {model!r} has no option {', '.join(sorted(unknown))}; it takes "
            f"{', '.join(allowed)}"
        )
    steps = extra.pop("max_steps", Options().max_steps)
    if isinstance(steps, bool) or not isinstance(steps, Integral) or steps < 1:
        raise ConfigError(f"max_steps is a positive integer, not {steps!r}")
    precision = extra.pop("precision", "double")
    if precision not in ("double", "mixed"):
        raise ConfigError(f'precision is "double" or "mixed", not {precision!r}')
    return extra, Options(tolerance=float(tolerance), max_steps=int(steps), precision=precision)
