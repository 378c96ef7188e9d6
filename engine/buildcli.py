"""``tradewedge data build``: a world from the files that the user has."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tradewedge import hydraapp, terminal
from tradewedge.errors import TradewedgeError

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run(arguments: Sequence[str]) -> int:
    """Hand the arguments to Hydra."""
    from tradewedge import build_schema

    build_schema.register()
    job = _Job()
    done = hydraapp.launch(
        "tradewedge data build", job, arguments, config_name=build_schema.CONFIG_NAME
    )
    if job.failures:
        raise job.failures[0]
    return terminal.OK if done else terminal.WRONG_INPUT


@dataclass
class _Job:
    """What Hydra calls for each build; errors wait in ``failures`` until it is done."""

    failures: list[TradewedgeError] = field(default_factory=list)

    def __call__(self, config: "DictConfig") -> None:
        try:
            _build(config)
        except TradewedgeError as error:
            self.failures.append(error)


def _build(config: "DictConfig") -> None:
    """Build, save, say what became of every row."""
    from tradewedge.build import build
    from tradewedge.build.dutycheck import TABLE
    from tradewedge.build_schema import to_plan
    from tradewedge.report.dutycheck import duty_check
    from tradewedge.report.reconciliation import reconciliation

    plan = to_plan(config)
    with terminal.progress() as notify:
        built = build(plan, notify)
    place = terminal.console()
    place.print(reconciliation(built.audit))
    directory = terminal.relative(str(built.directory))
    if TABLE in built.beside:
        place.print(duty_check(built.beside[TABLE], f"{directory}/{TABLE}.parquet"))
    place.print(built.world)
    place.print(f"Saved to {directory}; use it: tradewedge run data=path data.path={directory}")
