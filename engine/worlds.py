"""Open a world by name or path."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from tradewedge import intake, worldfile
from tradewedge.codes import nearest
from tradewedge.duty import Duty
from tradewedge.elasticities import Elasticities
from tradewedge.errors import ConfigError
from tradewedge.sources import embedded, synthetic
from tradewedge.world import World


def load_world(
    name: str | Path,
    *,
    year: int | None = None,
    elasticities: pl.DataFrame | pl.LazyFrame | str | Path | None = None,
    **size: int,
) -> World:
    """Open an embedded world, a directory that :meth:`World.save` wrote, or a made-up world.

    Parameters
    ----------
    name : str or path
        "minerals", "us_imports", a directory, or "synthetic" (random numbers, for benchmarks).
    year : int, optional
        Default: the newest year that the world has.
    elasticities : frame, str or path, optional
        As in :meth:`World.from_flows`; default "central", or what a saved or made-up world holds.
    **size : int
        For "synthetic" only: ``products`` (5000), ``countries`` (226), ``seed`` (0) and
        ``home_sales`` (0; 1 adds domestic sales, which BACI lacks).

    Raises
    ------
    ConfigError
        For an unknown name or year, or a size that does not apply.
    DataError
        If a directory holds no readable world.
    """
    if str(name) == synthetic.NAME and not Path(name).is_dir():
        return _synthetic(year, elasticities, **size)
    if size:
        raise ConfigError(
            f"{', '.join(sorted(size))}: only load_world({synthetic.NAME!r}) takes a size"
        )
    shipped = [world.name for world in embedded.worlds()]
    if str(name) not in shipped:
        path = Path(name)
        if not path.is_dir():
            near = nearest(str(name), shipped)
            raise ConfigError(
                f"no world {str(name)!r}: embedded are {', '.join(shipped)}"
                + (f" (did you mean {near[0]}?)" if near else "")
                + f", {synthetic.NAME} is made up, and there is no such directory"
            )
        world = worldfile.load(path)
        if year is not None and year != world.year:
            raise ConfigError(f"{path} holds year {world.year}, not {year}")
        return world if elasticities is None else world.with_elasticities(elasticities)
    return _embedded(str(name), year, elasticities)


def _embedded(
    name: str, year: int | None, elasticities: pl.DataFrame | pl.LazyFrame | str | Path | None
) -> World:
    tables = embedded.tables(name, year)
    meta = tables.meta
    products = tables.products
    return World.from_flows(
        tables.flows,
        elasticities,
        tables.tariffs,
        tables.home_sales,
        name=name,
        year=meta["year"],
        vintage=meta["vintage"],
        tariff_importers="*"
        if meta["tariff_importers"] is None
        else sorted(meta["tariff_importers"]),
        aggregates=meta["aggregates"],
        observed_importers=meta["observed_importers"],
        home_share=tables.home_share,
        critical=None
        if products["critical"].null_count() == products.height
        else products.filter("critical")["product"].to_list(),
        notes=meta["notes"],
    )


def _synthetic(
    year: int | None,
    elasticities: pl.DataFrame | pl.LazyFrame | str | Path | None,
    products: int = 5000,
    countries: int = 226,
    seed: int = 0,
    home_sales: int = 0,
    **unknown: int,
) -> World:
    """Random numbers that have the shape of a year of trade, straight into arrays."""
    if unknown or year is not None:
        text = ", ".join(sorted(unknown) or ["year"])
        raise ConfigError(
            f"load_world({synthetic.NAME!r}) takes products, countries, seed, home_sales and "
            f"elasticities, not {text}"
        )
    try:
        drawn = synthetic.draw(products, countries, seed, home_sales=bool(home_sales))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    step = ("draw", f"random numbers, seed {seed}", drawn.value.size, float(drawn.value.sum()))
    world = World(
        name=synthetic.NAME,
        year=None,
        vintage=None,
        products=drawn.products,
        countries=drawn.countries,
        flow_product=drawn.product,
        flow_exporter=drawn.exporter,
        flow_importer=drawn.importer,
        value=drawn.value,
        quantity=drawn.quantity,
        duties=tuple(Duty(duty.authority, duty.rows, duty.rate) for duty in drawn.duties),
        tariff_importers=frozenset(drawn.countries[:1]),
        elasticities=Elasticities.empty(),
        notes=synthetic.NOTES,
        audit=intake.audit_rows([step]),
    )
    given = Elasticities(
        set_name=synthetic.NAME,
        sigma=drawn.sigma,
        sigma_standard_error=np.full(products, np.nan),
        eta_composite=drawn.eta,
        eta_standard_error=np.full(products, np.nan),
        home_share=np.full(products, np.nan),
        eta=drawn.eta,
        eta_kind=(),
        epsilon=drawn.epsilon[world.exporter_product, world.exporter_country],
        epsilon_standard_error=np.full(world.exporter_product.size, np.nan),
        source=(synthetic.SOURCE,) * products,
    )
    world = replace(world, elasticities=given.derive(world))
    return world if elasticities is None else world.with_elasticities(elasticities)
