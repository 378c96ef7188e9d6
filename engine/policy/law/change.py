"""By how much the law changed the duty on each flow of a world between two days."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from tradewedge import codes
from tradewedge.duty import Duty
from tradewedge.errors import ConfigError
from tradewedge.policy.law.lines import IMPORTER, as_date, partner_of
from tradewedge.policy.law.stacking import Floats, Ints
from tradewedge.policy.law.tables import VINTAGE, Law, law
from tradewedge.policy.law.terms import Strings, statutory
from tradewedge.world import World

_TINY: Final = 1e-12
OWN, ALL, SIMPLE, NONE = "own imports", "all partners", "simple mean", "no line"


@dataclass(frozen=True, eq=False)
class LawChange:
    """The change of statutory duties on a world's flows into the United States.

    Attributes
    ----------
    on : date
    since : date or None
        None: the mean over the days of the world's year.
    duties : tuple of Duty
        Change of each authority's rate (negative where it fell), to be added to the baseline:
        ``t_on = effective_base + (statutory_on - statutory_since)``.
    coverage : DataFrame
        weights ("own imports", "all partners", "simple mean", "no line"), flows, value
        (thousand USD), share (of the value of all flows into the United States), change
        (value-weighted, a fraction).
    capped : int
        Flows whose fall was cut because it exceeds the baseline tariff.
    """

    on: date
    since: date | None
    duties: tuple[Duty, ...]
    coverage: pl.DataFrame
    capped: int

    def total(self, n_flows: int) -> Floats:
        """Sum over authorities, float64 [F]."""
        total = np.zeros(n_flows)
        for duty in self.duties:
            total[duty.rows] += duty.rate
        return total


def law_change(world: World, on: date | str, since: date | str | None = None) -> LawChange:
    """Compare the law of a day with that of the world's year, flow by flow.

    Parameters
    ----------
    world : World
        Needs a vintage; its year is used where ``since`` is not given.
    on : date or str
        The day of the law wanted.
    since : date or str, optional
        The day of the law in the baseline. Default: the mean over the days of the world's year,
        since the baseline's effective rates blend the year.

    Returns
    -------
    LawChange
        Line-level differences, weighted by the partner's own US imports of 2024; where it has
        none, by all partners' imports; last by a simple mean.

    Raises
    ------
    ConfigError
        If the world has no vintage, or neither year nor ``since`` is given.
    """
    day = as_date(on)
    before = None if since is None else as_date(since)
    if world.vintage is None:
        raise ConfigError(f"world {world.name!r} has no HS vintage: the law cannot be placed on it")
    if before is None and world.year is None:
        raise ConfigError(f"world {world.name!r} has no year: give since=")
    rules = law()
    pairs = _pairs(rules, world)
    lines, weight = pairs["line"].to_numpy(), pairs["weight"].to_numpy()
    origins = pairs["origin"].to_numpy().astype(str)
    row = pairs["row"].to_numpy()
    n = world.value.size
    change = _at(rules, lines, origins, [(day, 1.0)])
    earlier = [(before, 1.0)] if before is not None else year_of(rules, world.year or day.year)
    for authority, rate in _at(rules, lines, origins, earlier).items():
        change[authority] = change.get(authority, np.zeros(rate.size)) - rate
    by_flow: dict[str, Floats] = {}
    for authority, rate in change.items():
        by_flow[authority] = np.bincount(row, weight * rate, n).astype(np.float64)
    capped = _cap(by_flow, world)
    duties = tuple(
        Duty(authority, rows, rate[rows])
        for authority, rate in sorted(by_flow.items())
        if (rows := np.flatnonzero(np.abs(rate) > _TINY).astype(np.int64)).size
    )
    total = np.sum(list(by_flow.values()), axis=0)
    return LawChange(day, before, duties, _coverage(world, pairs, total), capped)


def law_duties(world: World, on: date | str, since: date | str | None = None) -> tuple[Duty, ...]:
    """The world's tariff under the law of a day: its baseline duties and what changed since.

    Parameters are those of :func:`law_change`. The duties of an authority that the baseline
    also names come as two entries; :func:`tradewedge.duty.stack` adds them.
    """
    return (*world.duties, *law_change(world, on, since).duties)


def year_of(rules: Law, year: int) -> list[tuple[date, float]]:
    """First days of the law's spells in a year, with their share of its days."""
    first, following = date(year, 1, 1), date(year + 1, 1, 1)
    turns = {first}
    for row in rules.rates:
        for turn in (row.start, row.end and row.end + timedelta(days=1)):
            if turn is not None and first < turn < following:
                turns.add(turn)
    days = sorted(turns)
    ends = [*days[1:], following]
    return [
        (start, (end - start).days / (following - first).days)
        for start, end in zip(days, ends, strict=True)
    ]


