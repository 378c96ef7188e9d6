import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tradewedge as tw
from tradewedge.errors import ConfigError
from tradewedge.policy import compile_wedges

SHARES = {"defence": 0.05, "energy": 0.2}


@pytest.fixture(scope="module")
def split(world: tw.World) -> tw.World:
    return world.split_importer("USA", SHARES)


def wedges(world: tw.World, *measures: tw.policy.Measure) -> tw.policy.Wedges:
    return compile_wedges(world, tw.Scenario("case", measures))


def test_totals_tie(world: tw.World, split: tw.World) -> None:
    assert split.countries == tuple(sorted((*world.countries, "USA:defence", "USA:energy")))
    keys = ["product", "exporter", "importer"]
    flows = split.flows().collect()
    assert flows.select(keys).rows() == sorted(flows.select(keys).rows())
    joined = flows.with_columns(pl.col("importer").str.split(":").list.first())
    total = joined.group_by(keys).agg(pl.col("value").sum(), pl.col("tariff").first()).sort(keys)
    base = world.flows().collect()
    assert total.select(keys).equals(base.select(keys))
    np.testing.assert_allclose(total["value"], base["value"], rtol=1e-14)
    assert total["tariff"].equals(base["tariff"])
    part = flows.filter(pl.col("importer") == "USA:defence")["value"].sum()
    whole = base.filter(pl.col("importer") == "USA")["value"].sum()
    assert part == pytest.approx(0.05 * whole)


def test_home_sales_and_known_tariffs_go_along(world: tw.World, split: tw.World) -> None:
    assert split.home.sum() == world.home.sum() + 2
    usa = split.country_column(split.flow_importer).str.starts_with("USA").to_numpy()
    assert split.tariff_known[usa].all()
    assert split.tariff_importers == {"USA", "USA:defence", "USA:energy"}
    np.testing.assert_array_equal(split.epsilon, world.epsilon)


def test_a_split_alone_changes_nothing(world: tw.World, split: tw.World) -> None:
    case = tw.Scenario("tariff", [tw.Tariff(importer="USA", exporter="CHN", rate=0.25)])
    one, other = (tw.solve(w, case) for w in (world, split))
    for table, keys in (("importers", "importer"), ("exporters", "exporter")):
        before = getattr(one, table)().collect()
        after = getattr(other, table)().collect()
        both = before.join(after, on=["product", keys], suffix="_split")
        assert both.height == before.height
        name = "price_index_hat" if keys == "importer" else "price_hat"
        np.testing.assert_allclose(both[name], both[f"{name}_split"], rtol=1e-9)
    index = other.importers().filter(pl.col("importer").str.starts_with("USA")).collect()
    spread = index.group_by("product").agg(
        pl.col("price_index_hat").max() / pl.col("price_index_hat").min()
    )
    np.testing.assert_allclose(spread["price_index_hat"], 1.0, rtol=1e-12)
    quantity = other.flows().filter(pl.col("exporter") == "CHN").collect()
    usa = quantity.filter(pl.col("importer").str.starts_with("USA"))
    spread = usa.group_by("product").agg(
        pl.col("quantity_hat").max() / pl.col("quantity_hat").min()
    )
    np.testing.assert_allclose(spread["quantity_hat"], 1.0, rtol=1e-12)


def test_a_country_means_its_segments(split: tw.World) -> None:
    (match,) = wedges(split, tw.Exclusion(importer="USA", exporter="CHN")).matches
    assert match.importers == ("USA", "USA:defence", "USA:energy")
    (match,) = wedges(split, tw.Exclusion(importer="G7", exporter="CHN")).matches
    assert "USA:defence" in match.importers
    for measure in (
        tw.Exclusion(importer="USA", exporter="CHN", segment="defence"),
        tw.Exclusion(exporter="CHN", segment="defence"),
        tw.Exclusion(importer="USA:defence", exporter="CHN"),
    ):
        (match,) = wedges(split, measure).matches
        assert match.importers == ("USA:defence",)


def test_an_exclusion_from_a_segment(split: tw.World) -> None:
    case = tw.Scenario("x", [tw.Exclusion(exporter="CHN", segment="defence", products="284690")])
    flows = (
        tw.solve(split, case)
        .flows()
        .filter((pl.col("exporter") == "CHN") & (pl.col("product") == "284690"))
    )
    hat = dict(flows.select("importer", "quantity_hat").collect().iter_rows())
    assert hat["USA:defence"] == 0
    assert hat["USA"] == pytest.approx(hat["USA:energy"])
    assert hat["USA"] > 1


def test_home_stays_home(split: tw.World) -> None:
    with pytest.raises(ConfigError, match="sales at home"):
        wedges(split, tw.Exclusion(importer="USA", exporter="USA"))
    found = wedges(split, tw.Exclusion(importer="USA", exporter="USA", include_domestic=True))
    assert found.matches[0].flows == 3


def test_segments_share_an_importers_limit(split: tw.World) -> None:
    found = wedges(split, tw.ImportQuota(importer="USA", products="284610", fraction=0.5))
    (group,) = found.owners.groups
    assert group.unit == "USA"
    assert found.instruments.group_flow.size == 9
    pair = wedges(
        split,
        tw.ImportQuota(importer="USA", exporter="CHN", products="284610", fraction=0.5, per="pair"),
    )
    (group,) = pair.owners.groups
    assert (group.unit, group.limit) == ("CHN to USA", 0.5)


def test_unknown_segments_are_named(world: tw.World, split: tw.World) -> None:
    with pytest.raises(ConfigError, match=r"segment 'defense'.*which has defence, energy"):
        wedges(split, tw.Exclusion(importer="USA", segment="defense"))
    with pytest.raises(ConfigError, match=r"which has none\. Set it apart with world\.split_imp"):
        wedges(world, tw.Exclusion(importer="USA", segment="defence"))


@pytest.mark.parametrize(
    ("country", "shares", "message"),
    [
        ("USB", {"a": 0.1}, "no such country; nearest: USA"),
        ("AUS", {"a": 0.1}, "buys nothing"),
        ("USA", {}, "no segment is named"),
        ("USA", {"a:b": 0.1}, "name without ':'"),
        ("USA", {"a": 5}, "above 0 and below 1, not 5"),
        ("USA", {"a": 0.5, "b": 0.5}, "sum to 1; they must stay below 1"),
    ],
)
def test_bad_splits(world: tw.World, country: str, shares: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        world.split_importer(country, shares)


def test_a_country_is_split_once(split: tw.World) -> None:
    with pytest.raises(ConfigError, match="split already"):
        split.split_importer("USA", {"other": 0.1})
    with pytest.raises(ConfigError, match="split already"):
        split.split_importer("USA:energy", {"other": 0.1})


@given(shares=st.dictionaries(st.sampled_from("abcdef"), st.floats(0.001, 0.15), min_size=1))
def test_any_split_ties(world: tw.World, shares: dict[str, float]) -> None:
    made = world.split_importer("USA", shares)
    assert made.value.sum() == pytest.approx(world.value.sum(), rel=1e-14)
    usa = made.countries.index("USA")
    rest = made.value[made.flow_importer == usa].sum()
    before = world.value[world.flow_importer == world.countries.index("USA")].sum()
    assert rest == pytest.approx(before * (1 - sum(shares.values())))
