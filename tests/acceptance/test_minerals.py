"""What the demo's world answers, checked by a solver that reads nothing but written tables."""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import tradewedge as tw

Floats = NDArray[np.float64]
BOTH = "both at once"
EVERYWHERE = "china_excluded_everywhere"
DEMO = ("us_pcmdp_tariff_25", "us_without_china", EVERYWHERE)
NEEDED = {
    "flows": [
        *("scenario", "product", "exporter", "importer", "value_base", "value_new"),
        *("tariff_base", "tariff_new", "cost_factor", "quantity_hat"),
    ],
    "exporters": ["scenario", "product", "exporter", "price_hat", "output_hat"],
    "parameters": ["product", "exporter", "sigma", "eta", "epsilon"],
    "importers": ["scenario", "product", "importer", "price_index_hat", "unserved"],
    "status": ["scenario", "product", "status", "residual", "error_bound"],
}


@pytest.fixture(scope="module")
def world() -> tw.World:
    return tw.load_world("minerals", year=2023)


@pytest.fixture(scope="module")
def tables(world: tw.World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """The tables of the demo's scenarios, and of two put together, written and read back."""
    folder = files("tradewedge.conf").joinpath("scenario")
    shipped = [
        tw.Scenario.from_yaml(folder.joinpath(f"{name}.yaml").read_text("utf-8")) for name in DEMO
    ]
    measures = [measure for case in shipped for measure in case.measures]
    mixed = [
        *(m for m in measures if isinstance(m, tw.Tariff)),
        tw.ExportTax(exporter="CHN", products=["2805", "2846"], rate=0.3),
        tw.TradeCost(importer="JPN", products=["26"], factor=1.15),
        tw.Exclusion(importer=["DEU", "FRA"], exporter="RUS"),
    ]
    result = tw.solve(world, [*shipped, tw.Scenario(BOTH, mixed)])
    place = tmp_path_factory.mktemp("tables")
    for name, columns in NEEDED.items():
        result.tables()[name].select(columns).sink_parquet(place / f"{name}.parquet")
    return {name: pl.read_parquet(place / f"{name}.parquet") for name in NEEDED}


@dataclass(frozen=True)
class Product:
    """One product under one scenario, dense, from the flow table and the parameters."""

    value: Floats
    spent: Floats
    cost: Floats
    admitted: NDArray[np.bool_]
    sigma: float
    eta: float
    epsilon: Floats

    @classmethod
    def read(cls, flows: pl.DataFrame, parameters: pl.DataFrame) -> "Product":
        sellers, buyers = parameters["exporter"], flows["importer"].unique().sort()
        rows = flows["exporter"].replace_strict(sellers, range(sellers.len())).to_numpy()
        columns = flows["importer"].replace_strict(buyers, range(buyers.len())).to_numpy()

        def dense(values: pl.Series) -> Floats:
            matrix = np.zeros((sellers.len(), buyers.len()))
            matrix[rows, columns] = values.to_numpy()
            return matrix

        base, new = (flows[name].fill_null(0.0) for name in ("tariff_base", "tariff_new"))
        (sigma,), (eta,) = parameters["sigma"].unique(), parameters["eta"].unique()
        return cls(
            value=dense(flows["value_base"]),
            spent=dense(flows["value_base"] * (1 + base)),
            cost=dense(flows["cost_factor"] * (1 + new) / (1 + base)),
            admitted=dense(flows["quantity_hat"] > 0) > 0,
            sigma=sigma,
            eta=eta,
            epsilon=parameters["epsilon"].to_numpy(),
        )

    @cached_property
    def bought(self) -> Floats:
        """Share in spending times cost^(1 - sigma)."""
        weight = self.spent / self.spent.sum(axis=0)
        return np.where(self.admitted, weight * self._power(1 - self.sigma), 0.0)

    @cached_property
    def sold(self) -> Floats:
        """Share in sales times cost^-sigma."""
        weight = self.value / self.value.sum(axis=1, keepdims=True)
        return np.where(self.admitted, weight * self._power(-self.sigma), 0.0)

    def _power(self, exponent: float) -> Floats:
        return np.where(self.admitted, self.cost, 1.0) ** exponent

    def demand(self, price: Floats) -> Floats:
        """Quantity demanded of every seller, over the baseline's."""
        terms = self.bought.T @ np.where(price > 0, price, 1.0) ** (1 - self.sigma)
        served = self.admitted.any(axis=0)
        index = np.where(served, terms, 1.0) ** (1 / (1 - self.sigma))
        total = self.sold @ np.where(served, index ** (self.sigma - self.eta), 0.0)
        return total * np.where(price > 0, price, 1.0) ** -self.sigma

    def solve(self) -> Floats:
        """Prices by the plain fixed point; NaN without a market."""
        market = self.admitted.any(axis=1)
        price = np.ones(len(self.epsilon))
        for _ in range(20_000):
            step = np.where(market, self.demand(price) * price**self.sigma, 1.0)
            new = step ** (1 / (self.epsilon + self.sigma))
            change = np.abs(np.log(new / price)).max()
            price = new
            if change < 1e-15:
                break
        return np.where(market, price, np.nan)


@pytest.fixture(scope="module")
def solved(tables: dict[str, pl.DataFrame]) -> list[tuple[tuple[str, str], Product, pl.DataFrame]]:
    """(scenario and product, dense product, its exporters) of everything that was written."""
    flows = tables["flows"].partition_by("scenario", "product", as_dict=True)
    exporters = tables["exporters"].partition_by("scenario", "product", as_dict=True)
    parameters = tables["parameters"].partition_by("product", as_dict=True)
    return [
        ((str(key[0]), str(key[1])), Product.read(part, parameters[key[1:]]), exporters[key])
        for key, part in flows.items()
    ]


def test_all_markets_clear(solved: list[tuple[tuple[str, str], Product, pl.DataFrame]]) -> None:
    for key, product, exporters in solved:
        price = exporters["price_hat"].fill_null(0.0).to_numpy()
        there = price > 0
        demand, supply = product.demand(price)[there], price[there] ** product.epsilon[there]
        assert np.abs(np.log(demand / supply)).max(initial=0.0) < 1e-9, key
        assert (there == product.admitted.any(axis=1)).all(), key
        np.testing.assert_allclose(
            exporters["output_hat"].to_numpy(), np.where(there, price**product.epsilon, 0.0)
        )


def test_prices_are_within_their_proven_bound(
    solved: list[tuple[tuple[str, str], Product, pl.DataFrame]], tables: dict[str, pl.DataFrame]
) -> None:
    """Solved again from 1 by plain steps: the distance is no more than was promised."""
    bounds = {(s, k): b for s, k, _, _, b in tables["status"].iter_rows()}
    for key, product, exporters in solved:
        ours, theirs = product.solve(), exporters["price_hat"].to_numpy()
        assert (np.isnan(ours) == np.isnan(theirs)).all()
        gap = np.nanmax(np.abs(np.log(ours / theirs)), initial=0.0)
        assert gap <= bounds[key] + 1e-12, key


def test_everything_converges_with_a_bound(
    tables: dict[str, pl.DataFrame], world: tw.World
) -> None:
    status = tables["status"]
    assert status.height == 4 * len(world.products)
    assert (status["status"] == "converged").all()
    assert (status["residual"] <= 1e-10).all()
    assert status["error_bound"].is_not_null().all()
    assert (status["error_bound"] < 1e-7).all()


def test_the_unserved_are_those_who_bought_from_china_alone(
    tables: dict[str, pl.DataFrame], world: tw.World
) -> None:
    markets = tables["importers"].filter(pl.col("scenario") == EVERYWHERE)
    unserved = markets.filter("unserved").select("product", "importer")
    alone = (
        world.flows()
        .group_by("product", "importer")
        .agg(others=(pl.col("exporter") != "CHN").any() | (pl.col("importer") == "CHN").any())
        .filter(~pl.col("others"))
        .sort("product", "importer")
        .select("product", "importer")
        .collect()
    )
    assert unserved.equals(alone)
    assert 150 < unserved.height < 250
    served = markets.filter(~pl.col("unserved"))
    assert served["price_index_hat"].is_finite().all()
    assert (served["price_index_hat"] > 0).all()


def test_every_baseline_total_ties(tables: dict[str, pl.DataFrame], world: tw.World) -> None:
    base = world.flows().collect()
    for _, part in tables["flows"].group_by("scenario"):
        same = part.sort("product", "exporter", "importer")
        assert same["value_base"].equals(base["value"].rename("value_base"))
        assert same["tariff_base"].equals(base["tariff"].rename("tariff_base"))


def test_losing_a_supplier_matters_less_the_better_others_replace_it(world: tw.World) -> None:
    """Rare-earth compounds in the USA: why an exclusion is shown as a band over sigma."""
    compounds = world.select(["284690"])
    case = tw.Scenario("lost", [tw.Exclusion(importer="USA", exporter="CHN")])
    rises = []
    for sigma in (2.0, 5.0, 10.0, 20.0):
        result = tw.solve(compounds.with_elasticities(sigma=sigma), case, on_failure="raise")
        usa = result.importers().filter(pl.col("importer") == "USA").collect()
        rises.append(usa["price_index_hat"].item() - 1)
    assert rises == sorted(rises, reverse=True)
    assert rises[0] > 1 > 0.3 > rises[-1] > 0
