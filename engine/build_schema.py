"""What a build may be configured with, and its conversion to a plan.

The whole configuration is declared here, without YAML files: a group ``source`` whose options are
the dataclasses of the source modules, and the keys below.
"""

from dataclasses import dataclass, field, make_dataclass
from dataclasses import fields as fields_of
from enum import Enum
from pathlib import Path
from typing import Any, Final

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tradewedge import hydraapp
from tradewedge.build import told
from tradewedge.build.plan import Countries, Plan, Tons
from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError
from tradewedge.sources.registry import SOURCES, TARIFFS

CONFIG_NAME: Final = "build"
_SCHEMA: Final = "build_schema"


class Inside(Enum):
    """What trade within an aggregate becomes."""

    home = "home"
    drop = "drop"


class Impute(Enum):
    """Whose unit value stands in for missing tons."""

    none = "none"
    product = "product"
    exporter = "exporter"


@dataclass
class CountriesConf:
    """Countries that stand alone (``keep``: all), together (``groups``), and the rest."""

    keep: Any = None
    groups: Any = None
    rest: str = "ROW"
    inside: Inside = Inside.home


@dataclass
class TonsConf:
    """Unit values this many times off are listed; missing tons are filled in where asked."""

    outliers: float | None = None
    drop_outliers: bool = False
    impute: Impute = Impute.none


class Preference(Enum):
    """How preferences of the US schedule are used."""

    average = "average"
    claimed = "claimed"
    none = "none"


@dataclass
class UsLawConf:
    """US tariffs of a day (2026-01-20) or the mean of a year (2024), from the law that ships."""

    date: Any = None
    preference: Preference = Preference.average
    in_scope: Any = None


@dataclass
class ChargedConf:
    """What customs charged, to compare with: a Census file, or us_imports."""

    path: str | None = None
    year: int | None = None


@dataclass
class BuildConf:
    """Everything ``tradewedge data build`` takes."""

    source: Any = MISSING
    path: str = MISSING
    out: str = MISSING
    name: str | None = None
    years: Any = None
    vintage: str | None = None
    weights: str | None = None
    products: Any = None
    countries: CountriesConf = field(default_factory=CountriesConf)
    tons: TonsConf = field(default_factory=TonsConf)
    elasticities: str = "central"
    tariffs: Any = None
    tariff_importers: Any = None
    tariff_options: Any = None
    us_law: UsLawConf = field(default_factory=UsLawConf)
    charged: ChargedConf = field(default_factory=ChargedConf)
    home_sales: str | None = None
    production_map: str | None = None
    sectors: str | None = None
    home_share: str | None = None
    overwrite: bool = False


_HELP: Final = {
    "app_name": "tradewedge data build",
    "template": """\
Make a world of the files that you have, and save it.

  tradewedge data build source=SOURCE path=FILE out=DIRECTORY [KEY=VALUE ...]

Sources (source=NAME), with what each may be told as source.KEY=VALUE

{sources}

Tariffs: tables of your own or files of a source, 'tariffs=[PATH, NAME:PATH]'

{tariffs}

What such a source may be told: 'tariff_options={{wto: {{vintage: HS2022}}}}'

Domestic sales: home_sales=PATH, production:PATH, usgs:PATH, mining:PATH, or icio:PATH with
sectors=PATH

Keys (KEY=VALUE)

$CONFIG
Examples

  tradewedge data build source=baci path=BACI_HS22_V202501.zip years=[2023] out=worlds/2023
  tradewedge data build source=baci path=BACI_HS22_V202501.zip years=[2021,2022,2023] \\
      out=worlds/mean vintage=HS1992 'products=["2846","2805"]'
  tradewedge data build source=baci path=my.csv source.vintage=HS2022 out=worlds/eu \\
      'countries.keep=[USA,CHN,JPN]' 'countries.groups={{EU27: []}}' elasticities=mine.csv
  tradewedge data build source=baci path=BACI_HS22_V202501.zip years=[2023] out=worlds/rates \\
      'tariffs=["trains:TRAINS.zip"]' us_law.date=2026-01-20 charged.path=us_imports
  tradewedge data build source=table path=mine.yaml out=worlds/mine

The world is whole or not there. Beside it lie reconciliation.csv (what was read, kept, dropped
and why) and build.json (this configuration, and which file it was). docs/data.md says more.
""",
}


