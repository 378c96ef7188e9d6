"""Measures that put a rate on a price: duties, export taxes, costs of trade."""

from dataclasses import dataclass
from functools import cached_property

from tradewedge.errors import ConfigError
from tradewedge.policy.dutytext import DutyText, parse_duty
from tradewedge.policy.measure import Measure
from tradewedge.policy.weighed import PRODUCT, Priced

TARIFF_MODES = ("add", "set", "multiply")

# Outside of these a cost is more likely a percentage, or a change, than a factor.
_USUAL_COSTS = 0.2, 5.0


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
        self._check_choice("mode", TARIFF_MODES)
        if self.mode != "multiply":
            self._put_rate()
        elif self._put_number("rate") < 0:
            raise ConfigError(
                f"{self._at('rate')} {self.rate:g}: with mode multiply it is the factor on the "
                "duties in force and cannot be negative"
            )

    @property
    def by_line(self) -> bool:
        return self.mode == "add"

    def effect(self) -> str:
        if self.mode == "multiply":
            return f"Tariff x {self.rate:g}"
        return f"Tariff {'+' if self.mode == 'add' else '= '}{self.rate * 100:g} %"


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
        self._warn(*self.doubts)

    @property
    def doubts(self) -> tuple[str, ...]:
        least, most = _USUAL_COSTS
        if least <= self.factor <= most:
            return super().doubts
        times = f"factor {self.factor:g} means times {self.factor:g}"
        return (*super().doubts, f"{times}; 10 % dearer is written 1.1, 10 % cheaper 0.9")

    @property
    def can_spare(self) -> bool:
        return False

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
class SpecificDuty(Priced):
    """A duty of the importer per kilogram, whatever the price.

    A compound duty is a :class:`SpecificDuty` and a :class:`Tariff`; :class:`CompoundDuty` writes
    both in one line.

    Attributes
    ----------
    usd_per_kg : float
        USD per kilogram of product, or of the mineral that ``per`` names; above 0. Several on one
        flow add up.
    """

    usd_per_kg: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._put_positive("usd_per_kg")

    @property
    def by_line(self) -> bool:
        return True

    def effect(self) -> str:
        return f"Specific duty +{self.usd_per_kg:g} {self.unit_text}"


@dataclass(frozen=True, kw_only=True)
class CompoundDuty(Priced):
    """A duty as tariff schedules print it, such as ``"5.2¢/kg + 4%"``.

    Attributes
    ----------
    text : str
        Read by :func:`tradewedge.policy.dutytext.parse_duty`. Where it says "on molybdenum
        content", ``per`` is that mineral and may be left out.
    """

    text: str

    def __post_init__(self) -> None:
        super().__post_init__()
        said = self.duty.mineral
        if said is not None:
            if self.per not in (PRODUCT, said):
                raise ConfigError(
                    f"{self._at('per')} {self.per!r} contradicts the text, which says {said}"
                )
            self._put("per", said)

    @cached_property
    def duty(self) -> DutyText:
        """The text, read."""
        return parse_duty(self.text, self._at("text"))

    @property
    def by_line(self) -> bool:
        return True

    def effect(self) -> str:
        return f"Duty +{self.text.strip()}"
