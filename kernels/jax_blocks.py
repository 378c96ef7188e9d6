"""Pack products of like size into padded blocks of few shapes. NumPy only.

A *lane* is one product in a block. A *round* is what all devices work on at once: one block per
device.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tradewedge.kernels.market import Bools, Floats, Ints, Market, Shock

Array = Any
"""NumPy's on the host, JAX's on a device, or only its shape while compiling."""

SIZES = np.array([1, 8, 16, 32, 48, 64, 96, 128, 160, 192, 224, 256])
"""Padded numbers of exporters and importers; multiples of the last above it."""
MOST_BINS = 4
"""Shapes per market, with and without a nest each."""
CHEAP = 2**19
"""Cells of padding, over all products, that cost less than compiling one more shape."""
MOST_LANES = 1024


class Shape(NamedTuple):
    """What a compiled program depends on, beside its devices."""

    devices: int
    scenarios: int
    lanes: int
    exporters: int
    importers: int
    flows: int
    nested: bool


@dataclass(frozen=True, eq=False)
class Bin:
    """Products that share a shape: int64 [round, device, lane], -1 where a lane is empty."""

    shape: Shape
    products: Ints


class Calibration(NamedTuple):
    """The part of a round that no scenario changes; the first axis is the device.

    ``cell`` is the place of each flow in [lane, exporter, importer] laid flat, and beyond its
    end for padding. ``terms`` is the length of the longest sum of the product plus 4.
    """

    cell: Array  # [d, n] int32
    share: Array  # [d, n]
    sales_share: Array  # [d, n]
    home: Array  # [d, n] bool
    sigma: Array  # [d, k]
    eta: Array  # [d, k]
    sigma_home: Array  # [d, k]
    epsilon: Array  # [d, k, i]
    terms: Array  # [d, k]


class Cases(NamedTuple):
    """What scenarios change in a round. ``log_cost`` is infinite where nothing is admitted."""

    log_cost: Array  # [d, s, n]
    log_supply: Array  # [d, s, k, i]
    log_demand: Array  # [d, s, k, j]


def bins(market: Market, devices: int, scenarios: int, cells: int) -> list[Bin]:
    """Assign every product that has flows to a shape.

    Within a shape, products go in the order of a cheap guess at their contraction modulus, so
    that those of one block need about the same number of sweeps.

    Parameters
    ----------
    market : Market
    devices : int
    scenarios : int
        Solved together in one block.
    cells : int
        Largest lanes x scenarios x exporters x importers of one device; a single product may
        exceed it.
    """
    rows, columns = np.diff(market.exporter_ptr), np.diff(market.importer_ptr)
    flows = np.diff(market.flow_ptr)
    modulus = difficulty(market)
    found = []
    for nested in (False, True):
        takes = (np.isnan(market.sigma_home) != nested) & np.isnan(market.sigma_groups)
        mine = np.flatnonzero((flows > 0) & takes)
        sizes = np.column_stack([padded(rows[mine]), padded(columns[mine])])
        for (i, j), members in merged(sizes, mine):
            ordered = members[np.argsort(modulus[members], kind="stable")]
            lanes = lanes_together(ordered.size, devices, cells // (scenarios * i * j))
            products = dealt(ordered, devices, lanes)
            there = np.where(products >= 0, flows[products], 0)
            longest = round_up(int(there.sum(axis=2).max()))
            shape = Shape(devices, scenarios, lanes, i, j, longest, nested)
            found.append(Bin(shape, products))
    return found


def lanes_together(count: int, devices: int, most: int) -> int:
    """Lanes of a block, a power of two, where ``count`` products share devices."""
    wanted = -(-count // devices)
    return min(
        1 << max(most, 1).bit_length() - 1, 1 << (max(wanted, 1) - 1).bit_length(), MOST_LANES
    )


def dealt(ordered: Ints, devices: int, lanes: int) -> Ints:
    """Numbers in rounds [round, device, lane], -1 where none is left."""
    rounds = -(-ordered.size // (devices * lanes))
    out = np.full(rounds * devices * lanes, -1, np.int64)
    out[: ordered.size] = ordered
    # Neighbours go to different devices, which then take equally long.
    return out.reshape(rounds, lanes, devices).swapaxes(1, 2).copy()


def difficulty(market: Market) -> Floats:
    """|sigma - eta| / (smallest epsilon + sigma) [K]; 0 without flows."""
    start = market.exporter_ptr[:-1]
    some = np.diff(market.exporter_ptr) > 0
    least = np.zeros(some.size)
    if some.any():
        least[some] = np.minimum.reduceat(market.epsilon, start[some])
    with np.errstate(all="ignore"):  # numbers that cannot be used are found elsewhere
        guess = np.abs(market.sigma - market.eta) / (least + market.sigma)
    return np.where(some, np.nan_to_num(guess), 0.0)


def padded(size: Ints) -> Ints:
    """Sizes rounded up to those of :data:`SIZES`."""
    beyond = -(-size // SIZES[-1]) * SIZES[-1]
    place = np.minimum(np.searchsorted(SIZES, size), SIZES.size - 1)
    return np.where(size > SIZES[-1], beyond, SIZES[place])


def round_up(count: int) -> int:
    """To a power of two: a longer list costs little, another shape a compilation."""
    return 1 << max(10, (count - 1).bit_length())


def merged(sizes: Ints, members: Ints) -> Iterator[tuple[tuple[int, int], Ints]]:
    """Groups by size; the two whose union wastes least become one until few are left."""
    shapes, group = np.unique(sizes, axis=0, return_inverse=True)
    parts = [
        ((int(i), int(j)), members[group.ravel() == number])
        for number, (i, j) in enumerate(shapes.tolist())
    ]
    while len(parts) > 1:
        waste, first, second = min(
            (_waste(parts[a], parts[b]), a, b) for a in range(len(parts)) for b in range(a)
        )
        if waste > CHEAP and len(parts) <= MOST_BINS:
            break
        other, one = parts.pop(first), parts.pop(second)
        union = (max(one[0][0], other[0][0]), max(one[0][1], other[0][1]))
        parts.append((union, np.sort(np.concatenate([one[1], other[1]]))))
    yield from parts


def _waste(one: tuple[tuple[int, int], Ints], other: tuple[tuple[int, int], Ints]) -> int:
    area = max(one[0][0], other[0][0]) * max(one[0][1], other[0][1])
    return sum((area - i * j) * part.size for (i, j), part in (one, other))


def ranges(ptr: Ints, products: Ints) -> tuple[Ints, Ints]:
    """Rows of several products, one product after another, and the place of each row's product."""
    counts = ptr[products + 1] - ptr[products]
    ends = np.cumsum(counts)
    place = np.repeat(np.arange(products.size), counts)
    rows: Ints = np.arange(ends[-1] if ends.size else 0) - (ends - counts)[place]
    return rows + ptr[products][place], place


