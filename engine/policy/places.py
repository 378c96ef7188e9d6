"""Which countries of a world a measure's ``importer`` or ``exporter`` means."""

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tradewedge import codes
from tradewedge.errors import ConfigError
from tradewedge.policy.checks import EVERYTHING, Codes
from tradewedge.segments import parent, segment
from tradewedge.world import World

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Places:
    """Countries that one side of a measure means.

    Attributes
    ----------
    matched : bool [N]
        By index into the world's countries.
    named : bool [N]
        Those named one by one rather than by a group or ``"*"``.
    absent : tuple of str
        Countries named one by one that exist but have no row in the world.
    """

    matched: Bools
    named: Bools
    absent: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Atlas:
    """The countries of one world, ready for look-ups; groups have their members of a day."""

    world: World
    on: date | None = None

    @cached_property
    def row(self) -> dict[str, int]:
        """Index of each country and aggregate partner of the world."""
        return {code: i for i, code in enumerate(self.world.countries)}

    @cached_property
    def aggregates(self) -> dict[str, frozenset[str]]:
        """Aggregate partners that have a row and known members."""
        return {
            code: frozenset(members)
            for code, members in self.world.aggregates.items()
            if code in self.row and members
        }

    @cached_property
    def hidden_in(self) -> dict[str, str]:
        """Countries without a row of their own, and the aggregate partner that holds them."""
        return {
            member: code
            for code, members in self.aggregates.items()
            for member in members
            if member not in self.row
        }

    @cached_property
    def inside_union(self) -> Bools:
        """Whether two countries are in one customs union, [N, N].

        An aggregate partner is in where all its members are.
        """
        inside = np.zeros((len(self.row), len(self.row)), dtype=bool)
        for members in map(frozenset, codes.customs_unions(self.on).values()):
            rows = [
                row
                for code, row in self.row.items()
                if parent(code) in members
                or (parent(code) in self.aggregates and self.aggregates[parent(code)] <= members)
            ]
            inside[np.ix_(rows, rows)] = True
        return inside


def find(atlas: Atlas, wanted: Codes, where: str) -> Places:
    """Resolve one side of a measure against a world.

    Parameters
    ----------
    atlas : Atlas
    wanted : str or tuple of str
        Country codes, aggregates, group names or ``"*"``. A name that the world itself uses
        means that row, even where a group has the same name.
    where : str
        Put in front of error messages.

    Raises
    ------
    ConfigError
        For an unknown name (with its nearest matches), or a country that the world only holds
        inside an aggregate that ``wanted`` does not cover in full.
    """
    matched = np.zeros(len(atlas.row), dtype=bool)
    named = np.zeros(len(atlas.row), dtype=bool)
    hidden: dict[str, str] = {}
    absent: list[str] = []
    for text in (wanted,) if isinstance(wanted, str) else wanted:
        if text == EVERYTHING:
            matched[:] = True
        elif text in atlas.row:
            matched[atlas.row[text]] = named[atlas.row[text]] = True
        elif codes.is_group(text):
            for member in _members(atlas, text, where):
                if member in atlas.row:
                    matched[atlas.row[member]] = True
                elif member in atlas.hidden_in:
                    hidden.setdefault(member, text)
        else:
            code = _country(atlas, text, where)
            if code in atlas.row:
                matched[atlas.row[code]] = named[atlas.row[code]] = True
            elif code in atlas.hidden_in:
                hidden[code] = code
            else:
                absent.append(code)
    for aggregate, members in atlas.aggregates.items():
        if members <= hidden.keys():
            matched[atlas.row[aggregate]] = True
        if matched[atlas.row[aggregate]]:
            hidden = {code: by for code, by in hidden.items() if code not in members}
    if hidden:
        raise ConfigError(_hidden_message(atlas, hidden, where))
    # A country means all its segments.
    segments = atlas.world.parent
    return Places(matched | matched[segments], named | named[segments], tuple(absent))


def only_segment(atlas: Atlas, places: Places, name: str, where: str) -> Places:
    """Keep one segment of the countries matched.

    Raises
    ------
    ConfigError
        If none of them has it in this world.
    """
    inside = np.array([segment(code) == name for code in atlas.world.countries])
    if not (places.matched & inside).any():
        known = sorted({segment(code) for code in atlas.world.countries} - {""})
        raise ConfigError(
            f"{where}: segment {name!r}: none of its importers has this segment in world "
            f"{atlas.world.name!r}, which has {', '.join(known) or 'none'}. Set it apart with "
            f'world.split_importer("USA", {{"{name}": 0.05}}), or with segments in the scenario'
        )
    return replace(places, matched=places.matched & inside, named=places.named & inside)


def _members(atlas: Atlas, group: str, where: str) -> tuple[str, ...]:
    try:
        return codes.group_members(group, atlas.on)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}; give the measure a start") from None


def _country(atlas: Atlas, text: str, where: str) -> str:
    """Canonical code of a country or declared aggregate that is not a name of the world."""
    try:
        return codes.check_country(text, where)
    except ConfigError as error:
        near = codes.nearest(text, [*atlas.row, *codes.groups()])
        said = set(re.findall(r"\w+", str(error)))
        more = [name for name in near if name not in said]
        hint = f"; nearest in this world or among groups: {', '.join(more)}" if more else ""
        raise ConfigError(
            f'{error}{hint}. Allowed are an ISO3 code ("CHN"), a group ("G7"), a list, or "*"'
        ) from None


def _hidden_message(atlas: Atlas, hidden: dict[str, str], where: str) -> str:
    by_aggregate: dict[str, list[str]] = {}
    for code in sorted(hidden):
        by_aggregate.setdefault(atlas.hidden_in[code], []).append(code)
    found = "; ".join(
        f"{', '.join(members)} only as part of {aggregate}"
        for aggregate, members in by_aggregate.items()
    )
    message = f"{where}: world {atlas.world.name!r} holds {found}"
    partners = " or ".join(f'"{aggregate}"' for aggregate in by_aggregate)
    if groups := sorted({by for code, by in hidden.items() if by != code}):
        return (
            f"{message}, so {', '.join(groups)} cannot be told apart from the rest of it. Instead "
            f"of the group, list the countries you mean, with {partners} whole or left out"
        )
    return f"{message}. Name {partners} as a whole, or use a world that separates its members"
