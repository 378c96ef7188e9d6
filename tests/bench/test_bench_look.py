"""What is found on a machine, with drivers and libraries that stand in for a GPU's."""

import json
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tradewedge.bench import look, roofline
from tradewedge.kernels import backends
from tradewedge.kernels.backends import Backend


def test_a_line_of_the_driver() -> None:
    found = look.described("NVIDIA H100 80GB HBM3, 81559, 80992, 580.65.06")
    assert found["name"] == "NVIDIA H100 80GB HBM3"
    assert found["memory"] == 81559 * 2**20
    assert found["driver"] == "580.65.06"
    assert look.gpu_memory_free([found]) == 80992 * 2**20


def test_a_driver_that_does_not_know_the_memory() -> None:
    found = look.described("NVIDIA GB10, [N/A], [N/A], 580.1")
    assert found["memory_free"] is None
    assert look.gpu_memory_free([found]) > 0


def test_no_driver_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look.shutil, "which", lambda _: None)
    assert look.gpus() == []


def test_a_driver_that_fails_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(9, "nvidia-smi")

    monkeypatch.setattr(look.shutil, "which", lambda _: "nvidia-smi")
    monkeypatch.setattr(look.subprocess, "run", fail)
    assert look.gpus() == []


@pytest.mark.parametrize("gpu", [True, False])
def test_what_can_run(gpu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    probed = {backend: (True, "here") for backend in Backend if backend is not Backend.AUTO}
    probed[Backend.CUPY] = (gpu, "CUDA kernel on H100" if gpu else "not installed")
    monkeypatch.setattr(backends, "probe", lambda: probed)
    monkeypatch.setattr(look, "_jax_has_gpu", lambda: gpu)
    found = look.available()
    assert {name for name, (ready, _) in found.items() if ready} == (
        set(found) if gpu else {"cpu", "reference", "jax-cpu"}
    )
    assert gpu or "JAX finds no GPU" in found["jax-gpu"][1]


@pytest.mark.parametrize(
    ("ready", "measured"), [((), None), (("cupy", "jax-gpu"), "cupy"), (("jax-gpu",), "jax")]
)
def test_one_library_measures_the_gpu(
    ready: tuple[str, ...], measured: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roofline, "processor_bandwidth", lambda *_: {"memory": 1.0})
    monkeypatch.setattr(roofline, "cupy_bandwidth", lambda _: {"by": "cupy"})
    monkeypatch.setattr(roofline, "jax_bandwidth", lambda _: {"by": "jax"})
    available = {name: (name in ready, "") for name in ("cupy", "jax-gpu")}
    found = look.bandwidths(available, 1e9, [])
    assert found.get("gpu", {}).get("by") == measured


@pytest.fixture
def one_triad(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a triad once instead of timing many."""
    monkeypatch.setattr(roofline, "bandwidth", lambda n, _, run: (run(1), float(n))[1])


@pytest.mark.usefixtures("one_triad")
def test_the_triad_of_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    written, waited = [], []

    def kernel(*code: str) -> Callable[..., None]:
        assert "a = b + s * c" in code

        def run(b: Any, c: Any, s: float, a: Any) -> None:
            a[:] = b + s * c
            written.append(a)

        return run

    device = SimpleNamespace(synchronize=lambda: waited.append(1))
    fake = SimpleNamespace(
        full=np.full, ElementwiseKernel=kernel, cuda=SimpleNamespace(Device=lambda: device)
    )
    monkeypatch.setitem(sys.modules, "cupy", fake)
    found = roofline.cupy_bandwidth(24 * 8 * 1000)
    assert found["memory"] == 1000, "an eighth of what is free"
    assert all((a == 2.0).all() for a in written)
    assert len(waited) == 2


@pytest.mark.usefixtures("one_triad")
def test_the_triad_of_jax() -> None:
    assert roofline.jax_bandwidth(24 * 8 * 1000)["memory"] == 1000


def test_this_machine_as_a_process_tells_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tradewedge.bench.look"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["cores"] >= found["threads"] >= 1 or found["threads"] >= 1
    assert 0 < found["memory_free"] <= found["memory"]
    assert found["bandwidth"]["cpu"]["memory"] > 0
    assert found["versions"]["tradewedge"]
