"""What an estimation found, as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from tradewedge.errors import ConfigError
from tradewedge.estimation.formula import TARIFF, Formula
from tradewedge.sources.elasticities import elasticity_set
from tradewedge.sources.elasticitytable import completed

COEFFICIENTS: Final = {
    "product": pl.String,
    "term": pl.String,
    "estimate": pl.Float64,
    "standard_error": pl.Float64,
    "p_value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "why_not": pl.String,
}
FITS: Final = {
    "product": pl.String,
    **dict.fromkeys(("flows", "zeros_added", "tariff_unknown", "covariate_missing"), pl.Int64),
    **dict.fromkeys(("separated", "singletons", "rows", "clusters"), pl.Int64),
    "converged": pl.Boolean,
    "why_not": pl.String,
}


@dataclass(frozen=True, eq=False)
class Estimates:
    """What was estimated.

    Attributes
    ----------
    formula : Formula
    cluster : tuple of tuple of str
        Dimensions of the clusters of the standard errors.
    values : str
        "border" or "duty_paid": what the flows hold.
    significance : float
    years : tuple of str
        Those of the flows; empty where they have none.
    coefficients : DataFrame
        product (HS prefix; "" is everything), term, estimate, standard_error, p_value, low, high
        (95 % interval), why_not; numbers are null where ``why_not`` says why.
    fits : DataFrame
        product, flows, zeros_added, tariff_unknown, covariate_missing, separated, singletons (rows
        taken out), rows (left), clusters, converged, why_not.
    sigmas : DataFrame or None
        product, sigma, standard_error, low, high, used, reason (why not used, or what to mind),
        rows, clusters; None where the formula has no log(1 + tariff).
    audit : DataFrame
        step, reason, rows, value: flows read, dropped and kept.
    """

    formula: Formula
    cluster: tuple[tuple[str, ...], ...]
    values: str
    significance: float
    years: tuple[str, ...]
    coefficients: pl.DataFrame
    fits: pl.DataFrame
    sigmas: pl.DataFrame | None
    audit: pl.DataFrame

    def elasticities(self, base: str = "central", vintage: str | None = None) -> pl.DataFrame:
        """The estimates that may be used, as a table of elasticities for a world.

        Parameters
        ----------
        base : str
            The named set that gives eta and epsilon, and sigma where nothing usable was estimated.
        vintage : str, optional
            HS edition of the products; default HS2022.

        Returns
        -------
        DataFrame
            product, sigma, eta, epsilon, source, standard_error.

        Raises
        ------
        ConfigError
            If the formula has no log(1 + tariff), or for an unknown set or edition.
        """
        if self.sigmas is None:
            raise ConfigError(
                f"{self.formula.text}: sigma is the coefficient of log(1 + {TARIFF}), which the "
                "formula does not have"
            )
        text = f"PPML, {self.formula.effects_text}"
        text += f", {self.years[0]}-{self.years[-1]}" if len(self.years) > 1 else ""
        text += ", duty-paid values (theta + 1)" if self.values == "duty_paid" else ""
        found = self.sigmas.filter("used").select(
            "product",
            "sigma",
            "standard_error",
            source=pl.format("{}; {} rows, {} clusters", pl.lit(text), "rows", "clusters"),
        )
        return completed(found, elasticity_set(base, vintage or "HS2022"))


def frame(
    rows: Sequence[tuple[object, ...]], schema: Mapping[str, type[pl.DataType]]
) -> pl.DataFrame:
    """Rows as a table, by product; no number is NaN."""
    made = pl.DataFrame(list(rows), schema=dict(schema), orient="row")
    return made.with_columns(pl.col(pl.Float64).fill_nan(None)).sort("product", maintain_order=True)
