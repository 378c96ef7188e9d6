"""Pages about the scenarios that ship: what they are, and what they touch in a world."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tradewedge.errors import TradewedgeError
from tradewedge.policy import Scenario, Wedges, compile_wedges
from tradewedge.report.layout import bullet
from tradewedge.report.wording import count, money
from tradewedge.solver import with_segments
from tradewedge.world import World

Notify = Callable[[str, int, int], None]
_DAYS_SHOWN: Final = 4
_NOT_MEANT: Final = " (not meant for this world)"
_DAY_WIDTH: Final = len("2026-07-13")


@dataclass(frozen=True)
class Reach:
    """What a scenario does in one world, over its branches.

    Attributes
    ----------
    world : str
        Name of the world.
    meant : bool
        Whether the scenario names this world, or none.
    wedges : tuple of Wedges
        One per state of the scenario on its day; empty where it cannot run.
    products, flows, home_flows : int
        Products, trade flows and home markets.
    value, home_value : float
        Baseline border value of the trade flows, and of the home sales, thousand USD.
    reason : str
        Why it cannot run; "" where it can.
    """

    world: str
    meant: bool
    wedges: tuple[Wedges, ...] = ()
    products: int = 0
    flows: int = 0
    value: float = 0.0
    home_flows: int = 0
    home_value: float = 0.0
    reason: str = ""

    @property
    def text(self) -> str:
        """In a few words."""
        if self.reason:
            return f"stops: {_first_sentence(self.reason)}"
        found = _touched(self.products, self.flows, self.value, self.home_flows, self.home_value)
        return found if self.meant else f"{found}{_NOT_MEANT}"


def reach(world: World, scenario: Scenario) -> Reach:
    """Compile a scenario for a world, without solving it."""
    meant = not scenario.worlds or world.name in scenario.worlds
    try:
        world = with_segments(world, [scenario])
        wedges = tuple(compile_wedges(world, state) for state in scenario.states())
    except TradewedgeError as error:
        return Reach(world.name, meant, reason=str(error))
    flows = np.any([found.touched_flows for found in wedges], axis=0)
    trade, home = flows & ~world.home, flows & world.home
    return Reach(
        world=world.name,
        meant=meant,
        wedges=wedges,
        products=int(np.unique(world.flow_product[flows]).size),
        flows=int(trade.sum()),
        value=float(world.value[trade].sum()),
        home_flows=int(home.sum()),
        home_value=float(world.value[home].sum()),
    )


def _touched(products: int, flows: int, value: float, home_flows: int, home_value: float) -> str:
    """Products, trade flows, and home sales where there are any."""
    found = f"{count(products, 'product')}, {count(flows, 'trade flow')}, {money(value)} USD"
    if not home_flows:
        return found
    return f"{found}; home sales in {count(home_flows, 'market')}, {money(home_value)} USD"


def scenario_list(
    scenarios: Sequence[Scenario],
    world: World | None = None,
    notify: Notify = lambda *_: None,
) -> Table:
    """One row per scenario: status, days on which it changes, worlds, what it touches.

    Parameters
    ----------
    scenarios : sequence of Scenario
    world : World, optional
        Say what each touches in this world, or why it cannot run there.
    notify : callable, optional
        Told what is done, how much of it, of how much.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_lines=False)
    table.add_column("name and status", ratio=5, overflow="fold")
    table.add_column("days", width=_DAY_WIDTH)
    table.add_column("worlds" if world is None else f"touches in {world.name}", ratio=4)
    for done, scenario in enumerate(scenarios):
        notify("scenarios", done, len(scenarios))
        last = ", ".join(scenario.worlds) or "any"
        if world is not None:
            last = reach(world, scenario).text
        first = Text(scenario.name, style="bold").append(f"\n{status(scenario)}", style="not bold")
        table.add_row(first, Text("\n".join(days(scenario))), Text(last))
    notify("scenarios", len(scenarios), len(scenarios))
    return table


def scenario_page(scenario: Scenario, worlds: Iterable[World]) -> Group:
    """Everything about one scenario, and what it touches in each of these worlds."""
    return Group(*_page(scenario, worlds))


def status(scenario: Scenario) -> str:
    """The status, with HYPOTHETICAL in front where any number in it is invented."""
    text = scenario.status or "no status"
    if not scenario.hypothetical:
        return text
    rest = text.removeprefix("hypothetical").lstrip(": ")
    return f"HYPOTHETICAL: {rest}" if rest else "HYPOTHETICAL"


def days(scenario: Scenario) -> tuple[str, ...]:
    """Days on which the scenario changes, or the day whose law it takes."""
    if not scenario.branches and not any(measure.dated for measure in scenario.measures):
        return () if scenario.law is None else (f"law {scenario.law}",)
    found = [str(day) for day in dict.fromkeys(state.date for state in scenario.path())]
    more = len(found) - _DAYS_SHOWN
    return (*found[:_DAYS_SHOWN], f"and {more} more") if more > 0 else tuple(found)


def _page(scenario: Scenario, worlds: Iterable[World]) -> Iterator[RenderableType]:
    yield Text(scenario.title, style="bold")
    yield Text(" ".join(scenario.description.split()))
    yield Text(f"Status: {status(scenario)}")
    yield Text(f"Source: {' '.join(scenario.source.split()) or 'none'}")
    if scenario.date is not None:
        yield Text(f"Day that is solved: {scenario.date}; changes: {', '.join(days(scenario))}")
    yield Text(f"Meant for: {', '.join(scenario.worlds) or 'any world'}")
    if scenario.coverage:
        yield Text(f"Coverage: {' '.join(scenario.coverage.split())}")
    yield Text("Measures", style="bold")
    for line in str(scenario).splitlines()[1:]:
        yield bullet(line.strip())
    if not scenario.measures and not scenario.branches:
        yield bullet(f"none beside the law ({scenario.law})" if scenario.law else "none")
    for world in worlds:
        yield from _in_world(reach(world, scenario))


def _in_world(found: Reach) -> Iterator[RenderableType]:
    yield Text(f"In {found.world}{'' if found.meant else _NOT_MEANT}", style="bold")
    if found.reason:
        yield bullet(f"stops: {found.reason}")
        return
    yield bullet(f"in all: {found.text.removesuffix(_NOT_MEANT)}")
    several = len(found.wedges) > 1
    for wedges in found.wedges:
        if several:
            yield bullet(wedges.scenario.name)
        yield from _matches(wedges, 2 if several else 1)


def _matches(wedges: Wedges, level: int) -> Iterator[RenderableType]:
    """What each measure met, and below it what to know about that."""
    notes = list(dict.fromkeys(wedges.warnings))
    for match in wedges.matches:
        met = _touched(
            match.products,
            match.flows - match.home_flows,
            match.value_base - match.home_value,
            match.home_flows,
            match.home_value,
        )
        yield bullet(f"{match.label}: {met}", level)
        mark = f"{match.label}: "
        for warning in [note for note in notes if note.startswith(mark)]:
            yield bullet(warning.removeprefix(mark), level + 1)
            notes.remove(warning)
    for warning in notes:
        yield bullet(warning, level)


def _first_sentence(reason: str) -> str:
    """The first sentence of an error, without the scenario's name."""
    name, found, rest = reason.partition(", measure ")
    text = f"measure {rest}" if found else name
    return text.partition(". ")[0].rstrip(".")
