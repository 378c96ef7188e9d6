"""A measure that matches no flow says where its products are."""

import re

import pytest

import tradewedge as tw
from tradewedge.errors import ConfigError


@pytest.fixture(scope="module")
def minerals() -> tw.World:
    """One product of an embedded world, in HS1992."""
    return tw.load_world("minerals", year=2023).select("284690")


@pytest.mark.parametrize(
    ("products", "vintage", "says"),
    [
        (["850511"], "", "1 product(s) in HS1992; the embedded world 'us_imports' (HS2022) has"),
        (["850511"], "HS2022", "1 product(s) in HS1992; the embedded world 'us_imports' (HS2022)"),
        (["811292"], "HS2022", "where 811292 of HS2022 became 811230, 811240, 811291; the"),
    ],
)
def test_embedded_worlds_that_have_it_are_named(
    minerals: tw.World, products: list[str], vintage: str, says: str
) -> None:
    duty = tw.Tariff(importer="USA", products=products, rate=0.1)
    with pytest.raises(ConfigError, match=re.escape(says)):
        tw.solve(minerals, tw.Scenario("duty", [duty], vintage=vintage))


def test_other_reasons_get_no_such_hint(minerals: tw.World) -> None:
    duty = tw.Tariff(importer="USA", exporter="TUV", products="284690", rate=0.1)
    with pytest.raises(ConfigError, match="matches no flow") as caught:
        tw.solve(minerals, tw.Scenario("duty", [duty]))
    assert "embedded" not in str(caught.value)