def calibration(market: Market, shape: Shape, products: Ints) -> Calibration:
    """Lay out a round of products [d, k] as arrays of the given shape."""
    d, _, k, i, j, n, _ = shape
    size = k * i * j
    # Padding has cells of its own beyond the block: no two writes meet.
    cell = np.broadcast_to(size + np.arange(n, dtype=np.int32), (d, n)).copy()
    share, sales_share = np.zeros((d, n)), np.zeros((d, n))
    home = np.zeros((d, n), np.bool_)
    for device in range(d):
        lanes = np.flatnonzero(products[device] >= 0)
        mine = products[device, lanes]
        rows, place = ranges(market.flow_ptr, mine)
        row = market.flow_exporter[rows] - market.exporter_ptr[mine][place]
        column = market.flow_importer[rows] - market.importer_ptr[mine][place]
        cell[device, : rows.size] = (lanes[place] * i + row) * j + column
        share[device, : rows.size] = market.share[rows]
        sales_share[device, : rows.size] = market.sales_share[rows]
        home[device, : rows.size] = market.home[rows]
    used = products >= 0
    counts = [np.diff(ptr)[products] for ptr in (market.exporter_ptr, market.importer_ptr)]
    return Calibration(
        cell=cell,
        share=share,
        sales_share=sales_share,
        home=home,
        sigma=np.where(used, market.sigma[products], 2.0),
        eta=np.where(used, market.eta[products], 1.0),
        sigma_home=np.where(used, market.sigma_home[products], 2.0),
        epsilon=spread(market.epsilon, market.exporter_ptr, products, i),
        terms=4.0 + np.where(used, np.maximum(*counts), 0),
    )


def cases(market: Market, shocks: list[Shock], shape: Shape, products: Ints) -> Cases:
    """Lay out scenarios over a round; missing ones, up to the shape's number, admit nothing."""
    d, s, k, i, j, n, _ = shape
    log_cost = np.full((d, s, n), np.inf)
    log_supply, log_demand = np.zeros((d, s, k, i)), np.zeros((d, s, k, j))
    for device in range(d):
        mine = products[device][products[device] >= 0]
        rows, _ = ranges(market.flow_ptr, mine)
        for case, shock in enumerate(shocks):
            cost = np.where(shock.admitted[rows], shock.log_cost[rows], np.inf)
            log_cost[device, case, : rows.size] = cost
    for case, shock in enumerate(shocks):
        log_supply[:, case] = spread(shock.log_supply, market.exporter_ptr, products, i)
        log_demand[:, case] = spread(shock.log_demand, market.importer_ptr, products, j)
    return Cases(log_cost, log_supply, log_demand)


def spread(values: Floats, ptr: Ints, products: Ints, width: int) -> Floats:
    """Values by row of the products [..., width], 0 where there is no row."""
    out = np.zeros((*products.shape, width))
    used = products >= 0
    rows, _ = ranges(ptr, products[used])
    out[filled(ptr, products, width)] = values[rows]
    return out


def filled(ptr: Ints, products: Ints, width: int) -> Bools:
    """Where :func:`spread` has a row."""
    counts = np.where(products >= 0, np.diff(ptr)[products], 0)
    mask: Bools = np.arange(width) < counts[..., None]
    return mask
