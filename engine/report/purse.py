"""Public revenue by authority, and welfare by country."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl
from rich.console import RenderableType

from tradewedge.elasticities import IMPORT_DEMAND
from tradewedge.report.headline import FEW_BUYERS, Headline, at_home
from tradewedge.report.layout import bullet, note, table, title
from tradewedge.report.trade import from_to
from tradewedge.report.wording import beyond, money, some

_TOP_AUTHORITIES: Final = 8
_TOP_COUNTRIES: Final = 5
#: What treasuries receive, and what they pay.
_RECEIPTS: Final = ("duty", "levy", "export_tax")
_PAYMENT: Final = "cfd"
_WORDS: Final = {"levy": " (levy)", "export_tax": " (export tax)", "cfd": " (contracts, paid out)"}
_PARTS: Final = ("consumer_surplus", "producer_surplus", "revenue", "rents")
#: Thousand USD that is shown as 0.
_NOTHING: Final = 0.0005


def public(headline: Headline) -> pl.DataFrame:
    """receiver, authority, kind, amount_base, amount_new; what a treasury pays is negative."""
    paid = pl.col("kind") == _PAYMENT
    amounts = ("amount_base", "amount_new")
    return (
        headline.touched("transfers")
        .filter(pl.col("kind").is_in([*_RECEIPTS, _PAYMENT]))
        .with_columns(
            pl.when(paid).then("payer").otherwise("receiver").alias("receiver"),
            *(pl.when(paid).then(-pl.col(name)).otherwise(name).alias(name) for name in amounts),
        )
        .group_by("receiver", "authority", "kind")
        .agg(pl.col(amounts).sum())
        .filter((pl.col("amount_base") != 0) | (pl.col("amount_new") != 0))
        .sort("receiver", "kind", "authority")
        .collect()
    )


def receipts(headline: Headline) -> Iterator[RenderableType]:
    """What each authority brings, of the buyers and of whoever taxes exports."""
    yield title("Public revenue from the touched products, by authority")
    frame = public(headline)
    if len(headline.buyers) <= FEW_BUYERS:
        frame = frame.filter(
            pl.col("receiver").is_in(headline.buyers) | pl.col("kind").is_in(["export_tax", "cfd"])
        )
    if frame.is_empty():
        yield bullet("none, or the tariffs are unknown in this world")
        return
    change = pl.col("amount_new") - pl.col("amount_base")
    shown = frame.sort(change.abs(), "receiver", "authority", descending=[True, False, False])
    top, rest = shown.head(_TOP_AUTHORITIES), shown.slice(_TOP_AUTHORITIES)
    rows = [
        from_to(
            f"{row['receiver']}: {row['authority']}{_WORDS.get(row['kind'], '')}",
            row["amount_base"],
            row["amount_new"],
        )
        for row in top.iter_rows(named=True)
    ]
    if rest.height:
        rows.append(from_to(f"{rest.height} others", *_sums(rest)))
    if frame.height > 1:
        rows.append(from_to("total", *_sums(frame)))
    yield table(("", "base USD", "new USD", "change"), rows)


def _sums(frame: pl.DataFrame) -> tuple[float, float]:
    return float(frame["amount_base"].sum()), float(frame["amount_new"].sum())


def by_country(headline: Headline) -> pl.DataFrame:
    """Surplus, revenue and net by country; ``*_known`` is the part that is known.

    A sum is null where any of its parts is. The known part of revenue is what the transfers hold:
    export taxes, new duties, and duties in force where the tariffs are known.
    """
    known = (
        public(headline)
        .group_by("receiver")
        .agg(paid=(pl.col("amount_new") - pl.col("amount_base")).sum())
    )
    return (
        headline.touched("welfare")
        .group_by("country")
        .agg(
            *(
                pl.when(pl.col(part).is_not_null().all()).then(pl.col(part).sum()).alias(part)
                for part in (*_PARTS, "net")
            ),
            *(
                pl.when(pl.col(part).is_not_null().any())
                .then(pl.col(part).sum())
                .alias(f"{part}_known")
                for part in _PARTS
            ),
        )
        .collect()
        .join(known, left_on="country", right_on="receiver", how="left")
        .with_columns(revenue_known=pl.coalesce("revenue_known", "paid"))
        .drop("paid")
        .sort("country")
    )


def welfare(headline: Headline) -> Iterator[RenderableType]:
    """Buyers first, then whoever else gains or loses most; no row without a figure."""
    yield title("Welfare, change in USD (touched products; stages of a chain are not added up)")
    shown = _shown(headline, by_country(headline))
    columns = {"consumers": "consumer_surplus", "revenue": "revenue"}
    absurd = _absurd(headline)
    shown = shown.with_columns(
        pl.when(pl.col("country").is_in(absurd)).then(None).otherwise(name).alias(name)
        for name in ("consumer_surplus", "consumer_surplus_known", "net")
    )
    incomplete = shown.filter(pl.col("country").is_in(headline.buyers))["net"].null_count() > 0
    if incomplete:
        shown = _with_both(shown)
        columns["both"] = "both"
    columns["producers"] = "producer_surplus"
    if (shown["rents_known"].abs() > _NOTHING).any():
        columns["rents"] = "rents"
    columns["net"] = "net"
    cells = [
        (row["country"], *(_cell(row, name) for name in columns.values()))
        for row in shown.iter_rows(named=True)
    ]
    yield table(("country", *columns), cells)
    if incomplete:
        yield note("both: consumers and revenue, without producers.")
    for text in _remarks(headline, shown, cells):
        yield note(text)


def _absurd(headline: Headline) -> list[str]:
    """Buyers whose mean price is beyond the model: their surplus is no answer."""
    frame = headline.by_buyer
    return frame.filter([beyond(price) for price in frame["price_index_hat"]])["importer"].to_list()


def _with_both(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        both=pl.col("consumer_surplus") + pl.col("revenue"),
        both_known=pl.col("consumer_surplus_known") + pl.col("revenue_known"),
    )


def _shown(headline: Headline, frame: pl.DataFrame) -> pl.DataFrame:
    """Few buyers, or those with most at stake; then whoever else gains or loses most."""
    mine = frame.filter(pl.col("country").is_in(headline.buyers))
    if len(headline.buyers) > FEW_BUYERS:
        mine = _largest(mine, "consumer_surplus", "revenue", "rents")
    others = frame.join(mine, on="country", how="anti")
    return pl.concat([mine, _largest(others, "producer_surplus", "revenue", "rents")])


def _largest(frame: pl.DataFrame, *parts: str) -> pl.DataFrame:
    size = pl.max_horizontal(pl.col(f"{part}_known").abs().fill_null(0.0) for part in parts)
    rows = frame.filter(size > _NOTHING).sort(size, "country", descending=[True, False])
    return rows.head(_TOP_COUNTRIES)


def _cell(row: dict[str, Any], name: str) -> str:
    """A sum, its known part in parentheses, or "-"; net is whole or not there."""
    value, known = row[name], row.get(f"{name}_known")
    if value is not None or known is None or abs(known) <= _NOTHING:
        return money(value, signed=True)
    return f"({money(known, signed=True)})"


def _remarks(
    headline: Headline, shown: pl.DataFrame, cells: list[tuple[str, ...]]
) -> Iterator[str]:
    if any(cell.startswith("(") for row in cells for cell in row):
        yield "In parentheses: the known part of a sum, the rest of it being unknown."
    if why := _why_unknown(headline, shown):
        yield f'"-" is unknown, not zero: {"; ".join(why)}.'
    yield from _home_sales(headline)


def _why_unknown(headline: Headline, shown: pl.DataFrame) -> list[str]:
    world = headline.run.manifest["world"]
    why = []
    known = world["tariff_importers"]
    no_revenue = shown.filter(pl.col("revenue").is_null())["country"].to_list()
    strangers = [c for c in no_revenue if known is not None and c not in known]
    if strangers:
        why.append(f"the tariffs of {some(strangers)} are not in this world")
    if world["observed_importers"] is not None:
        why.append(f"only purchases of {some(world['observed_importers'])} are observed")
    absurd = [c for c in _absurd(headline) if c in shown["country"]]
    if absurd:
        why.append(f"the prices of {some(absurd)} are beyond the model")
    lost = set(headline.unserved["importer"].to_list())
    unserved = [c for c in shown["country"].to_list() if c in lost]
    if unserved:
        why.append(f"{some(unserved)} cannot buy some product at any price")
    return why


def _home_sales(headline: Headline) -> Iterator[str]:
    """Where net welfare lacks home producers: how many of the buyers' markets are seen whole."""
    composite = headline.touched_parameters.filter(pl.col("eta_kind") != IMPORT_DEMAND)
    markets = headline.bought.join(composite.lazy().select("product"), on="product", how="semi")
    sold = headline.flows.filter(at_home()).select("product", "importer").unique()
    total = int(markets.select(pl.len()).collect().item())
    seen = 0
    if headline.pairs["home"].any():
        seen = int(markets.join(sold, on=["product", "importer"], how="semi").collect().height)
    if seen == total:
        return
    buyers = headline.buyers
    if len(buyers) == 1:
        where = f"Home sales of {buyers[0]} are known for {seen:,} of {total:,} touched products"
    else:
        where = f"Home sales are known in {seen:,} of these importers' {total:,} touched markets"
    yield (
        f"{where}: elsewhere what home producers gain is not known, so net is left empty; "
        "producers counts exports, and home sales where known."
    )
