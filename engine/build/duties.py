"""Tariffs on flows: as money that goes along when flows are put together, and back to rates.

A rate holds for the codes, partners and year it was written for. Charged on each flow before
anything is put together, it becomes thousand USD, which can be divided and added up with the
flow's value; over the value it is a rate again, the mean that the flows' own values weigh.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from tradewedge import codes
from tradewedge.build.stage import Stage
from tradewedge.errors import ConfigError
from tradewedge.sources.reading import read_table
from tradewedge.sources.registry import TARIFFS, source
from tradewedge.sources.tally import audit_frame, exact
from tradewedge.sources.tariffs import ANY, RATES, Tariffs, reject_twice
from tradewedge.sources.trade import DUTY, money

_TABLE: Final = {
    "product": pl.String,
    "exporter": pl.String,
    "importer": pl.String,
    "rate": pl.Float64,
    "authority": pl.String,
}
_PAIR: Final = ["product", "exporter", "importer"]


def read(
    named: Sequence[str],
    importers: Sequence[str] | None,
    vintage: str | None,
    years: Sequence[int] | None,
    options: Mapping[str, Mapping[str, Any]],
) -> list[Tariffs]:
    """Read tables of tariffs, ``PATH`` or ``SOURCE:PATH``.

    Parameters
    ----------
    named : sequence of str
    importers : sequence of str or None
        Those whose tariffs the user's own tables hold in full; None: those that they mention.
    vintage : str or None
        HS edition of the user's own tables.
    years : sequence of int or None
        For sources with several years.
    options : mapping of str to mapping
        What sources may be told, by their names.

    Raises
    ------
    ConfigError
        For options of a source that no table is of, besides what the sources raise.
    """
    known = {entry.name for entry in TARIFFS}
    used = {text.partition(":")[0] for text in named}
    idle = sorted(set(options) - used)
    if idle:
        raise ConfigError(
            f"tariff_options: {idle[0]} is told something, but tariffs names no {idle[0]}:PATH"
        )
    found = []
    for text in named:
        name, _, place = text.partition(":")
        if place and (name in known or not Path(text).exists()):
            found.append(source(name, TARIFFS).read(Path(place), years, options.get(name, {})))
        else:
            found.append(_own(text, importers, vintage))
    _reject_overlap(found)
    return found


def _reject_overlap(tables: Sequence[Tariffs]) -> None:
    """No importer has the rates of one authority from two tables: they would add up."""
    seen: dict[tuple[str, str], str] = {}
    for table in tables:
        for pair in table.rates.select("importer", "authority").unique().sort(pl.all()).iter_rows():
            if pair in seen:
                raise ConfigError(
                    f"tariffs: {seen[pair]} and {table.title} both hold rates of {pair[0]} under "
                    f"the authority {pair[1]!r}, which would add up: leave one out"
                )
            seen[pair] = table.title


def _own(path: str, importers: Sequence[str] | None, vintage: str | None) -> Tariffs:
    """A table of the user's: one row per pair, or with the exporter "*" for all others."""
    table = read_table(path, _TABLE, ("authority",))
    authority = [] if "authority" in table.columns else [pl.lit("tariff").alias("authority")]
    rates = table.with_columns(*authority, usd_per_kg=pl.lit(0.0)).select(*RATES)
    reject_twice(rates, path)
    mentioned = tuple(rates["importer"].unique().sort())
    return Tariffs(rates, audit_frame([]), vintage, tuple(importers or mentioned), path)


def restated(tariffs: Tariffs, vintage: str | None) -> Tariffs:
    """The same rates in another HS edition: simple means over the codes that correspond."""
    if tariffs.vintage in (None, vintage) or vintage is None:
        return tariffs
    pairs = codes.concordance(tariffs.vintage, vintage).select("source", "target")
    rates = (
        tariffs.rates.join(pairs, left_on="product", right_on="source")
        .group_by("target", "exporter", "importer", "authority")
        .agg(pl.col("rate").mean(), pl.col("usd_per_kg").mean())
        .rename({"target": "product"})
        .sort("product", "exporter", "importer", "authority")
        .select(*RATES)
    )
    note = f"Rates of {tariffs.vintage} are carried to {vintage} as simple means over codes."
    return Tariffs(
        rates, tariffs.audit, vintage, tariffs.importers, tariffs.title, (*tariffs.notes, note)
    )


def charge(flows: pl.DataFrame, tariffs: Tariffs) -> Stage:
    """Add what each authority charges on each flow, as columns of money.

    A partner's own row counts before the one for all ("*"); no such row reaches trade inside a
    customs union. A specific rate is charged on tons; on a flow without any, on those that its
    value makes at the price of the product into that importer, or of the product at all.

    Raises
    ------
    ConfigError
        If a rate is not above -1.
    """
    low = tariffs.rates.filter(~(pl.col("rate") > -1))
    if not low.is_empty():
        product, exporter, importer, rate = low.select(*_PAIR, "rate").row(0)
        raise ConfigError(
            f"{tariffs.title}: the rate of product {product}, exporter {exporter}, importer "
            f"{importer} is {rate}: a fraction above -1 is needed"
        )
    rates = _spread(tariffs.rates, flows)
    importers = _spread_names(tariffs.importers, flows["importer"])
    into = pl.col("importer").cast(pl.String).is_in(sorted(importers))
    indexed = flows.with_row_index("row")
    pairs = indexed.filter(into & (pl.col("exporter") != pl.col("importer")))
    tons = _tons(pairs, indexed) if (rates["usd_per_kg"] != 0).any() else pl.lit(0.0)
    rated = pairs.select("row", *_PAIR, "value", tons=tons)
    made, found = indexed, []
    for authority in rates["authority"].unique().sort():
        joined = _rated(rated, rates.filter(pl.col("authority") == authority))
        found.append(joined.select("row"))
        due = pl.col("value") * pl.col("rate") + pl.col("tons").fill_null(0.0) * pl.col(
            "usd_per_kg"
        )
        made = add_money(made, authority, joined.select("row", due=due))
    made = made.drop("row")
    without = pairs.join(pl.concat(found).unique(), on="row", how="anti") if found else pairs
    step = tariffs.title
    lines = [(step, "flows into its importers", *exact(pairs))]
    if not without.is_empty():
        lines.append((step, "of these without a rate, taken as free", *exact(without)))
    return Stage(made, pl.concat([tariffs.audit, audit_frame(lines)]))


