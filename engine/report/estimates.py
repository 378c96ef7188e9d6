"""What an estimation found: sigma or coefficients by product, and what became of the rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import polars as pl

from tradewedge.report.layout import note, table, title

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Lines shown of each table; the files hold all.
_MOST: Final = 30
_FEW: Final = 5
#: Columns of the picture, and the most that its scale reaches.
_WIDE: Final = 24
_TOP: Final = 30.0
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
    """Each of a few, else what they are like by covariate."""
    if rows.height > _MOST:
        return _spread(rows)
    shown = [
        (
            f"{_named(row['product'])} {row['term']}",
            _number(row["estimate"]),
            _number(row["standard_error"]),
            row["why_not"] or f"{row['p_value']:.3f}",
        )
        for row in rows.iter_rows(named=True)
    ]
    return [table(("", "estimate", "s.e.", "p-value"), shown)]


def _spread(rows: pl.DataFrame) -> list["RenderableType"]:
    number = pl.col("estimate")
    told = rows.group_by("term", maintain_order=True).agg(
        number.count().alias("n"), number.min(), number.median().alias("mid"), most=number.max()
    )
    shown = [
        (line["term"], str(line["n"]), *(_number(line[n]) for n in ("estimate", "mid", "most")))
        for line in told.iter_rows(named=True)
    ]
    return [
        table(("", "estimates", "lowest", "median", "highest"), shown),
        note("All of them: coefficients.csv."),
    ]


def _sigmas(rows: pl.DataFrame) -> list["RenderableType"]:
    used = rows.filter("used")
    top = min(max(used["high"].to_list(), default=_TOP), _TOP)
    shown = [
        (
            _named(r["product"]),
            _number(r["sigma"]),
            _number(r["standard_error"]),
            "" if r["low"] is None else f"{r['low']:.2f} to {r['high']:.2f}",
            "" if r["low"] is None else _bar(r["low"], r["sigma"], r["high"], top),
            "yes" if r["used"] else "no",
        )
        for r in rows.head(_MOST).iter_rows(named=True)
    ]
    picture = f"0{top:>{_WIDE - 1}.3g}"
    header = ("product", "sigma", "s.e.", "95 % interval", picture, "used")
    parts: list[RenderableType] = [table(header, shown)]
    if rows.height > _MOST:
        parts.append(note(f"{rows.height - _MOST:,} more in sigmas.csv."))
    parts.append(note(f"{used.height} of {rows.height} may be used."))
    reason = pl.col("reason").str.replace(r" \(.*\)$", "")
    told = rows.with_columns(reason).filter(pl.col("reason") != "")
    grouped = told.group_by("used", "reason", maintain_order=True).agg("product")
    for used_too, text, products in grouped.iter_rows():
        names = ", ".join(_named(name) for name in products[:_FEW])
        more = f" and {len(products) - _FEW} more" if len(products) > _FEW else ""
        what = "Used, but mind" if used_too else "Not used"
        parts.append(note(f"{what}: {text}: {names}{more}."))
    return parts


def _bar(low: float, middle: float, high: float, top: float) -> str:
    """An interval on the scale from 0 to ``top``; an arrow where it goes on beyond."""

    def place(value: float) -> int:
        return round(min(max(value / top, 0.0), 1.0) * (_WIDE - 1))

    line = [" "] * _WIDE
    for at in range(place(low), place(high) + 1):
        line[at] = "-"
    if 0 <= middle <= top:
        line[place(middle)] = "o"
    if low < 0:
        line[0] = "<"
    if high > top:
        line[-1] = ">"
    return "".join(line)


def _named(product: str) -> str:
    return product or _EVERYTHING


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
