"""What a set of timings says, section by section."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tradewedge.bench import plots
from tradewedge.bench.cases import MEASURES, ON_GPU, SYNTHETIC
from tradewedge.bench.merge import Measurement, Merged, on_cpu, speed_up
from tradewedge.bench.page import Block, Figure, Heading, Text, html, markdown, table
from tradewedge.bench.scaling import Fit, fit

TITLE: Final = "Timings of tradewedge"
_PHASES: Final = ("compile", "transfer", "device", "host")
_UNKNOWN: Final = "-"


def write(merged: Merged, directory: Path) -> tuple[Path, Path]:
    """Write ``report.md``, its drawings, and ``report.html``; return the two pages."""
    blocks = tuple(pages(merged))
    directory.mkdir(parents=True, exist_ok=True)
    for block in blocks:
        if isinstance(block, Figure):
            (directory / f"{block.name}.svg").write_text(block.svg, encoding="utf-8")
    made = directory / "report.md", directory / "report.html"
    made[0].write_text(markdown(blocks), encoding="utf-8")
    made[1].write_text(html(TITLE, blocks), encoding="utf-8")
    return made


def pages(merged: Merged) -> Iterator[Block]:
    """The whole report; without the extra's libraries it has no drawings and says so."""
    draw = plots.can_draw()
    yield Heading(1, TITLE)
    yield from _introduction(merged)
    if not draw:
        yield Text("Without drawings: `pip install 'tradewedge[bench]'` brings what they need.")
    yield from _machines(merged)
    if merged.warm:
        yield from _speed(merged)
        yield from _growth(merged, draw=draw)
        yield from _batches(merged, draw=draw)
        yield from _phases(merged, draw=draw)
        yield from _accuracy(merged, draw=draw)
        yield from _bandwidth(merged, draw=draw)
    yield from _skipped(merged)


def _introduction(merged: Merged) -> Iterator[Block]:
    yield Text(
        "Seconds are medians of several solves of the same scenario, from aligned wedges to "
        'prices (`timings["solve"]`), warm: compiled, world laid out. A speed-up is given only '
        "where both sides reached the same tolerance on every product. Synthetic worlds are "
        "random numbers in the shape of a year of trade."
    )
    if not any(m.case.target in ON_GPU for m in merged.measurements):
        yield Text("**No GPU took part: there is no GPU timing in this report.**")


def _machines(merged: Merged) -> Iterator[Block]:
    yield Heading(2, "Machines")
    yield table(
        ("machine", "date", "threads", "memory", "load before, after", "triad drift"),
        (
            (
                machine.label,
                machine.when[:10],
                str(machine.about["threads"]),
                f"{machine.about['memory'] / 1e9:.0f} GB",
                ", ".join(_UNKNOWN if load is None else f"{load:.1f}" for load in machine.load),
                f"{(machine.drift - 1) * 100:.0f} %",
            )
            for machine in merged.machines
        ),
    )
    yield Text(
        "Load is the number of processes that ran or waited, on average over a minute: the run "
        "itself takes its threads, more than that was others' work. Drift is how far the memory's "
        "bandwidth at the start and at the end are apart."
    )
    yield table(
        ("machine and device", "bandwidth from", "GB/s"),
        (
            (f"{machine.label}: {device}", place, f"{speed / 1e9:.1f}")
            for machine in merged.machines
            for device, at in machine.bandwidth.items()
            for place, speed in at.items()
        ),
    )
    for machine in merged.machines:
        versions = ", ".join(
            f"{name} {number}" for name, number in machine.about["versions"].items()
        )
        drivers = "".join(f"; driver {gpu['driver']}" for gpu in machine.about["gpus"][:1])
        yield Text(f"{machine.label}: {machine.about['platform']}; {versions}{drivers}.")


def _speed(merged: Merged) -> Iterator[Block]:
    yield Heading(2, "Seconds per solve")
    named = _series(merged)
    columns = tuple(dict.fromkeys(named(m) for m in merged.warm))
    found: dict[tuple[str, int, int], dict[str, str]] = {}
    for m in _ordered(merged.warm):
        row = found.setdefault((_what(m), m.flows, m.case.scenarios), {})
        row[named(m)] = seconds(m.seconds) + _against(merged, m)
    yield table(
        ("what", "flows", "scenarios", *columns),
        (
            (what, f"{flows:,}", str(count), *(row.get(name, "") for name in columns))
            for (what, flows, count), row in found.items()
        ),
    )
    yield Text(
        "In brackets: how many times faster than the CPU kernel on the same machine; a dash where "
        "one of the two did not reach the tolerance everywhere. Measures: "
        + "; ".join(f"{name}: {text}" for name, text in MEASURES.items())
        + "."
    )


