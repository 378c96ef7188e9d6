"""Which cases there are, which of them are chosen, and which can run."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

import tradewedge as tw
from tradewedge.bench.cases import (
    FULL,
    MEASURES,
    QUICK,
    TARGETS,
    Case,
    Filters,
    cases,
    cost,
    estimate,
    plan,
)
from tradewedge.errors import ConfigError
from tradewedge.kernels.backends import Backend

Make = Callable[..., Any]


def test_the_whole_grid_spans_what_it_should() -> None:
    found = cases(full=True)
    drawn = [case for case in found if case.world == "synthetic"]
    assert {case.target for case in found} == set(TARGETS)
    assert {case.measure for case in found} == set(MEASURES)
    assert {1, 5000} <= {case.products for case in drawn}
    assert {30, 226} <= {case.countries for case in drawn}
    assert {1, 256} <= {case.scenarios for case in drawn}
    works = [case.flows * case.scenarios for case in drawn if case.measure == "tariff"]
    assert max(works) / min(works) > 100
    assert {case.target for case in found if case.cold} == set(TARGETS)


@pytest.mark.parametrize("full", [False, True])
def test_names_differ_and_backends_come_one_after_the_other(full: bool) -> None:
    found = cases(full=full)
    assert len({case.name for case in found}) == len(found)
    order = [(case.target, case.cold) for case in found]
    assert sum(a != b for a, b in pairwise(order)) == len(set(order)) - 1
    assert found[0].target == "cpu", "the others are compared with it"


def test_every_target_is_a_backend() -> None:
    assert {target.backend for target in TARGETS.values()} <= set(Backend)


def test_expected_flows_are_about_right() -> None:
    for case in (Case("synthetic", 100, 60, "tariff", 1, "cpu"),):
        world = tw.load_world("synthetic", products=case.products, countries=case.countries)
        assert case.flows == pytest.approx(world.value.size, rel=0.5)


def test_the_quick_set_is_quick_on_a_machine_without_gpu(make_look: Make) -> None:
    run, _ = plan(cases(full=False), QUICK, make_look()["available"], 12e9, 0.0)
    assert estimate(run, QUICK) < 150
    assert sum(cost(case, QUICK) for case in run) < estimate(run, QUICK)


def test_filters_keep_what_was_asked_for() -> None:
    kept = Filters(backends=("jax", "cpu"), products=(10,)).keep(cases(full=True))
    assert {case.target for case in kept} == {"cpu", "jax-cpu", "jax-gpu"}
    assert {case.products for case in kept} == {10}
    assert Filters().keep(cases(full=True)) == cases(full=True)


def test_filters_that_leave_nothing_say_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"products 1, 10, 100, 1000\. --full has more"):
        Filters(products=(7,)).keep(cases(full=False))


def test_a_case_that_cannot_run_is_skipped_with_the_reason(
    make_case: Make, make_look: Make
) -> None:
    large = make_case(products=5000, scenarios=256)
    slow = make_case("reference", products=5000)
    asked = [make_case(), large, slow, make_case("cupy")]
    run, skipped = plan(asked, FULL, make_look()["available"], 12e9, 0.0)
    assert run == [make_case()]
    reasons = [(one.case.target, one.reason) for one in skipped]
    assert reasons[0][1].startswith("needs about ")
    assert "12.0 GB are free" in reasons[0][1]
    assert "one solve would take more than the 25 s" in reasons[1][1]
    assert reasons[2] == ("cupy", "no GPU here")


def test_a_gpu_brings_its_cases_unless_its_memory_is_taken(
    make_case: Make, make_look: Make
) -> None:
    asked = [make_case("cupy"), make_case("jax-gpu")]
    available = make_look("H100")["available"]
    run, skipped = plan(asked, QUICK, available, 12e9, 70e9)
    assert run == asked
    assert not skipped
    run, skipped = plan(asked, QUICK, available, 12e9, 1e9)
    assert run == [make_case("cupy")]
    assert "on the GPU" in skipped[0].reason
