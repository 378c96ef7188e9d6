"""Which flows of a world a measure touches, and why where there are none."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tradewedge.errors import ConfigError
from tradewedge.policy import coverage, goods, places
from tradewedge.policy.measure import Measure
from tradewedge.policy.quotas import Exclusion
from tradewedge.world import World

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Index:
    """One world, ready for many measures: no work per flow is repeated between them.

    Attributes
    ----------
    world : World
    vintage : str
        HS edition of the measures' own product codes; "" for the world's.
    on : date, optional
        Day whose members groups have; None: those not known to have left.
    """

    world: World
    vintage: str = ""
    on: date | None = None

    @cached_property
    def atlas(self) -> places.Atlas:
        return places.Atlas(self.world, self.on)

    @cached_property
    def shelf(self) -> goods.Shelf:
        return goods.Shelf(self.world, self.vintage)

    @cached_property
    def flow_ptr(self) -> Ints:
        """First flow row of each product, [K + 1]; flows are sorted by product."""
        return np.searchsorted(self.world.flow_product, np.arange(len(self.world.products) + 1))


@dataclass(frozen=True, eq=False)
class Selection:
    """What a measure touches.

    Attributes
    ----------
    rows : int64 [n]
        Flow rows in ascending order. A supply (demand) shift touches all flows of its exporter
        (importer) rows.
    notes : tuple of str
        What a reader should know about the match.
    share : float64 [n]
        Share of each flow's value on the tariff lines that the measure names; 1 where it names
        whole codes, or its ``coverage`` is "whole".
    """

    rows: Ints
    notes: tuple[str, ...]
    share: Floats


def select(index: Index, measure: Measure, where: str) -> Selection:
    """Find the flows that a measure touches.

    Parameters
    ----------
    index : Index
    measure : Measure
    where : str
        Put in front of error messages.

    Raises
    ------
    ConfigError
        For an unknown or ambiguous scope, and where no flow is matched although the measure
        does not say ``allow_empty``; the message says which argument emptied it.
    """
    wanted = goods.find(index.shelf, measure.products, f"{where}: products")
    exporters = places.find(index.atlas, measure.sellers, f"{where}: exporter")
    importers = places.find(index.atlas, measure.importer, f"{where}: importer")
    if isinstance(measure, Exclusion) and measure.segment is not None:
        importers = places.only_segment(index.atlas, importers, measure.segment, where)
    rows = _crossing(index, wanted.matched, exporters.matched, importers.matched)
    if measure.whole_rows:
        home = union = np.zeros(rows.size, dtype=bool)
    else:
        home, union = _spared(index, rows, measure, exporters.named, importers.named)
    kept = rows[~(home | union)]
    if not kept.size and not measure.allow_empty:
        spared = (int(home.sum()), int(union.sum()))
        raise ConfigError(_nothing(index, measure, where, wanted, exporters, importers, spared))
    parts = wanted.parts if measure.coverage == "lines" else {}
    return Selection(
        kept,
        (*wanted.notes, *_notes(index, rows[union], exporters, importers)),
        coverage.shares(index.world, kept, parts),
    )


def _crossing(index: Index, products: Bools, exporters: Bools, importers: Bools) -> Ints:
    """Flow rows whose product, exporter and importer are all marked."""
    world = index.world
    rows: Ints | None = None
    if not products.all():
        first, last = index.flow_ptr[:-1][products], index.flow_ptr[1:][products]
        length = last - first
        offset = np.repeat(first - np.cumsum(length) + length, length)
        rows = np.arange(length.sum()) + offset
    for marked, country in (
        (importers, world.flow_importer),
        (exporters, world.flow_exporter),
    ):
        if not marked.all():
            rows = np.flatnonzero(marked[country]) if rows is None else rows[marked[country[rows]]]
    return np.arange(world.value.size) if rows is None else rows


def _spared(
    index: Index, rows: Ints, measure: Measure, named_exporter: Bools, named_importer: Bools
) -> tuple[Bools, Bools]:
    """Which of ``rows`` are left alone as sales at home, and as inside a customs union."""
    exporter, importer = index.world.flow_exporter[rows], index.world.flow_importer[rows]
    at_home = index.world.home[rows]
    nothing = np.zeros(rows.size, dtype=bool)
    home = nothing if measure.include_domestic else at_home
    if measure.include_intra:
        return home, nothing
    inside = index.atlas.inside_union[exporter, importer]
    return home, inside & ~at_home & ~(named_exporter[exporter] & named_importer[importer])


def _notes(
    index: Index, spared: Ints, exporters: places.Places, importers: places.Places
) -> list[str]:
    """What was named and yet not met: absent countries, flows inside a customs union."""
    notes = [
        f"no flow in this world for {side} {', '.join(found.absent)}"
        for side, found in (("exporter", exporters), ("importer", importers))
        if found.absent
    ]
    world = index.world
    by_name = (
        exporters.named[world.flow_exporter[spared]] | importers.named[world.flow_importer[spared]]
    )
    if by_name.any():
        notes.append(
            "left alone, for they are inside a customs union: "
            f"{int(by_name.sum()):,} flow(s) of countries that it names (see include_intra)"
        )
    return notes


def _nothing(
    index: Index,
    measure: Measure,
    where: str,
    wanted: goods.Goods,
    exporters: places.Places,
    importers: places.Places,
    spared: tuple[int, int],
) -> str:
    """Say which argument emptied the match and what to do."""
    world = index.world
    if any(spared):
        reasons = [
            f"{n:,} flow(s) {kind}, which only {switch} touches"
            for n, kind, switch in zip(
                spared,
                ("are sales at home", "are inside a customs union"),
                ("include_domestic", "include_intra"),
                strict=True,
            )
            if n
        ]
        return f"{where} matches no flow of world {world.name!r}: in its scope, " + " and ".join(
            reasons
        )
    parts = {
        "products": (wanted.matched, world.flow_product, measure.products),
        "exporter": (exporters.matched, world.flow_exporter, measure.sellers),
        "importer": (importers.matched, world.flow_importer, measure.importer),
    }
    marked = {name: mask[column] for name, (mask, column, _) in parts.items()}
    empty = [name for name, flows in marked.items() if not flows.any()]
    if empty:
        reason = " and ".join(f"{name} {_shown(parts[name][2])}" for name in empty)
        reason += " alone match none" if len(empty) > 1 else " alone matches none"
    else:
        pairs = [
            f"{a} {_shown(parts[a][2])} with {b} {_shown(parts[b][2])}"
            for a, b in combinations(parts, 2)
            if not (marked[a] & marked[b]).any()
        ]
        counts = ", ".join(f"{name} {int(flows.sum()):,}" for name, flows in marked.items())
        reason = f"each argument alone matches some ({counts}), but not "
        reason += " nor ".join(pairs) if pairs else "all three together"
    if "importer" in empty and world.observed_importers is not None:
        reason += f". This world sees only the imports of {', '.join(world.observed_importers)}"
    if measure.whole_rows:
        reason += ". It scales a baseline, and needs sales or purchases in this world to scale"
    return (
        f"{where} matches no flow of world {world.name!r}: {reason}. "
        "Correct the scope, or set allow_empty to true if this is meant"
    )


def _shown(wanted: str | tuple[str, ...]) -> str:
    if isinstance(wanted, str):
        return f'"{wanted}"'
    more = f" and {len(wanted) - 5} more" if len(wanted) > 5 else ""
    return "[" + ", ".join(f'"{code}"' for code in wanted[:5]) + more + "]"
