"""Which products of a world a measure's ``products`` means."""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tradewedge import codes
from tradewedge.errors import ConfigError
from tradewedge.policy.checks import EVERYTHING, Codes
from tradewedge.policy.words import some
from tradewedge.world import World

#: How a note begins that names codes, written out one by one, of which the world has no flow.
ABSENT = "no flow in this world for product"

_HS_LENGTHS = (2, 4, 6)
_NUMERIC = re.compile(r"[\d. ]+")


@dataclass(frozen=True, eq=False)
class Goods:
    """Products that a measure means.

    Attributes
    ----------
    matched : bool [K]
        By index into the world's products.
    notes : tuple of str
        What was lost or widened on the way: codes without a flow in the world, codes without
        a one-to-one counterpart in its HS edition.
    parts : mapping of int to (str, tuple of str)
        Products of which lists name some tariff lines only: their code in the list's edition, and
        the listed codes below it. All other products are meant as a whole.
    """

    matched: NDArray[np.bool_]
    notes: tuple[str, ...]
    parts: Mapping[int, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, eq=False)
class Shelf:
    """The products of one world, ready for look-ups.

    Attributes
    ----------
    world : World
    vintage : str
        HS edition that the measures' own codes are written in; "" for the world's.
    """

    world: World
    vintage: str = ""

    @cached_property
    def row(self) -> dict[str, int]:
        """Index of each product of the world."""
        return {code: i for i, code in enumerate(self.world.products)}

    @cached_property
    def is_hs(self) -> bool:
        """Whether the products are HS codes, so that a prefix means all codes below it."""
        return self.world.vintage is not None or all(
            code.isdecimal() and len(code) in _HS_LENGTHS for code in self.world.products
        )

    def below(self, prefix: str) -> range:
        """Product rows whose code begins with ``prefix``; the world's products are sorted."""
        return range(
            bisect_left(self.world.products, prefix),
            bisect_left(self.world.products, prefix + "\uffff"),
        )


def find(shelf: Shelf, wanted: Codes, where: str) -> Goods:
    """Resolve a measure's products against a world.

    Parameters
    ----------
    shelf : Shelf
    wanted : str or tuple of str
        HS prefixes, product names of the world, named lists or ``"*"``. Named lists, and codes
        where the scenario states an HS edition, are translated to the world's edition.
    where : str
        Put in front of error messages.

    Raises
    ------
    ConfigError
        For an unknown code, name or list (with its nearest matches), or a code finer than the
        world's.
    """
    matched = np.zeros(len(shelf.world.products), dtype=bool)
    parts: dict[int, tuple[str, tuple[str, ...]]] = {}
    notes: list[str] = []
    without_flow: list[str] = []
    for text in (wanted,) if isinstance(wanted, str) else wanted:
        if text == EVERYTHING:
            matched[:] = True
        elif text in shelf.row and not shelf.is_hs:
            matched[shelf.row[text]] = True
        elif shelf.is_hs and _NUMERIC.fullmatch(text):
            rows, more = _prefix(shelf, text, where)
            matched[rows] = True
            notes += more
            if not rows:
                without_flow.append(text)
        elif ":" in text or text.casefold() in map(str.casefold, codes.list_names()):
            listed = _named(text, where)
            rows, more = _named_list(shelf, listed)
            held, more_held = _in_part(shelf, listed)
            matched[[row for row in rows if row not in held]] = True
            for row, (code, lines) in held.items():
                _, before = parts.get(row, (code, ()))
                parts[row] = (code, tuple(sorted({*before, *lines})))
            notes += more + more_held
        else:
            raise ConfigError(_unknown(shelf, text, where))
    if without_flow:
        notes.append(f"{ABSENT} {some(without_flow)}")
    parts = {row: part for row, part in parts.items() if not matched[row]}
    matched[list(parts)] = True
    return Goods(matched, tuple(notes), parts)


def _prefix(shelf: Shelf, text: str, where: str) -> tuple[list[int], list[str]]:
    world = shelf.world
    code = codes.check_product(text, where)
    if len(code) > 6:
        raise ConfigError(
            f"{where}: {text!r} has {len(code)} digits; world {world.name!r} knows products by "
            f'HS codes of up to 6, so write "{code[:6]}"'
        )
    if shelf.vintage and world.vintage is None:
        raise ConfigError(
            f"{where}: the scenario's codes are {shelf.vintage}, but world {world.name!r} does "
            "not say its HS edition; leave out the scenario's vintage"
        )
    if shelf.vintage and shelf.vintage != world.vintage:
        codes.check_product(code, where, shelf.vintage)
        return _translated(shelf, (code,), shelf.vintage, code)
    rows = list(shelf.below(code))
    if not rows and world.vintage is not None:
        codes.check_product(code, where, world.vintage)
    elif not rows:
        raise ConfigError(_unknown(shelf, code, where))
    return rows, []


