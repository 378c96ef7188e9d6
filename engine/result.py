"""The answer: every outcome table of one or more scenarios, lazily."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from tradewedge.models import Solution
from tradewedge.outcomes import diagnosis, levels, limits, money, trade
from tradewedge.outcomes.levels import Levels
from tradewedge.policy import Scenario, Wedges
from tradewedge.world import World


@dataclass(frozen=True, eq=False)
class Result:
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
        Seconds: ``prepare`` (layout of the world), ``compile``, ``solve``.
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
    def reference(self) -> Scenario | None:
        """The scenario that ratios refer to; None for the data year."""
        return self.base.wedges.scenario if isinstance(self.base, Solution) else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What this world cannot answer."""
        return diagnosis.blind_spots(self.world)

    def flows(self) -> pl.LazyFrame:
        """Value, quantity, price and duty of every baseline flow."""
        return self._pairs(trade.flows)

    def exporters(self) -> pl.LazyFrame:
        """Producer price, output and surplus by exporter and product."""
        return self._pairs(trade.exporters)

    def importers(self) -> pl.LazyFrame:
        """Price index, spending and surplus by importer and product."""
        return self._pairs(trade.importers)

    def diversion(self) -> pl.LazyFrame:
        """Trade creation and diversion of every flow."""
        return self._pairs(trade.diversion)

    def transfers(self) -> pl.LazyFrame:
        """Duties and export taxes by payer, receiver and authority."""
        return self._pairs(money.transfers)

    def welfare(self) -> pl.LazyFrame:
        """Surplus, revenue and their sum by country and product."""
        return self._pairs(money.welfare)

    def limits(self) -> pl.LazyFrame:
        """Quantity limits and shadow prices."""
        return self._each(
            lambda solution: limits.limits(self.world, levels.from_solution(self.world, solution))
        )

    def parameters(self) -> pl.LazyFrame:
        """Elasticities in use, by product and exporter; the same in every scenario."""
        return diagnosis.parameters(self.world).lazy()

    def status(self) -> pl.LazyFrame:
        """How the solver ended on every product."""
        return self._each(lambda solution: diagnosis.status(self.world, solution))

    def tables(self) -> dict[str, pl.LazyFrame]:
        """All tables by name."""
        names = ["flows", "exporters", "importers", "diversion", "transfers", "welfare"]
        names += ["limits", "parameters", "status"]
        return {name: getattr(self, name)() for name in names}

    @cached_property
    def _base_levels(self) -> Levels:
        if isinstance(self.base, Solution):
            return levels.from_solution(self.world, self.base)
        return levels.baseline(self.world, self.base)

    def _pairs(self, table: Callable[[World, Levels, Levels], pl.DataFrame]) -> pl.LazyFrame:
        return self._each(
            lambda solution: table(
                self.world, self._base_levels, levels.from_solution(self.world, solution)
            )
        )

    def _each(self, table: Callable[[Solution], pl.DataFrame]) -> pl.LazyFrame:
        """One table per scenario, scenarios in order of their names; invented ones say so."""
        against = self.reference is not None and self.reference.hypothetical
        ordered = sorted(self.solutions, key=lambda solution: solution.wedges.scenario.name)
        return pl.concat(
            table(solution)
            .lazy()
            .select(
                pl.lit(solution.wedges.scenario.name).alias("scenario"),
                pl.all(),
                pl.lit(against or solution.wedges.scenario.hypothetical).alias("hypothetical"),
            )
            for solution in ordered
        )

    def __repr__(self) -> str:
        names = ", ".join(scenario.name for scenario in self.scenarios)
        return f"<Result of {names} in {self.world!r}, model {self.model}>"
