"""What must hold whatever the numbers, through the public ``solve``."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import tradewedge as tw

WorldMaker = Callable[..., tw.World]
seeds = st.integers(0, 2**32 - 1)
INF = float("inf")
MODELS = ["armington", "gsim", "smart"]
DUTY = tw.Scenario("duty", [tw.Tariff(importer="USA", exporter="CHN", rate=0.25)])
SHIFTS = tw.Scenario(
    "shifts",
    [
        tw.DemandShift(importer="USA", factor=1.3, allow_empty=True),
        tw.ExportTax(exporter="CHN", rate=0.1, allow_empty=True),
        tw.TradeCost(importer="JPN", factor=1.2, allow_empty=True),
        tw.Exclusion(importer="DEU", exporter="JPN", allow_empty=True),
    ],
)


def two_countries(value: float = 100.0, **elasticities: float) -> tw.World:
    """One seller, one buyer."""
    flows = pl.DataFrame(
        {"product": ["x"], "exporter": ["CHN"], "importer": ["USA"], "value": [value]}
    )
    table = pl.DataFrame({"product": [""], **{k: [v] for k, v in elasticities.items()}})
    return tw.World.from_flows(flows, table, tariff_importers="*")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 1 + 1e-9, 4.0, 40.0])
@pytest.mark.parametrize("epsilon", [0.0, 1.2, INF])
def test_no_measure_changes_nothing(
    model: str, sigma: float, epsilon: float, random_world: WorldMaker
) -> None:
    world = random_world(9, sigma=sigma, epsilon=epsilon)
    result = tw.solve(world, tw.Scenario("nothing", []), model=model)
    for name, table in result.tables().items():
        frame = table.collect()
        for hat in (c for c in frame.columns if c.endswith("_hat") or c == "cost_factor"):
            assert frame[hat].null_count() == 0
            np.testing.assert_allclose(frame[hat], 1.0, rtol=0, atol=1e-12, err_msg=name)
    importers = result.importers().collect()
    np.testing.assert_allclose(importers["expenditure_new"], importers["expenditure_base"])


@pytest.mark.filterwarnings("ignore::tradewedge.errors.SuspiciousRateWarning")
@given(tariff=st.floats(0, 4), eta=st.floats(0.01, 5), epsilon=st.floats(0, 20))
def test_one_seller_and_one_buyer_have_a_closed_form(
    tariff: float, eta: float, epsilon: float
) -> None:
    """p^epsilon = (p tau)^-eta."""
    world = two_countries(sigma=3.0, eta=eta, epsilon=epsilon)
    case = tw.Scenario("duty", [tw.Tariff(importer="USA", rate=tariff)])
    result = tw.solve(world, case, tolerance=1e-13)
    price = (1 + tariff) ** (-eta / (epsilon + eta))
    assert result.exporters().collect()["price_hat"].item() == pytest.approx(price, rel=1e-10)
    quantity = result.flows().collect()["quantity_hat"].item()
    assert quantity == pytest.approx(price**epsilon, rel=1e-9)


def test_infinite_supply_has_a_closed_form(random_world: WorldMaker) -> None:
    world = random_world(2, epsilon=INF, sigma=5.0, eta=0.6)
    table = tw.solve(world, DUTY).flows().collect()
    power = np.where((table["exporter"] == "CHN") & (table["importer"] == "USA"), 1, 0) * np.log(
        (1 + table["tariff_new"].to_numpy()) / (1 + table["tariff_base"].to_numpy())
    )
    row = world.importer_row
    index = np.log(np.bincount(row, world.market.share * np.exp(-4 * power))) / -4
    expected = np.exp(-5 * power + (5 - 0.6) * index[row])
    np.testing.assert_allclose(table["quantity_hat"], expected, rtol=1e-12)


@given(seed=seeds, factor=st.floats(0.2, 5))
def test_a_cost_on_everything_with_fixed_supply_falls_on_producers(
    seed: int, factor: float, random_world: WorldMaker
) -> None:
    """Homogeneity: quantities stay, so producer prices take the whole of it."""
    world = random_world(seed, epsilon=0.0)
    case = tw.Scenario("everywhere", [tw.TradeCost(factor=factor, include_domestic=True)])
    result = tw.solve(world, case, tolerance=1e-12)
    np.testing.assert_allclose(result.exporters().collect()["price_hat"], 1 / factor, rtol=1e-9)
    flows = result.flows().collect()
    np.testing.assert_allclose(flows["quantity_hat"], 1, rtol=1e-9)
    np.testing.assert_allclose(flows["delivered_hat"], 1, rtol=1e-9)


@given(seed=seeds)
def test_units_of_money_do_not_matter(seed: int, random_world: WorldMaker) -> None:
    world = random_world(seed)
    flows = world.flows().with_columns(pl.col("value") * 1e6).collect()
    tariffs = flows.select("product", "exporter", "importer", rate="tariff")
    table = pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.6], "epsilon": [1.2]})
    million = tw.World.from_flows(flows, table, tariffs, tariff_importers="*")
    one, other = (tw.solve(w, SHIFTS, tolerance=1e-12).flows().collect() for w in (world, million))
    assert_frame_equal(
        one.select("quantity_hat", "delivered_hat", "value_new"),
        other.select("quantity_hat", "delivered_hat", pl.col("value_new") / 1e6),
        rel_tol=1e-8,
    )


@pytest.mark.parametrize("sigma", [1.5, 5.0, 20.0])
def test_a_prohibitive_duty_tends_to_an_exclusion(sigma: float, random_world: WorldMaker) -> None:
    world = random_world(9, sigma=sigma, density=1.0)

    def quantities(measure: tw.Tariff | tw.Exclusion) -> np.ndarray:
        result = tw.solve(world, tw.Scenario("case", [measure]), tolerance=1e-12)
        return result.flows().collect()["quantity_hat"].to_numpy()

    limit = quantities(tw.Exclusion(importer="USA", exporter="CHN"))
    assert (limit == 0).sum() == 2
    gaps = []
    for rate in (1e2, 1e4, 1e8):
        with pytest.warns(match="rates are fractions"):
            duty = tw.Tariff(importer="USA", exporter="CHN", rate=rate)
        gaps.append(np.abs(quantities(duty) - limit).max())
    solved = 1e-11  # ten times the tolerance
    assert gaps[2] <= gaps[1] + solved <= gaps[0] + 2 * solved
    assert gaps[2] < 10 * 1e8 ** (1 - sigma) + 1e-10


@pytest.mark.parametrize("model", ["armington", "gsim"])
def test_nothing_jumps_at_sigma_1(model: str, random_world: WorldMaker) -> None:
    def quantities(sigma: float) -> np.ndarray:
        result = tw.solve(random_world(9, sigma=sigma), DUTY, model=model, tolerance=1e-13)
        return result.flows().collect()["quantity_hat"].to_numpy()

    at_one = quantities(1.0)
    for gap in (1e-13, 1e-10, 1e-7, 1e-4):
        for sigma in (1 - gap, 1 + gap):
            np.testing.assert_allclose(quantities(sigma), at_one, rtol=5 * gap + 1e-11)


def test_nothing_jumps_as_supply_grows_elastic(random_world: WorldMaker) -> None:
    limit = tw.solve(random_world(9, epsilon=INF), DUTY).flows().collect()["quantity_hat"]
    near = tw.solve(random_world(9, epsilon=1e9), DUTY).flows().collect()["quantity_hat"]
    np.testing.assert_allclose(near, limit, rtol=1e-7)


@pytest.mark.parametrize("model", MODELS)
def test_some_supply_may_be_infinite(model: str, random_world: WorldMaker) -> None:
    world = random_world(9)
    table = pl.DataFrame(
        {
            "product": ["", ""],
            "exporter": [None, "JPN"],
            "sigma": [4.0, None],
            "eta": [0.6, None],
            "epsilon": [1.2, INF],
        }
    )
    result = tw.solve(world.with_elasticities(table), DUTY, model=model, on_failure="raise")
    prices = result.exporters().collect()
    japan = prices["exporter"] == "JPN"
    assert (prices.filter(japan)["price_hat"] == 1).all()
    if model != "smart":
        assert (prices.filter(~japan)["price_hat"] != 1).all()


def test_demand_that_does_not_react(random_world: WorldMaker) -> None:
    """eta = 0: every importer buys as much of the composite as before."""
    world = random_world(9, eta=0.0)
    result = tw.solve(world, DUTY, tolerance=1e-12)
    assert (result.diversion().collect()["creation"] == 0).all()


class TestBatch:
    cases = (DUTY, SHIFTS, tw.Scenario("nothing", []))

    @pytest.mark.parametrize("model", ["armington", "gsim"])
    def test_a_batch_is_a_loop(self, model: str, random_world: WorldMaker) -> None:
        world = random_world(9)
        cases = self.cases if model == "armington" else (DUTY, self.cases[2])
        together = tw.solve(world, cases, model=model).tables()
        alone = [tw.solve(world, case, model=model).tables() for case in cases]
        for name, table in together.items():
            if name == "parameters":
                continue
            frame = table.collect()
            for case, tables in zip(cases, alone, strict=True):
                part = frame.filter(pl.col("scenario") == case.name)
                assert_frame_equal(part, tables[name].collect(), rel_tol=1e-14)

    def test_the_order_does_not_matter(self, random_world: WorldMaker) -> None:
        world = random_world(9)
        one, other = (tw.solve(world, list(c)) for c in (self.cases, self.cases[::-1]))
        assert one.flows().collect().equals(other.flows().collect())
        assert one.scenarios == other.scenarios[::-1]

    def test_products_do_not_see_each_other(self, random_world: WorldMaker) -> None:
        world = random_world(9, products=["284610", "284690", "280530"])
        whole = tw.solve(world, SHIFTS).flows().collect()
        for product in world.products:
            part = tw.solve(world.select([product]), SHIFTS).flows().collect()
            assert_frame_equal(part, whole.filter(pl.col("product") == product), rel_tol=1e-12)


@given(seed=seeds)
def test_names_of_countries_do_not_matter(seed: int, random_world: WorldMaker) -> None:
    """Permuting the countries permutes the result."""
    names = ["CHN", "DEU", "GBR", "JPN", "USA"]
    swap = dict(zip(names, ["JPN", "GBR", "CHN", "USA", "DEU"], strict=True))
    world = random_world(seed, density=0.6)
    flows = world.flows().collect()
    renamed = flows.with_columns(pl.col("exporter", "importer").replace_strict(swap))
    table = pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.6], "epsilon": [1.2]})
    other = tw.World.from_flows(
        renamed,
        table,
        renamed.select("product", "exporter", "importer", rate="tariff"),
        tariff_importers="*",
    )

    def solve(where: tw.World, importer: str) -> pl.DataFrame:
        case = tw.Scenario("case", [tw.Tariff(importer=importer, rate=0.3, allow_empty=True)])
        return tw.solve(where, case, tolerance=1e-12).flows().collect()

    first = solve(world, "USA").with_columns(pl.col("exporter", "importer").replace_strict(swap))
    assert_frame_equal(
        first.sort("product", "exporter", "importer"), solve(other, swap["USA"]), rel_tol=1e-8
    )
