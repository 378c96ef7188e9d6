"""Which products a world holds, and in which HS edition."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.build.stage import Stage, audit
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources.fields import product_type
from tradewedge.sources.reading import read_table
from tradewedge.sources.trade import added_up, money

_WEIGHTS: Final = {"source": pl.String, "target": pl.String, "weight": pl.Float64}
_TOLERANCE: Final = 1e-6


def select(flows: pl.DataFrame, vintage: str | None, asked: Sequence[str]) -> Stage:
    """Keep the products under HS prefixes and on named lists.

    Raises
    ------
    ConfigError
        For what is neither, or a list that the edition cannot express.
    """
    wanted = _wanted(vintage, asked)
    held = flows["product"].unique().cast(pl.String)
    inside = [code for code in held if code.startswith(wanted)]
    if not inside:
        raise ConfigError(f"products: nothing in the data is under {', '.join(asked)}")
    chosen = pl.col("product").cast(pl.String).is_in(inside)
    kept, other = flows.filter(chosen), flows.filter(~chosen)
    return Stage(kept, audit("products", flows, kept, dropped=[("product not asked for", other)]))


def _wanted(vintage: str | None, asked: Sequence[str]) -> tuple[str, ...]:
    prefixes: list[str] = []
    for name in asked:
        if name.replace(".", "").isdigit() or vintage is None:
            prefixes.append(codes.check_product(name, "products") if vintage else name)
            continue
        listed = codes.named_list(name)
        moved = codes.translate(listed.products, listed.vintage, vintage)
        prefixes += moved.products
    return tuple(prefixes)


def to_edition(flows: pl.DataFrame, source: str, target: str, weights: Path | None) -> Stage:
    """Carry flows from one HS edition to another.

    A code that the other edition divides is divided by weight; codes that it merges are added up.

    Parameters
    ----------
    flows : DataFrame
    source, target : str
        HS editions.
    weights : Path or None
        A table with the columns source, target, weight, or product, value (trade by code of the
        target edition, such as a later year's); None: equal parts.

    Raises
    ------
    DataError
        If the weights of a code do not add up to 1, or lead to a code that does not correspond.
    """
    shares = _shares(source, target, weights)
    text = flows.with_columns(source=pl.col("product").cast(pl.String))
    known = pl.col("source").is_in(shares["source"].unique().implode())
    kept, lost = text.filter(known), text.filter(~known)
    divided = shares.filter(pl.col("weight") < 1)["source"].unique()
    kind = product_type(target)
    moved = kept.join(shares, on="source").with_columns(
        pl.col("quantity", *money(flows)) * pl.col("weight"),
        product=pl.col("target").cast(kind),
    )
    made = added_up(moved)
    lines = audit(
        f"{source} to {target}",
        flows,
        kept,
        dropped=[(f"no counterpart in {target}", lost)],
        notes=[
            ("codes divided over several", kept.filter(pl.col("source").is_in(divided.implode())))
        ],
        made=made,
    )
    return Stage(made, lines)


def _shares(source: str, target: str, weights: Path | None) -> pl.DataFrame:
    """source, target, weight: weights of each source code add up to 1."""
    pairs = codes.concordance(source, target).select("source", "target")
    both = codes.known_products(source) & codes.known_products(target)
    same = sorted(both - set(pairs["source"]))
    pairs = pl.concat([pairs, pl.DataFrame({"source": same, "target": same}, schema=pairs.schema)])
    count = pl.len().over("source")
    if weights is None:
        return pairs.with_columns(weight=1.0 / count).sort("source", "target")
    table = read_table(weights, _WEIGHTS, optional=("source", "target", "weight"))
    if {"source", "target", "weight"} <= set(table.columns):
        return _stated(pairs, table, str(weights))
    trade = read_table(weights, {"product": pl.String, "value": pl.Float64})
    value = trade.group_by(target="product").agg(pl.col("value").sum())
    weighed = pairs.join(value, on="target", how="left").with_columns(pl.col("value").fill_null(0))
    total = pl.col("value").sum().over("source")
    share = pl.when(total > 0).then(pl.col("value") / total).otherwise(1.0 / count)
    return (
        weighed.with_columns(weight=share)
        .filter(pl.col("weight") > 0)
        .select("source", "target", "weight")
        .sort("source", "target")
    )


def _stated(pairs: pl.DataFrame, table: pl.DataFrame, where: str) -> pl.DataFrame:
    """Weights that the user states, for the codes they name; equal parts for the others."""
    stray = table.join(pairs, on=["source", "target"], how="anti")
    if not stray.is_empty():
        first = stray.row(0, named=True)
        raise DataError(
            f"{where}: {first['source']} does not correspond to {first['target']}; "
            f"tw.codes.concordance lists what does ({stray.height} such row(s))"
        )
    sums = table.group_by("source").agg(pl.col("weight").sum()).sort("source")
    wrong = sums.filter((pl.col("weight") - 1).abs() > _TOLERANCE)
    if not wrong.is_empty():
        code, weight = wrong.row(0)
        raise DataError(f"{where}: the weights of {code} add up to {weight:g}, not to 1")
    others = pairs.join(sums, on="source", how="anti")
    equal = others.with_columns(weight=1.0 / pl.len().over("source"))
    named = table.select("source", "target", "weight").filter(pl.col("weight") > 0)
    return pl.concat([named, equal]).sort("source", "target")
