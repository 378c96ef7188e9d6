"""One scenario of a run, narrowed to what it touches: trade, prices, surplus of its buyers.

Totals cover the products that the scenario touches: those of the flows that its measures meet, or
under a reference those of the flows that it treats differently than that. *Buyers* are the
importers of those flows. Products without an answer are left out on both sides. Markets left
without a supplier are out of prices, spending and surplus, and their lost spending is counted by
itself; the imports that they lose are in the trade figures. Money is thousand USD throughout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import polars as pl

from tradewedge.codes import is_group
from tradewedge.report.wording import beyond
from tradewedge.segments import MARK
from tradewedge.store import Run

FEW_BUYERS: Final = 3
#: Statuses of products that have figures; the others have none.
ANSWERED: Final = ("converged", "max_steps")
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
        """Importers of the touched flows, sorted."""
        return list(self.entry["importers"])

    @cached_property
    def who(self) -> str:
        """The buyers in words: their names where few, with the group that the measures name."""
        named = ", ".join(self.buyers)
        text = named if len(self.buyers) <= FEW_BUYERS else f"{len(self.buyers)} importers"
        asked = {str(measure.get("importer", "*")) for measure in self.entry["measures"]}
        group = asked.pop() if len(asked) == 1 else ""
        return f"{group} ({text})" if is_group(group) and group not in self.buyers else text

    @cached_property
    def products_left(self) -> int:
        """How many touched products have an answer."""
        return int(self.covered.select(pl.len()).collect().item())

    @cached_property
    def totals(self) -> dict[str, Any]:
        """Of all buyers, as :func:`prices` gives them."""
        return prices(self.bought).collect().row(0, named=True)

    @property
    def beyond(self) -> bool:
        """Whether the mean price is outside what the model can tell."""
        return beyond(self.totals["price_index_hat"])

    @cached_property
    def by_buyer(self) -> pl.DataFrame:
        """As ``totals``, by importer; the hardest hit in money first."""
        return (
            prices(self.bought, "importer")
            .sort("consumer_surplus", "importer", nulls_last=True)
            .collect()
        )

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """The buyers' purchases by product, exporter and ``home`` (bought at home), in one pass.

        ``value_base``, ``value_new`` border values; ``known`` that of ``value_base`` whose tons are
        known, ``tons_base`` and ``tons_new`` those tons; ``moved`` that of ``value_base`` whose
        quantity has an answer, ``volume_new`` the same at the new quantity.
        """
        value, quantity = pl.col("value_base"), pl.col("quantity_base")
        weighed, moved = quantity.is_not_null(), pl.col("quantity_hat").is_not_null()
        # What is not summed is null, row by row: several times as fast as a filter within groups.
        rows = self.flows.select(
            "product",
            "exporter",
            *_SUMS,
            home=at_home(),
            known=pl.when(weighed).then(value),
            tons_base=quantity,
            tons_new=pl.when(weighed).then("quantity_new"),
            moved=pl.when(moved).then(value),
            volume_new=value * pl.col("quantity_hat"),
        )
        return rows.group_by("product", "exporter", "home").sum().collect()

    @property
    def imports(self) -> pl.DataFrame:
        """Those of ``pairs`` that come from abroad."""
        return self.pairs.filter(~pl.col("home"))

    @cached_property
    def trade(self) -> dict[str, Any]:
        """What the buyers import and what they buy at home, base and new.

        ``imports_*`` and ``home_*`` at border values, ``volume_*`` imports at baseline prices,
        ``tons_*`` imports where tons are known, ``tons_share`` their share in imports.
        """
        abroad = ~pl.col("home")
        return self.pairs.select(
            *(
                pl.col(f"value_{when}").filter(mask).sum().alias(f"{kind}_{when}")
                for kind, mask in (("imports", abroad), ("home", ~abroad))
                for when in ("base", "new")
            ),
            pl.col("tons_base", "tons_new").filter(abroad).sum(),
            volume_base=pl.col("moved").filter(abroad).sum(),
            volume_new=pl.col("volume_new").filter(abroad).sum(),
            tons_share=pl.col("known").filter(abroad).sum()
            / pl.col("value_base").filter(abroad).sum(),
        ).row(0, named=True)

    @cached_property
    def suppliers(self) -> pl.DataFrame:
        """exporter, value_base, value_new, share_base, share_new of the buyers' imports.

        Largest first, before or after, whichever is larger.
        """
        return (
            self.imports.group_by("exporter")
            .agg(pl.col(_SUMS).sum())
            .with_columns(
                share_base=pl.col("value_base") / pl.col("value_base").sum(),
                share_new=pl.col("value_new") / pl.col("value_new").sum(),
            )
            .sort(pl.max_horizontal(_SUMS), "exporter", descending=[True, False])
        )

    @cached_property
    def products(self) -> pl.DataFrame:
        """The buyers' purchases by product: those nobody can buy, then by loss of surplus."""
        imports = self.imports.group_by("product").agg(pl.col(_SUMS).sum())
        return (
            prices(self.bought, "product")
            .join(imports.lazy(), on="product", how="left")
            .join(self.run.scan("products").select("product", "text"), on="product", how="left")
            .sort(
                pl.col("consumer_surplus").is_not_null(),
                "consumer_surplus",
                -pl.col("lost_spending"),
                "product",
            )
            .collect()
        )

    @cached_property
    def moves(self) -> pl.DataFrame:
        """product, text, exporter, value_base, value_new: the largest changes in imports first."""
        change = (pl.col("value_new") - pl.col("value_base")).abs()
        return (
            self.imports.lazy()
            .select("product", "exporter", *_SUMS)
            .join(self.run.scan("products").select("product", "text"), on="product", how="left")
            .sort(change, "product", "exporter", descending=[True, False, False])
            .head(20)
            .collect()
        )

    @cached_property
    def touched_parameters(self) -> pl.DataFrame:
        """product, sigma, eta, eta_kind, eta_composite, home_share, weight (the buyers' spending).

        A row per touched product.
        """
        weight = self.bought.group_by("product").agg(weight=pl.col("expenditure_base").sum())
        return (
            self.run.scan("parameters")
            .select("product", "sigma", "eta", "eta_kind")
            .unique("product")
            .join(weight, on="product")
            .join(
                self.run.scan("products").select("product", "eta_composite", "home_share"),
                on="product",
            )
            .sort("product")
            .collect()
        )

    @property
    def mean_sigma(self) -> float:
        """Mean sigma of the touched products, weighted by the buyers' spending."""
        weight = pl.col("weight")
        mean = (pl.col("sigma") * weight).sum() / weight.sum()
        return float(self.touched_parameters.select(mean).item())

    @cached_property
    def unserved(self) -> pl.DataFrame:
        """product, importer, expenditure_base of every market left without a supplier."""
        return (
            self.run.scan_of("importers", self.name)
            .filter("unserved")
            .select("product", "importer", "expenditure_base")
            .sort("expenditure_base", "product", "importer", descending=[True, False, False])
            .collect()
        )

    @cached_property
    def failures(self) -> pl.DataFrame:
        """product, status, residual of what did not converge."""
        return self._status.filter(pl.col("status") != "converged").collect()

    @cached_property
    def accuracy(self) -> dict[str, Any]:
        """products, residual and error_bound (the largest of each) of the scenario."""
        return (
            self._status.select(
                pl.len().alias("products"),
                pl.col("residual").max(),
                pl.col("error_bound").max(),
            )
            .collect()
            .row(0, named=True)
        )

    @cached_property
    def covered(self) -> pl.LazyFrame:
        """product: what is touched and has an answer."""
        void = self._status.filter(~pl.col("status").is_in(ANSWERED))
        return (
            self.run.scan_of("coverage", self.name)
            .join(void, on="product", how="anti")
            .select("product")
        )

    def touched(self, table: str) -> pl.LazyFrame:
        """The rows of a table that belong to the scenario and to products in ``covered``."""
        return self.run.scan_of(table, self.name).join(self.covered, on="product", how="semi")

    @cached_property
    def bought(self) -> pl.LazyFrame:
        """Touched rows of ``importers`` that belong to buyers."""
        return self.touched("importers").filter(pl.col("importer").is_in(self.buyers))

    @cached_property
    def flows(self) -> pl.LazyFrame:
        """Touched rows of ``flows`` to buyers, home sales too."""
        return self.touched("flows").filter(pl.col("importer").is_in(self.buyers))

    @property
    def _status(self) -> pl.LazyFrame:
        return self.run.scan_of("status", self.name).select(
            "product", "status", "residual", "error_bound"
        )


