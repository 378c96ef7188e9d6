"""What a run says, for people: the terminal summary, and the band that exclusions need."""

from tradewedge.report.band import sigma_band
from tradewedge.report.summary import summary, text

__all__ = ["sigma_band", "summary", "text"]
