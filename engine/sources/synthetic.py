"""A made-up world of any size: trade that looks like a year of HS6 trade and is not.

Every number is drawn. Countries are ``C001`` (the largest) to ``C226``, products ``S00001`` and
on, so that neither can be taken for a real country or an HS code, and nothing here depends on
real data. It exists for benchmarks and for tests at full scale.

A flow's log value is gravity-shaped, ``exporter + importer - distance + noise``: country sizes
fall off like a power, every country has a knack (or a taste) for every product, distances are
those of points on a sphere. Of all pairs of a product the largest ones trade. How many do is
heavy-tailed. With the default 226 countries the means are near those of a year of BACI: about
2,300 flows a product between 130 exporters and 160 importers.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NAME: Final = "synthetic"
NOTES: Final = (
    "Synthetic: every flow, tariff and elasticity is drawn at random. Nothing in it describes a "
    "real country or product; it is for benchmarks and tests.",
    "Tariffs are known for C001, the largest importer, only.",
)
SOURCE: Final = "synthetic: drawn at random"
MOST_COUNTRIES: Final = 999
MOST_PRODUCTS: Final = 99_999
SMALLEST: Final = 0.001
"""Thousand USD: values are rounded to whole dollars, as BACI's are."""

_PAIRS_TRADING: Final = 2_300 / (226 * 225)
_UNREPORTED: Final = 0.03


@dataclass(frozen=True, eq=False)
class Duties:
    """One authority's rates on some flow rows; rows ascend."""

    authority: str
    rows: Ints
    rate: Floats


@dataclass(frozen=True, eq=False)
class Drawn:
    """The arrays of a synthetic world, in the order that a world keeps them.

    Attributes
    ----------
    products, countries : tuple of str
    product, exporter, importer : int64 [F]
        Indices into them, sorted by product, exporter, importer.
    value : float64 [F]
        Thousand USD.
    quantity : float64 [F]
        Metric tons; NaN for about 3 % of the flows.
    duties : tuple of Duties
        What the largest importer charges: "MFN" and, on its second largest supplier, "extra".
    sigma, eta : float64 [K]
    epsilon : float64 [K, N]
        Supply elasticity of every country, whether it exports the product or not.
    """

    products: tuple[str, ...]
    countries: tuple[str, ...]
    product: Ints
    exporter: Ints
    importer: Ints
    value: Floats
    quantity: Floats
    duties: tuple[Duties, ...]
    sigma: Floats
    eta: Floats
    epsilon: Floats


def draw(products: int, countries: int, seed: int, *, home_sales: bool = False) -> Drawn:
    """Draw a world.

    Parameters
    ----------
    products, countries : int
        At most 99,999 and from 2 to 999.
    seed : int
        Not negative. The same seed gives the same world, and product k does not depend on how many
        products there are.
    home_sales : bool
        Add a domestic row for every exporter of a product.

    Raises
    ------
    ValueError
        For numbers outside these ranges.
    """
    if not 1 <= products <= MOST_PRODUCTS or not 2 <= countries <= MOST_COUNTRIES or seed < 0:
        raise ValueError(
            f"a synthetic world has 1 to {MOST_PRODUCTS:,} products, 2 to {MOST_COUNTRIES} "
            f"countries and a seed of 0 or more, not {products}, {countries} and {seed}"
        )
    pair_level = _pairs(countries, np.random.default_rng((seed,)))
    sigma, eta = np.empty(products), np.empty(products)
    epsilon = np.empty((products, countries))
    parts: list[tuple[NDArray[np.int32], Floats, Floats]] = []
    for k in range(products):
        rng = np.random.Generator(np.random.SFC64((seed, k)))
        parts.append(_flows(pair_level, home_sales, rng))
        sigma[k] = np.clip(np.exp(rng.normal(np.log(4.0), 0.5)), 1.2, 20.0)
        eta[k] = rng.uniform(0.3, 1.0)
        typical = rng.normal(0.0, 0.4)
        epsilon[k] = np.clip(np.exp(typical + rng.normal(0.0, 0.3, countries)), 0.2, 8.0)
    size = np.array([len(pairs) for pairs, _, _ in parts])
    pairs = np.concatenate([part[0] for part in parts])
    value = np.concatenate([part[1] for part in parts])
    quantity = np.concatenate([part[2] for part in parts])
    del parts
    exporter, importer = (index.astype(np.int64) for index in np.divmod(pairs, countries))
    product = np.repeat(np.arange(products), size)
    return Drawn(
        products=tuple(f"S{k + 1:05d}" for k in range(products)),
        countries=tuple(f"C{i + 1:03d}" for i in range(countries)),
        product=product,
        exporter=exporter,
        importer=importer,
        value=value,
        quantity=quantity,
        duties=_duties(product, exporter, importer, products, np.random.default_rng((seed, 1, 1))),
        sigma=sigma,
        eta=eta,
        epsilon=epsilon,
    )


