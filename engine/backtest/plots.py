"""The drawings of a back-test: Vega-Lite, turned into SVG by vl-convert."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from tradewedge.backtest.comparison import WHAT
from tradewedge.backtest.trial import Backtest
from tradewedge.bench.page import Figure
from tradewedge.bench.plots import can_draw

__all__ = ["can_draw", "figures"]

_SIZE: Final = {"width": 420, "height": 320}
_NUMBER: Final = {"type": "quantitative"}


def figures(found: Backtest) -> tuple[Figure, ...]:
    """All drawings; those that have nothing to show are left out."""
    made = [_targets(found), _skill(found), _controls(found), _training(found)]
    return tuple(figure for figure in made if figure is not None)


def _targets(found: Backtest) -> Figure | None:
    """Observed against predicted shares of the suppliers that are hit."""
    case, model = found.experiment.scenarios[0].name, found.plan.models[0]
    rows = found.shares.filter(pl.col("target"), scenario=case, model=model).drop_nulls(
        "share_predicted"
    )
    if not rows.height:
        return None
    chart = {
        "layer": [
            {
                "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
                "mark": {"type": "line", "color": "#999"},
                "encoding": {"x": {"field": "x", **_NUMBER}, "y": {"field": "y", **_NUMBER}},
            },
            {
                "data": {"values": rows.to_dicts()},
                "mark": {"type": "point", "filled": True, "opacity": 0.7},
                "encoding": {
                    "x": {"field": "share_predicted", "title": "predicted share", **_NUMBER},
                    "y": {"field": "share_after", "title": "observed share", **_NUMBER},
                    "size": {
                        "field": "import_value",
                        "title": "imports, thousand USD",
                        "scale": {"type": "sqrt", "range": [30, 500]},
                        **_NUMBER,
                    },
                    "color": {"field": "sigma", "type": "nominal"},
                },
            },
        ],
        **_SIZE,
    }
    text = f"Shares of the suppliers that are hit in {found.experiment.after}: {model}, {case}."
    return _figure("targets", text, chart)


def _skill(found: Backtest) -> Figure | None:
    """Skill of every contender with its interval."""
    rows = found.scores.filter(sample="all").drop_nulls(["skill", "skill_low"])
    if not rows.height:
        return None
    worded = rows.with_columns(
        what=pl.col("what").replace(WHAT),
        who=pl.format("{}, {}: {}", "scenario", "model", "sigma"),
        # A skill far below 0 would squeeze all others.
        **{name: pl.col(name).clip(-1.0, 1.0) for name in ("skill", "skill_low", "skill_high")},
    )
    y = {"field": "who", "type": "nominal", "title": None, "sort": None}
    x = {"title": "skill (cut at -1)", "scale": {"domain": [-1, 1]}, **_NUMBER}
    chart = {
        "data": {"values": worded.to_dicts()},
        "facet": {"field": "what", "type": "nominal", "columns": 2, "title": None},
        "columns": 2,
        "spec": {
            "width": 260,
            "layer": [
                {
                    "mark": "rule",
                    "encoding": {
                        "x": {"field": "skill_low", **x},
                        "x2": {"field": "skill_high"},
                        "y": y,
                    },
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 50},
                    "encoding": {"x": {"field": "skill", **x}, "y": y},
                },
                {
                    "mark": {"type": "rule", "color": "#c33"},
                    "encoding": {"x": {"datum": 0, **_NUMBER}},
                },
            ],
        },
    }
    text = 'Skill against "no change" (the red line), with 95 % intervals of the bootstrap.'
    return _figure("skill", text, chart)


def _controls(found: Backtest) -> Figure | None:
    """Change of the suppliers' shares in touched products and in the others."""
    rows = found.controls.filter(pl.col("share_after") > 0).with_columns(
        change=(pl.col("share_after") / pl.col("share_before")).log(),
        group=pl.when("touched").then(pl.lit("measures")).otherwise(pl.lit("no measures")),
    )
    if rows["touched"].n_unique() < 2:
        return None
    chart = {
        "data": {"values": rows.to_dicts()},
        "mark": {"type": "tick", "thickness": 2, "opacity": 0.6},
        "encoding": {
            "x": {"field": "change", "title": "log change of share, observed", **_NUMBER},
            "y": {"field": "group", "type": "nominal", "title": None},
            "color": {"field": "group", "type": "nominal", "legend": None},
        },
        "width": _SIZE["width"],
    }
    text = "What the suppliers that are hit did where measures reach them, and where none do."
    return _figure("controls", text, chart)


def _training(found: Backtest) -> Figure | None:
    """Error of every mixture on the training pairs."""
    if found.training is None:
        return None
    chart = {
        "data": {"values": found.training.grid.to_dicts()},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "scale", "scale": {"type": "log"}, "title": "scale of sigma", **_NUMBER},
            "y": {
                "field": "error",
                "scale": {"zero": False},
                "title": 'error over that of "no change"',
                **_NUMBER,
            },
            "color": {"field": "weight", "type": "ordinal", "title": "weight of the flat sigma"},
        },
        **_SIZE,
    }
    return _figure("training", f"Choosing sigma on {', '.join(found.training.pairs)}.", chart)


def _figure(name: str, caption: str, chart: Mapping[str, Any]) -> Figure:
    import vl_convert

    schema = "https://vega.github.io/schema/vega-lite/v5.json"
    return Figure(name, caption, str(vl_convert.vegalite_to_svg({"$schema": schema, **chart})))
