"""What happens to the buyers' prices, imports, spending and suppliers."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import polars as pl
from rich.console import RenderableType

from tradewedge.report.headline import Headline
from tradewedge.report.layout import note, table, title
from tradewedge.report.wording import (
    ABSURD,
    BEYOND,
    beyond,
    change,
    count,
    money,
    price_change,
    ratio,
    share,
    tons,
)

_ALL_BUYERS: Final = 15
_TOP_BUYERS: Final = 8
_TOP_SUPPLIERS: Final = 8
#: Volume and tons part ways where their changes differ by this much.
_APART: Final = 0.1
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
    yield from _driver_note(headline)
    yield from _apart_note(headline)
    if len(headline.buyers) > 1:
        yield from _by_buyer(headline)


def _rows(headline: Headline) -> Iterator[tuple[str, ...]]:
    totals, trade = headline.totals, headline.trade
    paid = _unless(headline.beyond)
    yield "Buyer's price index", "", "", price_change(totals["price_index_hat"])
    if _median(totals):
        yield "  of the median purchase", "", "", price_change(totals["price_index_median"])
    yield paid("Imports, border value", trade["imports_base"], trade["imports_new"])
    yield from_to("  volume, at baseline prices", trade["volume_base"], trade["volume_new"])
    if trade["tons_base"]:
        known = "" if trade["tons_share"] > 0.9995 else f", {share(trade['tons_share'])} of value"
        yield (
            f"  metric tons{known}",
            tons(trade["tons_base"]),
            tons(trade["tons_new"]),
            change(ratio(trade["tons_new"], trade["tons_base"])),
        )
    yield paid("Spending, duty-paid", totals["expenditure_base"], totals["expenditure_new"])
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


def _unless(absurd: bool) -> Callable[[str, float | None, float | None], tuple[str, ...]]:
    """Rows of money; where prices are absurd, without what is paid at them."""

    def row(label: str, base: float | None, new: float | None) -> tuple[str, ...]:
        return (label, money(base), "-", BEYOND) if absurd else from_to(label, base, new)

    return row


def _apart_note(headline: Headline) -> Iterator[RenderableType]:
    """Say why volume and tons part ways, where they do."""
    trade = headline.trade
    volume = ratio(trade["volume_new"], trade["volume_base"])
    weight = ratio(trade["tons_new"], trade["tons_base"])
    if volume is None or weight is None or abs(volume - weight) <= _APART:
        return
    dearer = "dearer" if weight < volume else "cheaper"
    yield note(
        "Volume counts the goods of each supplier at its baseline price, tons by weight: they part "
        f"where buyers turn to goods that are {dearer} by the ton, often another grade. Volume can "
        "rise by such substitution alone. What the mix is worth to its buyers, spending over price "
        f"index, changes by {change(headline.totals['composite_hat'])}."
    )


def _driver_note(headline: Headline) -> Iterator[RenderableType]:
    """Say which product makes a mean price index absurd, and what is lost in volume."""
    if not headline.beyond:
        return
    pull = (pl.col("price_index_hat") - 1.0) * pl.col("expenditure_base")
    row = headline.products.sort(pull, descending=True, nulls_last=True).row(0, named=True)
    got = change(headline.totals["composite_hat"])
    yield note(
        f"Beyond the model: the mean price is more than {ABSURD:g} times the baseline's, driven by "
        f"{row['product']}. Nobody would pay that: goods would be replaced or done without, which "
        "the model does not know. Read what is lost, not prices, spending or surplus: what buyers "
        f"get of these goods changes by {got}."
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
    absurd = beyond(row["price_index_hat"])
    return (
        row["importer"],
        price_change(row["price_index_hat"]),
        money(row["expenditure_base"]),
        f"-> {'-' if absurd else money(row['expenditure_new'])}",
        "-" if absurd else money(row["consumer_surplus"], signed=True),
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
    if headline.beyond:
        yield note("New values are at prices beyond the model.")


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
