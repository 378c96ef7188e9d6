"""The sections of one scenario's summary."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import polars as pl
from rich.console import RenderableType
from rich.text import Text

from tradewedge.report.headline import Headline
from tradewedge.report.layout import bullet, note, table, title
from tradewedge.report.wording import change, count, money, ratio, share, some, tiny

FEW_BUYERS: Final = 3
_TOP_SUPPLIERS: Final = 8
_TOP_PRODUCTS: Final = 8
_TOP_MOVES: Final = 6
_TOP_BUYERS: Final = 5
_BAND_PRODUCTS: Final = 5


def scenario_sections(headline: Headline) -> Iterator[RenderableType]:
    """Everything the summary says about one scenario."""
    yield from _what(headline)
    if not headline.buyers:
        yield Text("No flow is touched: every price and flow stays as it is.")
        return
    yield from _result(headline)
    yield from _band(headline)
    yield from _suppliers(headline)
    yield from _receipts(headline)
    yield from _welfare(headline)
    yield from _products(headline)
    yield from _moves(headline)
    yield title("What is left open")
    yield from _unserved(headline)
    yield from _accuracy(headline)


def _what(headline: Headline) -> Iterator[RenderableType]:
    entry = headline.entry
    for key in ("description", "status", "source"):
        if entry.get(key):
            label = "" if key == "description" else f"{key.capitalize()}: "
            yield Text(f"{label}{' '.join(str(entry[key]).split())}")
    told: set[str] = set()
    for match in entry["matches"]:
        yield bullet(
            f"{match['label']}: {count(match['products'], 'product')}, "
            f"{count(match['flows'], 'flow')}, {money(match['value_base'])} USD; "
            f"{_side(match['exporters'], 'exporter')} to {_side(match['importers'], 'importer')}"
        )
        mark = f"{match['label']}: "
        for warning in entry["warnings"]:
            if warning.startswith(mark) and warning not in told:
                yield bullet(warning.removeprefix(mark), level=2)
                told.add(warning)
    for warning in entry["warnings"]:
        if warning not in told:
            yield bullet(warning)


def _side(countries: Sequence[str], noun: str) -> str:
    if len(countries) <= FEW_BUYERS:
        return ", ".join(countries) or "nobody"
    return count(len(countries), noun)


def _who(headline: Headline) -> str:
    buyers = headline.buyers
    return ", ".join(buyers) if len(buyers) <= FEW_BUYERS else f"{len(buyers)} importers"


def _result(headline: Headline) -> Iterator[RenderableType]:
    touched = headline.entry["touched_products"]
    yield title(f"What happens to {_who(headline)}, {count(touched, 'touched product')}")
    totals, trade = headline.totals, headline.trade
    rows = [
        ("Buyer's price index", "", "", change(totals["price_index_hat"])),
        ("  of the median purchase", "", "", change(totals["price_index_median"])),
        _from_to("Imports, border value", trade["imports_base"], trade["imports_new"]),
        _from_to("Spending, duty-paid", totals["expenditure_base"], totals["expenditure_new"]),
    ]
    if trade["home_base"]:
        rows.append(_from_to("Home sales, where known", trade["home_base"], trade["home_new"]))
    yield table(("", "base USD", "new USD", "change"), rows)
    yield note(
        "Price index: duty-paid, mean (and median) over products weighted by baseline spending"
        + ("; markets left unserved are not in it." if totals["unserved"] else ".")
    )
    if len(headline.buyers) > 1:
        yield from _by_buyer(headline)


def _by_buyer(headline: Headline) -> Iterator[RenderableType]:
    shown = headline.by_buyer.head(_TOP_BUYERS)
    yield table(
        ("importer", "price index", "spending", "", "consumer surplus", "unserved"),
        [
            (
                row["importer"],
                change(row["price_index_hat"]),
                f"{money(row['expenditure_base'])}",
                f"-> {money(row['expenditure_new'])}",
                money(row["consumer_surplus"], signed=True),
                f"{row['unserved']:,}" if row["unserved"] else "",
            )
            for row in shown.iter_rows(named=True)
        ],
    )


def _band(headline: Headline) -> Iterator[RenderableType]:
    if not headline.entry["excludes"]:
        return
    band = headline.band
    if band is None:
        yield title("How much depends on sigma")
        yield bullet(
            "sigma decides what a lost supplier costs, and this result holds no band over sigma: "
            "do not read the figures above as one answer. `tradewedge run` solves the band."
        )
        return
    yield title("How much depends on sigma (substitution among suppliers)")
    yield table(
        ("sigma of every product", "price index", "median", "spending", "consumer surplus"),
        [
            (
                f"{row['sigma']:g}",
                change(row["price_index_hat"]),
                change(row["price_index_median"]),
                change(ratio(row["expenditure_new"], row["expenditure_base"])),
                money(row["consumer_surplus"], signed=True),
            )
            for row in band.iter_rows(named=True)
        ],
    )
    yield from _product_band(headline, band["sigma"].to_list())
    yield note("The figures above use each product's own sigma: read the band, not one point.")


def _product_band(headline: Headline, sigmas: list[float]) -> Iterator[RenderableType]:
    band = headline.product_band
    if band is None:
        return
    worst = headline.products.head(_BAND_PRODUCTS)
    rows = []
    for row in worst.iter_rows(named=True):
        mine = band.filter(pl.col("product") == row["product"])
        found = dict(mine.select("sigma", "price_index_hat").iter_rows())
        rows.append((_product(row), *(change(found.get(sigma)) for sigma in sigmas)))
    yield table(("price index of product", *(f"sigma {s:g}" for s in sigmas)), rows)


def _suppliers(headline: Headline) -> Iterator[RenderableType]:
    yield title(f"Suppliers of {_who(headline)}: imports and share before -> after")
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


def _receipts(headline: Headline) -> Iterator[RenderableType]:
    frame = headline.duties
    yield title("Public revenue by authority")
    if frame.is_empty():
        yield bullet("none in the touched products, or the tariffs are unknown in this world")
        return
    shown = frame.sort((pl.col("amount_new") - pl.col("amount_base")).abs(), descending=True)
    rows = [
        _from_to(
            f"{row['receiver']}: {row['authority']}" + (" (tax)" if _is_tax(row) else ""),
            row["amount_base"],
            row["amount_new"],
        )
        for row in shown.head(_TOP_SUPPLIERS).iter_rows(named=True)
    ]
    if frame.height > 1:
        base, new = (float(frame[column].sum()) for column in ("amount_base", "amount_new"))
        rows.append(_from_to("total", base, new))
    yield table(("", "base USD", "new USD", "change"), rows)


def _is_tax(row: dict[str, Any]) -> bool:
    return bool(row["kind"] == "export_tax")


def _welfare(headline: Headline) -> Iterator[RenderableType]:
    yield title("Welfare, change in USD (touched products; stages of a chain are not added up)")
    frame = headline.welfare
    mine = frame.filter(pl.col("country").is_in(headline.buyers))
    if len(headline.buyers) > FEW_BUYERS:
        mine = mine.sort("consumer_surplus", nulls_last=True).head(_TOP_BUYERS)
    others = frame.join(mine, on="country", how="anti")
    movers = others.filter(pl.col("producer_surplus").is_not_null()).sort(
        pl.col("producer_surplus").abs(), "country", descending=[True, False]
    )
    shown = pl.concat([mine, movers.head(_TOP_BUYERS)])
    columns = ("consumer_surplus", "producer_surplus", "revenue", "net")
    yield table(
        ("country", "consumers", "producers", "revenue", "net"),
        [
            (row["country"], *(money(row[c], signed=True) for c in columns))
            for row in shown.iter_rows(named=True)
        ],
    )
    why = _why_incomplete(headline, shown)
    if why:
        yield note(f'"-" is unknown, not zero: {"; ".join(why)}.')


def _why_incomplete(headline: Headline, shown: pl.DataFrame) -> list[str]:
    world = headline.run.manifest["world"]
    why = []
    known = world["tariff_importers"]
    no_revenue = shown.filter(pl.col("revenue").is_null())["country"].to_list()
    strangers = [c for c in no_revenue if known is not None and c not in known]
    if strangers:
        why.append(f"the tariffs of {some(strangers)} are not in this world")
    if world["observed_importers"] is not None:
        why.append(f"only purchases of {some(world['observed_importers'])} are observed")
    lost = set(headline.unserved["importer"].to_list())
    unserved = [c for c in shown["country"].to_list() if c in lost]
    if unserved:
        why.append(f"{some(unserved)} cannot buy some product at any price")
    return why


def _products(headline: Headline) -> Iterator[RenderableType]:
    yield title(f"Products that cost {_who(headline)} most")
    yield table(
        ("product", "price index", "imports USD", "", "consumers"),
        [
            (
                _product(row),
                change(row["price_index_hat"]),
                money(row["value_base"]),
                f"-> {money(row['value_new'])}",
                money(row["consumer_surplus"], signed=True),
            )
            for row in headline.products.head(_TOP_PRODUCTS).iter_rows(named=True)
        ],
    )


def _moves(headline: Headline) -> Iterator[RenderableType]:
    yield title("Trade that moves most")
    yield table(
        ("product", "supplier", "imports USD", "", "change"),
        [
            (
                _product(row),
                row["exporter"],
                money(row["value_base"]),
                f"-> {money(row['value_new'])}",
                money(row["value_new"] - row["value_base"], signed=True),
            )
            for row in headline.moves.head(_TOP_MOVES).iter_rows(named=True)
        ],
    )


def _unserved(headline: Headline) -> Iterator[RenderableType]:
    frame = headline.unserved
    if frame.is_empty():
        yield bullet("Unserved: none; every market keeps a supplier.")
        return
    pairs = [f"{r['importer']} {r['product']}" for r in frame.iter_rows(named=True)]
    yield bullet(
        f"Unserved: {count(frame.height, 'market')} (importer and product) left without any "
        f"supplier, {money(float(frame['expenditure_base'].sum()))} USD of baseline spending: "
        f"{some(pairs)}. Not in the totals."
    )


def _accuracy(headline: Headline) -> Iterator[RenderableType]:
    failed, worst = headline.failures, headline.accuracy
    if failed.is_empty():
        bound = worst["error_bound"]
        proven = "" if bound is None else f", log-price error proven below {tiny(bound)}"
        yield bullet(
            f"Converged: all {count(worst['products'], 'product')}; residual at most "
            f"{tiny(worst['residual'])}{proven}."
        )
        return
    names = [f"{r['product']} ({r['status']})" for r in failed.iter_rows(named=True)]
    yield bullet(
        f"NOT CONVERGED: {failed.height:,} of {count(worst['products'], 'product')}: "
        f"{some(names)}. Their figures are not to be used."
    )


def _from_to(label: str, base: float | None, new: float | None) -> tuple[str, ...]:
    return (label, money(base), money(new), change(ratio(new, base)))


def _product(row: dict[str, Any]) -> str:
    text = row["text"] or ""
    return f"{row['product']} {text}".strip()
