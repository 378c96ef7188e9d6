"""The duties of the data year, moved to the law of a day: what a scenario's measures act on."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewedge.duty import Duty
from tradewedge.errors import ConfigError
from tradewedge.policy import dutysets
from tradewedge.policy.columns import Marked
from tradewedge.policy.law import LawChange, LawOfDays
from tradewedge.policy.law import law as shipped_law
from tradewedge.policy.law.lines import IMPORTER
from tradewedge.world import World


@dataclass(frozen=True, eq=False)
class LawBase:
    """Duties under the law of a day.

    Attributes
    ----------
    duties : tuple of Duty
        The baseline and what the law changed since, one per authority, rows ascending.
    changed : int64 [n]
        Flows on which the law changed, ascending.
    note : str
        Which law, what it moved, and how well the flows are covered.
    """

    duties: tuple[Duty, ...]
    changed: NDArray[np.int64]
    note: str


def under_law(law: LawOfDays, day: dt.date, where: str) -> LawBase:
    """Move a world's duties to the law of a day.

    ``t = effective_base + (statutory_day - statutory_base)``, authority by authority.

    Parameters
    ----------
    law : LawOfDays
        Its world needs flows into the United States, their baseline duties, an HS edition and a
        year.
    day : date
    where : str
        Put in front of error messages.

    Raises
    ------
    ConfigError
        If the world lacks one of these.
    """
    world = law.world
    known = world.tariff_importers
    if not np.any(_into_importer(world)):
        raise ConfigError(
            f"{where}: the law on file is that of the United States, and world {world.name!r} has "
            "no flow into them. Leave law out, or take a world with US imports"
        )
    if known is not None and IMPORTER not in known:
        raise ConfigError(
            f"{where}: the law is added to the duties of the data year, and world {world.name!r} "
            "does not know those of the United States. Give it tariffs, or leave law out"
        )
    try:
        change = law.change(day)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    duties = dutysets.ordered(world.duties)
    changed = Marked(world.value.size)
    for duty in dutysets.ordered(change.duties):
        duties = dutysets.put(duties, duty)
        changed.add(duty.rows)
    note = _note(day, change, changed.rows.size, world.tariff_law)
    told = "; ".join((note, *shipped_law().caveats_on(day)))
    return LawBase(_none_negative(duties), changed.rows, told)


def _none_negative(duties: tuple[Duty, ...]) -> tuple[Duty, ...]:
    """The same totals without an authority that pays out.

    A law may fall by more than the baseline charges under its name: duties that were collected mix
    the authorities, and a year mixes its days. What is missing falls under the flow's others, in
    proportion to what they charge.
    """
    hit = [duty.rows[duty.rate < 0] for duty in duties]
    rows = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *hit]))
    if not rows.size:
        return duties
    spread = np.zeros((len(duties), rows.size))
    places = []
    for n, duty in enumerate(duties):
        here = np.flatnonzero(np.isin(duty.rows, rows, assume_unique=True))
        place = np.searchsorted(rows, duty.rows[here])
        spread[n, place] = duty.rate[here]
        places.append((here, place))
    charged = np.maximum(spread, 0.0)
    total = np.maximum(spread.sum(axis=0), 0.0)
    above = charged.sum(axis=0)
    charged *= np.divide(total, above, out=np.zeros_like(total), where=above > 0)
    kept = []
    for n, (duty, (here, place)) in enumerate(zip(duties, places, strict=True)):
        rate = duty.rate.copy()
        rate[here] = charged[n, place]
        kept.append(Duty(duty.authority, duty.rows, rate))
    return tuple(kept)


def _into_importer(world: World) -> NDArray[np.bool_]:
    into = np.array([country == IMPORTER for country in world.countries], dtype=bool)
    found: NDArray[np.bool_] = into[world.flow_importer] & ~world.home
    return found


def _note(day: dt.date, change: LawChange, changed: int, since: str | None) -> str:
    shares = {row["weights"]: row["share"] for row in change.coverage.iter_rows(named=True)}
    before = "the data year" if since is None else f"the law of {since}"
    text = (
        f"law of {day}: duties of the United States differ from those of {before} on "
        f"{changed:,} flows; for {_percent(shares.get('own imports'))} of their imports "
        "by value the tariff lines weigh as in the partner's own trade"
    )
    uncovered = shares.get("no line")
    if uncovered:
        text += f", {_percent(uncovered)} has no line in the law on file and keeps its duties"
    if change.capped:
        text += (
            f"; on {change.capped:,} flows the law fell by more than the baseline charges, and no "
            "duty is left"
        )
    return text


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.1f} %"
