"""What happens to the buyers' prices, imports, spending and suppliers."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl
from rich.console import RenderableType

from tradewedge.report.headline import Headline
from tradewedge.report.layout import note, table, title
from tradewedge.report.wording import change, count, money, ratio, share, tons

_ALL_BUYERS: Final = 15
_TOP_BUYERS: Final = 8
_TOP_SUPPLIERS: Final = 8
#: A mean price above this many times the baseline's is the work of a few products.
ABSURD: Final = 11.0
NO_CHANGE: Final = change(1.0)


def result(headline: Headline) -> Iterator[RenderableType]:
    """Price index, imports in value and volume, spending; by importer where there are several."""
    yield title(
        f"What happens to {headline.who}, {count(headline.products_left, 'touched product')}"
    )
    totals = headline.totals
    yield table(("", "base USD", "new USD", "change"), list(_rows(headline)))
    median = " (and median)" if _median(totals) else ""
    yield note(
        f"Price index: duty-paid, mean{median} over products weighted by baseline spending"
        + ("; markets left unserved are not in it." if totals["unserved"] else ".")
    )
    yield from driver_note(headline, totals["price_index_hat"])
    if len(headline.buyers) > 1:
        yield from _by_buyer(headline)


def _rows(headline: Headline) -> Iterator[tuple[str, ...]]:
    totals, trade = headline.totals, headline.trade
    yield "Buyer's price index", "", "", change(totals["price_index_hat"])
    if _median(totals):
        yield "  of the median purchase", "", "", change(totals["price_index_median"])
    yield from_to("Imports, border value", trade["imports_base"], trade["imports_new"])
    yield from_to("  volume, at baseline prices", trade["volume_base"], trade["volume_new"])
    if trade["tons_base"]:
        known = "" if trade["tons_share"] > 0.9995 else f", {share(trade['tons_share'])} of value"
        yield (
            f"  metric tons{known}",
            tons(trade["tons_base"]),
            tons(trade["tons_new"]),
            change(ratio(trade["tons_new"], trade["tons_base"])),
        )
    yield from_to("Spending, duty-paid", totals["expenditure_base"], totals["expenditure_new"])
    if totals["unserved"]:
        yield (
            f"  lost in {count(totals['unserved'], 'unserved market')}",
            money(totals["lost_spending"]),
            "-",
            "-",
        )
    if trade["home_base"]:
        yield from_to("Home sales, where known", trade["home_base"], trade["home_new"])


def _median(totals: dict[str, Any]) -> bool:
    """Whether the median says something: with few products touched hard it does not move."""
    return change(totals["price_index_median"]) not in (NO_CHANGE, "-")


def driver_note(headline: Headline, mean: float | None) -> Iterator[RenderableType]:
    """Say which product makes a mean price index absurd."""
    if mean is None or not mean > ABSURD:
        return
    pull = (pl.col("price_index_hat") - 1.0) * pl.col("expenditure_base")
    row = headline.products.sort(pull, descending=True, nulls_last=True).row(0, named=True)
    yield note(
        f"The mean is driven by {row['product']} ({change(row['price_index_hat'])}): as a cost of "
        "the baseline's purchases it is not a price that anybody would pay."
    )


def _by_buyer(headline: Headline) -> Iterator[RenderableType]:
    frame = headline.by_buyer
    shown = frame if frame.height <= _ALL_BUYERS else frame.head(_TOP_BUYERS)
    rows = [_buyer(row) for row in shown.iter_rows(named=True)]
    rest = frame.slice(shown.height)
    if rest.height:
        weight = pl.col("expenditure_base")
        price = pl.col("price_index_hat").fill_nan(None)
        total = rest.select(
            pl.lit(f"{rest.height} others").alias("importer"),
            price_index_hat=(price * weight).sum() / weight.filter(price.is_not_null()).sum(),
            expenditure_base=weight.sum(),
            expenditure_new=pl.col("expenditure_new").sum(),
            consumer_surplus=pl.col("consumer_surplus").sum(),
            unserved=pl.col("unserved").sum(),
        )
        rows.append(_buyer(total.row(0, named=True)))
    header = ("importer", "price index", "spending", "", "consumer surplus", "unserved")
    yield table(header, rows)


def _buyer(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["importer"],
        change(row["price_index_hat"]),
        money(row["expenditure_base"]),
        f"-> {money(row['expenditure_new'])}",
        money(row["consumer_surplus"], signed=True),
        f"{row['unserved']:,}" if row["unserved"] else "",
    )


def suppliers(headline: Headline) -> Iterator[RenderableType]:
    """Imports and shares by supplier."""
    yield title(f"Suppliers of {headline.who}: imports and share before -> after")
    frame = headline.suppliers
    rows = [_supplier(row) for row in frame.head(_TOP_SUPPLIERS).iter_rows(named=True)]
    rest = frame.slice(_TOP_SUPPLIERS)
    if rest.height:
        total = rest.select(pl.exclude("exporter").sum()).row(0, named=True)
        rows.append(_supplier({"exporter": f"{rest.height} others", **total}))
    yield table(("supplier", "base USD", "new USD", "change", "share", ""), rows)


def _supplier(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["exporter"],
        money(row["value_base"]),
        money(row["value_new"]),
        change(ratio(row["value_new"], row["value_base"])),
        share(row["share_base"]),
        f"-> {share(row['share_new'])}",
    )


def from_to(label: str, base: float | None, new: float | None) -> tuple[str, ...]:
    """A row: what, money before, money after, change."""
    return (label, money(base), money(new), change(ratio(new, base)))
