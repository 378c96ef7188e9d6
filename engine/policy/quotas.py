"""Measures that close flows or limit their quantity."""

from dataclasses import dataclass

from tradewedge.errors import ConfigError
from tradewedge.policy.checks import check_text
from tradewedge.policy.measure import Measure
from tradewedge.policy.weighed import Limited

PER = ("pair", "importer", "exporter", "global")
RENTS = ("importer", "exporter")
DUTY_MODES = ("add", "set")


@dataclass(frozen=True, kw_only=True)
class Exclusion(Measure):
    """The matched flows stop. Needs sigma > 1 in every product that it touches.

    Attributes
    ----------
    segment : str, optional
        Only for this segment of the importer's demand, such as ``"defence"``, in a world where
        :meth:`tradewedge.World.split_importer` has set it apart.
    """

    segment: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.segment is not None:
            self._put("segment", check_text(self.segment, self._at("segment")))

    def effect(self) -> str:
        return "Exclusion" + (f" from {self.segment}" if self.segment else "")


@dataclass(frozen=True, kw_only=True)
class ImportQuota(Limited):
    """A limit on what importers may buy abroad. A limit of 0 is an exclusion.

    Attributes
    ----------
    per : {"importer", "pair", "exporter", "global"}
        What each limit covers, product by product: all matched flows of one importer (the
        default), each flow for itself, all of one exporter, or all together.
    rent : {"importer", "exporter"}
        Who holds the licences and keeps the difference between the price at home and abroad.
    """

    per: str = "importer"
    rent: str = "importer"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("per", PER)
        self._check_choice("rent", RENTS)

    def effect(self) -> str:
        return f"Import quota {self.limit_text} per {self.per}"


@dataclass(frozen=True, kw_only=True)
class ExportQuota(Limited):
    """A limit on what exporters may sell abroad. A limit of 0 is an exclusion.

    Where it binds on some markets only, the exporter's price there parts from its price at home
    and elsewhere.

    Attributes
    ----------
    per : {"exporter", "pair", "importer", "global"}
        What each limit covers, product by product: all matched flows of one exporter (the
        default), each flow for itself, all of one importer, or all together.
    rent : {"exporter", "importer"}
        Who keeps the difference between the price abroad and at home.
    """

    per: str = "exporter"
    rent: str = "exporter"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("per", PER)
        self._check_choice("rent", RENTS)

    def effect(self) -> str:
        return f"Export quota {self.limit_text} per {self.per}"


@dataclass(frozen=True, kw_only=True)
class TariffRateQuota(Limited):
    """A duty that rises beyond a quantity. A quantity of 0 is the higher duty.

    Attributes
    ----------
    in_rate, out_rate : float
        Duty within and beyond the quota, fractions; ``out_rate`` is not below ``in_rate``.
    mode : {"add", "set"}
        ``add`` puts them on top of the duties in force; ``set`` replaces these.
    per : {"pair", "importer", "exporter", "global"}
        What each quota covers, product by product: each flow for itself (the default), all
        matched flows of one importer (one quota for a set of suppliers, as most are written), all
        of one exporter, or all together. With ``tons``, the matched products share them.
    rent : {"importer", "exporter"}
        Who holds the licences and keeps the difference on the quantity within the quota.
    """

    in_rate: float
    out_rate: float
    mode: str = "add"
    per: str = "pair"
    rent: str = "importer"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._put_rate("in_rate")
        self._put_rate("out_rate")
        if self.out_rate < self.in_rate:
            raise ConfigError(
                f"{self._at('out_rate')} {self.out_rate:g} is below in_rate {self.in_rate:g}: "
                "beyond the quota the duty is the higher one"
            )
        self._check_choice("mode", DUTY_MODES)
        self._check_choice("rent", RENTS)
        self._check_choice("per", PER)

    def effect(self) -> str:
        return (
            f"Tariff-rate quota {self.limit_text} per {self.per}: {self.in_rate * 100:g} %, "
            f"then {self.out_rate * 100:g} %"
        )
