"""The products that cost the buyers most, and the trade that moves most."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl
from rich.console import RenderableType

from tradewedge.report.headline import Headline
from tradewedge.report.layout import bullet, note, table, title
from tradewedge.report.wording import beyond, count, money, price_change

_TOP_PRODUCTS: Final = 8
_TOP_MOVES: Final = 6


def products(headline: Headline) -> Iterator[RenderableType]:
    """Products without a supplier first, then the largest losses of consumer surplus."""
    yield title(f"Products that cost {headline.who} most")
    lost = pl.col("unserved") > 0
    frame = headline.products.filter(lost | (pl.col("consumer_surplus") < 0))
    if frame.is_empty():
        yield bullet("none: no product becomes dearer for them")
        return
    shown = frame.head(_TOP_PRODUCTS)
    yield table(
        ("product", "price index", "imports USD", "", "consumers"),
        [
            (
                product(row),
                _price(row),
                money(row["value_base"]),
                f"-> {money(row['value_new'])}",
                _lost(row),
            )
            for row in shown.iter_rows(named=True)
        ],
    )
    if shown.filter(lost)["consumer_surplus"].null_count():
        yield note(
            "unserved: nobody is left to buy from, at any price; the loss is not known, not zero "
            f"({count(frame['consumer_surplus'].null_count(), 'product')} in all)."
        )
    if shown.filter(lost)["consumer_surplus"].count():
        yield note("*: of the importers that are still served; others are not.")


def _price(row: dict[str, Any]) -> str:
    """The price index; "unserved" where no market is left that has one."""
    if row["consumer_surplus"] is None:
        return "unserved"
    return price_change(row["price_index_hat"]) + (" *" if row["unserved"] else "")


def _lost(row: dict[str, Any]) -> str:
    """Consumer surplus; nothing where the price is beyond the model."""
    if beyond(row["price_index_hat"]):
        return "-"
    return money(row["consumer_surplus"], signed=True)


def moves(headline: Headline) -> Iterator[RenderableType]:
    """The largest changes of imports by product and supplier."""
    yield title("Trade that moves most")
    yield table(
        ("product", "supplier", "imports USD", "", "change"),
        [
            (
                product(row),
                row["exporter"],
                money(row["value_base"]),
                f"-> {money(row['value_new'])}",
                money(row["value_new"] - row["value_base"], signed=True),
            )
            for row in headline.moves.head(_TOP_MOVES).iter_rows(named=True)
        ],
    )


def product(row: dict[str, Any]) -> str:
    """Code and text of a product."""
    return f"{row['product']} {row['text'] or ''}".strip()
