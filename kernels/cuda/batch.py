"""Solve scenarios on a device: pack, launch, copy back, finish on the host what is left.

The device is whatever runs ``armington.cu``: a GPU through CuPy, or the processor in tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels import armington_cpu, instrumented, newton, reference
from tradewedge.kernels.cuda import packing, treated
from tradewedge.kernels.cuda.packing import Packed, as_stored, pack, words
from tradewedge.kernels.cuda.plan import (
    Launch,
    Part,
    cut_market,
    cut_shock,
    grid_of,
    launches,
    parts,
    rows_of,
    runs,
)
from tradewedge.kernels.cuda.taken import needed
from tradewedge.kernels.cuda.treated import Treated
from tradewedge.kernels.instruments import effectively_admitted
from tradewedge.kernels.layout import touched_products
from tradewedge.kernels.market import Bools, KernelSolution, Market, Options, Shock

MOST_THREADS = 1024
KERNELS = ("armington", "armington_treated")
"""In the source: for every product, and then for those under instruments."""
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

    def launch(
        self, kernel: str, grid: int, block: int, shared: int, given: Sequence[Buffer]
    ) -> None:
        """Start a kernel of the source; later calls see what it wrote."""

    def get(self, buffer: Buffer) -> NDArray[Any]:
        """Copy an array back, once all launches are done."""


def solve_batch(
    device: Device, market: Market, shocks: Sequence[Shock], options: Options, block: int = 128
) -> list[KernelSolution]:
    """Solve every product under every shock.

    Products that the kernels do not take or do not finish are solved on the host.

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
    shocks = [replace(shock, admitted=effectively_admitted(market, shock)) for shock in shocks]
    solutions = [_blank(market, shock) for shock in shocks]
    left = np.ones((len(shocks), len(market.sigma)), np.bool_)
    under = [(shock, shock.instruments) for shock in shocks if shock.instruments is not None]
    more = [needed(market, shock, given) for shock, given in under]
    most = np.max([np.zeros(len(market.sigma), np.int64), *more], axis=0)
    cut = parts(market, len(shocks), device.memory, most) if shocks and market.sigma.size else ()
    for part in cut:
        _solve_part(device, market, shocks, solutions, left, part, options, block)
    for shock, solution, mine in zip(shocks, solutions, left, strict=True):
        plain = replace(shock, instruments=None)
        for part in runs(_left_out(market)):
            _on_the_processor(solution, market, plain, part, options)
        reference.finish(solution, market, plain, ~_left_out(market), options)
        touched = touched_products(market, shock)
        instrumented.finish(solution, market, shock, touched[mine[touched]], options)
    return solutions


def _left_out(market: Market) -> Bools:
    """Products [K] with a nest that the kernel does not have."""
    return reference.has_split_home(market) | ~np.isnan(market.sigma_groups)


def _blank(market: Market, shock: Shock) -> KernelSolution:
    blank = reference.empty_solution(market)
    if shock.instruments is None:
        return blank
    return replace(blank, log_shadow=np.zeros(len(shock.instruments.group_limit)))


