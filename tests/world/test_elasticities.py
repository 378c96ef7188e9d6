"""Which elasticity a product gets: prefixes, exporters, home shares, overrides."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge.errors import DataError

INF = float("inf")


def table(*rows: tuple[object, ...]) -> pl.DataFrame:
    names = {
        "product": pl.String,
        "exporter": pl.String,
        "sigma": pl.Float64,
        "eta": pl.Float64,
        "epsilon": pl.Float64,
        "source": pl.String,
    }
    return pl.DataFrame(list(rows), schema=names, orient="row")


def test_the_longest_prefix_wins_number_by_number(flows: pl.DataFrame) -> None:
    world = tw.World.from_flows(
        flows,
        table(
            ("", None, 2.0, 1.0, 3.0, "default"),
            ("28", None, 3.0, None, None, "chapter"),
            ("2846", None, 4.0, 0.5, None, "heading"),
            ("284690", None, 9.0, None, None, "own"),
            ("85", None, 7.0, 7.0, 7.0, "elsewhere"),
        ),
    )
    assert world.sigma.tolist() == [4.0, 9.0]
    assert world.eta.tolist() == [0.5, 0.5]
    assert world.epsilon.tolist() == [3.0] * 4
    assert world.elasticities.source == (
        "sigma: heading; eta: heading; epsilon: default",
        "sigma: own; eta: heading; epsilon: default",
    )


def test_one_source_is_said_once(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    source = elasticities.with_columns(source=pl.lit("a book"))
    assert tw.World.from_flows(flows, source).elasticities.source == ("a book", "a book")
    unsaid = tw.World.from_flows(flows, elasticities).elasticities.source
    assert unsaid == ("user table", "user table")


def test_the_standard_error_is_that_of_the_row_that_gave_sigma(
    flows: pl.DataFrame, tmp_path: Path
) -> None:
    given = table(
        ("", None, 2.0, 1.0, 3.0, None),
        ("28", None, 3.0, None, None, None),
        ("284690", None, 9.0, None, None, None),
    ).with_columns(standard_error=pl.Series([0.2, 0.3, None], dtype=pl.Float64))
    world = tw.World.from_flows(flows, given)
    np.testing.assert_array_equal(world.elasticities.sigma_standard_error, [0.3, np.nan])
    reopened = tw.load_world(world.save(tmp_path / "world"))
    np.testing.assert_array_equal(reopened.elasticities.sigma_standard_error, [0.3, np.nan])
    part = world.select(["284610"])
    assert part.elasticities.sigma_standard_error.tolist() == [0.3]
    replaced = world.with_elasticities(sigma=5.0)
    assert np.isnan(replaced.elasticities.sigma_standard_error).all()
    with pytest.raises(DataError, match="standard_error is below 0"):
        tw.World.from_flows(flows, given.with_columns(standard_error=-pl.col("sigma")))


def test_standard_errors_of_demand_and_supply(flows: pl.DataFrame, tmp_path: Path) -> None:
    given = table(
        ("", None, 2.0, 1.0, 3.0, None),
        ("28", None, 3.0, 0.8, 2.0, None),
        ("28", "CHN", None, None, 1.0, None),
    ).with_columns(
        eta_standard_error=pl.Series([None, 0.1, None], dtype=pl.Float64),
        epsilon_standard_error=pl.Series([None, 0.4, 0.2], dtype=pl.Float64),
    )
    world = tw.World.from_flows(flows, given)
    world = tw.load_world(world.save(tmp_path / "world"))
    made = world.elasticities
    assert made.eta_standard_error.tolist() == [0.1, 0.1]
    china = world.exporter_country == world.countries.index("CHN")
    np.testing.assert_array_equal(made.epsilon_standard_error, np.where(china, 0.2, 0.4))
    case = tw.Scenario("duty", [tw.Tariff(importer="USA", rate=0.1)])
    told = tw.solve(world, case).parameters().collect()
    assert told["epsilon_standard_error"].to_list() == made.epsilon_standard_error.tolist()
    assert set(told["eta_standard_error"]) == {0.1}
    one = world.with_elasticities(epsilon=1.0).elasticities
    assert np.isnan(one.epsilon_standard_error).all()
    assert one.eta_standard_error.tolist() == [0.1, 0.1]


def test_supply_may_differ_by_exporter(flows: pl.DataFrame) -> None:
    world = tw.World.from_flows(
        flows,
        table(
            ("", None, 5.0, 0.5, 1.0, None),
            ("2846", "CHN", None, None, 0.2, None),
            ("284690", "CHN", None, None, INF, None),
            ("", "DEU", None, None, 0.0, None),
            ("284690", "FRA", None, None, 8.0, None),
        ),
    )
    found = {
        (world.products[k], world.countries[c]): epsilon
        for k, c, epsilon in zip(
            world.exporter_product, world.exporter_country, world.epsilon, strict=True
        )
    }
    assert found == {
        ("284610", "CHN"): 0.2,
        ("284610", "USA"): 1.0,
        ("284690", "CHN"): INF,
        ("284690", "DEU"): 0.0,
    }


class TestEta:
    """284610 has domestic sales, 284690 has none."""

    share = pl.DataFrame({"product": ["284610", "284690"], "home_share": [0.9, 0.25]})

    def test_a_home_share_makes_it_import_demand(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        world = tw.World.from_flows(flows, elasticities, home_share=self.share)
        assert world.elasticities.eta_kind == ("composite", "import_demand")
        assert world.eta == pytest.approx([0.5, 0.25 * 5 + 0.75 * 0.5])
        assert world.elasticities.eta_composite.tolist() == [0.5, 0.5]

    def test_without_one_it_is_taken_as_it_is(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        world = tw.World.from_flows(flows, elasticities, home_share=self.share.head(1))
        assert world.elasticities.eta_kind == ("composite", "unadjusted")
        assert world.eta.tolist() == [0.5, 0.5]

    def test_it_follows_sigma_and_eta(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        world = tw.World.from_flows(flows, elasticities, home_share=self.share)
        assert world.with_elasticities(sigma=9.0).eta == pytest.approx([0.5, 2.625])
        assert world.with_elasticities(eta=1.0).eta == pytest.approx([1.0, 2.0])
        again = world.with_elasticities(elasticities.with_columns(sigma=3.0))
        assert again.eta == pytest.approx([0.5, 1.125])


class TestOverrides:
    def test_one_number_for_every_product(self, world: tw.World) -> None:
        made = world.with_elasticities(sigma=2.0, epsilon=INF)
        assert made.sigma.tolist() == [2.0, 2.0]
        assert made.eta.tolist() == world.eta.tolist()
        assert np.isinf(made.epsilon).all()
        assert world.sigma.tolist() == [5.0, 5.0]

    def test_their_source_says_so(self, world: tw.World) -> None:
        made = world.with_elasticities(sigma=2.0, eta=0.25)
        assert (
            made.elasticities.source[0] == "sigma: set to 2; eta: set to 0.25; epsilon: user table"
        )
        assert made.elasticities.set_name == "user, sigma=2, eta=0.25"

    def test_a_set_and_a_number_on_top(self, world: tw.World) -> None:
        made = world.with_elasticities("long", eta=0.25)
        assert made.elasticities.set_name == "long, eta=0.25"
        assert made.eta.tolist() == [0.25, 0.25]
        assert made.sigma.tolist() == world.with_elasticities("long").sigma.tolist()

    def test_nothing_changes_nothing(self, world: tw.World) -> None:
        assert world.with_elasticities().data_hash == world.data_hash

    def test_the_layout_follows(self, world: tw.World) -> None:
        assert world.market.sigma.tolist() == [5.0, 5.0]
        assert world.with_elasticities(sigma=2.0).market.sigma.tolist() == [2.0, 2.0]

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"sigma": 0.0}, "sigma must be positive"),
            ({"sigma": INF}, "sigma must be positive and finite"),
            ({"eta": -1.0}, "eta must be 0 or more"),
            ({"epsilon": -1.0}, "epsilon must be 0 or more"),
            ({"eta": 0.0, "epsilon": 0.0}, "cannot both be 0"),
        ],
    )
    def test_they_are_checked_too(
        self, values: dict[str, float], message: str, world: tw.World
    ) -> None:
        with pytest.raises(tw.DataError, match=message):
            world.with_elasticities(**values)


@pytest.mark.parametrize("name", ["short", "central", "long", "broda_weinstein"])
def test_named_sets_cover_everything(name: str, flows: pl.DataFrame) -> None:
    world = tw.World.from_flows(flows, name, vintage="HS2017")
    assert world.elasticities.set_name == name
    assert (world.sigma >= 1.1).all()
    assert all(world.elasticities.source)


def test_the_default_set_is_central(flows: pl.DataFrame) -> None:
    assert tw.World.from_flows(flows).elasticities.set_name == "central"
