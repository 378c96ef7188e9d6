"""Outcomes are written twice, in JAX for their derivatives: they equal those of the tables."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

import tradewedge as tw
from tradewedge import Outcome, World
from tradewedge.kernels.jax_equilibrium import (
    Equilibrium,
    Parameters,
    Unknowns,
    evaluate,
    parameters,
)
from tradewedge.kernels.jax_runtime import float64
from tradewedge.kernels.market import Status
from tradewedge.outcomegradients import outcome as value_of
from tradewedge.policy.measure import Measure
from tradewedge.solvedcase import Case, case_of

COUNTRIES = ("CHN", "DEU", "JPN", "USA")
PRODUCTS = ("284610", "284690")
EXACT = {"tolerance": 1e-13, "backend": "cpu"}


@pytest.fixture(scope="module")
def worlds(random_world: Callable[..., World]) -> dict[str, World]:
    """Few, since JAX compiles for every number of rows."""

    def made(seed: int, **how: Any) -> World:
        return random_world(seed, products=PRODUCTS, countries=COUNTRIES, density=0.85, **how)

    home, abroad = made(30), made(31, home=False)
    seen = home.flows().filter(pl.col("importer") == "USA").collect()
    one = World.from_flows(
        seen,
        pl.DataFrame({"product": [""], "sigma": [4.0], "eta": [0.6], "epsilon": [1.2]}),
        seen.select("product", "exporter", "importer", rate=0.05, authority=pl.lit("MFN")),
        tariff_importers=["USA"],
        observed_importers=["USA"],
    )
    return {"with home sales": home, "without": abroad, "of one importer": one}


@dataclass(frozen=True)
class Draw:
    """A world by name, what its elasticities are, and a scenario."""

    world: str
    sigma: tuple[float, ...]
    eta: float
    epsilon: tuple[float, ...]  # in turn by exporter
    measures: tuple[Measure, ...]
    products: tuple[str, ...]

    def make(self, worlds: dict[str, World]) -> World:
        world = worlds[self.world]
        values = {
            "sigma": np.resize(self.sigma, len(world.products)),
            "eta": np.full(len(world.products), self.eta),
            "epsilon": np.resize(self.epsilon, world.epsilon.size),
        }
        return replace(world, elasticities=replace(world.elasticities, **values))


@st.composite
def draws(draw: st.DrawFn) -> Draw:
    """Whatever is allowed together."""
    name = draw(st.sampled_from(["with home sales", "without", "of one importer"]))
    sigma = draw(st.sampled_from([(2.5, 6.0), (4.0,), (1.0005, 3.0), (0.6, 1.0)]))
    eta = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0]))
    ends = [(0.7, 3.0, 1.5), (np.inf, 2.0), (np.inf,)] + [(0.0, 1.0)] * (eta > 0)
    epsilon = draw(st.sampled_from(ends))
    finite, all_sales = max(epsilon) < np.inf, name != "of one importer"
    kinds = [
        *EVERYWHERE,
        *(WHERE_SUPPLIERS_CAN_BE_LOST if min(sigma) > 1.1 else ()),
        *([SHIFT] if finite else ()),
        *([CAPACITY] if all_sales else ()),
    ]
    measures = draw(st.lists(st.one_of(kinds), min_size=1, max_size=5))
    # Of these a flow, or an exporter, has one at most.
    for kind in [RATED, *([CONTRACT] if finite and all_sales else ())]:
        measures += draw(st.lists(kind, max_size=1))
    return Draw(
        world=name,
        sigma=sigma,
        eta=eta,
        epsilon=epsilon,
        measures=tuple(measures),
        products=draw(st.sampled_from([PRODUCTS[:1], PRODUCTS[1:], PRODUCTS])),
    )


def on_flows(kind: type[Measure], **own: st.SearchStrategy[Any]) -> st.SearchStrategy[Measure]:
    """A kind of measure between some countries, which need not trade."""
    country = st.sampled_from(COUNTRIES)
    some = st.one_of(country, st.just("*"), st.lists(country, min_size=2, max_size=3, unique=True))
    scope = {"importer": some, "exporter": some, "products": covered, "allow_empty": st.just(True)}
    return st.builds(kind, **scope, **own)


def on_sales(kind: type[Measure], **own: st.SearchStrategy[Any]) -> st.SearchStrategy[Measure]:
    """A kind of measure on all that exporters sell."""
    country = st.sampled_from(COUNTRIES)
    scope = {"exporter": country, "products": covered, "allow_empty": st.just(True)}
    return st.builds(kind, **scope, **own)


covered = st.sampled_from(["*", *([product] for product in PRODUCTS)])
shared = {
    "per": st.sampled_from(["pair", "importer", "exporter", "global"]),
    "rent": st.sampled_from(["importer", "exporter"]),
}
mode = st.sampled_from(["add", "set"])
factor = st.floats(0.6, 1.6)

EVERYWHERE = [
    on_flows(tw.Tariff, rate=st.floats(0.0, 0.8), mode=mode),
    on_flows(tw.ExportTax, rate=st.floats(0.0, 0.5)),
    on_flows(tw.TradeCost, factor=factor),
    on_flows(tw.SpecificDuty, usd_per_kg=st.floats(0.01, 3.0)),
    on_flows(
        tw.PriceFloor,
        multiple=st.floats(0.5, 2.0),
        basis=st.sampled_from(["duty_paid", "border"]),
        rent=st.sampled_from(["treasury", "exporter"]),
        dispersion=st.sampled_from([None, 0.2, 0.5]),
    ),
    on_flows(tw.ImportQuota, fraction=st.floats(0.05, 1.5), **shared),
    on_flows(tw.ExportQuota, fraction=st.floats(0.05, 1.5), **shared),
    st.builds(tw.DemandShift, importer=st.just("USA"), factor=factor),
]
WHERE_SUPPLIERS_CAN_BE_LOST = [
    on_flows(tw.Exclusion),
    on_flows(tw.ImportQuota, fraction=st.just(0.0)),
    on_flows(tw.ExportQuota, fraction=st.just(0.0), per=st.just("pair")),
]
SHIFT = on_sales(tw.SupplyShift, factor=factor)
RATED = on_flows(
    tw.TariffRateQuota,
    fraction=st.floats(0.0, 1.5),
    in_rate=st.floats(0.0, 0.2),
    out_rate=st.floats(0.2, 0.8),
    mode=mode,
    **shared,
)
CAPACITY = on_sales(tw.Capacity, fraction=st.floats(0.05, 1.5))
CONTRACT = on_sales(
    tw.ContractForDifference,
    multiple=st.floats(0.6, 1.6),
    upside_share=st.sampled_from([0.0, 0.5, 1.0]),
    covered=st.floats(0.1, 1.0),
)


@settings(max_examples=40)
@given(drawn=draws())
def test_equal_the_tables(drawn: Draw, worlds: dict[str, World]) -> None:
    world = drawn.make(worlds)
    scenario = tw.Scenario("case", drawn.measures)
    try:
        result = tw.solve(world, scenario, **EXACT)
    except tw.ConfigError:  # measures that do not go together in this world
        reject()
    [solution] = result.solutions
    keep = np.isin(np.array(world.products), drawn.products)
    assume((solution.status[keep] == Status.CONVERGED).all())
    case = case_of(world, solution, keep)
    tables = {
        name: result.scan(name).filter(pl.col("product").is_in(drawn.products)).collect()
        for name in ("flows", "importers", "transfers", "welfare")
    }
    money = 1e-8 * world.value.sum()
    with float64():
        at, theta = equilibrium(case)
        for number, country in enumerate(world.countries):
            for kind, told in outcomes(tables, country).items():
                if told is None:
                    outcome = Outcome(kind, country, drawn.products)
                    with pytest.raises(tw.ConfigError):
                        tw.sensitivity(world, scenario, outcome, **EXACT)
                    continue
                found = float(value_of(case, kind, number, at, theta))
                near = 1e-8 if kind in ("price_index", "hhi") else money
                assert found == pytest.approx(told, rel=1e-8, abs=near), (kind, country)


def equilibrium(case: Case) -> tuple[Equilibrium, Parameters]:
    """The case's solution in JAX."""
    known = Unknowns(
        price=np.nan_to_num(case.found.log_price),
        paid=case.setting.regimes.paid,
        premium=case.found.log_shadow,
    )
    theta = Parameters(*map(jnp.asarray, parameters(case.setting)))
    return evaluate(case.setting, Unknowns(*map(jnp.asarray, known)), theta)[0], theta


def outcomes(tables: dict[str, pl.DataFrame], country: str) -> dict[str, float | None]:
    """Outcomes of a country; None where the tables are empty."""
    bought = tables["importers"].filter(importer=country)
    abroad = tables["flows"].filter(pl.col("exporter") != country, importer=country)
    supplied = abroad.group_by("exporter").agg(pl.col("value_new").sum())["value_new"].to_numpy()
    imports = supplied.sum()
    taken = pl.col("kind").is_in(["duty", "levy"])
    revenue = tables["transfers"].filter(taken, receiver=country)["amount_new"].sum()
    told = tables["welfare"].filter(country=country)
    index, weight = bought["price_index_hat"], bought["expenditure_base"]
    whole = bought.height and not index.null_count()
    return {
        "price_index": (index * weight).sum() / weight.sum() if whole else None,
        "imports": imports if bought.height else None,
        "hhi": float(((supplied / imports) ** 2).sum()) if imports > 0 else None,
        "revenue": revenue if not told["revenue"].null_count() else None,
        "consumer_surplus": total(told["consumer_surplus"]),
        "welfare": total(told["net"]),
    }


def total(column: pl.Series) -> float | None:
    return None if column.null_count() or not column.len() else float(column.sum())
