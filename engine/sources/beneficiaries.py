"""Who may use a preference that a file names by a group's code only."""

from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.errors import DataError
from tradewedge.sources.reading import read_table
from tradewedge.sources.tally import MADE, Sifted, audit_frame

_SCHEMA: Final = {"group": pl.String, "country": pl.String}


def members(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Countries of each group, from a table with the columns group and country (ISO3).

    Raises
    ------
    DataError
        If it cannot be read, or names a country that is none.
    """
    table = read_table(path, _SCHEMA)
    known = set(codes.countries()["iso3"])
    strange = table.filter(~pl.col("country").is_in(sorted(known)))
    if not strange.is_empty():
        group, country = strange.row(0)
        raise DataError(f"{path}: group {group} has the country {country!r}, which is none of ours")
    found = table.group_by("group").agg(pl.col("country").unique().sort()).sort("group")
    return {group: tuple(held) for group, held in found.iter_rows()}


def spread(done: Sifted, groups: dict[str, tuple[str, ...]], step: str) -> Sifted:
    """Rates of groups as rates of their members.

    A country's own row counts before its groups'; of several groups' rates, the lowest.

    Parameters
    ----------
    done : Sifted
        year, product, exporter (a country, "*" or a group's code), importer, kind, rate.
    groups : dict
        As :func:`members` gives it.
    step : str
        What the audit calls it.
    """
    text = pl.col("exporter").cast(pl.String)
    of_group = done.frame.filter(text.is_in(list(groups)))
    if of_group.is_empty():
        return done
    own = done.frame.filter(~text.is_in(list(groups))).with_columns(text)
    named = pl.DataFrame(
        [(group, country) for group, held in groups.items() for country in held],
        schema={"exporter": pl.String, "member": pl.String},
        orient="row",
    )
    key = ["year", "product", "exporter", "importer", "kind"]
    each = (
        of_group.with_columns(text)
        .join(named, on="exporter")
        .with_columns(exporter="member")
        .group_by(key)
        .agg(pl.col("rate").min())
        .join(own, on=key, how="anti")
        .select(own.columns)
    )
    made = pl.concat([own, each])
    lines = audit_frame(
        [
            (f"{step}: groups", "rates of groups with members named", of_group.height, None),
            (f"{step}: groups", "rates of members without one of their own", each.height, None),
            (f"{step}: groups", MADE, made.height, None),
        ]
    )
    return Sifted(made, pl.concat([done.audit, lines]))
