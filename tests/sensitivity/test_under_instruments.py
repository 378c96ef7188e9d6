"""Derivatives under floors, quotas, capacities and contracts, against central differences."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge import Outcome, World
from tradewedge.policy.measure import Measure

KINDS = ["price_index", "imports", "revenue", "consumer_surplus", "welfare", "hhi"]
SCALES = ["floor", "specific", "quota", "limit", "capacity", "strike"]
Factors = dict[str, float]


def prices(by: Factors) -> list[Measure]:
    """Floors: active, slack, with dispersion, at the border; a specific duty; a contract."""
    floor = by.get("floor", 1.0)
    return [
        tw.Tariff(importer="USA", exporter="CHN", rate=0.25),
        tw.PriceFloor(importer="USA", exporter="CHN", multiple=1.4 * floor),
        tw.PriceFloor(importer="DEU", multiple=0.5 * floor),
        tw.PriceFloor(
            importer="GBR", exporter="JPN", multiple=1.1 * floor, dispersion=0.3, rent="exporter"
        ),
        tw.PriceFloor(importer="JPN", exporter="DEU", multiple=1.3 * floor, basis="border"),
        tw.SpecificDuty(importer="USA", exporter="DEU", usd_per_kg=0.5 * by.get("specific", 1.0)),
        tw.ContractForDifference(
            exporter="DEU", multiple=1.2 * by.get("strike", 1.0), upside_share=0.5, covered=0.6
        ),
        tw.ContractForDifference(
            exporter="GBR", multiple=0.8 * by.get("strike", 1.0), upside_share=0.5, covered=0.6
        ),
    ]


def quantities(by: Factors) -> list[Measure]:
    """Quotas per pair, one with a rate beyond it, and of groups; a capacity; a slack quota."""
    floor, quota, limit = (by.get(name, 1.0) for name in ("floor", "quota", "limit"))
    return [
        tw.ExportTax(exporter="CHN", importer="USA", rate=0.1),
        tw.PriceFloor(importer="JPN", exporter="GBR", multiple=1.05 * floor, dispersion=0.4),
        tw.ImportQuota(importer="JPN", exporter="GBR", fraction=0.6 * quota, per="pair"),
        tw.ImportQuota(importer="USA", exporter="GBR", fraction=0.7 * quota, per="pair"),
        tw.ExportQuota(exporter="USA", importer="DEU", fraction=3.0 * quota, per="pair"),
        tw.TariffRateQuota(
            importer="GBR", exporter="CHN", fraction=0.3 * quota, in_rate=0.0, out_rate=0.2
        ),
        tw.TariffRateQuota(
            importer="GBR",
            exporter=["DEU", "USA"],
            fraction=0.2 * limit,
            in_rate=0.0,
            out_rate=0.3,
            per="importer",
        ),
        tw.ImportQuota(importer="DEU", fraction=0.7 * limit),
        tw.ExportQuota(exporter="JPN", fraction=0.6 * limit),
        tw.Capacity(exporter="CHN", fraction=0.9 * by.get("capacity", 1.0)),
    ]


def values(world: World, case: tw.Scenario, country: str) -> np.ndarray:
    """All outcomes of a country, in the order of KINDS, from the tables of a solve."""
    result = tw.solve(world, case, tolerance=1e-13, backend="cpu")
    rows = result.importers().filter(pl.col("importer") == country).collect()
    weight = rows["expenditure_base"].to_numpy()
    index = weight @ rows["price_index_hat"].to_numpy() / weight.sum()
    abroad = result.flows().filter(pl.col("importer") == country, pl.col("exporter") != country)
    sums = abroad.group_by("exporter").agg(pl.col("value_new").sum()).collect()
    bought = sums["value_new"].to_numpy()
    share = bought / bought.sum()
    kinds = pl.col("kind").is_in(["duty", "levy"]) & (pl.col("receiver") == country)
    revenue = result.transfers().filter(kinds).collect()["amount_new"].sum()
    told = result.welfare().filter(pl.col("country") == country).collect()
    net, surplus = told["net"].sum(), told["consumer_surplus"].sum()
    return np.array([index, bought.sum(), revenue, surplus, net, share @ share])


def slope(at: Callable[[float], np.ndarray], step: float) -> np.ndarray:
    """Derivatives at 0: two central differences, extrapolated."""
    wide, narrow = ((at(by) - at(-by)) / (2 * by) for by in (step, step / 2))
    return (4 * narrow - wide) / 3


@pytest.mark.parametrize(
    ("measures", "country"), [(prices, "USA"), (quantities, "DEU"), (quantities, "GBR")]
)
def test_agrees_with_central_differences(
    measures: Callable[[Factors], list[Measure]],
    country: str,
    random_world: Callable[..., World],
) -> None:
    world = random_world(12, density=1.0, sigma=3.5, epsilon=1.5)
    case = tw.Scenario("case", measures({}))
    tables = [tw.sensitivity(world, case, Outcome(kind, country), backend="cpu") for kind in KINDS]
    at_hand = values(world, case, country)
    told = [table["outcome_value"][0] for table in tables]
    np.testing.assert_allclose(told, at_hand, rtol=1e-9)
    for name in SCALES:
        parts = [table.filter(pl.col("parameter") == name) for table in tables]
        if parts[0].is_empty():
            continue
        assert parts[0]["measure"].n_unique() > 0
        # At the border, it is the floor less the specific duty that is in proportion: none here.
        terms = [part["at"] * part["derivative"] for part in parts]

        def scaled(by: float, name: str = name) -> np.ndarray:
            return values(world, tw.Scenario("case", measures({name: 1 + by})), country)

        found, scale = ([float(f(term)) for term in terms] for f in (pl.Series.sum, largest))
        assert_close(found, slope(scaled, 2e-4), scale)
    rng = np.random.default_rng(0)
    for name in ("tariff", "sigma", "eta", "epsilon"):
        parts = [table.filter(pl.col("parameter") == name) for table in tables]
        scale = [1e-2 * largest(part["derivative"]) for part in parts]
        for row in rng.choice(parts[0].height, min(parts[0].height, 4), replace=False).tolist():
            flow = parts[0].row(row, named=True)

            def moved(
                by: float, name: str = name, row: int = row, flow: dict[str, str] = flow
            ) -> np.ndarray:
                return values(*nudged(world, measures({}), name, row, by, flow), country)

            found = [part["derivative"][row] for part in parts]
            assert_close(found, slope(moved, 2e-4), scale)


def largest(column: pl.Series) -> float:
    return float(column.abs().max())


def assert_close(found: list[float], wanted: np.ndarray, scale: list[float]) -> None:
    """To 1e-6 of each derivative, or of its scale where it is next to nothing."""
    most = 1e-6 * np.maximum(np.abs(wanted), scale)
    assert (np.abs(np.array(found) - wanted) <= most).all(), (found, wanted)


def nudged(
    world: World, measures: list[Measure], name: str, row: int, by: float, flow: dict[str, str]
) -> tuple[World, tw.Scenario]:
    """World and scenario with one tariff or elasticity moved."""
    if name != "tariff":
        values = getattr(world.elasticities, name).copy()
        values[row] += by
        moved = replace(world, elasticities=replace(world.elasticities, **{name: values}))
        return moved, tw.Scenario("case", measures)
    extra = tw.Tariff(
        importer=flow["importer"],
        exporter=flow["exporter"],
        products=[flow["product"]],
        rate=by,
        include_domestic=True,
    )
    return world, tw.Scenario("case", [*measures, extra])


def test_a_limit_that_just_begins_to_bind_has_no_derivative(
    random_world: Callable[..., World],
) -> None:
    world = random_world(12, density=1.0)
    case = tw.Scenario("edge", [tw.ImportQuota(importer="USA", exporter="CHN", fraction=1.0)])
    with pytest.raises(tw.SolveError, match=r"quota on 2846\d0 from CHN to USA just begins"):
        tw.sensitivity(world, case, Outcome("imports", "USA"))
    floor = tw.Scenario("edge", [tw.PriceFloor(importer="USA", exporter="CHN", multiple=1.0)])
    with pytest.raises(tw.SolveError, match="floor on"):
        tw.sensitivity(world, floor, Outcome("imports", "USA"))
    capacity = tw.Scenario("edge", [tw.Capacity(exporter="CHN", fraction=1.0)])
    with pytest.raises(tw.SolveError, match="capacity of CHN"):
        tw.sensitivity(world, capacity, Outcome("imports", "USA"))
    group = tw.Scenario("edge", [tw.ImportQuota(importer="USA", fraction=1.0)])
    with pytest.raises(tw.SolveError, match=r"just begins to bind, and so do 1 more"):
        tw.sensitivity(world, group, Outcome("imports", "USA"))


def test_slack_limits_have_no_effect(random_world: Callable[..., World]) -> None:
    world = random_world(12, density=1.0)
    case = tw.Scenario(
        "slack",
        [
            tw.ImportQuota(importer="USA", fraction=2.0),
            tw.PriceFloor(importer="USA", multiple=0.3),
            tw.Capacity(exporter="CHN", fraction=3.0),
        ],
    )
    table = tw.sensitivity(world, case, Outcome("imports", "USA"), ["limit", "floor", "capacity"])
    assert table.height > 4
    assert table["derivative"].to_list() == [0.0] * table.height


def test_a_capacity_where_supply_is_endless(random_world: Callable[..., World]) -> None:
    world = random_world(13, density=1.0, epsilon=np.inf)
    outcome = Outcome("welfare", "USA")

    def case(by: float) -> tw.Scenario:
        return tw.Scenario("case", [tw.Capacity(exporter="CHN", fraction=0.8 + by)])

    table = tw.sensitivity(world, case(0.0), outcome, "limit", backend="cpu")
    assert table["exporter"].to_list() == ["CHN", "CHN"]
    wanted = slope(lambda by: values(world, case(by), "USA"), 1e-3)[KINDS.index("welfare")]
    np.testing.assert_allclose(table["derivative"].sum(), wanted, rtol=1e-6)
