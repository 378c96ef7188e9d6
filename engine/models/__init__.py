"""Models: a world and wedges in, solutions out. Chosen by name, never by import path."""

from collections.abc import Callable
from dataclasses import dataclass

from tradewedge.models import armington, gsim
from tradewedge.models.solution import Solution


@dataclass(frozen=True)
class Model:
    """One way to solve a world.

    Attributes
    ----------
    solve : callable
        (world, wedges, options, backend, ``**extra``) → :class:`Solution`.
    solve_batch : callable
        (world, sequence of wedges, options, backend, ``**extra``) → list of :class:`Solution`, in
        order: the same scenarios together, which share what they can.
    """

    solve: Callable[..., Solution]
    solve_batch: Callable[..., list[Solution]]


MODELS: dict[str, Model] = {
    "armington": Model(armington.solve, armington.solve_batch),
    "gsim": Model(gsim.solve, gsim.solve_batch),
    "smart": Model(gsim.solve_smart, gsim.solve_smart_batch),
}

__all__ = ["MODELS", "Model", "Solution"]
