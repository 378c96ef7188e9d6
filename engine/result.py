"""The answer: every outcome table of one or more scenarios, lazily."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from tradewedge.errors import ConfigError
from tradewedge.kernels.part import Part
from tradewedge.models import Solution
from tradewedge.outcomes import diagnosis
from tradewedge.outcomes.tables import TABLES, scan_frames, scenario_frames
from tradewedge.policy import Scenario, Wedges
from tradewedge.tables import Tables, as_text
from tradewedge.world import World


@dataclass(frozen=True, eq=False)
class Result(Tables):
    """Solutions of some scenarios in one world, as tables.

    Every table is a Polars LazyFrame sorted by its keys, ``scenario`` first. Columns and units:
    docs/results.md.

    Attributes
    ----------
    world : World
    solutions : tuple of Solution
        One per scenario, in the order given.
    base : Wedges or Solution
        What ``_base`` and ``_hat`` refer to: the data year, or a reference scenario's solution.
    model, backend, backend_reason : str
    timings : mapping
        Seconds: ``prepare`` (layout of the world), ``compile``, ``solve`` (from aligned wedges to
        prices); of the last, ``transfer`` where the backend copies to a device.
    options : mapping
        tolerance, max_steps and model options as used.
    """

    world: World
    solutions: tuple[Solution, ...]
    base: Wedges | Solution
    model: str
    backend: str
    backend_reason: str
    timings: Mapping[str, float]
    options: Mapping[str, object]

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios, in the order given."""
        return tuple(solution.wedges.scenario for solution in self.solutions)

    @property
    def by_name(self) -> list[Solution]:
        """The solutions in order of their scenarios' names, which is that of rows in tables."""
        return sorted(self.solutions, key=lambda solution: solution.wedges.scenario.name)

    @property
    def reference(self) -> Scenario | None:
        """The scenario that ratios refer to; None for the data year."""
        return self.base.wedges.scenario if isinstance(self.base, Solution) else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What this world cannot answer."""
        return diagnosis.blind_spots(self.world)

    def scan(self, table: str) -> pl.LazyFrame:
        """One table, by name: computed when it is collected, products after products.

        Raises
        ------
        ConfigError
            If there is no table of that name.
        """
        if table == "parameters":
            return as_text(diagnosis.parameters(self.world)).lazy()
        if table not in TABLES:
            raise ConfigError(f"no table {table!r}; there are {', '.join(TABLES)}, parameters")
        return scan_frames(partial(self._frames, table))

    def tables(self) -> dict[str, pl.LazyFrame]:
        """All tables by name."""
        return {name: self.scan(name) for name in (*TABLES, "parameters")}

    def _frames(self, table: str, cuts: Sequence[Part] | None) -> Iterator[pl.DataFrame]:
        for solution in self.by_name:
            for frames in scenario_frames(self.world, self.base, solution, [table], cuts):
                yield frames[table]

    def __repr__(self) -> str:
        names = ", ".join(scenario.name for scenario in self.scenarios)
        return f"<Result of {names} in {self.world!r}, model {self.model}>"
