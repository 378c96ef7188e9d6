"""The CUDA kernel through CuPy: ``cuda/armington.cu`` on the GPU that CuPy is set to.

The equations are those of :mod:`.equations`; ``kernels/README.md`` tells the algorithm. Importing
this module needs neither CuPy nor a GPU; solving needs both.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.clock import Clock
from tradewedge.kernels.cuda import batch
from tradewedge.kernels.cuda.packing import source
from tradewedge.kernels.market import KernelSolution, Market, Options, Shock

BLOCK = 128
"""Threads per block."""
MEMORY_SHARE = 0.8
"""Part of the free memory of the device that a call may take."""
BLOCKS_PER_PROCESSOR = 16
"""Blocks that are started per multiprocessor: more than can run at once."""
PROBE_SECONDS = 60.0
"""A driver that takes longer to say what devices there are counts as none."""
# On a device without float64 or with a broken driver this fails where importing CuPy does not.
_QUESTION = """
import cupy
cupy.arange(8.0).sum().item()
print(cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode())
"""


@cache
def probe() -> tuple[bool, str]:
    """Say whether CuPy can use a GPU here, and a clause on why not or which.

    Asks in a process of its own: looking for a device can take long, or end the process.
    """
    if find_spec("cupy") is None:
        return False, "CuPy is not installed (pip install 'tradewedge[gpu]' brings it)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", _QUESTION],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"CuPy did not find a GPU within {PROBE_SECONDS:.0f} s"
    if done.returncode == 0:
        return True, f"CUDA kernel on {done.stdout.strip()}"
    last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
    return False, f"CuPy is installed but finds no usable GPU: {last.strip()}"


def solve(market: Market, shock: Shock, options: Options) -> KernelSolution:
    """Solve every product on the GPU; stragglers, and what the kernels do not take, on the host.

    Parameters
    ----------
    market, shock, options : Market, Shock, Options

    Returns
    -------
    KernelSolution
        The kernel never raises for numbers: see its ``status``.
    """
    return solve_batch(market, [shock], options)[0]


def solve_batch(
    market: Market,
    shocks: Sequence[Shock],
    options: Options,
    *,
    block: int = BLOCK,
    memory: int | None = None,
    clock: Clock | None = None,
) -> list[KernelSolution]:
    """Solve several scenarios on the GPU; they share what does not depend on the scenario.

    Parameters
    ----------
    market : Market
    shocks : sequence of Shock
    options : Options
    block : int
        Threads per block, 1 to 1024.
    memory : int, optional
        Bytes of device memory that the call may take. Default: 0.8 of what is free.
    clock : Clock, optional
        Is added to: compile, transfer and solve.

    Returns
    -------
    list of KernelSolution
        In the order given.

    Raises
    ------
    ValueError
        If ``block`` is out of range.
    """
    with Gpu(block, memory, clock) as device:
        return batch.solve_batch(device, market, shocks, options, block)


class Gpu:
    """The GPU that CuPy is set to, with a memory pool of its own.

    Parameters
    ----------
    block : int
        Threads per block that the kernel is compiled for.
    memory : int, optional
        Most bytes of the pool.
    clock : Clock, optional
        Is added to; the host then waits for the device after every step.
    """

    def __init__(
        self, block: int = BLOCK, memory: int | None = None, clock: Clock | None = None
    ) -> None:
        import cupy

        self._cupy = cupy
        self._clock = clock
        device = cupy.cuda.Device()
        free, _ = device.mem_info
        # The pool also holds what is lost to rounding: plan with less than it may take.
        limit = int(MEMORY_SHARE * free) if memory is None else memory
        self.memory = int(0.9 * limit)
        self.blocks = BLOCKS_PER_PROCESSOR * int(device.attributes["MultiProcessorCount"])
        self.shared_limit = int(device.attributes["MaxSharedMemoryPerBlockOptin"])
        self._pool = cupy.cuda.MemoryPool()
        self._pool.set_limit(size=limit)
        with self._timed("compile"):
            self._kernels = _kernels(block, device.id)
        for kernel in self._kernels.values():
            kernel.max_dynamic_shared_size_bytes = self.shared_limit

    def __enter__(self) -> "Gpu":
        return self

    def __exit__(self, *_: object) -> None:
        """Give the memory back, so that other libraries find it."""
        self._pool.free_all_blocks()

    def put(self, array: NDArray[Any]) -> Any:
        """Copy an array to the device."""
        with self._timed("transfer"), self._cupy.cuda.using_allocator(self._pool.malloc):
            return self._cupy.asarray(array)

    def reserve(self, doubles: int) -> Any:
        """Memory for ``doubles`` float64, not filled."""
        with self._cupy.cuda.using_allocator(self._pool.malloc):
            return self._cupy.empty(doubles, np.float64)

    def address(self, buffer: Any) -> int:
        """Where the memory starts."""
        return int(buffer.data.ptr)

    def launch(self, kernel: str, grid: int, block: int, shared: int, given: Sequence[Any]) -> None:
        """Start a kernel on the current stream."""
        with self._timed("solve"):
            self._kernels[kernel]((grid,), (block,), tuple(given), shared_mem=shared)

    def get(self, buffer: Any) -> NDArray[Any]:
        """Copy an array back, once all launches are done."""
        with self._timed("transfer"):
            found: NDArray[Any] = self._cupy.asnumpy(buffer)
        return found

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        """Add what happens inside to the clock, where there is one."""
        if self._clock is None:
            yield
            return
        start = perf_counter()
        yield
        self._cupy.cuda.Device().synchronize()
        setattr(self._clock, what, getattr(self._clock, what) + perf_counter() - start)


@cache
def _kernels(block: int, device: int) -> dict[str, Any]:
    """Compile, or load from CuPy's cache on disk; kernels belong to one device."""
    import cupy

    # A multiple of a warp, so that a few sizes serve all; out of range is said later.
    threads = min(max(32 * -(-block // 32), 32), batch.MOST_THREADS)
    options = ("--std=c++17", f"-DMAX_THREADS={threads}")
    module = cupy.RawModule(code=source(), options=options)
    with cupy.cuda.Device(device):
        return {name: module.get_function(name) for name in batch.KERNELS}


def compile_kernel() -> None:
    """Compile the kernels for the current device, before they are timed."""
    Gpu()
