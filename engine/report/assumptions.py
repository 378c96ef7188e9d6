"""The elasticities that a scenario's answer rests on."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl
from rich.console import RenderableType

from tradewedge.elasticities import COMPOSITE, IMPORT_DEMAND, UNADJUSTED
from tradewedge.report.headline import Headline
from tradewedge.report.layout import bullet, note, table, title
from tradewedge.report.wording import count, plain, share

_LABELS: Final = {
    "sigma": "sigma: substitution among suppliers",
    "eta": "eta: demand, as the model uses it",
    "eta_composite": "  made from: eta of all purchases",
    "home_share": "  and home producers' share",
    "epsilon": "epsilon: supply of each exporter",
}
_KINDS: Final = {
    COMPOSITE: "eta is demand for all purchases for {}, whose home sales are known in some country",
    IMPORT_DEMAND: (
        "eta is the import-demand elasticity, h sigma + (1 - h) eta with h the share of home "
        "producers, for {}"
    ),
    UNADJUSTED: (
        "eta is demand for all purchases for {} whose home sales are known nowhere, so that import "
        "demand is understated"
    ),
}


def assumptions(headline: Headline) -> Iterator[RenderableType]:
    """Name of the set, and the values of the touched products."""
    world = headline.run.manifest["world"]
    yield title(f"Elasticities of the touched products: {world['elasticities']}")
    found = elasticities(headline)
    yield from _nests(headline.run.manifest)
    yield table(
        ("", "mean", "lowest", "highest"),
        [
            (label, *(_shown(name, found[f"{name}_{which}"]) for which in ("mean", "min", "max")))
            for name, label in _LABELS.items()
            if found[f"{name}_min"] is not None
        ],
    )
    kinds = [
        text.format(count(found[kind], "product")) for kind, text in _KINDS.items() if found[kind]
    ]
    yield note(
        f"Means are weighted by baseline spending. {_capital('; '.join(kinds))}. The source of "
        "each number: table parameters."
    )


def _nests(manifest: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Nests of the exact model: an answer may depend on them more than on sigma."""
    # A run that an earlier version wrote does not tell its options.
    options = manifest.get("options", {})
    if (home := options.get("sigma_home")) is not None:
        yield bullet(f"nest: home sales against imports, sigma_home {_by_prefix(home)}")
    if (between := options.get("sigma_groups")) is not None:
        groups = "; ".join(
            f"{name} ({members if isinstance(members, str) else ', '.join(members)})"
            for name, members in options["supplier_groups"].items()
        )
        yield bullet(
            f"nest: suppliers by group, sigma_groups {_by_prefix(between)}: {groups}; all others "
            "are one group. No source is known for sigma_groups: the answer hangs on it, sweep it."
        )


def _by_prefix(value: float | Mapping[str, float]) -> str:
    """One elasticity, or one by HS prefix."""
    if not isinstance(value, Mapping):
        return plain(value)
    return ", ".join(f"{plain(number)} for {prefix}" for prefix, number in value.items())


def elasticities(headline: Headline) -> Mapping[str, Any]:
    """Spending-weighted mean, min and max of each elasticity; products by kind of eta."""
    goods = headline.touched_parameters
    supply = _spread(
        headline.pairs.lazy()
        .select("product", "exporter", weight="value_base")
        .join(
            headline.run.scan("parameters").select("product", "exporter", "epsilon"),
            on=["product", "exporter"],
        ),
        "epsilon",
    )
    kinds = dict(goods.group_by("eta_kind").len().iter_rows())
    return {
        **_spread(goods.lazy(), "sigma", "eta"),
        **_spread(
            goods.lazy().filter(pl.col("eta_kind") == IMPORT_DEMAND), "eta_composite", "home_share"
        ),
        **supply,
        **{kind: kinds.get(kind, 0) for kind in _KINDS},
    }


def _spread(rows: pl.LazyFrame, *names: str) -> dict[str, Any]:
    weight = pl.col("weight")
    return (
        rows.select(
            expression.alias(f"{name}_{which}")
            for name in names
            for which, expression in (
                ("mean", (pl.col(name) * weight).sum() / weight.sum()),
                ("min", pl.col(name).min()),
                ("max", pl.col(name).max()),
            )
        )
        .collect()
        .row(0, named=True)
    )


def _shown(name: str, value: float | None) -> str:
    return share(value) if name == "home_share" else plain(value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
