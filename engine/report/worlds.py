"""Pages about the embedded worlds."""

from collections.abc import Iterator
from typing import Any

import polars as pl
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tradewedge.report.layout import bullet
from tradewedge.report.wording import count, money, share, some
from tradewedge.sources import embedded


def world_list() -> Table:
    """One line per embedded world: years, products, partners, source."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("name", "years", "products", "countries", "source"):
        table.add_column(title)
    for world in embedded.worlds():
        tables = embedded.tables(world.name)
        table.add_row(
            Text(world.name),
            ", ".join(str(year) for year in world.years),
            f"{tables.flows['product'].n_unique():,}",
            f"{len(_countries(tables.flows)):,}",
            Text(str(tables.meta["source"])),
        )
    return table


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
        f"{count(flows.height, 'flow')}, {count(flows['product'].n_unique(), 'product')}, "
        f"{len(_countries(flows)):,} countries, {money(value)} USD; tons known for "
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


def _countries(flows: pl.DataFrame) -> set[str]:
    return set(flows["exporter"].unique()) | set(flows["importer"].unique())


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
        parts.append(f"{rows.height:,} rows, {count(rows['product'].n_unique(), 'product')}")
    if tables.home_share is not None:
        parts.append(f"home share of {count(tables.home_share.height, 'product')}")
    return "; ".join(parts) or "none"
