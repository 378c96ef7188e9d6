"""``tradewedge run``: a Hydra application, and the comparison of what a sweep has written."""

import os
import sys
from collections.abc import Sequence, Set
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

_CHANGES: Final = "scenario_changes."


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
        keys=conf_schema.keys(),
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
    demo's scenarios, unless scenarios are named as well. ``scenario.NAME.KEY=...`` goes to
    ``scenario_changes`` where a file's scenario has that name.
    """
    flags: list[str] = []
    files: list[str] = []
    overrides: list[str] = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if argument.startswith("-") or before in _HYDRA_FLAGS_WITH_VALUE:
            flags.append(argument)
        elif argument.endswith((".yaml", ".yml")) and "=" not in argument:
            files.append(argument)
        elif "=" not in argument and not argument.startswith("~"):
            raise ConfigError(_no_setting(argument))
        else:
            overrides.append(argument)
    names = {name for name in map(_name_in, files) if name}
    overrides = [_of_file(override, names) for override in overrides]
    if files:
        overrides.append(f"scenario_files=[{','.join(map(_quoted, files))}]")
    has_files = any(override.startswith("scenario_files=") for override in overrides)
    has_names = any(override.startswith(("scenario=", "scenario.")) for override in overrides)
    if has_files and not has_names:
        overrides.append("scenario=[]")
    return [*flags, *overrides]


def _no_setting(word: str) -> str:
    """Say what a word that sets nothing may have been meant for."""
    text = f"run: {word!r} is neither KEY=VALUE nor a file that ends in .yaml"
    beside = [path for path in (f"{word}.yaml", f"{word}.yml") if os.path.isfile(path)]
    if beside:
        return f"{text}; did you mean {beside[0]}?"
    from tradewedge.cases import shipped_scenarios
    from tradewedge.codes import nearest

    names = [scenario.name for scenario in shipped_scenarios()]
    near = [word] if word in names else nearest(word, names)
    return text + (f"; did you mean scenario={near[0]}?" if near else "")


def _name_in(path: str) -> str | None:
    """The name of a file's scenario; None where the file says none, which is told later."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            body = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return str(body["name"]) if isinstance(body, dict) and "name" in body else None


def _of_file(override: str, names: Set[str]) -> str:
    """Turn ``scenario.NAME.KEY=...`` into a change of a file's scenario, if it is one of those."""
    key = override.lstrip("+")
    for name in names:
        if key.startswith(f"scenario.{name}."):
            return f"++{_CHANGES}{key.removeprefix('scenario.')}"
    return override


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
    from hydra.types import RunMode

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
    asked = HydraConfig.get().overrides.task
    if HydraConfig.get().mode is RunMode.MULTIRUN and not any(
        o.lower() == "output.summary=true" for o in asked
    ):
        print(f"{_setting(asked)}: {place}")
    elif settings.summary:
        terminal.print_summary(outcome.run, settings.width)
    elif not outcome.skipped:
        print(f"Written to {place}")
    return place


def _setting(overrides: Sequence[str]) -> str:
    """What one job of a sweep was told, as it was written."""
    told = (o.replace(f"++{_CHANGES}", "scenario.", 1) for o in overrides)
    hidden = ("output", "scenario_files=", "scenario=[]")
    return " ".join(o for o in told if not o.startswith(hidden)) or "as configured"


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
