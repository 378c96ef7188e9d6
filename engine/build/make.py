"""One build: read, put together, check, save."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from tradewedge import codes, worldfile
from tradewedge.build import duties, dutycheck, goods, home, places, tons, uslaw, years
from tradewedge.build.plan import Countries, Plan
from tradewedge.build.stage import Stage
from tradewedge.errors import ConfigError
from tradewedge.sources.reading import read_table
from tradewedge.sources.registry import source
from tradewedge.sources.tally import check_ties
from tradewedge.sources.tariffs import ANY, Tariffs
from tradewedge.sources.trade import FLOWS, Trade, money
from tradewedge.world import World

HOME_SHARE: Final = {"product": pl.String, "home_share": pl.Float64, "source": pl.String}
RECONCILIATION: Final = "reconciliation.csv"
ELASTICITY_SOURCES: Final = "elasticity_sources.csv"
RECORD: Final = "build.json"

Notify = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, eq=False)
class Built:
    """A world, where it lies, the record of how it was made, and the tables beside it."""

    world: World
    directory: Path
    audit: pl.DataFrame
    beside: Mapping[str, pl.DataFrame]


def build(plan: Plan, notify: Notify | None = None) -> Built:
    """Build the world that a plan describes and save it, whole or not at all.

    Raises
    ------
    ConfigError
        If the plan asks for what is not allowed or not there.
    DataError
        If a file is not what it claims to be.
    """
    worldfile.check_place(plan.out, overwrite=plan.overwrite)
    with _step("reading", notify):
        trade = source(plan.source).read(plan.path, plan.years, plan.options)
    with _step("calibrating", notify):
        world, beside = assemble(plan, trade)
        check_ties(world.audit)

    def write(folder: Path) -> None:
        world.audit.write_csv(folder / RECONCILIATION)
        world.elasticity_sources().write_csv(folder / ELASTICITY_SOURCES)
        record = plan.record() | {"title": trade.title, "input": _input(plan.path)}
        (folder / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        for stem, table in beside.items():
            table.write_parquet(folder / f"{stem}.parquet")

    with _step("saving", notify):
        made = worldfile.save(world, plan.out, overwrite=plan.overwrite, beside=write)
    return Built(world, made, world.audit, beside)


def assemble(plan: Plan, trade: Trade) -> tuple[World, dict[str, pl.DataFrame]]:
    """The world that a plan makes of a source's tables, and tables to lie beside it."""
    audits, beside = [trade.audit], {}
    aggregates, notes, vintage = dict(trade.aggregates), list(trade.notes), trade.vintage
    target = plan.vintage or vintage
    if target != vintage and vintage is None:
        raise ConfigError(f"vintage: {trade.title} has no HS codes to carry to another edition")
    tariffs = duties.read(
        plan.tariffs, plan.tariff_importers, target, plan.years, plan.tariff_options
    )
    if plan.us_law is not None:
        tariffs = [duties.without(entry, uslaw.IMPORTER) for entry in tariffs]
        notes.append(uslaw.note(plan.us_law))
    for entry in tariffs:
        notes += entry.notes
    charged = dutycheck.charged(plan, trade)
    trade = _uncharged(plan, trade, tariffs)
    known = _known(plan, trade, tariffs)

    def take(stage: Stage) -> pl.DataFrame:
        audits.append(stage.audit)
        beside.update(stage.beside)
        return stage.flows

    place: Callable[[str], str] = str
    flows = take(tons.weigh(trade.flows, plan.tons))
    late = [entry for entry in tariffs if entry.vintage == target]
    for entry in tariffs:
        if entry not in late:
            flows = take(duties.charge(flows, duties.restated(entry, vintage)))
    law_is_late = target == uslaw.VINTAGE
    if plan.us_law is not None and not law_is_late:
        flows = take(uslaw.charge(flows, plan.us_law, vintage, trade.aggregates))
    if vintage is not None and target is not None and target != vintage:
        flows = take(goods.to_edition(flows, vintage, target, plan.weights))
    if plan.products is not None:
        flows = take(goods.select(flows, target, plan.products))
    for entry in late:
        flows = take(duties.charge(flows, entry))
    if plan.us_law is not None and law_is_late:
        flows = take(uslaw.charge(flows, plan.us_law, target, trade.aggregates))
    if plan.countries != Countries():
        made = places.regroup(flows, plan.countries)
        place = made.of
        known = None if known is None else _known_together(known, made.place, flows)
        flows = take(made.stage)
        aggregates.update(made.aggregates)
        inside = "is its domestic sales" if plan.countries.inside == "home" else "is left out"
        notes.append(f"{', '.join(made.aggregates)}: trade among the members {inside}.")
    flows = take(years.mean(flows))
    if len(trade.years) > 1:
        notes.append(f"Trade is the mean of {', '.join(map(str, trade.years))}.")
    held = _held(known, flows)
    if charged is not None:
        beside[dutycheck.TABLE] = dutycheck.table(plan, charged, flows, target, held)
    rates, unsure = _of_known(duties.rates_of(flows), held)
    notes += [f"Tariffs of {name} are known of some members only, and left out." for name in unsure]
    sales = None
    if plan.home_sales is not None:
        flows, sold = home.beside(flows, home.sales(plan, flows, target, place))
        sales = take(sold)
    world = World.from_flows(
        flows.select(*FLOWS[1:]),
        plan.elasticities,
        rates,
        sales,
        name=plan.name or plan.out.name,
        year=trade.years[-1],
        vintage=target,
        tariff_importers=held,
        aggregates=aggregates,
        observed_importers=trade.observed_importers,
        home_share=None
        if plan.home_share is None
        else read_table(plan.home_share, HOME_SHARE, ("source",)),
        notes=notes,
        tariff_law=None if plan.us_law is None else str(plan.us_law.on),
        audit=pl.concat(audits),
    )
    return world, beside


