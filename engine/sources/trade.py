"""What every source of trade hands over, whatever its files look like."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from tradewedge import keys
from tradewedge.errors import ConfigError, DataError

FLOWS: Final = ("year", "product", "exporter", "importer", "value", "quantity")
KEY: Final = ("year", "product", "exporter", "importer")


@dataclass(frozen=True, eq=False)
class Trade:
    """Trade of one or several years.

    Attributes
    ----------
    flows : DataFrame
        year, product, exporter, importer (text or Enum), value (thousand USD at the border),
        quantity (metric tons, null where not reported); unique keys, value above 0.
    audit : DataFrame
        step, reason, rows, value: what was read, dropped and kept.
    vintage : str or None
        HS edition of the products; None if they are not HS codes.
    title : str
        What the data are, for summaries.
    notes : tuple of str
        Sentences on what they cannot answer.
    tariffs : DataFrame or None
        product, exporter, importer, rate, authority, where the source has duties too.
    tariff_importers, observed_importers : tuple of str or None
        As in :meth:`tradewedge.World.from_flows`.
    aggregates : mapping
        Partners that stand for several countries.
    """

    flows: pl.DataFrame
    audit: pl.DataFrame
    vintage: str | None
    title: str
    notes: tuple[str, ...] = ()
    tariffs: pl.DataFrame | None = None
    tariff_importers: tuple[str, ...] | None = None
    observed_importers: tuple[str, ...] | None = None
    aggregates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def years(self) -> tuple[int, ...]:
        """The years it holds, ascending."""
        return tuple(self.flows["year"].unique().sort())


def pick_years(asked: Sequence[int] | None, held: Iterable[int], where: str) -> tuple[int, ...]:
    """The years to read.

    Raises
    ------
    ConfigError
        If a year is not held, or several are and none is asked for.
    """
    there = sorted(set(held))
    listed = ", ".join(map(str, there))
    if asked is None:
        if len(there) != 1:
            raise ConfigError(
                f"{where} holds the years {listed}: say which, as years=[{there[-1]}]"
            )
        return tuple(there)
    missing = sorted(set(asked) - set(there))
    if missing:
        raise ConfigError(
            f"{where} has no year {', '.join(map(str, missing))}; it holds {listed or 'none'}"
        )
    return tuple(sorted(set(asked)))


def reject_duplicates(flows: pl.DataFrame, where: str, key: Sequence[str] = KEY) -> None:
    """No flow is stated twice.

    Raises
    ------
    DataError
        Naming the first such flow.
    """
    if keys.any_twice([flows[name] for name in key]):
        twice = flows.filter(flows.select(key).is_duplicated())
        named = ", ".join(f"{name} {twice[name][0]}" for name in key)
        raise DataError(
            f"{where}: {twice.height} rows state the same flow as another, such as {named}: the "
            "file was put together twice, or mixes levels of detail"
        )
