"""The figures of one scenario that the summary shows, computed from a run's tables.

Totals cover the products that the scenario, or what it is compared with, touches; *buyers* are
the importers of those flows. Money is thousand USD throughout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from tradewedge.store import Run

_SUMS = ("value_base", "value_new")


@dataclass(frozen=True, eq=False)
class Headline:
    """One scenario of a run, narrowed to what it touches.

    Attributes
    ----------
    run : Run
    entry : Mapping
        The scenario's entry in the manifest.
    """

    run: Run
    entry: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return str(self.entry["name"])

    @cached_property
    def buyers(self) -> list[str]:
        """Importers that the scenario, or the reference, touches, sorted."""
        return list(self.entry["importers"])

    @cached_property
    def totals(self) -> dict[str, Any]:
        """Of all buyers: price_index_hat (mean) and price_index_median, spending, surplus."""
        return _prices(self._bought).collect().row(0, named=True)

    @cached_property
    def by_buyer(self) -> pl.DataFrame:
        """As ``totals``, by importer; the hardest hit in money first."""
        return (
            _prices(self._bought, "importer")
            .sort("consumer_surplus", "importer", nulls_last=True)
            .collect()
        )

    @cached_property
    def trade(self) -> dict[str, Any]:
        """imports_base, imports_new, home_base, home_new of the buyers, at border values."""
        home = pl.col("exporter") == pl.col("importer")
        sums = [
            pl.col(f"value_{when}").filter(mask).sum().alias(f"{kind}_{when}")
            for kind, mask in (("imports", ~home), ("home", home))
            for when in ("base", "new")
        ]
        return self._flows.select(sums).collect().row(0, named=True)

    @cached_property
    def suppliers(self) -> pl.DataFrame:
        """exporter, value_base, value_new, share_base, share_new of the buyers' imports.

        Largest first, before or after, whichever is larger.
        """
        return (
            self._imports.group_by("exporter")
            .agg(pl.col(_SUMS).sum())
            .with_columns(
                share_base=pl.col("value_base") / pl.col("value_base").sum(),
                share_new=pl.col("value_new") / pl.col("value_new").sum(),
            )
            .sort(pl.max_horizontal(_SUMS), "exporter", descending=[True, False])
            .collect()
        )

    @cached_property
    def duties(self) -> pl.DataFrame:
        """receiver, authority, kind, amount_base, amount_new of the public receipts."""
        receivers = self.buyers if len(self.buyers) <= 3 else None
        rows = self._touched("transfers")
        if receivers is not None:
            rows = rows.filter(
                pl.col("receiver").is_in(receivers) | (pl.col("kind") == "export_tax")
            )
        return (
            rows.group_by("receiver", "authority", "kind")
            .agg(pl.col("amount_base", "amount_new").sum())
            .filter((pl.col("amount_base") != 0) | (pl.col("amount_new") != 0))
            .sort("receiver", "kind", "authority")
            .collect()
        )

    @cached_property
    def welfare(self) -> pl.DataFrame:
        """Surplus, revenue and net by country; a sum is null where any of its parts is."""
        parts = ("consumer_surplus", "producer_surplus", "revenue", "rents", "net")
        return (
            self._touched("welfare")
            .group_by("country")
            .agg(
                *(
                    pl.when(pl.col(part).is_not_null().all()).then(pl.col(part).sum()).alias(part)
                    for part in parts
                ),
                incomplete=(~pl.col("complete")).sum(),
                products=pl.len(),
            )
            .sort("country")
            .collect()
        )

    @cached_property
    def products(self) -> pl.DataFrame:
        """The buyers' purchases by product; the largest loss of surplus first."""
        bought = _prices(self._bought, "product")
        imports = self._imports.group_by("product").agg(pl.col(_SUMS).sum())
        return (
            bought.join(imports, on="product", how="left")
            .join(self.run.scan("products"), on="product", how="left")
            .sort("consumer_surplus", "product", nulls_last=True)
            .collect()
        )

    @cached_property
    def moves(self) -> pl.DataFrame:
        """product, text, exporter, value_base, value_new: the largest changes in imports first."""
        change = (pl.col("value_new") - pl.col("value_base")).abs()
        return (
            self._imports.group_by("product", "exporter")
            .agg(pl.col(_SUMS).sum())
            .join(self.run.scan("products"), on="product", how="left")
            .sort(change, "product", "exporter", descending=[True, False, False])
            .head(20)
            .collect()
        )

    @cached_property
    def unserved(self) -> pl.DataFrame:
        """product, importer, expenditure_base of every market left without a supplier."""
        return (
            self.run.scan("importers")
            .filter((pl.col("scenario") == self.name) & pl.col("unserved"))
            .select("product", "importer", "expenditure_base")
            .sort("expenditure_base", "product", "importer", descending=[True, False, False])
            .collect()
        )

    @cached_property
    def failures(self) -> pl.DataFrame:
        """product, status, residual of what did not converge."""
        return (
            self.run.scan("status")
            .filter((pl.col("scenario") == self.name) & (pl.col("status") != "converged"))
            .select("product", "status", "residual")
            .collect()
        )

    @cached_property
    def accuracy(self) -> dict[str, Any]:
        """products, residual and error_bound (the largest of each) of the scenario."""
        return (
            self.run.scan("status")
            .filter(pl.col("scenario") == self.name)
            .select(
                pl.len().alias("products"),
                pl.col("residual").max(),
                pl.col("error_bound").max(),
            )
            .collect()
            .row(0, named=True)
        )

    @cached_property
    def band(self) -> pl.DataFrame | None:
        """Per sigma, as ``totals``; None where the run holds no band for this scenario."""
        rows = self._band_rows()
        return None if rows is None else _prices(rows, "sigma").sort("sigma").collect()

    @cached_property
    def product_band(self) -> pl.DataFrame | None:
        """Per product and sigma, as ``totals``."""
        rows = self._band_rows()
        if rows is None:
            return None
        return _prices(rows, "product", "sigma").sort("product", "sigma").collect()

    def _band_rows(self) -> pl.LazyFrame | None:
        if "sigma_band" not in self.run.tables:
            return None
        rows = self.run.scan("sigma_band").filter(pl.col("scenario") == self.name)
        return None if rows.head(1).collect().is_empty() else rows

    def _touched(self, table: str) -> pl.LazyFrame:
        covered = self.run.scan("coverage").filter(pl.col("scenario") == self.name)
        return (
            self.run.scan(table)
            .filter(pl.col("scenario") == self.name)
            .join(covered.select("product"), on="product", how="semi")
        )

    @cached_property
    def _bought(self) -> pl.LazyFrame:
        return self._touched("importers").filter(pl.col("importer").is_in(self.buyers))

    @cached_property
    def _flows(self) -> pl.LazyFrame:
        return self._touched("flows").filter(pl.col("importer").is_in(self.buyers))

    @property
    def _imports(self) -> pl.LazyFrame:
        return self._flows.filter(pl.col("exporter") != pl.col("importer"))


def _prices(rows: pl.LazyFrame, *keys: str) -> pl.LazyFrame:
    """Aggregate rows of an importers table; unserved markets are counted, not averaged.

    Mean and median are weighted by baseline spending: the mean is the cost of the baseline's
    purchases, which a few products with extreme prices can dominate.
    """
    served = ~pl.col("unserved")
    price = pl.col("price_index_hat").filter(served)
    weight = pl.col("expenditure_base").filter(served)
    reached = weight.sort_by(price).cum_sum() >= weight.sum() / 2.0
    aggregates = [
        ((price * weight).sum() / weight.sum()).alias("price_index_hat"),
        price.sort().filter(reached).first().alias("price_index_median"),
        pl.col("expenditure_base").sum(),
        pl.col("expenditure_new").sum(),
        pl.col("consumer_surplus").filter(served).sum(),
        pl.col("unserved").sum(),
        pl.col("expenditure_base").filter(~served).sum().alias("lost_spending"),
    ]
    if keys:
        return rows.group_by(keys).agg(aggregates)
    return rows.select(aggregates)
