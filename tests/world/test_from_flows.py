"""What a world holds once its tables are read."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tradewedge as tw


def audit_of(world: tw.World, step: str) -> dict[str, tuple[int, float | None]]:
    rows = world.audit.filter(pl.col("step") == step)
    return {reason: (n, value) for _, reason, n, value in rows.iter_rows()}


def test_codes_are_sorted_and_rows_follow_them(
    flows: pl.DataFrame, elasticities: pl.DataFrame
) -> None:
    world = tw.World.from_flows(flows.sample(fraction=1.0, shuffle=True, seed=3), elasticities)
    assert world.products == ("284610", "284690")
    assert world.countries == ("CHN", "DEU", "USA")
    key = ["product", "exporter", "importer"]
    expected = flows.with_columns(
        pl.when(pl.col("quantity") > 0).then(pl.col("quantity")).otherwise(None)
    )
    table = world.flows().collect()
    assert_frame_equal(table.select(*key, "value", "quantity"), expected.sort(key))
    assert table["tariff"].null_count() == table.height - 1  # known at home only


def test_shares_sum_to_one_over_each_market(world: tw.World) -> None:
    market = world.market
    for row, share in (
        (market.flow_importer, market.share),
        (market.flow_exporter, market.sales_share),
    ):
        np.testing.assert_allclose(np.bincount(row, share), 1.0, rtol=1e-15)


def test_duty_paid_shares_use_the_stacked_tariff(world: tw.World) -> None:
    # 284610 in the USA: 100 of CHN at 30 % in all, 40 at home.
    rows = np.flatnonzero((world.flow_product == 0) & (world.flow_importer == 2))
    assert world.tariff_base[rows] == pytest.approx([0.30, 0.0])
    assert world.market.share[rows] == pytest.approx([130 / 170, 40 / 170])


def test_exporter_and_importer_rows_are_those_that_trade(world: tw.World) -> None:
    def named(product: np.ndarray, country: np.ndarray) -> list[tuple[str, str]]:
        return [
            (world.products[k], world.countries[c]) for k, c in zip(product, country, strict=True)
        ]

    assert named(world.exporter_product, world.exporter_country) == [
        ("284610", "CHN"),
        ("284610", "USA"),
        ("284690", "CHN"),
        ("284690", "DEU"),
    ]
    assert named(world.importer_product, world.importer_country) == [
        ("284610", "DEU"),
        ("284610", "USA"),
        ("284690", "DEU"),
        ("284690", "USA"),
    ]
    assert world.exporter_sales == pytest.approx([160, 50, 390, 30])
    assert world.expenditure == pytest.approx([70, 170, 90, 360.6])


def test_audit_totals_tie(
    flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
) -> None:
    empty = pl.DataFrame([("284690", "USA", "DEU", 0.0, None)], schema=flows.schema, orient="row")
    world = tw.World.from_flows(pl.concat([flows, empty]), elasticities, tariffs)
    counts = audit_of(world, "flows")
    assert counts["read"] == (8, 630.0)
    assert counts["kept"] == (7, 630.0)
    assert counts["dropped: value 0"] == (1, 0.0)
    assert counts["of these domestic sales"] == (1, 40.0)
    assert counts["quantity 0 read as not reported"] == (1, None)
    assert counts["quantity not reported"] == (2, None)
    duties = audit_of(world, "tariffs")
    assert duties["read"][0] == duties["kept"][0] + duties["left out: no trade on the pair"][0]
    assert duties["kept"][0] == sum(duty.rows.size for duty in world.duties) == 4


def test_an_audit_of_the_source_comes_first(
    flows: pl.DataFrame, elasticities: pl.DataFrame
) -> None:
    source = pl.DataFrame(
        [("file", "read", 9, 1.0)], schema=["step", "reason", "rows", "value"], orient="row"
    )
    world = tw.World.from_flows(flows, elasticities, audit=source)
    assert world.audit.row(0) == ("file", "read", 9, 1.0)
    assert world.audit.height == 7


def test_lazy_frames_are_as_good(
    flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame, world: tw.World
) -> None:
    lazy = tw.World.from_flows(flows.lazy(), elasticities.lazy(), tariffs.lazy())
    assert lazy.data_hash == world.data_hash


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["284610", "284690"])])
def test_codes_may_be_categories(
    kind: pl.DataType, flows: pl.DataFrame, elasticities: pl.DataFrame
) -> None:
    made = tw.World.from_flows(flows.with_columns(pl.col("product").cast(kind)), elasticities)
    assert made.data_hash == tw.World.from_flows(flows, elasticities).data_hash


def test_products_need_not_be_hs_codes(elasticities: pl.DataFrame) -> None:
    flows = pl.DataFrame(
        {"product": ["Motor vehicles"], "exporter": ["DEU"], "importer": ["USA"], "value": [1]}
    )
    world = tw.World.from_flows(flows, elasticities)
    assert world.products == ("Motor vehicles",)
    assert np.isnan(world.quantity).all()


class TestHomeSales:
    table = pl.DataFrame(
        {"product": ["284690"], "country": ["USA"], "value": [70.0], "source": ["USGS"]}
    )

    def test_they_become_domestic_rows(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        world = tw.World.from_flows(flows, elasticities, home_sales=self.table)
        assert world.home.sum() == 2
        assert world.value[world.home].tolist() == [40.0, 70.0]
        assert audit_of(world, "flows")["of these domestic sales"] == (2, 110.0)

    def test_they_may_not_double_a_domestic_flow(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        twice = self.table.with_columns(product=pl.lit("284610"))
        with pytest.raises(
            tw.DataError, match=r"flows and home_sales: 2 rows share their key .*exporter=USA"
        ):
            tw.World.from_flows(flows, elasticities, home_sales=twice)

    def test_their_errors_name_them(self, flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
        bad = self.table.with_columns(value=pl.lit(-1.0))
        with pytest.raises(tw.DataError, match=r"home_sales: value is negative .*country=USA"):
            tw.World.from_flows(flows, elasticities, home_sales=bad)


class TestAggregates:
    def test_a_declared_aggregate_is_a_partner(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        merged = flows.with_columns(pl.col("exporter", "importer").replace("DEU", "CORE"))
        world = tw.World.from_flows(merged, elasticities, aggregates={"CORE": ["DEU", "FRA"]})
        assert world.countries == ("CHN", "CORE", "USA")
        assert world.aggregates == {"CORE": ("DEU", "FRA")}

    def test_a_member_beside_its_aggregate_counts_twice(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        merged = flows.with_columns(pl.col("exporter").replace("DEU", "CORE"))
        with pytest.raises(tw.DataError, match=r"DEU stands by itself and inside aggregate CORE"):
            tw.World.from_flows(merged, elasticities, aggregates={"CORE": ["DEU", "FRA"]})

    def test_two_aggregates_may_not_share_a_member(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        merged = flows.with_columns(
            pl.col("exporter").replace("DEU", "CORE"), pl.col("importer").replace("DEU", "EDGE")
        )
        shared = {"CORE": ["DEU", "FRA"], "EDGE": ["FRA", "ITA"]}
        with pytest.raises(
            tw.DataError, match=r"FRA stands in aggregate CORE and inside aggregate"
        ):
            tw.World.from_flows(merged, elasticities, aggregates=shared)

    def test_an_aggregate_that_does_not_trade_does_not_matter(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        tw.World.from_flows(flows, elasticities, aggregates={"CORE": ["DEU", "FRA"]})

    def test_members_are_countries(self, flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
        with pytest.raises(tw.DataError, match=r"CORE has the unknown member 'DEX'; nearest: .*DE"):
            tw.World.from_flows(flows, elasticities, aggregates={"CORE": ["DEX"]})


class TestTariffImporters:
    def test_default_is_those_that_the_table_mentions(self, world: tw.World) -> None:
        assert world.tariff_importers == {"USA"}
        known = world.flows().collect().filter(pl.col("tariff").is_not_null())
        assert set(known["importer"]) == {"USA"}

    def test_without_tariffs_none_is_known_but_at_home(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        world = tw.World.from_flows(flows, elasticities)
        assert world.tariff_importers == frozenset()
        assert (world.tariff_known == world.home).all()

    def test_star_means_that_a_missing_row_is_zero(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        world = tw.World.from_flows(flows, elasticities, tariffs, tariff_importers="*")
        assert world.tariff_importers is None
        assert world.tariff_known.all()
        assert world.flows().collect()["tariff"].null_count() == 0

    def test_an_importer_may_be_known_to_charge_nothing(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        world = tw.World.from_flows(flows, elasticities, tariffs, tariff_importers=["USA", "DEU"])
        assert world.tariff_importers == {"USA", "DEU"}
        assert world.tariff_known.all()

    def test_a_string_is_not_a_list(self, flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
        with pytest.raises(tw.DataError, match=r'a list of codes or "\*", not \'USA\''):
            tw.World.from_flows(flows, elasticities, tariff_importers="USA")

    def test_a_code_without_flows_is_named(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        with pytest.raises(tw.DataError, match=r"tariff_importers: no importer UAS .*nearest: USA"):
            tw.World.from_flows(flows, elasticities, tariff_importers=["UAS"])

    def test_rates_of_an_importer_known_in_part_are_refused(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        with pytest.raises(
            tw.DataError, match=r"rates of importer USA, whom tariff_importers does"
        ):
            tw.World.from_flows(flows, elasticities, tariffs, tariff_importers=["DEU"])


class TestObservedImporters:
    def test_they_are_kept(self, flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
        only = flows.filter(pl.col("importer") == "USA")
        world = tw.World.from_flows(only, elasticities, observed_importers=["USA"])
        assert world.observed_importers == ("USA",)

    def test_other_importers_contradict_them(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        with pytest.raises(
            tw.DataError, match=r"observed_importers is USA, but the flows also have importer DEU"
        ):
            tw.World.from_flows(flows, elasticities, observed_importers=["USA"])

    def test_a_named_set_supplies_this_market_without_limit(self, flows: pl.DataFrame) -> None:
        only = flows.filter(pl.col("importer") == "USA")
        partial = tw.World.from_flows(only, "central", observed_importers=["USA"])
        assert np.isinf(partial.epsilon).all()
        assert np.isfinite(tw.World.from_flows(only, "central").epsilon).all()


def test_critical_products_are_flagged(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    world = tw.World.from_flows(flows, elasticities, critical=["284690", "999999"])
    assert world.critical is not None
    assert world.critical.tolist() == [False, True]


def test_repr_says_what_it_is(world: tw.World) -> None:
    assert repr(world) == ("<World small 2023: 2 products, 3 countries, 7 flows, 0.0 bn USD>")
