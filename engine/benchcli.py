"""``tradewedge bench``: timings of this machine, and reports of several."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any, Final

from tradewedge.bench.cases import (
    BACKEND_NAMES,
    FULL,
    MEASURES,
    QUICK,
    Case,
    Effort,
    Filters,
    Skip,
    cases,
    cost,
    estimate,
    plan,
)
from tradewedge.errors import ConfigError
from tradewedge.terminal import NOT_SOLVED, OK, relative

HELP: Final = "time the solvers on this machine and write a report"
JSON: Final = "bench.json"
_EPILOG: Final = """\
examples:
  tradewedge bench                                the quick set: about two minutes on two cores
  tradewedge bench --full                         the whole grid, up to 5,000 products
  tradewedge bench --backend gpu cpu              only what has a GPU, and the CPU beside it
  tradewedge bench --full --products 1000 --scenarios 1
  tradewedge bench --list                         what would run, and how long; runs nothing
  tradewedge bench merge here/bench.json there/bench.json --out both

Backends that cannot run here (no GPU, not installed) are left out with the reason. The directory
holds bench.json (pytest-benchmark's format), report.md and report.html.
"""


def add_arguments(bench: argparse.ArgumentParser) -> None:
    """Declare what ``tradewedge bench`` takes."""
    bench.description = "Time every backend that can run here, on worlds of several sizes."
    bench.epilog = _EPILOG
    bench.formatter_class = argparse.RawDescriptionHelpFormatter
    bench.add_argument("--full", action="store_true", help="the whole grid, not the quick set")
    bench.add_argument(
        "--backend",
        nargs="+",
        choices=BACKEND_NAMES,
        default=(),
        metavar="NAME",
        help=f"only these: {', '.join(BACKEND_NAMES)}",
    )
    bench.add_argument(
        "--measure",
        nargs="+",
        choices=tuple(MEASURES),
        default=(),
        metavar="NAME",
        help=f"only these: {', '.join(MEASURES)}",
    )
    for axis in ("products", "countries", "scenarios"):
        whose = "calls" if axis == "scenarios" else "synthetic worlds"
        text = f"only {whose} of so many {axis}"
        bench.add_argument(f"--{axis}", nargs="+", type=int, default=(), metavar="N", help=text)
    bench.add_argument(
        "--out", metavar="DIR", help="where to write (default: outputs/bench/ and the time)"
    )
    bench.add_argument("--list", action="store_true", help="list the cases; run nothing")
    bench.set_defaults(call=_bench)
    actions = bench.add_subparsers(dest="action", metavar="merge")
    merge = actions.add_parser("merge", help="one report from the bench.json of several machines")
    merge.add_argument("files", metavar="FILE", nargs="+")
    merge.add_argument("--out", metavar="DIR", required=True, help="where to write the report")
    merge.set_defaults(call=_merge)


def _bench(parsed: argparse.Namespace) -> int:
    effort = FULL if parsed.full else QUICK
    wanted = Filters(
        backends=tuple(parsed.backend),
        products=tuple(parsed.products),
        countries=tuple(parsed.countries),
        scenarios=tuple(parsed.scenarios),
        measures=tuple(parsed.measure),
    ).keep(cases(full=parsed.full))
    if not parsed.list and find_spec("pytest_benchmark") is None:
        raise ConfigError(
            "bench needs pytest-benchmark, which is not installed: pip install 'tradewedge[bench]'"
        )
    out = _directory(parsed.out)

    from tradewedge.bench import launch

    print("looking at this machine", file=sys.stderr)
    before = launch.machine()
    run, skipped = plan(
        wanted,
        effort,
        before["available"],
        before["memory_free"],
        before["device_memory_free"],
    )
    _announce(before, run, skipped, effort)
    if parsed.list:
        print(*(case.name for case in run), sep="\n")
        return OK
    if not run:
        raise ConfigError("none of these cases can run here: see the reasons above")
    documents, failed = launch.measure(run, effort, Progress(run, effort))
    document = launch.document(documents, before, launch.machine(), [*skipped, *failed], effort)
    _write(document, out)
    return NOT_SOLVED if failed else OK


def _directory(asked: str | None) -> Path:
    out = Path(asked or f"outputs/bench/{datetime.now():%Y-%m-%dT%H-%M-%S}")
    if (out / JSON).exists():
        raise ConfigError(f"{out} holds timings already ({JSON}): name another directory")
    return out


def _announce(
    machine: dict[str, Any], run: Sequence[Case], skipped: Sequence[Skip], effort: Effort
) -> None:
    speeds = ", ".join(
        f"{device} {at['memory'] / 1e9:.0f} GB/s" for device, at in machine["bandwidth"].items()
    )
    names = [machine["processor"], *(gpu["name"] for gpu in machine["gpus"])]
    print(f"{', '.join(names)}; {machine['threads']} threads; memory: {speeds}", file=sys.stderr)
    reasons: dict[tuple[str, str], int] = {}
    for one in skipped:
        key = (one.case.target, one.reason)
        reasons[key] = reasons.get(key, 0) + 1
    for (target, reason), count in reasons.items():
        print(f"left out: {target}, {_cases(count)}: {reason}", file=sys.stderr)
    print(f"{_cases(len(run))}, about {_minutes(estimate(run, effort))}", file=sys.stderr)


class Progress:
    """One line on stderr for each case that is done, with a guess of what is left."""

    def __init__(self, run: Sequence[Case], effort: Effort) -> None:
        self.costs = {case.name: cost(case, effort) for case in run}
        self.left = dict(self.costs)
        self.expected = estimate(run, effort)
        self.start = monotonic()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take an event of :mod:`tradewedge.bench.launch`."""
        name = event["case"]
        if event["event"] == "start":
            return
        self.left.pop(name, None)
        done = len(self.costs) - len(self.left)
        if event["event"] == "done":
            from tradewedge.bench.report import seconds

            text = f"{seconds(event['seconds'])} ({event['rounds']} rounds)"
        else:
            text = f"FAILED: {event['reason'].splitlines()[-1]}"
        place = f"[{done}/{len(self.costs)}]"
        print(f"{place:>8} {name:<34} {text}; {self._rest()}", file=sys.stderr, flush=True)

    def _rest(self) -> str:
        """What is left, if the rest is as much slower than guessed as what is done."""
        total = sum(self.costs.values())
        ahead = sum(self.left.values()) / total
        if not self.left:
            return "done"
        spent = monotonic() - self.start
        guessed = (1 - ahead) * self.expected
        rest = ahead * self.expected * (0.5 + 0.5 * spent / max(guessed, 1.0))
        return f"about {_minutes(rest)} left"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"


def _write(document: dict[str, Any], out: Path) -> None:
    import json

    from tradewedge.bench import plots, report
    from tradewedge.bench.merge import merge

    out.mkdir(parents=True, exist_ok=True)
    (out / JSON).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    _say(report.write(merge([document]), out), out / JSON)
    if not plots.can_draw():
        print("without drawings: pip install 'tradewedge[bench]'", file=sys.stderr)


def _merge(parsed: argparse.Namespace) -> int:
    from tradewedge.bench import report
    from tradewedge.bench.merge import merge, read

    _say(report.write(merge([read(Path(name)) for name in parsed.files]), Path(parsed.out)))
    return OK


def _say(made: Sequence[Path], *more: Path) -> None:
    for path in (*more, *made):
        print(relative(os.path.abspath(path)))
