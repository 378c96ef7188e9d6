"""How much memory scenarios take, and may take."""

import re
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

from tradewedge.errors import ConfigError
from tradewedge.policy import Wedges
from tradewedge.world import World

_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE: Final = re.compile(r"\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>[KMGT]?)B?\s*", re.IGNORECASE)
_NUMBER: Final = 8


def read_size(given: object) -> float:
    """Bytes of a text such as "2GB" or "500 MB", or of a number of bytes, which may be infinite.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if isinstance(given, int | float) and not isinstance(given, bool) and given >= 0:
        return float(given)
    found = _SIZE.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ConfigError(f'memory is a size such as "2GB" or "500MB", not {given!r}')
    return float(found["number"]) * _UNITS[found["unit"].upper()]


def cost(world: World, wedges: Wedges) -> float:
    """Bytes that one scenario takes while it is solved, beside those of the world."""
    own = {id(array) for duty in world.duties for array in (duty.rows, duty.rate)}
    own.add(id(world.tariff_base))
    rows = world.exporter_country.size + world.importer_country.size
    # Prices by exporter and importer, in logs and not; rows and costs of the flows it touches.
    more = 2 * rows + 4 * len(world.products) + 2 * wedges.touched.size
    return _bytes(wedges, own) + _NUMBER * more


def transient(world: World) -> float:
    """Bytes that the tables of one scenario take while they are written."""
    return 4.0 * _NUMBER * world.value.size


def _bytes(value: Any, others: set[int]) -> int:
    """Bytes of all arrays inside a record but those of others, which it joins."""
    if isinstance(value, np.ndarray):
        # An array of one value for all rows takes no memory, one that is met again none either.
        if id(value) in others or not any(value.strides):
            return 0
        others.add(id(value))
        return value.nbytes
    if isinstance(value, tuple):
        return sum(_bytes(item, others) for item in value if not isinstance(item, str))
    if is_dataclass(value):
        return sum(_bytes(getattr(value, field.name), others) for field in fields(value))
    return 0
