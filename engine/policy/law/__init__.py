"""US import law as dated data: the duty on a line, an origin and a day, and how it changed.

The tables are in ``data/law``; their README says what is approximate.
"""

from tradewedge.policy.law.answer import DutyAnswer, DutyTerm, duty
from tradewedge.policy.law.change import LawChange, LawOfDays, law_change
from tradewedge.policy.law.stacking import Part, Stack, Term, stack_terms
from tradewedge.policy.law.tables import Law, RateRow, Scope, law
from tradewedge.policy.law.terms import Pairs, statutory

__all__ = [
    "DutyAnswer",
    "DutyTerm",
    "Law",
    "LawChange",
    "LawOfDays",
    "Pairs",
    "Part",
    "RateRow",
    "Scope",
    "Stack",
    "Term",
    "duty",
    "law",
    "law_change",
    "stack_terms",
    "statutory",
]