@contextmanager
def _step(what: str, notify: Notify | None) -> Iterator[None]:
    """Tell when a step begins and ends."""
    if notify is not None:
        notify(what, 0, 1)
    yield
    if notify is not None:
        notify(what, 1, 1)


def _uncharged(plan: Plan, trade: Trade, tariffs: Sequence[Tariffs]) -> Trade:
    """The trade without its own duties, where other tariffs of the same importer are named."""
    own = set(trade.tariff_importers or ()) if money(trade.flows)[1:] else set()
    twice = sorted(own & {name for entry in tariffs for name in entry.importers})
    if twice:
        raise ConfigError(
            f"tariffs: {trade.title} holds the duties charged by {twice[0]}, and so does a table "
            "of tariffs: leave the table out, or add source.duties=false"
        )
    if plan.us_law is None or not own:
        return trade
    return replace(trade, flows=trade.flows.select(FLOWS), tariff_importers=None)


def _known(plan: Plan, trade: Trade, tariffs: Sequence[Tariffs]) -> frozenset[str] | None:
    """Importers whose tariffs are known in full; None: all."""
    named = {name for entry in tariffs for name in entry.importers} | {
        *(trade.tariff_importers or ()),
        *([] if plan.us_law is None else [uslaw.IMPORTER]),
    }
    members = (codes.group_members(name) for name in named if codes.is_group(name))
    return None if ANY in named else frozenset(named).union(*members)


def _known_together(
    known: frozenset[str], place: Mapping[str, str], flows: pl.DataFrame
) -> frozenset[str]:
    """Of partners put together, those all of whose importing members are known."""
    buyers = set(flows["importer"].unique().cast(pl.String))
    partly = {place[name] for name in buyers - known}
    return frozenset(place[name] for name in buyers & known) - partly


def _held(known: frozenset[str] | None, flows: pl.DataFrame) -> list[str] | str:
    if known is None:
        return "*"
    return sorted(known & set(flows["importer"].unique().cast(pl.String)))


def _of_known(
    rates: pl.DataFrame | None, held: list[str] | str
) -> tuple[pl.DataFrame | None, list[str]]:
    """Rates of the importers whose tariffs are known in full, and the other importers."""
    if rates is None or held == "*":
        return rates, []
    known = pl.col("importer").cast(pl.String).is_in(list(held))
    unsure = rates.filter(~known)["importer"].unique().cast(pl.String).sort()
    return rates.filter(known), unsure.to_list()


def _input(path: Path) -> dict[str, Any]:
    """The file that was read, so that it can be told from another."""
    if not path.is_file():
        return {"path": str(path)}
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    return {"path": str(path), "bytes": path.stat().st_size, "sha256": digest}
