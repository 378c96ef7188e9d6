"""What a back-test does beside what its experiment says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tradewedge.backtest.comparison import Cut
from tradewedge.errors import ConfigError
from tradewedge.models import MODELS

Notify = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Plan:
    """What a back-test does beside what the experiment says.

    Attributes
    ----------
    models : tuple of str
    elasticities : str or None
        The set that holds product-level sigmas; None: what a world holds (embedded: "central").
    cut : Cut
        What is too small to be scored, and how the rest is weighted.
    draws, seed : int
        Of bootstrap and permutations.
    train : bool
        Choose a mixture of sigmas on the training pairs.
    """

    models: tuple[str, ...] = tuple(MODELS)
    elasticities: str | None = None
    cut: Cut = field(default_factory=Cut)
    draws: int = 500
    seed: int = 0
    train: bool = True

    def __post_init__(self) -> None:
        unknown = [model for model in self.models if model not in MODELS]
        if unknown or not self.models:
            raise ConfigError(
                f"models: {', '.join(unknown) or 'none'}; there are {', '.join(MODELS)}"
            )
        if self.draws < 1:
            raise ConfigError(f"draws must be 1 or more, not {self.draws}")

    def record(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            "models": list(self.models),
            "elasticities": self.elasticities,
            "least_value": self.cut.least_value,
            "least_share": self.cut.least_share,
            "weights": self.cut.weights,
            "draws": self.draws,
            "seed": self.seed,
            "train": self.train,
        }