def _pairs(countries: int, rng: np.random.Generator) -> Floats:
    """Log trade of every pair that all products share, [N, N]: sizes less distance."""
    size = -1.3 * np.log(np.arange(1, countries + 1) + 4.0)
    export = size * 1.5 + rng.normal(0.0, 0.4, countries)
    importing = size * 1.3 + rng.normal(0.0, 0.2, countries)
    # The largest importer is the first country, by construction.
    importing[0] = importing.max() + 0.8
    place = rng.normal(size=(countries, 3))
    place /= np.linalg.norm(place, axis=1, keepdims=True)
    angle = np.arccos(np.clip(place @ place.T, -1.0, 1.0))
    level: Floats = export[:, None] + importing[None, :] - 1.1 * np.log(angle + 0.05)
    return level


def _flows(
    pair_level: Floats, home_sales: bool, rng: np.random.Generator
) -> tuple[NDArray[np.int32], Floats, Floats]:
    """One product: pairs (exporter * N + importer, ascending), values, tons."""
    n = len(pair_level)
    spread = rng.uniform(0.8, 1.2)
    knack, taste = rng.normal(0.0, 2.0, n), rng.normal(0.0, 1.6, n)
    noise = rng.standard_normal((n, n), dtype=np.float32)
    level = (spread * pair_level + knack[:, None] + taste[None, :] + 1.1 * noise).ravel()
    level[:: n + 1] = -np.inf
    wanted = _PAIRS_TRADING * np.exp(rng.normal(-0.32, 0.8)) * n * (n - 1)
    count = int(np.clip(round(wanted), 1, 0.5 * n * (n - 1)))
    pairs = np.sort(np.argpartition(level, n * n - count)[n * n - count :])
    value = level[pairs] + rng.normal(0.0, 2.2, count)
    if home_sales:
        sellers = np.unique(pairs // n)
        own = sellers * (n + 1)
        sold = np.log(np.bincount(pairs // n, np.exp(value), n)[sellers])
        pairs, value = np.concatenate([pairs, own]), np.concatenate([value, sold])
        value[count:] += rng.normal(0.7, 0.8, len(own))
        order = np.argsort(pairs)
        pairs, value = pairs[order], value[order]
    total = np.exp(rng.normal(np.log(8e5), 1.8))
    value = np.exp(value - value.max())
    value = np.maximum(np.round(value * (total / value.sum()), 3), SMALLEST)
    unit_value = np.exp(rng.normal(np.log(4.0), 1.5) + rng.normal(0.0, 0.6, len(pairs)))
    tons = np.maximum(np.round(value / unit_value, 3), SMALLEST)
    tons[rng.random(len(pairs)) < _UNREPORTED] = np.nan
    return pairs.astype(np.int32), value, tons


def _duties(
    product: Ints, exporter: Ints, importer: Ints, products: int, rng: np.random.Generator
) -> tuple[Duties, ...]:
    """What the largest importer charges: 45 % of products free, the others 1 to 20 %."""
    free = rng.random(products) < 0.45
    mfn = np.where(
        free, 0.0, np.round(np.clip(np.exp(rng.normal(-3.2, 0.7, products)), 0.01, 0.2), 3)
    )
    extra = np.where(rng.random(products) < 0.5, rng.choice([0.075, 0.25], products), 0.0)
    bought = np.flatnonzero((importer == 0) & (exporter != 0))
    charged = bought[mfn[product[bought]] > 0]
    second = bought[(exporter[bought] == 1) & (extra[product[bought]] > 0)]
    return (
        Duties("MFN", charged, mfn[product[charged]]),
        Duties("extra", second, extra[product[second]]),
    )
