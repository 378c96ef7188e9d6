"""Floors, quotas and capacities: which of them bind, and who keeps what they yield."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl
from rich.console import RenderableType

from tradewedge.report.headline import Headline
from tradewedge.report.layout import note, table, title
from tradewedge.report.trade import from_to
from tradewedge.report.wording import change, share

_TOP_BINDING: Final = 6
_TOP_RENTS: Final = 8
#: A premium below this is what the solver's tolerance leaves.
_NOTHING: Final = 1e-8
_FLOOR: Final = "price_floor"
_RENTS: Final = {
    "floor_rent": "rent of a floor",
    "quota_rent": "rent of a quota",
    "scarcity_rent": "scarcity rent",
}


def instruments(headline: Headline) -> Iterator[RenderableType]:
    """Counts by measure, the limits that bind most, the rents."""
    frame = limits(headline)
    if not frame.is_empty():
        yield title("Limits: floors, quotas, capacities")
        yield from _by_measure(frame)
        yield from _binding(frame)
    yield from _rents(headline)


def limits(headline: Headline) -> pl.DataFrame:
    """The scenario's limits, with ``binds``; those with the highest premium first."""
    return (
        headline.touched("limits")
        .with_columns(binds=pl.col("shadow_price") > _NOTHING)
        .sort("shadow_price", "product", "unit", descending=[True, False, False], nulls_last=True)
        .collect()
    )


def _by_measure(frame: pl.DataFrame) -> Iterator[RenderableType]:
    found = (
        frame.group_by("measure", "kind", maintain_order=True)
        .agg(pl.len(), pl.col("binds").sum(), pl.col("shadow_price").max())
        .sort("measure", "kind")
    )
    yield table(
        ("measure", "kind", "limits", "that bind", "highest premium"),
        [
            (
                row["measure"],
                row["kind"].replace("_", " "),
                f"{row['len']:,}",
                f"{row['binds']:,}",
                _premium(row) if row["binds"] else "-",
            )
            for row in found.iter_rows(named=True)
        ],
    )


def _binding(frame: pl.DataFrame) -> Iterator[RenderableType]:
    found = frame.filter("binds")
    if found.is_empty():
        yield note("No limit binds: prices and quantities are what they would be without.")
        return
    rows = [
        (
            f"{row['product']} {'all' if row['unit'] == '*' else row['unit']}",
            row["kind"].replace("_", " "),
            share(row["limit"]),
            share(row["used"]),
            _premium(row),
        )
        for row in found.head(_TOP_BINDING).iter_rows(named=True)
    ]
    if found.height > len(rows):
        rows.append((f"{found.height - len(rows):,} others", "", "", "", ""))
    yield table(("limit that binds", "kind", "limit", "used", "premium"), rows)
    floors = found.filter(pl.col("kind") == _FLOOR).height
    texts = []
    if floors < found.height:
        texts.append(
            "Quantities in % of the baseline's; premium: the duty that would have the same effect."
        )
    if floors:
        texts.append(
            "Floors in % of the baseline's duty-paid price; premium: what the floor adds to it."
        )
    yield note(" ".join(texts))


def _premium(row: dict[str, Any]) -> str:
    return change(1.0 + row["shadow_price"])


def _rents(headline: Headline) -> Iterator[RenderableType]:
    frame = (
        headline.touched("transfers")
        .filter(pl.col("kind").is_in(list(_RENTS)))
        .group_by("receiver", "authority", "kind")
        .agg(pl.col("amount_base", "amount_new").sum())
        .filter((pl.col("amount_base").abs() + pl.col("amount_new").abs()) > 0)
        .sort(pl.col("amount_new") - pl.col("amount_base"), "receiver", "kind", descending=True)
        .collect()
    )
    if frame.is_empty():
        return
    yield title("Rents: what private holders keep (touched products)")
    rows = [
        from_to(
            f"{row['receiver']}: {row['authority']} ({_RENTS[row['kind']]})",
            row["amount_base"],
            row["amount_new"],
        )
        for row in frame.head(_TOP_RENTS).iter_rows(named=True)
    ]
    rest = frame.slice(_TOP_RENTS)
    if rest.height:
        rows.append(from_to(f"{rest.height} others", *_sums(rest)))
    if frame.height > 1:
        rows.append(from_to("total", *_sums(frame)))
    yield table(("", "base USD", "new USD", "change"), rows)


def _sums(frame: pl.DataFrame) -> tuple[float, float]:
    return float(frame["amount_base"].sum()), float(frame["amount_new"].sum())