def _growth(merged: Merged, *, draw: bool) -> Iterator[Block]:
    found = [m for m in merged.warm if m.case.measure == "tariff" and m.case.world == SYNTHETIC]
    fits = fitted(found, _series(merged))
    if not fits:
        return
    yield Heading(2, "Growth with flows times scenarios")
    yield table(
        (
            "backend",
            "with more",
            "exponent",
            "points",
            "from",
            "to",
            "decades",
            "ns each at the top",
        ),
        (
            (
                name,
                what,
                f"{one.exponent:.2f}",
                str(one.points),
                f"{one.first:,.0f}",
                f"{one.last:,.0f}",
                f"{one.decades:.1f}",
                f"{one.seconds(one.last) / one.last * 1e9:,.0f}",
            )
            for (name, what), one in fits.items()
        ),
    )
    yield Text(
        "The exponent of a power of flows times scenarios, fitted to the tariff cases on synthetic "
        "worlds with the most countries: more products under one scenario, or more scenarios in "
        "one world. 1 is linear; fixed costs of small cases make it less. At most the largest "
        "three decades are fitted."
    )
    if draw:
        yield plots.growth(found, fits, _series(merged))


def fitted(found: Sequence[Measurement], named: plots.Named) -> dict[tuple[str, str], Fit]:
    """(Series, what grows) → its power of flows times scenarios, where points are enough."""
    most = max((m.case.countries for m in found), default=0)
    families: dict[tuple[str, str], list[Measurement]] = {}
    for m in found:
        if m.case.countries == most:
            if m.case.scenarios == 1:
                families.setdefault((named(m), "products"), []).append(m)
            families.setdefault((named(m), f"scenarios of {m.case.place}"), []).append(m)
    fits = {
        key: fit([m.work for m in own], [m.seconds for m in own]) for key, own in families.items()
    }
    return {key: one for key, one in sorted(fits.items()) if one is not None}


def _batches(merged: Merged, *, draw: bool) -> Iterator[Block]:
    named = _series(merged)
    groups: dict[tuple[str, str], dict[int, Measurement]] = {}
    for m in _ordered(merged.warm):
        key = (f"{m.case.measure} {m.case.place}", named(m))
        groups.setdefault(key, {})[m.case.scenarios] = m
    groups = {key: group for key, group in groups.items() if len(group) > 1}
    if not groups:
        return
    yield Heading(2, "Scenarios in one call")
    yield table(
        ("what", "backend", "scenarios", "seconds", "per scenario", "against single calls"),
        (
            (
                what,
                name,
                str(count),
                seconds(m.seconds),
                seconds(m.seconds / count),
                f"{group[1].seconds * count / m.seconds:.2f}" if 1 in group else _UNKNOWN,
            )
            for (what, name), group in groups.items()
            for count, m in group.items()
        ),
    )
    yield Text(
        "Against single calls: the time of one call times their number, over the time of the "
        "batch. Scenarios of a batch differ in importer and rate."
    )
    if draw:
        yield plots.batches(
            [
                {"scenarios": count, "seconds": m.seconds / count, "series": f"{name}, {what}"}
                for (what, name), group in groups.items()
                for count, m in group.items()
            ]
        )


def _phases(merged: Merged, *, draw: bool) -> Iterator[Block]:
    named = _series(merged)
    yield Heading(2, "Compile, transfer, steady state")
    firsts = {named(m): m for m in reversed(merged.warm)}
    yield table(
        ("backend", "first solve of a process", "the same, warm", "first solve, empty caches"),
        (
            (
                name,
                f"{seconds(m.prepare + m.first)} ({_what(m)})",
                seconds(m.seconds),
                next(
                    (
                        f"{seconds(c.prepare + c.first)} ({_what(c)})"
                        for c in merged.cold
                        if named(c) == name
                    ),
                    "not measured",
                ),
            )
            for name, m in reversed(firsts.items())
        ),
    )
    yield Text(
        "First solves include the layout of the world. They load compiled code from the cache on "
        "disk, or compile it where the cache is empty, which only `--full` measures."
    )
    timed = [m for m in _ordered(merged.warm) if m.phases]
    if not timed:
        return
    yield table(
        ("what", "backend", *_PHASES, "steady"),
        (
            (_what(m), named(m), *(seconds(m.phases[p]) for p in _PHASES), seconds(m.seconds))
            for m in timed
            if m.phases
        ),
    )
    yield Text(
        "One more solve with a clock, which waits for copies to end: compile (programs not met "
        "before), transfer (both ways), device (what the host waited for it), host (packing, "
        "unpacking, stragglers)."
    )
    if draw:
        yield plots.phases(
            [
                {"case": f"{named(m)}: {_what(m)}", "phase": phase, "seconds": m.phases[phase]}
                for m in timed
                if m.phases
                for phase in _PHASES
            ]
        )


