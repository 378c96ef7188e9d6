"""The ``tradewedge`` command.

Only what a subcommand needs is imported, when it is needed: ``--help`` answers at once.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TextIO

from tradewedge import __version__, dutycli
from tradewedge.errors import ConfigError, SolveError, TradewedgeError, TradewedgeWarning

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from rich.console import Console

    from tradewedge.policy import Scenario
    from tradewedge.store import Run

OK: Final = 0
NOT_SOLVED: Final = 1
WRONG_INPUT: Final = 2
INTERRUPTED: Final = 130

_TRACEBACK: Final = "TRADEWEDGE_TRACEBACK"
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
_EPILOG: Final = """\
examples:
  tradewedge run                                  the demo, into outputs/demo
  tradewedge run --help                           groups, keys, more examples
  tradewedge run scenario=us_without_china elasticities=short
  tradewedge run my_scenario.yaml data=us_imports
  tradewedge report outputs/demo

exit status: 0 done; 1 some products did not converge (on_failure=raise) or a bug; 2 wrong input.
Set TRADEWEDGE_TRACEBACK=1 to see where an error comes from.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with _short_warnings():
            return _dispatch(arguments)
    except BrokenPipeError:  # the reader of a pipe has left, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return OK
    except (TradewedgeError, OSError) as error:
        if os.environ.get(_TRACEBACK) == "1":
            raise
        print(f"tradewedge: {error}", file=sys.stderr)
        return NOT_SOLVED if isinstance(error, SolveError) else WRONG_INPUT
    except KeyboardInterrupt:
        print("tradewedge: interrupted", file=sys.stderr)
        return INTERRUPTED


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] == "run":
        return _run(arguments[1:])
    parser = _parser()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in _COMMANDS:
        near = get_close_matches(arguments[0], _COMMANDS, n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]}?" if near else ""
        print(
            f"tradewedge: there is no command {arguments[0]!r}.{hint} Commands: "
            f"{', '.join(_COMMANDS)}.",
            file=sys.stderr,
        )
        return WRONG_INPUT
    parsed = parser.parse_args(arguments)
    if parsed.command is None:
        parser.print_help()
        return OK
    command: Callable[[argparse.Namespace], int] = parsed.call
    return command(parsed)


_COMMANDS: Final = ("run", "report", "scenarios", "data", "doctor")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tradewedge",
        description="Re-solve bilateral trade in every HS-coded product after a policy change.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tradewedge {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    # Listed for --help only: its arguments go to Hydra.
    commands.add_parser("run", help="solve scenarios and write a run directory", add_help=False)
    report = commands.add_parser("report", help="print the summary of a run directory")
    report.add_argument("directory", metavar="DIR")
    report.add_argument("--width", type=int, help="columns (default: the terminal's, at most 100)")
    report.add_argument("--verify", action="store_true", help="first compare all checksums")
    report.set_defaults(call=_report)
    scenarios = commands.add_parser(
        "scenarios", help="list the scenarios that ship, and what they touch in a world"
    )
    scenarios.add_argument("name", metavar="NAME", nargs="?", help="everything about this one")
    scenarios.add_argument(
        "--world",
        metavar="WORLD",
        help="say what they touch in it: minerals, us_imports, or a path",
    )
    scenarios.set_defaults(call=_scenarios)
    data = commands.add_parser("data", help="list the embedded worlds, or show one")
    data.set_defaults(call=_data_list)
    actions = data.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="list the embedded worlds").set_defaults(call=_data_list)
    show = actions.add_parser("show", help="show one embedded world")
    show.add_argument("name", metavar="NAME")
    show.add_argument("--year", type=int, help="default: the newest")
    show.set_defaults(call=_data_show)
    duty = actions.add_parser("duty", help=dutycli.HELP)
    dutycli.add_arguments(duty)
    duty.set_defaults(call=_data_duty)
    doctor = commands.add_parser("doctor", help="versions, devices, and what is not installed")
    doctor.set_defaults(call=_doctor)
    return parser


