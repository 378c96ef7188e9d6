"""One build: read, put together, check, save."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from tradewedge import worldfile
from tradewedge.build import goods, places, tons, years
from tradewedge.build.plan import Countries, Plan
from tradewedge.build.stage import Stage
from tradewedge.errors import ConfigError
from tradewedge.sources.registry import source
from tradewedge.sources.tables import read_table
from tradewedge.sources.tally import check_ties
from tradewedge.sources.trade import Trade
from tradewedge.world import World

TARIFFS: Final = {
    "product": pl.String,
    "exporter": pl.String,
    "importer": pl.String,
    "rate": pl.Float64,
    "authority": pl.String,
}
HOME_SALES: Final = {
    "product": pl.String,
    "country": pl.String,
    "value": pl.Float64,
    "quantity": pl.Float64,
    "source": pl.String,
}
HOME_SHARE: Final = {"product": pl.String, "home_share": pl.Float64, "source": pl.String}
ELASTICITIES: Final = {
    "product": pl.String,
    "exporter": pl.String,
    "sigma": pl.Float64,
    "eta": pl.Float64,
    "epsilon": pl.Float64,
    "standard_error": pl.Float64,
    "source": pl.String,
}
RECONCILIATION: Final = "reconciliation.csv"
RECORD: Final = "build.json"

Notify = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, eq=False)
class Built:
    """A world, where it lies, and the record of how it was made."""

    world: World
    directory: Path
    audit: pl.DataFrame


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
        record = plan.record() | {"title": trade.title, "input": _input(plan.path)}
        (folder / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        for stem, table in beside.items():
            table.write_parquet(folder / f"{stem}.parquet")

    with _step("saving", notify):
        made = worldfile.save(world, plan.out, overwrite=plan.overwrite, beside=write)
    return Built(world, made, world.audit)


def assemble(plan: Plan, trade: Trade) -> tuple[World, dict[str, pl.DataFrame]]:
    """The world that a plan makes of a source's tables, and tables to lie beside it."""
    _check_own_tariffs(plan, trade)
    flows, audits = trade.flows, [trade.audit]
    beside: dict[str, pl.DataFrame] = {}
    aggregates = dict(trade.aggregates)
    notes = list(trade.notes)
    vintage = trade.vintage

    def take(stage: Stage) -> pl.DataFrame:
        audits.append(stage.audit)
        beside.update(stage.beside)
        return stage.flows

    flows = take(tons.weigh(flows, plan.tons))
    if plan.vintage is not None and plan.vintage != vintage:
        if vintage is None:
            raise ConfigError(f"vintage: {trade.title} has no HS codes to carry to another edition")
        flows = take(goods.to_edition(flows, vintage, plan.vintage, plan.weights))
        vintage = plan.vintage
    if plan.products is not None:
        flows = take(goods.select(flows, vintage, plan.products))
    if plan.countries != Countries():
        made = places.regroup(flows, plan.countries)
        flows = take(made.stage)
        aggregates.update(made.aggregates)
        inside = "is its domestic sales" if plan.countries.inside == "home" else "is left out"
        notes.append(f"{', '.join(made.aggregates)}: trade among the members {inside}.")
    flows = take(years.mean(flows))
    if len(trade.years) > 1:
        notes.append(f"Trade is the mean of {', '.join(map(str, trade.years))}.")
    world = World.from_flows(
        flows.drop("year"),
        _elasticities(plan.elasticities),
        _tariffs(plan, trade),
        _table(plan.home_sales, HOME_SALES, ("quantity", "source")),
        name=plan.name or plan.out.name,
        year=trade.years[-1],
        vintage=vintage,
        tariff_importers=_known(plan, trade),
        aggregates=aggregates,
        observed_importers=trade.observed_importers,
        home_share=_table(plan.home_share, HOME_SHARE, ("source",)),
        notes=notes,
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


def _elasticities(named: str) -> pl.DataFrame | str:
    if not Path(named).is_file():
        return named
    return read_table(named, ELASTICITIES, ("exporter", "standard_error", "source"))


def _table(
    path: str | None, schema: dict[str, type[pl.DataType]], optional: tuple[str, ...]
) -> pl.DataFrame | None:
    return None if path is None else read_table(path, schema, optional)


def _tariffs(plan: Plan, trade: Trade) -> pl.DataFrame | None:
    """Tariffs of the source itself, and of the user's tables."""
    tables = [read_table(path, TARIFFS, ("authority",)) for path in plan.tariffs]
    named = [
        table if "authority" in table.columns else table.with_columns(authority=pl.lit("tariff"))
        for table in tables
    ]
    own = [] if trade.tariffs is None else [trade.tariffs.select(TARIFFS)]
    return pl.concat([*own, *named]) if own or named else None


def _check_own_tariffs(plan: Plan, trade: Trade) -> None:
    """A source's own duties hold for its codes, countries and year."""
    moved = {
        "vintage": plan.vintage not in (None, trade.vintage),
        "countries": plan.countries != Countries(),
        "years": len(trade.years) > 1,
    }
    changes = [name for name, changed in moved.items() if changed]
    if trade.tariffs is not None and changes:
        raise ConfigError(
            f"{changes[0]}: {trade.title} comes with duties, which hold for its own codes, "
            "countries and years: leave it out"
        )


def _known(plan: Plan, trade: Trade) -> tuple[str, ...] | str | None:
    if plan.tariff_importers is None:
        return trade.tariff_importers
    return "*" if "*" in plan.tariff_importers else plan.tariff_importers


def _input(path: Path) -> dict[str, Any]:
    """The file that was read, so that it can be told from another."""
    if not path.is_file():
        return {"path": str(path)}
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    return {"path": str(path), "bytes": path.stat().st_size, "sha256": digest}
