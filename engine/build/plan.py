"""What one build is told to do, as plain objects."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Countries:
    """Which countries stand alone, and which together.

    Attributes
    ----------
    keep : tuple of str or None
        Codes and groups of countries that stay as they are; all others go to ``rest``. None: all.
    groups : mapping
        Name of an aggregate -> its members, codes or groups; an empty tuple means the group of
        that name.
    rest : str
        Aggregate of the countries that are neither kept nor in a group.
    inside : {"home", "drop"}
        Trade within an aggregate becomes its domestic sales, or is left out.
    """

    keep: tuple[str, ...] | None = None
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rest: str = "ROW"
    inside: Literal["home", "drop"] = "home"


@dataclass(frozen=True)
class Tons:
    """What is made of quantities.

    Attributes
    ----------
    outliers : float or None
        A flow whose unit value is this many times above or below the middle of its product is
        listed in ``unit_values.parquet``.
    drop_outliers : bool
        Count the tons of such flows as not reported.
    impute : {"none", "product", "exporter"}
        Where tons are not reported, take the product's middle unit value, or the exporter's where
        it has one; such flows are listed in ``imputed_tons.parquet``.
    """

    outliers: float | None = None
    drop_outliers: bool = False
    impute: Literal["none", "product", "exporter"] = "none"


@dataclass(frozen=True)
class Plan:
    """One build.

    Attributes
    ----------
    source : str
        Name of a source of trade.
    options : mapping
        What that source may be told.
    path : Path
    out : Path
        Directory of the world.
    name : str or None
        Name of the world; default: that of its directory.
    years : tuple of int or None
        Several are averaged; None: the one that the files hold.
    vintage : str or None
        HS edition of the world; None: that of the files.
    weights : Path or None
        Table of weights for codes that the other edition divides; None: equal parts.
    products : tuple of str or None
        HS prefixes and named lists; None: all.
    countries : Countries
    tons : Tons
    elasticities : str
        Name of a set, or path of a table.
    tariffs : tuple of str
        Paths of tables of tariffs.
    tariff_importers : tuple of str or None
        Importers whose tariffs those tables hold in full; ("*",) for all.
    home_sales : str or None
        Path of a table, ``production:PATH`` or ``icio:PATH``; see :mod:`tradewedge.build.home`.
    sectors : str or None
        Path of a table of ICIO sectors by product.
    home_share : str or None
        Path of a table of the home share of products without domestic sales.
    overwrite : bool
    """

    source: str
    path: Path
    out: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    years: tuple[int, ...] | None = None
    vintage: str | None = None
    weights: Path | None = None
    products: tuple[str, ...] | None = None
    countries: Countries = field(default_factory=Countries)
    tons: Tons = field(default_factory=Tons)
    elasticities: str = "central"
    tariffs: tuple[str, ...] = ()
    tariff_importers: tuple[str, ...] | None = None
    home_sales: str | None = None
    sectors: str | None = None
    home_share: str | None = None
    overwrite: bool = False

    def record(self) -> dict[str, Any]:
        """The plan as plain data, for the file beside the world."""
        plain = {key: value for key, value in asdict(self).items() if key != "overwrite"}
        return {
            key: str(value) if isinstance(value, Path) else value for key, value in plain.items()
        }
