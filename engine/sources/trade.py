"""What every source of trade hands over, whatever its files look like."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from tradewedge import codes, keys
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources.tally import Sifted, drop, exact, why_nothing

#: Columns that begin so hold what an authority charged on each flow, thousand USD.
DUTY: Final = "duty:"
FLOWS: Final = ("year", "product", "exporter", "importer", "value", "quantity")
KEY: Final = ("year", "product", "exporter", "importer")


@dataclass(frozen=True, eq=False)
class Trade:
    """Trade of one or several years.

    Attributes
    ----------
    flows : DataFrame
        year, product, exporter, importer (text or Enum), value (thousand USD at the border),
        quantity (metric tons, null where not reported); unique keys, value above 0. Where the
        source has duties too, a column "duty:AUTHORITY" for each: thousand USD charged.
    audit : DataFrame
        step, reason, rows, value: what was read, dropped and kept.
    vintage : str or None
        HS edition of the products; None if they are not HS codes.
    title : str
        What the data are, for summaries.
    notes : tuple of str
        Sentences on what they cannot answer.
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


def gather(
    parts: Sequence[Sifted], where: str, years: Sequence[int] | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The flows and the audit of all files together.

    Raises
    ------
    DataError
        If nothing is kept, or a flow is stated twice.
    ConfigError
        For years that are not there.
    """
    flows, audit = (
        pl.concat(tables)
        for tables in ([part.frame for part in parts], [part.audit for part in parts])
    )
    if flows.is_empty():
        why = why_nothing(audit)
        raise DataError(f"{where}: no flow between two countries is left of its rows ({why})")
    reject_duplicates(flows, where)
    pick_years(years, flows["year"].unique(), where)
    return flows, audit


UNION: Final = "EU27"
#: From this share of the union's own value on, its members beside it count as complete.
_COMPLETE: Final = 0.98


def without_union(
    done: Sifted, step: str, weight: str = "value"
) -> tuple[Sifted, dict[str, tuple[str, ...]]]:
    """Count the European Union once where it and members of it are partners side by side.

    Members that together have the union's value stay and the union goes; members that do not,
    such as one that is listed beside it by mistake, go and the union stays.

    Returns
    -------
    Sifted
    dict
        The aggregates that stay, with members.
    """
    members = codes.group_members(UNION)
    aggregates = {}
    for end in ("exporter", "importer"):
        place = pl.col(end).cast(pl.String)
        union, parts = (
            exact(done.frame.filter(which)) for which in (place == UNION, place.is_in(members))
        )
        if union[0] and parts[0] and parts[1] >= _COMPLETE * union[1]:
            text = f"European Union as {end}, beside its members"
            done = drop(done, step, text, place == UNION, weight)
        elif union[0]:
            text = f"member of the European Union as {end}, inside it as well"
            done = drop(done, step, text, place.is_in(members), weight)
            aggregates[UNION] = members
    return done, aggregates


def money(flows: pl.DataFrame) -> list[str]:
    """Columns of a flow table that are thousand USD: the value, and duties."""
    return ["value", *(name for name in flows.columns if name.startswith(DUTY))]


def added_up(flows: pl.DataFrame) -> pl.DataFrame:
    """One row per flow: values and duties added up; tons too, where all parts report some."""
    tons = pl.col("quantity")
    return (
        flows.lazy()
        .group_by(KEY)
        .agg(
            pl.col(money(flows)).sum(),
            pl.when(~tons.has_nulls()).then(tons.sum()).alias("quantity"),
        )
        .collect(engine="in-memory")  # sums in one order, so that builds repeat to the last bit
        .select(*FLOWS, *money(flows)[1:])
    )


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
