"""Bytes counted by hand, and bandwidths that are what the triads did."""

import numpy as np
import pytest

from tradewedge.bench import roofline
from tradewedge.bench.roofline import bandwidth, fraction, processor_bandwidth, traffic
from tradewedge.kernels.sample import Recipe, random_market


def test_bytes_of_a_solve() -> None:
    market = random_market(np.random.default_rng(0), 3, Recipe((2, 2), (4, 4), (1.0, 1.0)))
    assert len(market.share) == 24
    found = traffic(market, np.array([1, 2, 4]))
    assert found.once == 24 * 33 + 6 * 24 + 12 * 16
    assert found.swept == 8 * (1 + 2 + 4) * 24
    untouched = traffic(market, np.array([1, 0, 4]))
    assert untouched.once == 16 * 33 + 4 * 24 + 8 * 16
    assert untouched.swept == 8 * (1 + 4) * 24


def test_share_of_a_bandwidth() -> None:
    assert fraction(2e9, 0.5, 8e9) == 0.5
    assert fraction(2e9, 0.5, None) is None
    assert fraction(2e9, 0.0, 8e9) is None


def test_the_best_triad_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 3.0, 10.0, 11.0] + [20.0, 22.0] * 5)
    monkeypatch.setattr(roofline, "perf_counter", lambda: next(clock))
    calls: list[int] = []
    assert bandwidth(1000, 5, calls.append) == 24 * 1000 * 5 / 1.0
    assert calls == [5] * 8, "one to warm up"


def test_the_processor_has_a_bandwidth() -> None:
    found = processor_bandwidth(memory=16 * 2**20, threads=2)
    assert set(found) == {"memory", "cache"}
    assert all(speed > 1e6 for speed in found.values())


def test_triads_are_right() -> None:
    from tradewedge.bench.triad_cpu import triad

    a, b, c = np.zeros(5), np.arange(5.0), np.full(5, 2.0)
    triad(a, b, c, 0.5, 2)
    assert a.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
