"""Named groups of countries, with the dates of their members."""

from datetime import date
from functools import cache

import polars as pl

from tradewedge.codes.nearest import nearest
from tradewedge.codes.tables import shipped_csv
from tradewedge.errors import ConfigError


@cache
def group_table() -> pl.DataFrame:
    """Every membership: group, iso3, from_date, to_date (null: open), note.

    A member is in from ``from_date`` until the end of ``to_date``.
    """
    table = shipped_csv("codes", "groups.csv")
    return table.with_columns(pl.col("from_date", "to_date").str.to_date("%Y-%m-%d")).sort(
        "group", "iso3", "from_date"
    )


@cache
def group_titles() -> pl.DataFrame:
    """What each group is: group, title, customs_union (bool), source; sorted by group."""
    table = shipped_csv("codes", "group_titles.csv")
    return table.with_columns(pl.col("customs_union") == "yes").sort("group")


@cache
def _groups(on: date | None) -> dict[str, tuple[str, ...]]:
    members = group_table()
    if on is None:
        members = members.filter(pl.col("to_date").is_null())
    else:
        members = members.filter(
            (pl.col("from_date").is_null() | (pl.col("from_date") <= on))
            & (pl.col("to_date").is_null() | (pl.col("to_date") >= on))
        )
    found: dict[str, list[str]] = {name: [] for name in group_titles()["group"]}
    for name, iso3 in members.select("group", "iso3").unique().sort("group", "iso3").iter_rows():
        found[name].append(iso3)
    return {name: tuple(codes) for name, codes in found.items()}


def groups(on: date | None = None) -> dict[str, tuple[str, ...]]:
    """Members of every group.

    Parameters
    ----------
    on : datetime.date, optional
        The day asked about. Default: the memberships not known to have ended.

    Returns
    -------
    dict of str to tuple of str
        Group name to sorted ISO3 codes; empty for a group without members on that day.
    """
    return dict(_groups(on))


def is_group(name: str) -> bool:
    """Whether ``name``, in any case, is a group."""
    return name.strip().casefold() in _by_folded_name()


def group_members(name: str, on: date | None = None) -> tuple[str, ...]:
    """Members of one group.

    Parameters
    ----------
    name : str
        In any case.
    on : datetime.date, optional
        As in :func:`groups`.

    Returns
    -------
    tuple of str
        Sorted ISO3 codes.

    Raises
    ------
    ConfigError
        For an unknown group, or one without members on that day.
    """
    canonical = _by_folded_name().get(name.strip().casefold())
    if canonical is None:
        near = nearest(name, _groups(None))
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise ConfigError(
            f"unknown group of countries {name!r}; {hint}There are {', '.join(_groups(None))}"
        )
    members = _groups(on)[canonical]
    if not members:
        when = f"on {on}" if on else "today"
        raise ConfigError(
            f"group {canonical} has no members {when}; tw.codes.group_table() has the dates"
        )
    return members


def customs_unions(on: date | None = None) -> dict[str, tuple[str, ...]]:
    """Members of the groups that levy no duty among themselves; arguments as in :func:`groups`."""
    table = group_titles()
    found = _groups(on)
    return {name: found[name] for name in table.filter("customs_union")["group"] if found[name]}


@cache
def _by_folded_name() -> dict[str, str]:
    return {name.casefold(): name for name in group_titles()["group"]}
