"""A world as a directory of Arrow files, and back; arrays are memory-mapped on load."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tradewedge.duty import Duty
from tradewedge.elasticities import Elasticities
from tradewedge.errors import ConfigError, DataError
from tradewedge.intake import AUDIT_SCHEMA
from tradewedge.world import World

FORMAT = 1
HEADER = "world.json"


def save(world: World, directory: Path, *, overwrite: bool = False) -> Path:
    """Write ``world`` to ``directory`` in one move: it is complete or not there.

    Raises
    ------
    ConfigError
        If something is in the way and ``overwrite`` is false.
    """
    if directory.exists() and not overwrite:
        raise ConfigError(f"{directory} exists; choose another place or pass overwrite=True")
    directory.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        for name, frame in _tables(world).items():
            frame.write_ipc(part / f"{name}.arrow", compression="uncompressed")
        (part / HEADER).write_text(json.dumps(_header(world), indent=1), encoding="utf-8")
        if directory.exists():
            shutil.rmtree(directory)
        os.replace(part, directory)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return directory


def load(directory: Path) -> World:
    """Open a directory that :func:`save` wrote.

    Raises
    ------
    DataError
        If it is not such a directory, is incomplete, or has another format.
    """
    header = _read_header(directory)
    frames = {}
    for name in ("flows", "duties", "products", "exporters"):
        path = directory / f"{name}.arrow"
        try:
            frames[name] = pl.read_ipc(path, memory_map=True, rechunk=False)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(
                f"{path}: cannot be read as a table of a saved world: {error}"
            ) from error
    flows, duties, products = frames["flows"], frames["duties"], frames["products"]
    authorities = header["authorities"]
    return World(
        name=header["name"],
        year=header["year"],
        vintage=header["vintage"],
        products=tuple(products["product"]),
        countries=tuple(header["countries"]),
        flow_product=flows["product"].to_numpy(),
        flow_exporter=flows["exporter"].to_numpy(),
        flow_importer=flows["importer"].to_numpy(),
        value=flows["value"].to_numpy(),
        quantity=flows["quantity"].to_numpy(),
        duties=tuple(
            Duty(name, part["row"].to_numpy(), part["rate"].to_numpy())
            for index, name in enumerate(authorities)
            for part in [duties.filter(pl.col("authority") == index)]
        ),
        tariff_importers=None
        if header["tariff_importers"] is None
        else frozenset(header["tariff_importers"]),
        elasticities=Elasticities(
            header["elasticity_set"],
            products["sigma"].to_numpy(),
            products["eta_composite"].to_numpy(),
            products["home_share"].to_numpy(),
            products["eta"].to_numpy(),
            tuple(products["eta_kind"]),
            frames["exporters"]["epsilon"].to_numpy(),
            tuple(products["source"]),
        ),
        aggregates={code: tuple(members) for code, members in header["aggregates"].items()},
        observed_importers=None
        if header["observed_importers"] is None
        else tuple(header["observed_importers"]),
        critical=products["critical"].to_numpy() if "critical" in products.columns else None,
        notes=tuple(header["notes"]),
        audit=pl.DataFrame(header["audit"], schema=AUDIT_SCHEMA, orient="row"),
    )


def _tables(world: World) -> dict[str, pl.DataFrame]:
    e = world.elasticities
    products = {
        "product": list(world.products),
        "sigma": e.sigma,
        "eta_composite": e.eta_composite,
        "home_share": e.home_share,
        "eta": e.eta,
        "eta_kind": list(e.eta_kind),
        "source": list(e.source),
    }
    if world.critical is not None:
        products["critical"] = world.critical
    empty = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    return {
        "flows": pl.DataFrame(
            {
                "product": world.flow_product,
                "exporter": world.flow_exporter,
                "importer": world.flow_importer,
                "value": world.value,
                "quantity": world.quantity,
            }
        ),
        "duties": pl.DataFrame(
            {
                "authority": np.repeat(
                    np.arange(len(world.duties)), [d.rows.size for d in world.duties]
                ),
                "row": np.concatenate([*empty[0], *(d.rows for d in world.duties)]),
                "rate": np.concatenate([*empty[1], *(d.rate for d in world.duties)]),
            }
        ),
        "products": pl.DataFrame(products),
        "exporters": pl.DataFrame({"epsilon": e.epsilon}),
    }


def _header(world: World) -> dict[str, Any]:
    known = world.tariff_importers
    return {
        "format": FORMAT,
        "name": world.name,
        "year": world.year,
        "vintage": world.vintage,
        "countries": world.countries,
        "authorities": [duty.authority for duty in world.duties],
        "tariff_importers": None if known is None else sorted(known),
        "elasticity_set": world.elasticities.set_name,
        "aggregates": dict(world.aggregates),
        "observed_importers": world.observed_importers,
        "notes": world.notes,
        "audit": world.audit.rows(),
        "data_hash": world.data_hash,
    }


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
