import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tradewedge as tw
from tradewedge.duty import stack
from tradewedge.errors import ConfigError
from tradewedge.policy import Wedges, compile_wedges, shock
from tradewedge.policy.measures import Measure

USA = {"importer": "USA"}


def compiled(world: tw.World, *measures: Measure, **options: str) -> Wedges:
    return compile_wedges(world, tw.Scenario("case", measures, **options))


def row(world: tw.World, product: str, exporter: str, importer: str) -> int:
    keys = zip(
        (world.products[k] for k in world.flow_product),
        (world.countries[i] for i in world.flow_exporter),
        (world.countries[j] for j in world.flow_importer),
        strict=True,
    )
    return list(keys).index((product, exporter, importer))


def on_row(wedges: Wedges, at: int) -> dict[str, float]:
    return {
        duty.authority: float(duty.rate[duty.rows == at][0])
        for duty in wedges.duties
        if (duty.rows == at).any()
    }


def test_no_measure_changes_nothing(world: tw.World) -> None:
    wedges = compiled(world)
    found = shock(world, wedges)
    assert not found.log_cost.any()
    assert not found.log_supply.any()
    assert not found.log_demand.any()
    assert found.admitted.all()
    np.testing.assert_array_equal(wedges.tariff_new, world.tariff_base)
    assert not wedges.touched_flows.any()
    assert not wedges.touched_products.any()
    assert wedges.matches == ()
    assert wedges.warnings == ()


def test_add_stacks_a_component(world: tw.World) -> None:
    at = row(world, "284690", "CHN", "USA")
    wedges = compiled(
        world, tw.Tariff(importer="USA", exporter="CHN", rate=0.1, authority="Section 232")
    )
    assert on_row(wedges, at) == {"MFN": 0.05, "Section 301": 0.25, "Section 232": 0.1}
    assert wedges.tariff_new[at] == pytest.approx(0.4)
    assert shock(world, wedges).log_cost[at] == pytest.approx(np.log(1.4 / 1.3))
    other = row(world, "850511", "JPN", "USA")
    assert wedges.tariff_new[other] == world.tariff_base[other]


def test_the_same_authority_is_one_component(world: tw.World) -> None:
    at = row(world, "284690", "CHN", "USA")
    china = tw.Tariff(importer="USA", exporter="CHN", rate=0.1)
    magnets = tw.Tariff(importer="USA", products="28", rate=0.2)
    mfn = tw.Tariff(importer="USA", products="284690", rate=0.01, authority="MFN")
    wedges = compiled(world, china, magnets, mfn)
    names = [duty.authority for duty in wedges.duties]
    assert sorted(names) == ["MFN", "Section 301", "Tariff (scenario)"]
    assert on_row(wedges, at) == pytest.approx(
        {"MFN": 0.06, "Section 301": 0.25, "Tariff (scenario)": 0.3}
    )


def test_set_leaves_exactly_one_rate(world: tw.World) -> None:
    at = row(world, "284690", "CHN", "USA")
    wedges = compiled(
        world,
        tw.Tariff(importer="USA", exporter="CHN", rate=0.1),
        tw.Tariff(importer="USA", exporter="CHN", rate=0.15, mode="set", authority="Deal"),
    )
    assert on_row(wedges, at) == {"Deal": 0.15}
    assert wedges.tariff_new[at] == 0.15
    assert on_row(wedges, row(world, "850511", "JPN", "USA")) == {"MFN": 0.02}


def test_multiply_scales_every_component(world: tw.World) -> None:
    at = row(world, "284690", "CHN", "USA")
    wedges = compiled(world, tw.Tariff(importer="USA", rate=2, mode="multiply"))
    assert on_row(wedges, at) == {"MFN": 0.1, "Section 301": 0.5}
    gone = compiled(world, tw.Tariff(importer="USA", rate=0, mode="multiply"))
    assert gone.tariff_new[at] == 0.0


def test_order_counts(world: tw.World) -> None:
    at = row(world, "284690", "CHN", "USA")
    add = tw.Tariff(**USA, rate=0.1)
    set_ = tw.Tariff(**USA, rate=0.2, mode="set", authority="Deal")
    assert compiled(world, add, set_).tariff_new[at] == 0.2
    assert compiled(world, set_, add).tariff_new[at] == pytest.approx(0.3)


