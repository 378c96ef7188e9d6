"""How this package uses JAX: float64, where programs are cached, which devices.

Importing this module imports JAX. Nothing that a user's own JAX code depends on changes: float64
is turned on around our calls only, and a cache directory is set only where none was.
"""

# JAX does not type all that it exports.
# mypy: allow-untyped-calls

import os
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

# JAX takes three quarters of a GPU when it first looks at it; it reads this at that moment.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray

_Tree = TypeVar("_Tree")

AXIS = "products"
"""Mesh axis over which products are divided among devices."""


def float64() -> AbstractContextManager[None]:
    """A context in which JAX keeps 64 bits, for this thread."""
    enabled: AbstractContextManager[None] = jax.enable_x64(True)
    return enabled


@cache
def keep_programs() -> Path | None:
    """Let compiled programs outlive the process.

    Returns
    -------
    Path or None
        Where they are kept: where ``JAX_COMPILATION_CACHE_DIR`` or the caller's configuration
        says, else ``tradewedge/jax`` in the user's cache directory; None where that cannot be
        written.
    """
    named = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if named is not None:
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME")
    place = (Path(home) if home else Path.home() / ".cache") / "tradewedge" / "jax"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    jax.config.update("jax_compilation_cache_dir", str(place))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    return place


def mesh() -> Mesh:
    """All devices of all processes, in one row."""
    return Mesh(np.array(jax.devices()), (AXIS,))


def on_gpu(where: Mesh) -> bool:
    """Whether the devices are GPUs."""
    return bool(where.devices.flat[0].platform != "cpu")


def split(where: Mesh) -> NamedSharding:
    """Sharding of arrays whose first axis counts devices."""
    return NamedSharding(where, PartitionSpec(AXIS))


def put(arrays: _Tree, where: NamedSharding) -> _Tree:
    """Give each device its part of arrays that every process holds in full."""
    if jax.process_count() == 1:
        placed: _Tree = jax.device_put(arrays, where)
        return placed

    def one(array: NDArray[Any]) -> jax.Array:
        return jax.make_array_from_callback(array.shape, where, lambda part: array[part])

    made: _Tree = jax.tree.map(one, arrays)
    return made


def fetch(array: jax.Array) -> NDArray[Any]:
    """Bring an array to the host, in full, in every process."""
    if jax.process_count() == 1:
        return np.asarray(array)
    return np.asarray(multihost_utils.process_allgather(array, tiled=True))
