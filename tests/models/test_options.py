"""What ``solve`` takes, refuses and reports."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge.kernels import backends

WorldMaker = Callable[..., tw.World]
DUTY = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="CHN", rate=0.25)])


def grouping(groups: object) -> dict[str, Any]:
    return {"model_options": {"supplier_groups": groups, "sigma_groups": 2.0}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "armingtin"}, r"no model 'armingtin'.*armington, gsim, smart.*did you mean arm"),
        ({"model_options": {"sigma_hme": 2}}, r"'armington' has no option sigma_hme.*sigma_home"),
        ({"model": "gsim", "model_options": {"sigma_home": 2.0}}, "'gsim' has no option sigma_hom"),
        ({"model_options": {"sigma_home": 0.0}}, "sigma_home is a positive number, not 0.0"),
        ({"model_options": {"sigma_home": -1}}, "sigma_home is a positive number"),
        ({"model_options": {"sigma_home": float("nan")}}, "sigma_home is a positive number"),
        ({"model_options": {"sigma_home": float("inf")}}, "sigma_home is a positive number"),
        ({"model_options": {"sigma_home": "low"}}, "sigma_home is a positive number, not 'low'"),
        ({"model_options": {"sigma_home": {"99": 2.0}}}, "no product of world .* begins with '99'"),
        ({"model_options": {"sigma_home": {2846: 2.0}}}, 'text in quotes or "\\*", not 2846'),
        ({"model_options": {"sigma_home": {}}}, "sigma_home is empty"),
        ({"model_options": {"sigma_groups": 2.0}}, "sigma_groups needs supplier_groups too"),
        (
            {"model_options": {"supplier_groups": {"a": "USA"}}},
            "needs sigma_groups too",
        ),
        (grouping(["USA"]), "supplier_groups names groups of countries"),
        (grouping({"a": "USA", "b": ["JPN", "USA"]}), "b: USA is in group 'a' already"),
        (grouping({"a": "NZL"}), "a: none of its countries is in world"),
        (grouping({"a": "G77"}), "supplier_groups: a"),
        (grouping({"a": []}), "empty list"),
        ({"model_options": {"max_steps": 0}}, "max_steps is a positive integer, not 0"),
        ({"model_options": {"max_steps": True}}, "max_steps is a positive integer, not True"),
        ({"model_options": [1]}, "model_options is a mapping"),
        ({"tolerance": "1e-8"}, "tolerance is a small positive number such as 1e-10, not '1e-8'"),
        ({"model_options": {"max_steps": 1.5}}, "max_steps is a positive integer, not 1.5"),
        ({"tolerance": 0.0}, "tolerance is a small positive number"),
        ({"tolerance": float("nan")}, "tolerance is a small positive number"),
        ({"on_failure": "explode"}, r'on_failure is "report" or "raise", not \'explode\''),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str, random_world: WorldMaker) -> None:
    with pytest.raises(tw.ConfigError, match=message):
        tw.solve(random_world(1), DUTY, **options)


@pytest.mark.parametrize("name", ["cuda", "jax", "cupy"])
def test_a_backend_that_cannot_run_says_which_can(name: str, random_world: WorldMaker) -> None:
    usable = [backend for backend, (ready, _) in backends.probe().items() if ready]
    if name in usable:
        pytest.skip(f"{name} runs here")
    with pytest.raises(tw.BackendUnavailable, match=rf"{name}.*use one of .*cpu"):
        tw.solve(random_world(1), DUTY, backend=name)


@pytest.mark.parametrize(
    ("scenarios", "message"),
    [
        ([], "no scenario to solve"),
        ([DUTY, DUTY], "scenario names must differ: duty"),
        ([DUTY.measures[0]], r"a scenario is a tw\.Scenario, not Tariff"),
        (DUTY.measures[0], r'not Tariff: tw\.Scenario\("name", \[tw\.Tariff\(\.\.\.\)\]\)'),
    ],
)
def test_scenarios_are_checked(
    scenarios: list[Any], message: str, random_world: WorldMaker
) -> None:
    with pytest.raises(tw.ConfigError, match=message):
        tw.solve(random_world(1), scenarios)


def test_a_result_says_how_it_was_made(random_world: WorldMaker) -> None:
    world = random_world(1)
    seen: list[str] = []
    result = tw.solve(world, DUTY, progress=seen.append, model_options={"max_steps": 500})
    assert seen == ["duty"]
    assert result.world is world
    assert result.scenarios == (DUTY,)
    assert result.reference is None
    assert (result.model, result.backend) == ("armington", "cpu")
    assert result.backend_reason
    assert result.options["max_steps"] == 500
    assert result.options["tolerance"] == 1e-10
    assert {"prepare", "compile", "solve"} <= result.timings.keys()
    assert all(seconds >= 0 for seconds in result.timings.values())
    assert repr(result).startswith("<Result of duty in <World user")


def test_a_device_tells_transfer_apart(random_world: WorldMaker) -> None:
    timings = tw.solve(random_world(1), DUTY, backend="jax").timings
    assert set(timings) == {"prepare", "compile", "solve", "transfer"}
    assert 0 < timings["transfer"] < timings["solve"]


def test_backends_agree(random_world: WorldMaker) -> None:
    world = random_world(2, density=0.5)
    cases = [DUTY, tw.Scenario("lost", [tw.Exclusion(importer="USA", exporter="CHN")])]
    for model_options in (None, {"sigma_home": 1.5}):
        cpu, plain = (
            tw.solve(world, cases, backend=name, model_options=model_options).flows().collect()
            for name in ("cpu", "reference")
        )
        for name in ("quantity_hat", "delivered_hat", "value_new"):
            np.testing.assert_allclose(
                cpu[name].to_numpy(), plain[name].to_numpy(), rtol=1e-9, equal_nan=True
            )


class TestFailure:
    """Two steps are too few at sigma 20."""

    few: ClassVar = {"max_steps": 2}

    def test_it_is_reported(self, random_world: WorldMaker) -> None:
        result = tw.solve(random_world(1, sigma=20.0), DUTY, model_options=self.few)
        failed = result.status().filter(pl.col("status") == "max_steps").collect()
        assert failed.height > 0
        assert (failed["residual"] > 1e-10).all()

    def test_or_raised(self, random_world: WorldMaker) -> None:
        with pytest.raises(
            tw.SolveError,
            match=r"scenario 'duty': \d product\(s\) did not converge: 2846\d0 \(max_steps, resid",
        ):
            tw.solve(random_world(1, sigma=20.0), DUTY, model_options=self.few, on_failure="raise")

    def test_of_the_reference_too(self, random_world: WorldMaker) -> None:
        calm = tw.Scenario("calm", [])
        with pytest.raises(tw.SolveError, match="scenario 'duty'"):
            tw.solve(
                random_world(1, sigma=20.0),
                calm,
                reference=DUTY,
                model_options=self.few,
                on_failure="raise",
            )

    def test_nothing_is_raised_without_need(self, random_world: WorldMaker) -> None:
        tw.solve(random_world(1, sigma=20.0), DUTY, on_failure="raise")
