"""Rates of duty as schedules print them, read term by term.

The schedules of the United States and of others write rates as free text: ``Free``, ``3.7%``,
``5.2¢/kg + 4%``, ``$1.61/doz. + 33 1/3%``, ``17.6¢/kg on lead content``. A text is a sum of terms;
whatever is no such term is kept as ``rest`` and makes the rate incomplete, never a number.
"""

import re
from dataclasses import dataclass
from typing import Final

#: Factors to USD per kilogram, by unit of weight.
KILOGRAMS: Final = {"kg": 1.0, "t": 1000.0, "g": 1e-3, "q": 100.0, "lb": 0.45359237}

_FREE: Final = frozenset({"free", "nil", "no duty"})
# 37, 37.5, 1,000, 33 1/3 or 1/2.
_NUMBER: Final = r"(?P<whole>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)?\s*(?P<part>\d+/\d+)?"
_AD_VALOREM: Final = re.compile(
    rf"{_NUMBER}\s*(?:%|percent\b)(?:\s*(?:ad valorem|ad val\.?))?"
    r"(?:\s+on\s+(?:the\s+)?(?P<on>.+))?",
    re.IGNORECASE,
)
_UNIT: Final = r"(?P<unit>\d[\d,]*|[a-z]+\d?\.?(?:\s*[/ ]?\s*[a-z]+\d?\.?)?)"
_SPECIFIC: Final = re.compile(
    rf"(?P<dollars>\$)?\s*{_NUMBER}\s*(?P<cents>¢|cents?\b)?\s*"
    rf"(?:/\s*{_UNIT}|(?P<each>each))(?P<on>\s*,?\s*(?:on|of|including|over)\b.+)?",
    re.IGNORECASE,
)
#: Words in a unit that mean a condition follows, which is no unit.
_NO_UNIT: Final = ("less", "but", "for", "if")


@dataclass(frozen=True)
class Term:
    """One term of a rate.

    Attributes
    ----------
    amount : float
        Fraction of the value; or USD per ``unit``.
    unit : str
        "" for ad valorem; else what is counted: "kg", "t", "liter", "each", "doz." ...
    on : str
        What the term is charged on, where that is not the whole good: "lead content", "case".
    """

    amount: float
    unit: str
    on: str


@dataclass(frozen=True)
class DutyRate:
    """A rate of duty.

    Attributes
    ----------
    text : str
        As printed.
    terms : tuple of Term
        They add up.
    rest : str
        What was not understood; "" if everything was.
    """

    text: str
    terms: tuple[Term, ...]
    rest: str

    @property
    def complete(self) -> bool:
        """Whether the whole text was understood."""
        return not self.rest

    @property
    def ad_valorem(self) -> float:
        """Fraction of the whole value, 0 without such a term."""
        return sum((term.amount for term in self.terms if not term.unit and not term.on), 0.0)

    @property
    def usd_per_kg(self) -> float:
        """Charge on the whole weight, 0 without such a term."""
        by_weight = (t for t in self.terms if t.unit in KILOGRAMS and not t.on)
        return sum((term.amount / KILOGRAMS[term.unit] for term in by_weight), 0.0)

    @property
    def other(self) -> bool:
        """Whether there is a charge by piece, litre or content, or one not understood."""
        odd = any(term.on or (term.unit and term.unit not in KILOGRAMS) for term in self.terms)
        return odd or not self.complete

    def equivalent(self, usd_per_kg: float | None) -> float | None:
        """Fraction of the value at a price; None where the rate cannot be one.

        Parameters
        ----------
        usd_per_kg : float or None
            Price of the good; None if unknown, which is enough for a rate without weight.
        """
        if self.other:
            return None
        if not self.usd_per_kg:
            return self.ad_valorem
        return self.ad_valorem + self.usd_per_kg / usd_per_kg if usd_per_kg else None


def read_rate(text: str) -> DutyRate:
    """Read a rate; never an error: what is not understood is the ``rest``."""
    printed = " ".join(text.replace("\u00a0", " ").split())
    if printed.casefold().rstrip(".") in _FREE:
        return DutyRate(printed, (), "")
    terms, rest = [], []
    for part in printed.split("+"):
        term = _term(part.strip())
        if term is not None:
            terms.append(term)
        else:
            rest.append(part.strip())
    return DutyRate(printed, tuple(terms), " + ".join(rest) or ("" if terms else "nothing"))


def _term(text: str) -> Term | None:
    if found := _AD_VALOREM.fullmatch(text):
        amount = _amount(found)
        return None if amount is None else Term(_rounded(amount / 100.0), "", _on(found))
    found = _SPECIFIC.fullmatch(text)
    # An amount has one sign of money, before it or after it.
    if found is None or bool(found["dollars"]) == bool(found["cents"]):
        return None
    amount, unit = _amount(found), (found["each"] or found["unit"]).casefold()
    if amount is None or any(word in unit.split() for word in _NO_UNIT):
        return None
    unit = unit if unit == "clean kg" else unit.replace(" ", "").replace(",", "")
    return Term(_rounded(amount / 100.0) if found["cents"] else amount, unit, _on(found))


def _rounded(number: float) -> float:
    """A hundredth without the last bits: 3.7 % is 0.037."""
    return round(number, 12)


def _amount(found: re.Match[str]) -> float | None:
    whole, part = found["whole"], found["part"]
    if whole is None and part is None:
        return None
    amount = float(whole.replace(",", "")) if whole else 0.0
    if part:
        above, below = map(int, part.split("/"))
        if below == 0:
            return None
        amount += above / below
    return amount


def _on(found: re.Match[str]) -> str:
    said = (found["on"] or "").strip(" ,")
    return re.sub(r"^on (the )?", "", said, flags=re.IGNORECASE)
