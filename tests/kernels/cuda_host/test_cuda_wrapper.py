"""The CuPy wrapper, with a stand-in for CuPy that runs the kernel on the processor.

It shows that the wrapper's calls fit together, not that CuPy takes them: that is for the tests
marked ``gpu``.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tradewedge.kernels import armington_cpu, armington_cupy
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.market import Options
from tradewedge.kernels.sample import random_instruments, random_market, random_shock


class Array(SimpleNamespace):
    """An array on the device."""

    @property
    def data(self) -> Any:
        return SimpleNamespace(ptr=self.array.ctypes.data)


class Pool:
    """A memory pool that notes what it is told."""

    made: list["Pool"]

    def __init__(self) -> None:
        self.limit, self.freed = 0, False
        Pool.made.append(self)

    def set_limit(self, size: int) -> None:
        self.limit = size

    def malloc(self, size: int) -> None:
        raise NotImplementedError

    def free_all_blocks(self) -> None:
        self.freed = True


class Device:
    """The one device that is there."""

    id = 0
    mem_info = (2**30, 2**31)
    attributes = {"MultiProcessorCount": 2, "MaxSharedMemoryPerBlockOptin": 99 * 1024}  # noqa: RUF012

    def __init__(self, number: int = 0) -> None:
        assert number == 0

    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
    def synchronize(self) -> None: ...


@pytest.fixture
def stand_in(host: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Put the stand-in where CuPy would be; return the kernels that are compiled."""
    device = host()
    compiled = []

    class Kernel:
        max_dynamic_shared_size_bytes = 48 * 1024

        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, grid: Any, block: Any, given: Any, shared_mem: int) -> None:
            assert shared_mem <= self.max_dynamic_shared_size_bytes
            structs = [struct.array for struct in given]
            device.launch(self.name, grid[0], block[0], shared_mem, structs)

    def raw_module(code: str, options: tuple[str, ...]) -> Any:
        assert "armington" in code
        compiled.append(options)
        return SimpleNamespace(get_function=Kernel)

    fake = SimpleNamespace(
        cuda=SimpleNamespace(
            Device=Device, MemoryPool=Pool, using_allocator=lambda _: nullcontext()
        ),
        RawModule=raw_module,
        asarray=lambda array: Array(array=array.copy()),
        empty=lambda n, dtype: Array(array=np.full(n, np.nan, dtype)),
        asnumpy=lambda buffer: buffer.array,
    )
    Pool.made = []
    monkeypatch.setitem(sys.modules, "cupy", fake)
    armington_cupy._kernels.cache_clear()
    yield compiled
    armington_cupy._kernels.cache_clear()


def test_wrapper_solves(stand_in: list[Any]) -> None:
    rng = np.random.default_rng(0)
    market = random_market(rng, 30)
    shock = random_shock(rng, market)
    options = Options(tolerance=1e-12)
    wanted = armington_cpu.solve(market, shock, options)
    for found in (
        armington_cupy.solve(market, shock, options),
        *armington_cupy.solve_batch(market, [shock, shock], options, block=100, memory=10**7),
    ):
        assert found.status.tolist() == wanted.status.tolist()
        np.testing.assert_allclose(found.log_price, wanted.log_price, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.log_index, wanted.log_index, rtol=1e-9, atol=1e-9)
    assert [options[1] for options in stand_in] == ["-DMAX_THREADS=128"] * 2
    assert [pool.limit for pool in Pool.made] == [int(0.8 * 2**30), 10**7]
    assert all(pool.freed for pool in Pool.made)


@pytest.mark.usefixtures("stand_in")
def test_wrapper_solves_under_instruments() -> None:
    rng = np.random.default_rng(1)
    market = random_market(rng, 10)
    shock = random_instruments(rng, market, random_shock(rng, market), contracts=False)
    found = armington_cupy.solve(market, shock, Options(tolerance=1e-12))
    wanted = armington_cpu.solve(market, shock, Options(tolerance=1e-12))
    assert found.status.tolist() == wanted.status.tolist()
    np.testing.assert_allclose(found.log_price, wanted.log_price, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.log_shadow, wanted.log_shadow, rtol=1e-9, atol=1e-9)


def test_compiling_ahead(stand_in: list[Any]) -> None:
    armington_cupy.compile_kernel()
    assert len(stand_in) == 1
    armington_cupy.compile_kernel()
    assert len(stand_in) == 1


@pytest.mark.usefixtures("stand_in")
def test_a_clock_tells_compiling_copies_and_solving_apart() -> None:
    rng = np.random.default_rng(2)
    market = random_market(rng, 20)
    shock = random_shock(rng, market)
    clock = Clock()
    armington_cupy.solve_batch(market, [shock], Options(), clock=clock)
    assert clock.compile > 0
    assert clock.transfer > 0
    assert clock.solve > 0
