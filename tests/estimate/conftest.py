"""Trade whose sigma is known: a world of our own, solved anew under each year's tariffs."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import tradewedge as tw

SIGMA = 5.0
COUNTRIES = ("AUS", "BRA", "CAN", "CHE", "CHL", "CHN", "GBR", "IND", "JPN", "KOR", "TUR", "USA")
PRODUCTS = ("284610", "284690")
YEARS = (2018, 2019, 2020)


@pytest.fixture(autouse=True, scope="session")
def _pyfixest() -> None:
    pytest.importorskip("pyfixest", reason="needs the extra estimate")


@pytest.fixture(scope="session")
def panel() -> SimpleNamespace:
    """Three years of two products between twelve countries, domestic sales among them.

    ``sigma``, ``baseline`` (the world), ``flows``, ``tariffs`` and ``noisy(seed)``: the flows with
    an error of mean 1 on each.
    """
    rng = np.random.default_rng(7)
    keys = [(p, i, j) for p in PRODUCTS for i in COUNTRIES for j in COUNTRIES]
    base = pl.DataFrame(keys, schema=["product", "exporter", "importer"], orient="row")
    base = base.with_columns(value=np.exp(rng.normal(5, 1.5, len(keys))))
    given = pl.DataFrame({"product": [""], "sigma": [SIGMA], "eta": [0.8], "epsilon": [2.0]})
    world = tw.World.from_flows(base, given, tariff_importers="*")
    cases, rates = [], []
    for year in YEARS:
        duties = [
            (year, p, i, j, round(float(rng.uniform(0, 0.3)), 3))
            for p, i, j in keys
            if i != j and rng.random() < 0.4
        ]
        rates += duties
        cases.append(
            tw.Scenario(
                str(year),
                [
                    tw.Tariff(importer=j, exporter=i, products=[p], rate=rate, authority="duty")
                    for _, p, i, j, rate in duties
                ],
            )
        )
    solved = tw.solve(world, cases).flows().collect()
    keys_out = ["product", "exporter", "importer"]
    flows = solved.select(
        pl.col("scenario").cast(pl.Int64).alias("year"), *keys_out, value="value_new"
    )
    schema = ["year", *keys_out, "rate"]
    tariffs = pl.DataFrame(rates, schema=schema, orient="row")

    def noisy(seed: int, spread: float = 0.3) -> pl.DataFrame:
        draw = np.random.default_rng(seed)
        error = np.exp(draw.normal(-(spread**2) / 2, spread, flows.height))
        return flows.with_columns(value=pl.col("value") * error)

    return SimpleNamespace(sigma=SIGMA, baseline=world, flows=flows, tariffs=tariffs, noisy=noisy)
