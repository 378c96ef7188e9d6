"""``tradewedge run``: a Hydra application, and the comparison of what a sweep has written."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tradewedge import hydraapp, terminal
from tradewedge.errors import ConfigError, TradewedgeError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tradewedge.policy import Scenario

_HYDRA_FLAGS_WITH_VALUE: Final = (
    "--package",
    "-p",
    "--config-path",
    "-cp",
    "--config-name",
    "-cn",
    "--config-dir",
    "-cd",
    "--cfg",
    "-c",
    "--info",
    "-i",
    "--experimental-rerun",
)


def run(arguments: list[str]) -> int:
    """Hand the arguments to Hydra."""
    from tradewedge import conf_schema

    conf_schema.register()
    job = _Job()
    if not hydraapp.launch(
        "tradewedge run",
        job,
        hydra_arguments(arguments),
        config_path="pkg://tradewedge.conf",
        config_name="config",
    ):
        return terminal.WRONG_INPUT
    if job.failures:
        raise job.failures[0]
    if len(job.places) > 1:
        print_comparison(job.places)
    return terminal.OK


def hydra_arguments(arguments: Sequence[str]) -> list[str]:
    """Put flags first, and turn paths of YAML files into ``scenario_files=[...]``.

    Hydra stops reading overrides at a flag that comes after some. Scenario files replace the
    demo's scenarios, unless scenarios are named as well.
    """
    flags, files, overrides = [], [], []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if argument.startswith("-") or before in _HYDRA_FLAGS_WITH_VALUE:
            flags.append(argument)
        elif argument.endswith((".yaml", ".yml")) and "=" not in argument:
            files.append(argument)
        else:
            overrides.append(argument)
    if files:
        overrides.append(f"scenario_files=[{','.join(map(_quoted, files))}]")
    has_files = any(override.startswith("scenario_files=") for override in overrides)
    has_names = any(override.startswith(("scenario=", "scenario.")) for override in overrides)
    if has_files and not has_names:
        overrides.append("scenario=[]")
    return [*flags, *overrides]


def _quoted(text: str) -> str:
    """Text as Hydra's grammar wants it, whatever it holds."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass
class _Job:
    """What Hydra calls for each job.

    An error goes to ``failures``; in a sweep it is said at once and handed to Hydra, which lets
    the other jobs finish first. What was written goes to ``places``. Launchers may pickle this and
    call the copy elsewhere.
    """

    failures: list[TradewedgeError] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def __call__(self, config: "DictConfig") -> None:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        try:
            self.places.append(_solve(config))
        except TradewedgeError as error:
            with suppress(OSError):  # empty, unless something else is in there
                os.rmdir(HydraConfig.get().runtime.output_dir)
            if HydraConfig.get().mode is RunMode.MULTIRUN:
                print(f"tradewedge run: {error}", file=sys.stderr)
                raise
            self.failures.append(error)

    def __setstate__(self, state: dict[str, list[Any]]) -> None:
        """Make the schema known in the process that the copy woke up in."""
        from tradewedge import conf_schema

        self.__dict__.update(state)
        conf_schema.register()


def _solve(config: "DictConfig") -> str:
    """Solve, write, say what came out; return where it lies."""
    from pathlib import Path

    from hydra.core.hydra_config import HydraConfig

    from tradewedge.batch import run_batch
    from tradewedge.conf_schema import to_settings

    settings = to_settings(config)
    place = terminal.relative(HydraConfig.get().runtime.output_dir)
    try:
        with terminal.progress() as notify:
            outcome = run_batch(settings, Path(place), notify)
    except ConfigError as error:
        raise _with_coverage(error, settings.scenarios) from error
    if outcome.skipped:
        print(f"Already solved, nothing to do: {place} (output.overwrite=true solves it again)")
    terminal.warn_of_absent_products(outcome.run)
    if settings.summary:
        terminal.print_summary(outcome.run, settings.width)
    elif not outcome.skipped:
        print(f"Written to {place}")
    return place


def _with_coverage(error: ConfigError, scenarios: "Sequence[Scenario]") -> ConfigError:
    """Say what data a scenario needs where it cannot be applied to a world."""
    for scenario in scenarios:
        if scenario.coverage and f"scenario {scenario.name!r}" in str(error):
            told = " ".join(scenario.coverage.split())
            return ConfigError(f"{error}\nData for {scenario.name}: {told}")
    return error


def print_comparison(directories: Sequence[str]) -> None:
    """One line per scenario of several runs."""
    from tradewedge.report.compare import comparison
    from tradewedge.store import read_run

    terminal.console().print(comparison([read_run(directory) for directory in directories]))
