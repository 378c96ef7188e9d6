"""What price- and quantity-dependent measures compile to, on arrays."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tradewedge as tw
from tradewedge.errors import ConfigError
from tradewedge.kernels.market import Instruments
from tradewedge.policy import Wedges, compile_wedges, shock
from tradewedge.policy.measures import Measure

LI, RE, CO = {"products": "283691"}, {"products": "284690"}, {"products": "810520"}
USA = {"importer": "USA"}


def compiled(world: tw.World, *measures: Measure) -> Wedges:
    wedges = compile_wedges(world, tw.Scenario("case", measures))
    check(world, wedges)
    return wedges


def check(world: tw.World, wedges: Wedges) -> None:
    """Shapes, ranges and the tie between instruments and owners."""
    found, owners = wedges.instruments, wedges.owners
    assert (found is None) == (owners is None)
    held = shock(world, wedges).instruments
    assert (found is None) == (held is None)
    if found is not None and held is not None:
        for field in fields(Instruments):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(held, field.name))
    if found is None or owners is None:
        return
    f, x = world.value.size, world.exporter_country.size
    for name in ("specific", "floor", "dispersion", "quota", "beyond_quota"):
        assert getattr(found, name).shape == (f,)
    for name in ("capacity", "strike", "covered", "upside"):
        assert getattr(found, name).shape == (x,)
    assert found.group_limit.size == len(owners.groups) == found.group_ptr.size - 1
    assert (found.group_limit > 0).all()
    assert (found.quota > 0).all()
    assert wedges.admitted[found.group_flow].all()
    for g, group in enumerate(owners.groups):
        part = slice(*found.group_ptr[g : g + 2])
        assert found.group_weight[part].sum() == pytest.approx(1.0)
        assert set(world.flow_product[found.group_flow[part]]) == {group.product}
        assert group.limit == found.group_limit[g]
        assert wedges.authority(group.measure) == group.authority
    total = np.zeros(f)
    for duty in owners.specific_duties:
        total[duty.rows] += duty.rate
    np.testing.assert_allclose(total, found.specific)
    np.testing.assert_array_equal(owners.floor_measure >= 0, found.floor > 0)
    np.testing.assert_array_equal(owners.quota_measure >= 0, np.isfinite(found.quota))
    np.testing.assert_array_equal(
        np.isfinite(owners.tariff_beyond), np.isfinite(found.beyond_quota)
    )
    np.testing.assert_array_equal(owners.capacity_measure >= 0, np.isfinite(found.capacity))
    np.testing.assert_array_equal(owners.cfd_measure >= 0, found.strike > 0)


def at(world: tw.World, product: str, exporter: str, importer: str) -> int:
    key = [world.products.index(product)]
    key += [world.countries.index(code) for code in (exporter, importer)]
    columns = (world.flow_product, world.flow_exporter, world.flow_importer)
    (row,) = np.flatnonzero(np.all([c == k for c, k in zip(columns, key, strict=True)], axis=0))
    return int(row)


def seller(world: tw.World, product: str, exporter: str) -> int:
    rows = (world.exporter_product == world.products.index(product)) & (
        world.exporter_country == world.countries.index(exporter)
    )
    return int(np.flatnonzero(rows)[0])


def test_constant_measures_need_no_instruments(weighed: tw.World) -> None:
    case = (tw.Tariff(rate=0.1), tw.Exclusion(**RE, exporter="CHN"), tw.TradeCost(factor=1.1))
    assert compiled(weighed, *case).instruments is None


class TestFloors:
    def test_per_kg_duty_paid(self, weighed: tw.World) -> None:
        wedges = compiled(weighed, tw.PriceFloor(**USA, **RE, usd_per_kg=20))
        row = at(weighed, "284690", "CHN", "USA")
        # 200 thousand USD of 20 t is 10 USD/kg at the border and 12.50 with the duty of 25 %.
        assert wedges.instruments.floor[row] == pytest.approx(20 / 12.5)
        assert np.count_nonzero(wedges.instruments.floor) == 1
        assert not wedges.owners.floor_taxed.any()
        assert wedges.tariff_new is not None

    def test_per_kg_at_the_border(self, weighed: tw.World) -> None:
        wedges = compiled(
            weighed,
            tw.PriceFloor(**USA, **RE, usd_per_kg=20, basis="border"),
            tw.Tariff(**USA, **RE, rate=0.05),
            tw.TradeCost(**USA, **RE, factor=1.1),
            tw.SpecificDuty(**USA, **RE, usd_per_kg=1),
        )
        row = at(weighed, "284690", "CHN", "USA")
        assert wedges.instruments.floor[row] == pytest.approx((20 * 1.1 * 1.3 + 1) / 12.5)
        assert wedges.owners.floor_taxed[row]
        assert not wedges.owners.floor_rent_to_exporter[row]

    def test_per_mineral(self, weighed: tw.World) -> None:
        row = at(weighed, "284690", "CHN", "USA")
        for content, share in (("low", 0.05), ("central", 0.15), ("high", 0.30), (0.2, 0.2)):
            floor = tw.PriceFloor(**USA, **RE, usd_per_kg=110, per="NdPr", content=content)
            found = compiled(weighed, floor).instruments.floor[row]
            assert found == pytest.approx(110 * share / 12.5)

    def test_unknown_content_names_the_table(self, weighed: tw.World) -> None:
        with pytest.raises(ConfigError, match=r"measure 1 \(PriceFloor\).*content\.csv.*a number"):
            compiled(
                weighed, tw.PriceFloor(**USA, usd_per_kg=110, per="NdPr", **LI, missing_tons="skip")
            )

    def test_multiples_need_no_tons(self, world: tw.World) -> None:
        wedges = compiled(world, tw.PriceFloor(**USA, multiple=1.5, rent="exporter"))
        touched = wedges.instruments.floor > 0
        np.testing.assert_array_equal(wedges.instruments.floor[touched], 1.5)
        np.testing.assert_array_equal(touched, wedges.touched_flows)
        assert wedges.owners.floor_taxed[touched].all()
        assert wedges.owners.floor_rent_to_exporter[touched].all()

    def test_the_highest_wins(self, weighed: tw.World) -> None:
        low = tw.PriceFloor(**USA, **RE, multiple=1.2, authority="low", dispersion=0.3)
        high = tw.PriceFloor(**USA, **RE, usd_per_kg=20, authority="high", rent="exporter")
        row = at(weighed, "284690", "CHN", "USA")
        for measures in ((low, high), (high, low)):
            wedges = compiled(weighed, *measures)
            assert wedges.instruments.floor[row] == pytest.approx(1.6)
            assert wedges.instruments.dispersion[row] == 0
            assert wedges.authority(int(wedges.owners.floor_measure[row])) == "high"
            assert wedges.owners.floor_rent_to_exporter[row]


class TestTons:
    FLOOR = tw.PriceFloor(**USA, **LI, usd_per_kg=15)

    def test_missing_is_an_error_that_counts(self, weighed: tw.World) -> None:
        with pytest.raises(
            ConfigError,
            match=r"does not know for 1 of 3 flows \(13 % of their value\), the first 283691 CHN "
            r'to USA\. Set missing_tons to "skip"',
        ):
            compiled(weighed, self.FLOOR)

    def test_no_tons_at_all_names_a_world_that_has(self, world: tw.World) -> None:
        with pytest.raises(ConfigError, match=r"world 'small' does not know .*\"minerals\""):
            compiled(world, tw.SpecificDuty(**USA, usd_per_kg=1))

    @pytest.mark.parametrize(("rule", "floor"), [("skip", 0.0), ("average", 15 / 15)])
    def test_skip_and_average(self, weighed: tw.World, rule: str, floor: float) -> None:
        measure = tw.PriceFloor(**USA, **LI, usd_per_kg=15, missing_tons=rule)
        wedges = compiled(weighed, measure)
        row = at(weighed, "283691", "CHN", "USA")
        # Known imports: 600 thousand USD of 40 t.
        assert wedges.instruments.floor[row] == pytest.approx(floor)
        assert wedges.matches[0].without_tons == 1
        assert "1 of 3 flows (13 % of their value) have no tons" in wedges.warnings[0]

    def test_an_average_may_come_from_elsewhere(self, weighed: tw.World) -> None:
        measure = tw.PriceFloor(**USA, **CO, usd_per_kg=30, missing_tons="average")
        found = compiled(weighed, measure).instruments.floor[at(weighed, "810520", "COD", "USA")]
        assert found == pytest.approx(30 / 15)
        with pytest.raises(ConfigError, match="does not know for 1 of 1 flows"):
            compiled(weighed, tw.PriceFloor(**USA, **CO, usd_per_kg=30, missing_tons="skip"))


class TestSpecificDuties:
    def test_they_add_up_by_authority(self, weighed: tw.World) -> None:
        one = tw.SpecificDuty(**USA, **RE, usd_per_kg=2, authority="A")
        other = tw.SpecificDuty(**USA, **RE, usd_per_kg=3, authority="B")
        wedges = compiled(weighed, one, other, one)
        row = at(weighed, "284690", "CHN", "USA")
        assert wedges.instruments.specific[row] == pytest.approx(7 / 12.5)
        rates = {d.authority: d.rate for d in wedges.owners.specific_duties}
        assert rates == {"A": pytest.approx(4 / 12.5), "B": pytest.approx(3 / 12.5)}

    def test_a_compound_duty_is_two(self, weighed: tw.World) -> None:
        printed = tw.CompoundDuty(**USA, **RE, text="50¢/kg + 4%", authority="A")
        two = [
            tw.SpecificDuty(**USA, **RE, usd_per_kg=0.5, authority="A"),
            tw.Tariff(**USA, **RE, rate=0.04, authority="A"),
        ]
        one, other = compiled(weighed, printed), compiled(weighed, *two)
        np.testing.assert_array_equal(one.tariff_new, other.tariff_new)
        np.testing.assert_array_equal(one.instruments.specific, other.instruments.specific)
        content = tw.CompoundDuty(
            **USA, **LI, text="37.5¢/kg on lithium content", missing_tons="skip"
        )
        found = compiled(weighed, content).instruments.specific
        assert found[at(weighed, "283691", "CHL", "USA")] == pytest.approx(0.375 * 0.188 / 20)

    def test_set_and_multiply_reach_them(self, weighed: tw.World) -> None:
        duty = tw.SpecificDuty(**USA, **RE, usd_per_kg=2)
        gone = compiled(weighed, duty, tw.Tariff(**USA, rate=0.1, mode="set"))
        assert gone.instruments is None
        twice = compiled(weighed, duty, tw.Tariff(**USA, rate=2, mode="multiply"))
        row = at(weighed, "284690", "CHN", "USA")
        assert twice.instruments.specific[row] == pytest.approx(4 / 12.5)


class TestQuotas:
    def test_a_lone_flow_has_its_own(self, weighed: tw.World) -> None:
        wedges = compiled(weighed, tw.ImportQuota(**USA, **RE, tons=5, rent="exporter"))
        row = at(weighed, "284690", "CHN", "USA")
        assert wedges.instruments.quota[row] == pytest.approx(0.25)
        assert np.isinf(wedges.instruments.beyond_quota).all()
        assert wedges.owners.groups == ()
        assert wedges.owners.quota_rent_to_exporter[row]

    def test_several_flows_share_one(self, weighed: tw.World) -> None:
        quota = tw.ImportQuota(importer="CHN", **LI, tons=60, authority="Q")
        wedges = compiled(weighed, quota)
        (group,) = wedges.owners.groups
        assert (group.kind, group.per, group.unit, group.rent) == (
            "import_quota", "importer", "CHN", "importer",
        )  # fmt: skip
        assert group.limit == pytest.approx(60 / 80)
        assert group.tons_base == pytest.approx(80)
        assert (group.authority, group.weighted_by) == ("Q", "tons")
        np.testing.assert_allclose(wedges.instruments.group_weight, [30 / 80, 50 / 80])

    def test_per_exporter_leaves_home_alone(self, weighed: tw.World) -> None:
        wedges = compiled(weighed, tw.ExportQuota(exporter="CHL", **LI, fraction=0.5))
        (group,) = wedges.owners.groups
        assert (group.per, group.unit, group.rent) == ("exporter", "CHL", "exporter")
        assert at(weighed, "283691", "CHL", "CHL") not in wedges.instruments.group_flow

    def test_per_pair_and_global(self, weighed: tw.World) -> None:
        pairs = compiled(weighed, tw.ExportQuota(exporter="CHL", **LI, fraction=0.5, per="pair"))
        assert np.isfinite(pairs.instruments.quota).sum() == 2
        every = compiled(weighed, tw.ExportQuota(**LI, fraction=0.5, per="global"))
        (group,) = every.owners.groups
        assert (group.unit, every.instruments.group_flow.size) == ("", 5)

    def test_values_weigh_where_tons_are_unknown(self, weighed: tw.World) -> None:
        wedges = compiled(weighed, tw.ImportQuota(**USA, **LI, fraction=0.5))
        (group,) = wedges.owners.groups
        assert group.weighted_by == "value"
        assert np.isnan(group.tons_base)
        assert sorted(wedges.instruments.group_weight) == pytest.approx(
            [90 / 690, 200 / 690, 400 / 690]
        )

    def test_tons_over_products_are_shared_alike(self, weighed: tw.World) -> None:
        quota = tw.ExportQuota(
            exporter=["CHL", "CHN"],
            importer="CHN",
            products=["283691", "810520"],
            tons=1,
            allow_empty=True,
        )
        assert compiled(weighed, quota).instruments.quota.min() == pytest.approx(1 / 50)
        both = tw.ImportQuota(importer="CHN", products=["283691", "810520"], tons=35)
        wedges = compiled(weighed, both)
        limits = [*wedges.instruments.group_limit, wedges.instruments.quota.min()]
        assert limits == pytest.approx([35 / 140] * 2)

    def test_contained_tons(self, weighed: tw.World) -> None:
        quota = tw.ExportQuota(exporter="COD", importer="CHN", **CO, tons=18, mineral="cobalt")
        wedges = compiled(weighed, quota)
        assert wedges.instruments.quota.min() == pytest.approx(18 / (60 * 0.6))

    def test_the_tightest_wins(self, weighed: tw.World) -> None:
        one = tw.ImportQuota(**USA, **RE, fraction=0.5, authority="one")
        two = tw.ExportQuota(exporter="CHN", importer="USA", **RE, fraction=0.25, authority="two")
        row = at(weighed, "284690", "CHN", "USA")
        for measures in ((one, two), (two, one)):
            wedges = compiled(weighed, *measures)
            assert wedges.instruments.quota[row] == 0.25
            assert wedges.authority(int(wedges.owners.quota_measure[row])) == "two"
            assert wedges.owners.quota_rent_to_exporter[row]

    def test_nothing_allowed_is_an_exclusion(self, weighed: tw.World) -> None:
        wedges = compiled(weighed, tw.ImportQuota(**USA, **RE, tons=0))
        assert not wedges.admitted[at(weighed, "284690", "CHN", "USA")]
        closed = compiled(weighed, tw.Exclusion(**USA, **RE))
        np.testing.assert_array_equal(wedges.admitted, closed.admitted)

    def test_excluded_members_leave_the_limit_in_tons(self, weighed: tw.World) -> None:
        quota = tw.ImportQuota(importer="CHN", **LI, tons=20)
        closed = tw.Exclusion(importer="CHN", exporter="ARG", **LI)
        wedges = compiled(weighed, quota, closed)
        (group,) = wedges.owners.groups
        assert group.limit * group.tons_base == pytest.approx(20)
        assert group.tons_base == pytest.approx(50)


class TestTariffRateQuotas:
    QUOTA = tw.TariffRateQuota(**USA, **RE, tons=5, in_rate=0.05, out_rate=0.30, authority="T")

    def test_two_rates_on_top(self, weighed: tw.World) -> None:
        wedges = compiled(weighed, self.QUOTA)
        row = at(weighed, "284690", "CHN", "USA")
        assert wedges.tariff_new[row] == pytest.approx(0.30)
        assert wedges.owners.tariff_beyond[row] == pytest.approx(0.55)
        assert wedges.instruments.quota[row] == pytest.approx(0.25)
        assert wedges.instruments.beyond_quota[row] == pytest.approx(np.log(1.55 / 1.30))
        assert [duty.authority for duty in wedges.duties] == ["MFN", "T"]

    def test_set_replaces(self, weighed: tw.World) -> None:
        quota = tw.TariffRateQuota(
            **USA, **RE, fraction=0.25, in_rate=0.0, out_rate=0.5, mode="set", rent="exporter"
        )
        wedges = compiled(weighed, quota)
        row = at(weighed, "284690", "CHN", "USA")
        assert wedges.tariff_new[row] == 0
        assert wedges.instruments.beyond_quota[row] == pytest.approx(np.log(1.5))
        assert wedges.owners.quota_rent_to_exporter[row]

    def test_nothing_within_is_the_higher_duty(self, weighed: tw.World) -> None:
        zero = tw.TariffRateQuota(**USA, **RE, tons=0, in_rate=0.05, out_rate=0.3, authority="T")
        plain = tw.Tariff(**USA, **RE, rate=0.3, authority="T")
        one, other = compiled(weighed, zero), compiled(weighed, plain)
        assert one.instruments is None
        np.testing.assert_array_equal(one.tariff_new, other.tariff_new)

    def test_one_quota_of_an_importer_for_all_its_suppliers(self, weighed: tw.World) -> None:
        quota = tw.TariffRateQuota(
            importer="CHN", **LI, tons=20, in_rate=0.0, out_rate=0.2, per="importer", mode="add"
        )
        wedges = compiled(weighed, quota)
        (group,) = wedges.owners.groups
        assert (group.kind, group.per, group.unit) == ("tariff_rate_quota", "importer", "CHN")
        assert group.limit * group.tons_base == pytest.approx(20)
        found = wedges.instruments
        assert np.exp(found.group_beyond) == pytest.approx([1.2])
        assert np.isinf(found.quota).all()
        assert not any("prices rise" in text for text in wedges.warnings)

    def test_duties_that_differ_within_one_quota_are_told(self, weighed: tw.World) -> None:
        duty = tw.Tariff(importer="CHN", exporter="ARG", **LI, rate=0.25)
        quota = tw.TariffRateQuota(
            importer="CHN", **LI, fraction=0.5, in_rate=0.0, out_rate=0.5, per="importer"
        )
        wedges = compiled(weighed, duty, quota)
        (factor,) = np.exp(wedges.instruments.group_beyond)
        assert 1.4 < factor < 1.5
        assert "prices rise by 40.0 to 50.0 %" in wedges.warnings[-1]

    def test_whoever_pays_no_more_beyond_it_is_left_out(self, weighed: tw.World) -> None:
        quota = tw.TariffRateQuota(
            importer="CHN", **LI, fraction=0.5, in_rate=0.0, out_rate=0.2, per="importer"
        )
        deal = tw.Agreement(members="ARG", importer="CHN", **LI, cap=0.0)
        wedges = compiled(weighed, quota, deal)
        left = {int(row) for row in wedges.instruments.group_flow}
        left |= set(np.flatnonzero(np.isfinite(wedges.instruments.quota)).tolist())
        assert at(weighed, LI["products"], "ARG", "CHN") not in left
        assert left

    def test_a_hard_limit_beside_it_becomes_a_group(self, weighed: tw.World) -> None:
        wedges = compiled(weighed, self.QUOTA, tw.ImportQuota(**USA, **RE, tons=10))
        (group,) = wedges.owners.groups
        assert (group.limit, group.tons_base) == pytest.approx((0.5, 20))
        assert wedges.instruments.quota[at(weighed, "284690", "CHN", "USA")] == 0.25

    def test_one_per_flow(self, weighed: tw.World) -> None:
        with pytest.raises(ConfigError, match="284690 CHN to USA already has a tariff-rate quota"):
            compiled(weighed, self.QUOTA, self.QUOTA)
        replaced = compiled(weighed, self.QUOTA, tw.Tariff(**USA, **RE, rate=0.1, mode="set"))
        assert replaced.instruments is None


class TestProducers:
    def test_capacity(self, weighed: tw.World) -> None:
        wedges = compiled(
            weighed,
            tw.Capacity(exporter="CHL", **LI, tons=60),
            tw.Capacity(exporter="CHL", **LI, fraction=0.9),
        )
        row = seller(weighed, "283691", "CHL")
        assert wedges.instruments.capacity[row] == pytest.approx(60 / 75)
        assert wedges.owners.capacity_measure[row] == 0
        assert wedges.matches[0].flows == 3

    def test_a_capacity_grows_from_baseline_output(self, weighed: tw.World) -> None:
        plant = {"exporter": "CHL", **LI, "start": "2026-01-01", "ramp_until": "2028-01-01"}
        for limit, full in (({"tons": 60}, 60 / 75), ({"fraction": 3}, 3.0), ({"tons": 0}, 0.0)):
            case = tw.Scenario("plant", [tw.Capacity(**plant, **limit)])
            row = seller(weighed, "283691", "CHL")
            for day, reached in (("2026-01-01", 0.0), ("2027-01-01", 0.5)):
                wedges = compile_wedges(weighed, case.at(day))
                assert wedges.instruments.capacity[row] == pytest.approx(1 + reached * (full - 1))
            (grown,) = case.at("2028-01-01").measures
            assert grown.reached == 1
        assert "50 % of the way there" in case.at("2027-01-01").measures[0].title

    def test_no_capacity_is_an_exclusion_at_home_too(self, weighed: tw.World) -> None:
        wedges = compiled(weighed, tw.Capacity(exporter="CHL", **LI, fraction=0))
        assert np.count_nonzero(~wedges.admitted) == 3

    def test_capacity_under_elastic_supply_is_a_group(self, weighed: tw.World) -> None:
        elastic = weighed.with_elasticities(epsilon=np.inf)
        wedges = compiled(elastic, tw.Capacity(exporter="CHL", **LI, tons=60))
        (group,) = wedges.owners.groups
        assert (group.kind, group.rent, group.unit) == ("capacity", "producer", "CHL")
        assert group.limit == pytest.approx(60 / 75)
        assert wedges.instruments.group_flow.size == 3
        half = tw.Capacity(exporter="CHL", **LI, tons=30, mineral="lithium", content=0.5)
        (group,) = compiled(elastic, half).owners.groups
        assert (group.limit, group.tons_base) == (pytest.approx(60 / 75), pytest.approx(75 / 2))

    def test_contract_for_differences(self, weighed: tw.World) -> None:
        contract = tw.ContractForDifference(
            exporter="USA", **RE, usd_per_kg=110, per="NdPr", upside_share=0.3, covered=0.8
        )
        wedges = compiled(weighed, contract)
        row = seller(weighed, "284690", "USA")
        # Home sales count: 160 thousand USD of 62 t.
        assert wedges.instruments.strike[row] == pytest.approx(110 * 0.15 / (160 / 62))
        assert (wedges.instruments.upside[row], wedges.instruments.covered[row]) == (0.3, 0.8)
        relative = compiled(weighed, tw.ContractForDifference(exporter="USA", **RE, multiple=1.2))
        assert relative.instruments.strike[row] == 1.2
        with pytest.raises(ConfigError, match="284690 of USA already has a contract"):
            compiled(weighed, contract, contract)

    def test_infinite_supply_takes_no_contract(self, weighed: tw.World) -> None:
        elastic = weighed.with_elasticities(epsilon=np.inf)
        with pytest.raises(ConfigError, match=r"no equilibrium where supply is infinitely.*of USA"):
            compiled(elastic, tw.ContractForDifference(exporter="USA", multiple=1.2))

    @pytest.mark.parametrize(
        "measure",
        [
            tw.Capacity(exporter="CHN", fraction=0.5),
            tw.ContractForDifference(exporter="CHN", multiple=2),
            tw.SupplyShift(exporter="CHN", tons=5),
        ],
    )
    def test_output_must_be_seen(self, one_importer: tw.World, measure: Measure) -> None:
        with pytest.raises(ConfigError, match="sees only the imports of USA"):
            compiled(one_importer, measure)


class TestSupplyInTons:
    def test_factor_from_tons(self, weighed: tw.World) -> None:
        wedges = compiled(weighed, tw.SupplyShift(exporter="CHL", **LI, tons=15))
        assert wedges.supply[seller(weighed, "283691", "CHL")] == pytest.approx(1 + 15 / 75)
        assert wedges.instruments is None

    @pytest.mark.parametrize("arguments", [{"tons": 6.2}, {"factor": 1.1}])
    def test_joint_products(self, weighed: tw.World, arguments: dict[str, float]) -> None:
        plant = tw.SupplyShift(
            exporter="CHN", **RE, joint={"283691": 0.1}, missing_tons="average", **arguments
        )
        wedges = compiled(weighed, plant)
        added = arguments.get("tons", 15.0)
        assert wedges.supply[seller(weighed, "284690", "CHN")] == pytest.approx(1 + added / 150)
        # 90 thousand USD at the average 15 USD/kg of US imports: 6 t.
        assert wedges.supply[seller(weighed, "283691", "CHN")] == pytest.approx(1 + 0.1 * added / 6)
        assert wedges.touched_flows[at(weighed, "283691", "CHN", "USA")]
        assert wedges.matches[0].without_tons == 1

    def test_no_baseline_is_an_error(self, weighed: tw.World) -> None:
        with pytest.raises(ConfigError, match=r"joint 810520: USA sells none .* no baseline"):
            compiled(weighed, tw.SupplyShift(exporter="USA", **RE, tons=5, joint={"810520": 1}))
        with pytest.raises(ConfigError, match="matches no flow"):
            compiled(weighed, tw.SupplyShift(exporter="USA", **LI, tons=5))

    def test_more_cannot_be_lost_than_there_is(self, weighed: tw.World) -> None:
        with pytest.raises(ConfigError, match="baseline output of 283691 of CHL; use Exclusion"):
            compiled(weighed, tw.SupplyShift(exporter="CHL", **LI, tons=-75))


class TestAgreements:
    def test_a_carve_out_undoes_what_came_before(self, weighed: tw.World) -> None:
        before = [
            tw.Tariff(**USA, rate=0.1, authority="232"),
            tw.PriceFloor(**USA, multiple=2, authority="232"),
            tw.Tariff(**USA, **RE, rate=0.5, mode="set", authority="other"),
            tw.Exclusion(**USA, **LI, authority="232"),
        ]
        row = at(weighed, "284690", "CHN", "USA")
        deal = tw.Agreement(members="CHN", **USA, carve_out="232")
        wedges = compiled(weighed, *before, deal)
        assert wedges.tariff_new[row] == 0.5
        assert wedges.instruments.floor[row] == 0
        assert wedges.admitted[at(weighed, "283691", "CHN", "USA")]
        assert not wedges.admitted[at(weighed, "283691", "CHL", "USA")]
        assert "2 flow(s) are spared by agreement" in wedges.warnings[1]
        whole = compiled(weighed, *before, tw.Agreement(members="CHN", **USA, carve_out="*"))
        assert whole.tariff_new[row] == weighed.tariff_base[row]
        late = compiled(weighed, deal_all(), *before)
        assert late.tariff_new[row] == 0.5

    def test_a_carve_out_frees_the_quota(self, weighed: tw.World) -> None:
        quota = tw.ImportQuota(importer="CHN", **LI, tons=20, authority="Q")
        deal = tw.Agreement(members="ARG", importer="CHN", **LI, carve_out="Q")
        wedges = compiled(weighed, quota, deal)
        assert wedges.instruments.quota[at(weighed, "283691", "CHL", "CHN")] == pytest.approx(0.4)
        assert wedges.owners.groups == ()

    def test_unknown_authorities_are_named(self, weighed: tw.World) -> None:
        with pytest.raises(ConfigError, match=r"rests on 'Section 231'; nearest: Section 232"):
            compiled(
                weighed,
                tw.Tariff(**USA, rate=0.1, authority="Section 232"),
                tw.Agreement(members="CHN", **USA, carve_out="Section 231"),
            )

    @pytest.mark.parametrize(
        ("added", "cap", "total"),
        [(0.5, 0.40, 0.40), (0.5, 0.15, 0.25), (0.1, 0.40, 0.35), (0.1, 0.30, 0.30)],
    )
    def test_a_cap_cuts_what_the_scenario_added(
        self, weighed: tw.World, added: float, cap: float, total: float
    ) -> None:
        # The baseline charges 25 %: the add-on is at most max(0, cap - 25 %).
        tariff = tw.Tariff(**USA, **RE, rate=added, authority="232")
        deal = tw.Agreement(members="CHN", **USA, cap=cap)
        wedges = compiled(weighed, tariff, deal)
        row = at(weighed, "284690", "CHN", "USA")
        assert wedges.tariff_new[row] == pytest.approx(total)
        rates = {duty.authority: duty.rate[duty.rows == row] for duty in wedges.duties}
        assert rates["MFN"] == 0.25
        assert rates["232"] == pytest.approx(total - 0.25)

    def test_a_cap_holds_beyond_a_quota(self, weighed: tw.World) -> None:
        step = tw.TariffRateQuota(**USA, **RE, fraction=0.5, in_rate=0.1, out_rate=0.6)
        wedges = compiled(weighed, step, tw.Agreement(members="CHN", **USA, cap=0.45))
        row = at(weighed, "284690", "CHN", "USA")
        assert wedges.tariff_new[row] == pytest.approx(0.35)
        assert wedges.owners.tariff_beyond[row] == pytest.approx(0.45)

    def test_a_preference_stops_at_zero(self, weighed: tw.World) -> None:
        row = at(weighed, "284690", "CHN", "USA")
        for preference, total in ((0.1, 0.15), (0.5, 0.0)):
            deal = tw.Agreement(members="CHN", **USA, preference=preference, authority="Deal")
            wedges = compiled(weighed, deal)
            assert wedges.tariff_new[row] == pytest.approx(total)
            assert [duty.authority for duty in wedges.duties] == ["MFN", "Deal"]
            other = at(weighed, "283691", "CHL", "USA")
            assert wedges.tariff_new[other] == 0


def deal_all() -> Measure:
    return tw.Agreement(members="CHN", **USA, carve_out="*")


def test_priority_goes_before_order(weighed: tw.World) -> None:
    row = at(weighed, "284690", "CHN", "USA")
    add = tw.Tariff(**USA, **RE, rate=0.1, priority=2)
    set_ = tw.Tariff(**USA, **RE, rate=0.2, mode="set", authority="Deal", priority=1)
    wedges = compiled(weighed, add, set_)
    assert wedges.tariff_new[row] == pytest.approx(0.3)
    assert [match.measure for match in wedges.matches] == [add, set_]


floors = st.builds(
    tw.PriceFloor,
    importer=st.sampled_from(["*", "USA", "CHN", "JPN"]),
    exporter=st.sampled_from(["*", "CHN", "CHL"]),
    products=st.sampled_from(["*", "283691", "284690"]),
    multiple=st.floats(0.1, 5),
    basis=st.sampled_from(["duty_paid", "border"]),
    rent=st.sampled_from(["treasury", "exporter"]),
    authority=st.sampled_from(["A", "B", "C"]),
    allow_empty=st.just(True),
)


@given(measures=st.lists(floors, min_size=1, max_size=5), data=st.data())
def test_floors_commute(weighed: tw.World, measures: list[Measure], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(measures))
    one, other = compiled(weighed, *measures), compiled(weighed, *shuffled)
    if one.instruments is None:
        assert other.instruments is None
        return
    np.testing.assert_array_equal(one.instruments.floor, other.instruments.floor)
    assert one.instruments.floor.max() <= 5


@given(usd=st.floats(0.01, 1000), basis=st.sampled_from(["duty_paid", "border"]))
def test_usd_and_multiples_invert(weighed: tw.World, usd: float, basis: str) -> None:
    row = at(weighed, "284690", "CHN", "USA")
    unit = 12.5 if basis == "duty_paid" else 10.0
    absolute = tw.PriceFloor(**USA, **RE, usd_per_kg=usd, basis=basis)
    relative = tw.PriceFloor(**USA, **RE, multiple=usd / unit, basis=basis)
    one, other = (
        compiled(weighed, measure).instruments.floor[row] for measure in (absolute, relative)
    )
    assert one == pytest.approx(other)
    assert one * 12.5 * (1 if basis == "duty_paid" else 1 / 1.25) == pytest.approx(usd)


limits = st.one_of(
    st.builds(lambda x: {"fraction": x}, st.floats(0, 2)),
    st.builds(lambda x: {"tons": x, "missing_tons": "average"}, st.floats(0, 200)),
)
quotas = st.builds(
    lambda kind, scope, limit, per, rent: kind(
        **scope, **limit, per=per, rent=rent, allow_empty=True
    ),
    st.sampled_from([tw.ImportQuota, tw.ExportQuota]),
    st.sampled_from([{}, {"importer": "USA"}, {"exporter": "CHL"}, {"products": "28"}]),
    limits,
    st.sampled_from(["pair", "importer", "exporter", "global"]),
    st.sampled_from(["importer", "exporter"]),
)


@given(measures=st.lists(quotas, min_size=1, max_size=4))
def test_any_mix_of_quotas_is_well_formed(weighed: tw.World, measures: list[Measure]) -> None:
    compiled(weighed, *measures)


@given(tons=st.floats(1, 500), per=st.sampled_from(["pair", "importer", "exporter", "global"]))
def test_tons_and_fractions_invert(weighed: tw.World, tons: float, per: str) -> None:
    scope = {"importer": "CHN", **LI, "per": per}
    wedges = compiled(weighed, tw.ImportQuota(**scope, tons=tons))
    if per in ("importer", "global"):
        (group,) = wedges.owners.groups
        assert group.limit * group.tons_base == pytest.approx(tons)
    else:
        found = wedges.instruments.quota * weighed.quantity
        assert found[np.isfinite(found)] == pytest.approx(tons)
