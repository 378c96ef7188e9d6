"""Elasticities from trade data: PPML gravity with high-dimensional fixed effects."""

from tradewedge.estimation.estimate import Estimates, estimate

__all__ = ["Estimates", "estimate"]
