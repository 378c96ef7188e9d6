"""The measures: what a policy changes, for which products, from whom, to whom.

A measure is plain data. It is checked as far as it can be without a world (types, ranges);
which flows it meets is found by :mod:`tradewedge.policy.compile`.

Scope, the same for every measure
---------------------------------
``importer``, ``exporter``
    An ISO3 code, a country or aggregate of the world, a group name (``"G7"``), a list of
    these, or ``"*"``. Sales at home (exporter = importer) are left alone unless
    ``include_domestic``, also when both sides are named (``"USA"`` to ``"USA"``). Flows inside a
    customs union are left alone unless ``include_intra`` or both sides are named one by one,
    that is, neither by a group nor by ``"*"``.
``products``
    An HS prefix of 2, 4 or 6 digits, a product name of the world, a named list
    (``"pcmdp:processed"``), a list of these, or ``"*"``.

Time, the same for every measure
--------------------------------
``start`` and ``end`` are its first and last day, ``suspended`` the windows in between in which it
does not hold; both ends of a window belong to it. A date is a :class:`datetime.date` or text such
as ``"2026-01-20"``. :meth:`tradewedge.policy.Scenario.at` picks the measures of a day.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import ClassVar, Self

from tradewedge.errors import ConfigError, SuspiciousRateWarning
from tradewedge.policy import calendar
from tradewedge.policy.checks import (
    EVERYTHING,
    HYPOTHETICAL,
    Codes,
    check_codes,
    check_number,
    check_status,
    check_text,
    did_you_mean,
    is_hypothetical,
)

CODE_FIELDS = ("importer", "exporter", "products")
TEXT_FIELDS = ("authority", "label", "source", "status")
FLAG_FIELDS = ("include_domestic", "include_intra", "allow_empty")
DATE_FIELDS = ("start", "end", "ramp_until")
TARIFF_MODES = ("add", "set", "multiply")

# From here on a rate is more likely a percentage than a fraction: 500 % is rarer than "5".
_SUSPICIOUS_RATE = 5.0


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What all measures share; not used by itself.

    Attributes
    ----------
    importer, exporter, products : str or sequence of str, default "*"
        The scope; lists become tuples. See the module's text.
    include_domestic : bool
        Also touch sales at home.
    include_intra : bool
        Also touch flows inside a customs union.
    allow_empty : bool
        Matching no flow is an error unless this is set.
    authority : str, optional
        Law that the measure rests on; revenue is reported by it. By default the kind, for
        example ``"Tariff (scenario)"``. An authority of the baseline may be named again: a
        tariff then changes that component.
    label : str, optional
        Name in tables; by default a description of the measure.
    source, status : str, optional
        Where the measure is written down, and its standing. The status ``"hypothetical"`` is
        shown wherever the measure is.
    start, end : date or str, optional
        First and last day; without them the measure has always been, or stays, in force.
    suspended : sequence of (date, date or None)
        First and last day of each suspension; None is until further notice. The day after, the
        measure is back.
    ramp_until : date or str, optional
        Day on which a capacity that grows from ``start`` on is complete; see
        :func:`tradewedge.policy.calendar.ramp_share`. Supply and demand shifts take it.
    priority : int, default 0
        Measures of lower priority act first; those of the same act in list order.

    Raises
    ------
    ConfigError
        For a value of the wrong type or out of range.
    """

    importer: Codes = EVERYTHING
    exporter: Codes = EVERYTHING
    products: Codes = EVERYTHING
    include_domestic: bool = False
    include_intra: bool = False
    allow_empty: bool = False
    authority: str | None = None
    label: str | None = None
    source: str | None = None
    status: str | None = None
    start: date | str | None = None
    end: date | str | None = None
    suspended: Sequence[tuple[date | str, date | str | None]] = ()
    ramp_until: date | str | None = None
    priority: int = 0

    def __post_init__(self) -> None:
        for name in CODE_FIELDS:
            self._put(name, check_codes(getattr(self, name), self._at(name)))
        for name in FLAG_FIELDS:
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{self._at(name)} is true or false, not {getattr(self, name)!r}")
        for name in TEXT_FIELDS:
            value = getattr(self, name)
            if value is not None:
                self._put(name, check_text(value, self._at(name)))
        if self.status is not None:
            check_status(self.status, self._at("status"))
        if isinstance(self.priority, bool) or not isinstance(self.priority, int):
            raise ConfigError(f"{self._at('priority')} is a whole number, not {self.priority!r}")
        self._check_time()

    def _check_time(self) -> None:
        for name in DATE_FIELDS:
            value = getattr(self, name)
            if value is not None:
                self._put(name, calendar.check_date(value, self._at(name)))
        self._put("suspended", calendar.check_windows(self.suspended, self._at("suspended")))
        start, end, _ = self.window
        if start is not None and end is not None and end < start:
            raise ConfigError(f"{self._at('end')} {end} is before start {start}")
        if self.ramp_until is None:
            return
        if type(self).ramped is Measure.ramped:
            raise ConfigError(f"{self._at('ramp_until')}: a {self.kind} does not grow over time")
        if start is None or str(self.ramp_until) <= str(start):
            raise ConfigError(f"{self._at('ramp_until')} needs a start before it")

    @property
    def window(self) -> tuple[date | None, date | None, tuple[calendar.Window, ...]]:
        """Start, end and suspensions."""
        return self.start, self.end, self.suspended  # type: ignore[return-value]  # as checked

    @property
    def dated(self) -> bool:
        """Whether what the measure does depends on the day."""
        return self.window != (None, None, ())

    def in_force(self, on: date) -> bool:
        """Whether the measure holds on a day."""
        return calendar.holds(on, *self.window)

    def ramped(self, share: float) -> Self:
        """The measure when ``share`` (0 to 1) of it works; only for kinds that take a ramp."""
        raise NotImplementedError(f"a {self.kind} does not grow over time")

    @property
    def kind(self) -> str:
        """Name of the measure's class, as written in YAML."""
        return type(self).__name__

    @property
    def authority_name(self) -> str:
        """The authority, or its default."""
        return self.authority or f"{self.kind} (scenario)"

    @property
    def hypothetical(self) -> bool:
        """Whether the status says that this is not law."""
        return is_hypothetical(self.status)

    @property
    def title(self) -> str:
        """The label, or a description, marked where the measure is hypothetical."""
        text = self.label or f"{self.effect()} on {self._scope_text()}"
        return f"{text} ({HYPOTHETICAL})" if self.hypothetical else text

    def effect(self) -> str:
        """What the measure does, in a few words and without its scope."""
        raise NotImplementedError

    def _scope_text(self) -> str:
        products, exporter, importer = (
            _codes_text(getattr(self, name)) for name in ("products", "exporter", "importer")
        )
        return f"{products}, {exporter} to {importer}"

    def _at(self, name: str) -> str:
        return f"{self.kind}: {name}"

    def _put(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _put_number(self, name: str) -> float:
        value = check_number(getattr(self, name), self._at(name))
        self._put(name, value)
        return value

    def _put_factor(self, name: str = "factor") -> None:
        if self._put_number(name) <= 0:
            raise ConfigError(
                f"{self._at(name)} must be above 0 (1 changes nothing), not "
                f"{getattr(self, name):g}; to remove flows altogether use Exclusion"
            )

    def _put_rate(self, name: str = "rate") -> None:
        rate = self._put_number(name)
        if rate <= -1:
            raise ConfigError(f"{self._at(name)} must be above -1 (-100 %), not {rate:g}")
        if rate >= _SUSPICIOUS_RATE:
            warnings.warn(
                f"{self._at(name)} {rate:g} means {rate * 100:g} %; rates are fractions, "
                f"so {rate:g} % is written {rate / 100:g}",
                SuspiciousRateWarning,
                stacklevel=4,
            )


@dataclass(frozen=True, kw_only=True)
class Tariff(Measure):
    """An ad valorem duty of the importer, charged on border value times trade cost.

    Attributes
    ----------
    rate : float
        Fraction, above -1; with ``mode="multiply"`` the factor, at least 0.
    mode : {"add", "set", "multiply"}
        ``add`` puts a duty on top of those in force. ``set`` replaces everything in force on
        the matched flows by this one rate. ``multiply`` scales every duty in force. ``set`` and
        ``multiply`` need an importer whose baseline duties the world knows.
    """

    rate: float
    mode: str = "add"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode not in TARIFF_MODES:
            raise ConfigError(
                f"{self._at('mode')} {self.mode!r} is unknown; use one of {', '.join(TARIFF_MODES)}"
                + did_you_mean(self.mode, TARIFF_MODES)
            )
        if self.mode != "multiply":
            self._put_rate()
        elif self._put_number("rate") < 0:
            raise ConfigError(
                f"{self._at('rate')} {self.rate:g}: with mode multiply it is the factor on the "
                "duties in force and cannot be negative"
            )

    def effect(self) -> str:
        if self.mode == "multiply":
            return f"Tariff x {self.rate:g}"
        return f"Tariff {'+' if self.mode == 'add' else '= '}{self.rate * 100:g} %"


@dataclass(frozen=True, kw_only=True)
class Exclusion(Measure):
    """The matched flows stop. Needs sigma > 1 in every product that it touches."""

    def effect(self) -> str:
        return "Exclusion"


@dataclass(frozen=True, kw_only=True)
class TradeCost(Measure):
    """A cost of moving the goods that nobody receives.

    Attributes
    ----------
    factor : float
        Multiplies the delivered price before duty; above 0, 1.1 is 10 % dearer.
    """

    factor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._put_factor()

    def effect(self) -> str:
        return f"Trade cost x {self.factor:g}"


@dataclass(frozen=True, kw_only=True)
class ExportTax(Measure):
    """An ad valorem tax of the exporter, charged on the producer value.

    Attributes
    ----------
    rate : float
        Fraction, above -1 (negative: a subsidy). Several export taxes on one flow add up.
    """

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._put_rate()

    def effect(self) -> str:
        return f"Export tax +{self.rate * 100:g} %"


@dataclass(frozen=True, kw_only=True)
class SupplyShift(Measure):
    """Exporters supply more or less at every price, to all markets and at home.

    Attributes
    ----------
    factor : float
        Multiplies the supply curve Z; above 0. Needs a finite supply elasticity.
    """

    factor: float
    _other_side: ClassVar[str] = "importer"
    _reason: ClassVar[str] = "a supply shift moves all sales of the exporter, at home and abroad"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_one_sided(self, self._other_side, self._reason)
        self._put_factor()

    def ramped(self, share: float) -> Self:
        return replace(self, factor=1.0 + share * (self.factor - 1.0))

    def effect(self) -> str:
        return f"Supply x {self.factor:g}"

    def _scope_text(self) -> str:
        return f"{_codes_text(self.products)} of {_codes_text(self.exporter)}"


@dataclass(frozen=True, kw_only=True)
class DemandShift(Measure):
    """Importers demand more or less at every price, from all suppliers and from home.

    Attributes
    ----------
    factor : float
        Multiplies the demand for the composite D; above 0.
    """

    factor: float
    _other_side: ClassVar[str] = "exporter"
    _reason: ClassVar[str] = "a demand shift moves all purchases of the importer, whoever sells"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_one_sided(self, self._other_side, self._reason)
        self._put_factor()

    def ramped(self, share: float) -> Self:
        return replace(self, factor=1.0 + share * (self.factor - 1.0))

    def effect(self) -> str:
        return f"Demand x {self.factor:g}"

    def _scope_text(self) -> str:
        return f"{_codes_text(self.products)} in {_codes_text(self.importer)}"


MEASURES: Mapping[str, type[Measure]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (Tariff, Exclusion, TradeCost, ExportTax, SupplyShift, DemandShift)
    }
)


def _check_one_sided(measure: Measure, other_side: str, reason: str) -> None:
    if getattr(measure, other_side) != EVERYTHING:
        raise ConfigError(f"{measure.kind} takes no {other_side}: {reason}")
    for name in ("include_domestic", "include_intra"):
        if getattr(measure, name):
            raise ConfigError(f"{measure.kind} takes no {name}: {reason}")


def _codes_text(codes: Codes) -> str:
    if isinstance(codes, str):
        return "all" if codes == EVERYTHING else codes
    more = f" and {len(codes) - 3} more" if len(codes) > 3 else ""
    return ", ".join(codes[:3]) + more
