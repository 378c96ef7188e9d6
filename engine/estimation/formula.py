"""The formula of an estimation: what is explained, by what, under which fixed effects.

``value ~ log(1 + tariff) + log(distance_km) | exporter^year + importer^year``: before the bar
columns, plain or in logs, after it fixed effects, each one column or several joined by ``^``. It is
read here and not handed to a formula library, so that a config can name columns and nothing else,
and every row that a logarithm loses is counted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from tradewedge.errors import ConfigError

#: The column whose log(1 + rate) identifies sigma.
TARIFF: Final = "tariff"
#: Covariates of pairs that a formula takes by itself where they are given: those that distance
#: and the like stand for in one year, and those that change over the years of a pair.
_OF_PAIRS: Final = ("contiguous", "common_language", "colony")
_OVER_TIME: Final = ("agreement",)
_DISTANCE: Final = "distance_km"
COVARIATES: Final = (_DISTANCE, *_OF_PAIRS, *_OVER_TIME)

_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_LOG: Final = re.compile(r"log\((?P<one>1\+)?(?P<column>[A-Za-z_]\w*)\)")
_EXAMPLE: Final = (
    "write it as value ~ log(1 + tariff) + log(distance_km) + agreement | exporter^year + "
    "importer^year"
)


@dataclass(frozen=True)
class Term:
    """One column of the right-hand side.

    Attributes
    ----------
    column : str
    form : {"plain", "log", "log1p"}
    """

    column: str
    form: Literal["plain", "log", "log1p"] = "plain"

    @property
    def text(self) -> str:
        """As tables show it."""
        if self.form == "plain":
            return self.column
        return f"log(1 + {self.column})" if self.form == "log1p" else f"log({self.column})"

    def values(self) -> pl.Expr:
        """Its numbers; null where the column has none, or none with a logarithm."""
        column = pl.col(self.column)
        if self.form != "plain":
            column = (column + 1.0 if self.form == "log1p" else column).log()
        return pl.when(column.is_finite()).then(column)


@dataclass(frozen=True)
class Formula:
    """A formula, checked.

    Attributes
    ----------
    response : str
        The column that is explained: zero or positive.
    terms : tuple of Term
    effects : tuple of tuple of str
        The columns of each fixed effect.
    """

    response: str
    terms: tuple[Term, ...]
    effects: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The formula as one reads it."""
        right = " + ".join(term.text for term in self.terms)
        bar = f" | {self.effects_text}" if self.effects else ""
        return f"{self.response} ~ {right}{bar}"

    @property
    def effects_text(self) -> str:
        """The fixed effects alone."""
        return " + ".join("^".join(effect) for effect in self.effects)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns that hold numbers."""
        return tuple(dict.fromkeys([self.response, *(term.column for term in self.terms)]))

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that hold codes."""
        return tuple(dict.fromkeys(name for effect in self.effects for name in effect))

    @property
    def tariff(self) -> Term | None:
        """The term that identifies sigma."""
        return next((t for t in self.terms if (t.column, t.form) == (TARIFF, "log1p")), None)


def parse(text: str) -> Formula:
    """Read a formula.

    Raises
    ------
    ConfigError
        If it is none, with an example.
    """
    left, sign, rest = re.sub(r"\s+", "", text).partition("~")
    right, bar, effects = rest.partition("|")
    if not sign or not _NAME.fullmatch(left) or (bar and not effects):
        raise ConfigError(f"formula {text!r}: {_EXAMPLE}")
    # The + inside log(1+x) parts nothing.
    terms = tuple(_term(part, text) for part in re.split(r"\+(?![^(]*\))", right))
    joined = tuple(tuple(part.split("^")) for part in effects.split("+")) if bar else ()
    for name in (name for effect in joined for name in effect):
        if not _NAME.fullmatch(name):
            raise ConfigError(f"formula {text!r}: {name!r} is no column; {_EXAMPLE}")
    for listed in (terms, joined):
        if len(set(listed)) < len(listed):
            raise ConfigError(f"formula {text!r}: something stands in it twice")
    return Formula(left, terms, joined)


def _term(part: str, text: str) -> Term:
    if _NAME.fullmatch(part):
        return Term(part)
    found = _LOG.fullmatch(part)
    if found is None:
        raise ConfigError(
            f"formula {text!r}: {part!r} is not understood; a term is a column, log(column) or "
            f"log(1 + column); {_EXAMPLE}"
        )
    return Term(found["column"], "log1p" if found["one"] else "log")


def usual(columns: Sequence[str], years: int, *, tariffs: bool) -> Formula:
    """The formula that fits what is given.

    Over several years the three-way gravity equation: exporter-year and importer-year effects
    absorb supply, demand and all prices, pair effects absorb what two countries are to each other,
    so that sigma rests on changes of tariffs within pairs. In one year distance and ties have to
    stand for the pair. Every effect is the product's own.

    Parameters
    ----------
    columns : sequence of str
        Those of the flows and covariates.
    years : int
        How many the flows hold.
    tariffs : bool
        Whether tariffs are known.
    """
    own = ["product"] if "product" in columns else []
    terms = [Term(TARIFF, "log1p")] if tariffs else []
    if years > 1:
        terms += [Term(name) for name in _OVER_TIME if name in columns]
        effects = [("exporter", *own, "year"), ("importer", *own, "year")]
        effects.append(("exporter", "importer", *own))
    else:
        terms += [Term(_DISTANCE, "log")] if _DISTANCE in columns else []
        terms += [Term(name) for name in (*_OF_PAIRS, *_OVER_TIME) if name in columns]
        effects = [("exporter", *own), ("importer", *own)]
    if not terms:
        raise ConfigError(
            "nothing explains trade: give tariffs, covariates with distance_km, contiguous, "
            f"common_language, colony or agreement, or a formula; {_EXAMPLE}"
        )
    return Formula("value", tuple(terms), tuple(effects))
