"""Nests of the exact model: home sales against imports, suppliers by group.

Equations: docs/model.md. Groups are the same for every product; elasticities may differ.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError
from tradewedge.kernels.market import Market, SupplierGroups
from tradewedge.policy.checks import EVERYTHING, check_codes
from tradewedge.policy.places import Atlas, find
from tradewedge.world import World

Substitution = float | Mapping[str, float]
"""One number for all products, or by HS prefix: the longest wins, ``"*"`` is all others."""

OPTIONS = frozenset({"sigma_home", "sigma_groups", "supplier_groups"})
"""What ``model_options`` may hold for the nests."""


def market_of(
    world: World,
    *,
    sigma_home: Substitution | None = None,
    sigma_groups: Substitution | None = None,
    supplier_groups: Mapping[str, object] | None = None,
) -> Market:
    """The world's market, with the nests that are asked for.

    Parameters
    ----------
    world : World
    sigma_home : float or mapping, optional
        Substitution between home sales and the bundle of imports. Products that no prefix
        matches have no such nest.
    sigma_groups : float or mapping, optional
        Substitution between groups of suppliers, likewise.
    supplier_groups : mapping of str to str or sequence of str, optional
        Countries of each group, as in the scope of a measure: codes, group names, lists of these.
        Countries that none names form the group "others".

    Raises
    ------
    ConfigError
        For elasticities that are not positive and finite, a prefix that matches no product, a
        country in two groups or unknown, groups without ``sigma_groups`` or the other way round.
    """
    if (sigma_groups is None) != (supplier_groups is None):
        there, missing = "sigma_groups", "supplier_groups"
        if sigma_groups is None:
            there, missing = missing, there
        raise ConfigError(
            f"{there} needs {missing} too: who is in which group, and how groups compete"
        )
    if sigma_home is None and sigma_groups is None:
        return world.market
    asked = repr((sigma_home, sigma_groups, supplier_groups))
    if asked not in world.variants:
        world.variants[asked] = _nested(world, sigma_home, sigma_groups, supplier_groups)
    return world.variants[asked]


def _nested(
    world: World, sigma_home: object, sigma_groups: object, supplier_groups: object
) -> Market:
    market = world.market
    if sigma_home is not None:
        market = replace(market, sigma_home=_by_product(world, sigma_home, "sigma_home"))
    if sigma_groups is None:
        return market
    group = _group_of(world, supplier_groups)[world.exporter_country]
    between = _by_product(world, sigma_groups, "sigma_groups")
    return replace(market, groups=SupplierGroups(between, group))


def _by_product(world: World, given: object, where: str) -> NDArray[np.float64]:
    """Elasticity of each product [K]; NaN where none is given."""
    rules = given if isinstance(given, Mapping) else {EVERYTHING: given}
    if not rules:
        raise ConfigError(f"{where} is empty: a number, or numbers by HS prefix")
    out = np.full(len(world.products), np.nan)
    for prefix in sorted(rules, key=lambda key: 0 if key == EVERYTHING else len(str(key))):
        if not isinstance(prefix, str) or not prefix:
            raise ConfigError(f'{where}: a product is text in quotes or "*", not {prefix!r}')
        value = rules[prefix]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
            raise ConfigError(f"{where} is a positive number, not {value!r}")
        mine = [prefix == EVERYTHING or product.startswith(prefix) for product in world.products]
        if not any(mine):
            near = nearest(prefix, world.products)
            raise ConfigError(
                f"{where}: no product of world {world.name!r} begins with {prefix!r}; nearest: "
                f"{', '.join(near) or 'none'}"
            )
        out[mine] = float(value)
    return out


def _group_of(world: World, given: object) -> NDArray[np.int64]:
    """Group of each country [N]; those that none names are in the last one."""
    if not isinstance(given, Mapping) or not given:
        raise ConfigError(
            "supplier_groups names groups of countries, such as "
            f'{{"allied": ["G7", "AUS", "KOR"]}}; not {given!r}'
        )
    atlas = Atlas(world)
    group = np.full(len(world.countries), len(given))
    for number, (name, wanted) in enumerate(given.items()):
        where = f"supplier_groups: {name}"
        mine = find(atlas, check_codes(wanted, where), where).matched
        twice = np.flatnonzero(mine & (group < len(given)))
        if twice.size:
            other = list(given)[group[twice[0]]]
            raise ConfigError(
                f"{where}: {world.countries[twice[0]]} is in group {other!r} already; a country "
                "is in one group"
            )
        if not mine.any():
            raise ConfigError(f"{where}: none of its countries is in world {world.name!r}")
        group[mine] = number
    return group
