"""Countries put together: groups as one partner, and a rest of the world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tradewedge import codes
from tradewedge.build.plan import Countries
from tradewedge.build.stage import Stage, audit
from tradewedge.errors import ConfigError
from tradewedge.sources.trade import added_up


@dataclass(frozen=True, eq=False)
class Regrouped:
    """Flows between the new partners.

    Attributes
    ----------
    stage : Stage
    aggregates : mapping of str to tuple of str
        The new partners that stand for several countries, with members.
    place : mapping of str to str
        Country of the data -> partner it went to.
    rest : str or None
        Partner of the countries that are not in the data; None: themselves.
    """

    stage: Stage
    aggregates: Mapping[str, tuple[str, ...]]
    place: Mapping[str, str]
    rest: str | None = None

    def of(self, country: str) -> str:
        """The partner that a country went to, whether the data hold it or not."""
        return self.place.get(country, self.rest or country)


def regroup(flows: pl.DataFrame, plan: Countries) -> Regrouped:
    """Put countries together.

    Raises
    ------
    ConfigError
        For an unknown country or group, or a country in two places.
    """
    held = sorted(
        {code for end in ("exporter", "importer") for code in flows[end].unique().cast(pl.String)}
    )
    place = _places(held, plan)
    kind = pl.Enum(sorted(set(place.values())))
    moved = flows.with_columns(
        pl.col(end).cast(pl.String).replace_strict(place, return_dtype=kind)
        for end in ("exporter", "importer")
    )
    within = pl.col("exporter") == pl.col("importer")
    home = moved.filter(within)
    kept = moved if plan.inside == "home" else moved.filter(~within)
    made = added_up(kept)
    text = "trade inside an aggregate"
    lines = audit(
        "countries",
        flows,
        kept,
        dropped=[(text, home)] if plan.inside == "drop" else [],
        notes=[(f"{text}, now its own sales", home)] if plan.inside == "home" else [],
        made=made,
    )
    aggregates = {
        name: tuple(sorted(code for code, to in place.items() if to == name))
        for name in sorted({*plan.groups, *(to for code, to in place.items() if to != code)})
    }
    rest = None if plan.keep is None else plan.rest
    return Regrouped(Stage(made, lines), aggregates, place, rest)


def _places(held: Sequence[str], plan: Countries) -> dict[str, str]:
    """Where each country of the data and each member of a group goes."""
    place: dict[str, str] = {}
    for name, members in plan.groups.items():
        for code in _members(members or (name,), f"countries.groups.{name}"):
            if code in place:
                raise ConfigError(
                    f"countries.groups: {code} is in {place[code]} and in {name}: take it out of "
                    "one"
                )
            place[code] = name
    if plan.keep is None:
        return {code: code for code in held} | place
    kept = set(_members(plan.keep, "countries.keep"))
    twice = sorted(kept & set(place))
    if twice:
        raise ConfigError(
            f"countries: {twice[0]} is kept and in group {place[twice[0]]}; take it out of one"
        )
    return {code: code if code in kept else plan.rest for code in held} | place


def _members(names: Sequence[str], where: str) -> list[str]:
    found: list[str] = []
    for name in names:
        if isinstance(name, str) and codes.is_group(name):
            found += codes.group_members(name)
        else:
            found.append(codes.check_country(name, where))
    return list(dict.fromkeys(found))
