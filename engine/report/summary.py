"""The terminal summary of a run: what an analyst asks first, in plain text.

Nothing depends on colour, and 80 columns are enough.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from tradewedge.report.headline import Headline
from tradewedge.report.layout import bullet
from tradewedge.report.sections import scenario_sections
from tradewedge.report.wording import count, money
from tradewedge.store import Run, view

if TYPE_CHECKING:
    from tradewedge.result import Result

MAX_WIDTH: Final = 100
_ON_ONE_CODE: Final = re.compile(r"(\d{4}(?:\.\d{2})?): ")


def summary(source: "Run | Result") -> Group:
    """Return the summary of a run, or of a result that was not written, for a rich console."""
    run = source if isinstance(source, Run) else view(source)
    return Group(*_everything(run))


def text(source: "Run | Result", width: int = MAX_WIDTH) -> str:
    """Return the summary as plain text of at most ``width`` columns."""
    console = Console(file=StringIO(), width=width, color_system=None, legacy_windows=False)
    console.print(summary(source))
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _everything(run: Run) -> Iterator[RenderableType]:
    manifest = run.manifest
    yield from _world(manifest["world"])
    yield Text(_backend(manifest))
    if manifest["reference"] is not None:
        yield Text(f"Changes refer to {manifest['reference']['name']}, not to the data year.")
    for entry in manifest["scenarios"]:
        yield Text()
        yield Rule(Text(_title(manifest, entry), style="bold"), align="left", characters="=")
        yield from scenario_sections(Headline(run, entry))
    yield Text()
    yield Rule(Text("About these figures", style="bold"), align="left", characters="=")
    yield from _blind_spots(run)
    yield from _solver(manifest)
    if run.directory is not None:
        yield Text(f"Tables and manifest: {run.directory}")


def _world(world: Mapping[str, Any]) -> Iterator[RenderableType]:
    year = "" if world["year"] is None else f" {world['year']}"
    vintage = "" if world["vintage"] is None else f", {world['vintage']}"
    home = world["home_flows"]
    trade, value = world["flows"] - home, world["value"] - world["home_value"]
    beside = (
        f"; home sales in {count(home, 'market')}, {money(world['home_value'])} USD" if home else ""
    )
    yield Text(
        f"World {world['name']}{year}{vintage}: {count(world['products'], 'product')}, "
        f"{world['countries']:,} countries; {count(trade, 'trade flow')}, {money(value)} USD"
        f"{beside}"
    )


def _backend(manifest: Mapping[str, Any]) -> str:
    """Model and backend, and whether a GPU was looked for and not found."""
    name = manifest["backend"]["name"]
    fallback = manifest["config"].get("backend") == "auto" and name == "cpu"
    why = " (auto found no GPU: the reason is at the end)" if fallback else ""
    return f"Model {manifest['model']}, backend {name}{why}"


def _title(manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """The name, and in parentheses what a reader has to know of it."""
    name = str(entry["name"])
    changes = manifest["config"].get("changes", {}).get(name, ())
    marks = ["HYPOTHETICAL"] if entry["hypothetical"] else []
    marks += [f"CHANGED: {', '.join(changes)}"] if changes else []
    return f"{name} ({'; '.join(marks)})" if marks else name


def _blind_spots(run: Run) -> Iterator[RenderableType]:
    touched = run.scan("coverage").select("product").unique().collect()["product"].to_list()
    data = [note for note in run.manifest["world"]["notes"] if _concerns(note, touched)]
    for heading, notes in (
        ("What this world cannot answer", run.manifest["notes"]),
        ("Its data", data),
    ):
        if notes:
            yield Text(heading, style="bold")
        for note in notes:
            yield bullet(note)


def _concerns(note: str, products: Sequence[str]) -> bool:
    """Whether a note on the data is about any of the products.

    One that begins with an HS code and a colon is about that code alone.
    """
    code = _ON_ONE_CODE.match(note)
    if code is None:
        return True
    return any(product.startswith(code[1].replace(".", "")) for product in products)


def _solver(manifest: Mapping[str, Any]) -> Iterator[RenderableType]:
    backend = manifest["backend"]
    seconds = ", ".join(f"{name} {_seconds(s)}" for name, s in manifest["timings"].items())
    versions = manifest["versions"]
    yield Text("How it was solved", style="bold")
    yield bullet(f"model {manifest['model']}, backend {backend['name']}; {seconds}")
    if backend["reason"]:
        yield bullet(backend["reason"].rstrip("."))
    yield bullet(
        f"tradewedge {versions['tradewedge']}, Python {versions['python']}, "
        f"{manifest['machine']['processor']} ({manifest['machine']['cpu_count']} cores), "
        f"{manifest['created']}"
    )
    yield bullet(f"data {manifest['data_hash'][:12]}, configuration {manifest['config_hash'][:12]}")


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
