"""What a run may be configured with, and its conversion to plain objects.

The ``*Conf`` classes are the schema that Hydra checks keys and types against;
:class:`tradewedge.settings.Settings` is what the rest of the program sees. Only this module and
the command line know OmegaConf.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tradewedge.cases import named_cases, on_the_day, reference_case, shipped_scenarios
from tradewedge.errors import ConfigError
from tradewedge.horizon import check_years
from tradewedge.settings import Settings
from tradewedge.solver import MEMORY
from tradewedge.store import config_hash

__all__ = ["RunConf", "Settings", "register", "shipped_scenarios", "to_settings"]

SCHEMA_NAME = "run_schema"
_NAMES_IN_DIRECTORY = 2


class ModelName(Enum):
    """Models that solve a scenario."""

    armington = "armington"
    gsim = "gsim"
    smart = "smart"


class BackendName(Enum):
    """Where the equations are solved."""

    auto = "auto"
    cpu = "cpu"
    jax = "jax"
    cupy = "cupy"
    reference = "reference"


# "raise" is a keyword, and OmegaConf reads an Enum by the names of its members.
OnFailure = Enum("OnFailure", {"report": "report", "raise": "raise"})


@dataclass
class DataConf:
    """``name``: an embedded world; or ``path``: a directory that ``World.save`` wrote."""

    name: str | None = None
    path: str | None = None
    year: int | None = None
    products: Any = None  # checked by _products: a typed list would make text of a number


@dataclass
class ElasticitiesConf:
    """``name``: an embedded set, or ``file``: a CSV or Parquet table; single values on top."""

    name: str | None = None
    file: str | None = None
    sigma: float | None = None
    eta: float | None = None
    epsilon: float | None = None
    home_share: Any = None  # a number, or a mapping of HS prefixes


@dataclass
class ModelConf:
    """Model, when it stops, and its own options."""

    name: ModelName = ModelName.armington
    tolerance: float = 1e-10
    max_steps: int | None = None
    precision: str | None = None
    # Numbers, or mappings of HS prefixes; and lists of countries by group.
    sigma_home: Any = None
    sigma_groups: Any = None
    supplier_groups: Any = None


@dataclass
class BackendConf:
    """Backend of the kernels."""

    name: BackendName = BackendName.auto


@dataclass
class OutputConf:
    """Where the run is written, what scenarios may take in memory, and what is shown."""

    directory: str | None = None
    memory: str = MEMORY
    overwrite: bool = False
    summary: bool = True
    width: int | None = None


@dataclass
class RunConf:
    """Everything ``tradewedge run`` takes."""

    data: DataConf = field(default_factory=DataConf)
    scenario: dict[str, Any] = field(default_factory=dict)
    scenario_files: list[str] = field(default_factory=list)
    scenario_changes: dict[str, Any] = field(default_factory=dict)
    date: str | None = None
    dates: Any = None
    reference: str | None = None
    horizon: float | None = None
    model: ModelConf = field(default_factory=ModelConf)
    elasticities: ElasticitiesConf = field(default_factory=ElasticitiesConf)
    backend: BackendConf = field(default_factory=BackendConf)
    output: OutputConf = field(default_factory=OutputConf)
    on_failure: OnFailure = OnFailure["report"]
    band_sigmas: list[float] = field(default_factory=lambda: [2.0, 5.0, 10.0, 20.0])


def register() -> None:
    """Make the schema and the name of the run directory known to Hydra."""
    ConfigStore.instance().store(name=SCHEMA_NAME, node=RunConf)
    OmegaConf.register_new_resolver("tradewedge.directory", _directory, replace=True)


def keys() -> tuple[str, ...]:
    """Every key that a run knows, such as ``output.directory``."""
    found: list[str] = []
    for entry in fields(RunConf):
        inside = fields(entry.type) if is_dataclass(entry.type) else ()
        found += [f"{entry.name}.{key.name}" for key in inside] or [entry.name]
    return tuple(found)


def to_settings(config: DictConfig) -> Settings:
    """Check a composed configuration and turn it into plain objects.

    Raises
    ------
    ConfigError
        For unknown keys, values of the wrong type, no world, no scenario, or two of one name.
    """
    try:
        loose = OmegaConf.to_container(config, resolve=True)
        conf = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(RunConf), loose))
    except OmegaConfBaseException as error:
        raise ConfigError(f"The configuration is not valid: {error}") from error
    assert isinstance(conf, RunConf)
    reference = reference_case(conf.reference, conf.date)
    cases = named_cases(conf.scenario, conf.scenario_files, conf.scenario_changes)
    scenarios, changes = on_the_day(cases, conf.date, conf.dates)
    return Settings(
        world=_world(conf.data),
        year=conf.data.year,
        products=_products(conf.data.products),
        scenarios=tuple(scenario.on_law_of(reference) for scenario in scenarios),
        changes=changes,
        reference=reference,
        horizon=conf.horizon,
        elasticities=_elasticity_set(conf),
        elasticities_file=_file(conf.elasticities),
        sigma=conf.elasticities.sigma,
        eta=conf.elasticities.eta,
        epsilon=conf.elasticities.epsilon,
        home_share=_home_share(conf.elasticities.home_share),
        model=conf.model.name.value,
        tolerance=conf.model.tolerance,
        model_options=_model_options(conf.model),
        backend=conf.backend.name.value,
        on_failure="raise" if conf.on_failure is OnFailure["raise"] else "report",
        band_sigmas=_sigmas(conf.band_sigmas),
        memory=conf.output.memory,
        overwrite=conf.output.overwrite,
        summary=conf.output.summary,
        width=conf.output.width,
    )


def _directory(*, _root_: DictConfig) -> str:
    """Where a run goes: as told, else outputs/demo for the demo, else named by its scenarios.

    Absolute, so that Hydra does not put it under its sweep directory.
    """
    told = _root_.output.directory
    if told is not None:
        return str(Path(told).absolute())
    asked = [o for o in _root_.hydra.overrides.task if not o.lstrip("+~").startswith("output")]
    if not asked:
        return str(Path("outputs", "demo").absolute())
    settings = [str(key) for key in _root_ if key not in ("output", "hydra")]
    config: Any = OmegaConf.to_container(
        OmegaConf.masked_copy(_root_, settings), resolve=True, enum_to_str=True
    )
    # A scenario file that was edited is another run.
    config["scenario_files"] = {
        path: Path(path).read_text(encoding="utf-8")
        for path in [*config["scenario_files"], config["reference"] or ""]
        if Path(path).is_file()
    }
    return str(Path("outputs", f"{_scenario_names(config)}-{config_hash(config)[:8]}").absolute())


def _scenario_names(config: Any) -> str:
    """The scenarios of a run as part of a file name."""
    names = [*config["scenario"], *(Path(path).stem for path in config["scenario_files"])]
    shown = "+".join(names[:_NAMES_IN_DIRECTORY]) or "run"
    more = len(names) - _NAMES_IN_DIRECTORY
    plain = "".join(c if c.isalnum() or c in "+-_.@" else "_" for c in shown)
    return f"{plain}+{more}-more" if more > 0 else plain


def _world(data: DataConf) -> str:
    if (data.name is None) == (data.path is None):
        raise ConfigError(
            "data needs either a name (an embedded world: `tradewedge data`) or a path (a "
            "directory that World.save wrote), for example data=path data.path=my_world."
        )
    return data.name or str(data.path)


def _products(given: Any) -> tuple[str, ...] | None:
    """HS prefixes to keep; codes that are not text were eaten by YAML, or are about to be."""
    if given is None:
        return None
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not all(isinstance(code, str) for code in listed):
        raise ConfigError(
            "data.products takes HS prefixes in quotes, such as "
            f'\'data.products=["2846","8505"]\' on the command line, not {given!r}.'
        )
    return tuple(listed)


def _file(conf: ElasticitiesConf) -> Path | None:
    if conf.file is None:
        return None
    if not conf.file:
        raise ConfigError(
            "elasticities=file needs the table too: elasticities=file elasticities.file=PATH, a "
            "CSV or Parquet file (docs/data.md has its columns)."
        )
    if conf.name is not None:
        raise ConfigError(
            f"elasticities has both a name ({conf.name}) and a file ({conf.file}); use "
            "elasticities=file elasticities.file=PATH for the file alone."
        )
    path = Path(conf.file)
    if not path.is_file():
        raise ConfigError(f"elasticities.file: there is no file {path}.")
    return path


def _home_share(given: Any) -> float | dict[str, float] | None:
    """One number, or numbers by prefix: Hydra reads the keys of ``{2846: 0.1}`` as numbers."""
    return {str(key): value for key, value in given.items()} if isinstance(given, dict) else given


def _model_options(model: ModelConf) -> dict[str, Any]:
    names = ("max_steps", "precision", "sigma_home", "sigma_groups", "supplier_groups")
    given = {name: getattr(model, name) for name in names}
    return {key: value for key, value in given.items() if value is not None}


def _sigmas(sigmas: list[float]) -> tuple[float, ...]:
    bad = [sigma for sigma in sigmas if not sigma > 1.0]
    if bad:
        raise ConfigError(
            f"band_sigmas holds {bad[0]:g}: losing a supplier has a finite price only where "
            "sigma is above 1."
        )
    return tuple(sigmas)


def _elasticity_set(conf: RunConf) -> str | None:
    """The named set; None for what the world holds, or what a horizon makes of it."""
    name = conf.elasticities.name
    if conf.horizon is None:
        return name
    check_years(conf.horizon)
    named = conf.elasticities.file or name
    if named is not None:
        raise ConfigError(
            f"horizon and elasticities ({named}) both say which elasticities hold: leave one out. "
            "Single values go on top of either, as elasticities.sigma=5."
        )
    return None
