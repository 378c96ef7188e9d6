"""The duty on a product from an origin on a day, term by term."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

import numpy as np
import polars as pl

from tradewedge.errors import ConfigError
from tradewedge.policy.law.lines import (
    EUROPEAN_UNION,
    IMPORTER,
    as_date,
    check_scopes,
    line_weights,
    lines_of,
    origin_of,
    partner_of,
)
from tradewedge.policy.law.stacking import Floats, Ints, Stack
from tradewedge.policy.law.tables import Law, law
from tradewedge.policy.law.terms import Pairs, Preference, preferential, statutory

ANTIDUMPING: Final = "AD/CVD"


@dataclass(frozen=True)
class DutyTerm:
    """One authority's part of a duty.

    Attributes
    ----------
    authority, programme : str
    rate : float
        What it adds, as a fraction of the full customs value.
    statutory_rate : float
        The rate as the law states it; of a floor, duty and MFN together.
    kind : {"add", "floor", "exempt"}
    base : float
        Share of the customs value that the rate is charged on.
    relief : float
        Share of the charge that USMCA goods are spared.
    scope : str
        The list that the line is on.
    start, end : date or None
        First and last day.
    status, source, confidence, note : str
        As in ``data/law/rates.csv``.
    """

    authority: str
    programme: str
    rate: float
    statutory_rate: float
    kind: str
    base: float
    relief: float
    scope: str
    start: date | None
    end: date | None
    status: str
    source: str
    confidence: str
    note: str


@dataclass(frozen=True)
class DutyAnswer:
    """The duty on a product from an origin on a day.

    Attributes
    ----------
    product, exporter, importer : str
    on : date
    preference : {"claimed", "none", "average"}
    terms : tuple of DutyTerm
        In the order of stacking; over several lines, value-weighted means.
    total : float
        Ad valorem total, value-weighted over the lines.
    low, high : float
        Lowest and highest total of any line with weight.
    lines : DataFrame
        hs10, value (thousand USD, 2024, of the weights' partner), weight, mfn, total.
    weights : str
        "one line", "own imports", "all partners" or "simple mean".
    specific : tuple of str
        Rates that have a part per kg, per piece and so on; that part is not in the total.
    notes : tuple of str
    """

    product: str
    exporter: str
    importer: str
    on: date
    preference: str
    terms: tuple[DutyTerm, ...]
    total: float
    low: float
    high: float
    lines: pl.DataFrame
    weights: str
    specific: tuple[str, ...]
    notes: tuple[str, ...]


def duty(
    product: str,
    exporter: str,
    importer: str = IMPORTER,
    on: date | str = "2026-07-01",
    *,
    preference: Preference = "claimed",
    in_scope: Mapping[str, float] | None = None,
    adcvd: float = 0.0,
) -> DutyAnswer:
    """Tell the duty on a product from an origin on a day, term by term.

    Parameters
    ----------
    product : str
        HS2022 code of 6 digits, or HTS code of 8 or 10; dots are allowed.
    exporter : str
        Country of origin, ISO3, or EU27.
    importer : str
        "USA": no other law ships.
    on : date or str
        ISO date.
    preference : {"claimed", "none", "average"}
        Whether a preference that the origin may use is claimed; "average": as observed.
    in_scope : mapping, optional
        Scope name -> share of its lines' trade that it reaches, such as
        ``{"s232_auto_parts": 0.0}`` for batteries that are not for cars.
    adcvd : float
        Antidumping and countervailing duty; none ships. It always adds.

    Raises
    ------
    ConfigError
        For an unknown country, importer, date, scope or preference.
    DataError
        For a product without any line.
    """
    if importer != IMPORTER:
        raise ConfigError(f"importer {importer!r}: the shipped law is that of the USA")
    if exporter == importer:
        raise ConfigError("exporter and importer are the same: no duty at home")
    day = as_date(on)
    if preference not in ("claimed", "none", "average"):
        raise ConfigError(f"preference {preference!r}: use claimed, none or average")
    rules = law()
    check_scopes(rules, in_scope)
    origin = origin_of(exporter)
    lines = lines_of(rules, product)
    partner = partner_of(origin)
    weight, value, how = line_weights(rules, lines, partner)
    whose = partner if partner == EUROPEAN_UNION else origin
    pairs = Pairs(lines, (whose,), np.zeros_like(lines))
    stack = statutory(rules, pairs, day, preference, in_scope)
    used = weight > 0
    terms = (
        _mfn_term(rules, lines, origin, stack, weight, day, preference),
        *_adcvd(adcvd),
        *_terms(rules, stack, weight),
    )
    totals = stack.total + adcvd
    return DutyAnswer(
        product=product.replace(".", ""),
        exporter=exporter,
        importer=importer,
        on=day,
        preference=preference,
        terms=terms,
        total=float(totals @ weight),
        low=float(totals[used].min()),
        high=float(totals[used].max()),
        lines=pl.DataFrame(
            {
                "hs10": rules.hs10[lines],
                "value": value,
                "weight": weight,
                "mfn": stack.mfn,
                "total": totals,
            }
        ),
        weights=how,
        specific=_specific(rules, lines[used], origin, day, preference),
        notes=_notes(rules.caveats_on(day), how, partner, len(lines)),
    )


def _mfn_term(
    rules: Law, lines: Ints, origin: str, stack: Stack, weight: Floats, on: date, how: str
) -> DutyTerm:
    general = rules.ordinary("general")[lines]
    rate, printed = float(stack.mfn @ weight), f"{100 * float(general @ weight):.3g} %"
    note = ""
    if rules.column_2.get(origin, date.max) <= on:
        note = "column 2: no normal trade relations"
    elif how == "claimed":
        used = {p[0] for i in lines if (p := preferential(rules, int(i), origin, on))}
        if used and not np.array_equal(general, stack.mfn):
            note = f"preference claimed ({', '.join(sorted(used))}); general rate {printed}"
    elif how == "average" and not np.array_equal(general, stack.mfn):
        note = f"average use of preferences; general rate {printed}"
    source = "HTS 2025"
    return _add("MFN", rate, "HTS 2025, basic edition", "in force", source, "P", note)


def _add(
    authority: str, rate: float, scope: str, status: str, source: str, confidence: str, note: str
) -> DutyTerm:
    """A term without dates, on the full value."""
    return DutyTerm(
        authority=authority,
        programme=authority,
        rate=rate,
        statutory_rate=rate,
        kind="add",
        base=1.0,
        relief=0.0,
        scope=scope,
        start=None,
        end=None,
        status=status,
        source=source,
        confidence=confidence,
        note=note,
    )


def _adcvd(rate: float) -> tuple[DutyTerm, ...]:
    if rate == 0.0:
        return ()
    return (_add(ANTIDUMPING, rate, "as given", "as given", "caller", "", ""),)


def _terms(rules: Law, stack: Stack, weight: Floats) -> list[DutyTerm]:
    """One term per rate row that applies to a line with weight."""
    terms = []
    for part in stack.parts:
        for place in np.unique(part.term.row[(weight > 0) & (part.term.row >= 0)]):
            row, here = rules.rates[place], part.term.row == place
            charged = part.base * weight * here
            if row.kind != "exempt" and charged.sum() == 0.0:
                continue
            relief = float(charged @ part.term.relief) / float(charged.sum() or 1.0)
            terms.append(
                DutyTerm(
                    authority=row.authority,
                    programme=row.programme,
                    rate=float((part.rate * weight * here).sum()),
                    statutory_rate=row.rate,
                    kind=row.kind,
                    base=float(charged.sum()),
                    relief=relief,
                    scope=rules.scopes[row.scope].text,
                    start=row.start,
                    end=row.end,
                    status=row.status,
                    source=row.source,
                    confidence=row.confidence,
                    note=row.note,
                )
            )
    return terms


def _specific(rules: Law, lines: Ints, origin: str, on: date, preference: str) -> tuple[str, ...]:
    """Texts of ordinary rates that are not wholly ad valorem."""
    column = "column_2" if rules.column_2.get(origin, date.max) <= on else "general"
    texts = set()
    for line in lines:
        row = int(rules.rate_line[line])
        if row < 0:
            continue
        if preference == "claimed" and preferential(rules, int(line), origin, on):
            continue
        rate = rules.lines.row(row, named=True)
        if rate[f"{column}_usd_per_kg"] > 0 or not rate[f"{column}_read"]:
            texts.add(cast(str, rate[column]))
    return tuple(sorted(texts))


def _notes(caveats: tuple[str, ...], how: str, partner: str, count: int) -> tuple[str, ...]:
    notes = []
    if how == "all partners":
        notes.append(f"{partner} has no 2024 imports on these lines: weights of all partners")
    if how == "simple mean":
        notes.append("no 2024 imports on these lines: simple mean")
    if count == 1 and not caveats:
        notes.append("one line: exact")
    return (*notes, *caveats)
