"""Worlds by year: the embedded series, or worlds that the user has saved."""

from importlib.resources import files
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.backtest.experiment import Year
from tradewedge.errors import ConfigError
from tradewedge.sources import embedded
from tradewedge.world import World
from tradewedge.worlds import load_world

SERIES: Final = "minerals"
_FOLDER: Final = "backtest"
_NOTE: Final = "Trade flows only: no home sales, and no duties but those of the experiment."


def years() -> tuple[int, ...]:
    """Years of the embedded series."""
    return tuple(sorted({*_of_world(), *_of_flows()}))


def open_year(year: Year, elasticities: str | None = None) -> World:
    """The world of a year of the embedded series, or a saved one.

    Years that the embedded world ``minerals`` has come with its duties and home sales, the
    others with trade alone.

    Raises
    ------
    ConfigError
        For a year that the series lacks, or a path that holds no world.
    DataError
        If a saved world cannot be read, or does not say its year.
    """
    if isinstance(year, str):
        world = load_world(Path(year), elasticities=elasticities)
        if world.year is None:
            raise ConfigError(f"{year}: the world does not say its year, so that nothing is dated")
        return world
    if year in _of_world():
        return load_world(SERIES, year=year, elasticities=elasticities)
    if year not in _of_flows():
        raise ConfigError(
            f"the series {SERIES!r} has no year {year}: it has {', '.join(map(str, years()))}. "
            "Other years: name saved worlds, before=DIRECTORY after=DIRECTORY"
        )
    flows = files("tradewedge.data").joinpath(_FOLDER, f"flows_{year}.parquet").read_bytes()
    return World.from_flows(
        pl.read_parquet(flows),
        elasticities,
        name=SERIES,
        year=year,
        vintage="HS1992",
        notes=(_NOTE,),
    )


def _of_world() -> tuple[int, ...]:
    return next(world.years for world in embedded.worlds() if world.name == SERIES)


def _of_flows() -> tuple[int, ...]:
    names = (entry.name for entry in files("tradewedge.data").joinpath(_FOLDER).iterdir())
    return tuple(
        int(name.removeprefix("flows_").removesuffix(".parquet"))
        for name in names
        if name.startswith("flows_")
    )
