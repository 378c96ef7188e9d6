"""Where else the products are that a world has no flow of: a hint for an error."""

import polars as pl

from tradewedge.codes import translate
from tradewedge.policy.checks import EVERYTHING, Codes
from tradewedge.policy.words import some
from tradewedge.sources import embedded
from tradewedge.world import World

_SIX = 6


def hint(world: World, products: Codes, vintage: str) -> str:
    """How many products the world has, what the codes are there, which embedded worlds have them.

    Parameters
    ----------
    world : World
    products : str or tuple of str
        As in a measure; only HS codes and prefixes are looked for.
    vintage : str
        HS edition that they are written in; "" for the world's own.

    Returns
    -------
    str
        Sentences, or nothing where no code was named.
    """
    named = (products,) if isinstance(products, str) else products
    wanted = tuple(code for code in named if code.isdigit())
    if not wanted or EVERYTHING in named:
        return ""
    edition = f" in {world.vintage}" if world.vintage else ""
    text = f". This world has {len(world.products):,} product(s){edition}"
    if vintage and world.vintage and vintage != world.vintage:
        full = [code for code in wanted if len(code) == _SIX]
        there = translate(full, vintage, world.vintage).products
        if there and set(there) != set(full):
            text += f", where {some(full)} of {vintage} became {some(there)}"
    for place in embedded.worlds():
        if place.name != world.name:
            text += _found(place.name, wanted, vintage)
    return text


def _found(name: str, wanted: tuple[str, ...], vintage: str) -> str:
    tables = embedded.tables(name)
    edition = tables.meta["vintage"]
    if vintage and vintage != edition:
        return ""
    known = tables.flows["product"].unique().cast(pl.String).to_list()
    has = [code for code in wanted if any(product.startswith(code) for product in known)]
    return f"; the embedded world {name!r} ({edition}) has {some(has)}" if has else ""
