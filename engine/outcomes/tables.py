"""Every outcome table of a scenario, computed range of products by range of products."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import polars as pl
from polars.io.plugins import register_io_source

from tradewedge.kernels.part import Part
from tradewedge.models import Solution
from tradewedge.outcomes import diagnosis, limits, money, trade
from tradewedge.outcomes.parts import NOTHING, parts, solution_of, wedges_of, worlds
from tradewedge.outcomes.piece import Piece
from tradewedge.policy import Wedges
from tradewedge.tables import as_text
from tradewedge.world import World

TABLES: Mapping[str, Callable[[Piece], pl.DataFrame]] = {
    "flows": trade.flows,
    "exporters": trade.exporters,
    "importers": trade.importers,
    "diversion": trade.diversion,
    "transfers": money.transfers,
    "welfare": money.welfare,
    "limits": lambda piece: limits.limits(piece.world, piece.new),
    "status": lambda piece: diagnosis.status(piece.world, piece.solution),
}
"""Tables with a row per scenario and something, sorted by their keys."""


def scenario_frames(
    world: World,
    against: Wedges | Solution,
    solution: Solution,
    names: Sequence[str] = tuple(TABLES),
    cuts: Sequence[Part] | None = None,
) -> Iterator[dict[str, pl.DataFrame]]:
    """The tables of one scenario, by name, for one range of products after the other.

    Codes in their keys are Enums of the range, of which :func:`~tradewedge.tables.as_text` makes
    strings.

    Parameters
    ----------
    world : World
    against : Wedges or Solution
        What ``_base`` and ``_hat`` refer to.
    solution : Solution
    names : sequence of str
        Of :data:`TABLES`.
    cuts : sequence of Part, optional
        Default: ranges that fit in cache.
    """
    scenario = solution.wedges.scenario
    compared = against.wedges.scenario if isinstance(against, Solution) else None
    invented = scenario.hypothetical or (compared is not None and compared.hypothetical)
    cuts = parts(world) if cuts is None else cuts
    for part, some in zip(cuts, worlds(world, cuts), strict=True):
        piece = Piece(some, _cut(against, part), solution_of(solution, part))
        yield {name: _labelled(TABLES[name](piece), scenario.name, invented) for name in names}


def _labelled(frame: pl.DataFrame, scenario: str, invented: bool) -> pl.DataFrame:
    """The table with its scenario in front and whether that is hypothetical behind."""
    name = pl.Series("scenario", [scenario], dtype=pl.Enum([scenario]))
    mark = pl.Series("hypothetical", [invented])
    rows = frame.height
    return pl.DataFrame(
        [name.new_from_index(0, rows), *frame.get_columns(), mark.new_from_index(0, rows)]
    )


def _cut(against: Wedges | Solution, part: Part) -> Wedges | Solution:
    return solution_of(against, part) if isinstance(against, Solution) else wedges_of(against, part)


def scan_frames(
    frames: Callable[[Sequence[Part] | None], Iterator[pl.DataFrame]],
) -> pl.LazyFrame:
    """A table that is computed when it is collected, and again each time.

    Parameters
    ----------
    frames : callable
        Returns the table's parts for ranges of products; None: those that fit in cache.
    """

    def source(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        left = rows
        for frame in map(as_text, frames(None)):
            if left is not None:
                frame = frame.head(left)
                left -= frame.height
            if predicate is not None:
                frame = frame.filter(predicate)
            yield frame if columns is None else frame.select(columns)
            if left == 0:
                return

    return register_io_source(source, schema=as_text(next(frames([NOTHING]))).schema)
