import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tradewedge as tw
from tradewedge import horizon
from tradewedge.errors import ConfigError

years = st.floats(0, 100)
values = st.floats(1.1, 30)


def _at(h: float, short: float, long: float, floor: float = 0.0) -> float:
    return float(horizon.at(h, np.array([short]), np.array([long]), floor)[0])


def _table(sigma: float, eta: float, epsilon: float) -> pl.DataFrame:
    return pl.DataFrame(
        {"product": [""], "sigma": [sigma], "eta": [eta], "epsilon": [epsilon], "source": ["test"]}
    )


@given(short=values, long=values)
def test_one_year_and_the_limit_are_the_two_sets(short: float, long: float) -> None:
    assert _at(1.0, short, long) == pytest.approx(short)
    assert _at(math.inf, short, long) == long
    assert _at(200.0, short, long) == pytest.approx(long)


@given(short=values, long=values, h=years, step=years)
def test_it_moves_one_way_and_never_past_the_limit(
    short: float, long: float, h: float, step: float
) -> None:
    low, high = min(short, long), max(short, long)
    before, after = _at(h, low, high, 1.1), _at(h + step, low, high, 1.1)
    assert 1.1 <= before <= after <= high
    assert abs(_at(h + step, high, low) - low) <= abs(_at(h, high, low) - low)


def test_the_path_meets_the_published_points() -> None:
    assert _at(1, 0.76, 2.0) == pytest.approx(0.76)
    assert _at(7, 0.76, 2.0) == pytest.approx(1.75)
    assert 1.75 < _at(10, 0.76, 2.0) < 2.25
    assert pytest.approx(3.747, abs=1e-3) == horizon.ADJUSTMENT_YEARS


def test_it_is_the_exponential_path_from_the_impact_value() -> None:
    impact = _at(0, 2.0, 6.0)
    for h in (0.25, 1.0, 4.0):
        expected = 6.0 - (6.0 - impact) * math.exp(-h / horizon.ADJUSTMENT_YEARS)
        assert _at(h, 2.0, 6.0) == pytest.approx(expected)


def test_floors_hold_unless_the_sets_are_below_them() -> None:
    assert _at(0, 1.2, 6.0, horizon.SIGMA_FLOOR) == horizon.SIGMA_FLOOR
    assert _at(0, 0.3, 3.0, horizon.EPSILON_FLOOR) == horizon.EPSILON_FLOOR
    assert _at(0, 0.9, 6.0, horizon.SIGMA_FLOOR) == 0.9


def test_infinite_supply_stays_infinite() -> None:
    found = horizon.at(2, np.array([1.0, math.inf, math.inf]), np.array([math.inf, 1.0, math.inf]))
    assert np.isinf(found).all()


@pytest.fixture(scope="module")
def world() -> tw.World:
    flows = [("CHN", "USA", 50.0), ("AUS", "USA", 30.0), ("CHN", "AUS", 20.0), ("USA", "USA", 9.0)]
    return tw.World.from_flows(
        pl.DataFrame(
            [("284690", *row) for row in flows],
            schema=["product", "exporter", "importer", "value"],
            orient="row",
        ),
        vintage="HS2022",
    )


def test_a_world_at_a_horizon(world: tw.World) -> None:
    near, far = (world.with_elasticities(name) for name in ("short", "long"))
    np.testing.assert_allclose(world.at_horizon(1).sigma, near.sigma)
    np.testing.assert_allclose(world.at_horizon(1).epsilon, near.epsilon)
    np.testing.assert_array_equal(world.at_horizon(math.inf).sigma, far.sigma)
    between = world.at_horizon(3)
    assert (near.sigma < between.sigma).all()
    assert (between.sigma < far.sigma).all()
    errors = [made.elasticities.sigma_standard_error for made in (near, between, far)]
    assert (errors[0] < errors[1]).all()
    assert (errors[1] < errors[2]).all()
    np.testing.assert_array_equal(between.eta, far.eta)
    assert "3 years" in between.elasticities.set_name
    assert all(text.startswith("3 years: between short") for text in between.elasticities.source)


def test_the_sets_may_be_tables(world: tw.World) -> None:
    made = world.at_horizon(1, short=_table(2, 0.1, 0.5), long=_table(8, 0.9, math.inf))
    assert made.sigma == pytest.approx([2.0])
    assert made.eta == pytest.approx([0.1])
    assert np.isinf(made.epsilon).all()


def test_import_demand_is_derived_at_the_horizon(world: tw.World) -> None:
    imports = tw.World.from_flows(
        world.flows().filter(pl.col("exporter") != "USA").select(pl.exclude("tariff")),
        vintage="HS2022",
        home_share=pl.DataFrame({"product": ["284690"], "home_share": [0.25]}),
    )
    made = imports.at_horizon(2)
    expected = 0.25 * made.sigma + 0.75 * made.elasticities.eta_composite
    np.testing.assert_allclose(made.eta, expected)


@pytest.mark.parametrize("wrong", [-1, "2", math.nan, True, None])
def test_a_horizon_is_a_number_of_years(world: tw.World, wrong: object) -> None:
    with pytest.raises(ConfigError, match="a horizon is a number of years"):
        world.at_horizon(wrong)  # type: ignore[arg-type]


def test_an_unknown_set_is_named(world: tw.World) -> None:
    with pytest.raises(ConfigError, match="longest"):
        world.at_horizon(2, long="longest")


def test_solve_at_a_horizon(world: tw.World) -> None:
    case = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="CHN", rate=0.25)])
    hats = []
    for h in (1, 3, 20):
        result = tw.solve(world, case, horizon=h)
        assert result.world.elasticities.set_name.startswith(f"{h} years")
        flow = result.flows().filter(exporter="CHN", importer="USA").collect()
        hats.append(flow["quantity_hat"].item())
    assert hats == sorted(hats, reverse=True)
