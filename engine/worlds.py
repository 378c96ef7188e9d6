"""Open a world by name or path."""

from pathlib import Path

from tradewedge import worldfile
from tradewedge.codes import nearest
from tradewedge.errors import ConfigError
from tradewedge.sources import embedded
from tradewedge.world import World


def load_world(
    name: str | Path, *, year: int | None = None, elasticities: str | None = None
) -> World:
    """Open an embedded world, or a directory that :meth:`World.save` wrote.

    Parameters
    ----------
    name : str or path
        "minerals", "us_imports", or a directory.
    year : int, optional
        Default: the newest year that the world has.
    elasticities : str, optional
        Name of an elasticity set; default "central", or what a saved world holds.

    Raises
    ------
    ConfigError
        For an unknown name or year.
    DataError
        If a directory holds no readable world.
    """
    shipped = [world.name for world in embedded.worlds()]
    if str(name) not in shipped:
        path = Path(name)
        if not path.is_dir():
            near = nearest(str(name), shipped)
            raise ConfigError(
                f"no world {str(name)!r}: embedded are {', '.join(shipped)}"
                + (f" (did you mean {near[0]}?)" if near else "")
                + ", and there is no such directory"
            )
        world = worldfile.load(path)
        if year is not None and year != world.year:
            raise ConfigError(f"{path} holds year {world.year}, not {year}")
        return world if elasticities is None else world.with_elasticities(elasticities)
    return _embedded(str(name), year, elasticities)


def _embedded(name: str, year: int | None, elasticities: str | None) -> World:
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
