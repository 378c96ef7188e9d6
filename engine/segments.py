"""Parts of an importer's demand: a pseudo-importer per part, supplied in the same shares."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tradewedge.codes import nearest
from tradewedge.duty import Duty
from tradewedge.errors import ConfigError

if TYPE_CHECKING:
    from tradewedge.world import World

MARK = ":"


def parent(country: str) -> str:
    """The country that a segment belongs to; a country is its own."""
    return country.partition(MARK)[0]


def segment(country: str) -> str:
    """Name of a segment; "" for a country."""
    return country.partition(MARK)[2]


def parents(countries: Sequence[str]) -> NDArray[np.int64]:
    """Index of the country that each entry belongs to, int64 [N]."""
    index = {country: i for i, country in enumerate(countries)}
    return np.array([index.get(parent(country), index[country]) for country in countries], np.int64)


def split_importer(world: "World", country: str, shares: Mapping[str, float]) -> "World":
    """Set parts of one importer's demand apart.

    Every flow into ``country``, home sales too, is divided in the same proportions, so that
    nothing changes until a measure treats a part differently.

    Parameters
    ----------
    world : World
    country : str
    shares : mapping
        Share of the country's demand in each segment, above 0 and together below 1; the rest
        stays with the country. Segment ``"defence"`` of ``"USA"`` becomes importer
        ``"USA:defence"``.

    Returns
    -------
    World

    Raises
    ------
    ConfigError
        For a country without purchases, one that is split already, or shares that are no such.
    """
    parts = _check(world, country, shares)
    countries = tuple(sorted((*world.countries, *parts)))
    index = {code: i for i, code in enumerate(countries)}
    moved = np.array([index[code] for code in world.countries], dtype=np.int64)
    size = world.value.size
    own = np.flatnonzero(world.flow_importer == world.countries.index(country))
    # The old rows, then the rows into each segment; `old` says which row each one comes from.
    old = np.concatenate([np.arange(size), *([own] * len(parts))])
    importer = moved[world.flow_importer[old]]
    share = np.ones(old.size)
    share[own] = 1.0 - sum(parts.values())
    for place, (name, part) in enumerate(parts.items()):
        rows = slice(size + place * own.size, size + (place + 1) * own.size)
        importer[rows], share[rows] = index[name], part
    exporter = moved[world.flow_exporter[old]]
    order = np.lexsort((importer, exporter, world.flow_product[old]))
    known, observed = world.tariff_importers, world.observed_importers
    return replace(
        world,
        countries=countries,
        flow_product=world.flow_product[old][order],
        flow_exporter=exporter[order],
        flow_importer=importer[order],
        value=(world.value[old] * share)[order],
        quantity=(world.quantity[old] * share)[order],
        duties=tuple(_carry(duty, old[order], size) for duty in world.duties),
        tariff_importers=known if known is None or country not in known else known | set(parts),
        observed_importers=observed
        if observed is None or country not in observed
        else tuple(sorted((*observed, *parts))),
    )


def _check(world: "World", country: str, shares: Mapping[str, float]) -> dict[str, float]:
    """Code and share of each segment, sorted."""
    where = f"split of {country!r} in world {world.name!r}"
    if country not in world.countries:
        near = nearest(country, world.countries)
        raise ConfigError(f"{where}: no such country; nearest: {', '.join(near) or 'none'}")
    if MARK in country or any(parent(c) == country and c != country for c in world.countries):
        raise ConfigError(f"{where}: it is split already; name all its segments at once")
    if not (world.flow_importer == world.countries.index(country)).any():
        raise ConfigError(f"{where}: it buys nothing in this world")
    if not shares:
        raise ConfigError(f'{where}: no segment is named; write {{"defence": 0.05}}')
    for name, share in shares.items():
        if not isinstance(name, str) or not name.strip() or MARK in name:
            raise ConfigError(f"{where}: a segment is a name without {MARK!r}, not {name!r}")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise ConfigError(f"{where}: share of {name} is above 0 and below 1, not {share!r}")
    total = float(sum(shares.values()))
    if not total < 1:
        raise ConfigError(
            f"{where}: the shares sum to {total:g}; they must stay below 1, and the rest remains "
            f"{country!r}"
        )
    return {f"{country}{MARK}{name}": float(shares[name]) for name in sorted(shares)}


def _carry(duty: Duty, old: NDArray[np.int64], size: int) -> Duty:
    """The same duty on every row that comes from one of its rows."""
    place = np.full(size, -1, dtype=np.int64)
    place[duty.rows] = np.arange(duty.rows.size)
    source = place[old]
    rows = np.flatnonzero(source >= 0)
    return Duty(duty.authority, rows, duty.rate[source[rows]])
