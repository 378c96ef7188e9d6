"""What every measure shares: its scope, its dates, where it is written down.

A measure is plain data. It is checked as far as it can be without a world (types, ranges);
which flows it meets is found by :mod:`tradewedge.policy.compile`.

Scope, the same for every measure
---------------------------------
``importer``, ``exporter``
    An ISO3 code, a country or aggregate of the world, a group name (``"G7"``, with its members on
    the scenario's day), a list of these, or ``"*"``. Sales at home (exporter = importer) are left
    alone unless ``include_domestic``, also when both sides are named (``"USA"`` to ``"USA"``).
    Flows inside a customs union are left alone unless ``include_intra`` or both sides are named
    one by one, that is, neither by a group nor by ``"*"``.
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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

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

SCOPE_FIELDS = ("importer", "exporter", "products")
CODE_FIELDS = (*SCOPE_FIELDS, "members")
TEXT_FIELDS = ("authority", "label", "source", "status")
COVERAGES = ("lines", "whole")
FLAG_FIELDS = ("include_domestic", "include_intra", "allow_empty")
DATE_FIELDS = ("start", "end", "ramp_until")
RATE_FIELDS = ("rate", "in_rate", "out_rate", "cap")

# From here on a rate is more likely a percentage than a fraction. Duties of 100 to 150 % are real.
_SUSPICIOUS_RATE = 2.0
# Above this, a fraction of the baseline is more likely a percentage.
_SUSPICIOUS_FRACTION = 10.0


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
    coverage : {"lines", "whole"}
        Where a named list is written at eight or ten digits and holds only some lines of a
        six-digit code: ``lines`` charges its share of the code's value (see
        :func:`tradewedge.policy.coverage.shares`), ``whole`` the code. Only duties that are added
        can be charged on a share; all else takes the whole code, and a warning says so.
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
    coverage: str = COVERAGES[0]
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
        for name in SCOPE_FIELDS:
            self._put(name, check_codes(getattr(self, name), self._at(name)))
        for name in FLAG_FIELDS:
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{self._at(name)} is true or false, not {getattr(self, name)!r}")
        self._check_choice("coverage", COVERAGES)
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

    @property
    def sellers(self) -> Codes:
        """Whose goods the measure reaches: what ``exporter`` says."""
        return self.exporter

    @property
    def whole_rows(self) -> bool:
        """Whether it reaches all sales of an exporter or all purchases of an importer."""
        return False

    @property
    def can_spare(self) -> bool:
        """Whether an agreement can take flows out of its reach."""
        return not self.whole_rows

    @property
    def by_line(self) -> bool:
        """Whether it can be charged on some tariff lines of a product: a duty that is added."""
        return False

    def effect(self) -> str:
        """What the measure does, in a few words and without its scope."""
        raise NotImplementedError

    def _scope_text(self) -> str:
        products, exporter, importer = (
            codes_text(codes) for codes in (self.products, self.sellers, self.importer)
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

    def _put_positive(self, name: str) -> None:
        if self._put_number(name) <= 0:
            raise ConfigError(f"{self._at(name)} must be above 0, not {getattr(self, name):g}")

    def _put_share(self, name: str) -> None:
        if not 0 <= self._put_number(name) <= 1:
            raise ConfigError(
                f"{self._at(name)} is a share between 0 and 1, not {getattr(self, name):g}"
            )

    def _check_choice(self, name: str, allowed: Sequence[str]) -> None:
        value = getattr(self, name)
        if value not in allowed:
            raise ConfigError(
                f"{self._at(name)} {value!r} is unknown; use one of {', '.join(allowed)}"
                + did_you_mean(value, allowed)
            )

    def _which(self, *names: str) -> str:
        """The one of these arguments that is given; none or several is an error."""
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise ConfigError(
                f"{self.kind} takes exactly one of {' and '.join(names)}, not "
                + (" and ".join(given) or "none")
            )
        return given[0]

    def _put_factor(self, name: str = "factor") -> None:
        if self._put_number(name) <= 0:
            raise ConfigError(
                f"{self._at(name)} must be above 0 (1 changes nothing), not "
                f"{getattr(self, name):g}; to remove flows altogether use Exclusion"
            )

    def _put_fraction(self, name: str = "fraction") -> None:
        if self._put_number(name) < 0:
            raise ConfigError(f"{self._at(name)} must be 0 or more, not {getattr(self, name):g}")
        self._warn(*_fraction_doubts(name, getattr(self, name)))

    def _put_rate(self, name: str = "rate") -> None:
        rate = self._put_number(name)
        if rate <= -1:
            raise ConfigError(f"{self._at(name)} must be above -1 (-100 %), not {rate:g}")
        self._warn(*_rate_doubts(name, rate))

    def _warn(self, *doubts: str) -> None:
        """Warn at the line that made the measure; call it from a checker of one value."""
        for doubt in doubts:
            warnings.warn(f"{self.kind}: {doubt}", SuspiciousRateWarning, stacklevel=5)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What looks like a slip in it: rates and fractions that look like percentages."""
        checks: dict[str, _Check] = {"fraction": _fraction_doubts}
        if getattr(self, "mode", None) != "multiply":
            checks |= dict.fromkeys(RATE_FIELDS, _rate_doubts)
        given = {name: getattr(self, name, None) for name in checks}
        return tuple(
            doubt
            for name, value in given.items()
            if value is not None
            for doubt in checks[name](name, value)
        )


_Check = Callable[[str, float], Iterator[str]]


def _rate_doubts(name: str, rate: float) -> Iterator[str]:
    if rate >= _SUSPICIOUS_RATE:
        yield _percentage(name, rate, "rates are fractions")


def _fraction_doubts(name: str, fraction: float) -> Iterator[str]:
    if fraction > _SUSPICIOUS_FRACTION:
        yield _percentage(name, fraction, "it is a fraction of the baseline")


def _percentage(name: str, number: float, rule: str) -> str:
    return (
        f"{name} {number:g} means {number * 100:g} %; {rule}, so {number:g} % is written "
        f"{number / 100:g}"
    )


def codes_text(codes: Codes) -> str:
    """Codes as words, at most three of them."""
    if isinstance(codes, str):
        return "all" if codes == EVERYTHING else codes
    more = f" and {len(codes) - 3} more" if len(codes) > 3 else ""
    return ", ".join(codes[:3]) + more
