"""Which row of a table of elasticities gives a product its numbers: that of the longest prefix."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge import tidy
from tradewedge.sources.elasticitytable import ERRORS, UNTOLD, as_sigma

if TYPE_CHECKING:
    from tradewedge.world import World

Floats = NDArray[np.float64]
_T = TypeVar("_T")


def read(table: pl.DataFrame | pl.LazyFrame, world: "World") -> pl.DataFrame:
    """Columns product, exporter, source, sigma, eta, epsilon and their standard errors.

    Null where a row says nothing.
    """
    frame = as_sigma(tidy.collect(table, "elasticities"))
    optional = {
        "exporter": pl.String,
        "source": pl.String,
        **dict.fromkeys(ERRORS.values(), pl.Float64),
    }
    frame = frame.with_columns(
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in optional.items()
        if name not in frame.columns
    )
    keys, numbers = ["product", "exporter"], [*ERRORS, *ERRORS.values()]
    frame = tidy.typed(frame, "elasticities", [*keys, "source"], numbers)
    named = pl.col("exporter").is_not_null()
    checks = {
        "product is missing": pl.col("product").is_null(),
        "exporter is named, but sigma and eta hold for all exporters: leave them empty": named
        & (pl.col("sigma").is_not_null() | pl.col("eta").is_not_null()),
        **{f"{name} is below 0": pl.col(name) < 0 for name in ERRORS.values()},
    }
    tidy.check_rows(frame, "elasticities", keys, checks)
    tidy.reject_duplicates(frame, keys, "elasticities")
    suppliers = frame["exporter"].drop_nulls().unique()
    tidy.check_countries(suppliers, world.aggregates, "elasticities")
    return frame.with_columns(pl.col("source").fill_null(UNTOLD))


Rules = dict[str, dict[str, tuple[str, float, str]]]
"""Elasticity -> prefix -> (prefix, value, source)."""


def rules(table: pl.DataFrame) -> Rules:
    """Parameter -> prefix -> (prefix, value, source), for rows that hold for all exporters."""
    general = table.filter(pl.col("exporter").is_null())
    return {
        name: {
            prefix: (prefix, value, source)
            for prefix, value, source in general.select("product", name, "source").iter_rows()
            if value is not None
        }
        for name in ERRORS
    }


def errors(table: pl.DataFrame, number: str, products: Sequence[str]) -> Floats:
    """Standard error of a number for each product [K], NaN where there is none.

    That of the row that gave the number, so that the same prefix is the longest.
    """
    general = table.filter(pl.col("exporter").is_null() & pl.col(number).is_not_null())
    rules = dict(general.select("product", pl.col(ERRORS[number]).fill_null(np.nan)).iter_rows())
    return np.array([longest(rules, product) for product in products], np.float64)


def longest(rules: Mapping[str, _T], product: str) -> _T | None:
    """The entry of the longest prefix of ``product`` that has one."""
    for length in range(len(product), -1, -1):
        found = rules.get(product[:length])
        if found is not None:
            return found
    return None


def by_exporter(table: pl.DataFrame, world: "World", column: str, general: Floats) -> Floats:
    """Replace epsilon, or its standard error, on exporter rows whose epsilon the table names."""
    named = table.drop_nulls(["exporter", "epsilon"])
    rules: dict[str, dict[str, float]] = {}
    values = named.select("product", "exporter", pl.col(column).fill_null(np.nan))
    for product, country, value in values.iter_rows():
        rules.setdefault(country, {})[product] = value
    made = general.copy()
    for index, country in enumerate(world.countries):
        if country not in rules:
            continue
        for row in np.flatnonzero(world.exporter_country == index):
            value = longest(rules[country], world.products[world.exporter_product[row]])
            if value is not None:
                made[row] = value
    return made
