"""What every room's tests share. Kept small: a room's own helpers live in its own folder."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tradewedge import Result, World

REPOSITORY = Path(__file__).resolve().parents[1]


def _fresh_numba_cache() -> None:
    """Key Numba's disk cache by the kernels' text.

    Numba looks only at the file that holds a compiled function, so an edit in a module that
    the function calls would go unseen. It reads the variable when it is first imported.
    """
    text = hashlib.sha256()
    for path in sorted((REPOSITORY / "kernels").rglob("*.py")):
        text.update(path.read_bytes())
    place = REPOSITORY / "build" / "numba" / text.hexdigest()[:16]
    os.environ.setdefault("NUMBA_CACHE_DIR", str(place))
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(REPOSITORY / "build" / "jax"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")


_fresh_numba_cache()

settings.register_profile("default", deadline=None, max_examples=25)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder with the original public files, which the repository does not hold."""
    named = os.environ.get("TRADEWEDGE_SHARED")
    place = Path(named) if named else REPOSITORY.parent / "shared"
    if not (place / "data").is_dir():
        pytest.skip(f"the original files are not at {place}; name them in TRADEWEDGE_SHARED")
    return place


@pytest.fixture(scope="session")
def small_world() -> "World":
    """Two products, four countries, home sales of one, US tariffs known."""
    import polars as pl

    from tradewedge import World

    rows = [
        ("284690", "CHN", "USA", 300.0),
        ("284690", "MYS", "USA", 100.0),
        ("284690", "CHN", "JPN", 500.0),
        ("284690", "MYS", "JPN", 250.0),
        ("850511", "CHN", "USA", 80.0),
        ("850511", "JPN", "USA", 60.0),
        ("850511", "JPN", "JPN", 400.0),
    ]
    flows = pl.DataFrame(rows, schema=["product", "exporter", "importer", "value"], orient="row")
    elasticities = pl.DataFrame(
        {"product": [""], "sigma": [4.0], "eta": [0.5], "epsilon": [1.0], "source": ["test"]}
    )
    tariffs = pl.DataFrame(
        {
            "product": ["850511"],
            "exporter": ["CHN"],
            "importer": ["USA"],
            "rate": [0.021],
            "authority": ["MFN"],
        }
    )
    return World.from_flows(flows, elasticities, tariffs, name="small", vintage="HS2022")


@pytest.fixture(scope="session")
def result(small_world: "World") -> "Result":
    """A duty and a lost supplier in ``small_world``."""
    import tradewedge as tw

    duty = tw.Scenario(
        "duty", [tw.Tariff(importer="USA", products="2846", rate=0.25)], status="hypothetical"
    )
    lost = tw.Scenario("lost", [tw.Exclusion(importer="USA", exporter="CHN")])
    return tw.solve(small_world, [duty, lost])


@pytest.fixture(scope="session")
def random_world() -> Callable[..., "World"]:
    """A maker of small worlds, told by ``seed``; see :func:`_random_world`."""
    return _random_world


def _random_world(
    seed: int,
    *,
    sigma: float = 4.0,
    eta: float = 0.6,
    epsilon: float = 1.2,
    products: Sequence[str] = ("284610", "284690"),
    countries: Sequence[str] = ("CHN", "DEU", "GBR", "JPN", "USA"),
    density: float = 0.8,
    home: bool = True,
    tariffs: bool = True,
    **options: Any,
) -> "World":
    """Random trade, tons and known tariffs between all countries, one set of elasticities."""
    import polars as pl

    from tradewedge import World

    rng = np.random.default_rng(seed)
    keys = [
        (product, exporter, importer)
        for product in products
        for exporter in countries
        for importer in countries
        if (home or exporter != importer) and rng.random() < density
    ] or [(products[0], countries[0], countries[1])]
    flows = pl.DataFrame(keys, schema=["product", "exporter", "importer"], orient="row")
    value = np.exp(rng.normal(5, 1.5, len(keys)))
    rate = rng.uniform(0, 0.4, len(keys))
    return World.from_flows(
        flows.with_columns(value=value, quantity=value / rng.uniform(1, 20, len(keys))),
        pl.DataFrame({"product": [""], "sigma": [sigma], "eta": [eta], "epsilon": [epsilon]}),
        flows.with_columns(rate=rate, authority=pl.lit("MFN")) if tariffs else None,
        tariff_importers="*",
        **options,
    )
