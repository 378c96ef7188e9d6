"""The world's tariffs of an importer held against the duty that customs charged.

Statutory: what the world charges on a flow, over its value. Effective: what customs charged, over
the customs value of the same flow. They differ by preferences that are used or not, goods that
change within the code, exclusions, drawback, years, and mistakes: the table says where.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.build import goods, places, years
from tradewedge.build.plan import Countries, Plan
from tradewedge.errors import ConfigError
from tradewedge.sources import census, embedded
from tradewedge.sources.tally import audit_frame
from tradewedge.sources.trade import DUTY, Trade, money

TABLE: Final = "duty_check"
EMBEDDED: Final = "us_imports"
_PAIR: Final = ["product", "exporter", "importer"]


def charged(plan: Plan, trade: Trade) -> Trade | None:
    """Imports with the duty charged on them: those that the plan names, or the source's own.

    The source's own count where the law takes their place as the world's tariffs.

    Raises
    ------
    ConfigError, DataError
        As :func:`tradewedge.sources.census.read` does.
    """
    if plan.charged is None:
        return trade if plan.us_law is not None and money(trade.flows)[1:] else None
    told = plan.charged
    if told.source == EMBEDDED and not Path(told.source).exists():
        return _embedded(told.year)
    return census.read(told.source, None if told.year is None else [told.year])


def _embedded(year: int | None) -> Trade:
    tables = embedded.tables(EMBEDDED, year)
    year = tables.meta["year"]
    if tables.tariffs is None:
        raise ConfigError(f"{EMBEDDED} has no duties of {year}")
    rate = tables.tariffs.group_by(_PAIR).agg(pl.col("rate").sum())
    flows = tables.flows.join(rate, on=_PAIR, how="left", maintain_order="left").select(
        pl.lit(year, pl.Int16).alias("year"),
        *_PAIR,
        "value",
        "quantity",
        (pl.col("value") * pl.col("rate").fill_null(0.0)).alias(f"{DUTY}charged"),
    )
    return Trade(
        flows=flows,
        audit=audit_frame([]),
        vintage=tables.meta["vintage"],
        title=f"embedded {EMBEDDED} {year}",
        aggregates=tables.meta["aggregates"],
    )


def table(
    plan: Plan, paid: Trade, flows: pl.DataFrame, vintage: str | None, known: Sequence[str]
) -> pl.DataFrame:
    """The world's rates beside those charged, which are put together in the same way.

    Parameters
    ----------
    plan : Plan
    paid : Trade
        Of :func:`charged`.
    flows : DataFrame
        The world's, with what each authority charges.
    vintage : str or None
        The world's HS edition.
    known : sequence of str
        Importers whose tariffs the world knows; "*" for all.

    Returns
    -------
    DataFrame
        As :func:`compare` gives it.

    Raises
    ------
    ConfigError
        If the world does not know the importer's tariffs, or has no HS codes.
    """
    importers = set(paid.flows["importer"].unique().cast(pl.String))
    if known != "*" and not importers <= set(known):
        raise ConfigError(
            f"charged: {paid.title} has duties of {', '.join(sorted(importers))}, whose tariffs "
            "the world does not know: name them in tariffs or us_law"
        )
    if vintage is None or paid.vintage is None:
        raise ConfigError("charged: duties are compared by HS code, and these products are none")
    rows = paid.flows
    if paid.vintage != vintage:
        rows = goods.to_edition(rows, paid.vintage, vintage, plan.weights).flows
    if plan.products is not None:
        rows = goods.select(rows, vintage, plan.products).flows
    if plan.countries != Countries():
        rows = places.regroup(rows, plan.countries).stage.flows
    return compare(flows, years.mean(rows).flows, paid.aggregates)


def compare(
    flows: pl.DataFrame,
    paid: pl.DataFrame,
    aggregates: Mapping[str, Sequence[str]],
) -> pl.DataFrame:
    """Rates beside each other.

    Parameters
    ----------
    flows : DataFrame
        The world's, with what each authority charges; put together as the world has them.
    paid : DataFrame
        The same columns of what customs recorded, in the same codes.
    aggregates : mapping
        Partners of ``paid`` that stand for several countries: members of them that the world
        has one by one are added up.

    Returns
    -------
    DataFrame
        product, exporter, importer, value (thousand USD, as customs recorded it), statutory,
        effective, difference (statutory less effective), duty_statutory and duty_charged (thousand
        USD, both on that value), of the world's products. statutory is null where the world has no
        such flow, effective and value where customs have none. The largest difference in money
        comes first.
    """
    whole = {
        member: name
        for name, members in aggregates.items()
        if name not in set(flows["exporter"].cast(pl.String))
        for member in members
    }
    statutory = _rates(flows, whole).rename({"rate": "statutory"}).drop("value")
    effective = _rates(paid, {}).rename({"rate": "effective"})
    effective = effective.filter(pl.col("product").is_in(statutory["product"].unique().implode()))
    importers = effective["importer"].unique().implode()
    both = statutory.filter(pl.col("importer").is_in(importers)).join(
        effective, on=_PAIR, how="full", coalesce=True
    )
    return (
        both.with_columns(
            difference=pl.col("statutory") - pl.col("effective"),
            duty_statutory=pl.col("statutory") * pl.col("value"),
            duty_charged=pl.col("effective") * pl.col("value"),
        )
        .select(
            *_PAIR,
            "value",
            "statutory",
            "effective",
            "difference",
            "duty_statutory",
            "duty_charged",
        )
        .sort(
            (pl.col("difference") * pl.col("value")).abs(),
            *_PAIR,
            descending=[True, False, False, False],
            nulls_last=True,
        )
    )


def _rates(flows: pl.DataFrame, whole: Mapping[str, str]) -> pl.DataFrame:
    """Total rate of each flow from abroad: product, exporter, importer, value, rate."""
    duty = pl.sum_horizontal(money(flows)[1:])
    return (
        flows.select(
            pl.col("product", "importer").cast(pl.String),
            pl.col("exporter").cast(pl.String).replace(dict(whole)),
            "value",
            duty=duty,
        )
        .filter(pl.col("exporter") != pl.col("importer"))
        .group_by(_PAIR)
        .agg(pl.col("value").sum(), pl.col("duty").sum())
        .select(*_PAIR, "value", rate=pl.col("duty") / pl.col("value"))
        .sort(_PAIR)
    )
