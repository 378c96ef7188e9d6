"""Key columns of outcome tables: codes as Enums, a number per row until they are handed out.

:func:`tradewedge.tables.as_text` makes strings of them.
"""

from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.world import World

Ints = NDArray[np.int64]


def products(world: World, index: Ints) -> pl.Series:
    """Product codes for an index array."""
    return _codes(world.products, index)


def countries(world: World, index: Ints) -> pl.Series:
    """Country codes for an index array."""
    return _codes(world.countries, index)


def flow_keys(world: World) -> dict[str, pl.Series]:
    """product, exporter and importer of every flow row."""
    return {
        "product": products(world, world.flow_product),
        "exporter": countries(world, world.flow_exporter),
        "importer": countries(world, world.flow_importer),
    }


def _codes(codes: tuple[str, ...], index: Ints) -> pl.Series:
    return _each(codes).gather(index)


@lru_cache(maxsize=8)
def _each(codes: tuple[str, ...]) -> pl.Series:
    """Every code once; kept, because an Enum takes longer to make than a column of it."""
    return pl.Series(codes, dtype=pl.Enum(codes))
