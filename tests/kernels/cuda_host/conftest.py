"""``armington.cu`` compiled by a C++ compiler and run on the processor, as a device."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import pytest
from numpy.typing import NDArray

from tradewedge.kernels.cuda import packing, treated

HERE = Path(__file__).parent


@dataclass
class Host:
    """Arrays stay where they are, as long as somebody holds them; launches run at once."""

    shared_limit: int = 200 * 1024
    blocks: int = 7
    memory: int = 2**30
    backwards: bool = False
    launches: list[tuple[str, int, int, int]] = field(default_factory=list)
    held: WeakValueDictionary[int, NDArray[Any]] = field(default_factory=WeakValueDictionary)

    def put(self, array: NDArray[Any]) -> NDArray[Any]:
        return self._keep(array.copy())

    def reserve(self, doubles: int) -> NDArray[Any]:
        return self._keep(np.full(doubles, np.nan))

    def _keep(self, array: NDArray[Any]) -> NDArray[Any]:
        self.held[self.address(array)] = array
        return array

    def address(self, buffer: NDArray[Any]) -> int:
        return buffer.ctypes.data

    def get(self, buffer: NDArray[Any]) -> NDArray[Any]:
        return buffer

    def launch(
        self, kernel: str, grid: int, block: int, shared: int, given: Sequence[NDArray[np.uint64]]
    ) -> None:
        self.launches.append((kernel, grid, block, shared))
        self.run(kernel, grid, block, shared, given)

    def run(
        self, kernel: str, grid: int, block: int, shared: int, given: Sequence[NDArray[np.uint64]]
    ) -> None:
        raise NotImplementedError


@dataclass
class Library(Host):
    """In this process."""

    path: Path = Path()

    def run(
        self, kernel: str, grid: int, block: int, shared: int, given: Sequence[NDArray[np.uint64]]
    ) -> None:
        run = getattr(ctypes.CDLL(str(self.path)), f"{kernel}_on_host")
        run.argtypes = [ctypes.c_uint, ctypes.c_uint, ctypes.c_size_t, ctypes.c_int]
        run.argtypes += [ctypes.c_void_p] * len(given)
        run(grid, block, shared, self.backwards, *(words.ctypes.data for words in given))


@dataclass
class Program(Host):
    """In a process of its own, under a checker: whatever that finds fails the test."""

    path: Path = Path()

    def run(
        self, kernel: str, grid: int, block: int, shared: int, given: Sequence[NDArray[np.uint64]]
    ) -> None:
        structs = [self.address(words) for words in given]
        arrays = [a for at, a in self.held.items() if at not in structs and a.size]
        place = {self.address(array): n + 1 for n, array in enumerate(arrays)}
        placed = [words.copy() for words in given]
        for words, names in zip(placed, (packing.POINTERS, treated.POINTERS), strict=False):
            words[: len(names)] = [place.get(int(word), 0) for word in words[: len(names)]]
        head = np.array([grid, block, shared, self.backwards, len(arrays)], np.uint64)
        sizes = [np.uint64(array.nbytes).tobytes() + array.tobytes() for array in arrays]
        tail = [words.tobytes() for words in placed]
        source, taken = self.path.with_suffix(".in"), self.path.with_suffix(".out")
        source.write_bytes(head.tobytes() + b"".join([*sizes, *tail]))
        done = subprocess.run([self.path, kernel, source, taken], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
        content, start = taken.read_bytes(), 0
        for array in arrays:
            found = np.frombuffer(content[start : start + array.nbytes], array.dtype)
            array[...] = found
            start += array.nbytes


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compile one of the files here together with the kernel."""
    compiler = os.environ.get("CXX") or shutil.which("g++")
    if not compiler:
        pytest.skip("no g++: the CUDA kernel cannot be run on the processor")

    def compile_(name: str, *options: str) -> Path:
        made = tmp_path_factory.mktemp("cuda") / Path(name).stem
        with as_file(files("tradewedge.kernels.cuda")) as kernel:
            command = [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-pthread", *options]
            command += [f"-I{HERE}", f"-I{kernel}", str(HERE / name), "-o", str(made)]
            done = subprocess.run(command, capture_output=True, text=True)
        if "cannot find -l" in done.stderr or "unrecognized argument" in done.stderr:
            pytest.skip(f"the compiler lacks what {' '.join(options)} needs")
        assert done.returncode == 0, done.stderr
        return made

    return compile_


@pytest.fixture(scope="session")
def library(build: Callable[..., Path]) -> Path:
    """The kernel by phases, as a shared library."""
    return build("library.cpp", "-O2", "-fPIC", "-shared")


@pytest.fixture
def host(library: Path) -> Callable[..., Host]:
    """Make a device that runs in this process."""

    def make(**options: Any) -> Host:
        return Library(path=library, **options)

    return make


@pytest.fixture
def program(build: Callable[..., Path]) -> Callable[..., Host]:
    """Make a device that runs under a checker, told by compiler options."""

    def make(*options: str, **settings: Any) -> Host:
        return Program(path=build("program.cpp", "-O1", "-g", *options), **settings)

    return make
