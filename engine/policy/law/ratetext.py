"""Reads rates of duty as the US tariff schedule prints them."""

from dataclasses import dataclass

from tradewedge.policy.dutytext import read_term


@dataclass(frozen=True)
class Rate:
    """A rate of duty.

    Attributes
    ----------
    ad_valorem : float
        Fraction of the customs value.
    usd_per_kg : float
        Specific part.
    complete : bool
        Whether all of the text was understood. Charges per litre, per piece, on a content or by
        reference to another line are not; they count as 0 in the two numbers.
    """

    ad_valorem: float
    usd_per_kg: float
    complete: bool


def read_rate(text: str) -> Rate:
    """Read a rate such as ``Free``, ``3.7%`` or ``5.2¢/kg + 4%``."""
    ad_valorem = usd_per_kg = 0.0
    complete = bool(text.strip())
    for part in text.split("+"):
        if part.strip() == "Free":
            continue
        term = read_term(part)
        if term is None or term.mineral is not None:
            complete = False
        else:
            ad_valorem += term.ad_valorem
            usd_per_kg += term.usd_per_kg
    return Rate(round(ad_valorem, 6), round(usd_per_kg, 8), complete)
