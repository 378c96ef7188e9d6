"""What a batch returns for one scenario: its own rows, the others shared."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.columns import Column
from tradewedge.kernels.market import Floats, Ints, KernelSolution
from tradewedge.kernels.part import Part


@dataclass(frozen=True, eq=False)
class Solved:
    """A :class:`.market.KernelSolution` that shares what no change has with other scenarios.

    Attributes
    ----------
    price, index : Column
        ``log_price`` [X] and ``log_index`` [M].
    status, iterations, residual, error_bound, log_shadow
        As there.
    """

    price: Column
    index: Column
    status: NDArray[np.int8]
    iterations: Ints
    residual: Floats
    error_bound: Floats
    log_shadow: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, found: KernelSolution) -> "Solved":
        """What a kernel has returned that shares nothing."""
        return cls(
            price=Column.of(found.log_price),
            index=Column.of(found.log_index),
            status=found.status,
            iterations=found.iterations,
            residual=found.residual,
            error_bound=found.error_bound,
            log_shadow=found.log_shadow,
        )

    def part(self, part: Part) -> "Solved":
        """Of a range of products; ``log_shadow`` whole."""
        return Solved(
            price=self.price.part(part.exporters),
            index=self.index.part(part.importers),
            status=self.status[part.products],
            iterations=self.iterations[part.products],
            residual=self.residual[part.products],
            error_bound=self.error_bound[part.products],
            log_shadow=self.log_shadow,
        )

    @property
    def log_price(self) -> Floats:
        """Log of the producer price, new over base, [X]."""
        return self.price.full

    @property
    def log_index(self) -> Floats:
        """Log of the importer's price index, new over base, [M]."""
        return self.index.full

    @property
    def whole(self) -> KernelSolution:
        """Written out for every row."""
        return KernelSolution(
            log_price=self.log_price,
            log_index=self.log_index,
            status=self.status,
            iterations=self.iterations,
            residual=self.residual,
            error_bound=self.error_bound,
            log_shadow=self.log_shadow,
        )
