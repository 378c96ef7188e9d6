"""How much the answer to an exclusion depends on sigma."""

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl
from rich.console import RenderableType

from tradewedge.report.headline import Headline, prices
from tradewedge.report.layout import bullet, note, table, title
from tradewedge.report.rankings import product
from tradewedge.report.trade import NO_CHANGE
from tradewedge.report.wording import (
    ABSURD,
    BEYOND,
    beyond,
    change,
    money,
    plain,
    price_change,
    ratio,
)

_PRODUCTS: Final = 5


def band_section(headline: Headline) -> Iterator[RenderableType]:
    """Totals and the hardest hit products at several sigma, and at the products' own."""
    if not headline.entry["excludes"]:
        return
    rows = band_rows(headline)
    if rows is None:
        yield title("How much depends on sigma")
        yield bullet(
            "sigma decides what a lost supplier costs, and this result holds no band over sigma: "
            "do not read the figures above as one answer. `tradewedge run` solves the band."
        )
        return
    yield title("How much depends on sigma (substitution among suppliers)")
    yield from _totals(headline, rows)
    yield from _by_product(headline, rows)


def band_rows(headline: Headline) -> pl.LazyFrame | None:
    """The band's rows of this scenario and its products; None where the run holds none."""
    if "sigma_band" not in headline.run.tables:
        return None
    rows = headline.touched("sigma_band")
    return None if rows.head(1).collect().is_empty() else rows


def band(rows: pl.LazyFrame, *keys: str) -> pl.DataFrame:
    """Per sigma, and per product where asked, as :func:`prices` gives it."""
    return prices(rows, *keys, "sigma").sort(*keys, "sigma").collect()


def own(headline: Headline, rows: pl.LazyFrame) -> pl.DataFrame:
    """The same totals at each product's own sigma, over the markets that the band covers."""
    markets = rows.select("product", "importer").unique()
    bought = headline.bought.join(markets, on=["product", "importer"], how="semi")
    return prices(bought).collect()


def _totals(headline: Headline, rows: pl.LazyFrame) -> Iterator[RenderableType]:
    found = band(rows)
    labels = [f"{sigma:g} for every product" for sigma in found["sigma"]]
    every = pl.concat([found.drop("sigma"), own(headline, rows)])
    labels.append(f"its own (mean {plain(headline.mean_sigma)})")
    columns = {
        "price index": [price_change(value) for value in every["price_index_hat"]],
        "median": [price_change(value) for value in every["price_index_median"]],
        "spending": [
            BEYOND if beyond(price) else change(ratio(new, base))
            for price, base, new in every.select(
                "price_index_hat", "expenditure_base", "expenditure_new"
            ).iter_rows()
        ],
        "consumer surplus": [
            "-" if beyond(price) else money(value, signed=True)
            for price, value in every.select("price_index_hat", "consumer_surplus").iter_rows()
        ],
    }
    if set(columns["median"]) <= {NO_CHANGE, "-"}:
        del columns["median"]
    cells = zip(labels, *columns.values(), strict=True)
    yield table(("sigma", *columns), list(cells))
    absurd = every.filter(pl.col("price_index_hat").fill_nan(None) > ABSURD)
    if not absurd.is_empty():
        yield note(
            f"Beyond the model: a mean price above {ABSURD:g} times the baseline's, driven by "
            f"{_driver(rows)}. Nobody would pay it."
        )


def _short(price: float | None) -> str:
    """A price where columns are many."""
    return "beyond" if beyond(price) else change(price)


def _driver(rows: pl.LazyFrame) -> str:
    """The product that pulls the mean up most at the lowest sigma."""
    found = band(rows, "product").filter(pl.col("sigma") == pl.col("sigma").min())
    pull = (pl.col("price_index_hat") - 1.0) * pl.col("expenditure_base")
    row = found.sort(pull, descending=True, nulls_last=True).row(0, named=True)
    return str(row["product"])


def _by_product(headline: Headline, rows: pl.LazyFrame) -> Iterator[RenderableType]:
    found = band(rows, "product")
    sigmas: Sequence[float] = found["sigma"].unique().sort().to_list()
    held = dict(headline.touched_parameters.select("product", "sigma").iter_rows())
    lines = []
    hit = headline.products.drop_nulls("consumer_surplus").head(_PRODUCTS)
    for row in hit.iter_rows(named=True):
        mine = found.filter(pl.col("product") == row["product"])
        at = dict(mine.select("sigma", "price_index_hat").iter_rows())
        here = f"{price_change(row['price_index_hat'])} ({plain(held[row['product']])})"
        lines.append((product(row), *(_short(at.get(sigma)) for sigma in sigmas), here))
    yield table(("price index of product", *(f"at {s:g}" for s in sigmas), "own sigma"), lines)
    yield note(
        "Elsewhere on this page each product has its own sigma: read the band. It moves sigma "
        "alone; the home share, eta of all purchases and epsilon may matter as much."
    )
