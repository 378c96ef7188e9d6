"""Small tables that ship about minerals: lists, stages of processing, contents, production."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from tradewedge.codes import nearest
from tradewedge.codes.tables import shipped_csv
from tradewedge.errors import ConfigError


@dataclass(frozen=True)
class Dimension:
    """A table that ships.

    Attributes
    ----------
    text : str
        What it is, in a line.
    folder, file : str
        Where in ``data/`` it lies.
    numbers : tuple of str
        Columns that are float64; the others are text.
    """

    text: str
    folder: str
    file: str
    numbers: tuple[str, ...] = ()


_RANGE: Final = ("low", "central", "high")
DIMENSIONS: Final[Mapping[str, Dimension]] = {
    "critical_minerals": Dimension(
        "minerals on the US lists of 2018, 2022 and 2025 and the EU's of 2023",
        "dimensions",
        "critical_minerals.csv",
    ),
    "stages": Dimension(
        "HS6 codes of 26 mineral chains, with stage and step of processing",
        "dimensions",
        "stages.csv",
    ),
    "content": Dimension(
        "kg of mineral in a kg of product: low, central, high", "content", "content.csv", _RANGE
    ),
    "production": Dimension(
        "from production statistics to HS6 codes: shares and contents",
        "content",
        "production.csv",
        ("share", *_RANGE),
    ),
}


def dimension(name: str) -> pl.DataFrame:
    """A table that ships, by name.

    Parameters
    ----------
    name : str
        A key of :data:`DIMENSIONS`: "critical_minerals" (list, mineral, group, source, note),
        "stages" (product, vintage, chain, minerals, stage, step, derivative, basket), "content"
        (mineral, product, vintage, low, central, high, basis, source, note) or "production".

    Raises
    ------
    ConfigError
        For another name, with the nearest.
    """
    about = DIMENSIONS.get(name)
    if about is None:
        near = nearest(name, DIMENSIONS)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise ConfigError(f"no table {name!r} ships{hint}. There are {', '.join(DIMENSIONS)}")
    table = shipped_csv(about.folder, about.file)
    return table.with_columns(pl.col(about.numbers).cast(pl.Float64)) if about.numbers else table
