"""Production of minerals as tons of traded goods, through a table of what holds how much of what.

A source of production counts tons of a mineral, or of a metal in it. The table says of which HS6
code the goods are, what part of the mineral becomes these goods, and how many tons of the mineral a
ton of them holds (low, central, high): goods = mineral times share over content. The table that
ships is ``data/content/production.csv``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.codes.tables import shipped_csv
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources.facts import of_years
from tradewedge.sources.reading import read_table
from tradewedge.sources.registry import FACTS, source
from tradewedge.sources.tally import audit_frame

#: Sources of production, and what messages call them.
SOURCES: Final = {"usgs": "USGS", "mining": "World Mining Data"}
_NUMBERS: Final = ("share", "low", "central", "high")
_TEXTS: Final = (
    *("source", "mineral", "detail", "product", "vintage"),
    *("only", "except", "deduct", "basis", "note"),
)
_STEP: Final = "production"


@dataclass(frozen=True, eq=False)
class Made:
    """What countries make of products.

    Attributes
    ----------
    goods : DataFrame
        product, country, tons, tons_low, tons_high, source.
    deduct : dict of str to str
        Product -> the product that its production is counted under; its exports go off that one.
    audit : DataFrame
        step, reason, rows, value (null).
    """

    goods: pl.DataFrame
    deduct: dict[str, str]
    audit: pl.DataFrame


def read(
    name: str, path: str, mapping: str | None, years: Sequence[int], vintage: str | None
) -> Made:
    """Read production and turn it into goods.

    Parameters
    ----------
    name : str
        "usgs" or "mining".
    path : str
    mapping : str or None
        Path of a table in the columns of the one that ships; None: that one.
    years : sequence of int
        Mean production over these.
    vintage : str or None
        HS edition of the goods wanted; codes without one counterpart in it are left out.

    Raises
    ------
    ConfigError
        For a year that is not there, or products that are no HS codes.
    DataError
        If the file or the mapping is not what it claims to be.
    """
    if vintage is None:
        raise ConfigError(f"home_sales={name}: goods are HS codes, and these products are none")
    facts = source(name, FACTS).read(Path(path), None, {})
    rules, moved = _in_edition(_rules(name, mapping), vintage)
    held = of_years(facts.frame, years, path)
    found, unused = _matched(held, rules, path)
    tons = pl.col("tons") * pl.col("share")
    goods = (
        found.group_by("product", "country", "rule", *_NUMBERS, "basis")
        .agg(pl.col("tons").sum() / len(set(years)))
        .group_by("product", "country", maintain_order=False)
        .agg(
            tons=(tons / pl.col("central")).sum(),
            tons_low=(tons / pl.col("high")).sum(),
            tons_high=(tons / pl.col("low")).sum(),
            basis=pl.col("basis").unique().sort().str.join(", "),
        )
        .sort("product", "country")
        .select(
            "product",
            "country",
            "tons",
            "tons_low",
            "tons_high",
            source=pl.format(
                f"estimated: {SOURCES[name]} production ({{}}) less exports", pl.col("basis")
            ),
        )
    )
    lines = [
        (_STEP, f"figures of {facts.title} in these years", held.height, None),
        (_STEP, "of these put on a product", held.height - unused, None),
        (_STEP, "of these of no product in the table", unused, None),
        (_STEP, f"rows of the table whose code has not one counterpart in {vintage}", moved, None),
    ]
    deduct = {
        other: product
        for product, listed in rules.select("product", "deduct").iter_rows()
        for other in (listed or "").split(";")
        if other
    }
    return Made(goods, deduct, audit_frame([line for line in lines if line[2]]))


def _rules(name: str, mapping: str | None) -> pl.DataFrame:
    """Rows of the table for one source, checked."""
    if mapping is None:
        table, where = shipped_csv("content", "production.csv"), "production.csv"
        table = table.with_columns(pl.col(_NUMBERS).cast(pl.Float64))
    else:
        schema = dict.fromkeys(_TEXTS, pl.String) | dict.fromkeys(_NUMBERS, pl.Float64)
        optional = ("detail", "only", "except", "deduct", "basis", "note")
        table, where = read_table(mapping, schema, optional), mapping
        absent = [pl.lit(None, pl.String).alias(n) for n in optional if n not in table.columns]
        table = table.with_columns(absent)
    low, central, high = (pl.col(column) for column in ("low", "central", "high"))
    wrong = table.filter(
        ~((low > 0) & (low <= central) & (central <= high) & (pl.col("share") > 0)).fill_null(
            value=False
        )
    )
    if not wrong.is_empty():
        row = wrong.row(0, named=True)
        raise DataError(
            f"{where}: {row['mineral']} in {row['product']}: share and contents are above 0, low "
            f"no higher than central, central no higher than high; not {row['share']}, "
            f"{row['low']}, {row['central']}, {row['high']}"
        )
    return table.filter(pl.col("source") == name).with_row_index("rule")


def _in_edition(rules: pl.DataFrame, vintage: str) -> tuple[pl.DataFrame, int]:
    """The rules in the codes of an edition, and how many have no single counterpart there."""
    new: dict[tuple[str, str], str] = {}
    for product, edition in rules.select("product", "vintage").unique().iter_rows():
        check = codes.check_vintage(edition)
        found = codes.translate((product,), check, vintage)
        if len(found.products) == 1 and not found.ambiguous and not found.widened:
            new[product, edition] = found.products[0]
    keys = list(rules.select("product", "vintage").iter_rows())
    there = pl.Series([new.get(key) for key in keys], dtype=pl.String)
    kept = rules.with_columns(product=there).filter(pl.col("product").is_not_null())
    return kept, rules.height - kept.height


def _matched(held: pl.DataFrame, rules: pl.DataFrame, where: str) -> tuple[pl.DataFrame, int]:
    """Figures with the rule that each falls under, and how many fall under none."""
    numbered = held.with_row_index("figure")
    parts = []
    for rule in rules.iter_rows(named=True):
        takes = pl.col("mineral").str.to_lowercase().str.starts_with(rule["mineral"].lower())
        takes &= (
            pl.col("detail")
            .str.to_lowercase()
            .str.contains((rule["detail"] or "").lower(), literal=True)
        )
        if rule["only"]:
            takes &= pl.col("country").is_in(rule["only"].split(";"))
        if rule["except"]:
            takes &= ~pl.col("country").is_in(rule["except"].split(";"))
        columns = ["rule", "product", *_NUMBERS]
        parts.append(
            numbered.filter(takes).with_columns(
                *(pl.lit(rule[name]).alias(name) for name in columns),
                basis=pl.lit(rule["basis"] or "as mapped"),
            )
        )
    found = pl.concat(parts) if parts else numbered.clear()
    if found.is_empty():
        raise DataError(f"{where}: none of its minerals is in the table of products")
    key = ["rule", "country", "year"]
    twice = found.filter(found.select(key).is_duplicated()).sort(key)
    if not twice.is_empty():
        row = twice.row(0, named=True)
        details = ", ".join(twice.filter(pl.col("rule") == row["rule"])["detail"].unique().sort())
        raise DataError(
            f"{where}: {row['mineral']} of {row['country']} in {row['year']} has several figures "
            f"({details}): say which in the column detail of a table of your own "
            "(production_map=)"
        )
    return found, held.height - found["figure"].n_unique()
