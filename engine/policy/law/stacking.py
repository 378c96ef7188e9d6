"""How duties of several authorities stack on one line from one origin on one day.

One path serves a single line and whole worlds: every array has one element per line and origin.
The rules are those of the US proclamations as of 2025 and 2026:

1. MFN, or the rate of a preference, comes first.
2. Rule ``add`` (antidumping, Section 201, Section 301, fentanyl on China) adds on the full value.
3. Rule ``one of`` (Section 232): the programme of lowest priority number takes the line; others
   get only what it leaves out of scope. Its rate is charged on ``content`` of what it takes.
4. Rule ``rest`` is charged on the value that no Section 232 programme is charged on.
5. A floor adds ``max(0, rate - MFN)``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Rule = Literal["add", "one of", "rest"]

ORDER: Final = {"add": 0, "one of": 1, "rest": 2}


@dataclass(frozen=True, eq=False)
class Term:
    """What one authority's programme charges on n lines.

    Attributes
    ----------
    authority, programme, scope : str
        Who charges, under what, on which list of lines.
    rule : {"add", "one of", "rest"}
    priority : int
        Among "one of" terms the lowest goes first.
    rate : float64 [n]
        Fraction of the base; for a floor, of duty and MFN together.
    applies : bool [n]
    floor : bool [n]
    content : float
        Share of the value that the rate is charged on (metal content).
    in_scope : float
        Share of the line's trade that the programme reaches at all.
    relief : float64 [n]
        Share of the charge forgone to USMCA goods.
    row : int64 [n]
        Row of the rate table that gave the rate; -1 none.
    """

    authority: str
    programme: str
    scope: str
    rule: Rule
    priority: int
    rate: Floats
    applies: Bools
    floor: Bools
    relief: Floats
    row: Ints
    content: float = 1.0
    in_scope: float = 1.0


@dataclass(frozen=True, eq=False)
class Part:
    """One term's share of the total: ``rate`` [n] of the full value, charged on ``base`` [n]."""

    term: Term
    rate: Floats
    base: Floats


@dataclass(frozen=True, eq=False)
class Stack:
    """MFN and what is on top of it, per line.

    Attributes
    ----------
    mfn : float64 [n]
    parts : tuple of Part
        In the order in which they are charged.
    total : float64 [n]
        All of it, a fraction of the full value.
    """

    mfn: Floats
    parts: tuple[Part, ...]
    total: Floats = field(init=False)

    def __post_init__(self) -> None:
        total = self.mfn.copy()
        for part in self.parts:
            total += part.rate
        object.__setattr__(self, "total", total)

    def by_authority(self) -> dict[str, Floats]:
        """Rates summed by authority, "MFN" first; [n] each."""
        sums = {"MFN": self.mfn.copy()}
        for part in self.parts:
            before = sums.get(part.term.authority)
            sums[part.term.authority] = part.rate if before is None else before + part.rate
        return sums


def stack_terms(mfn: Floats, terms: Iterable[Term]) -> Stack:
    """Stack the terms in force; their order does not matter.

    Parameters
    ----------
    mfn : float64 [n]
        Ordinary duty after preferences.
    terms : iterable of Term
    """
    uncharged = np.ones(mfn.size)  # value that no "one of" term is charged on
    unclaimed = np.ones(mfn.size)  # value that no "one of" term has taken
    parts = []
    for term in sorted(terms, key=_order):
        if term.rule == "one of":
            taken = np.where(term.applies, term.in_scope, 0.0) * unclaimed
            base = taken * term.content
            unclaimed = unclaimed - taken
            uncharged = uncharged - base
        elif term.rule == "rest":
            base = np.where(term.applies, uncharged, 0.0)
        else:
            base = np.where(term.applies, 1.0, 0.0)
        addition = np.where(term.floor, np.maximum(term.rate - mfn, 0.0), term.rate)
        parts.append(Part(term, base * addition * (1.0 - term.relief), base))
    return Stack(mfn, tuple(parts))


def _order(term: Term) -> tuple[int, int, str, str]:
    return ORDER[term.rule], term.priority, term.programme, term.scope
