"""The small worlds that ship inside the package, read back as tidy tables.

A world is a folder under ``data/`` with a ``world.yaml`` and Parquet tables; a table is
``<stem>_<year>.parquet`` or, where it holds for every year, ``<stem>.parquet``. Nothing here
knows a particular world: the folder says everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import polars as pl
import yaml

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError, DataError

META_FILE: Final = "world.yaml"

FLOWS: Final = {
    "product": pl.String,
    "exporter": pl.String,
    "importer": pl.String,
    "value": pl.Float64,
    "quantity": pl.Float64,
}
TARIFFS: Final = {
    "product": pl.String,
    "exporter": pl.String,
    "importer": pl.String,
    "rate": pl.Float64,
    "authority": pl.String,
}
HOME_SALES: Final = {
    "product": pl.String,
    "country": pl.String,
    "value": pl.Float64,
    "quantity": pl.Float64,
    "source": pl.String,
}
PRODUCTS: Final = {"product": pl.String, "text": pl.String, "critical": pl.Boolean}
HOME_SHARE: Final = {"product": pl.String, "home_share": pl.Float64, "source": pl.String}

_META_KEYS: Final = {
    "name": str,
    "years": list,
    "vintage": str,
    "source": str,
    "licence": str,
    "unit": str,
    "notes": list,
}


@dataclass(frozen=True)
class EmbeddedWorld:
    """One entry of :func:`worlds`: a name and the years it ships."""

    name: str
    years: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class EmbeddedTables:
    """The tidy tables of one embedded world and year.

    Attributes
    ----------
    flows : DataFrame
        product, exporter, importer, value (thousand USD, border), quantity (metric tons, null
        where not reported); sorted by its keys.
    tariffs : DataFrame or None
        product, exporter, importer, rate (fraction), authority.
    home_sales : DataFrame or None
        product, country, value (thousand USD), quantity (metric tons), source.
    products : DataFrame
        product, text, critical, and whatever else the world says of its products.
    home_share : DataFrame or None
        product, home_share (fraction of the importer's spending), source.
    meta : Mapping
        ``world.yaml`` with ``year`` filled in: name, year, vintage, source, licence, unit,
        notes (tuple of str), tariff_importers (frozenset or None: all known),
        observed_importers (tuple or None: all observed), aggregates (code -> members).
    """

    flows: pl.DataFrame
    tariffs: pl.DataFrame | None
    home_sales: pl.DataFrame | None
    products: pl.DataFrame
    home_share: pl.DataFrame | None
    meta: Mapping[str, Any]


def data_root() -> Traversable:
    """Return the folder ``data/`` as installed."""
    return files("tradewedge.data")


def worlds() -> tuple[EmbeddedWorld, ...]:
    """List the embedded worlds and their years, sorted by name."""
    found = []
    for folder in data_root().iterdir():
        if folder.is_dir() and folder.joinpath(META_FILE).is_file():
            meta = _read_meta(folder)
            found.append(EmbeddedWorld(meta["name"], tuple(meta["years"])))
    return tuple(sorted(found, key=lambda world: world.name))


def tables(name: str, year: int | None = None) -> EmbeddedTables:
    """Read one embedded world.

    Parameters
    ----------
    name : str
        As listed by :func:`worlds`.
    year : int, optional
        Default: the latest year that ships.

    Raises
    ------
    ConfigError
        Unknown world or year; the message lists what there is.
    DataError
        A file of the world lacks a column, has another type, or cannot be read.
    """
    folder = _folder(name)
    meta = _read_meta(folder)
    if year is None:
        year = max(meta["years"])
    if year not in meta["years"]:
        known = ", ".join(str(y) for y in meta["years"])
        raise ConfigError(f"The embedded world {name!r} has no year {year}; it has {known}.")
    flows = _table(folder, "flows", year, FLOWS)
    products = _table(folder, "products", year, PRODUCTS)
    if flows is None or products is None:
        raise DataError(f"data/{name} has no flows or no products table for {year}.")
    return EmbeddedTables(
        flows=flows,
        tariffs=_table(folder, "tariffs", year, TARIFFS),
        home_sales=_table(folder, "home_sales", year, HOME_SALES),
        products=products,
        home_share=_table(folder, "home_share", year, HOME_SHARE),
        meta=_meta_of_year(meta, year),
    )


def home_share(name: str, year: int | None = None) -> pl.DataFrame | None:
    """Return product, home_share, source of an embedded world; None where it has none."""
    return tables(name, year).home_share


def extra_table(name: str, stem: str) -> pl.DataFrame:
    """Read any other Parquet table of a world: ``tariff_weights``, ``audit``, ...

    Raises
    ------
    ConfigError
        The world has no such table; the message lists those it has.
    """
    folder = _folder(name)
    path = folder.joinpath(f"{stem}.parquet")
    if not path.is_file():
        have = sorted(
            p.name.removesuffix(".parquet") for p in folder.iterdir() if p.name.endswith(".parquet")
        )
        raise ConfigError(f"data/{name} has no table {stem!r}; it has {', '.join(have)}.")
    return _read_parquet(path)


def _folder(name: str) -> Traversable:
    known = {world.name: world for world in worlds()}
    if name in known:
        return data_root().joinpath(name)
    close = nearest(name, known, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    listing = "; ".join(
        f"{world.name} ({', '.join(map(str, world.years))})" for world in known.values()
    )
    raise ConfigError(f"No embedded world is called {name!r}.{hint} Embedded: {listing}.")


def _read_meta(folder: Traversable) -> dict[str, Any]:
    path = folder.joinpath(META_FILE)
    try:
        meta = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not isinstance(meta, dict):
        raise DataError(f"{path} must hold a mapping, not {type(meta).__name__}.")
    for key, kind in _META_KEYS.items():
        if not isinstance(meta.get(key), kind):
            raise DataError(f"{path}: {key!r} is missing or not a {kind.__name__}.")
    if meta["name"] != folder.name:
        raise DataError(f"{path}: name {meta['name']!r} differs from its folder {folder.name!r}.")
    return meta


def _meta_of_year(meta: dict[str, Any], year: int) -> dict[str, Any]:
    """Freeze the lists and fill in the year's own notes."""
    of_year = {key: value for key, value in meta.items() if key not in ("years", "year_notes")}
    importers = meta.get("tariff_importers")
    observed = meta.get("observed_importers")
    of_year["year"] = year
    of_year["notes"] = tuple(meta["notes"]) + tuple(meta.get("year_notes", {}).get(year, ()))
    of_year["tariff_importers"] = None if importers is None else frozenset(importers)
    of_year["observed_importers"] = None if observed is None else tuple(observed)
    of_year["aggregates"] = {
        code: tuple(members) for code, members in (meta.get("aggregates") or {}).items()
    }
    return of_year


def _table(
    folder: Traversable, stem: str, year: int, schema: Mapping[str, type[pl.DataType]]
) -> pl.DataFrame | None:
    for file in (f"{stem}_{year}.parquet", f"{stem}.parquet"):
        path = folder.joinpath(file)
        if path.is_file():
            frame = _read_parquet(path)
            for column, kind in schema.items():
                if frame.schema.get(column) != kind:
                    raise DataError(
                        f"{path}: column {column!r} must be {kind.__name__}, "
                        f"found {frame.schema.get(column)}."
                    )
            rest = [column for column in frame.columns if column not in schema]
            return frame.select([*schema, *rest])
    return None


def _read_parquet(path: Traversable) -> pl.DataFrame:
    try:
        return pl.read_parquet(path.read_bytes())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error
