"""Duties as tariff schedules print them: "5.2¢/kg + 4%", "37.5¢/kg on tungsten content", "Free"."""

import re
from dataclasses import dataclass

from tradewedge.errors import ConfigError
from tradewedge.policy.checks import check_text

_NUMBER = r"(\d+(?:\.\d+)?)"
_AD_VALOREM = re.compile(_NUMBER + r"\s*%")
_SPECIFIC = re.compile(
    r"(?P<dollars>(?:\$|USD)\s*)?" + _NUMBER + r"\s*(?P<cents>¢|cents?)?\s*/\s*"
    r"(?P<unit>kg|t|ton|tonne|metric ton)(?:\s+on\s+(?:the\s+)?(?P<mineral>\w+)\s+content)?",
    re.IGNORECASE,
)
_KG = 1000.0


@dataclass(frozen=True)
class DutyText:
    """A printed duty, read.

    Attributes
    ----------
    ad_valorem : float
        Fraction of the value; 0 where there is none.
    usd_per_kg : float
        0 where there is none.
    mineral : str or None
        What the kilograms are of where the text says "on ... content", in lower case; None is
        the product.
    """

    ad_valorem: float
    usd_per_kg: float
    mineral: str | None


def parse_duty(text: str, where: str = "duty") -> DutyText:
    """Read a duty of one ad valorem and one specific term at most, or "Free".

    Parameters
    ----------
    text : str
        Terms joined by "+". A term is a percentage, or cents or dollars per kg or metric ton,
        on the product or "on ... content".
    where : str
        Put in front of error messages.

    Raises
    ------
    ConfigError
        For a term of another form: per piece, per litre, on the value of a content.
    """
    text = check_text(text, where).strip()
    if text.lower() == "free":
        return DutyText(0.0, 0.0, None)
    rate: float | None = None
    usd: float | None = None
    mineral: str | None = None
    for part in text.split("+"):
        term = read_term(part)
        if term is None:
            raise ConfigError(
                f"{where} {text!r}: cannot read {part.strip()!r}; write it like "
                '"5.2¢/kg + 4%", "$1.04/kg", "17.8¢/kg on molybdenum content" or "Free"'
            )
        if "/" in part:
            if usd is not None:
                raise ConfigError(f"{where} {text!r} has two duties by weight")
            usd, mineral = term.usd_per_kg, term.mineral
        else:
            if rate is not None:
                raise ConfigError(f"{where} {text!r} has two percentages")
            rate = term.ad_valorem
    return DutyText(rate or 0.0, usd or 0.0, mineral)


def read_term(text: str) -> DutyText | None:
    """One term of a printed duty; None where it has another form."""
    text = text.strip()
    if found := _AD_VALOREM.fullmatch(text):
        return DutyText(float(found.group(1)) / 100.0, 0.0, None)
    found = _SPECIFIC.fullmatch(text)
    # A number has one currency unit, before it or after it.
    if found is None or bool(found.group("dollars")) == bool(found.group("cents")):
        return None
    said = found.group("mineral")
    return DutyText(0.0, _usd_per_kg(found), said.lower() if said else None)


def _usd_per_kg(found: re.Match[str]) -> float:
    amount = float(found.group(2))
    if found.group("cents"):
        amount /= 100.0
    return amount if found.group("unit").lower() == "kg" else amount / _KG
