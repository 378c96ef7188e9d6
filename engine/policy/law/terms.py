"""Which duties are in force on given lines, from given origins, on a day."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from itertools import groupby
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge import codes
from tradewedge.policy.law.ratetext import read_rate, read_special
from tradewedge.policy.law.stacking import Bools, Floats, Ints, Stack, Term, stack_terms
from tradewedge.policy.law.tables import ALL_LINES, Law, Programme, RateRow

Strings = NDArray[np.str_]
Preference = Literal["average", "claimed", "none"]
USMCA = ("CAN", "MEX")


def statutory(
    law: Law,
    lines: Ints,
    origins: Strings,
    on: date,
    preference: Preference = "average",
    in_scope: Mapping[str, float] | None = None,
) -> Stack:
    """Stack the law of a day on n pairs of line and origin.

    Parameters
    ----------
    law : Law
    lines : int64 [n]
        Index into ``law.hs10``.
    origins : str [n]
        ISO3 codes or "EU27".
    on : date
    preference : {"average", "claimed", "none"}
        How importers use preferences: as observed on average, always, or never.
    in_scope : mapping, optional
        Scope name -> share of its lines' trade that it reaches, instead of the shipped one.
    """
    share = usmca_share(law, lines, origins, preference)
    mfn = ordinary(law, lines, origins, on, preference, share)
    return stack_terms(mfn, terms_in_force(law, lines, origins, on, share, in_scope))


def terms_in_force(
    law: Law,
    lines: Ints,
    origins: Strings,
    on: date,
    usmca: Floats,
    in_scope: Mapping[str, float] | None = None,
) -> tuple[Term, ...]:
    """Every term that touches one of n pairs; arguments as in :func:`statutory`."""
    names, origin = np.unique(origins, return_inverse=True)
    active = sorted(
        ((row, place) for place, row in enumerate(law.rates) if row.in_force(on)),
        key=lambda item: item[0].programme,
    )
    members: dict[str, Bools] = {}
    terms: list[Term] = []
    for programme, group in groupby(active, key=lambda item: item[0].programme):
        how = law.programmes[programme]
        picked: list[tuple[RateRow, int, Bools]] = []
        for row, place in group:
            rank = np.array([_rank(row.origin, name) for name in names])
            if not rank.any():
                continue
            if row.scope not in members:
                members[row.scope] = law.members(row.scope, on)
            mask = (rank > 0)[origin] & members[row.scope][lines]
            if mask.any():
                picked.append((row, place, mask))
        terms += _terms(how, picked, law, usmca, in_scope or {})
    return tuple(terms)


def _terms(
    how: Programme,
    picked: list[tuple[RateRow, int, Bools]],
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
        for _, place, mask in exempt:
            spared = mask & term.applies
            term.applies[spared] = False
            term.row[spared] = place
        terms.append(term)
    return terms


def _fill(
    how: Programme,
    scope: str,
    rows: list[tuple[RateRow, int, Bools]],
    law: Law,
    usmca: Floats,
    in_scope: Mapping[str, float],
) -> Term:
    n = usmca.size
    rate, relief = np.zeros(n), np.zeros(n)
    floor, applies = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    which = np.full(n, -1, dtype=np.int64)
    for row, place, mask in rows:
        # Additions of several lists: the highest. Elsewhere the narrower row replaces.
        if how.rule == "add":
            mask = mask & ((row.rate > rate) | (which < 0) | _same_list(law, which, row))
        rate[mask], floor[mask] = row.rate, row.kind == "floor"
        relief[mask] = row.usmca_relief * usmca[mask]
        applies[mask] = row.kind == "floor" or row.rate > 0
        which[mask] = place
    content = law.scopes[scope].content if any(row.base == "content" for row, _, _ in rows) else 1.0
    reach = in_scope.get(scope, law.scopes[scope].in_scope)
    return Term(
        how.authority, how.programme, scope, how.rule, how.priority,
        rate, applies, floor, relief, which, content, reach,
    )  # fmt: skip


def _same_list(law: Law, which: Ints, row: RateRow) -> Bools:
    """Where the rate so far comes from the same list: a narrower origin then replaces it."""
    same = np.array([r.scope == row.scope for r in law.rates])
    result: Bools = (which >= 0) & same[which]
    return result


def _generic_first(item: tuple[RateRow, int, Bools]) -> tuple[bool, int, int]:
    row, place, _ = item
    return row.scope != ALL_LINES, _width(row.origin), place


def _width(origin: str) -> int:
    return 0 if origin == "*" else 1 if codes.is_group(origin) else 2


@cache
def _rank(spec: str, origin: str) -> bool:
    """Whether a row for ``spec`` holds for an origin."""
    if spec in ("*", origin):
        return True
    return codes.is_group(spec) and origin in codes.group_members(spec)


def usmca_share(law: Law, lines: Ints, origins: Strings, preference: Preference) -> Floats:
    """Share of each pair that enters under USMCA, [n]; 0 outside Canada and Mexico."""
    inside = np.isin(origins, USMCA)
    if preference != "average" or not inside.any():
        return np.where(inside, 1.0 if preference == "claimed" else 0.0, 0.0)
    pairs = pl.DataFrame({"line": lines, "partner": origins})
    found = pairs.join(law.usmca, on=["line", "partner"], how="left", maintain_order="left")
    return found["share"].fill_null(0.0).to_numpy()


def ordinary(
    law: Law, lines: Ints, origins: Strings, on: date, preference: Preference, usmca: Floats
) -> Floats:
    """MFN, preferential or column 2 rate of each pair, ad valorem part, [n]."""
    rate = law.ordinary("general")[lines]
    if preference == "average":
        chapter = np.array([code[:2] for code in law.hs10])[lines]
        pairs = pl.DataFrame({"chapter": chapter, "partner": origins})
        found = pairs.join(
            law.preference_shares, on=["chapter", "partner"], how="left", maintain_order="left"
        )
        used = found["share"].fill_null(0.0).to_numpy()
        rate = rate * (1.0 - np.where(np.isin(origins, USMCA), usmca, used))
    elif preference == "claimed":
        for place, (line, origin) in enumerate(zip(lines, origins, strict=True)):
            best = preferential(law, int(line), str(origin), on)
            if best is not None:
                rate[place] = min(rate[place], read_rate(best[1]).ad_valorem)
    second = [o for o, since in law.column_2.items() if since <= on]
    outside = np.isin(origins, second)
    return np.where(outside, law.ordinary("column_2")[lines], rate)


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
        for code, members, start, end in law.preferences
        if origin in members and start <= on and (end is None or on <= end)
        if code in offered and read_rate(offered[code]).complete
    ]
    return min(found)[1:] if found else None
