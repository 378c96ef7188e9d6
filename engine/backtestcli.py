"""``tradewedge backtest``: what the models would have said, against what came."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradewedge import hydraapp, terminal
from tradewedge.errors import TradewedgeError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tradewedge.backtest import Backtest

HELP: Final = "predict a past year from the year before and compare with what happened"
_KEY_LENGTH: Final = 8


def run(arguments: Sequence[str]) -> int:
    """Hand the arguments to Hydra."""
    from tradewedge import backtest_schema

    backtest_schema.register()
    job = _Job()
    done = hydraapp.launch(
        "tradewedge backtest",
        job,
        [_named(argument) for argument in arguments],
        config_name=backtest_schema.CONFIG_NAME,
    )
    if job.failures:
        raise job.failures[0]
    return terminal.OK if done else terminal.WRONG_INPUT


def _named(argument: str) -> str:
    """The path of a YAML file as the key that takes it."""
    if argument.endswith((".yaml", ".yml")) and "=" not in argument:
        return f"experiment_file='{argument}'"
    return argument


@dataclass
class _Job:
    """What Hydra calls; errors wait in ``failures`` until it is done."""

    failures: list[TradewedgeError] = field(default_factory=list)

    def __call__(self, config: "DictConfig") -> None:
        try:
            _backtest(config)
        except TradewedgeError as error:
            self.failures.append(error)


def _backtest(config: "DictConfig") -> None:
    """Compute, write, say what came out; nothing if it is there already."""
    from tradewedge.backtest import directory
    from tradewedge.backtest.series import open_year
    from tradewedge.backtest.trial import run as run_trial
    from tradewedge.backtest_schema import to_asked

    asked = to_asked(config)
    told, plan = asked.experiment, asked.plan
    first, last = (open_year(year, plan.elasticities) for year in (told.before, told.after))
    wanted = directory.key(told, plan, first, last)
    place = asked.out or Path("outputs/backtest", f"{told.name}-{wanted[:_KEY_LENGTH]}")
    if directory.is_there(place, wanted, overwrite=asked.overwrite):
        print(f"Already computed, nothing to do: {place} (overwrite=true computes it again)")
        return
    with terminal.progress() as notify:
        found = run_trial(told, before=first, after=last, plan=plan, notify=notify)
    directory.write(found, place, wanted=wanted)
    _show(found, place)


def _show(found: "Backtest", place: Path) -> None:
    from tradewedge.backtest import summary

    console = terminal.console()
    for part in summary.parts(found):
        console.print(part)
    console.print(f"\nWritten to {terminal.relative(str(place.absolute()))}: report.html")
