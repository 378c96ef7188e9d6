"""How much of a mineral a traded product holds: ``data/content/content.csv``."""

from functools import cache
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.codes.tables import shipped_csv
from tradewedge.errors import ConfigError

COLUMNS: Final = ("low", "central", "high")


@cache
def content_table() -> pl.DataFrame:
    """The whole table.

    Returns
    -------
    DataFrame
        mineral, product, vintage, low, central, high (kg of mineral per kg of product), basis
        ("definition", "stoichiometry", "grade", "basket"), source, note; sorted by mineral,
        vintage, product.
    """
    table = shipped_csv("content", "content.csv")
    return table.with_columns(pl.col(COLUMNS).cast(pl.Float64)).sort(
        "mineral", "vintage", "product"
    )


@cache
def minerals() -> tuple[str, ...]:
    """Names of the minerals in the table, sorted."""
    return tuple(content_table()["mineral"].unique().sort())


def content_of(
    mineral: str, product: str, vintage: str | None, column: str = "central", where: str = "content"
) -> float:
    """Kilograms of a mineral per kilogram of a product.

    Parameters
    ----------
    mineral : str
        A name of :func:`minerals`, in any case.
    product : str
        Six-digit code.
    vintage : str or None
        HS edition of ``product``. The table's own entry in that edition comes first, then one
        whose code corresponds one to one; None takes the code as written, in any edition.
    column : {"low", "central", "high"}
    where : str
        Put in front of error messages.

    Raises
    ------
    ConfigError
        For a mineral or product that is not in the table.
    """
    spelt = {name.casefold(): name for name in minerals()}
    name = spelt.get(mineral.casefold())
    if name is None:
        near = codes.nearest(mineral, minerals())
        raise ConfigError(
            f"{where}: no mineral {mineral!r} in the content table (data/content/content.csv); "
            f"nearest: {', '.join(near) or 'none'}. It knows {', '.join(minerals())}. Give the "
            "content as a number, or state the amount per kg of product"
        )
    found = _entries(name, vintage).get(product)
    if found is None:
        edition = f" ({vintage})" if vintage else ""
        have = ", ".join(sorted(_entries(name, vintage))) or "none"
        raise ConfigError(
            f"{where}: the content table (data/content/content.csv) does not say how much {name} "
            f"product {product}{edition} holds; it knows that of {have}. Give the content as a "
            "number, narrow the products, or state the amount per kg of product"
        )
    return found[COLUMNS.index(column)]


@cache
def _entries(mineral: str, vintage: str | None) -> dict[str, tuple[float, ...]]:
    """Low, central and high content by product of an HS edition."""
    table = content_table().filter(pl.col("mineral") == mineral)
    carried: dict[str, tuple[float, ...]] = {}
    own: dict[str, tuple[float, ...]] = {}
    for product, edition, *numbers in table.select("product", "vintage", *COLUMNS).iter_rows():
        if vintage is None or edition == vintage:
            own[product] = tuple(numbers)
            continue
        moved = codes.translate((product,), edition, vintage)
        if len(moved.products) == 1 and not moved.ambiguous and not moved.widened:
            carried[moved.products[0]] = tuple(numbers)
    return {**carried, **own}
