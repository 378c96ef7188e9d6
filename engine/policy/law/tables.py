"""The law as shipped: lines, rates, lists, programmes and import weights, read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
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
    """A legal list: what share of the value is charged and of the trade is reached, and lines.

    Entry c of the list holds the lines ``first[c]`` to ``last[c] - 1`` from the day ``since[c]`` on
    (an ordinal; 0 is always).
    """

    name: str
    content: float
    in_scope: float
    text: str
    first: Ints
    last: Ints
    since: Ints


@dataclass(frozen=True)
class Caveat:
    """What to know of the law on some days; ``start`` and ``end`` are the first and last one."""

    start: date
    end: date | None
    text: str


@dataclass(frozen=True, eq=False)
class Cells:
    """Numbers by row and partner, 0 where there is none.

    Attributes
    ----------
    partners : tuple of str
        Sorted.
    key : int64 [c]
        ``row * len(partners) + partner``, ascending.
    value : float64 [c]
    """

    partners: tuple[str, ...]
    key: Ints
    value: Floats

    @classmethod
    def of(cls, row: pl.Series, partner: pl.Series, value: pl.Series) -> "Cells":
        """Index columns of one length."""
        names = partner.unique().sort()
        code = partner.cast(pl.Enum(names)).to_physical().cast(pl.Int64)
        key = (row.cast(pl.Int64) * len(names) + code).to_numpy()
        order = np.argsort(key, kind="stable")
        return cls(tuple(names), key[order], value.cast(pl.Float64).to_numpy()[order])

    def at(self, row: Ints, names: Sequence[str], partner: Ints) -> Floats:
        """Numbers of n cells; ``partner`` [n] counts ``names``."""
        known = {name: code for code, name in enumerate(self.partners)}
        code = np.array([known.get(name, -1) for name in names], dtype=np.int64)[partner]
        key = np.where(code >= 0, row * len(known) + code, -1)
        place = np.minimum(np.searchsorted(self.key, key), self.key.size - 1)
        found: Floats = np.where(self.key[place] == key, self.value[place], 0.0)
        return found


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
    usmca : Cells
        By line and partner: share of the imports that claimed USMCA in 2025.
    preference_shares : Cells
        By chapter and partner: share of dutiable imports that entered free.
    caveats : tuple of Caveat
    """

    hs10: NDArray[np.str_]
    rates: tuple[RateRow, ...]
    programmes: dict[str, Programme]
    scopes: dict[str, Scope]
    lines: pl.DataFrame
    preferences: tuple[tuple[str, tuple[str, ...], date, date | None], ...]
    column_2: dict[str, date]
    weights: pl.DataFrame
    usmca: Cells
    preference_shares: Cells
    caveats: tuple[Caveat, ...]

    def caveats_on(self, day: date) -> tuple[str, ...]:
        """What to know of the law of a day: where it is inferred, or not known any more."""
        return tuple(
            caveat.text
            for caveat in self.caveats
            if caveat.start <= day and (caveat.end is None or day <= caveat.end)
        )

    def below(self, code: str) -> tuple[int, int]:
        """First and last-plus-one line whose code starts with ``code``."""
        first, last = np.searchsorted(self.hs10, [code, code + ":"])
        return int(first), int(last)

    def members(self, scope: str, on: date) -> Bools:
        """Which lines a list names on a day, [N]."""
        listed = self.scopes[scope]
        held, n = listed.since <= on.toordinal(), self.hs10.size + 1
        opened = np.bincount(listed.first[held], minlength=n)
        closed = np.bincount(listed.last[held], minlength=n)
        found: Bools = np.cumsum(opened - closed)[:-1] > 0
        return found

    @cached_property
    def turns(self) -> frozenset[date]:
        """Every day from which the law differs from that of the day before."""
        begun = [row.start for row in self.rates] + [start for *_, start, _ in self.preferences]
        over = [row.end for row in self.rates] + [end for *_, end in self.preferences]
        listed = np.concatenate([scope.since for scope in self.scopes.values()])
        return frozenset(
            (
                *begun,
                *(end + timedelta(days=1) for end in over if end is not None),
                *(date.fromordinal(day) for day in np.unique(listed[listed > 0]).tolist()),
                *self.column_2.values(),
            )
        )

    @cached_property
    def imports(self) -> Cells:
        """``weights`` by line and partner."""
        return Cells.of(self.weights["line"], self.weights["partner"], self.weights["value"])

    @cached_property
    def imports_of_all(self) -> Floats:
        """``weights`` summed over partners, [N]."""
        line, value = self.weights["line"].to_numpy(), self.weights["value"].to_numpy()
        return np.bincount(line, value, self.hs10.size).astype(np.float64, copy=False)

    @cached_property
    def chapter(self) -> Ints:
        """HS chapter of every line, [N]."""
        return self.hs10.astype("U2").astype(np.int64)

    @cached_property
    def list_of_rate(self) -> NDArray[np.str_]:
        """Name of the list of every rate row."""
        return np.array([row.scope for row in self.rates])

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
    weights = shipped_parquet("law", "weights.parquet")
    usmca = shipped_parquet("law", "usmca_shares.parquet")
    known = shipped_parquet("law", "statistical_lines.parquet")["hs10"]
    codes = pl.concat([known, weights["hs10"], usmca["hs10"]]).unique().sort()
    index = pl.DataFrame({"hs10": codes, "line": np.arange(codes.len())})
    usmca = usmca.join(index, on="hs10")
    preferences = shipped_parquet("law", "preference_shares.parquet")
    hs10 = codes.to_numpy().astype(str)
    return Law(
        hs10=hs10,
        rates=_rates(),
        programmes=_programmes(),
        scopes=_scopes(hs10),
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
        usmca=Cells.of(usmca["line"], usmca["partner"], usmca["share"]),
        preference_shares=Cells.of(
            preferences["chapter"], preferences["partner"], preferences["share"]
        ),
        caveats=tuple(
            Caveat(date.fromisoformat(row["start"]), _day(row["end"]), row["text"])
            for row in shipped_csv("law/by_hand", "caveats.csv").iter_rows(named=True)
        ),
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


def _scopes(hs10: NDArray[np.str_]) -> dict[str, Scope]:
    table = shipped_parquet("law", "scope_lines.parquet")
    start = table["start"].to_list()
    code = table["code"].to_numpy().astype(str)
    first = np.searchsorted(hs10, code)
    last = np.searchsorted(hs10, np.char.add(code, ":"))
    since = np.array([0 if day is None else day.toordinal() for day in start], dtype=np.int64)
    names = table["scope"].to_numpy().astype(str)
    found = {}
    for row in shipped_csv("law/by_hand", "scopes.csv").iter_rows(named=True):
        rows = np.flatnonzero(names == row["scope"])
        found[row["scope"]] = Scope(
            row["scope"],
            float(row["content"]),
            float(row["in_scope"]),
            row["text"],
            first[rows],
            last[rows],
            since[rows],
        )
    return found


def _preferences() -> tuple[tuple[str, tuple[str, ...], date, date | None], ...]:
    return tuple(
        (row["code"], tuple((row["origin"] or "").split()), _start(row["start"]), _day(row["end"]))
        for row in shipped_csv("law/by_hand", "programmes.csv").iter_rows(named=True)
    )


def _start(text: str) -> date:
    return date.fromisoformat(text)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
