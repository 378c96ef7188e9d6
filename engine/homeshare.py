"""Shares of home producers in spending, as a user gives them: one, by HS prefix, or a table."""

import math
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge import matching, tidy
from tradewedge.codes import nearest
from tradewedge.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tradewedge.world import World

Floats = NDArray[np.float64]
Given = float | Mapping[str, float] | pl.DataFrame | pl.LazyFrame | str | Path

EVERYTHING = "*"


def read(given: Given, world: "World") -> Floats:
    """Home share of each product [K], NaN where nothing is given.

    Products with domestic rows have their home share in the flows, and stay NaN.

    Parameters
    ----------
    given : number, mapping, frame or path
        Between 0 and 1. By HS prefix the longest wins, and ``"*"`` is all others; a frame, CSV or
        Parquet file has the columns product (a prefix) and home_share.
    world : World

    Raises
    ------
    ConfigError
        For a number that is no share.
    DataError
        For a table that cannot be read, a prefix that no product has, or one whose products all
        have domestic sales in the flows.
    """
    rules = _rules(given)
    for prefix in rules:
        if not any(product.startswith(prefix) for product in world.products):
            near = ", ".join(nearest(prefix, world.products)) or "none"
            raise DataError(
                f"home_share: no product of world {world.name!r} begins with {prefix!r}; nearest: "
                f"{near}"
            )
    found = [matching.longest(rules, product) for product in world.products]
    shares = np.array([math.nan if share is None else share for share in found])
    shares[np.unique(world.flow_product[world.home])] = math.nan
    if np.isnan(shares).all():
        raise DataError(
            f"home_share: world {world.name!r} has domestic sales of every product that it names, "
            "and the home share is in them: give other home_sales to World.from_flows"
        )
    return shares


def _rules(given: Given) -> dict[str, float]:
    """Share by prefix, "" for everything."""
    if isinstance(given, str | Path):
        given = _file(Path(given))
    if isinstance(given, pl.DataFrame | pl.LazyFrame):
        return _table(tidy.collect(given, "home_share"))
    if not isinstance(given, Mapping):
        return {"": _share(given, "home_share")}
    if not given:
        raise ConfigError("home_share is empty: a number, or numbers by HS prefix")
    made = {}
    for prefix, value in given.items():
        if not isinstance(prefix, str):
            raise ConfigError(
                f'home_share: a product is text in quotes or "{EVERYTHING}", not {prefix!r}'
            )
        made["" if prefix == EVERYTHING else prefix] = _share(value, f"home_share of {prefix!r}")
    return made


def _share(value: object, where: str) -> float:
    share = math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    if not 0 <= share <= 1:
        raise ConfigError(f"{where} is between 0 and 1 (20 % is 0.2), not {value!r}")
    return share


def _file(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise ConfigError(f"home_share: there is no file {path}")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, schema_overrides={"product": pl.String})
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _table(frame: pl.DataFrame) -> dict[str, float]:
    frame = tidy.typed(frame, "home_share", ["product"], ["home_share"])
    share = pl.col("home_share")
    checks = {
        "product is missing": pl.col("product").is_null(),
        "home_share is not between 0 and 1": share.is_null() | ~share.is_between(0, 1),
    }
    tidy.check_rows(frame, "home_share", ["product"], checks)
    tidy.reject_duplicates(frame, ["product"], "home_share")
    return dict(frame.select("product", "home_share").iter_rows())
