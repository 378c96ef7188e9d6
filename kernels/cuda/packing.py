"""What the CUDA kernel is handed: the market in two orders, and the words of a job.

Everything here is NumPy. ``armington.cu`` names the same things; tests compare the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradewedge.kernels.market import Bools, Ints, Market

Int32s = NDArray[np.int32]
Words = NDArray[np.uint64]

POINTERS = (
    "products",
    "flow_ptr",
    "exporter_ptr",
    "importer_ptr",
    "by_exporter",
    "by_importer",
    "to",
    "from",
    "turned",
    "share",
    "sales_share",
    "home",
    "sigma",
    "eta",
    "sigma_home",
    "epsilon",
    "log_cost",
    "admitted",
    "log_supply",
    "log_demand",
    "log_price",
    "log_index",
    "status",
    "iterations",
    "residual",
    "error_bound",
    "weights",
    "vectors",
)
"""Addresses in ``struct Job``, in its order; the numbers follow."""
COUNTS = (
    "listed",
    "scenarios",
    "all_products",
    "flows",
    "exporters",
    "importers",
    "weights_stride",
    "vectors_stride",
    "max_steps",
)
"""Whole numbers in ``struct Job``, in its order; ``tolerance`` is the last word."""

DEPTH, LANES, PARTS = 5, 8, 64
EXPORTER_VECTORS, PLAIN_IMPORTER_VECTORS, IMPORTER_VECTORS = 26, 8, 12


def source() -> str:
    """Return the text of the kernel."""
    return files(__package__).joinpath("armington.cu").read_text(encoding="utf-8")


@dataclass(frozen=True, eq=False)
class Packed:
    """Products of a market as the kernel reads them.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the names of ``struct Job``: all that does not depend on the scenario.
    doubles : int64 [K]
        Size of each product's vectors, in units of 8 bytes.
    flows : int64 [K]
    """

    arrays: dict[str, NDArray[np.generic]]
    doubles: Ints
    flows: Ints

    @property
    def nbytes(self) -> int:
        """Memory that the arrays take on the device."""
        return sum(array.nbytes for array in self.arrays.values())


def pack(market: Market) -> Packed:
    """Lay out a market for the kernel.

    Parameters
    ----------
    market : Market
        Flows sorted by exporter row.

    Returns
    -------
    Packed
    """
    to, source_row, turned, by_importer = _turn(
        market.flow_ptr,
        market.exporter_ptr,
        market.importer_ptr,
        market.flow_exporter,
        market.flow_importer,
    )
    rows = np.arange(int(market.exporter_ptr[-1]) + 1)
    arrays = {
        "flow_ptr": market.flow_ptr,
        "exporter_ptr": market.exporter_ptr,
        "importer_ptr": market.importer_ptr,
        "by_exporter": np.searchsorted(market.flow_exporter, rows),
        "by_importer": by_importer,
        "to": to,
        "from": source_row,
        "turned": turned,
        "home": market.home,
    }
    arrays |= {
        name: getattr(market, name)
        for name in ("share", "sales_share", "sigma", "eta", "sigma_home", "epsilon")
    }
    return Packed(
        arrays={name: as_stored(name, array) for name, array in arrays.items()},
        doubles=vector_doubles(
            np.diff(market.exporter_ptr),
            np.diff(market.importer_ptr),
            ~np.isnan(market.sigma_home),
        ),
        flows=np.diff(market.flow_ptr),
    )


def vector_doubles(exporters: Ints, importers: Ints, nested: Bools) -> Ints:
    """Size of a product's vectors, in units of 8 bytes, as ``armington.cu`` cuts them."""
    vectors = np.where(nested, IMPORTER_VECTORS, PLAIN_IMPORTER_VECTORS)
    parts = np.maximum(np.maximum(exporters, importers) * LANES, (DEPTH + 1) * PARTS)
    doubles: Ints = (
        (EXPORTER_VECTORS + 1) * exporters + (vectors + 1) * importers + DEPTH * (DEPTH + 1) + parts
    )
    return doubles


_STORED: Mapping[str, type[np.generic]] = {
    "to": np.int32,
    "from": np.int32,
    "turned": np.int32,
    "products": np.int32,
    "home": np.uint8,
    "admitted": np.uint8,
    "status": np.int8,
    "flow_ptr": np.int64,
    "exporter_ptr": np.int64,
    "importer_ptr": np.int64,
    "by_exporter": np.int64,
    "by_importer": np.int64,
    "iterations": np.int64,
}


def as_stored(name: str, array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Contiguous, in the type that ``struct Job`` gives the name; float64 by default."""
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    return np.ascontiguousarray(array, _STORED.get(name, np.float64))


def words(addresses: Mapping[str, int], counts: Mapping[str, int], tolerance: float) -> Words:
    """Return ``struct Job`` as 64-bit words; an address that is not given is 0.

    Raises
    ------
    KeyError
        If a count is missing.
    """
    head = [addresses.get(name, 0) for name in POINTERS]
    numbers = [counts[name] for name in COUNTS]
    last = np.array([tolerance]).view(np.uint64)
    return np.concatenate([np.array(head + numbers, np.uint64), last])


@njit(cache=True)
def _turn(  # type: ignore[no-untyped-def]
    flow_ptr, exporter_ptr, importer_ptr, flow_exporter, flow_importer
):
    """Importers of the flows, and the flows ordered by importer (counting sort)."""
    flows, importers = len(flow_importer), importer_ptr[-1]
    to = np.empty(flows, np.int32)
    source_row = np.empty(flows, np.int32)
    turned = np.empty(flows, np.int32)
    start = np.zeros(importers + 1, np.int64)
    for f in range(flows):
        start[flow_importer[f] + 1] += 1
    for j in range(importers):
        start[j + 1] += start[j]
    place = start[:-1].copy()
    for k in range(len(flow_ptr) - 1):
        for f in range(flow_ptr[k], flow_ptr[k + 1]):
            j = flow_importer[f]
            g = place[j]
            place[j] += 1
            to[f] = j - importer_ptr[k]
            source_row[g] = flow_exporter[f] - exporter_ptr[k]
            turned[g] = f - flow_ptr[k]
    return to, source_row, turned, start
