"""Which kernel runs: by name, or chosen, always with a sentence that says why."""

from collections.abc import Callable
from enum import StrEnum
from time import perf_counter

from tradewedge.kernels.market import KernelSolution, Market, Options, Shock

Solver = Callable[[Market, Shock, Options], KernelSolution]


class Backend(StrEnum):
    """Names a user may ask for."""

    AUTO = "auto"
    CPU = "cpu"
    REFERENCE = "reference"
    JAX = "jax"
    CUPY = "cupy"


class Unavailable(Exception):
    """The backend does not exist or cannot run here; the message says why and what can."""


_READY = {
    Backend.CPU: "compiled by Numba for the processor, all cores",
    Backend.REFERENCE: "plain NumPy, one product after another; slow, for checks",
}
_MISSING = {Backend.JAX: "JAX", Backend.CUPY: "CuPy"}


def probe() -> dict[Backend, tuple[bool, str]]:
    """Say of every backend but ``auto`` whether it can run here, and a clause on why or what.

    Returns
    -------
    dict
        Backend → (available, clause).
    """
    ready = {backend: (True, text) for backend, text in _READY.items()}
    return ready | {
        backend: (False, f"there is no {name} kernel in this version")
        for backend, name in _MISSING.items()
    }


def resolve(name: str) -> tuple[Backend, str]:
    """Choose the backend that will run.

    Parameters
    ----------
    name : str
        A :class:`Backend` value.

    Returns
    -------
    (Backend, str)
        Never ``auto``; and a sentence on why this one.

    Raises
    ------
    Unavailable
        If the name is unknown or what it names cannot run here.
    """
    usable = ", ".join(str(backend) for backend in (Backend.AUTO, *_READY))
    if name not in list(Backend):
        raise Unavailable(f"backend {name!r} is unknown; use one of {usable}")
    backend = Backend(name)
    if backend is Backend.AUTO:
        missing = " or ".join(_MISSING.values())
        return Backend.CPU, f"auto chose cpu: this version has no {missing} kernel."
    available, clause = probe()[backend]
    if not available:
        raise Unavailable(f"backend {name!r} cannot run: {clause}; use one of {usable}")
    return backend, f"{name} was asked for: {clause}."


def solver(backend: Backend) -> Solver:
    """Import the kernel of a resolved backend and return its ``solve``.

    Raises
    ------
    Unavailable
        For anything that :func:`resolve` does not return.
    """
    if backend is Backend.CPU:
        from tradewedge.kernels.armington_cpu import solve

        return solve
    if backend is Backend.REFERENCE:
        from tradewedge.kernels.reference import solve as plain

        return plain
    raise Unavailable(f"backend {str(backend)!r} has no kernel; see resolve()")


def compile_kernels(backend: Backend) -> float:
    """Compile the backend's kernel, or load it from its cache on disk, before it is timed.

    Returns
    -------
    float
        Seconds this took: next to nothing from the second call in a process on.
    """
    if backend is not Backend.CPU:
        return 0.0
    import numpy as np

    from tradewedge.kernels.armington_cpu import solve
    from tradewedge.kernels.sample import random_market, random_shock

    rng = np.random.default_rng(0)
    market = random_market(rng, 1)
    shock = random_shock(rng, market)
    start = perf_counter()
    solve(market, shock, Options())
    return perf_counter() - start
