"""The drawings of a report: Vega-Lite, turned into SVG by vl-convert, which needs no network."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

from tradewedge.bench.merge import Measurement, Merged
from tradewedge.bench.page import Figure
from tradewedge.bench.scaling import Fit

_SIZE: Final = {"width": 640, "height": 360}
_WORK: Final = "flows × scenarios"
_COLOUR: Final = {"field": "series", "type": "nominal", "title": None}

Named = Callable[[Measurement], str]
"""Series of a measurement: its backend, and its machine where there are several."""
Rows = Iterable[Mapping[str, Any]]


def can_draw() -> bool:
    """Whether the library for drawing is there."""
    return find_spec("vl_convert") is not None


def growth(
    found: Sequence[Measurement], fits: Mapping[tuple[str, str], Fit], named: Named
) -> Figure:
    """Time against flows times scenarios, with the fitted power of every (series, what grows)."""
    points = [{"work": m.work, "seconds": m.seconds, "series": named(m)} for m in found]
    lines = [
        {"work": work, "seconds": one.seconds(work), "series": name, "fit": what}
        for (name, what), one in fits.items()
        for work in (one.first, one.last)
    ]
    encoding = {"x": _log("work", _WORK), "y": _log("seconds", "seconds"), "color": _COLOUR}
    apart = {"strokeDash": {"field": "fit", "type": "nominal", "title": "power of more"}}
    layers = [
        _layer(points, {"type": "point", "filled": True, "size": 60}, encoding),
        _layer(lines, {"type": "line"}, encoding | apart),
    ]
    caption = "Seconds of a solve against flows times scenarios, and the fitted powers."
    return _figure("growth", caption, {"layer": layers, **_SIZE})


def batches(rows: Rows) -> Figure:
    """Time per scenario against scenarios in a call; rows of scenarios, seconds, series."""
    encoding = {
        "x": _log("scenarios", "scenarios in one call"),
        "y": _log("seconds", "seconds per scenario"),
        "color": _COLOUR,
    }
    chart = _layer(rows, {"type": "line", "point": True}, encoding)
    return _figure("batches", "Seconds per scenario, by scenarios in one call.", chart | _SIZE)


def phases(rows: Rows) -> Figure:
    """Where the seconds go, stacked; rows of case, phase, seconds."""
    encoding = {
        "x": {"field": "seconds", "type": "quantitative", "title": "seconds", "stack": "zero"},
        "y": {
            "field": "case",
            "type": "nominal",
            "title": None,
            "sort": None,
            "axis": {"labelLimit": 320},
        },
        "color": {"field": "phase", "type": "nominal", "title": None},
    }
    chart = _layer(rows, {"type": "bar"}, encoding) | {"width": _SIZE["width"]}
    return _figure("phases", "Where the seconds of one solve go.", chart)


def accuracy(found: Sequence[Measurement], named: Named) -> Figure:
    """Residual against time per flow and scenario."""
    rows = [
        {"each": m.seconds / m.work * 1e9, "residual": m.residual, "series": named(m)}
        for m in found
        if m.residual > 0  # a log axis has no place for the exact ones
    ]
    encoding = {
        "x": _log("each", "nanoseconds per flow and scenario"),
        "y": _log("residual", "largest residual", ".0e"),
        "color": _COLOUR,
    }
    chart = _layer(rows, {"type": "point", "filled": True, "size": 60}, encoding)
    caption = "Largest residual against time per flow and scenario."
    return _figure("accuracy", caption, chart | _SIZE)


def bandwidth(merged: Merged, named: Named) -> Figure:
    """Useful bytes per second of every case, and the machine's bandwidths as lines."""
    rows = [
        {"work": m.work, "speed": moved / m.seconds, "series": named(m), "bytes": what}
        for m in merged.warm
        for what, moved in (("inputs once", m.bytes_once), ("all sweeps", m.bytes_swept))
    ]
    levels = [
        {"speed": speed, "line": f"{machine.label}: {device} {place}"}
        for machine in merged.machines
        for device, at in machine.bandwidth.items()
        for place, speed in at.items()
    ]
    y = _log("speed", "useful bytes per second")
    lines = {"y": y, "strokeDash": {"field": "line", "type": "nominal", "title": "triad"}}
    shape = {"field": "bytes", "type": "nominal"}
    points = {"x": _log("work", _WORK), "y": y, "color": _COLOUR, "shape": shape}
    layers = [
        _layer(rows, {"type": "point", "filled": True, "size": 50}, points),
        _layer(levels, {"type": "rule"}, lines),
    ]
    caption = "Useful bytes per second; lines: the triad on the same machine."
    return _figure("bandwidth", caption, {"layer": layers, **_SIZE})


def _log(field: str, title: str, numbers: str = "~s") -> dict[str, Any]:
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"type": "log"},
        "axis": {"tickCount": 6, "format": numbers},
    }


def _layer(rows: Rows, mark: Mapping[str, Any], encoding: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": {"values": list(rows)}, "mark": dict(mark), "encoding": dict(encoding)}


def _figure(name: str, caption: str, chart: Mapping[str, Any]) -> Figure:
    import vl_convert

    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "config": {"legend": {"labelLimit": 420}},
        **chart,
    }
    return Figure(name, caption, str(vl_convert.vegalite_to_svg(spec)))