def _accuracy(merged: Merged, *, draw: bool) -> Iterator[Block]:
    named = _series(merged)
    yield Heading(2, "Accuracy beside speed")
    yield table(
        (
            "what",
            "backend",
            "seconds",
            "spread",
            "rounds",
            "largest residual",
            "tolerance",
            "not converged",
            "error bound",
            "log prices from cpu",
            "sweeps, mean",
        ),
        (
            (
                _what(m),
                named(m),
                seconds(m.seconds),
                f"{m.spread * 100:.0f} %",
                str(m.rounds),
                _tiny(m.residual),
                _tiny(m.tolerance),
                str(m.unsolved),
                _tiny(m.error_bound),
                _tiny(m.apart),
                f"{m.iterations:.1f}",
            )
            for m in _ordered(merged.warm)
        ),
    )
    yield Text("Spread is the interquartile range of the rounds over their median.")
    if draw:
        yield plots.accuracy(merged.warm, named)


def _bandwidth(merged: Merged, *, draw: bool) -> Iterator[Block]:
    named = _series(merged)
    yield Heading(2, "Bytes and bandwidth")
    yield table(
        ("what", "backend", "inputs once", "of memory's", "all sweeps", "of cache's"),
        (
            (
                _what(m),
                named(m),
                size(m.bytes_once),
                _share(m.of_memory),
                size(m.bytes_swept),
                _share(m.of_cache),
            )
            for m in _ordered(merged.warm)
        ),
    )
    yield Text(
        "Useful bytes, counted, not measured by the processor: every input read once and every "
        "price written once; and the weights of all flows, twice a sweep. Shares are of the "
        "triad's bandwidth from memory and from cache on the same device. A kernel that pads, or "
        "copies, moves more than it is credited with; a batch that reads once for several "
        "scenarios moves less. Products that nothing touches are neither solved nor counted."
    )
    if draw:
        yield plots.bandwidth(merged, named)


def _skipped(merged: Merged) -> Iterator[Block]:
    if not merged.skipped:
        return
    yield Heading(2, "Left out")
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for machine, one in merged.skipped:
        key = (machine.label, one.case.target, one.reason)
        reasons.setdefault(key, []).append(one.case.work)
    yield table(
        ("machine", "backend", "cases", "reason"),
        (
            (label, target, names[0] if len(names) == 1 else f"{len(names)}: {names[0]} ...", why)
            for (label, target, why), names in reasons.items()
        ),
    )


def _series(merged: Merged) -> plots.Named:
    """Names a measurement by its backend, and by its machine where there are several."""
    if len(merged.machines) == 1:
        return lambda m: m.case.target
    return lambda m: f"{m.case.target}, {m.machine.label}"


def _ordered(found: Iterable[Measurement]) -> list[Measurement]:
    return sorted(
        found, key=lambda m: (m.case.measure, m.case.world, m.flows, m.case.scenarios, m.seconds)
    )


def _what(m: Measurement) -> str:
    size = "" if m.case.scenarios == 1 else f", {m.case.scenarios} scenarios"
    return f"{m.case.measure} {m.case.place}{size}"


def _against(merged: Merged, m: Measurement) -> str:
    base = on_cpu(merged, m)
    if base is None or base is m:
        return ""
    ratio = speed_up(m, base)
    return f" ({_UNKNOWN})" if ratio is None else f" ({ratio:.2g} ×)"


def seconds(value: float) -> str:
    """Seconds as "1.23 s", "45.6 ms" or "789 µs"."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"


def size(count: float) -> str:
    """Bytes as "12.3 MB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"


def _tiny(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.1e}"


def _share(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value * 100:.1f} %"
