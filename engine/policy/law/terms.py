"""Which duties are in force on given lines, from given origins, on a day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, partial
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tradewedge import codes
from tradewedge.policy.law.lines import check_day
from tradewedge.policy.law.ratetext import read_rate
from tradewedge.policy.law.stacking import Bools, Floats, Ints, Stack, Term, stack_terms
from tradewedge.policy.law.tables import ALL_LINES, Cells, Law, Programme, RateRow
from tradewedge.sources.special import read_special

Strings = NDArray[np.str_]
Preference = Literal["average", "claimed", "none"]
USMCA = ("CAN", "MEX")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Tariff lines, each with an origin.

    Attributes
    ----------
    line : int64 [n]
        Index into ``Law.hs10``.
    names : tuple of str
        The origins: ISO3 codes or "EU27".
    origin : int64 [n]
        Index into ``names``.
    """

    line: Ints
    names: tuple[str, ...]
    origin: Ints

    @classmethod
    def of(cls, line: Ints, origins: Strings) -> "Pairs":
        """From one origin per line, [n]."""
        names, origin = np.unique(origins, return_inverse=True)
        return cls(line, tuple(names.tolist()), origin)

    @cached_property
    def by_origin(self) -> list[Ints]:
        """Which pairs have each origin."""
        order = np.argsort(self.origin, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.origin, minlength=len(self.names)))[:-1])

    def whose(self, holds: Callable[[str], bool]) -> Ints:
        """Pairs whose origin satisfies a condition, origin by origin."""
        chosen = [n for n, name in enumerate(self.names) if holds(name)]
        if len(chosen) == len(self.names):
            return np.arange(self.line.size)
        return np.concatenate([np.zeros(0, np.int64), *(self.by_origin[n] for n in chosen)])

    def at(self, cells: Cells, row: Ints) -> Floats:
        """What a table says of each pair, [n], whose row of the table is ``row``."""
        return cells.at(row, self.names, self.origin)


def statutory(
    law: Law,
    pairs: Pairs,
    on: date,
    preference: Preference = "average",
    in_scope: Mapping[str, float] | None = None,
) -> Stack:
    """Stack the law of a day on n pairs of line and origin.

    Parameters
    ----------
    law : Law
    pairs : Pairs
    on : date
    preference : {"average", "claimed", "none"}
        How importers use preferences: as observed on average, always, or never.
    in_scope : mapping, optional
        Scope name -> share of its lines' trade that it reaches, instead of the shipped one.

    Raises
    ------
    ConfigError
        For a day before the tables begin.
    """
    check_day(on)
    share = _usmca_share(law, pairs, preference)
    mfn = _ordinary(law, pairs, on, preference, share)
    return stack_terms(mfn, _terms_in_force(law, pairs, on, share, in_scope or {}))


def _terms_in_force(
    law: Law, pairs: Pairs, on: date, usmca: Floats, in_scope: Mapping[str, float]
) -> tuple[Term, ...]:
    """Every term that touches one of the pairs; ``usmca`` [n] is the share that enters under it."""
    active = sorted(
        ((row, place) for place, row in enumerate(law.rates) if row.in_force(on)),
        key=lambda item: item[0].programme,
    )
    members: dict[str, Bools] = {}
    terms: list[Term] = []
    for programme, group in groupby(active, key=lambda item: item[0].programme):
        picked: list[_Reach] = []
        for row, place in group:
            here = pairs.whose(partial(_holds_for, row.origin))
            if row.scope not in members:
                members[row.scope] = law.members(row.scope, on)
            here = here[members[row.scope][pairs.line[here]]]
            if here.size:
                picked.append((row, place, here))
        terms += _terms(law.programmes[programme], picked, law, usmca, in_scope)
    return tuple(terms)


_Reach = tuple[RateRow, int, Ints]
"""A rate row, its number, and the pairs that it reaches."""


def _terms(
    how: Programme,
    picked: list[_Reach],
    law: Law,
    usmca: Floats,
    in_scope: Mapping[str, float],
) -> list[Term]:
    """One term per list of a "one of" programme, else one for the programme."""
    if not picked:
        return []
    exempt = [item for item in picked if item[0].kind == "exempt"]
    charges = [item for item in picked if item[0].kind != "exempt"]
    by_scope = how.rule == "one of"
    scopes = sorted({row.scope for row, _, _ in charges}) if by_scope else [ALL_LINES]
    terms = []
    for scope in scopes:
        mine = [c for c in charges if c[0].scope == scope] if by_scope else charges
        term = _fill(how, scope, sorted(mine, key=_generic_first), law, usmca, in_scope)
        for _, place, here in exempt:
            spared = here[term.applies[here]]
            term.applies[spared] = False
            term.row[spared] = place
        terms.append(term)
    return terms


