"""What machine this is: processor, memory, versions, GPUs, what can run, and bandwidth.

``python -m tradewedge.bench.look`` prints it as JSON. It is run as a process of its own, because
looking for a GPU takes memory there and can end a process.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from tradewedge.bench import roofline
from tradewedge.kernels import backends
from tradewedge.kernels.backends import Backend
from tradewedge.store.manifest import processor

_PACKAGES: Final = (
    "tradewedge",
    "numpy",
    "numba",
    "llvmlite",
    "jax",
    "jaxlib",
    "cupy-cuda13x",
    "pytest-benchmark",
)
_GPU_FIELDS: Final = ("name", "memory.total", "memory.free", "driver_version")


def look() -> dict[str, Any]:
    """Everything about the machine that a report needs.

    Returns
    -------
    dict
        ``processor``, ``cores``, ``threads`` (of the CPU kernel), ``memory`` and ``memory_free``
        (bytes), ``platform``, ``versions``, ``load`` (running processes, mean of a minute),
        ``gpus`` (see :func:`described`), ``device_memory_free`` (bytes of the first GPU),
        ``available`` (target → [can run, clause]), ``bandwidth`` (``cpu`` and ``gpu`` → place →
        bytes per second).
    """
    free = memory_free()
    found: dict[str, Any] = {
        "processor": processor(),
        "cores": cores(),
        "threads": threads(),
        "memory": memory_total(),
        "memory_free": free,
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), **_versions()},
        "load": load(),
        "gpus": gpus(),
        "available": available(),
    }
    found["device_memory_free"] = gpu_memory_free(found["gpus"])
    found["bandwidth"] = bandwidths(found["available"], free, found["gpus"])
    return found


def available() -> dict[str, tuple[bool, str]]:
    """Target → whether it can run here, and a clause."""
    found = backends.probe()
    ready, clause = found[Backend.JAX]
    gpu = ready and _jax_has_gpu()
    lacks = "JAX finds no GPU (pip install 'tradewedge[gpu]' brings what it needs to use one)"
    return {
        "cpu": found[Backend.CPU],
        "reference": found[Backend.REFERENCE],
        "jax-cpu": (ready, clause),
        "jax-gpu": (gpu, clause if gpu or not ready else lacks),
        "cupy": found[Backend.CUPY],
    }


def _jax_has_gpu() -> bool:
    from tradewedge.kernels.jax_runtime import mesh, on_gpu

    return on_gpu(mesh())


def bandwidths(
    ready: dict[str, tuple[bool, str]], free: float, found: list[dict[str, Any]]
) -> dict[str, dict[str, float]]:
    """``cpu`` and, where there is one, ``gpu`` → bandwidth in bytes per second by place."""
    measured = {"cpu": roofline.processor_bandwidth(free, threads())}
    of_gpu: dict[str, Callable[[float], dict[str, float]]] = {
        "cupy": roofline.cupy_bandwidth,
        "jax-gpu": roofline.jax_bandwidth,
    }
    for target, measure in of_gpu.items():
        if ready[target][0] and "gpu" not in measured:
            measured["gpu"] = measure(gpu_memory_free(found))
    return measured


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads() -> int:
    """Threads that the CPU kernel uses."""
    import numba

    return int(numba.get_num_threads())


def load() -> float | None:
    """Processes that ran or waited to, on average over the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def memory_total() -> float:
    """Bytes of the machine, or what a container grants."""
    return min(_meminfo("MemTotal", "SC_PHYS_PAGES"), _granted(taken=False))


def memory_free() -> float:
    """Bytes that can be taken without swapping."""
    return min(_meminfo("MemAvailable", "SC_AVPHYS_PAGES"), _granted(taken=True))


def _meminfo(field: str, name: str) -> float:
    place = Path("/proc/meminfo")
    if place.exists():
        for line in place.read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{field}:"):
                return 1024.0 * float(line.split()[1])
    try:
        return float(os.sysconf(name) * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return 4e9  # unknown: nothing large


def _granted(*, taken: bool) -> float:
    """What the control group grants, less what is taken if asked; version 2, then 1."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        root = Path("/sys/fs/cgroup")
        try:
            return float((root / limit).read_text()) - taken * float((root / used).read_text())
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
    return float("inf")


def gpus() -> list[dict[str, Any]]:
    """NVIDIA's GPUs as their driver tells them."""
    if shutil.which("nvidia-smi") is None:
        return []
    query = f"--query-gpu={','.join(_GPU_FIELDS)}"
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [described(line) for line in done.stdout.splitlines() if line.count(",") == 3]


def gpu_memory_free(found: list[dict[str, Any]]) -> float:
    """Bytes that are free on the first GPU; a modest guess where the driver does not say."""
    return (found[0]["memory_free"] if found else None) or 8e9


def described(line: str) -> dict[str, Any]:
    """One line of ``nvidia-smi``; bytes of memory are None where it has no number."""
    name, total, free, driver = (word.strip() for word in line.split(","))
    return {
        "name": name,
        "memory": _mebibytes(total),
        "memory_free": _mebibytes(free),
        "driver": driver,
    }


def _mebibytes(text: str) -> float | None:
    try:
        return 2.0**20 * float(text)
    except ValueError:
        return None


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    # Libraries may print on import: what counts is the last line.
    sys.stdout.write("\n" + json.dumps(look()) + "\n")
