"""``tradewedge data``: embedded worlds, groups, lists, duties, builds, elasticities."""

import argparse
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradewedge import dutycli, filescli
from tradewedge.errors import ConfigError
from tradewedge.terminal import OK, console

if TYPE_CHECKING:
    from rich.console import RenderableType

HELP: Final = (
    "list the embedded worlds, or show one; groups of countries, lists of products, duties"
)
BUILD_HELP: Final = "make a world of official files or your own, and save it"
ELASTICITIES_HELP: Final = "where a world has its elasticities from: counts by source, or products"
ESTIMATE_HELP: Final = "estimate elasticities from trade and tariffs (extra estimate)"
_ACTIONS: Final = (
    "list",
    "show",
    "groups",
    "lists",
    "duty",
    "build",
    "fetch",
    "table",
    "estimate",
    "elasticities",
)


def with_action(arguments: Sequence[str]) -> list[str]:
    """``data minerals`` means ``data show minerals``; a misspelt action stays an error."""
    first = next(iter(arguments), "-")
    if first.startswith("-") or get_close_matches(first, _ACTIONS, n=1, cutoff=0.75):
        return list(arguments)
    return ["show", *arguments]


def add_arguments(data: argparse.ArgumentParser) -> None:
    """Declare what ``tradewedge data`` takes."""
    data.set_defaults(call=_printed(_worlds))
    actions = data.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="list the embedded worlds").set_defaults(call=_printed(_worlds))
    show = actions.add_parser("show", help="show one embedded world; `data NAME` is the same")
    show.add_argument("name", metavar="NAME")
    show.add_argument("--year", type=int, help="default: the newest")
    show.add_argument("--products", action="store_true", help="its products and their trade")
    show.set_defaults(call=_printed(_world))
    groups = actions.add_parser("groups", help="groups of countries that measures may name")
    groups.set_defaults(call=_printed(_groups))
    lists = actions.add_parser("lists", help="lists of products that measures may name")
    lists.add_argument("name", metavar="NAME", nargs="?", help="the codes of this one")
    lists.set_defaults(call=_printed(_lists))
    fetch = actions.add_parser("fetch", help=filescli.FETCH_HELP)
    filescli.add_fetch_arguments(fetch)
    fetch.set_defaults(call=_printed(filescli.fetch_page))
    table = actions.add_parser("table", help=filescli.TABLE_HELP)
    filescli.add_table_arguments(table)
    table.set_defaults(call=_printed(filescli.table_page))
    # Listed for --help only: their arguments go to Hydra.
    actions.add_parser("build", help=BUILD_HELP, add_help=False)
    actions.add_parser("estimate", help=ESTIMATE_HELP, add_help=False)
    origins = actions.add_parser("elasticities", help=ELASTICITIES_HELP)
    origins.add_argument("world", metavar="WORLD", help="an embedded world, or the path of one")
    origins.add_argument("--year", type=int, help="default: the newest")
    origins.add_argument("--set", metavar="NAME", help="with this set, or the table of this path")
    origins.add_argument(
        "--products",
        nargs="*",
        metavar="PREFIX",
        help="product by product: all, or those that begin so",
    )
    origins.add_argument("--out", metavar="FILE", help="write the table as .csv or .parquet")
    origins.set_defaults(call=_printed(_elasticities))
    duty = actions.add_parser("duty", help=dutycli.HELP)
    dutycli.add_arguments(duty)
    duty.set_defaults(call=_printed(dutycli.page))


def _printed(
    page: "Callable[[argparse.Namespace], RenderableType]",
) -> Callable[[argparse.Namespace], int]:
    def call(parsed: argparse.Namespace) -> int:
        console().print(page(parsed))
        return OK

    return call


def _worlds(_: argparse.Namespace) -> "RenderableType":
    from rich.console import Group

    from tradewedge.report.worlds import world_list

    more = "More on one: tradewedge data NAME. Use one: tradewedge run data=NAME"
    return Group(world_list(), more)


def _world(parsed: argparse.Namespace) -> "RenderableType":
    from tradewedge.report.worlds import world_page, world_products

    page = world_products if parsed.products else world_page
    return page(parsed.name, parsed.year)


def _groups(_: argparse.Namespace) -> "RenderableType":
    from tradewedge.report.codelists import group_list

    return group_list()


def _lists(parsed: argparse.Namespace) -> "RenderableType":
    from tradewedge.report.codelists import list_list, list_page

    return list_list() if parsed.name is None else list_page(parsed.name)


def _elasticities(parsed: argparse.Namespace) -> "RenderableType":
    import polars as pl

    from tradewedge.report.elasticities import elasticity_counts, elasticity_lines
    from tradewedge.worlds import load_world

    world = load_world(parsed.world, year=parsed.year, elasticities=parsed.set)
    rows = world.elasticity_sources()
    if parsed.out is not None:
        filescli.write_table(rows, Path(parsed.out))
    if parsed.products is None:
        return elasticity_counts(rows, world.elasticities.set_name)
    begins = [pl.col("product").str.starts_with(prefix) for prefix in parsed.products or [""]]
    shown = rows.filter(pl.any_horizontal(begins))
    if shown.is_empty():
        raise ConfigError(f"{parsed.world} has no product under {', '.join(parsed.products)}")
    return elasticity_lines(shown)