def _named(name: str, where: str) -> codes.NamedList:
    try:
        return codes.named_list(name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _named_list(shelf: Shelf, listed: codes.NamedList) -> tuple[list[int], list[str]]:
    notes = []
    if listed.status != "law":
        notes.append(f"{listed.name} is not law ({listed.status}): {listed.title}")
    if listed.set_aside:
        notes.append(
            f"{listed.name}: {len(listed.set_aside)} codes under the list's rule are not on it: "
            f"{some(listed.set_aside)}"
        )
    if shelf.world.vintage is not None:
        rows, more = _translated(shelf, listed.products, listed.vintage, listed.name)
    else:
        rows, more = _rows_of(shelf, listed.products, listed.name)
        notes.append(
            f"{listed.name}: {listed.vintage} codes taken as written, for the world does not say "
            "its HS edition"
        )
    return rows, notes + more


def _in_part(
    shelf: Shelf, listed: codes.NamedList
) -> tuple[dict[int, tuple[str, tuple[str, ...]]], list[str]]:
    """Rows of products that a list holds in part; what counts as a whole for want of an equal.

    Lines are carried to another edition where their code has one counterpart and is its only one.
    """
    target = shelf.world.vintage or listed.vintage
    result = codes.translate(tuple(listed.lines), listed.vintage, target)
    held = {
        shelf.row[there]: (here, listed.lines[here])
        for here, there in result.pairs
        if here not in result.ambiguous and there in shelf.row
    }
    widened = sorted(
        {h for h, there in result.pairs if h in result.ambiguous and there in shelf.row}
    )
    if not widened:
        return held, []
    note = (
        f"{listed.name}: {len(widened)} codes of which it holds some lines only have no one-to-one "
        f"counterpart in {target} and are taken as a whole: {some(widened)}"
    )
    return held, [note]


def _translated(
    shelf: Shelf, products: Sequence[str], vintage: str, name: str
) -> tuple[list[int], list[str]]:
    """Rows of the counterparts in the world's edition; what was widened or lost."""
    target = shelf.world.vintage or vintage
    result = codes.translate(products, vintage, target)
    if vintage == target:
        return _rows_of(shelf, result.products, name)
    notes = []
    if result.ambiguous:
        notes.append(
            f"{name}: {len(result.ambiguous)} codes of {vintage} have no one-to-one counterpart "
            f"in {target}, all their counterparts are taken: {some(result.ambiguous)}"
        )
    if result.widened:
        notes.append(
            f"{name}: {len(result.widened)} of the counterparts also hold goods outside it: "
            f"{some(result.widened)}"
        )
    if result.missing:
        notes.append(
            f"{name}: {len(result.missing)} codes of {vintage} have no counterpart in {target}: "
            f"{some(result.missing)}"
        )
    rows, more = _rows_of(shelf, result.products, name)
    return rows, notes + more


def _rows_of(shelf: Shelf, products: Sequence[str], name: str) -> tuple[list[int], list[str]]:
    found = {code: shelf.below(code) for code in products}
    lost = [code for code, rows in found.items() if not rows]
    notes = []
    if lost:
        notes.append(
            f"{name}: no flow in this world for {len(lost)} of {len(products)} products: "
            f"{some(lost)}"
        )
    return [row for rows in found.values() for row in rows], notes


def _unknown(shelf: Shelf, text: str, where: str) -> str:
    world = shelf.world
    if shelf.is_hs:
        known = {code[: len(text)] for code in world.products} if text.isdecimal() else set()
        allowed = 'an HS prefix of 2, 4 or 6 digits ("2846")'
    else:
        known = set(world.products)
        allowed = f'a product of this world (such as "{world.products[0]}")'
    near = codes.nearest(text, [*sorted(known), *codes.list_names()])
    hint = f"; nearest: {', '.join(near)}" if near else ""
    return (
        f"{where}: unknown product {text!r} in world {world.name!r}{hint}. Allowed are {allowed}, "
        'a named list ("pcmdp:processed"), a list of these, or "*"'
    )
