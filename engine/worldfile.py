"""A world as a directory, and back: arrays as .npy files, mapped into memory on load."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.duty import Duty
from tradewedge.elasticities import Elasticities
from tradewedge.errors import ConfigError, DataError
from tradewedge.intake import AUDIT_SCHEMA
from tradewedge.sources.elasticitytable import ERRORS
from tradewedge.world import World

FORMAT = 3
HEADER = "world.json"
PRODUCTS = "products.parquet"

#: Not Arrow: Polars 2 reads an Arrow file into memory, while NumPy maps a .npy file.
_FLOW_ARRAYS = ("flow_product", "flow_exporter", "flow_importer", "value", "quantity")
_PRODUCT_NUMBERS = (
    *("sigma", "sigma_standard_error", "eta_composite", "eta_standard_error"),
    *("home_share", "eta"),
)
_DERIVED = (
    *("exporter_row", "exporter_key", "importer_row", "importer_key"),
    *("share", "sales_share"),
)
_EXPORTER_NUMBERS = ("epsilon", "epsilon_standard_error")
_Array = NDArray[Any]


def save(
    world: World,
    directory: Path,
    *,
    overwrite: bool = False,
    beside: Callable[[Path], None] | None = None,
) -> Path:
    """Write ``world`` to ``directory`` in one move: it is complete or not there.

    ``beside`` writes further files into the directory that it is given.

    Raises
    ------
    ConfigError
        If something is in the way and ``overwrite`` is false, or it is no saved world.
    """
    check_place(directory, overwrite=overwrite)
    directory.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid4().hex
    part = directory.with_name(f".{directory.name}.{mark}.part")
    old = directory.with_name(f".{directory.name}.{mark}.old")
    part.mkdir()
    try:
        for name, array in _arrays(world).items():
            np.save(part / f"{name}.npy", array)
        _products(world).write_parquet(part / PRODUCTS)
        (part / HEADER).write_text(json.dumps(_header(world), indent=1), encoding="utf-8")
        if beside is not None:
            beside(part)
        if directory.exists():
            os.replace(directory, old)
        os.replace(part, directory)
    except BaseException:
        if old.exists() and not directory.exists():
            os.replace(old, directory)
        shutil.rmtree(part, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
    return directory


def load(directory: Path) -> World:
    """Open a directory that :func:`save` wrote.

    Raises
    ------
    DataError
        If it is not such a directory, is incomplete, or has another format.
    """
    header = _read_header(directory)
    try:
        world = _build(directory, header)
        if _as_saved(directory):
            vars(world)["data_hash"] = header["data_hash"]  # what the cached property would give
            if all((directory / f"{name}.npy").is_file() for name in _DERIVED):
                return world.with_derived({name: _open(directory, name) for name in _DERIVED})
        return world
    except (OSError, EOFError, KeyError, ValueError, TypeError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{directory} is not a complete saved world: {error}; save it again"
        ) from error


def _build(directory: Path, header: dict[str, Any]) -> World:
    flows = {name: _open(directory, name) for name in _FLOW_ARRAYS}
    supply = {name: _open(directory, name) for name in _EXPORTER_NUMBERS}
    rows, rates = (_open(directory, f"duty_{name}") for name in ("rows", "rates"))
    products = pl.read_parquet(directory / PRODUCTS)
    sizes = {array.size for array in flows.values()}
    if len(sizes) != 1 or rows.size != rates.size:
        raise DataError(f"{directory} mixes arrays of different worlds; save it again")
    ends = np.cumsum([size for _, size in header["duties"]], dtype=np.int64)
    known, observed = header["tariff_importers"], header["observed_importers"]
    return World(
        name=header["name"],
        year=header["year"],
        vintage=header["vintage"],
        products=tuple(products["product"]),
        countries=tuple(header["countries"]),
        **flows,
        duties=tuple(
            Duty(authority, rows[end - size : end], rates[end - size : end])
            for (authority, size), end in zip(header["duties"], ends, strict=True)
        ),
        tariff_importers=None if known is None else frozenset(known),
        elasticities=Elasticities(
            set_name=header["elasticity_set"],
            **{name: products[name].to_numpy() for name in _PRODUCT_NUMBERS},
            eta_kind=tuple(products["eta_kind"]),
            **supply,
            source=tuple(products["source"]),
            prefixes={
                name: tuple(products[f"{name}_prefix"])
                for name in ERRORS
                if f"{name}_prefix" in products.columns
            },
        ),
        aggregates={code: tuple(members) for code, members in header["aggregates"].items()},
        observed_importers=None if observed is None else tuple(observed),
        critical=products["critical"].to_numpy() if "critical" in products.columns else None,
        notes=tuple(header["notes"]),
        tariff_law=header.get("tariff_law"),
        audit=pl.DataFrame(header["audit"], schema=AUDIT_SCHEMA, orient="row"),
    )


def _as_saved(directory: Path) -> bool:
    """Whether nothing is newer than the header, which is written after it."""
    written = (directory / HEADER).stat().st_mtime_ns
    content = [*directory.glob("*.npy"), directory / PRODUCTS]
    return all(path.stat().st_mtime_ns <= written for path in content)


def _open(directory: Path, name: str) -> _Array:
    """A one-dimensional array, mapped into memory and read-only."""
    path = directory / f"{name}.npy"
    try:
        return np.asarray(np.load(path, mmap_mode="r"))
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}; save the world again") from error


def _arrays(world: World) -> dict[str, _Array]:
    none: list[_Array] = [np.zeros(0)]
    rows = [duty.rows for duty in world.duties]
    return {
        **{name: getattr(world, name) for name in _FLOW_ARRAYS},
        **{name: getattr(world.elasticities, name) for name in _EXPORTER_NUMBERS},
        **world.derived(),
        "duty_rows": np.concatenate(rows or none).astype(np.int64),
        "duty_rates": np.concatenate([duty.rate for duty in world.duties] or none),
    }


def _products(world: World) -> pl.DataFrame:
    e = world.elasticities
    frame = pl.DataFrame(
        {
            "product": list(world.products),
            **{name: getattr(e, name) for name in _PRODUCT_NUMBERS},
            "eta_kind": list(e.eta_kind),
            "source": list(e.source),
            **{
                f"{name}_prefix": pl.Series(values, dtype=pl.String)
                for name, values in e.prefixes.items()
            },
        }
    )
    if world.critical is None:
        return frame
    return frame.with_columns(critical=pl.Series(world.critical))


def _header(world: World) -> dict[str, Any]:
    known = world.tariff_importers
    return {
        "format": FORMAT,
        "name": world.name,
        "year": world.year,
        "vintage": world.vintage,
        "countries": world.countries,
        "duties": [(duty.authority, duty.rows.size) for duty in world.duties],
        "tariff_importers": None if known is None else sorted(known),
        "elasticity_set": world.elasticities.set_name,
        "aggregates": dict(world.aggregates),
        "observed_importers": world.observed_importers,
        "notes": world.notes,
        "tariff_law": world.tariff_law,
        "audit": world.audit.rows(),
        "data_hash": world.data_hash,
    }


def check_place(directory: Path, *, overwrite: bool) -> None:
    """Whether a world may be saved there.

    Raises
    ------
    ConfigError
        If something is in the way and ``overwrite`` is false, or it is no saved world.
    """
    if not directory.exists():
        return
    if not overwrite:
        raise ConfigError(f"{directory} exists; choose another place or pass overwrite=True")
    if not directory.is_dir() or (any(directory.iterdir()) and not (directory / HEADER).is_file()):
        raise ConfigError(
            f"{directory} holds something other than a saved world, which overwrite=True does not "
            "remove: choose another place"
        )


def _read_header(directory: Path) -> dict[str, Any]:
    path = directory / HEADER
    if not path.is_file():
        raise DataError(f"{directory} holds no saved world (no {HEADER})")
    try:
        header: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    if header.get("format") != FORMAT:
        raise DataError(
            f"{path}: format {header.get('format')!r}, this version reads {FORMAT}; "
            "build the world again"
        )
    return header
