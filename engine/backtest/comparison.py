"""Observed and predicted changes in one table each, and what is scored of them."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from tradewedge.backtest.observed import KEYS, UNIT, Change
from tradewedge.errors import ConfigError

WEIGHTS: Final = ("value", "equal")
#: What is compared, and in words.
WHAT: Final = {
    "supplier_shares": "shares of all suppliers",
    "target_shares": "shares of the suppliers that the measures hit",
    "import_value": "value of imports, net of the product's growth elsewhere",
    "unit_value": "unit value of imports, net of the product's elsewhere",
}


@dataclass(frozen=True)
class Cut:
    """What is too small to be scored.

    Attributes
    ----------
    least_value : float
        Imports of a product in the year before, thousand USD.
    least_share : float
        Share of a supplier in the year before, for ranks and signs.
    weights : {"value", "equal"}
        Errors of products and importers count by their imports in the year before, or alike.
    """

    least_value: float = 100.0
    least_share: float = 0.001
    weights: str = "value"

    def __post_init__(self) -> None:
        if self.weights not in WEIGHTS:
            raise ConfigError(f"weights {self.weights!r}: choose {' or '.join(WEIGHTS)}")
        for name, value in (("least_value", self.least_value), ("least_share", self.least_share)):
            if not value >= 0:
                raise ConfigError(f"{name} must be 0 or more, not {value}")


@dataclass(frozen=True, eq=False)
class Comparison:
    """One prediction beside what happened.

    Attributes
    ----------
    shares : DataFrame
        product, importer, exporter, target, import_value, share_before, share_after,
        share_predicted.
    totals : DataFrame
        product, importer, import_value, value_observed, value_predicted, unit_value_observed,
        unit_value_predicted: log changes net of the product's elsewhere; and the same ``_gross``.
    """

    shares: pl.DataFrame
    totals: pl.DataFrame

    def answered(self) -> set[str]:
        """Products for which there is a prediction."""
        silent = self.shares.filter(pl.col("share_predicted").is_null())["product"]
        return set(self.shares["product"]) - set(silent)

    def only(self, products: set[str]) -> "Comparison":
        """The same for some products."""
        kept = pl.col("product").is_in(sorted(products))
        return Comparison(self.shares.filter(kept), self.totals.filter(kept))


def compare(observed: Change, predicted: Change, targets: pl.DataFrame, cut: Cut) -> Comparison:
    """Lay a prediction beside what happened; what bought nothing in either year is left out.

    A product that a model gives no answer for has null predictions.
    """
    size = observed.totals.filter(
        pl.col("import_value") >= cut.least_value, pl.col("value_gross").is_not_null()
    ).select(*UNIT, "import_value")
    hit = targets.with_columns(target=pl.lit(True))
    shares = (
        observed.shares.join(size, on=UNIT)
        .join(predicted.shares.select(*KEYS, "share_1"), on=KEYS, how="left", suffix="_p")
        .join(hit, on=KEYS, how="left")
        .select(
            *KEYS,
            pl.col("target").fill_null(False),
            "import_value",
            share_before="share_0",
            share_after="share_1",
            # A supplier that the year before does not know is predicted to stay away.
            share_predicted=pl.when(pl.col("share_0") > 0)
            .then("share_1_p")
            .otherwise(pl.when(_answered()).then(0.0)),
        )
        .sort(KEYS)
    )
    numbers = ("value", "unit_value", "value_gross", "unit_value_gross")
    totals = size.join(observed.totals.drop("import_value"), on=UNIT).join(
        predicted.totals.drop("import_value"), on=UNIT, how="left", suffix="_p"
    )
    totals = totals.select(
        *UNIT,
        "import_value",
        *(
            pl.col(f"{name}{end}").alias(f"{name}_{what}")
            for name in numbers
            for end, what in (("", "observed"), ("_p", "predicted"))
        ),
    ).sort(UNIT)
    return Comparison(shares, totals)


def _answered() -> pl.Expr:
    return pl.col("share_1_p").is_not_null().any().over(UNIT)


def scored(one: Comparison, what: str, cut: Cut) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Errors and ranks of one of :data:`WHAT`, as :func:`~.scores.score` takes them."""
    errors, ranks = _of_shares(one, what, cut) if "shares" in what else _of_totals(one, what)
    if cut.weights == "equal":
        errors = errors.with_columns(weight=pl.lit(1.0))
    return errors, ranks


def _of_shares(one: Comparison, what: str, cut: Cut) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = one.shares.filter(
        pl.col("share_predicted").is_not_null().all().over(UNIT)
        & (pl.col("target") if what == "target_shares" else pl.lit(True))
    )
    half = 0.5 if what == "supplier_shares" else 1.0  # a share that moves is lost here, won there
    errors = rows.group_by(UNIT).agg(
        error=half * (pl.col("share_predicted") - pl.col("share_after")).abs().sum(),
        error_no_change=half * (pl.col("share_before") - pl.col("share_after")).abs().sum(),
        weight=pl.col("import_value").first(),
    )
    ranks = rows.filter(pl.col("share_before") >= cut.least_share).select(
        *UNIT,
        observed=(pl.col("share_after") / pl.col("share_before")).log(),
        predicted=(pl.col("share_predicted") / pl.col("share_before")).log(),
    )
    return errors.sort(UNIT), ranks


def _of_totals(one: Comparison, what: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    name = what.removeprefix("import_")
    observed, predicted = f"{name}_observed", f"{name}_predicted"
    rows = one.totals.drop_nulls([observed, predicted])
    errors = rows.select(
        *UNIT,
        error=(pl.col(predicted) - pl.col(observed)).abs(),
        error_no_change=pl.col(observed).abs(),
        weight="import_value",
    )
    ranks = rows.select(*UNIT, observed=observed, predicted=predicted)
    return errors, ranks
