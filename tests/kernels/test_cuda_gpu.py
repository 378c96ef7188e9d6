"""The CuPy kernel: what it says without a GPU, and the kernel itself where there is one."""

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from tradewedge.kernels import armington_cpu, armington_cupy
from tradewedge.kernels.market import KernelSolution, Options, Status
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

TIGHT = Options(tolerance=1e-12, max_steps=400)


@pytest.fixture
def fresh_probe() -> Iterator[None]:
    armington_cupy.probe.cache_clear()
    yield
    armington_cupy.probe.cache_clear()


@pytest.fixture
def gpu() -> None:
    usable, why = armington_cupy.probe()
    if not usable:
        pytest.skip(why)


def test_importing_loads_no_cupy() -> None:
    ask = "import sys, tradewedge.kernels.armington_cupy; print('cupy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.usefixtures("fresh_probe")
def test_probe_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(armington_cupy, "find_spec", lambda _: None)
    usable, why = armington_cupy.probe()
    assert not usable
    assert "tradewedge[gpu]" in why


@pytest.mark.usefixtures("fresh_probe")
@pytest.mark.parametrize(
    ("question", "usable", "says"),
    [
        ("print('Some GPU')", True, "Some GPU"),
        ("raise RuntimeError('no driver')", False, "no driver"),
        ("import os; os._exit(3)", False, "without a word"),
        ("import time; time.sleep(60)", False, "within 1 s"),
    ],
)
def test_probe_survives_what_a_driver_may_do(
    monkeypatch: pytest.MonkeyPatch, question: str, usable: bool, says: str
) -> None:
    monkeypatch.setattr(armington_cupy, "find_spec", lambda _: object())
    monkeypatch.setattr(armington_cupy, "_QUESTION", question)
    if "sleep" in question:
        monkeypatch.setattr(armington_cupy, "PROBE_SECONDS", 1.0)
    found, why = armington_cupy.probe()
    assert found is usable
    assert says in why


def assert_same(found: KernelSolution, wanted: KernelSolution) -> None:
    assert found.status.tolist() == wanted.status.tolist()
    for name in ("log_price", "log_index"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert np.isnan(one).tolist() == np.isnan(other).tolist()
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("block", [1, 32, 100, 128, 1024])
def test_gpu_equals_cpu(block: int) -> None:
    rng = np.random.default_rng(0)
    market = random_market(rng, 200, Recipe(exporters=(1, 40), importers=(1, 40)))
    shocks = [random_shock(rng, market, size=1.0) for _ in range(3)]
    together = armington_cupy.solve_batch(market, shocks, TIGHT, block=block)
    for shock, found in zip(shocks, together, strict=True):
        assert (found.status == Status.CONVERGED).all()
        assert_same(found, armington_cpu.solve(market, shock, TIGHT))


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_gpu_gives_the_same_bits_every_time() -> None:
    rng = np.random.default_rng(1)
    market = random_market(rng, 100, Recipe(exporters=(1, 226), importers=(1, 226)))
    shock = random_shock(rng, market)
    one, other, wide = (
        armington_cupy.solve_batch(market, [shock], TIGHT, block=block)[0]
        for block in (64, 64, 256)
    )
    np.testing.assert_array_equal(one.log_price, other.log_price)
    np.testing.assert_allclose(wide.log_price, one.log_price, rtol=1e-11, atol=1e-11)


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_gpu_keeps_to_its_memory() -> None:
    rng = np.random.default_rng(2)
    market = random_market(rng, 300, Recipe(exporters=(10, 80), importers=(10, 80)))
    shocks = [random_shock(rng, market) for _ in range(8)]
    usual = armington_cupy.solve_batch(market, shocks, TIGHT)
    tight = armington_cupy.solve_batch(market, shocks, TIGHT, memory=16 * 2**20)
    for one, other in zip(usual, tight, strict=True):
        np.testing.assert_array_equal(one.log_price, other.log_price)


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("block", [1, 32, 100, 128, 1024])
def test_gpu_equals_cpu_under_instruments(block: int) -> None:
    rng = np.random.default_rng(3)
    recipe = Recipe(exporters=(1, 40), importers=(1, 40), sigma=(1.2, 20), nested=0.1, rigid=0)
    market = random_market(rng, 100, recipe)
    calm = random_shock(rng, market)
    shocks = [random_instruments(rng, market, calm) for _ in range(3)]
    options = Options(tolerance=1e-12)
    together = armington_cupy.solve_batch(market, [*shocks, calm], options, block=block)
    for shock, found in zip([*shocks, calm], together, strict=True):
        wanted = armington_cpu.solve(market, shock, options)
        assert found.status.tolist() == wanted.status.tolist()
        # The price of a producer who gets nothing has no log to compare.
        for name in ("log_price", "log_index"):
            one, other = np.exp(getattr(found, name)), np.exp(getattr(wanted, name))
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_gpu_keeps_to_its_memory_under_instruments() -> None:
    rng = np.random.default_rng(4)
    market = random_market(rng, 100, Recipe(exporters=(10, 60), importers=(10, 60), nested=0))
    calm = random_shock(rng, market)
    shocks = [random_instruments(rng, market, calm) for _ in range(6)]
    usual = armington_cupy.solve_batch(market, shocks, TIGHT)
    tight = armington_cupy.solve_batch(market, shocks, TIGHT, memory=16 * 2**20)
    for one, other in zip(usual, tight, strict=True):
        np.testing.assert_array_equal(one.log_price, other.log_price)
        np.testing.assert_array_equal(one.log_shadow, other.log_shadow)
