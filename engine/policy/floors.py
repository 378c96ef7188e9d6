"""The minimum import price."""

from dataclasses import dataclass

from tradewedge.errors import ConfigError
from tradewedge.policy.weighed import Guaranteed

BASES = ("duty_paid", "border")
RENTS = ("treasury", "exporter")


@dataclass(frozen=True, kw_only=True)
class PriceFloor(Guaranteed):
    """A minimum import price. Where several apply to a flow, the highest does.

    Attributes
    ----------
    basis : {"duty_paid", "border"}
        The price that may not fall below it: what the buyer pays with all duties, or the price
        before trade cost and duties. On the border price, duty is charged on the lifted price.
    rent : {"treasury", "exporter"}
        Who keeps the gap: a variable levy takes it, or the exporter raises its price. The flows
        are the same.
    dispersion : float, optional
        Standard deviation of log price within a product code, above 0: the floor then lifts only
        the shipments below it, and the delivered price is the mean of all.
    """

    basis: str = "duty_paid"
    rent: str = "treasury"
    dispersion: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("basis", BASES)
        self._check_choice("rent", RENTS)
        if self.dispersion is not None and self._put_number("dispersion") < 0:
            raise ConfigError(f"{self._at('dispersion')} must be 0 or more, not {self.dispersion}")

    def effect(self) -> str:
        where = " at the border" if self.basis == "border" else ""
        return f"Price floor {self.price_text}{where}"