def register() -> None:
    """Make the configuration known to Hydra."""
    store = ConfigStore.instance()
    store.store(name=_SCHEMA, node=BuildConf)
    for entry in SOURCES:
        options = [(f.name, f.type, f) for f in fields_of(entry.options())]
        kind = make_dataclass(f"{entry.name}_conf", [("name", str, entry.name), *options])
        store.store(group="source", name=entry.name, node=kind)
    listed, rated = (
        "\n".join(f"  {entry.name:10} {entry.text}" for entry in entries)
        for entries in (SOURCES, TARIFFS)
    )
    store.store(
        name=CONFIG_NAME,
        node=hydraapp.composed(
            _SCHEMA,
            "source",
            **(_HELP | {"template": _HELP["template"].format(sources=listed, tariffs=rated)}),
        ),
    )


def to_plan(config: DictConfig) -> Plan:
    """Check a composed configuration and turn it into a plan.

    Raises
    ------
    ConfigError
        For unknown keys, values of the wrong type, or codes that are not text.
    """
    try:
        missing = [key for key in ("source", "path", "out") if OmegaConf.is_missing(config, key)]
        if missing:
            known = f"; sources are {', '.join(entry.name for entry in SOURCES)}"
            raise ConfigError(
                f"{missing[0]} is missing: add {missing[0]}=..."
                + (known if missing[0] == "source" else "")
            )
        conf: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(BuildConf), config))
    except OmegaConfBaseException as error:
        raise ConfigError(f"The configuration is not valid: {error}") from error
    assert isinstance(conf, BuildConf)
    options: Any = OmegaConf.to_container(config.source, resolve=True, enum_to_str=True)
    name = options.pop("name")
    return Plan(
        source=name,
        path=Path(conf.path),
        out=Path(conf.out),
        options=options,
        name=conf.name,
        years=whole_years(conf.years),
        vintage=None if conf.vintage is None else check_vintage(conf.vintage),
        weights=None if conf.weights is None else Path(conf.weights),
        products=texts(conf.products, "products"),
        countries=Countries(
            keep=texts(conf.countries.keep, "countries.keep"),
            groups=_groups(conf.countries.groups),
            rest=conf.countries.rest,
            inside=conf.countries.inside.value,
        ),
        tons=Tons(
            outliers=_factor(conf.tons),
            drop_outliers=conf.tons.drop_outliers,
            impute=conf.tons.impute.value,
        ),
        elasticities=conf.elasticities,
        tariffs=texts(conf.tariffs, "tariffs") or (),
        tariff_importers=texts(conf.tariff_importers, "tariff_importers"),
        tariff_options=told.tariff_options(conf.tariff_options),
        us_law=told.us_law(conf.us_law.date, conf.us_law.preference.value, conf.us_law.in_scope),
        charged=told.charged(conf.charged.path, conf.charged.year),
        home_sales=conf.home_sales,
        production_map=conf.production_map,
        sectors=conf.sectors,
        home_share=conf.home_share,
        overwrite=conf.overwrite,
    )


def whole_years(given: Any) -> tuple[int, ...] | None:
    """Whole numbers, ascending."""
    if given is None:
        return None
    listed = given if isinstance(given, list) else [given]
    if not listed or not all(isinstance(year, int) for year in listed):
        raise ConfigError(f"years takes whole numbers, as years=[2022,2023], not {given!r}")
    return tuple(sorted(set(listed)))


def texts(given: Any, where: str) -> tuple[str, ...] | None:
    """A list of words; codes that are not text were eaten by YAML, or are about to be."""
    if given is None:
        return None
    listed = given if isinstance(given, list) else [given]
    if not all(isinstance(word, str) for word in listed):
        raise ConfigError(
            f'{where} takes text in quotes, such as \'{where}=["2846","8505"]\' on the command '
            f"line, not {given!r}"
        )
    return tuple(listed)


def _groups(given: Any) -> dict[str, tuple[str, ...]]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ConfigError(
            "countries.groups takes names and members, such as 'countries.groups={EU27: [], "
            f"ANDES: [BOL, PER]}}' (no members: the group of that name), not {given!r}"
        )
    return {
        str(name): texts(members, f"countries.groups.{name}") or ()
        for name, members in given.items()
    }


def _factor(tons: TonsConf) -> float | None:
    if tons.outliers is None and tons.drop_outliers:
        raise ConfigError("tons.drop_outliers needs tons.outliers, such as tons.outliers=10")
    if tons.outliers is not None and not tons.outliers > 1:
        raise ConfigError(f"tons.outliers is a factor above 1, not {tons.outliers:g}")
    return tons.outliers
