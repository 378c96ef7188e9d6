"""Models: a world and wedges in, a solution out. Chosen by name, never by import path."""

from collections.abc import Callable

from tradewedge.models import armington, gsim
from tradewedge.models.solution import Solution

MODELS: dict[str, Callable[..., Solution]] = {
    "armington": armington.solve,
    "gsim": gsim.solve,
    "smart": gsim.solve_smart,
}

__all__ = ["MODELS", "Solution"]
