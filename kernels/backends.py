"""Which kernel runs: by name, or chosen, always with a sentence that says why."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache, partial
from importlib.util import find_spec
from pkgutil import iter_modules
from time import perf_counter

from tradewedge.kernels.changes import Changes
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock
from tradewedge.kernels.patience import announced
from tradewedge.kernels.solved import Solved

Solver = Callable[[Market, Shock, Options], KernelSolution]
BatchSolver = Callable[[Market, Sequence[Changes], Options], list[Solved]]


DENSE_TOGETHER = 8
"""Scenarios that are written out at a time for backends that take dense shocks; JAX solves so many
in one block."""


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


_ON_PROCESSOR = (
    "; products with groups of suppliers, under instruments those with a nest or with eta 0 under "
    "a quantity limit, and what steps do not solve, on the processor"
)


def probe() -> dict[Backend, tuple[bool, str]]:
    """Say of every backend but ``auto`` whether it can run here, and a clause on why or what.

    Imports JAX, and CuPy in a process of its own.

    Returns
    -------
    dict
        Backend → (available, clause).
    """
    return {backend: _probe(backend) for backend in Backend if backend is not Backend.AUTO}


def _probe(backend: Backend) -> tuple[bool, str]:
    if backend in _READY:
        return True, _READY[backend]
    if backend is Backend.JAX:
        return _probe_jax()
    return _probe_cupy()


def _probe_cupy() -> tuple[bool, str]:
    from tradewedge.kernels.armington_cupy import probe as probe_gpu

    available, clause = probe_gpu()
    if available:
        clause += _ON_PROCESSOR
    return available, clause


def _probe_jax() -> tuple[bool, str]:
    try:
        from tradewedge.kernels.jax_runtime import mesh, on_gpu

        where = mesh()
    except (ImportError, RuntimeError) as error:
        return False, f"JAX does not start: {error}"
    kind = f"GPU ({where.devices.flat[0].device_kind})" if on_gpu(where) else "CPU"
    count = f"{where.size} {kind} device{'s' if where.size > 1 else ''}"
    return True, f"compiled by XLA for {count}{_ON_PROCESSOR}"


def _gpu_for_jax() -> tuple[bool, str]:
    """Whether JAX sees a GPU; JAX is only imported where it has a plugin for one."""
    plugins = find_spec("jax_plugins")
    places = [] if plugins is None else list(plugins.submodule_search_locations or [])
    if not any(found.name.startswith(("xla_cuda", "xla_rocm")) for found in iter_modules(places)):
        return False, "JAX has no GPU plugin here (pip install 'tradewedge[gpu]' brings one)"
    available, clause = _probe_jax()
    if available and "GPU" not in clause:
        return False, "JAX has a GPU plugin but finds no GPU"
    return available, clause


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
    if name not in list(Backend):
        raise Unavailable(f"backend {name!r} is unknown; use one of {_usable()}")
    backend = Backend(name)
    if backend is Backend.AUTO:
        return _best()
    available, clause = _probe(backend)
    if not available:
        raise Unavailable(f"backend {name!r} cannot run: {clause}; use one of {_usable()}")
    return backend, f"{name} was asked for: {clause}."


def _usable() -> str:
    gpu = [Backend.CUPY] if _probe_cupy()[0] else []
    return ", ".join(str(backend) for backend in (Backend.AUTO, *_READY, Backend.JAX, *gpu))


def _best() -> tuple[Backend, str]:
    """The first that finds a GPU, else the processor; and why."""
    reasons = []
    for backend, look in ((Backend.CUPY, _probe_cupy), (Backend.JAX, _gpu_for_jax)):
        found, clause = look()
        if found:
            return backend, f"auto chose {backend}: {clause}."
        reasons.append(clause)
    return Backend.CPU, f"auto chose cpu: {'; '.join(reasons)}."


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
    if backend is Backend.JAX:
        from tradewedge.kernels.armington_jax import solve as blocks

        return blocks
    if backend is Backend.CUPY:
        from tradewedge.kernels.armington_cupy import solve as fused

        return fused
    raise Unavailable(f"backend {str(backend)!r} has no kernel; see resolve()")


def batch_solver(backend: Backend, clock: Clock | None = None) -> BatchSolver:
    """Return what solves several scenarios of one market at once, with a resolved backend.

    JAX and CuPy get the scenarios ``DENSE_TOGETHER`` at a time, written out for every row.

    Parameters
    ----------
    backend : Backend
    clock : Clock, optional
        Is added to by what copies to a device: JAX and CuPy.

    Raises
    ------
    Unavailable
        For anything that :func:`resolve` does not return.
    """
    if backend is Backend.CPU:
        from tradewedge.kernels.batch_cpu import solve_batch as lanes

        return lanes
    if backend is Backend.JAX:
        from tradewedge.kernels.armington_jax import solve_batch as blocks

        return _written_out(partial(blocks, clock=clock))
    if backend is Backend.CUPY:
        from tradewedge.kernels.armington_cupy import solve_batch as fused

        return _written_out(partial(fused, clock=clock))
    single = solver(backend)
    return _written_out(
        lambda market, shocks, options: [single(market, shock, options) for shock in shocks]
    )


def _written_out(
    solve: Callable[[Market, Sequence[Shock], Options], list[KernelSolution]],
) -> BatchSolver:
    """Give a batch solver for dense shocks some at a time."""

    def solve_batch(market: Market, several: Sequence[Changes], options: Options) -> list[Solved]:
        found: list[Solved] = []
        for start in range(0, len(several), DENSE_TOGETHER):
            some = several[start : start + DENSE_TOGETHER]
            found += map(Solved.of, solve(market, [one.shock(market) for one in some], options))
        return found

    return solve_batch


def written_out(backend: Backend, market: Market) -> float:
    """Bytes that a batch takes where changes are written out for every flow, beside its answers."""
    row = 8 + 1  # log_cost and admitted
    return 0.0 if backend is Backend.CPU else float(row * DENSE_TOGETHER * len(market.share))


def compile_kernels(backend: Backend) -> float:
    """Compile the backend's kernel, or load it from its cache on disk, before it is timed.

    Parameters
    ----------
    backend : Backend
        As :func:`resolve` returns it. JAX compiles for what is solved: the first solve does it, and
        books it in its :class:`.Clock`.

    Returns
    -------
    float
        Seconds this took: next to nothing from the second call in a process on.
    """
    if backend is Backend.CUPY:
        from tradewedge.kernels.armington_cupy import compile_kernel

        start = perf_counter()
        compile_kernel()
        return perf_counter() - start
    if backend is not Backend.CPU:
        return 0.0
    return _first_solve(instruments=False)


def compile_instruments(backend: Backend) -> float:
    """Compile, or load, what products under instruments need beyond :func:`compile_kernels`.

    JAX and CuPy do it in the first solve that has instruments.

    Parameters
    ----------
    backend : Backend

    Returns
    -------
    float
        Seconds this took.
    """
    return _first_solve(instruments=True) if backend is Backend.CPU else 0.0


def compile_batch(backend: Backend, scenarios: int) -> float:
    """Compile, or load, what many scenarios at a time need beyond :func:`compile_kernels`.

    Parameters
    ----------
    backend : Backend
        JAX and CuPy need nothing here: CuPy has one program for any number.
    scenarios : int
        That are solved together: a few need nothing more.

    Returns
    -------
    float
        Seconds this took.
    """
    if backend is not Backend.CPU:
        return 0.0
    from tradewedge.kernels.lanes_cpu import FEWEST

    return 0.0 if scenarios < FEWEST else _first_solve(instruments=False, scenarios=FEWEST)


@cache
def _numba_ready(instruments: bool, scenarios: int) -> None:
    """Solve one small product on the CPU, so that Numba compiles, once in a process."""
    import numpy as np

    from tradewedge.kernels.batch_cpu import solve_batch
    from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

    rng = np.random.default_rng(0)
    market = random_market(rng, 1, Recipe(nested=0))
    shock = random_shock(rng, market)
    given = random_instruments(rng, market, shock) if instruments else shock
    solve_batch(market, [Changes.of(given)] * scenarios, Options())


def _first_solve(instruments: bool, scenarios: int = 1) -> float:
    start = perf_counter()
    with announced():
        _numba_ready(instruments, scenarios)
    return perf_counter() - start


def prepare(backend: Backend, market: Market) -> None:
    """Lay the market out for the backend: what no scenario changes, kept on the market."""
    if backend is Backend.CPU and not market.nested.all():
        market.layout, market.calm  # noqa: B018  cached
