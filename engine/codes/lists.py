"""Named lists of products: what a measure may call by one name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import polars as pl

from tradewedge.codes.nearest import nearest
from tradewedge.codes.tables import shipped_csv
from tradewedge.errors import ConfigError


@dataclass(frozen=True)
class NamedList:
    """A list of products under one name.

    Attributes
    ----------
    name : str
    title : str
    vintage : str
        HS edition of ``products``.
    products : tuple of str
        Sorted codes that the name means.
    set_aside : tuple of str
        Sorted codes that fall under the list's rule and yet are not in ``products``: claimed by
        another list first, or written in another HS edition. See :func:`list_table` for why.
    status : str
        "law", "as if" (built from law for another purpose) or "analyst's choice".
    source, note : str
    coverage : mapping of str to (float or None)
        Share of each product's US imports of 2024 that falls on the lines which the list names,
        a simple share of lines where nothing was imported. None: the list is written at six
        digits, or not finer.
    lines : mapping of str to tuple of str
        The listed codes, of eight or ten digits, of every product that has other lines too. A
        product that is not in it is meant as a whole.
    """

    name: str
    title: str
    vintage: str
    products: tuple[str, ...]
    set_aside: tuple[str, ...]
    status: str
    source: str
    note: str
    coverage: Mapping[str, float | None] = field(default_factory=dict, hash=False)
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@cache
def list_table() -> pl.DataFrame:
    """Every line of every list: list, product, why_not (null: the code is in), coverage."""
    return shipped_csv("lists", "members.csv").sort("list", "product")


@cache
def _parts() -> dict[str, dict[str, tuple[str, ...]]]:
    """List -> product that it holds in part -> codes of its listed lines."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, code in shipped_csv("lists", "lines.csv").sort("list", "code").iter_rows():
        of_list = found.setdefault(name, {})
        of_list[code[:6]] = (*of_list.get(code[:6], ()), code)
    return found


@cache
def _index() -> pl.DataFrame:
    return shipped_csv("lists", "lists.csv").sort("list")


@cache
def list_names() -> tuple[str, ...]:
    """Names of all lists, sorted."""
    return tuple(_index()["list"])


@cache
def named_list(name: str) -> NamedList:
    """Look up a list.

    Parameters
    ----------
    name : str
        Such as "pcmdp:processed", in any case.

    Returns
    -------
    NamedList

    Raises
    ------
    ConfigError
        For an unknown name, with the nearest ones.
    """
    canonical = {known.casefold(): known for known in list_names()}.get(name.strip().casefold())
    if canonical is None:
        near = nearest(name, list_names())
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise ConfigError(
            f"unknown product list {name!r}; {hint}There are {', '.join(list_names())}"
        )
    about = _index().row(by_predicate=pl.col("list") == canonical, named=True)
    lines = list_table().filter(pl.col("list") == canonical)
    taken = pl.col("why_not").is_null()
    return NamedList(
        name=canonical,
        title=about["title"],
        vintage=about["vintage"],
        products=tuple(lines.filter(taken)["product"]),
        set_aside=tuple(lines.filter(~taken)["product"]),
        status=about["status"],
        source=about["source"],
        note=about["note"] or "",
        coverage={
            product: None if share is None else float(share)
            for product, share in lines.filter(taken).select("product", "coverage").iter_rows()
        },
        lines=_parts().get(canonical, {}),
    )
