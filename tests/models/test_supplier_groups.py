"""Groups of suppliers, from the options of a model to its tables."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge.models.nests import market_of

WorldMaker = Callable[..., tw.World]
BAN = tw.Scenario("ban", [tw.Exclusion(importer="USA", exporter="CHN")])
GROUPS = {"allied": ["JPN", "DEU", "USA"]}


def solve(world: tw.World, case: tw.Scenario, **nests: Any) -> tw.Result:
    return tw.solve(world, case, model_options=nests, tolerance=1e-12, on_failure="raise")


def test_equal_elasticities_are_the_flat_model(random_world: WorldMaker) -> None:
    world = random_world(4).with_elasticities(sigma=4.0)
    nest = solve(world, BAN, supplier_groups=GROUPS, sigma_groups=4.0, sigma_home=4.0)
    flat = solve(world, BAN)
    for name in ("quantity_hat", "delivered_hat", "value_new"):
        one, other = (result.flows().collect()[name].to_numpy() for result in (nest, flat))
        np.testing.assert_allclose(one, other, rtol=1e-9, equal_nan=True)


@pytest.mark.parametrize("sigma_home", [None, 2.0])
def test_the_group_of_the_lost_supplier_takes_its_place(
    sigma_home: float | None, random_world: WorldMaker
) -> None:
    world = random_world(4, density=1.0).with_elasticities(sigma=6.0)
    allied = pl.col("exporter").is_in(["JPN", "DEU"])
    shares = []
    for sigma_groups in (6.0, 3.0, 1.5):
        nests = {"supplier_groups": GROUPS, "sigma_groups": sigma_groups}
        flows = solve(world, BAN, **nests, sigma_home=sigma_home).flows()
        bought = flows.filter(pl.col("importer") == "USA", pl.col("exporter") != "USA").collect()
        total = bought.group_by("product").agg(
            share=pl.col("value_new").filter(allied).sum() / pl.col("value_new").sum()
        )
        shares.append(total.sort("product")["share"].to_numpy())
    assert (shares[0] > shares[1]).all()
    assert (shares[1] > shares[2]).all()


def test_numbers_by_product(random_world: WorldMaker) -> None:
    world = random_world(4)
    first, second = world.products
    market = market_of(
        world,
        sigma_home={"*": 3.0, second: 1.5},
        sigma_groups={first[:2]: 2.5, second: 2.0},
        supplier_groups=GROUPS,
    )
    assert market.sigma_home.tolist() == [3.0, 1.5]
    assert market.sigma_groups[1] == 2.0
    only = market_of(world, sigma_home={second: 1.5})
    assert np.isnan(only.sigma_home[0])
    assert only.groups is None
    assert market_of(world) is world.market
    assert market_of(world, sigma_home={second: 1.5}) is only


def test_money_and_markets_add_up_under_the_nests(random_world: WorldMaker) -> None:
    world = random_world(4, density=1.0)
    quota = tw.ImportQuota(importer="USA", fraction=0.7, rent="exporter")
    floor = tw.PriceFloor(importer="JPN", multiple=1.2)
    case = tw.Scenario("quota and floor", [quota, floor])
    result = solve(world, case, supplier_groups=GROUPS, sigma_groups=2.0, sigma_home=1.5)
    limits = result.limits().collect()
    assert limits.select(pl.min_horizontal("shadow_price", "slack").abs().max()).item() < 1e-9
    flows = result.flows().join(result.exporters(), on=["product", "exporter"]).collect()
    producer = flows["value_base"] * flows["price_hat"] * flows["quantity_hat"]
    paid = flows.with_columns(producer=producer).group_by("product", "importer")
    made = paid.agg(pl.col("producer").sum())
    transfers = (
        result.transfers()
        .group_by("product", importer="payer")
        .agg(transfers=pl.col("amount_new").sum())
        .collect()
    )
    both = (
        result.importers()
        .collect()
        .join(made, on=["product", "importer"])
        .join(transfers, on=["product", "importer"], how="left")
        .fill_null(0.0)
    )
    np.testing.assert_allclose(both["expenditure_new"], both["producer"] + both["transfers"])


def test_groups_are_in_the_options_of_the_result(random_world: WorldMaker) -> None:
    result = solve(random_world(4), BAN, supplier_groups=GROUPS, sigma_groups=2.0)
    assert result.options["supplier_groups"] == GROUPS
