"""What an estimation may be configured with, and its conversion to a plan."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tradewedge import build_schema, hydraapp
from tradewedge.build_schema import texts, whole_years
from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError
from tradewedge.estimation.plan import Plan
from tradewedge.sources.registry import FACTS, SOURCES, TARIFFS

CONFIG_NAME: Final = "estimate"
_SCHEMA: Final = "estimate_schema"


class Values(Enum):
    """Whether values are without the importer's duty."""

    border = "border"
    duty_paid = "duty_paid"


@dataclass
class EstimateConf:
    """Everything ``tradewedge data estimate`` takes."""

    path: str = MISSING
    out: str = MISSING
    source: Any = None
    years: Any = None
    formula: str | None = None
    tariffs: Any = None
    covariates: Any = None
    by: Any = None
    cluster: Any = None
    values: Values = Values.border
    zeros: bool = True
    home: bool = False
    tariff_importers: Any = None
    significance: float = 0.01
    base: str = "central"
    vintage: str | None = None
    overwrite: bool = False


_HELP: Final = """\
Estimate trade elasticities by PPML with fixed effects, and make a table that worlds take.

  tradewedge data estimate path=FLOWS out=DIRECTORY [tariffs=RATES] [KEY=VALUE ...]

Flows: a table (csv, Parquet, or a YAML that describes one) with the columns product, exporter,
importer, value and year, or those that the formula names; or files of a source, source=NAME:

{sources}

Tariffs: a table with product, exporter ("*": everybody else), importer, rate (fraction) and year;
or by year, of a source: 'tariffs={{2019: "trains:T2019.zip", 2020: "trains:T2020.zip"}}'

{tariffs}

Covariates: tables with numbers by exporter, importer, year or product, or NAME:PATH of

{facts}

Formula: value ~ log(1 + tariff) + log(distance_km) + agreement | exporter^year + importer^year
  before the bar columns, log(column) or log(1 + column), behind it fixed effects. Default: over
  several years exporter-product-year, importer-product-year and pair-product effects; in one year
  exporter-product and importer-product effects, with distance and ties where they are given.

by=6 (or 4, 2) estimates each code, heading or chapter apart, by=product every product, and
'by=["2846","8112"]' these prefixes; without it all share one sigma.

sigma is minus the coefficient of log(1 + tariff) where values are without the duty
(values=border: BACI, Comtrade, customs values), and 1 minus it where they include it
(values=duty_paid). An estimate of the wrong sign, not significant or not converged is shown with
the reason and left out of the table; the set base=central fills the gaps.

Keys (KEY=VALUE)

$CONFIG
Examples

  tradewedge data estimate path=flows.csv tariffs=tariffs.csv by=6 out=estimates/hs6
  tradewedge data estimate path=flows.csv tariffs=tariffs.csv 'by=["2846","8112"]' out=estimates/two
  tradewedge data estimate source=baci path=BACI_HS17_V202501.zip years=[2019,2021,2023] \\
      'tariffs={{2019: "trains:T19.zip", 2021: "trains:T21.zip", 2023: "trains:T23.zip"}}' \\
      'covariates=["gravity:Gravity_csv.zip"]' by=4 out=estimates/hs4
  tradewedge data estimate path=trade.parquet zeros=false out=estimates/distance \\
      'formula="Euros ~ log(dist_km) | Origin + Destination + Product + Year"' \\
      'cluster=[Origin,Destination]'
  tradewedge run my_scenario.yaml elasticities=file elasticities.file=estimates/hs6/elasticities.csv

In the directory: elasticities.csv (for worlds), sigmas.csv and coefficients.csv (every estimate),
fits.csv (rows added, lost and used), reconciliation.csv, estimate.json. docs/estimate.md says more.
"""


def register() -> None:
    """Make the configuration known to Hydra."""
    build_schema.register()  # the group of sources
    store = ConfigStore.instance()
    store.store(name=_SCHEMA, node=EstimateConf)
    listed = {
        name: "\n".join(f"  {entry.name:10} {entry.text}" for entry in entries)
        for name, entries in (("sources", SOURCES), ("tariffs", TARIFFS), ("facts", FACTS[:2]))
    }
    store.store(
        name=CONFIG_NAME,
        node=hydraapp.composed(
            _SCHEMA, "source", app_name="tradewedge data estimate", template=_HELP.format(**listed)
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
        missing = [key for key in ("path", "out") if OmegaConf.is_missing(config, key)]
        if missing:
            raise ConfigError(f"{missing[0]} is missing: add {missing[0]}=...")
        conf: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(EstimateConf), config))
    except OmegaConfBaseException as error:
        raise ConfigError(f"The configuration is not valid: {error}") from error
    assert isinstance(conf, EstimateConf)
    told: Any = {}
    if conf.source is not None:
        told = OmegaConf.to_container(config.source, resolve=True, enum_to_str=True)
    return Plan(
        path=Path(conf.path),
        out=Path(conf.out),
        source=told.pop("name", None),
        options=told,
        years=whole_years(conf.years),
        formula=conf.formula,
        tariffs=_tariffs(conf.tariffs),
        covariates=texts(conf.covariates, "covariates") or (),
        by=conf.by if isinstance(conf.by, int | str) else texts(conf.by, "by"),
        cluster=texts(conf.cluster, "cluster"),
        values=conf.values.value,
        zeros=conf.zeros,
        home=conf.home,
        tariff_importers=texts(conf.tariff_importers, "tariff_importers"),
        significance=conf.significance,
        base=conf.base,
        vintage=None if conf.vintage is None else check_vintage(conf.vintage),
        overwrite=conf.overwrite,
    )


def _tariffs(given: Any) -> dict[int | None, tuple[str, ...]]:
    """Paths of tables of tariffs by year; under None those that tell the year themselves."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        return {None: texts(given, "tariffs") or ()}
    if not all(isinstance(year, int) for year in given):
        raise ConfigError(
            "tariffs takes the path of a table, or years and paths such as "
            f"'tariffs={{2019: \"trains:T2019.zip\"}}', not {given!r}"
        )
    return {year: texts(paths, f"tariffs.{year}") or () for year, paths in given.items()}