def _at(
    rules: Law, lines: Ints, origins: Strings, days: list[tuple[date, float]]
) -> dict[str, Floats]:
    """Rates by authority, averaged over days with shares."""
    sums: dict[str, Floats] = {}
    for day, share in days:
        for authority, rate in statutory(rules, lines, origins, day).by_authority().items():
            sums[authority] = sums.get(authority, np.zeros(lines.size)) + share * rate
    return sums


def _pairs(rules: Law, world: World) -> pl.DataFrame:
    """row (flow), origin, line, weight (sums to 1 by row), weights (whose imports)."""
    keys = _keys(world)
    flows = pl.DataFrame({**keys, "row": np.arange(world.value.size)}).filter(
        (pl.col("importer") == IMPORTER) & (pl.col("exporter") != IMPORTER)
    )
    places = flows.select("exporter").unique().sort("exporter")
    places = places.with_columns(
        origin=pl.Series([_origin(world, code) for code in places["exporter"]], dtype=pl.String)
    )
    lines = pl.DataFrame({"hs6": [c[:6] for c in rules.hs10], "line": np.arange(rules.hs10.size)})
    assert world.vintage is not None
    same = codes.concordance(world.vintage, VINTAGE)
    of_product = same.select(product="source", hs6="target").join(lines, on="hs6")
    wide = (
        flows.join(places, on="exporter")
        .select("row", "product", "origin")
        .join(of_product.select("product", "line"), on="product")
    )
    everyone = rules.weights.group_by("line").agg(everyone=pl.col("value").sum())
    wide = wide.join(
        rules.weights, left_on=["line", "origin"], right_on=["line", "partner"], how="left"
    ).join(everyone, on="line", how="left")
    own, all_ = pl.col("value").fill_null(0.0), pl.col("everyone").fill_null(0.0)
    own_sum, all_sum = own.sum().over("row"), all_.sum().over("row")
    return (
        wide.with_columns(
            weight=pl.when(own_sum > 0)
            .then(own / own_sum)
            .when(all_sum > 0)
            .then(all_ / all_sum)
            .otherwise(1.0 / pl.len().over("row")),
            weights=pl.when(own_sum > 0)
            .then(pl.lit(OWN))
            .when(all_sum > 0)
            .then(pl.lit(ALL))
            .otherwise(pl.lit(SIMPLE)),
        )
        .filter(pl.col("weight") > 0)
        .select("row", "origin", "line", "weight", "weights")
        .sort("row", "line")
    )


def _keys(world: World) -> dict[str, pl.Series]:
    """The key columns of every flow; a segment of an importer has the importer's law."""
    importer = world.country_column(world.parent[world.flow_importer])
    return {**world.flow_keys(), "importer": importer}


def _origin(world: World, exporter: str) -> str:
    """The origin whose law and weights a partner of the world takes.

    An aggregate whose members share one partner (EU27 under another name) takes that partner;
    any other takes the law of its own name, which only the rows for all origins reach.
    """
    members = world.aggregates.get(exporter)
    if members:
        shared = {partner_of(member) for member in members}
        if len(shared) == 1:
            return shared.pop()
    return partner_of(exporter)


def _cap(by_flow: dict[str, Floats], world: World) -> int:
    """Scale falls down, in place, where they would make the tariff negative."""
    fall = np.sum([np.minimum(rate, 0.0) for rate in by_flow.values()], axis=0)
    rise = np.sum([np.maximum(rate, 0.0) for rate in by_flow.values()], axis=0)
    room = world.tariff_base + rise
    over = (-fall > room + _TINY) & world.tariff_known
    keep = np.where(over, room / np.where(over, -fall, 1.0), 1.0)
    for rate in by_flow.values():
        rate *= np.where(rate < 0, keep, 1.0)
    return int(over.sum())


def _coverage(world: World, pairs: pl.DataFrame, change: Floats) -> pl.DataFrame:
    keys = _keys(world)
    flows = pl.DataFrame(
        {
            "row": np.arange(world.value.size),
            "exporter": keys["exporter"],
            "importer": keys["importer"],
            "value": world.value,
            "change": change,
        }
    ).filter((pl.col("importer") == IMPORTER) & (pl.col("exporter") != IMPORTER))
    how = pairs.select("row", "weights").unique("row")
    return (
        flows.join(how, on="row", how="left")
        .with_columns(pl.col("weights").fill_null(NONE))
        .group_by("weights")
        .agg(
            flows=pl.len().cast(pl.Int64),
            change=(pl.col("change") * pl.col("value")).sum() / pl.col("value").sum(),
            value=pl.col("value").sum(),
        )
        .with_columns(share=pl.col("value") / pl.col("value").sum())
        .select("weights", "flows", "value", "share", "change")
        .sort("value", descending=True)
    )
