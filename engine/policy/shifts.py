"""Measures on a whole exporter or importer: supply, demand, capacity, price guarantees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from tradewedge.errors import ConfigError
from tradewedge.policy.checks import EVERYTHING, check_number, not_a_code
from tradewedge.policy.measure import Measure, codes_text
from tradewedge.policy.weighed import Guaranteed, Limited, Weighed

_ALL_SALES = "it reaches all sales of the exporter, at home and abroad"


@dataclass(frozen=True, kw_only=True)
class SupplyShift(Weighed):
    """Exporters supply more or less at every price, to all markets and at home.

    Needs a finite supply elasticity.

    Attributes
    ----------
    factor : float, optional
        Multiplies the supply curve Z; above 0.
    tons : float, optional
        Instead: capacity added, in tons of ``products`` (negative: lost). The factor is then 1 +
        tons / baseline output, with one factor for all matched products of the exporter. Needs a
        baseline: an exporter that sells nothing yet cannot be scaled up.
    joint : mapping of str to float, optional
        Products made along with ``products``, in tons per ton added: ``{"780110": 0.4}``. Held
        as pairs, so that the measure can be compared and hashed.
    """

    factor: float | None = None
    tons: float | None = None
    joint: Mapping[str, float] | Sequence[tuple[str, float]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_one_sided(self, "importer", _ALL_SALES)
        if self._which("factor", "tons") == "factor":
            self._put_factor()
        else:
            self._put_number("tons")
        self._put("joint", _joint(self.joint, self._at("joint")))
        _check_counts_all(self, "factor without joint")

    @property
    def whole_rows(self) -> bool:
        return True

    @property
    def needs_tons(self) -> bool:
        return self.tons is not None or bool(self.joint)

    @property
    def joint_products(self) -> tuple[tuple[str, float], ...]:
        """``joint`` as checked pairs."""
        return tuple(self.joint)  # type: ignore[arg-type]  # as checked

    def ramped(self, share: float) -> Self:
        if self.factor is None:
            return replace(self, tons=share * self.tons)  # type: ignore[operator]  # one is given
        return replace(self, factor=1.0 + share * (self.factor - 1.0))

    def effect(self) -> str:
        text = f"x {self.factor:g}" if self.factor is not None else f"{self.tons:+g} t"
        also = ", ".join(product for product, _ in self.joint_products)
        return f"Supply {text}" + (f" with {also}" if also else "")

    def _scope_text(self) -> str:
        return f"{codes_text(self.products)} of {codes_text(self.exporter)}"


@dataclass(frozen=True, kw_only=True)
class DemandShift(Measure):
    """Importers demand more or less at every price, from all suppliers and from home.

    Attributes
    ----------
    factor : float
        Multiplies the demand for the composite D; above 0.
    """

    factor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_one_sided(self, "exporter", "it moves all purchases of the importer")
        self._put_factor()

    @property
    def whole_rows(self) -> bool:
        return True

    def ramped(self, share: float) -> Self:
        return replace(self, factor=1.0 + share * (self.factor - 1.0))

    def effect(self) -> str:
        return f"Demand x {self.factor:g}"

    def _scope_text(self) -> str:
        return f"{codes_text(self.products)} in {codes_text(self.importer)}"


@dataclass(frozen=True, kw_only=True)
class Capacity(Limited):
    """A limit on an exporter's output, to all markets and at home.

    Where it binds, the price carries a scarcity rent, which is the producer's.

    A limit of 0 stops all its sales.

    Attributes
    ----------
    reached : float, default 1
        Share of the way from baseline output to the limit that has been gone, 0 to 1. Set by
        ``ramp_until``: a plant that grows starts from what is sold in the baseline.
    """

    reached: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_one_sided(self, "importer", _ALL_SALES)
        self._put_share("reached")
        _check_counts_all(self, "fraction")

    @property
    def whole_rows(self) -> bool:
        return True

    def ramped(self, share: float) -> Self:
        return replace(self, reached=share * self.reached)

    def effect(self) -> str:
        way = "" if self.reached == 1 else f", {self.reached * 100:.3g} % of the way there"
        return f"Capacity {self.limit_text}{way}"

    def _scope_text(self) -> str:
        return f"{codes_text(self.products)} of {codes_text(self.exporter)}"


@dataclass(frozen=True, kw_only=True)
class ContractForDifference(Guaranteed):
    """The exporter's government tops the producer price up to a strike price.

    On the covered share of output the producer gets the strike ``K`` while the market price p is
    below it, and ``K + (1 - upside_share) (p - K)`` above. Unlike a minimum import price it
    raises output and lowers the buyer's price. Needs a finite supply elasticity.

    Attributes
    ----------
    upside_share : float, default 0
        Share of the price above the strike that goes back to the government.
    covered : float, default 1
        Share of the exporter's output under contract.
    """

    upside_share: float = 0.0
    covered: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_one_sided(self, "importer", _ALL_SALES)
        self._put_share("upside_share")
        self._put_share("covered")
        if self.covered == 0:
            raise ConfigError(f"{self._at('covered')} must be above 0")

    @property
    def whole_rows(self) -> bool:
        return True

    def effect(self) -> str:
        return f"Contract for differences at {self.price_text}"

    def _scope_text(self) -> str:
        return f"{codes_text(self.products)} of {codes_text(self.exporter)}"


def check_one_sided(measure: Measure, other_side: str, reason: str) -> None:
    """Refuse the side of the scope, and the switches, that mean nothing here."""
    if getattr(measure, other_side) != EVERYTHING:
        raise ConfigError(f"{measure.kind} takes no {other_side}: {reason}")
    for name in ("include_domestic", "include_intra"):
        if getattr(measure, name):
            raise ConfigError(f"{measure.kind} takes no {name}: {reason}")


def _check_counts_all(measure: Weighed, instead: str) -> None:
    """Refuse to leave out sales where tons stand for the whole output."""
    if measure.needs_tons and measure.missing_tons == "skip":
        raise ConfigError(
            f'{measure.kind}: missing_tons "skip" would count sales without tons as no output, but '
            f'the measure is on all of it; use "average" or {instead}, or leave those exporters out'
        )


def _joint(value: object, where: str) -> tuple[tuple[str, float], ...]:
    """Pairs of a product and tons of it per ton of the main product."""
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if isinstance(pairs, str) or not isinstance(pairs, Sequence):
        raise ConfigError(
            f'{where} maps products to tons per ton, {{"780110": 0.4}}, not {value!r}'
        )
    checked: dict[str, float] = {}
    for pair in pairs:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise ConfigError(f"{where}: {pair!r} is no pair of a product and tons per ton")
        product, ratio = pair
        if not isinstance(product, str):
            raise ConfigError(not_a_code(product, where))
        if product in checked:
            raise ConfigError(f"{where}: {product} is given twice")
        checked[product] = check_number(ratio, f"{where}[{product}]")
    return tuple(checked.items())