def at_home() -> pl.Expr:
    """Whether a flow is a home sale; a segment of an importer buys at home from its parent."""
    return pl.col("exporter") == pl.col("importer").str.split(MARK).list.first()


def prices(rows: pl.LazyFrame, *keys: str) -> pl.LazyFrame:
    """Aggregate rows of an importers table; markets left unserved are counted, not averaged.

    price_index_hat and price_index_median are weighted by baseline spending: the mean is the cost
    of the baseline's purchases, which a few products with extreme prices can dominate.
    composite_hat is what they get of the goods, spending over price index, new over base.
    expenditure_base, expenditure_new and consumer_surplus are those of served markets, the last
    null where there is none; unserved is a count, lost_spending the baseline spending there.
    """
    served = ~pl.col("unserved") & pl.col("price_index_hat").is_not_null()
    price = pl.col("price_index_hat").filter(served)
    weight = pl.col("expenditure_base").filter(served)
    reached = weight.sort_by(price).cum_sum() >= weight.sum() / 2.0
    aggregates = [
        ((price * weight).sum() / weight.sum()).alias("price_index_hat"),
        price.sort().filter(reached).first().alias("price_index_median"),
        weight.sum(),
        pl.col("expenditure_new").filter(served).sum(),
        ((pl.col("expenditure_new").filter(served) / price).sum() / weight.sum()).alias(
            "composite_hat"
        ),
        pl.when(served.any())
        .then(pl.col("consumer_surplus").filter(served).sum())
        .alias("consumer_surplus"),
        pl.col("unserved").sum(),
        pl.col("expenditure_base").filter("unserved").sum().alias("lost_spending"),
    ]
    if keys:
        return rows.group_by(keys).agg(aggregates)
    return rows.select(aggregates)
