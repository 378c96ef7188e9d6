"""Fitted powers."""

import pytest

from tradewedge.bench.scaling import fit


def test_a_power_is_found() -> None:
    work = [1e3, 1e4, 1e5, 1e6]
    found = fit(work, [2e-8 * w**1.1 for w in work])
    assert found is not None
    assert found.exponent == pytest.approx(1.1)
    assert found.decades == pytest.approx(3.0)
    assert found.seconds(1e6) == pytest.approx(2e-8 * 1e6**1.1)


def test_fixed_costs_of_small_cases_do_not_count() -> None:
    work = [1.0, 10.0, 1e4, 1e5, 1e6, 1e7]
    found = fit(work, [1e-3, 1e-3, 1e-4, 1e-3, 1e-2, 1e-1])
    assert found is not None
    assert (found.points, found.first) == (4, 1e4)
    assert found.exponent == pytest.approx(1.0)


@pytest.mark.parametrize("work", [[], [1.0, 2.0], [5.0, 5.0, 5.0]])
def test_too_few_points_give_no_fit(work: list[float]) -> None:
    assert fit(work, [1.0] * len(work)) is None
