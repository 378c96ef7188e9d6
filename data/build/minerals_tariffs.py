"""US duties of 2022 and 2023 on every flow into the United States.

The law is in ``data/minerals/tariff_rules.yaml``; lines and weights come from
``minerals_lines`` (see ``data/minerals/README.md``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from tradewedge.data.build.minerals_lines import (
    ALL_PARTNERS,
    Line,
    imports_2024,
    line_table,
    line_weights,
    partner_of,
    read_lines,
)

IMPORTER: Final = "USA"


@dataclass(frozen=True, eq=False)
class Tariffs:
    """What :func:`build` returns.

    Attributes
    ----------
    tariffs : DataFrame
        year, product, exporter, importer, rate, authority.
    lines : DataFrame
        One row per HTS line: texts, parsed rates, Section 301 list.
    weights : DataFrame
        product, partner ("*": all), hs8, weight, value_usd, source.
    """

    tariffs: pl.DataFrame
    lines: pl.DataFrame
    weights: pl.DataFrame


def build(shared: Path, products: Iterable[str], flows: pl.DataFrame, law: Any) -> Tariffs:
    """Bring the duties from HTS lines to products, for every flow into the United States.

    Parameters
    ----------
    shared : Path
        Folder with ``data/us_tariffs``, ``data/us_imports_2024_hs10``, ``data/hs_nomenclature``.
    products : iterable of str
        HS1992 codes.
    flows : DataFrame
        year, product, exporter, importer, value, quantity.
    law : mapping
        ``tariff_rules.yaml``.
    """
    table = line_table(shared, sorted(products), law)
    weights = line_weights(shared, table)
    lines = read_lines(table)
    share = {
        key: dict(part.select("hs8", "weight").iter_rows())
        for key, part in weights.partition_by("product", "partner", as_dict=True).items()
    }
    into = flows.filter(pl.col("importer") == IMPORTER)
    price = {
        (year, product): value / tons * 1000
        for year, product, value, tons in into.filter(pl.col("quantity").is_not_null())
        .group_by("year", "product")
        .agg(pl.col("value").sum(), pl.col("quantity").sum())
        .iter_rows()
    }
    rows: list[tuple[int, str, str, str, float, str]] = []
    for year, product, exporter in into.select("year", "product", "exporter").iter_rows():
        partner = partner_of(exporter)
        of_lines = share.get((product, partner), share[product, ALL_PARTNERS])

        def add(
            authority: str,
            rate: float,
            key: tuple[int, str, str, str] = (year, product, exporter, IMPORTER),
        ) -> None:
            rows.append((*key, rate, authority))

        add(
            "MFN",
            sum(
                w * ordinary_rate(lines[hs8], exporter, year, price.get((year, product)), law)
                for hs8, w in of_lines.items()
            ),
        )
        if exporter == law["section_301"]["exporter"]:
            add("Section 301 China", sum(w * lines[hs8].s301 for hs8, w in of_lines.items()))
        if product in law["section_232"]["products"]:
            add("Section 232", section_232_rate(exporter, year, law))
    tariffs = pl.DataFrame(
        rows,
        schema={
            "year": pl.Int64,
            "product": pl.String,
            "exporter": pl.String,
            "importer": pl.String,
            "rate": pl.Float64,
            "authority": pl.String,
        },
        orient="row",
    ).sort("year", "product", "exporter", "authority")
    return Tariffs(tariffs, table, weights)


def days_in_force(start: str, year: int) -> float:
    """Return the share of the days of a year on which a rule that began at ``start`` holds."""
    first, following = date(year, 1, 1), date(year + 1, 1, 1)
    begin = max(date.fromisoformat(start), first)
    return max((following - begin).days, 0) / (following - first).days


def ordinary_rate(
    line: Line, exporter: str, year: int, price: float | None, law: Mapping[str, Any]
) -> float:
    """Return column 1 (with preferences) or column 2 of a line, averaged over the year's days."""
    began = law["column_2"].get(exporter)
    second = days_in_force(began, year) if began else 0.0
    first = 0.0 if _free(line, exporter, year, law) else line.general.equivalent(price)
    return (1 - second) * first + (second * line.column_2.equivalent(price) if second else 0.0)


def section_232_rate(exporter: str, year: int, law: Mapping[str, Any]) -> float:
    """Return the Section 232 rate on aluminium, averaged over the year's days."""
    rule = law["section_232"]
    began = rule["exempt"].get(partner_of(exporter))
    return float(rule["rate"]) * (1 - (days_in_force(began, year) if began else 0.0))


def check_against_2024(shared: Path, built: Tariffs) -> pl.DataFrame:
    """Set our 2023 rates against the duty that Customs charged in 2024, by product and partner.

    Returns
    -------
    DataFrame
        product, partner, value_usd, duty_usd (charged), duty_here_usd (our rates, weights of the
        partner's own imports).
    """
    imports = imports_2024(shared)
    rates = built.tariffs.filter(pl.col("year") == max(built.tariffs["year"]))
    total = (
        rates.with_columns(partner=pl.col("exporter").map_elements(partner_of, pl.String))
        .group_by("product", "partner", "exporter")
        .agg(pl.col("rate").sum())
        .group_by("product", "partner")
        .agg(pl.col("rate").max())
    )
    lines = built.lines.select("hs8", "product")
    return (
        imports.join(lines, on="hs8")
        .group_by("product", "partner")
        .agg(pl.col("value_usd").sum(), pl.col("duty_usd").sum())
        .join(total, on=["product", "partner"], how="inner")
        .with_columns(duty_here_usd=pl.col("value_usd") * pl.col("rate"))
        .drop("rate")
        .sort("product", "partner")
    )


def _free(line: Line, exporter: str, year: int, law: Mapping[str, Any]) -> bool:
    if exporter in law["always_free"]:
        return True
    marks = line.symbols
    if any(exporter in law["programmes"].get(mark, ()) for mark in marks):
        return True
    agoa = law["agoa"]
    until = agoa["until"].get(exporter)
    member = exporter in agoa["members"] or (until is not None and year <= int(until[:4]))
    if not member:
        return False
    poorest = exporter in agoa["least_developed"]
    return bool(marks & {"D", "A", "A*"}) or (poorest and "A+" in marks)
