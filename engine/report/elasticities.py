"""Where the elasticities of a world are from: counts by source, and product by product."""

from typing import TYPE_CHECKING, Final

import polars as pl

from tradewedge.provenance import DEFAULT, OWN, PREFIX, SET, counts
from tradewedge.report.layout import note, table, title

if TYPE_CHECKING:
    from rich.console import RenderableType

_SHORT: Final = {OWN: "own", PREFIX: "prefix", DEFAULT: "default", SET: "set"}


def elasticity_counts(rows: pl.DataFrame, set_name: str) -> "RenderableType":
    """Products by source of each elasticity; ``rows`` as of ``World.elasticity_sources``."""
    from rich.console import Group

    told = counts(rows)
    parts: list[RenderableType] = []
    for name in told["elasticity"].unique(maintain_order=True):
        lines = [
            (
                line["source"],
                f"{line['products']:,}",
                *(f"{line[way]:,}" if line[way] else "" for way in _SHORT),
                _range(line["least"], line["most"]),
            )
            for line in told.filter(elasticity=name).iter_rows(named=True)
        ]
        header = (f"{name} from", "products", *_SHORT.values(), "range")
        parts += [title(f"{name}: {set_name}"), table(header, lines)]
    notes = rows.filter(pl.col("note") != "").group_by("elasticity", maintain_order=True).len()
    for name, number in notes.iter_rows():
        parts.append(note(f"{number:,} product(s) with a note on {name}: --products shows them."))
    parts.append(
        note(
            "own: by the product's own code; prefix: by a shorter one; default: by the row for "
            "everything; set: one value set for all."
        )
    )
    return Group(*parts)


def elasticity_lines(rows: pl.DataFrame) -> "RenderableType":
    """A paragraph per product: each number, its standard error, and where it is from."""
    from rich.console import Group

    parts: list[RenderableType] = []
    for (product,), lines in rows.group_by("product", maintain_order=True):
        parts.append(title(str(product)))
        for line in lines.iter_rows(named=True):
            error = line["standard_error"]
            deviation = "" if error is None else f" (s.e. {error:.3g})"
            by = f", by {line['found_by']}" if line["found_by"] else ""
            by += f" {line['prefix']}" if line["found_by"] == PREFIX else ""
            more = f"; {line['note']}" if line["note"] else ""
            value = _range(line["least"], line["most"])
            parts.append(
                note(f"{line['elasticity']} {value}{deviation}: {line['source']}{by}{more}")
            )
    return Group(*parts)


def _range(least: float, most: float) -> str:
    return f"{least:.3g}" if least == most else f"{least:.3g} to {most:.3g}"
