"""Solve scenarios on a device: pack, launch, copy back, finish on the host what is left.

The device is whatever runs ``armington.cu``: a GPU through CuPy, or the processor in tests.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels import instrumented, newton, reference
from tradewedge.kernels.cuda.packing import Packed, as_stored, pack, words
from tradewedge.kernels.cuda.plan import (
    Part,
    cut_market,
    cut_shock,
    grid_of,
    launches,
    parts,
    rows_of,
)
from tradewedge.kernels.dense import block_of
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock, Status

ACCELERATED_STEPS = 150
"""Sweeps after which a product goes to Newton."""
MOST_THREADS = 1024
_SHOCK = ("log_cost", "admitted", "log_supply", "log_demand")
_OUT = ("log_price", "log_index", "status", "iterations", "residual", "error_bound")

Buffer = Any
"""Memory of a device."""


class Device(Protocol):
    """What runs the kernel.

    Attributes
    ----------
    shared_limit : int
        Bytes of shared memory that one block may have.
    blocks : int
        Blocks that are worth starting at once.
    memory : int
        Bytes that the arrays of a batch may take.
    """

    @property
    def shared_limit(self) -> int: ...
    @property
    def blocks(self) -> int: ...
    @property
    def memory(self) -> int: ...
    def put(self, array: NDArray[Any]) -> Buffer:
        """Copy an array to the device."""

    def reserve(self, doubles: int) -> Buffer:
        """Memory for ``doubles`` float64, not filled."""

    def address(self, buffer: Buffer) -> int:
        """Where the memory starts."""

    def launch(self, grid: int, block: int, shared: int, job: Buffer) -> None:
        """Start the kernel; later calls see what it wrote."""

    def get(self, buffer: Buffer) -> NDArray[Any]:
        """Copy an array back, once all launches are done."""


def solve_batch(
    device: Device, market: Market, shocks: Sequence[Shock], options: Options, block: int = 128
) -> list[KernelSolution]:
    """Solve every product under every shock.

    Products with instruments, and those that the kernel does not finish, are solved on the host.

    Parameters
    ----------
    device : Device
    market : Market
    shocks : sequence of Shock
    options : Options
    block : int
        Threads per block, 1 to 1024. Results do not depend on it.

    Returns
    -------
    list of KernelSolution
        One per shock. The kernel never raises for numbers: see their ``status``.

    Raises
    ------
    ValueError
        If ``block`` is out of range.
    """
    if not 1 <= block <= MOST_THREADS:
        raise ValueError(f"block is a number of threads from 1 to {MOST_THREADS}, not {block!r}")
    plain = [
        instrumented.without(market, shock) if shock.instruments else shock for shock in shocks
    ]
    solutions = [reference.empty_solution(market) for _ in shocks]
    for part in parts(market, len(shocks), device.memory) if shocks and market.sigma.size else ():
        _solve_part(device, market, plain, solutions, part, options, block)
    left_out = np.flatnonzero(reference.has_split_home(market)).tolist()
    for shock, solution in zip(plain, solutions, strict=True):
        for product in left_out:
            reference.solve_product(solution, market, shock, product, options)
        _finish(solution, market, shock, options)
    return [
        solution
        if shock.instruments is None
        else instrumented.solve(lambda *_, found=solution: found, market, shock, options)
        for shock, solution in zip(shocks, solutions, strict=True)
    ]


def _solve_part(
    device: Device,
    market: Market,
    shocks: Sequence[Shock],
    solutions: Sequence[KernelSolution],
    part: Part,
    options: Options,
    block: int,
) -> None:
    """Solve the products of one part under all shocks, a few shocks at a time."""
    some = cut_market(market, part)
    packed = pack(some)
    shared = {name: device.put(array) for name, array in packed.arrays.items()}
    for first in range(0, len(shocks), part.scenarios):
        now = slice(first, first + part.scenarios)
        cut = [cut_shock(market, shock, part) for shock in shocks[now]]
        found = _run(device, some, packed, shared, cut, options, block)
        for place, solution in enumerate(solutions[now]):
            _, exporters, importers = rows_of(market, part)
            for name in _OUT:
                rows = slice(part.start, part.stop)
                rows = {"log_price": exporters, "log_index": importers}.get(name, rows)
                getattr(solution, name)[rows] = found[name][place]


def _run(
    device: Device,
    market: Market,
    packed: Packed,
    shared: dict[str, Buffer],
    shocks: Sequence[Shock],
    options: Options,
    block: int,
) -> dict[str, NDArray[Any]]:
    """Run the kernel on products and shocks that fit; return its output by name [s, rows]."""
    first, _ = newton.split_steps(options.max_steps)
    blank = reference.empty_solution(market)
    counts = {
        "scenarios": len(shocks),
        "all_products": len(market.sigma),
        "flows": len(market.share),
        "exporters": len(market.epsilon),
        "importers": int(market.importer_ptr[-1]),
        "max_steps": min(first, ACCELERATED_STEPS),
    }
    arrays = {name: np.concatenate([getattr(s, name) for s in shocks]) for name in _SHOCK}
    arrays |= {name: np.tile(getattr(blank, name), len(shocks)) for name in _OUT}
    buffers = shared | {name: device.put(as_stored(name, a)) for name, a in arrays.items()}
    for launch in launches(packed, reference.has_split_home(market), device.shared_limit):
        grid = grid_of(launch, len(shocks), device.blocks, device.memory)
        own = {"products": device.put(launch.products)}
        for name in ("weights", "vectors"):
            stride = counts[f"{name}_stride"] = getattr(launch, f"{name}_stride")
            if stride:
                own[name] = device.reserve(grid * stride)
        counts["listed"] = len(launch.products)
        addresses = {name: device.address(buffer) for name, buffer in (buffers | own).items()}
        job = device.put(words(addresses, counts, options.tolerance))
        device.launch(grid, block, launch.shared, job)
    return {name: device.get(buffers[name]).reshape(len(shocks), -1) for name in _OUT}


def _finish(solution: KernelSolution, market: Market, shock: Shock, options: Options) -> None:
    """Hand what is left to Newton, from where acceleration left it."""
    _, most = newton.split_steps(options.max_steps)
    unfinished = solution.status == Status.MAX_STEPS
    for product in (
        np.flatnonzero(unfinished & ~reference.has_split_home(market)).tolist() if most else ()
    ):
        block = block_of(market, shock, product)
        exporters = slice(int(market.exporter_ptr[product]), int(market.exporter_ptr[product + 1]))
        found = newton.newton(block, solution.log_price[exporters], options.tolerance, most)
        steps = int(solution.iterations[product]) + found.steps
        attempt = newton.Attempt(found.log_price, found.residual, steps)
        reference.record(solution, market, product, block, attempt, options.tolerance)
