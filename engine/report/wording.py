"""Numbers as an analyst reads them: money, changes, shares."""

import math
from typing import Final

#: A price above this many times the baseline's is outside what the model can tell.
ABSURD: Final = 11.0
BEYOND: Final = "beyond the model"


def money(thousand_usd: float | None, *, signed: bool = False) -> str:
    """Thousand USD as "12.3 bn", "456 M" or "7 k"; "-" where unknown."""
    if thousand_usd is None or math.isnan(thousand_usd):
        return "-"
    size = abs(thousand_usd)
    sign = "-" if thousand_usd < 0 else "+" if signed else ""
    if size == 0 or size < 0.0005:
        return "0"
    for limit, unit in ((1e6, "bn"), (1e3, "M"), (1.0, "k")):
        if size >= limit * 0.9995:
            return f"{sign}{_three_digits(size / limit)} {unit}"
    return f"{sign}{size * 1000:.0f} USD"


def change(ratio: float | None) -> str:
    """A ratio new/base as a percentage change: 1.123 is "+12.3 %"; "-" where unknown."""
    if ratio is None or math.isnan(ratio):
        return "-"
    percent = (ratio - 1.0) * 100.0
    if abs(percent) < 0.005:
        return "0 %"
    if abs(percent) < 0.1:
        return f"{percent:+.2f} %"
    return f"{percent:+,.1f} %" if abs(percent) < 1000 else f"{percent:+,.0f} %"


def beyond(price: float | None) -> bool:
    """Whether a price, over the baseline's, is outside what the model can tell."""
    return price is not None and price > ABSURD


def price_change(ratio: float | None) -> str:
    """As :func:`change`, of a price; one that nobody would pay is named, not printed."""
    return BEYOND if beyond(ratio) else change(ratio)


def share(fraction: float | None) -> str:
    """A fraction as "12.3 %"; "-" where unknown."""
    if fraction is None or math.isnan(fraction):
        return "-"
    return f"{fraction * 100:,.1f} %"


def ratio(new: float | None, base: float | None) -> float | None:
    """new / base; None where either is unknown or the base is 0."""
    if new is None or base is None or base == 0:
        return None
    return new / base


def tiny(number: float | None) -> str:
    """A residual or an error bound; "-" where unknown."""
    return "-" if number is None else "0" if number == 0 else f"{number:.1e}"


def tons(number: float | None) -> str:
    """Metric tons as "12.3 Mt", "456 kt" or "7.00 t"; "-" where unknown."""
    if number is None or math.isnan(number):
        return "-"
    for limit, unit in ((1e6, "Mt"), (1e3, "kt")):
        if number >= limit * 0.9995:
            return f"{_three_digits(number / limit)} {unit}"
    return f"{_three_digits(number)} t"


def plain(number: float | None) -> str:
    """An elasticity with three digits; "inf" where infinite, "-" where unknown."""
    if number is None or math.isnan(number):
        return "-"
    return "inf" if math.isinf(number) else f"{number:.3g}"


def some(names: list[str], n: int = 5) -> str:
    """The first few names, and how many more there are."""
    more = "" if len(names) <= n else f" and {len(names) - n:,} more"
    return ", ".join(names[:n]) + more


def count(number: int, noun: str) -> str:
    """ "1 product", "2 products"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _three_digits(value: float) -> str:
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{digits}f}"
