"""What one build is told to do, as plain objects."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
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
class UsLaw:
    """US import law as the baseline tariff.

    Attributes
    ----------
    on : date or int
        A day, or a year: the mean over its days.
    preference : {"average", "claimed", "none"}
        Whether preferences that an origin may use are used as observed, always, or never.
    in_scope : mapping of str to float
        List of the law -> share of its lines' trade that it reaches, instead of the shipped one.
    """

    on: date | int
    preference: Literal["average", "claimed", "none"] = "average"
    in_scope: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Charged:
    """The duty that customs charged, to hold against the world's rates.

    Attributes
    ----------
    source : str
        Path of US imports with their duty as ``source=census`` reads them, or "us_imports", the
        embedded ones of 2024.
    year : int or None
        Year of a file without a column for it.
    """

    source: str
    year: int | None = None


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
    tariff_options : mapping of str to mapping
        What sources of tariffs may be told, by name.
    us_law : UsLaw or None
        Tariffs of the United States from their law, instead of any table's.
    charged : Charged or None
        What the world's tariffs are compared with.
    home_sales : str or None
        Path of a table, or SCHEME:PATH; see :mod:`tradewedge.build.home`.
    production_map : str or None
        Path of a table from minerals to products, instead of the one that ships.
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
    tariff_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    us_law: UsLaw | None = None
    charged: Charged | None = None
    home_sales: str | None = None
    production_map: str | None = None
    sectors: str | None = None
    home_share: str | None = None
    overwrite: bool = False

    def record(self) -> dict[str, Any]:
        """The plan as plain data, for the file beside the world."""
        plain = {key: value for key, value in asdict(self).items() if key != "overwrite"}
        made: dict[str, Any] = json.loads(json.dumps(plain, default=str))
        return made
