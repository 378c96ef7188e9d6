"""What every step of a build takes and gives: flows, and lines of the audit."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from tradewedge.sources.tally import DROPPED, KEPT, MADE, OF_THESE, READ, audit_frame, exact


@dataclass(frozen=True, eq=False)
class Stage:
    """Flows after a step.

    Attributes
    ----------
    flows : DataFrame
        year, product, exporter, importer, value, quantity.
    audit : DataFrame
        step, reason, rows, value.
    beside : mapping of str to DataFrame
        Tables to be written beside the world, by file stem.
    """

    flows: pl.DataFrame
    audit: pl.DataFrame
    beside: dict[str, pl.DataFrame] = field(default_factory=dict)


def audit(
    step: str,
    before: pl.DataFrame,
    kept: pl.DataFrame,
    *,
    dropped: Sequence[tuple[str, pl.DataFrame]] = (),
    notes: Sequence[tuple[str, pl.DataFrame]] = (),
    made: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Lines of a step: what it read, dropped and kept, and what became of that.

    Parameters
    ----------
    before, kept : DataFrame
        Rows as the step read them.
    dropped, notes : sequence of (str, DataFrame)
        Reasons, with the rows each one took; those without rows are left out.
    made : DataFrame, optional
        The rows that it wrote, where these are others; of the same value as ``kept``.
    """
    lines = [(step, READ, *exact(before))]
    lines += [(step, DROPPED + text, *exact(rows)) for text, rows in dropped if rows.height]
    lines.append((step, KEPT, *exact(kept)))
    lines += [(step, OF_THESE + text, *exact(rows)) for text, rows in notes if rows.height]
    if made is not None:
        lines.append((step, MADE, *exact(made)))
    return audit_frame(lines)
