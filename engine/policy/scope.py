"""Which flows of a world a measure touches, and why where there are none."""

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tradewedge.errors import ConfigError
from tradewedge.policy import coverage, elsewhere, goods, places
from tradewedge.policy.columns import is_constant, marks
from tradewedge.policy.measure import Measure
from tradewedge.policy.quotas import Exclusion
from tradewedge.world import World

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_KEPT_ROWS = 8_000_000
"""Flow rows that an index remembers of scopes that have been asked for: 64 MB."""
_FEW = 4
"""Countries that are found one by one sooner than all together."""


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

    def products_of(self, rows: Ints) -> Bools:
        """Products [K] that ascending flow rows belong to."""
        made: Bools = np.diff(np.searchsorted(rows, self.world.flow_ptr)) > 0
        return made

    @cached_property
    def home(self) -> Bools:
        """Whether a seller is at home in a buyer's country, [N, N]."""
        parent = self.world.parent
        made: Bools = parent[None, :] == np.arange(parent.size)[:, None]
        return made

    @cached_property
    def _kept(self) -> dict[tuple[object, ...], "Selection"]:
        return {}

    def remember(self, key: tuple[object, ...], found: "Selection") -> None:
        """Keep a selection for measures of the same scope; forget the oldest ones."""
        self._kept[key] = found
        while sum(one.rows.size for one in self._kept.values()) > _KEPT_ROWS:
            del self._kept[next(iter(self._kept))]

    def known(self, key: tuple[object, ...]) -> "Selection | None":
        """What has been found for a scope."""
        return self._kept.get(key)


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
    _index: Index = field(repr=False)

    def without(self, gone: Ints) -> "Selection":
        """The same without some rows."""
        kept = ~np.isin(self.rows, gone)
        return replace(self, rows=self.rows[kept], share=self.share[kept])

    @cached_property
    def extent(self) -> "Extent":
        """Which countries and how much trade the rows are."""
        index, rows, share = self._index, self.rows, self.share
        world = index.world
        value, at_home = world.value[rows], world.home[rows]
        n = len(world.countries)
        total = float(value.sum())
        return Extent(
            products=int(index.products_of(rows).sum()),
            exporters=_names(world, marks(world.exporter_code[rows], n)),
            importers=_names(world, marks(world.importer_code[rows], n)),
            value=total,
            covered_value=total if is_constant(share) else float((value * share).sum()),
            home_flows=int(at_home.sum()),
            home_value=float(value[at_home].sum()),
        )


@dataclass(frozen=True)
class Extent:
    """How far a selection reaches; values in thousand USD, as in :class:`~.wedges.Match`."""

    products: int
    exporters: tuple[str, ...]
    importers: tuple[str, ...]
    value: float
    covered_value: float
    home_flows: int
    home_value: float


def _names(world: World, marked: Bools) -> tuple[str, ...]:
    return tuple(world.countries[i] for i in np.flatnonzero(marked))


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
    key = (
        *(measure.products, measure.sellers, measure.importer, measure.coverage),
        *(measure.include_domestic, measure.include_intra, measure.whole_rows),
        measure.segment if isinstance(measure, Exclusion) else None,
    )
    found = index.known(key)
    if found is None or not (found.rows.size or measure.allow_empty):
        found = _select(index, measure, where)
        index.remember(key, found)
    return found


def _select(index: Index, measure: Measure, where: str) -> Selection:
    wanted = goods.find(index.shelf, measure.products, f"{where}: products")
    exporters = places.find(index.atlas, measure.sellers, f"{where}: exporter")
    importers = places.find(index.atlas, measure.importer, f"{where}: importer")
    if isinstance(measure, Exclusion) and measure.segment is not None:
        importers = places.only_segment(index.atlas, importers, measure.segment, where)
    rows = _crossing(index, wanted.matched, exporters.matched, importers.matched)
    home, union = _spared(index, rows, measure, exporters, importers)
    kept = rows[~(home | union)] if home.any() or union.any() else rows
    if not kept.size and not measure.allow_empty:
        spared = (int(home.sum()), int(union.sum()))
        raise ConfigError(_nothing(index, measure, where, wanted, exporters, importers, spared))
    parts = wanted.parts if measure.coverage == "lines" else {}
    return Selection(
        kept,
        (*wanted.notes, *_notes(index, rows[union], exporters, importers)),
        coverage.shares(index.world, kept, parts),
        index,
    )


def _crossing(index: Index, products: Bools, exporters: Bools, importers: Bools) -> Ints:
    """Flow rows whose product, exporter and importer are all marked."""
    world = index.world
    if products.all() and not importers.all() and importers.sum() <= exporters.sum():
        rows = _bought(world, importers)
        return rows if exporters.all() else rows[exporters[world.flow_exporter[rows]]]
    if exporters.all():
        first, last = world.flow_ptr[:-1][products], world.flow_ptr[1:][products]
    else:
        sellers = np.flatnonzero(
            exporters[world.exporter_country] & products[world.exporter_product]
        )
        first, last = world.sales_ptr[sellers], world.sales_ptr[sellers + 1]
    length = last - first
    rows = np.arange(length.sum())
    if length.size < len(products) or not exporters.all():
        rows += np.repeat(first - np.cumsum(length) + length, length)
    return rows if importers.all() else rows[importers[world.flow_importer[rows]]]


def _bought(world: World, importers: Bools) -> Ints:
    """Flow rows of some importers."""
    if importers.sum() > _FEW:
        return np.flatnonzero(importers[world.flow_importer])
    first, *others = np.flatnonzero(importers).tolist() or [importers.size]
    marked = world.importer_code == first
    for importer in others:
        marked |= world.importer_code == importer
    return np.flatnonzero(marked)


def _spared(
    index: Index, rows: Ints, measure: Measure, exporters: places.Places, importers: places.Places
) -> tuple[Bools, Bools]:
    """Which of ``rows`` are left alone as sales at home, and as inside a customs union."""
    world = index.world
    nothing = np.broadcast_to(np.False_, rows.shape)
    if measure.whole_rows:
        return nothing, nothing
    home = nothing if measure.include_domestic else world.home[rows]
    if measure.include_intra:
        return home, nothing
    inside = index.atlas.inside_union & ~index.home
    inside &= ~(exporters.named[:, None] & importers.named[None, :])
    inside &= exporters.matched[:, None] & importers.matched[None, :]
    if not inside.any():
        return home, nothing
    return home, inside[world.exporter_code[rows], world.importer_code[rows]]


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
    if "products" in empty:
        reason += elsewhere.hint(world, measure.products, index.shelf.vintage)
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