def _solve_part(
    device: Device,
    market: Market,
    shocks: Sequence[Shock],
    solutions: Sequence[KernelSolution],
    left: Bools,
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
        under = treated.pack(some, packed, cut)
        found = _run(device, some, packed, under, shared, cut, options, block)
        for place, solution in enumerate(solutions[now]):
            _write(solution, market, part, {name: found[name][place] for name in _OUT})
        if under is None:
            continue
        left[first + under.scenario, part.start + under.product] = found["left"] != 0
        for place, solution in enumerate(solutions[now]):
            mine = under.group_scenario == place
            solution.log_shadow[under.group[mine]] = found["log_shadow"][mine]


def _run(
    device: Device,
    market: Market,
    packed: Packed,
    under: Treated | None,
    shared: dict[str, Buffer],
    shocks: Sequence[Shock],
    options: Options,
    block: int,
) -> dict[str, NDArray[Any]]:
    """Run the kernels on products and shocks that fit; return their output by name.

    What :func:`solve_batch` returns is [s, rows]; ``left`` is by item and ``log_shadow`` by group.
    """
    blank = reference.empty_solution(market)
    numbers: dict[str, float] = {
        "all_products": len(market.sigma),
        "flows": len(market.share),
        "exporters": len(market.epsilon),
        "importers": int(market.importer_ptr[-1]),
        "max_steps": newton.accelerated_steps(options.max_steps),
        "tolerance": float(options.tolerance),
    }
    arrays = {name: np.concatenate([getattr(s, name) for s in shocks]) for name in _SHOCK}
    arrays |= {name: np.tile(getattr(blank, name), len(shocks)) for name in _OUT}
    buffers = shared | {name: device.put(as_stored(name, a)) for name, a in arrays.items()}
    left_out = _left_out(market) | (packed.weights == 0)
    for launch in launches(packed.doubles, packed.weights, left_out, device.shared_limit):
        grid = grid_of(launch, len(shocks), device.blocks, device.memory)
        counts = numbers | {"listed": len(launch.listed), "scenarios": len(shocks)}
        own = buffers | {"products": device.put(launch.listed)} | _slots(device, launch, grid)
        job = _job(device, own, counts, launch)
        device.launch("armington", grid, block, launch.shared, [job])
    out = {}
    if under is not None:
        out = _start_treated(device, under, buffers, numbers, block)
    found = {name: device.get(buffers[name]).reshape(len(shocks), -1) for name in _OUT}
    return found | {name: device.get(buffer) for name, buffer in out.items()}


def _slots(device: Device, launch: Launch, grid: int) -> dict[str, Buffer]:
    """Working memory for every block of a launch; to be held until it has started."""
    strides = {"weights": launch.weights_stride, "vectors": launch.vectors_stride}
    return {name: device.reserve(grid * size) for name, size in strides.items() if size}


def _job(
    device: Device, buffers: Mapping[str, Buffer], numbers: Mapping[str, float], launch: Launch
) -> Buffer:
    """Put ``struct Job`` on the device."""
    strides = {
        "weights_stride": launch.weights_stride,
        "vectors_stride": launch.vectors_stride,
    }
    addresses = {name: device.address(buffer) for name, buffer in buffers.items()}
    return device.put(words(packing.POINTERS, addresses, packing.COUNTS, {**numbers, **strides}))


def _start_treated(
    device: Device,
    under: Treated,
    buffers: dict[str, Buffer],
    numbers: dict[str, float],
    block: int,
) -> dict[str, Buffer]:
    """Start the kernel for products under instruments; return what it writes of its own."""
    given = {name: device.put(array) for name, array in under.arrays.items()}
    none_left_out = np.zeros(len(under.product), np.bool_)
    for launch in launches(under.doubles, under.weights, none_left_out, device.shared_limit):
        grid = grid_of(launch, 1, device.blocks, device.memory)
        slots = _slots(device, launch, grid)
        job = _job(device, buffers | slots, numbers | {"listed": 0, "scenarios": 0}, launch)
        own = given | {"items": device.put(launch.listed)}
        addresses = {name: device.address(buffer) for name, buffer in own.items()}
        listed = {"listed": len(launch.listed)}
        items = device.put(words(treated.POINTERS, addresses, treated.COUNTS, listed))
        device.launch("armington_treated", grid, block, launch.shared, [job, items])
    return {name: given[name] for name in ("left", "log_shadow")}


def _write(
    solution: KernelSolution, market: Market, part: Part, found: Mapping[str, NDArray[Any]]
) -> None:
    """Write what came out of one part, by name, into the solution."""
    _, exporters, importers = rows_of(market, part)
    rows = {name: slice(part.start, part.stop) for name in _OUT}
    rows |= {"log_price": exporters, "log_index": importers}
    for name in _OUT:
        getattr(solution, name)[rows[name]] = found[name]


def _on_the_processor(
    solution: KernelSolution, market: Market, shock: Shock, part: Part, options: Options
) -> None:
    """Solve the products of one part by the kernel for the processor."""
    found = armington_cpu.solve(cut_market(market, part), cut_shock(market, shock, part), options)
    _write(solution, market, part, {name: getattr(found, name) for name in _OUT})