@pytest.mark.parametrize("mode", ["set", "multiply"])
def test_unknown_duties_cannot_be_replaced(world: tw.World, mode: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"mode {mode} .*does not know those of CHN, DEU.*those of USA\. Use"
    ):
        compiled(world, tw.Tariff(rate=0.1, mode=mode))


def test_adding_to_unknown_duties_is_said(world: tw.World) -> None:
    wedges = compiled(world, tw.Tariff(importer=["DEU", "USA"], products="28", rate=0.1))
    assert len(wedges.warnings) == 1
    assert (
        "duties in force of 1 of its importers are unknown and taken as 0 (DEU)"
        in (wedges.warnings[0])
    )
    assert compiled(world, tw.Tariff(importer="USA", rate=0.1)).warnings == ()


def test_costs_multiply_and_export_taxes_add(world: tw.World) -> None:
    at = row(world, "284690", "CHN", "JPN")
    tax = {"exporter": "CHN", "products": "2846"}
    wedges = compiled(
        world,
        tw.TradeCost(exporter="CHN", factor=1.1),
        tw.TradeCost(exporter="CHN", factor=1.2),
        tw.ExportTax(**tax, rate=0.1, authority="A"),
        tw.ExportTax(**tax, rate=0.05, authority="B"),
        tw.ExportTax(**tax, rate=0.05, authority="B"),
    )
    assert wedges.trade_cost[at] == pytest.approx(1.32)
    assert wedges.export_tax[at] == pytest.approx(0.2)
    assert [duty.authority for duty in wedges.export_taxes] == ["A", "B"]
    assert shock(world, wedges).log_cost[at] == pytest.approx(np.log(1.32) + np.log(1.2))
    np.testing.assert_array_equal(wedges.tariff_new, world.tariff_base)


def test_exclusion_closes_flows(world: tw.World) -> None:
    wedges = compiled(world, tw.Exclusion(importer="USA", exporter="CHN", products="2846"))
    closed = np.flatnonzero(~wedges.admitted)
    assert closed.tolist() == [
        row(world, "284610", "CHN", "USA"),
        row(world, "284690", "CHN", "USA"),
    ]
    assert [world.products[k] for k in np.flatnonzero(wedges.touched_products)] == [
        "284610",
        "284690",
    ]
    np.testing.assert_array_equal(shock(world, wedges).admitted, wedges.admitted)


def test_exclusion_needs_sigma_above_one(world: tw.World) -> None:
    low = world.with_elasticities(
        pl.DataFrame(
            {
                "product": ["", "2846"],
                "sigma": [5.0, 1.0],
                "eta": [0.5, 0.5],
                "epsilon": [1.0, 1.0],
                "source": ["", ""],
            }
        )
    )
    with pytest.raises(
        ConfigError, match=r"sigma > 1.*; 2 of its products have less: 284610 \(sigma 1\), 284690"
    ):
        compiled(low, tw.Exclusion(exporter="CHN"))
    assert not compiled(low, tw.Exclusion(exporter="CHN", products="85")).admitted.all()


def test_shifts_reach_their_rows(world: tw.World) -> None:
    wedges = compiled(
        world,
        tw.SupplyShift(exporter="CHN", products="2846", factor=0.5),
        tw.SupplyShift(exporter="CHN", products="284690", factor=0.5),
        tw.DemandShift(importer="USA", products="85", factor=1.5),
    )
    supply = {
        (world.products[k], world.countries[i]): z
        for k, i, z in zip(
            world.exporter_product, world.exporter_country, wedges.supply, strict=True
        )
    }
    assert supply.pop(("284610", "CHN")) == 0.5
    assert supply.pop(("284690", "CHN")) == 0.25
    assert set(supply.values()) == {1.0}
    demand = wedges.demand != 1
    assert demand.sum() == 1
    assert world.products[world.importer_product[demand][0]] == "850511"
    found = shock(world, wedges)
    np.testing.assert_allclose(np.exp(found.log_supply), wedges.supply)
    np.testing.assert_allclose(np.exp(found.log_demand), wedges.demand)
    assert not found.log_cost.any()
    assert wedges.touched_flows[row(world, "284690", "CHN", "CHN")]


def test_infinite_supply_cannot_be_shifted(world: tw.World) -> None:
    fixed = world.with_elasticities(epsilon=np.inf)
    with pytest.raises(ConfigError, match=r"infinitely elastic.*284610 of CHN, 284690 of CHN"):
        compiled(fixed, tw.SupplyShift(exporter="CHN", factor=2))


