"""Pages about the embedded worlds."""

import re
from collections.abc import Iterator
from typing import Any

import polars as pl
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tradewedge.report.layout import Lines, bullet, table
from tradewedge.report.wording import count, money, share, some
from tradewedge.sources import embedded


def world_list() -> Table:
    """One line per embedded world: years, products, partners, source."""
    page = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("name", "years", "products", "exporters", "importers", "source"):
        page.add_column(title)
    for world in embedded.worlds():
        tables = embedded.tables(world.name)
        page.add_row(
            Text(world.name),
            ", ".join(str(year) for year in world.years),
            f"{tables.flows['product'].n_unique():,}",
            f"{tables.flows['exporter'].n_unique():,}",
            f"{tables.flows['importer'].n_unique():,}",
            Text(re.split(r" \(|;| by ", str(tables.meta["source"]))[0]),
        )
    return page


def world_page(name: str, year: int | None = None) -> Group:
    """What one embedded world holds, where it comes from, and what it leaves out."""
    return Group(*_page(embedded.tables(name, year)))


def _page(tables: embedded.EmbeddedTables) -> Iterator[RenderableType]:
    meta, flows = tables.meta, tables.flows
    yield Text(f"{meta['name']} {meta['year']}, {meta['vintage']}", style="bold")
    for key in ("source", "licence", "unit"):
        yield Text(f"{key.capitalize()}: {meta[key]}")
    value = float(flows["value"].sum())
    yield Text(
        f"{count(flows['product'].n_unique(), 'product')}; trade: "
        f"{count(flows.height, 'flow')}, {money(value)} USD, "
        f"{count(flows['exporter'].n_unique(), 'exporter')}, "
        f"{count(flows['importer'].n_unique(), 'importer')}; tons known for "
        f"{share(1.0 - flows['quantity'].null_count() / flows.height)} of flows"
    )
    yield Text(f"Products: {_critical(tables.products)}")
    yield Text(f"Baseline tariffs: {_tariffs(tables.tariffs, meta)}")
    yield Text(f"Home sales: {_home(tables)}")
    for key, label in (("observed_importers", "Observed importers"), ("aggregates", "Aggregates")):
        if meta[key]:
            yield Text(f"{label}: {some(sorted(meta[key]))}")
    if meta["notes"]:
        yield Text("Notes", style="bold")
    for note in meta["notes"]:
        yield bullet(note)


def world_products(name: str, year: int | None = None) -> Lines:
    """Every product of one embedded world with its trade, by code."""
    tables = embedded.tables(name, year)
    trade = tables.flows.group_by("product").agg(
        pl.len().alias("flows"), pl.col("value").sum(), pl.col("exporter").n_unique()
    )
    rows = tables.products.join(trade, on="product").sort("product")
    return table(
        ("product", "flows", "exporters", "trade USD"),
        [
            (
                f"{row['product']} {row['text'] or ''}",
                f"{row['flows']:,}",
                f"{row['exporter']:,}",
                money(row["value"]),
            )
            for row in rows.iter_rows(named=True)
        ],
    )


def _critical(products: pl.DataFrame) -> str:
    flagged = int(products["critical"].fill_null(False).sum())
    return f"{products.height:,}, of which {flagged:,} flagged as critical minerals"


def _tariffs(tariffs: pl.DataFrame | None, meta: Any) -> str:
    if tariffs is None:
        return "none"
    known = meta["tariff_importers"]
    whose = "all importers" if known is None else some(sorted(known))
    laws = ", ".join(sorted(tariffs["authority"].unique()))
    return f"of {whose}: {laws} ({tariffs.height:,} rates)"


def _home(tables: embedded.EmbeddedTables) -> str:
    parts = []
    if tables.home_sales is not None:
        rows = tables.home_sales
        value = money(float(rows["value"].sum()))
        parts.append(
            f"{count(rows.height, 'market')}, {count(rows['product'].n_unique(), 'product')}, "
            f"{value} USD"
        )
    if tables.home_share is not None:
        parts.append(f"home share of {count(tables.home_share.height, 'product')}")
    return "; ".join(parts) or "none"
