"""The ``tradewedge`` command.

Only what a subcommand needs is imported, when it is needed: ``--help`` answers at once.
"""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Final

from tradewedge import (
    __version__,
    backtestcli,
    benchcli,
    buildcli,
    datacli,
    estimatecli,
    runcli,
    scenariocli,
    terminal,
)
from tradewedge.errors import SolveError, TradewedgeError
from tradewedge.terminal import INTERRUPTED, NOT_SOLVED, OK, WRONG_INPUT

_EPILOG: Final = """\
examples:
  tradewedge run                                  the demo, into outputs/demo
  tradewedge run --help                           groups, keys, more examples
  tradewedge run scenario=us_without_china elasticities=short
  tradewedge run my_scenario.yaml data=us_imports
  tradewedge report outputs/demo
  tradewedge compare outputs/*
  tradewedge data minerals

exit status: 0 done; 1 some products did not converge (on_failure=raise) or a bug; 2 wrong input.
Set TRADEWEDGE_TRACEBACK=1 to see where an error comes from.
"""


def script() -> int:
    """Run the command line in a process of its own, which ends then; return the exit status."""
    gc.set_threshold(100_000, 20, 20)  # what could be freed on the way is not worth the looking
    status = main()
    gc.freeze()  # nor is it at the end
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with terminal.short_warnings():
            return _dispatch(arguments)
    except BrokenPipeError:  # the reader of a pipe has left, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return OK
    except (TradewedgeError, OSError) as error:
        if terminal.wants_traceback():
            raise
        print(f"tradewedge: {error}", file=sys.stderr)
        return NOT_SOLVED if isinstance(error, SolveError) else WRONG_INPUT
    except KeyboardInterrupt:
        print("tradewedge: interrupted", file=sys.stderr)
        return INTERRUPTED


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["run"]:
        return runcli.run(arguments[1:])
    if arguments[:1] == ["backtest"]:
        return backtestcli.run(arguments[1:])
    if arguments[:2] == ["data", "build"]:
        return buildcli.run(arguments[2:])
    if arguments[:2] == ["data", "estimate"]:
        return estimatecli.run(arguments[2:])
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
    if arguments[:1] == ["data"]:
        arguments = ["data", *datacli.with_action(arguments[1:])]
    parsed = parser.parse_args(arguments)
    if parsed.command is None:
        parser.print_help()
        return OK
    command: Callable[[argparse.Namespace], int] = parsed.call
    return command(parsed)


_COMMANDS: Final = ("run", "report", "compare", "scenarios", "data", "backtest", "bench", "doctor")


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
    compare = commands.add_parser("compare", help="print one line per scenario of several runs")
    compare.add_argument("directories", metavar="DIR", nargs="+")
    compare.set_defaults(call=_compare)
    scenariocli.add_arguments(commands.add_parser("scenarios", help=scenariocli.HELP))
    datacli.add_arguments(commands.add_parser("data", help=datacli.HELP))
    commands.add_parser("backtest", help=backtestcli.HELP, add_help=False)  # Hydra's, too
    benchcli.add_arguments(commands.add_parser("bench", help=benchcli.HELP))
    doctor = commands.add_parser("doctor", help="versions, devices, and what is not installed")
    doctor.set_defaults(call=_doctor)
    return parser


def _report(parsed: argparse.Namespace) -> int:
    from tradewedge.store import read_run

    run = read_run(parsed.directory)
    if parsed.verify:
        run.verify()
    terminal.print_summary(run, parsed.width)
    return OK


def _compare(parsed: argparse.Namespace) -> int:
    runcli.print_comparison([path for path in parsed.directories if not os.path.isfile(path)])
    return OK


def _doctor(_: argparse.Namespace) -> int:
    from tradewedge import doctor

    findings = doctor.examine()
    print(doctor.text(findings))
    return OK if findings.healthy else NOT_SOLVED


if __name__ == "__main__":
    sys.exit(main())
