import polars as pl
import pytest

import tradewedge as tw
from tradewedge import codes

#: product, exporter, importer, value, rate, authority
ROWS = [
    ("010121", "AUS", "CHN", 5.0, None, None),
    ("284610", "AUS", "USA", 10.0, 0.02, "MFN"),
    ("284610", "CHN", "DEU", 80.0, None, None),
    ("284610", "CHN", "USA", 100.0, 0.05, "MFN"),
    ("284610", "DEU", "FRA", 30.0, None, None),
    ("284610", "DEU", "USA", 20.0, None, None),
    ("284610", "USA", "USA", 50.0, None, None),
    ("284690", "AUS", "USA", 15.0, None, None),
    ("284690", "CHN", "CHN", 70.0, None, None),
    ("284690", "CHN", "JPN", 60.0, None, None),
    ("284690", "CHN", "USA", 200.0, 0.05, "MFN"),
    ("850511", "CHN", "USA", 300.0, 0.02, "MFN"),
    ("850511", "FRA", "DEU", 40.0, None, None),
    ("850511", "JPN", "USA", 90.0, 0.02, "MFN"),
]
SECTION_301 = [
    ("284690", "CHN", "USA", 0.25, "Section 301"),
    ("850511", "CHN", "USA", 0.25, "Section 301"),
]


def _elasticities() -> pl.DataFrame:
    return pl.DataFrame(
        {"product": [""], "sigma": [5.0], "eta": [0.5], "epsilon": [1.0], "source": ["test"]}
    )


@pytest.fixture(scope="session")
def world() -> tw.World:
    """Return four products between six countries; only the tariffs of the USA are known."""
    rates = [(*row[:3], *row[4:]) for row in ROWS if row[4] is not None] + SECTION_301
    return tw.World.from_flows(
        pl.DataFrame(
            [row[:4] for row in ROWS],
            schema=["product", "exporter", "importer", "value"],
            orient="row",
        ),
        elasticities=_elasticities(),
        tariffs=pl.DataFrame(
            rates, schema=["product", "exporter", "importer", "rate", "authority"], orient="row"
        ),
        tariff_importers=["USA"],
        name="small",
        vintage="HS2017",
    )


@pytest.fixture(scope="session")
def one_importer() -> tw.World:
    """Return a world that sees US imports only, with EU27 as a single partner."""
    return tw.World.from_flows(
        pl.DataFrame(
            {
                "product": ["284610"] * 4,
                "exporter": ["CHN", "EU27", "GBR", "JPN"],
                "importer": ["USA"] * 4,
                "value": [1.0, 2.0, 3.0, 4.0],
            }
        ),
        elasticities=_elasticities(),
        aggregates={"EU27": codes.group_members("EU27")},
        observed_importers=["USA"],
        name="one importer",
        vintage="HS2022",
    )


@pytest.fixture(scope="session")
def sectors() -> tw.World:
    """Return a world whose products are no HS codes and whose countries are its own names."""
    return tw.World.from_flows(
        pl.DataFrame(
            {
                "product": ["Basic metals", "Mining", "Mining"],
                "exporter": ["AUS", "AUS", "CHN"],
                "importer": ["CHN", "CHN", "AUS"],
                "value": [1.0, 2.0, 3.0],
            }
        ),
        elasticities=_elasticities(),
        name="sectors",
    )


@pytest.fixture(scope="session")
def old_edition() -> tw.World:
    """Return a world in HS2017, with a code that HS2022 split (854140: LEDs, solar cells)."""
    return _china_to_usa("HS2017")


@pytest.fixture(scope="session")
def no_edition() -> tw.World:
    """Return a world of HS codes that does not say of which edition."""
    return _china_to_usa(None)


def _china_to_usa(vintage: str | None) -> tw.World:
    return tw.World.from_flows(
        pl.DataFrame(
            {
                "product": ["284690", "850511", "854140"],
                "exporter": ["CHN"] * 3,
                "importer": ["USA"] * 3,
                "value": [1.0, 2.0, 3.0],
            }
        ),
        elasticities=_elasticities(),
        name="China to USA",
        vintage=vintage,
    )


#: product, exporter, importer, value (thousand USD), tons
WEIGHED = [
    ("283691", "ARG", "CHN", 300.0, 30.0),
    ("283691", "CHL", "CHL", 50.0, 5.0),
    ("283691", "CHL", "CHN", 600.0, 50.0),
    ("283691", "CHL", "USA", 400.0, 20.0),
    ("283691", "CHN", "USA", 90.0, None),
    ("283691", "ARG", "USA", 200.0, 20.0),
    ("284690", "CHN", "CHN", 500.0, 100.0),
    ("284690", "CHN", "JPN", 300.0, 30.0),
    ("284690", "CHN", "USA", 200.0, 20.0),
    ("284690", "USA", "CHN", 100.0, 50.0),
    ("284690", "USA", "USA", 60.0, 12.0),
    ("810520", "COD", "CHN", 900.0, 60.0),
    ("810520", "COD", "USA", 100.0, None),
]


@pytest.fixture(scope="session")
def weighed() -> tw.World:
    """Return a world with tons, but for two flows; the USA charges 25 % on 2846 from China."""
    rates = [("284690", "CHN", "USA", 0.25), ("283691", "CHL", "USA", 0.0)]
    return tw.World.from_flows(
        pl.DataFrame(
            WEIGHED,
            schema={
                "product": pl.String,
                "exporter": pl.String,
                "importer": pl.String,
                "value": pl.Float64,
                "quantity": pl.Float64,
            },
            orient="row",
        ),
        elasticities=_elasticities(),
        tariffs=pl.DataFrame(
            rates, schema=["product", "exporter", "importer", "rate"], orient="row"
        ).with_columns(authority=pl.lit("MFN")),
        tariff_importers=["USA"],
        name="weighed",
        vintage="HS2022",
    )
