"""Several runs side by side: one line per run and scenario."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType

from tradewedge.report.headline import Headline
from tradewedge.report.layout import note, table
from tradewedge.report.purse import by_country
from tradewedge.report.wording import change, money, price_change, ratio
from tradewedge.store import Run

#: Parts of the configuration that the scenario's name stands for; ``changes`` are told apart.
_NAMED: Final = ("scenarios", "changes")
UNCHANGED: Final = "scenario as written"


def comparison(runs: Sequence[Run]) -> Group:
    """Change of price index, imports, consumer surplus and revenue of the buyers of every scenario.

    Runs are told apart by the settings in which they differ.
    """
    rows = [
        (str(entry["name"]), str(number), *_figures(Headline(run, entry)))
        for number, run in enumerate(runs, start=1)
        for entry in run.manifest["scenarios"]
    ]
    rows.sort(key=lambda row: row[0])  # stable: the runs stay in their order
    header = ("scenario", "run", "price index", "imports", "consumers", "revenue")
    return Group(
        table(header, rows),
        note("Each for its own buyers and touched products; consumers and revenue in USD."),
        *_legend(runs),
    )


def _legend(runs: Sequence[Run]) -> Iterator[RenderableType]:
    """Where each run lies, and what tells it from the others."""
    labels = _labels([run.manifest["config"] for run in runs])
    for number, (run, label) in enumerate(zip(runs, labels, strict=True), start=1):
        yield note(f"{number}: {', '.join(filter(None, [label, str(run.directory or '')]))}")


def _figures(headline: Headline) -> tuple[str, ...]:
    if not headline.buyers or not headline.products_left:
        return ("-",) * 4
    totals, trade, purse = headline.totals, headline.trade, by_country(headline)
    absurd = headline.beyond
    gained = purse.filter(purse["country"].is_in(headline.buyers))["revenue_known"].drop_nulls()
    return (
        price_change(totals["price_index_hat"]),
        "-" if absurd else change(ratio(trade["imports_new"], trade["imports_base"])),
        "-" if absurd else money(totals["consumer_surplus"], signed=True),
        money(None if gained.is_empty() else float(gained.sum()), signed=True),
    )


def _labels(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each configuration, the settings in which they differ."""
    flat = [dict(_leaves({k: v for k, v in c.items() if k not in _NAMED})) for c in configs]
    keys = sorted({key for leaves in flat for key in leaves})
    differ = [key for key in keys if len({repr(leaves.get(key)) for leaves in flat}) > 1]
    changes = [_changes(config) for config in configs]
    if len(set(changes)) == 1:
        changes = [""] * len(configs)
    return [
        ", ".join(
            filter(None, [told, *(f"{_short(key)}={_value(leaves.get(key))}" for key in differ)])
        )
        for leaves, told in zip(flat, changes, strict=True)
    ]


def _changes(config: Mapping[str, Any]) -> str:
    """What was changed in the scenarios of a run, each told once."""
    told = [text for texts in (config.get("changes") or {}).values() for text in texts]
    return ", ".join(dict.fromkeys(told)) or UNCHANGED


def _value(value: Any) -> str:
    return "default" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _short(key: str) -> str:
    """The last part of a key that says something."""
    return key.removesuffix(".name").rpartition(".")[2]


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _leaves(inside, f"{place}.{key}" if place else str(key))
    else:
        yield place, value