def add_money(flows: pl.DataFrame, authority: str, due: pl.DataFrame) -> pl.DataFrame:
    """Add what an authority charges to what it charges already.

    Parameters
    ----------
    flows : DataFrame
        With their number as "row".
    authority : str
    due : DataFrame
        row, due (thousand USD); the other flows pay nothing.
    """
    name = f"{DUTY}{authority}"
    before = pl.col(name) if name in flows.columns else pl.lit(0.0)
    return (
        flows.join(due.rename({"due": "_due"}), on="row", how="left", maintain_order="left")
        .with_columns((before + pl.col("_due").fill_null(0.0)).alias(name))
        .drop("_due")
    )


def without(tariffs: Tariffs, importer: str) -> Tariffs:
    """The rates but those of an importer, which it has from elsewhere; counted."""
    other = pl.col("importer") == importer
    out = tariffs.rates.filter(other).height
    if not out and importer not in tariffs.importers:
        return tariffs
    line = (tariffs.title, f"rates of {importer} not used: its duties are those of its law", out)
    return replace(
        tariffs,
        rates=tariffs.rates.filter(~other),
        audit=pl.concat([tariffs.audit, audit_frame([(*line, None)])]),
        importers=tuple(name for name in tariffs.importers if name != importer),
    )


def rates_of(flows: pl.DataFrame) -> pl.DataFrame | None:
    """The duties of flows as rates on their value; None where there are no such columns."""
    tables = [
        flows.filter(pl.col(name) != 0).select(
            *_PAIR, rate=pl.col(name) / pl.col("value"), authority=pl.lit(name.removeprefix(DUTY))
        )
        for name in money(flows)[1:]
    ]
    return pl.concat(tables) if tables else None


def _rated(pairs: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """Pairs that one authority has a rate for, with it."""
    keyed = rates.with_columns(
        pl.col(name).cast(pairs.schema[name], strict=False) for name in ("product", "importer")
    )
    own = keyed.filter(pl.col("exporter") != ANY).with_columns(
        pl.col("exporter").cast(pairs.schema["exporter"], strict=False)
    )
    every = keyed.filter(pl.col("exporter") == ANY)
    numbers = ["rate", "usd_per_kg"]
    direct = pairs.join(own.select(*_PAIR, *numbers), on=_PAIR)
    rest = pairs.join(own.select(_PAIR), on=_PAIR, how="anti")
    general = rest.join(every.select("product", "importer", *numbers), on=["product", "importer"])
    return pl.concat([direct, general.filter(~_inside_a_union())]).sort("row")


def _inside_a_union() -> pl.Expr:
    """Whether exporter and importer belong to the same customs union."""
    inside = pl.lit(value=False)
    for members in codes.customs_unions().values():
        parts = [name for name, of in codes.groups().items() if of and set(of) <= set(members)]
        held = [*members, *parts]
        ends = [pl.col(end).cast(pl.String).is_in(held) for end in ("exporter", "importer")]
        inside |= ends[0] & ends[1]
    return inside


def _spread(rates: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """A group's rates, such as the European Union's, as those of its members."""
    for end in ("exporter", "importer"):
        held = set(flows[end].unique().cast(pl.String))
        for name in sorted(set(rates[end])):
            if name in held or not codes.is_group(name):
                continue
            members = codes.group_members(name)
            of_union = rates.filter(pl.col(end) == name).drop(end)
            own = rates.filter(pl.col(end) != name)
            each = of_union.join(pl.DataFrame({end: list(members)}), how="cross").select(*RATES)
            # A member's own row counts before its group's.
            key = [*_PAIR, "authority"]
            rates = pl.concat([own, each.join(own.select(key), on=key, how="anti")])
    return rates


def _spread_names(names: Iterable[str], held: pl.Series) -> set[str]:
    present = set(held.unique().cast(pl.String))
    found: set[str] = set()
    for name in names:
        group = name not in present and codes.is_group(name)
        found |= set(codes.group_members(name)) if group else {name}
    return present if ANY in names else found & present


def _tons(pairs: pl.DataFrame, flows: pl.DataFrame) -> pl.Series:
    """Tons of each flow, estimated from its value where they are not reported."""
    known = pl.col("quantity").is_not_null()
    price = pl.col("value").filter(known).sum() / pl.col("quantity").sum()
    here = pairs.group_by("product", "importer").agg(here=price)
    all_ = flows.group_by("product").agg(anywhere=price)
    both = pairs.join(here, on=["product", "importer"], how="left", maintain_order="left").join(
        all_, on="product", how="left", maintain_order="left"
    )
    finite = [pl.when(pl.col(c).is_finite()).then(pl.col(c)) for c in ("here", "anywhere")]
    tons = pl.coalesce("quantity", pl.col("value") / pl.coalesce(finite))
    return both.select(tons.alias("tons")).to_series()
