"""The law as shipped: lines, rates, lists, programmes and import weights, read once."""

from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.codes.tables import shipped_csv, shipped_parquet
from tradewedge.policy.law.stacking import Bools, Floats, Ints, Rule

VINTAGE = "HS2022"
ALL_LINES = "all"


@dataclass(frozen=True)
class RateRow:
    """One row of ``data/law/rates.csv``: what is charged on a list, from whom, from when to when.

    ``kind`` is "add", "floor" (an all-in floor) or "exempt"; ``start`` and ``end`` are the first
    and last day; ``usmca_relief`` is the share of the charge that USMCA goods do not pay.
    """

    authority: str
    programme: str
    scope: str
    origin: str
    rate: float
    kind: str
    base: str
    usmca_relief: float
    start: date
    end: date | None
    status: str
    source: str
    confidence: str
    note: str

    def in_force(self, on: date) -> bool:
        """Whether the row holds on a day."""
        return self.start <= on and (self.end is None or on <= self.end)


@dataclass(frozen=True)
class Programme:
    """How one programme of an authority stacks; see ``data/law/authorities.csv``."""

    authority: str
    programme: str
    rule: Rule
    priority: int


@dataclass(frozen=True)
class Scope:
    """A legal list: what share of the value is charged and of the trade is reached, and codes."""

    name: str
    content: float
    in_scope: float
    text: str
    codes: tuple[tuple[str, date | None], ...]


@dataclass(frozen=True, eq=False)
class Law:
    """US import law, as :func:`law` reads it.

    Attributes
    ----------
    hs10 : str [N]
        Ten-digit lines, sorted.
    rates : tuple of RateRow
    programmes : dict of str to Programme
    scopes : dict of str to Scope
    lines : DataFrame
        One row per eight-digit line: printed and read rates.
    preferences : tuple of (code, origins, start, end)
        Programmes of the special column.
    column_2 : dict of str to date
        Origins without normal trade relations, and since when.
    weights : DataFrame
        line (index into ``hs10``), partner, value: US imports of 2024, thousand USD.
    usmca : DataFrame
        line, partner, share: of the line's imports that claimed USMCA in 2025.
    preference_shares : DataFrame
        chapter, partner, share: of dutiable imports that entered free.
    """

    hs10: NDArray[np.str_]
    rates: tuple[RateRow, ...]
    programmes: dict[str, Programme]
    scopes: dict[str, Scope]
    lines: pl.DataFrame
    preferences: tuple[tuple[str, tuple[str, ...], date, date | None], ...]
    column_2: dict[str, date]
    weights: pl.DataFrame
    usmca: pl.DataFrame
    preference_shares: pl.DataFrame

    def below(self, code: str) -> tuple[int, int]:
        """First and last-plus-one line whose code starts with ``code``."""
        first, last = np.searchsorted(self.hs10, [code, code + ":"])
        return int(first), int(last)

    def members(self, scope: str, on: date) -> Bools:
        """Which lines a list names on a day, [N]."""
        found = np.zeros(self.hs10.size, dtype=bool)
        for code, start in self.scopes[scope].codes:
            if start is None or start <= on:
                first, last = self.below(code)
                found[first:last] = True
        return found

    @cached_property
    def rate_line(self) -> Ints:
        """Row of ``lines`` of every ten-digit line, [N]; -1 where the schedule has none."""
        eight = self.lines["hs8"].to_numpy().astype(str)
        wanted = np.array([code[:8] for code in self.hs10])
        place = np.minimum(np.searchsorted(eight, wanted), eight.size - 1)
        found: Ints = np.where(eight[place] == wanted, place, -1).astype(np.int64)
        return found

    def ordinary(self, column: str) -> Floats:
        """Ad valorem part of the "general" or "column_2" rate, [N]; 0 where there is none."""
        rates = self.lines[f"{column}_rate"].to_numpy()
        result: Floats = np.where(self.rate_line >= 0, rates[self.rate_line], 0.0)
        return result


@cache
def law() -> Law:
    """The shipped law."""
    scopes = _scopes()
    weights = shipped_parquet("law", "weights.parquet")
    usmca = shipped_parquet("law", "usmca_shares.parquet")
    known = shipped_parquet("law", "statistical_lines.parquet")["hs10"]
    codes = pl.concat([known, weights["hs10"], usmca["hs10"]]).unique().sort()
    index = pl.DataFrame({"hs10": codes, "line": np.arange(codes.len())})
    return Law(
        hs10=codes.to_numpy().astype(str),
        rates=_rates(),
        programmes=_programmes(),
        scopes=scopes,
        lines=shipped_parquet("law", "lines.parquet").sort("hs8"),
        preferences=_preferences(),
        column_2={
            origin: date.fromisoformat(start)
            for origin, start in shipped_csv("law/by_hand", "column_2.csv")
            .select("origin", "start")
            .iter_rows()
        },
        weights=weights.join(index, on="hs10")
        .select("line", "partner", pl.col("value").cast(pl.Float64))
        .sort("line", "partner"),
        usmca=usmca.join(index, on="hs10")
        .select("line", "partner", pl.col("share").cast(pl.Float64))
        .sort("line", "partner"),
        preference_shares=shipped_parquet("law", "preference_shares.parquet"),
    )


def _rates() -> tuple[RateRow, ...]:
    table = shipped_csv("law", "rates.csv")
    return tuple(
        RateRow(
            authority=row["authority"],
            programme=row["programme"],
            scope=row["scope"],
            origin=row["origin"],
            rate=float(row["rate"]),
            kind=row["kind"],
            base=row["base"],
            usmca_relief=float(row["usmca_relief"]),
            start=date.fromisoformat(row["start"]),
            end=_day(row["end"]),
            status=row["status"],
            source=row["source"],
            confidence=row["confidence"],
            note=row["note"] or "",
        )
        for row in table.iter_rows(named=True)
    )


def _programmes() -> dict[str, Programme]:
    table = shipped_csv("law/by_hand", "authorities.csv", numbers=("priority",))
    return {
        row["programme"]: Programme(
            row["authority"], row["programme"], cast(Rule, row["rule"]), row["priority"]
        )
        for row in table.filter(pl.col("rule") != "base").iter_rows(named=True)
    }


def _scopes() -> dict[str, Scope]:
    codes: dict[str, list[tuple[str, date | None]]] = {}
    for scope, code, start in shipped_parquet("law", "scope_lines.parquet").iter_rows():
        codes.setdefault(scope, []).append((code, start))
    return {
        row["scope"]: Scope(
            row["scope"],
            float(row["content"]),
            float(row["in_scope"]),
            row["text"],
            tuple(codes[row["scope"]]),
        )
        for row in shipped_csv("law/by_hand", "scopes.csv").iter_rows(named=True)
    }


def _preferences() -> tuple[tuple[str, tuple[str, ...], date, date | None], ...]:
    return tuple(
        (row["code"], tuple((row["origin"] or "").split()), _start(row["start"]), _day(row["end"]))
        for row in shipped_csv("law/by_hand", "programmes.csv").iter_rows(named=True)
    )


def _start(text: str) -> date:
    return date.fromisoformat(text)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