def test_totals_stay_above_minus_one(world: tw.World) -> None:
    relief = tw.Tariff(importer="USA", products="2846", rate=-0.6)
    with pytest.raises(ConfigError, match=r"duties sum to -118 % on 4 flows, the first 284610 AUS"):
        compiled(world, relief, relief)
    subsidy = tw.ExportTax(exporter="AUS", rate=-0.5)
    with pytest.raises(ConfigError, match="export taxes sum to -100 %"):
        compiled(world, subsidy, subsidy)


def test_hypothetical_shows_in_every_label(world: tw.World) -> None:
    wedges = compiled(
        world,
        tw.Exclusion(exporter="CHN", label="no China"),
        tw.Exclusion(exporter="JPN", label="no Japan", status="hypothetical"),
        status="hypothetical",
    )
    assert [match.label for match in wedges.matches] == [
        "no China (hypothetical)",
        "no Japan (hypothetical)",
    ]


def test_errors_name_scenario_and_measure(world: tw.World) -> None:
    with pytest.raises(ConfigError, match=r"scenario 'case', measure 2 \(Tariff\): exporter"):
        compiled(world, tw.Exclusion(exporter="CHN"), tw.Tariff(exporter="XXX", rate=0.1))


modes = st.sampled_from(["add", "set", "multiply"])
rates = st.floats(0.0, 1.9)  # from 2 on they look like percentages
exporters = st.sampled_from(["*", "AUS", "CHN", "DEU", "JPN"])


@st.composite
def us_tariffs(draw: st.DrawFn, product: str | None = None) -> Measure:
    return tw.Tariff(
        importer="USA",
        exporter=draw(exporters),
        products=product or draw(st.sampled_from(["*", "2846", "284610", "850511"])),
        rate=draw(rates),
        mode=draw(modes),
        authority=draw(st.sampled_from([None, "MFN", "Section 232"])),
        allow_empty=True,
    )


@given(measures=st.lists(us_tariffs(), max_size=5))
def test_the_total_is_the_sum_of_its_components(world: tw.World, measures: list[Measure]) -> None:
    wedges = compiled(world, *measures)
    total = stack(wedges.duties, world.value.size)
    np.testing.assert_allclose(wedges.tariff_new, total, rtol=1e-12, atol=1e-15)
    names = [duty.authority for duty in wedges.duties]
    assert len(names) == len(set(names))
    assert all(np.all(np.diff(duty.rows) > 0) for duty in wedges.duties)


@given(measures=st.lists(us_tariffs(), max_size=4), rate=rates)
def test_set_at_the_end_leaves_its_rate(
    world: tw.World, measures: list[Measure], rate: float
) -> None:
    last = tw.Tariff(importer="USA", products="2846", rate=rate, mode="set")
    wedges = compiled(world, *measures, last)
    us, products = world.countries.index("USA"), ("284610", "284690")
    imported = (world.flow_importer == us) & (world.flow_exporter != us)
    held = np.isin(np.array(world.products)[world.flow_product], products)
    for at in np.flatnonzero(imported & held):
        assert on_row(wedges, int(at)) == {"Tariff (scenario)": rate}
        assert wedges.tariff_new[at] == rate


@given(
    measures=st.tuples(*(us_tariffs(p) for p in ("284610", "284690", "850511"))),
    order=st.permutations(range(3)),
)
def test_disjoint_measures_commute(
    world: tw.World, measures: tuple[Measure, ...], order: list[int]
) -> None:
    one = compiled(world, *measures)
    other = compiled(world, *(measures[i] for i in order))
    np.testing.assert_array_equal(one.tariff_new, other.tariff_new)
    components = [
        {duty.authority: dict(zip(duty.rows, duty.rate, strict=True)) for duty in wedges.duties}
        for wedges in (one, other)
    ]
    assert components[0] == components[1]
    np.testing.assert_array_equal(shock(world, one).log_cost, shock(world, other).log_cost)


@given(factors=st.lists(st.floats(0.2, 5), max_size=5), data=st.data())
def test_factors_commute(world: tw.World, factors: list[float], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(factors))
    cost = [
        compiled(world, *(tw.TradeCost(exporter="CHN", factor=f) for f in order)).trade_cost
        for order in (factors, shuffled)
    ]
    np.testing.assert_allclose(cost[0], cost[1])
