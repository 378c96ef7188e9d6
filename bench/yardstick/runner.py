"""Compile the C yardstick where there is a gcc, and run it on a market."""

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.market import Market, Options, Shock

SOURCE = Path(__file__).with_name("armington.c")
FLAGS = "-O3 -march=native -mprefer-vector-width=512 -ffast-math -fopenmp -std=gnu11"


@dataclass(frozen=True, eq=False)
class Measured:
    """What the yardstick found, and the seconds it took."""

    seconds: float
    log_price: NDArray[np.float64]
    log_index: NDArray[np.float64]
    residual: NDArray[np.float64]
    iterations: NDArray[np.int64]


def available() -> bool:
    """Whether a gcc is here to compile it."""
    return shutil.which("gcc") is not None


def library() -> ctypes.CDLL:
    """The compiled yardstick; compiled anew only after an edit."""
    key = hashlib.sha256(SOURCE.read_bytes() + FLAGS.encode()).hexdigest()[:16]
    place = Path(tempfile.gettempdir()) / f"tradewedge-yardstick-{key}.so"
    if not place.is_file():
        part = place.with_suffix(".part")
        command = ["gcc", *FLAGS.split(), "-shared", "-fPIC", str(SOURCE), "-o", str(part), "-lm"]
        subprocess.run(command, check=True)
        part.rename(place)
    return ctypes.CDLL(str(place))


def run(market: Market, shock: Shock, options: Options) -> Measured:
    """Solve every product: no exclusions, nests, infinite supply or instruments."""
    if not shock.admitted.all() or shock.instruments is not None:
        raise ValueError("the yardstick has neither exclusions nor instruments")
    products = len(market.sigma)
    longest = max(int(np.diff(p).max()) for p in (market.exporter_ptr, market.importer_ptr))
    outputs: list[NDArray[Any]] = [
        np.zeros(len(market.epsilon)),
        np.zeros(len(shock.log_demand)),
        np.zeros(products),
        np.zeros(products, np.int64),
    ]
    arrays = [
        np.ascontiguousarray(getattr(market, name))
        for name in (
            "flow_ptr",
            "exporter_ptr",
            "importer_ptr",
            "flow_exporter",
            "flow_importer",
            "share",
            "sales_share",
        )
    ]
    arrays.append(np.ascontiguousarray(shock.log_cost))
    arrays += [np.ascontiguousarray(x) for x in (market.sigma, market.eta, market.epsilon)]
    arguments = [
        ctypes.c_int64(products),
        *(ctypes.c_void_p(array.ctypes.data) for array in arrays),
        ctypes.c_double(options.tolerance),
        ctypes.c_int64(options.max_steps),
        ctypes.c_int64(longest),
        *(ctypes.c_void_p(array.ctypes.data) for array in outputs),
    ]
    function = library().yardstick
    start = perf_counter()
    function(*arguments)
    seconds = perf_counter() - start
    return Measured(seconds, *outputs)
