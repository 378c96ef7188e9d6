"""NVRTC compiles the kernels for every generation of GPUs that CUDA 13 knows; no driver needed."""

import ctypes
import re
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

from tradewedge.kernels.cuda.batch import KERNELS
from tradewedge.kernels.cuda.packing import source

Compile = Callable[..., tuple[bytes, str]]


def library() -> Path | None:
    """Find NVRTC in its wheel."""
    pattern = r"nvrtc64_\d+_\d+\.dll$" if sys.platform == "win32" else r"libnvrtc\.so\.\d+$"
    try:
        held = files("nvidia-cuda-nvrtc") or []
    except PackageNotFoundError:
        return None
    return next((Path(f.locate()) for f in held if re.search(pattern, f.name)), None)


@pytest.fixture(scope="module")
def nvrtc() -> Compile:
    """Compile for one architecture; return the binary and what the assembler said."""
    path = library()
    if path is None:
        pytest.skip("NVRTC is not installed (pip install nvidia-cuda-nvrtc)")
    api = ctypes.CDLL(str(path))

    def text(program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        assert getattr(api, f"nvrtcGet{what}Size")(program, ctypes.byref(size)) == 0
        buffer = ctypes.create_string_buffer(size.value)
        assert getattr(api, f"nvrtcGet{what}")(program, buffer) == 0
        return buffer.raw

    def compile_(architecture: int, *more: str) -> tuple[bytes, str]:
        program = ctypes.c_void_p()
        given = (source().encode(), b"armington.cu", 0, None, None)
        assert api.nvrtcCreateProgram(ctypes.byref(program), *given) == 0
        words = [
            f"--gpu-architecture=sm_{architecture}",
            "--std=c++17",
            "--ptxas-options=-v",
            *more,
        ]
        options = (ctypes.c_char_p * len(words))(*(word.encode() for word in words))
        failed = api.nvrtcCompileProgram(program, len(words), options)
        log = text(program, "ProgramLog").decode().rstrip("\0")
        assert failed == 0, log
        binary = text(program, "CUBIN")
        assert api.nvrtcDestroyProgram(ctypes.byref(program)) == 0
        return binary, log

    return compile_


@pytest.mark.parametrize(
    "architecture",
    [90, *(pytest.param(other, marks=pytest.mark.slow) for other in (75, 80, 86, 89, 100, 120))],
)
@pytest.mark.parametrize("threads", [128, pytest.param(1024, marks=pytest.mark.slow)])
def test_compiles(
    nvrtc: Compile,
    record_property: Callable[[str, object], None],
    architecture: int,
    threads: int,
) -> None:
    binary, log = nvrtc(architecture, f"-DMAX_THREADS={threads}")
    assert binary[:4] == b"\x7fELF"
    assert "warning" not in log
    told = dict(re.findall(r"entry function '(\w+)'.*?\n((?:.*\n)*?.*Used \d+ registers)", log))
    assert sorted(told) == sorted(KERNELS)
    for kernel in KERNELS:
        assert kernel.encode() in binary
        registers = re.search(r"Used (\d+) registers", told[kernel])
        spilled = sum(int(n) for n in re.findall(r"(\d+) bytes spill stores", told[kernel]))
        assert registers, log
        record_property(f"{kernel}: registers", int(registers[1]))
        record_property(f"{kernel}: spilled", spilled)
        # A multiprocessor has 65,536 registers: the largest block must find room.
        assert int(registers[1]) * threads <= 65536
        assert spilled <= 1024
