"""Elasticities from trade data: PPML gravity with high-dimensional fixed effects."""

from tradewedge.estimation.estimates import Estimates
from tradewedge.estimation.estimator import estimate

__all__ = ["Estimates", "estimate"]
