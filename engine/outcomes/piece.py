"""What the outcome tables of one scenario, for some products, are computed from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.models import Solution
from tradewedge.outcomes import keys, levels
from tradewedge.outcomes.levels import Levels
from tradewedge.outcomes.surplus import consumer_surplus, producer_surplus
from tradewedge.policy import Wedges
from tradewedge.world import World

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Piece:
    """One scenario's solution of some products, with what it is compared to.

    Attributes
    ----------
    world : World
    against : Wedges or Solution
        What ``_base`` and ``_hat`` refer to: the data year, or a reference scenario's solution.
    solution : Solution
    """

    world: World
    against: Wedges | Solution
    solution: Solution

    @cached_property
    def base(self) -> Levels:
        """What it is compared to."""
        if isinstance(self.against, Solution):
            return levels.from_solution(self.world, self.against)
        return levels.baseline(self.world, self.against)

    @cached_property
    def new(self) -> Levels:
        """Under the scenario."""
        return levels.from_solution(self.world, self.solution)

    @cached_property
    def consumer_surplus(self) -> Floats:
        """Change by importer row, thousand USD, [M]."""
        return consumer_surplus(self.world, self.new) - consumer_surplus(self.world, self.base)

    @cached_property
    def producer_surplus(self) -> Floats:
        """Change by exporter row, thousand USD, [X]."""
        return producer_surplus(self.world, self.new) - producer_surplus(self.world, self.base)

    @cached_property
    def flow_keys(self) -> dict[str, pl.Series]:
        """product, exporter and importer of every flow row."""
        return keys.flow_keys(self.world)