def _run(arguments: list[str]) -> int:
    """Hand the arguments to Hydra."""
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from tradewedge import conf_schema

    conf_schema.register()
    job = _Job()
    app = hydra.main(version_base="1.3", config_path="pkg://tradewedge.conf", config_name="config")(
        job
    )
    try:
        with _arguments(["tradewedge run", *hydra_arguments(arguments)]):
            app()
    except (HydraException, OmegaConfBaseException) as error:
        if os.environ.get(_TRACEBACK) == "1":
            raise
        cause = error.__cause__
        print(f"tradewedge run: {error}", file=sys.stderr)
        if isinstance(cause, OmegaConfBaseException):
            print(cause, file=sys.stderr)
        print("`tradewedge run --help` shows the groups and keys.", file=sys.stderr)
        return WRONG_INPUT
    if job.failures:
        raise job.failures[0]
    return OK


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
    the other jobs finish first. Launchers may pickle this and call the copy elsewhere.
    """

    failures: list[TradewedgeError] = field(default_factory=list)

    def __call__(self, config: "DictConfig") -> None:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        try:
            _solve(config)
        except TradewedgeError as error:
            with suppress(OSError):  # empty, unless something else is in there
                os.rmdir(HydraConfig.get().runtime.output_dir)
            if HydraConfig.get().mode is RunMode.MULTIRUN:
                print(f"tradewedge run: {error}", file=sys.stderr)
                raise
            self.failures.append(error)

    def __setstate__(self, state: dict[str, list[TradewedgeError]]) -> None:
        """Make the schema known in the process that the copy woke up in."""
        from tradewedge import conf_schema

        self.__dict__.update(state)
        conf_schema.register()


def _solve(config: "DictConfig") -> None:
    """Solve, write, say what came out."""
    from pathlib import Path

    from hydra.core.hydra_config import HydraConfig

    from tradewedge.batch import run_batch
    from tradewedge.conf_schema import to_settings

    settings = to_settings(config)
    place = _relative(HydraConfig.get().runtime.output_dir)
    try:
        with _progress() as notify:
            outcome = run_batch(settings, Path(place), notify)
    except ConfigError as error:
        raise _with_coverage(error, settings.scenarios) from error
    if outcome.skipped:
        print(f"Already solved, nothing to do: {place} (output.overwrite=true solves it again)")
    if settings.summary:
        _print_summary(outcome.run, settings.width)
    elif not outcome.skipped:
        print(f"Written to {place}")


def _with_coverage(error: ConfigError, scenarios: "Sequence[Scenario]") -> ConfigError:
    """Say what data a scenario needs where it cannot be applied to a world."""
    for scenario in scenarios:
        if scenario.coverage and f"scenario {scenario.name!r}" in str(error):
            told = " ".join(scenario.coverage.split())
            return ConfigError(f"{error}\nData for {scenario.name}: {told}")
    return error


def _report(parsed: argparse.Namespace) -> int:
    from tradewedge.store import read_run

    run = read_run(parsed.directory)
    if parsed.verify:
        run.verify()
    _print_summary(run, parsed.width)
    return OK


def _scenarios(parsed: argparse.Namespace) -> int:
    from tradewedge.conf_schema import shipped_scenarios
    from tradewedge.report.scenarios import scenario_list, scenario_page
    from tradewedge.worlds import load_world

    console = _console()
    found = shipped_scenarios()
    if parsed.name is not None:
        scenario = _named(found, parsed.name)
        worlds = [parsed.world] if parsed.world else scenario.worlds or ("minerals",)
        console.print(scenario_page(scenario, map(load_world, worlds)))
        print(f"Solve it: tradewedge run scenario={scenario.name}{_data_of(worlds)}")
        return OK
    world = None if parsed.world is None else load_world(parsed.world)
    with _progress() as notify:
        table = scenario_list(found, world, notify)
    console.print(table)
    print("More on one: tradewedge scenarios NAME. What they touch: --world minerals.")
    print("Solve one: tradewedge run scenario=NAME. A file of your own: tradewedge run FILE.yaml")
    return OK


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


def _data_list(_: argparse.Namespace) -> int:
    from tradewedge.report.worlds import world_list

    _console().print(world_list())
    print("More on one: tradewedge data show NAME. Use one: tradewedge run data=NAME")
    return OK


def _data_show(parsed: argparse.Namespace) -> int:
    from tradewedge.report.worlds import world_page

    _console().print(world_page(parsed.name, parsed.year))
    return OK


def _data_duty(parsed: argparse.Namespace) -> int:
    _console().print(dutycli.page(parsed))
    return OK


def _doctor(_: argparse.Namespace) -> int:
    from tradewedge import doctor

    findings = doctor.examine()
    print(doctor.text(findings))
    return OK if findings.healthy else NOT_SOLVED


def _print_summary(run: "Run", width: int | None) -> None:
    from tradewedge.report import summary, text

    console = _console(width)
    if console.is_terminal:
        console.print(summary(run))
    else:
        print(text(run, console.width), end="")


def _console(width: int | None = None) -> "Console":
    from rich.console import Console

    from tradewedge.report.summary import MAX_WIDTH

    console = Console(highlight=False, emoji=False)
    console.width = width or min(console.width, MAX_WIDTH)
    return console


def _relative(directory: str) -> str:
    path = os.path.relpath(directory)
    return directory if path.startswith("..") else path


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:

        def notify(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield notify


@contextmanager
def _arguments(arguments: list[str]) -> Iterator[None]:
    """Let Hydra see these arguments, and let errors come through as exceptions."""
    before, full = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv, os.environ["HYDRA_FULL_ERROR"] = arguments, "1"
    try:
        yield
    finally:
        sys.argv = before
        if full is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = full


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Show our own warnings as one line, without the place in the code."""
    before = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, TradewedgeWarning):
            print(f"tradewedge: warning: {message}", file=sys.stderr)
        else:
            before(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


if __name__ == "__main__":
    sys.exit(main())
