"""One estimation from files: read, estimate, write."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import polars as pl

from tradewedge.build import duties
from tradewedge.errors import ConfigError
from tradewedge.estimation.estimates import Estimates
from tradewedge.estimation.estimator import Notify, estimate
from tradewedge.estimation.formula import COVARIATES, TARIFF, Formula, parse
from tradewedge.estimation.inputs import KEYS
from tradewedge.estimation.plan import Plan
from tradewedge.estimation.ppml import pyfixest
from tradewedge.sources.reading import read_table
from tradewedge.sources.registry import FACTS, source
from tradewedge.sources.tally import audit_frame

RECORD: Final = "estimate.json"
ELASTICITIES: Final = "elasticities.csv"


@dataclass(frozen=True, eq=False)
class Made:
    """Estimates, where they lie, the table of elasticities if there is one, and the audit."""

    estimates: Estimates
    directory: Path
    elasticities: pl.DataFrame | None
    audit: pl.DataFrame


def make(plan: Plan, notify: Notify | None = None) -> Made:
    """Do what a plan says; its directory is written whole or not at all.

    Raises
    ------
    ConfigError, DataError, BackendUnavailable
        As :func:`tradewedge.estimate` and the readers of tables do.
    """
    pyfixest()
    _check_place(plan.out, overwrite=plan.overwrite)
    formula = None if plan.formula is None else parse(plan.formula)
    flows, vintage, read = _flows(plan, formula)
    found = estimate(
        flows,
        plan.formula,
        tariffs=_tariffs(plan, vintage),
        covariates=[_covariates(named, plan, formula) for named in plan.covariates],
        by=plan.by,
        cluster=plan.cluster,
        values=plan.values,
        zeros=plan.zeros,
        home=plan.home,
        tariff_importers=plan.tariff_importers,
        significance=plan.significance,
        progress=notify,
    )
    table = None if found.sigmas is None else found.elasticities(plan.base, vintage)
    audit = pl.concat([read, found.audit])
    return Made(found, _write(plan, found, table, audit), table, audit)


def _schema(plan: Plan, formula: Formula | None) -> dict[str, type[pl.DataType]]:
    """Columns that flows may have: codes as text, the others numbers."""
    cluster = [name for text in plan.cluster or () for name in text.split("^")]
    asked = () if formula is None else formula.keys
    numbers = ("value", TARIFF, *COVARIATES) if formula is None else formula.numbers
    keys = dict.fromkeys([*KEYS, *asked, *cluster], pl.String)
    return keys | {name: pl.Float64 for name in numbers if name not in keys}


def _flows(plan: Plan, formula: Formula | None) -> tuple[pl.DataFrame, str | None, pl.DataFrame]:
    """The flows, the HS edition of their products, and the audit of the source."""
    if plan.source is not None:
        trade = source(plan.source).read(plan.path, plan.years, plan.options)
        return trade.flows, plan.vintage or trade.vintage, trade.audit
    schema = _schema(plan, formula)
    response = "value" if formula is None else formula.response
    flows = read_table(plan.path, schema, tuple(name for name in schema if name != response))
    none = audit_frame([])
    if plan.years is None:
        return flows, plan.vintage, none
    if "year" not in flows.columns:
        raise ConfigError(f"years: {plan.path} has no column year")
    wanted = [str(year) for year in plan.years]
    missing = sorted(set(wanted) - set(flows["year"]))
    if missing:
        raise ConfigError(f"years: {plan.path} has no year {', '.join(missing)}")
    return flows.filter(pl.col("year").is_in(wanted)), plan.vintage, none


def _tariffs(plan: Plan, vintage: str | None) -> pl.DataFrame | None:
    """All rates in one table; with a year where they are told by year."""
    if None in plan.tariffs and len(plan.tariffs[None]) == 1 and ":" not in plan.tariffs[None][0]:
        texts = ("year", "product", "exporter", "importer", "authority")
        schema = dict.fromkeys(texts, pl.String) | {"rate": pl.Float64}
        return read_table(plan.tariffs[None][0], schema, ("year", "authority"))
    parts = []
    for year, named in plan.tariffs.items():
        held = None if year is None else [year]
        for entry in duties.read(named, plan.tariff_importers, vintage, held, {}):
            rates = duties.restated(entry, vintage).rates
            column = [] if year is None else [pl.lit(str(year)).alias("year")]
            parts.append(rates.select(*column, *rates.columns))
    return pl.concat(parts) if parts else None


def _covariates(named: str, plan: Plan, formula: Formula | None) -> pl.DataFrame:
    name, _, place = named.partition(":")
    if place and name in {entry.name for entry in FACTS}:
        frame: pl.DataFrame = source(name, FACTS).read(Path(place), plan.years, {}).frame
        return frame
    schema = _schema(plan, formula)
    return read_table(named, schema, tuple(schema))


def _check_place(out: Path, *, overwrite: bool) -> None:
    if not out.exists():
        return
    if not overwrite:
        raise ConfigError(f"{out} exists; choose another place or add overwrite=true")
    if not (out / RECORD).is_file():
        raise ConfigError(f"{out} holds something other than estimates: choose another place")


def _write(
    plan: Plan, found: Estimates, elasticities: pl.DataFrame | None, audit: pl.DataFrame
) -> Path:
    tables = {
        "coefficients.csv": found.coefficients,
        "fits.csv": found.fits,
        "sigmas.csv": found.sigmas,
        ELASTICITIES: elasticities,
        "reconciliation.csv": audit,
    }
    plan.out.parent.mkdir(parents=True, exist_ok=True)
    part = plan.out.with_name(f".{plan.out.name}.{uuid4().hex}.part")
    part.mkdir()
    try:
        for name, table in tables.items():
            if table is not None:
                table.write_csv(part / name)
        text = json.dumps(plan.record() | _told(found), indent=1, default=list)
        (part / RECORD).write_text(text, encoding="utf-8")
        if plan.out.exists():
            shutil.rmtree(plan.out)
        os.replace(part, plan.out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return plan.out


def _told(found: Estimates) -> dict[str, Any]:
    """What was chosen where the plan left it open."""
    cluster: Sequence[str] = ["^".join(dimension) for dimension in found.cluster]
    return {"formula": found.formula.text, "cluster": cluster, "years": found.years}
