"""``tradewedge data duty``: the duty on a product from an origin on a day, term by term."""

import argparse
from datetime import date
from typing import TYPE_CHECKING, Final

from tradewedge.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import RenderableType

HELP: Final = "the US duty on a product from an origin on a day, term by term"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``tradewedge data duty`` takes."""
    parser.add_argument("--product", required=True, help="HS6, HTS8 or HTS10 code")
    parser.add_argument("--exporter", required=True, help="country of origin, ISO3, or EU27")
    parser.add_argument("--importer", default="USA", help="default and only choice: USA")
    parser.add_argument("--date", default=None, help="ISO date; default: today")
    parser.add_argument(
        "--preference",
        default="claimed",
        choices=("claimed", "none", "average"),
        help="whether trade agreements are used (default: claimed)",
    )
    parser.add_argument(
        "--in-scope",
        action="append",
        default=[],
        metavar="LIST=SHARE",
        help="share of a list's trade that it reaches, such as s232_auto_parts=0",
    )


def page(parsed: argparse.Namespace) -> "RenderableType":
    """Answer what was asked.

    Raises
    ------
    ConfigError, DataError
        As :func:`tradewedge.policy.law.duty` does.
    """
    from tradewedge.policy.law import duty
    from tradewedge.report.duty import duty_page

    answer = duty(
        parsed.product,
        parsed.exporter,
        parsed.importer,
        parsed.date or date.today(),
        preference=parsed.preference,
        in_scope=dict(_share(text) for text in parsed.in_scope),
    )
    return duty_page(answer)


def _share(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError:
        raise ConfigError(f"--in-scope {text!r}: write it as s232_auto_parts=0.5") from None
