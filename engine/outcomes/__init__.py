"""Outcomes: a world and two levels of it, base and new, to tables."""

from tradewedge.outcomes import diagnosis, levels, limits, money, trade

__all__ = ["diagnosis", "levels", "limits", "money", "trade"]
