"""Where a world has each of its elasticities from, as a table."""

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from tradewedge.elasticities import IMPORT_DEMAND, UNADJUSTED
from tradewedge.sources.elasticitytable import ERRORS, told

if TYPE_CHECKING:
    from tradewedge.world import World

OWN, PREFIX, DEFAULT, SET = "own code", "prefix", "default", "set for all"
SCHEMA: Final = {
    "product": pl.String,
    "elasticity": pl.String,
    "least": pl.Float64,
    "most": pl.Float64,
    "standard_error": pl.Float64,
    "found_by": pl.String,
    "prefix": pl.String,
    "source": pl.String,
    "note": pl.String,
}


def provenance(world: "World") -> pl.DataFrame:
    """One row per product and elasticity.

    Returns
    -------
    DataFrame
        product; elasticity ("sigma", "eta", "epsilon"); least, most (they differ where exporters
        have their own epsilon); standard_error (the largest over exporters); found_by ("own code",
        "prefix", "default", "set for all", null if unknown); prefix (of the row that gave it);
        source; note (what was made of it). eta is the one that the model uses.
    """
    e = world.elasticities
    ends = np.searchsorted(world.exporter_product, np.arange(len(world.products)))
    least, most = (f.reduceat(e.epsilon, ends) for f in (np.minimum, np.maximum))
    error = np.fmax.reduceat(e.epsilon_standard_error, ends)
    numbers = {
        "sigma": (e.sigma, e.sigma, e.sigma_standard_error),
        "eta": (e.eta, e.eta, e.eta_standard_error),
        "epsilon": (least, most, error),
    }
    rows = []
    for k, product in enumerate(world.products):
        for name in ERRORS:
            prefix = e.prefixes[name][k] if name in e.prefixes else None
            how = _found_by(product, prefix) if name in e.prefixes else None
            low, high, deviation = (float(values[k]) for values in numbers[name])
            note = _note(world, k, name, low, high)
            source = told(e.source[k], name)
            rows.append((product, name, low, high, deviation, how, prefix, source, note))
    made = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return made.with_columns(pl.col("standard_error").fill_nan(None))


def _found_by(product: str, prefix: str | None) -> str:
    if prefix is None:
        return SET
    return OWN if prefix == product else PREFIX if prefix else DEFAULT


def _note(world: "World", k: int, name: str, low: float, high: float) -> str:
    e = world.elasticities
    if name == "sigma" and low <= 1:
        return "exclusions need sigma above 1"
    if name == "eta" and e.eta_kind[k] == IMPORT_DEMAND:
        h, eta = e.home_share[k], e.eta_composite[k]
        return f"import demand: made of eta {eta:g} with the home share {h:.2f}"
    if name == "eta" and e.eta_kind[k] == UNADJUSTED:
        return "demand for all purchases: the home share is unknown"
    if name == "epsilon" and low != high:
        return "differs by exporter"
    if name == "epsilon" and world.observed_importers is not None and low == np.inf:
        return "supply to the one market that is observed: unlimited at its price"
    return ""


def counts(table: pl.DataFrame) -> pl.DataFrame:
    """Products by elasticity and source; what follows a semicolon in a source is left out.

    Returns
    -------
    DataFrame
        elasticity, source, products, one column for each way they were found, least, most.
    """
    ways = (OWN, PREFIX, DEFAULT, SET)
    order = pl.Enum(list(ERRORS))
    return (
        table.with_columns(
            pl.col("elasticity").cast(order), pl.col("source").str.split("; ").list.first()
        )
        .group_by("elasticity", "source")
        .agg(
            pl.len().alias("products"),
            *((pl.col("found_by") == way).sum().alias(way) for way in ways),
            pl.col("least").min(),
            pl.col("most").max(),
        )
        .sort(["elasticity", "products", "source"], descending=[False, True, False])
        .with_columns(pl.col("elasticity").cast(pl.String))
    )
