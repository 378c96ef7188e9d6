"""Lists and flows in words, for messages."""

from collections.abc import Iterable, Sequence

from tradewedge.world import World

_NAMES_SHOWN = 10


def some(items: Sequence[str]) -> str:
    """At most ten of them, and how many more."""
    more = f" and {len(items) - _NAMES_SHOWN:,} more" if len(items) > _NAMES_SHOWN else ""
    return ", ".join(items[:_NAMES_SHOWN]) + more


def flow_name(world: World, row: int) -> str:
    """Product, exporter and importer of a flow row."""
    return (
        f"{world.products[world.flow_product[row]]} {world.countries[world.flow_exporter[row]]} "
        f"to {world.countries[world.flow_importer[row]]}"
    )


def exporter_names(world: World, rows: Iterable[int]) -> list[str]:
    """Product and country of exporter rows."""
    return [
        f"{world.products[world.exporter_product[x]]} of "
        f"{world.countries[world.exporter_country[x]]}"
        for x in rows
    ]
