"""What the CUDA kernel is handed: the market in two orders, and the words of a job.

Everything here is NumPy. ``armington.cu`` names the same things; tests compare the two.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradewedge.kernels.market import Ints, Market

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
    "tolerance",
)
"""Numbers in ``struct Job``, in its order."""

DEPTH, LANES, PARTS = 5, 8, 64
EXPORTER_VECTORS, PLAIN_IMPORTER_VECTORS, IMPORTER_VECTORS = 26, 8, 12


def source() -> str:
    """Return the text of the kernels, with what it includes: compilers here know no folders."""
    folder = files(__package__)

    def text(name: str) -> str:
        return f'#line 1 "{name}"\n' + folder.joinpath(name).read_text(encoding="utf-8")

    return re.sub(r'#include "(.*)"', lambda found: text(found[1]), text("armington.cu"))


@dataclass(frozen=True, eq=False)
class Packed:
    """Products of a market as the kernel reads them.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the names of ``struct Job``: all that does not depend on the scenario.
    doubles, weights : int64 [K]
        Size of each product's vectors, and of the weights of its flows, in units of 8 bytes.
    """

    arrays: dict[str, NDArray[np.generic]]
    doubles: Ints
    weights: Ints

    @cached_property
    def place(self) -> Int32s:
        """Row [F] of each flow in the second order, counted within its product."""
        ptr, turned = self.arrays["flow_ptr"], self.arrays["turned"]
        start = np.repeat(ptr[:-1], np.diff(ptr))
        place = np.empty(len(turned), np.int32)
        place[turned + start] = np.arange(len(turned)) - start
        return place

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
    exporters, importers = np.diff(market.exporter_ptr), np.diff(market.importer_ptr)
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
            exporters,
            importers,
            unknowns=exporters,
            importer_vectors=np.where(
                np.isnan(market.sigma_home), PLAIN_IMPORTER_VECTORS, IMPORTER_VECTORS
            ),
            sums=np.maximum(exporters, importers) * LANES,
        ),
        weights=2 * np.diff(market.flow_ptr),
    )


def vector_doubles(
    exporters: Ints, importers: Ints, *, unknowns: Ints, importer_vectors: Ints, sums: Ints
) -> Ints:
    """Size of a product's vectors, in units of 8 bytes, as ``cut`` in ``armington.cu`` has them.

    Parameters
    ----------
    exporters, importers : int64 [n]
    unknowns : int64 [n]
        Length of the vectors over exporters.
    importer_vectors : int64 [n]
    sums : int64 [n]
        Partial sums that are added up at once, at most.
    """
    marks = exporters + importers
    parts = np.maximum(sums, (DEPTH + 1) * PARTS)
    doubles: Ints = (
        EXPORTER_VECTORS * unknowns
        + importer_vectors * importers
        + DEPTH * (DEPTH + 1)
        + parts
        + marks
    )
    return doubles


_STORED: Mapping[type[np.generic], str] = {
    np.int32: """products to from turned items product scenario limited flow place source
        groups rows segment_of""",
    np.int64: """flow_ptr exporter_ptr importer_ptr by_exporter by_importer iterations
        exporter_row importer_row supply_row limited_ptr group_ptr segments_ptr limited_start
        groups_ptr rows_ptr segment_rows""",
    np.uint8: "home admitted",
    np.int8: "status left",
}
_TYPE = {name: kind for kind, names in _STORED.items() for name in names.split()}


def as_stored(name: str, array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Contiguous, in the type that the kernel's structs give the name; float64 by default."""
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    return np.ascontiguousarray(array, _TYPE.get(name, np.float64))


def words(
    names: Sequence[str],
    addresses: Mapping[str, int],
    counts: Sequence[str],
    numbers: Mapping[str, float],
) -> Words:
    """Return a struct of addresses and then numbers as 64-bit words, in the order of the names.

    Addresses that are not given are 0; numbers keep their type.

    Raises
    ------
    KeyError
        If a number is missing.
    """
    head = np.array([addresses.get(name, 0) for name in names], np.uint64)
    tail = [np.array([numbers[name]]) for name in counts]
    return np.concatenate([head, *(number.view(np.uint64) for number in tail)])


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
