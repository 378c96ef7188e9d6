"""The made-up world: its shape, that it repeats, and that it says what it is."""

import numpy as np
import pytest

import tradewedge as tw
from tradewedge.sources import synthetic


@pytest.fixture(scope="module")
def drawn() -> synthetic.Drawn:
    return synthetic.draw(60, 226, 0)


@pytest.fixture(scope="module")
def small() -> tw.World:
    return tw.load_world("synthetic", products=8, countries=20, seed=3)


def test_the_same_seed_gives_the_same_world(small: tw.World) -> None:
    again = tw.load_world("synthetic", products=8, countries=20, seed=3)
    other = tw.load_world("synthetic", products=8, countries=20, seed=4)
    assert again.data_hash == small.data_hash != other.data_hash


def test_a_product_does_not_depend_on_how_many_there_are(small: tw.World) -> None:
    more = tw.load_world("synthetic", products=11, countries=20, seed=3)
    inside = more.flow_product < 8
    np.testing.assert_array_equal(more.value[inside], small.value)
    np.testing.assert_array_equal(more.flow_exporter[inside], small.flow_exporter)
    np.testing.assert_array_equal(more.sigma[:8], small.sigma)


def test_rows_are_sorted_and_unique(drawn: synthetic.Drawn) -> None:
    n = len(drawn.countries)
    key = (drawn.product * n + drawn.exporter) * n + drawn.importer
    assert (np.diff(key) > 0).all()
    assert (drawn.exporter != drawn.importer).all()


def test_it_has_the_sparsity_of_a_year_of_trade(drawn: synthetic.Drawn) -> None:
    n, k = len(drawn.countries), len(drawn.products)
    flows = np.bincount(drawn.product, minlength=k)
    assert 1_700 < flows.mean() < 3_000
    assert flows.max() > 3 * np.median(flows)
    exporters = np.unique(drawn.product * n + drawn.exporter).size / k
    importers = np.unique(drawn.product * n + drawn.importer).size / k
    assert 110 < exporters < 160
    assert 140 < importers < 200


def test_values_have_a_long_tail_of_tiny_flows(drawn: synthetic.Drawn) -> None:
    assert drawn.value.min() == synthetic.SMALLEST
    assert np.percentile(drawn.value, 99) > 1e6 * drawn.value.min()
    assert 0.01 < np.isnan(drawn.quantity).mean() < 0.05
    assert (drawn.quantity[~np.isnan(drawn.quantity)] > 0).all()


def test_the_first_country_imports_most_and_charges_duties(drawn: synthetic.Drawn) -> None:
    bought = np.bincount(drawn.importer, drawn.value)
    assert bought.argmax() == 0
    for duty in drawn.duties:
        assert (drawn.importer[duty.rows] == 0).all()
        assert (np.diff(duty.rows) > 0).all()
        assert (duty.rate > 0).all()
    assert {duty.authority for duty in drawn.duties} == {"MFN", "extra"}


def test_nothing_can_be_taken_for_real(small: tw.World) -> None:
    assert small.name == "synthetic"
    assert "random" in small.notes[0]
    assert not any(code.isdecimal() for code in small.products)
    assert small.vintage is None
    assert not set(small.countries) & set(tw.codes.countries()["iso3"])
    assert set(small.elasticities.source) == {synthetic.SOURCE}
    assert small.audit["reason"].to_list() == ["random numbers, seed 3"]


def test_it_solves_and_home_sales_are_optional() -> None:
    world = tw.load_world("synthetic", products=3, countries=12, home_sales=1)
    assert world.home.any()
    assert set(world.elasticities.eta_kind) == {"composite"}
    case = tw.Scenario("duty", [tw.Tariff(importer="C001", exporter="*", rate=0.1)])
    assert set(tw.solve(world, case).status().collect()["status"]) == {"converged"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"products": 0}, "1 to 99,999 products"),
        ({"countries": 1}, "2 to 999"),
        ({"seed": -1}, "seed of 0 or more"),
        ({"product": 3}, "takes products, countries, seed.*not product"),
        ({"year": 2023}, "not year"),
    ],
)
def test_a_size_that_does_not_exist(options: dict[str, int], text: str) -> None:
    with pytest.raises(tw.ConfigError, match=text):
        tw.load_world("synthetic", **options)


def test_other_worlds_have_no_size() -> None:
    with pytest.raises(tw.ConfigError, match="products: only load_world"):
        tw.load_world("minerals", products=3)
