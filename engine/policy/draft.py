"""Wedges while measures are being applied, one after the other."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tradewedge.duty import Duty
from tradewedge.policy import goods
from tradewedge.policy.columns import Marked, constant
from tradewedge.world import World

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
QuotaKind = Literal["import_quota", "export_quota", "tariff_rate_quota", "capacity"]


@dataclass(frozen=True, eq=False)
class Task:
    """One measure at work: what every rule needs to know beside the measure.

    Attributes
    ----------
    world : World
    shelf : goods.Shelf
    number : int
        Measure number.
    rows : int64 [n]
        Flow rows that it reaches, ascending.
    where : str
        Put in front of error messages.
    share : float64 [n]
        Share of each flow's value that it is charged on.
    """

    world: World
    shelf: goods.Shelf
    number: int
    rows: Ints
    where: str
    share: Floats

    def share_of(self, rows: Ints) -> Floats:
        """``share`` of some of the rows."""
        found: Floats = self.share[np.searchsorted(self.rows, rows)]
        return found


@dataclass(frozen=True, eq=False)
class Floor:
    """A price floor on some flows.

    Attributes
    ----------
    number : int
    rows : int64 [n]
    price : float64 [n]
        Over the baseline duty-paid unit value, or the border one if ``at_border``.
    at_border, to_exporter : bool
    dispersion : float
    """

    number: int
    rows: Ints
    price: Floats
    at_border: bool
    to_exporter: bool
    dispersion: float


@dataclass(frozen=True, eq=False)
class StepDuty:
    """A duty that rises beyond a quantity: the part of a tariff-rate quota that is no duty yet.

    Attributes
    ----------
    quota : Quota
        The quantity within.
    extra : float64 [n]
        Ad valorem rate on top beyond it, of each of the quota's flows.
    """

    quota: "Quota"
    extra: Floats

    def without(self, rows: Ints) -> "StepDuty":
        """The same, but not on ``rows``, which take their part of the quantity with them."""
        keep = ~np.isin(self.quota.rows, rows)
        return StepDuty(self.quota.only(keep), self.extra[keep])

    def scaled(self, rows: Ints, factor: float) -> "StepDuty":
        """The same, with the rate beyond the quota scaled on ``rows``."""
        hit = np.isin(self.quota.rows, rows)
        return replace(self, extra=np.where(hit, self.extra * factor, self.extra))

    def capped(self, most: Floats) -> "StepDuty":
        """The same, with at most ``most`` [F] beyond the quota."""
        return replace(self, extra=np.minimum(self.extra, most[self.quota.rows]))


@dataclass(frozen=True, eq=False)
class Quota:
    """A limit that some flows share, product by product and unit by unit.

    Attributes
    ----------
    number : int
    kind : {"import_quota", "export_quota", "tariff_rate_quota", "capacity"}
    per : {"pair", "importer", "exporter", "global"}
    rent : {"importer", "exporter", "producer"}
    rows : int64 [n]
    limit : float64 [n]
        Over the baseline quantity; the same for all rows of one unit.
    tons : float64 [n]
        Baseline tons, of the mineral where the limit is of one; NaN where unknown.
    """

    number: int
    kind: QuotaKind
    per: Literal["pair", "importer", "exporter", "global"]
    rent: Literal["importer", "exporter", "producer"]
    rows: Ints
    limit: Floats
    tons: Floats

    def only(self, keep: Bools) -> "Quota":
        """The same, on some of its flows."""
        return replace(self, rows=self.rows[keep], limit=self.limit[keep], tons=self.tons[keep])


@dataclass(eq=False)
class Draft:
    """What the measures so far amount to; arrays as in :class:`~tradewedge.policy.Wedges`.

    ``base`` holds the duties before any measure, ``specific`` the specific duties per unit of the
    baseline duty-paid price. ``capacity``, ``strike``, ``covered`` and ``upside`` are those of the
    kernel, [X], each of the first and second with the number of the measure that set it, or -1.
    ``trade_cost`` and the arrays by exporter and importer may be constants: they are made one's own
    (:func:`~.columns.owned`) before they are written to. ``reached`` holds rows that tariffs of the
    scenario are charged on, with the share of their value.
    """

    base: tuple[Duty, ...]
    duties: tuple[Duty, ...]
    tariff_changed: Marked
    trade_cost: Floats
    export_taxes: tuple[Duty, ...]
    excluded: Marked
    supply: Floats
    demand: Floats
    touched: Marked
    capacity: Floats
    capacity_number: Ints
    strike: Floats
    strike_number: Ints
    covered: Floats
    upside: Floats
    specific: tuple[Duty, ...] = ()
    floors: list[Floor] = field(default_factory=list)
    steps: list[StepDuty] = field(default_factory=list)
    quotas: list[Quota] = field(default_factory=list)
    reached: list[tuple[Ints, Floats]] = field(default_factory=list)

    @classmethod
    def of(cls, world: World, duties: tuple[Duty, ...]) -> "Draft":
        """No measure yet on top of ``duties``."""
        f, x, m = world.value.size, world.exporter_country.size, world.importer_country.size
        return cls(
            base=duties,
            duties=duties,
            tariff_changed=Marked(f),
            trade_cost=constant(f, 1.0),
            export_taxes=(),
            excluded=Marked(f),
            supply=constant(x, 1.0),
            demand=constant(m, 1.0),
            touched=Marked(f),
            capacity=constant(x, np.inf),
            capacity_number=np.broadcast_to(np.int64(-1), (x,)),
            strike=constant(x, 0.0),
            strike_number=np.broadcast_to(np.int64(-1), (x,)),
            covered=constant(x, 0.0),
            upside=constant(x, 0.0),
        )

    def reach(self, size: int) -> Floats:
        """Share of a flow's value that tariffs of the scenario are charged on, [F].

        The largest where they differ; 0 where there is none.
        """
        made = np.zeros(size)
        for rows, share in self.reached:
            made[rows] = np.maximum(made[rows], share)
        return made

    @property
    def has_instruments(self) -> bool:
        """Whether anything depends on prices or quantities."""
        return bool(
            self.specific
            or self.floors
            or self.steps
            or self.quotas
            or np.isfinite(self.capacity).any()
            or self.strike.any()
        )


@dataclass(frozen=True)
class Remark:
    """What a reader should know about one measure at work.

    Attributes
    ----------
    notes : tuple of str
    without_tons : int
        Flows whose tons were needed and unknown.
    """

    notes: tuple[str, ...] = ()
    without_tons: int = 0

    def __add__(self, other: "Remark") -> "Remark":
        return Remark(self.notes + other.notes, self.without_tons + other.without_tons)
