"""Backends by name."""

import pytest

from tradewedge.kernels import armington_cpu, backends, reference
from tradewedge.kernels.backends import Backend, Unavailable


def test_auto_says_why() -> None:
    backend, reason = backends.resolve("auto")
    assert backend is Backend.CPU
    assert "JAX" in reason
    assert "CuPy" in reason


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_asked_for(name: str) -> None:
    backend, reason = backends.resolve(name)
    assert backend.value == name
    assert name in reason


@pytest.mark.parametrize("name", ["jax", "cupy", "gpu", ""])
def test_unavailable_names_what_is_available(name: str) -> None:
    with pytest.raises(Unavailable, match="use one of auto, cpu, reference"):
        backends.resolve(name)


def test_probe_covers_every_backend() -> None:
    found = backends.probe()
    assert set(found) == set(Backend) - {Backend.AUTO}
    assert {backend for backend, (ready, _) in found.items() if ready} == {"cpu", "reference"}


def test_solver() -> None:
    assert backends.solver(Backend.CPU) is armington_cpu.solve
    assert backends.solver(Backend.REFERENCE) is reference.solve
    with pytest.raises(Unavailable):
        backends.solver(Backend.AUTO)


def test_compiling_is_measured() -> None:
    first, second = (backends.compile_kernels(Backend.CPU) for _ in range(2))
    assert min(first, second) > 0
    assert backends.compile_kernels(Backend.REFERENCE) == 0.0
