"""``tradewedge scenarios``: what ships, and what it touches in a world."""

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tradewedge import terminal
from tradewedge.errors import ConfigError

if TYPE_CHECKING:
    from tradewedge.policy import Scenario

HELP: Final = "list the scenarios that ship, and what they touch in a world"


def add_arguments(scenarios: argparse.ArgumentParser) -> None:
    """Declare what ``tradewedge scenarios`` takes."""
    scenarios.add_argument("name", metavar="NAME", nargs="?", help="everything about this one")
    scenarios.add_argument(
        "--world",
        metavar="WORLD",
        help="say what they touch in it: minerals, us_imports, or a path",
    )
    scenarios.set_defaults(call=page)


def page(parsed: argparse.Namespace) -> int:
    """Print the list, or everything about one."""
    from tradewedge.cases import shipped_scenarios
    from tradewedge.report.scenarios import scenario_list, scenario_page
    from tradewedge.worlds import load_world

    console = terminal.console()
    found = shipped_scenarios()
    if parsed.name is not None:
        scenario = _named(found, parsed.name)
        worlds = [parsed.world] if parsed.world else scenario.worlds or ("minerals",)
        console.print(scenario_page(scenario, map(load_world, worlds)))
        print(f"Solve it: tradewedge run scenario={scenario.name}{_data_of(worlds)}")
        return terminal.OK
    world = None if parsed.world is None else load_world(parsed.world)
    with terminal.progress() as notify:
        table = scenario_list(found, world, notify)
    console.print(table)
    print("More on one: tradewedge scenarios NAME. What they touch: --world minerals.")
    print("Solve one: tradewedge run scenario=NAME. A file of your own: tradewedge run FILE.yaml")
    return terminal.OK


def _named(scenarios: "Sequence[Scenario]", name: str) -> "Scenario":
    from tradewedge.codes import nearest

    by_name = {scenario.name: scenario for scenario in scenarios}
    if name not in by_name:
        near = nearest(name, list(by_name))
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise ConfigError(f"no scenario {name!r} ships{hint}. `tradewedge scenarios` lists them")
    return by_name[name]


def _data_of(worlds: Sequence[str]) -> str:
    """What to add to a command so that it takes the first of these worlds."""
    first = worlds[0] if worlds else "minerals"
    if os.path.isdir(first):
        return f" data=path data.path={first}"
    return "" if first == "minerals" else f" data={first}"
