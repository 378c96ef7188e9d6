"""What an estimation found: sigma or coefficients by product, and what became of the rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import polars as pl

from tradewedge.report.layout import note, table, title

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Lines shown of each table; the files hold all.
_MOST: Final = 40
_FEW: Final = 5
_EVERYTHING: Final = "everything"
_TARIFF: Final = "log(1 + tariff)"
_LOSSES: Final = {
    "zeros_added": "pairs that did not trade, added as zeros",
    "tariff_unknown": "taken out: tariff of the importer unknown",
    "covariate_missing": "taken out: a covariate is missing or has no logarithm",
    "separated": "taken out: all flows of a fixed effect are zero (separation)",
    "singletons": "taken out: the only row of a fixed effect (singletons)",
}


def estimates(
    formula: str,
    cluster: Sequence[Sequence[str]],
    coefficients: pl.DataFrame,
    fits: pl.DataFrame,
    sigmas: pl.DataFrame | None,
) -> "RenderableType":
    """Tables of :class:`tradewedge.estimation.Estimates`, in lines."""
    from rich.console import Group

    by = " and ".join("^".join(dimension) for dimension in cluster)
    parts: list[RenderableType] = [
        title("PPML: " + formula),
        note(f"Standard errors clustered by {by}."),
    ]
    parts.append(_rows(fits))
    others = coefficients if sigmas is None else coefficients.filter(pl.col("term") != _TARIFF)
    if others.height:
        parts += [title("Coefficients"), *_coefficients(others)]
    if sigmas is not None:
        parts += [title("sigma: substitution among suppliers"), *_sigmas(sigmas)]
    return Group(*parts)


def _rows(fits: pl.DataFrame) -> "RenderableType":
    totals = fits.select(pl.col(pl.Int64).sum()).row(0, named=True)
    lines = [("flows", totals["flows"])]
    lines += [(text, totals[name]) for name, text in _LOSSES.items() if totals[name]]
    lines.append(("rows that the estimates rest on", totals["rows"]))
    return table(("", "rows"), [(text, f"{number:,}") for text, number in lines])


def _coefficients(rows: pl.DataFrame) -> list["RenderableType"]:
    shown = [
        (
            f"{_named(row['product'])} {row['term']}",
            _number(row["estimate"]),
            _number(row["standard_error"]),
            row["why_not"] or f"{row['p_value']:.3f}",
        )
        for row in rows.head(_MOST).iter_rows(named=True)
    ]
    return [table(("", "estimate", "s.e.", "p-value"), shown), *_more(rows, "coefficients.csv")]


def _sigmas(rows: pl.DataFrame) -> list["RenderableType"]:
    shown = [
        (
            _named(r["product"]),
            _number(r["sigma"]),
            _number(r["standard_error"]),
            "" if r["low"] is None else f"{r['low']:.2f} to {r['high']:.2f}",
            f"{r['rows']:,}",
            f"{r['clusters']:,}",
            "yes" if r["used"] else "no",
        )
        for r in rows.head(_MOST).iter_rows(named=True)
    ]
    header = ("product", "sigma", "s.e.", "95 % interval", "rows", "clusters", "used")
    used = int(rows["used"].sum())
    parts: list[RenderableType] = [table(header, shown), *_more(rows, "sigmas.csv")]
    parts.append(note(f"{used} of {rows.height} may be used."))
    told = rows.filter(pl.col("reason") != "").group_by("used", "reason", maintain_order=True)
    for used_too, reason, products in told.agg("product").iter_rows():
        names = ", ".join(_named(name) for name in products[:_FEW])
        more = f" and {len(products) - _FEW} more" if len(products) > _FEW else ""
        what = "Used, but mind" if used_too else "Not used"
        parts.append(note(f"{what}: {reason}: {names}{more}."))
    return parts


def _named(product: str) -> str:
    return product or _EVERYTHING


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _more(rows: pl.DataFrame, file: str) -> list["RenderableType"]:
    left = rows.height - _MOST
    return [note(f"{left:,} more in {file}.")] if left > 0 else []