def _fill(
    how: Programme,
    scope: str,
    rows: list[_Reach],
    law: Law,
    usmca: Floats,
    in_scope: Mapping[str, float],
) -> Term:
    n = usmca.size
    rate, relief = np.zeros(n), np.zeros(n)
    floor, applies = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    which = np.full(n, -1, dtype=np.int64)
    for row, place, here in rows:
        # Additions of several lists: the highest. Elsewhere the narrower row replaces.
        if how.rule == "add":
            before = which[here]
            same_list = law.list_of_rate[before] == row.scope
            here = here[(row.rate > rate[here]) | (before < 0) | same_list]
        rate[here], floor[here] = row.rate, row.kind == "floor"
        relief[here] = row.usmca_relief * usmca[here]
        applies[here] = row.kind == "floor" or row.rate > 0
        which[here] = place
    content = law.scopes[scope].content if any(row.base == "content" for row, _, _ in rows) else 1.0
    reach = in_scope.get(scope, law.scopes[scope].in_scope)
    return Term(
        how.authority, how.programme, scope, how.rule, how.priority,
        rate, applies, floor, relief, which, content, reach,
    )  # fmt: skip


def _generic_first(item: _Reach) -> tuple[bool, int, int]:
    row, place, _ = item
    return row.scope != ALL_LINES, _width(row.origin), place


def _width(origin: str) -> int:
    return 0 if origin == "*" else 1 if codes.is_group(origin) else 2


@cache
def _holds_for(spec: str, origin: str) -> bool:
    """Whether a row for ``spec`` holds for an origin."""
    if spec in ("*", origin):
        return True
    return codes.is_group(spec) and origin in codes.group_members(spec)


def _usmca_share(law: Law, pairs: Pairs, preference: Preference) -> Floats:
    """Share of each pair that enters under USMCA, [n]; 0 outside Canada and Mexico."""
    if preference == "average":
        return pairs.at(law.usmca, pairs.line)
    share = np.zeros(pairs.line.size)
    if preference == "claimed":
        share[pairs.whose(USMCA.__contains__)] = 1.0
    return share


def _ordinary(law: Law, pairs: Pairs, on: date, preference: Preference, usmca: Floats) -> Floats:
    """MFN, preferential or column 2 rate of each pair, ad valorem part, [n]."""
    rate = law.ordinary("general")[pairs.line]
    if preference == "average":
        used = pairs.at(law.preference_shares, law.chapter[pairs.line])
        neighbours = pairs.whose(USMCA.__contains__)
        used[neighbours] = usmca[neighbours]
        rate *= 1.0 - used
    elif preference == "claimed":
        rate = np.minimum(rate, claimable(law, pairs, on))
    outside = pairs.whose(lambda name: law.column_2.get(name, date.max) <= on)
    rate[outside] = law.ordinary("column_2")[pairs.line[outside]]
    return rate


def claimable(law: Law, pairs: Pairs, on: date) -> Floats:
    """Lowest preferential rate that each pair may claim, [n]; infinite without one."""
    best = np.full(pairs.line.size, np.inf)
    offered = _offered(law)
    row = law.rate_line[pairs.line]
    for place, name in enumerate(pairs.names):
        here = pairs.by_origin[place]
        for code in _programmes_of(law, name, on):
            if code in offered:
                best[here] = np.minimum(best[here], offered[code][row[here]])
    return np.where(row >= 0, best, np.inf)


@cache
def _offered(law: Law) -> dict[str, Floats]:
    """Ad valorem rate by programme and row of ``lines``; infinite where it offers none."""
    found: dict[str, Floats] = {}
    for row, text in enumerate(law.lines["special"].fill_null("")):
        for code, printed in read_special(text).items():
            rate = read_rate(printed)
            if rate.complete:
                if code not in found:
                    found[code] = np.full(law.lines.height, np.inf)
                found[code][row] = rate.ad_valorem
    return found


def _programmes_of(law: Law, origin: str, on: date) -> list[str]:
    """Programmes whose preferences an origin may claim on a day."""
    return [
        code
        for code, members, start, end in law.preferences
        if origin in members and start <= on and (end is None or on <= end)
    ]


def preferential(law: Law, line: int, origin: str, on: date) -> tuple[str, str] | None:
    """Programme and rate text that an origin may claim on a line, or None.

    A rate that refers to another provision ("See 9822.05.20") is passed over.
    """
    row = int(law.rate_line[line])
    if row < 0:
        return None
    offered = read_special(law.lines["special"][row])
    found = [
        (read_rate(offered[code]).ad_valorem, code, offered[code])
        for code in _programmes_of(law, origin, on)
        if code in offered and read_rate(offered[code]).complete
    ]
    return min(found)[1:] if found else None
