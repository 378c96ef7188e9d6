"""Derivatives against central differences of whole solves, and against the tables."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tradewedge as tw
from tradewedge import Outcome, World

TIGHT = {"tolerance": 1e-13, "backend": "cpu"}
CASE = tw.Scenario(
    "case",
    [
        tw.Tariff(importer="USA", exporter="CHN", rate=0.25),
        tw.TradeCost(importer="USA", exporter="DEU", factor=1.1),
        tw.ExportTax(exporter="CHN", importer="JPN", rate=0.1),
        tw.Exclusion(importer="JPN", exporter="GBR", allow_empty=True),
        tw.DemandShift(importer="USA", factor=1.1),
        tw.SupplyShift(exporter="GBR", factor=0.9),
    ],
)
KINDS = ["price_index", "imports", "revenue", "consumer_surplus", "welfare", "hhi"]


def value(world: World, case: tw.Scenario, outcome: Outcome) -> float:
    """The outcome, from the tables of a solve."""
    result = tw.solve(world, case, **TIGHT)
    country = outcome.country
    products = list(outcome.products or world.products)
    inside = pl.col("product").is_in(products)
    if outcome.kind == "price_index":
        rows = result.importers().filter(inside, pl.col("importer") == country).collect()
        weight = rows["expenditure_base"].to_numpy()
        return float(weight @ rows["price_index_hat"].to_numpy() / weight.sum())
    if outcome.kind in ("imports", "hhi"):
        bought = pl.col("value_new").sum()
        rows = result.flows().filter(inside, pl.col("importer") == country)
        rows = rows.filter(pl.col("exporter") != country)
        by_country = rows.group_by("exporter").agg(bought).collect()["value_new"].to_numpy()
        share = by_country / by_country.sum()
        return float(by_country.sum() if outcome.kind == "imports" else share @ share)
    if outcome.kind == "revenue":
        rows = result.transfers().filter(inside, pl.col("kind") == "duty")
        rows = rows.filter(pl.col("receiver") == country)
        return float(rows.collect()["amount_new"].sum())
    column = "net" if outcome.kind == "welfare" else outcome.kind
    rows = result.welfare().filter(inside, pl.col("country") == country).collect()
    return float(rows[column].sum())


def nudged(world: World, name: str, row: int, by: float) -> World:
    """The world with one elasticity moved; eta does not follow sigma."""
    values = getattr(world.elasticities, name).copy()
    values[row] += by
    return replace(world, elasticities=replace(world.elasticities, **{name: values}))


def with_duty(flow: dict[str, str], by: float) -> tw.Scenario:
    extra = tw.Tariff(
        importer=flow["importer"],
        exporter=flow["exporter"],
        products=[flow["product"]],
        rate=by,
        include_domestic=True,
    )
    return tw.Scenario("case", [*CASE.measures, extra])


def assert_close(found: float, wanted: float, scale: float) -> None:
    """To 1e-6 of the derivative, and of the largest of its kind where it is next to nothing."""
    assert abs(found - wanted) <= 1e-6 * abs(wanted) + 1e-8 * scale


@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_central_differences(kind: str, random_world: Callable[..., World]) -> None:
    world = random_world(3, density=1.0, sigma=3.5)
    outcome = Outcome(kind, "USA")
    table = tw.sensitivity(world, CASE, outcome, backend="cpu")
    base = value(world, CASE, outcome)
    np.testing.assert_allclose(table["outcome_value"][0], base, rtol=1e-10)
    rng = np.random.default_rng(0)
    for name in ("tariff", "sigma", "eta", "epsilon"):
        part = table.filter(pl.col("parameter") == name)
        scale = float(np.abs(part["derivative"].to_numpy()).max())
        assert scale > 0
        for row in rng.choice(part.height, min(part.height, 6), replace=False).tolist():
            step = 1e-4
            if name == "tariff":
                flow = part.row(row, named=True)
                ends = [value(world, with_duty(flow, by), outcome) for by in (step, -step)]
            else:
                ends = [value(nudged(world, name, row, by), CASE, outcome) for by in (step, -step)]
            assert_close(part["derivative"][row], (ends[0] - ends[1]) / (2 * step), scale)


@pytest.mark.parametrize("sigma", [1.0, 1.0005, 1.005])
def test_sigma_near_one(sigma: float, random_world: Callable[..., World]) -> None:
    world = random_world(4, density=1.0, sigma=sigma)
    case = tw.Scenario("case", [tw.Tariff(importer="USA", exporter="CHN", rate=0.5)])
    outcome = Outcome("welfare", "USA", ["284610"])
    table = tw.sensitivity(world, case, outcome, "sigma", backend="cpu")
    step = 0.02
    ends = [value(nudged(world, "sigma", 0, by), case, outcome) for by in (step, -step)]
    halves = [value(nudged(world, "sigma", 0, by), case, outcome) for by in (step / 2, -step / 2)]
    wide, narrow = (ends[0] - ends[1]) / (2 * step), (halves[0] - halves[1]) / step
    wanted = (4 * narrow - wide) / 3  # Richardson: near sigma = 1 small steps are noisy
    np.testing.assert_allclose(table["derivative"][0], wanted, rtol=1e-6)


def test_eta_at_one(random_world: Callable[..., World]) -> None:
    world = random_world(5, density=1.0, eta=1.0)
    outcome = Outcome("consumer_surplus", "USA", ["284610"])
    table = tw.sensitivity(world, CASE, outcome, "eta", backend="cpu")
    ends = [value(nudged(world, "eta", 0, by), CASE, outcome) for by in (1e-3, -1e-3)]
    np.testing.assert_allclose(table["derivative"][0], (ends[0] - ends[1]) / 2e-3, rtol=1e-5)


def test_table_and_excluded_flows(random_world: Callable[..., World]) -> None:
    world = random_world(6, density=1.0)
    outcome = Outcome("imports", "JPN", ["284610"])
    table = tw.sensitivity(world, CASE, outcome)
    assert table.columns == [
        "outcome_value",
        "parameter",
        "product",
        "exporter",
        "importer",
        "measure",
        "at",
        "derivative",
    ]
    assert table["product"].unique().to_list() == ["284610"]
    kinds = table["parameter"].unique(maintain_order=True).to_list()
    assert kinds == ["tariff", "sigma", "eta", "epsilon"]
    gone = table.filter(pl.col("exporter") == "GBR", pl.col("importer") == "JPN")
    assert gone["derivative"].to_list() == [0.0]
    assert table.filter(pl.col("parameter") == "sigma")["exporter"].to_list() == [None]


def test_infinite_supply_has_no_derivative(random_world: Callable[..., World]) -> None:
    world = random_world(7, epsilon=np.inf)
    case = tw.Scenario("case", [tw.Tariff(importer="USA", exporter="CHN", rate=0.5)])
    table = tw.sensitivity(world, case, Outcome("imports", "USA"), ["epsilon", "sigma"])
    assert table.filter(pl.col("parameter") == "epsilon")["derivative"].null_count() > 0
    assert table.filter(pl.col("parameter") == "sigma")["derivative"].null_count() == 0


@pytest.mark.parametrize(
    ("outcome", "wrt", "message"),
    [
        (Outcome("imports", "USS"), "sigma", "no country 'USS'.*nearest"),
        (Outcome("imports", "USA", ["99"]), "sigma", "no product '99'"),
        (Outcome("imports", "USA"), "gamma", "no parameter 'gamma'"),
        (Outcome("imports", "USA"), (), "names no parameter"),
        ("imports", "sigma", "outcome is a tw.Outcome"),
    ],
)
def test_refused(
    outcome: Outcome, wrt: object, message: str, random_world: Callable[..., World]
) -> None:
    with pytest.raises(tw.ConfigError, match=message):
        tw.sensitivity(random_world(1), CASE, outcome, wrt)


def test_an_outcome_of_no_kind_is_refused_at_once() -> None:
    with pytest.raises(tw.ConfigError, match="no outcome 'price'"):
        Outcome("price", "USA")


def test_one_product_and_a_parameter_named_twice(random_world: Callable[..., World]) -> None:
    world = random_world(3)
    [single, listed] = (
        tw.sensitivity(world, CASE, Outcome("imports", "USA", given), wrt)
        for given, wrt in ((world.products[0], ("eta", "eta")), ([world.products[0]], "eta"))
    )
    assert_frame_equal(single, listed)


def test_what_the_world_cannot_tell_is_refused() -> None:
    world = tw.load_world("us_imports")
    sold = world.exporter_product[world.exporter_country == world.countries.index("CHN")]
    product = world.products[sold[0]]
    case = tw.Scenario("case", [tw.Tariff(importer="USA", products=[product], rate=0.1)])
    with pytest.raises(tw.ConfigError, match="cannot tell"):
        tw.sensitivity(world, case, Outcome("welfare", "CHN", [product]))


def test_the_example_of_the_page() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "sensitivity.md"
    code = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    made: dict[str, object] = {}
    exec(code, made)
    table = made["table"]
    assert isinstance(table, pl.DataFrame)
    assert table.height > 0
