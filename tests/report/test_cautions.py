"""What stands right under the headline."""

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.report import text

ELASTIC = "Import demand is very elastic here: eta"


def world(home_share: float, product: str = "811292", **more: object) -> tw.World:
    rows = [(product, exporter, "USA", 100.0) for exporter in ("BRA", "CHN", "JPN")]
    return tw.World.from_flows(
        pl.DataFrame(rows, ["product", "exporter", "importer", "value"], orient="row"),
        pl.DataFrame({"product": [""], "sigma": [8.0], "eta": [0.3], "epsilon": [1.0]}),
        home_share=pl.DataFrame({"product": [product], "home_share": [home_share]}),
        **more,  # type: ignore[arg-type]
    )


def page(home: tw.World) -> str:
    ban = tw.Scenario("ban", [tw.Exclusion(importer="USA", exporter="CHN")])
    return " ".join(text(tw.solve(home, ban), width=80).split())


def test_elastic_imports_say_where_that_is_from() -> None:
    told = page(world(0.6875))
    assert f"{ELASTIC} 5.59 on average" in told
    assert "share of home producers in purchases, 68.8 % on average" in told
    assert "elasticities.home_share=0.2" in told
    assert told.index("Buyer's price index") < told.index(ELASTIC) < told.index("Elasticities of")


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_a_low_home_share_needs_no_line(share: float) -> None:
    assert ELASTIC not in page(world(share))


def test_a_basket_names_what_it_holds() -> None:
    told = "811292 is a basket: gallium, germanium, indium, niobium, vanadium, with other goods"
    assert told in page(world(0.0, vintage="HS2022"))
    assert "basket" not in page(world(0.0, "750210", vintage="HS2022"))
    assert "basket" not in page(world(0.0))
