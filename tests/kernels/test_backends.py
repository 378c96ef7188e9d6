"""Backends by name."""

import numpy as np
import pytest

from tradewedge.kernels import (
    armington_cpu,
    armington_cupy,
    armington_jax,
    backends,
    jax_loop,
    reference,
)
from tradewedge.kernels.backends import Backend, Unavailable
from tradewedge.kernels.clock import Clock
from tradewedge.kernels.dense import neutral
from tradewedge.kernels.market import Options
from tradewedge.kernels.sample import random_market


def test_auto_says_why() -> None:
    backend, reason = backends.resolve("auto")
    assert backend in (Backend.CPU, Backend.JAX, Backend.CUPY)
    assert "JAX" in reason or "XLA" in reason or backend is Backend.CUPY
    assert "CuPy" in reason or backend is not Backend.CPU


def test_auto_takes_a_gpu_that_cupy_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_probe_cupy", lambda: (True, "CUDA kernel on a GPU"))
    assert backends.resolve("auto") == (Backend.CUPY, "auto chose cupy: CUDA kernel on a GPU.")
    assert backends.resolve("cupy") == (Backend.CUPY, "cupy was asked for: CUDA kernel on a GPU.")
    with pytest.raises(Unavailable, match="reference, jax, cupy"):
        backends.resolve("gpu")


def test_auto_takes_a_gpu_that_jax_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_probe_cupy", lambda: (False, "CuPy finds no GPU"))
    monkeypatch.setattr(backends, "_gpu_for_jax", lambda: (True, "compiled by XLA for 1 GPU"))
    assert backends.resolve("auto") == (Backend.JAX, "auto chose jax: compiled by XLA for 1 GPU.")


@pytest.mark.parametrize("name", ["cpu", "reference", "jax"])
def test_asked_for(name: str) -> None:
    backend, reason = backends.resolve(name)
    assert backend.value == name
    assert name in reason


@pytest.mark.parametrize("name", ["cupy", "gpu", ""])
def test_unavailable_names_what_is_available(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_probe_cupy", lambda: (False, "CuPy finds no GPU"))
    with pytest.raises(Unavailable, match="use one of auto, cpu, reference"):
        backends.resolve(name)


def test_probe_covers_every_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_probe_cupy", lambda: (False, "CuPy finds no GPU"))
    found = backends.probe()
    assert set(found) == set(Backend) - {Backend.AUTO}
    assert {backend for backend, (ready, _) in found.items() if ready} == {
        "cpu",
        "reference",
        "jax",
    }


def test_solver() -> None:
    assert backends.solver(Backend.CPU) is armington_cpu.solve
    assert backends.solver(Backend.REFERENCE) is reference.solve
    assert backends.solver(Backend.JAX) is armington_jax.solve
    assert backends.solver(Backend.CUPY) is armington_cupy.solve
    with pytest.raises(Unavailable):
        backends.solver(Backend.AUTO)


def test_compiling_is_measured() -> None:
    first, second = (backends.compile_kernels(Backend.CPU) for _ in range(2))
    assert min(first, second) > 0
    assert backends.compile_kernels(Backend.REFERENCE) == 0.0


def test_jax_compiles_what_is_solved_and_books_it() -> None:
    market = random_market(np.random.default_rng(0), 60)
    jax_loop.program.cache_clear()
    assert backends.compile_kernels(Backend.JAX) == 0.0
    assert jax_loop.program.cache_info().misses == 0
    clock = Clock()
    armington_jax.solve(market, neutral(market), Options(), clock=clock)
    assert clock.compile > 0
    assert clock.solve > 0
