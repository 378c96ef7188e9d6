"""From the coefficient of log(1 + tariff) to sigma, and which estimates may be used.

With x_ij the value of a flow and tau = 1 + tariff (docs/model.md)::

    border value      x_ij = p_i q_ij        ~ tau_ij^(-sigma)      sigma = -b
    duty-paid value   x_ij = p_i tau_ij q_ij ~ tau_ij^(1 - sigma)   sigma = 1 - b, theta = -b

given the exporter's price and the importer's price index and demand, which the fixed effects
absorb. The standard error is that of b either way.
"""

from typing import Final

import polars as pl

from tradewedge.errors import ConfigError
from tradewedge.estimation.ppml import Coefficient, Fit

#: What values the flows hold -> sigma at a coefficient of 0.
VALUES: Final = {"border": 0.0, "duty_paid": 1.0}
#: With fewer clusters standard errors are too small: a usual bound, Cameron and Miller (2015).
FEW_CLUSTERS: Final = 30
NO_EXCLUSIONS: Final = "exclusions need sigma above 1"

SIGMAS: Final = {
    "product": pl.String,
    "sigma": pl.Float64,
    "standard_error": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "used": pl.Boolean,
    "reason": pl.String,
    "rows": pl.Int64,
    "clusters": pl.Int64,
}


def check_values(values: str) -> None:
    """Whether it is known what values the flows hold.

    Raises
    ------
    ConfigError
    """
    if values not in VALUES:
        raise ConfigError(
            f"values={values!r}: say border (without the importer's duty: BACI, Comtrade, customs "
            "values) or duty_paid (what the buyer pays)"
        )


def row(
    product: str, found: Coefficient, fit: Fit, values: str, significance: float
) -> tuple[object, ...]:
    """A row of :data:`SIGMAS`: sigma, whether it may be used, and why not or what to mind."""
    base = VALUES[values]
    reason = _why_not(found, fit, significance)
    sigma = base - found.estimate
    notes = []
    if not reason:
        if fit.clusters < FEW_CLUSTERS:
            notes.append(f"few clusters ({fit.clusters})")
        if sigma <= 1:
            notes.append(NO_EXCLUSIONS)
    numbers = (sigma, found.standard_error, base - found.high, base - found.low)
    shown = (None if number != number else number for number in numbers)
    return (product, *shown, not reason, reason or "; ".join(notes), fit.rows, fit.clusters)


def _why_not(found: Coefficient, fit: Fit, significance: float) -> str:
    if fit.why_not or found.why_not:
        return fit.why_not or found.why_not
    if found.estimate >= 0:
        return "wrong sign: trade rises with the tariff"
    if not found.p_value < significance:
        return f"not significant at {significance:.0%} (p = {found.p_value:.2f})"
    return ""
