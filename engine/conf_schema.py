"""What a run may be configured with, and its conversion to plain objects.

The ``*Conf`` classes are the schema that Hydra checks keys and types against;
:class:`tradewedge.settings.Settings` is what the rest of the program sees. Only this module and
the command line know OmegaConf.
"""

from dataclasses import dataclass, field
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError
from tradewedge.horizon import check_years
from tradewedge.policy import Scenario
from tradewedge.policy.scenario import law
from tradewedge.settings import Settings
from tradewedge.solver import one_state
from tradewedge.store import config_hash

SCHEMA_NAME = "run_schema"

#: Value of ``dates``: every day on which something in a scenario changes.
CHANGES = "changes"
#: The set of conf/elasticities that is used unless another is named.
DEFAULT_SET = "central"


class ModelName(Enum):
    """Models that solve a scenario."""

    armington = "armington"
    gsim = "gsim"
    smart = "smart"


class BackendName(Enum):
    """Where the equations are solved."""

    auto = "auto"
    cpu = "cpu"
    reference = "reference"


# "raise" is a keyword, and OmegaConf reads an Enum by the names of its members.
OnFailure = Enum("OnFailure", {"report": "report", "raise": "raise"})


@dataclass
class DataConf:
    """``name``: an embedded world; or ``path``: a directory that ``World.save`` wrote."""

    name: str | None = None
    path: str | None = None
    year: int | None = None
    products: list[str] | None = None


@dataclass
class ElasticitiesConf:
    """``name``: an embedded set, or ``file``: a CSV or Parquet table; single values on top."""

    name: str | None = None
    file: str | None = None
    sigma: float | None = None
    eta: float | None = None
    epsilon: float | None = None


@dataclass
class ModelConf:
    """Model, when it stops, and its own options."""

    name: ModelName = ModelName.armington
    tolerance: float = 1e-10
    max_steps: int | None = None
    sigma_home: float | None = None


@dataclass
class BackendConf:
    """Backend of the kernels."""

    name: BackendName = BackendName.auto


@dataclass
class OutputConf:
    """Where the run is written and what is shown."""

    directory: str | None = None
    overwrite: bool = False
    summary: bool = True
    width: int | None = None


@dataclass
class RunConf:
    """Everything ``tradewedge run`` takes."""

    data: DataConf = field(default_factory=DataConf)
    scenario: dict[str, Any] = field(default_factory=dict)
    scenario_files: list[str] = field(default_factory=list)
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


def shipped_scenarios() -> tuple[Scenario, ...]:
    """Read every scenario under ``conf/scenario``, by name."""
    folder = files("tradewedge.conf") / "scenario"
    texts = [f.read_text(encoding="utf-8") for f in folder.iterdir() if f.name.endswith(".yaml")]
    return tuple(sorted(map(Scenario.from_yaml, texts), key=lambda scenario: scenario.name))


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
    reference = _reference(conf)
    return Settings(
        world=_world(conf.data),
        year=conf.data.year,
        products=None if conf.data.products is None else tuple(conf.data.products),
        scenarios=tuple(case.on_law_of(reference) for case in _in_time(_scenarios(conf), conf)),
        reference=reference,
        horizon=conf.horizon,
        elasticities=_elasticity_set(conf),
        elasticities_file=_file(conf.elasticities),
        sigma=conf.elasticities.sigma,
        eta=conf.elasticities.eta,
        epsilon=conf.elasticities.epsilon,
        model=conf.model.name.value,
        tolerance=conf.model.tolerance,
        model_options=_model_options(conf.model),
        backend=conf.backend.name.value,
        on_failure="raise" if conf.on_failure is OnFailure["raise"] else "report",
        band_sigmas=_sigmas(conf.band_sigmas),
        overwrite=conf.output.overwrite,
        summary=conf.output.summary,
        width=conf.output.width,
    )


def _directory(*, _root_: DictConfig) -> str:
    """Where a run goes: as told, else outputs/demo for the demo, else named by what is asked.

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
    world = config["data"]["name"] or Path(config["data"]["path"] or "world").name
    return str(Path("outputs", f"{world}-{config_hash(config)[:10]}").absolute())


def _world(data: DataConf) -> str:
    if (data.name is None) == (data.path is None):
        raise ConfigError(
            "data needs either a name (an embedded world: `tradewedge data`) or a path (a "
            "directory that World.save wrote), for example data=path data.path=my_world."
        )
    return data.name or str(data.path)


def _file(conf: ElasticitiesConf) -> Path | None:
    if conf.file is None:
        return None
    if conf.name is not None:
        raise ConfigError(
            f"elasticities has both a name ({conf.name}) and a file ({conf.file}); use "
            "elasticities=file elasticities.file=PATH for the file alone."
        )
    path = Path(conf.file)
    if not path.is_file():
        raise ConfigError(f"elasticities.file: there is no file {path}.")
    return path


def _model_options(model: ModelConf) -> dict[str, Any]:
    given = {"max_steps": model.max_steps, "sigma_home": model.sigma_home}
    return {key: value for key, value in given.items() if value is not None}


def _sigmas(sigmas: list[float]) -> tuple[float, ...]:
    bad = [sigma for sigma in sigmas if not sigma > 1.0]
    if bad:
        raise ConfigError(
            f"band_sigmas holds {bad[0]:g}: losing a supplier has a finite price only where "
            "sigma is above 1."
        )
    return tuple(sigmas)


def _scenarios(conf: RunConf) -> tuple[Scenario, ...]:
    if isinstance(conf.scenario.get("measures"), list):
        raise ConfigError(
            "A scenario file taken in as a Hydra group option needs the first line "
            "'# @package scenario.NAME'. Without it, give its path: tradewedge run my.yaml."
        )
    found = [_from_group(key, body) for key, body in conf.scenario.items()]
    found += [Scenario.from_yaml(_existing(path)) for path in conf.scenario_files]
    if not found:
        raise ConfigError(
            "There is no scenario to solve. Name one (`tradewedge scenarios` lists them) with "
            "scenario=NAME, or give the path of a YAML file."
        )
    names = [scenario.name for scenario in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"Two scenarios have the same name: {', '.join(twice)}.")
    return tuple(found)


def _from_group(key: str, body: Any) -> Scenario:
    if not isinstance(body, dict):
        raise ConfigError(f"scenario.{key} must be a scenario, not {body!r}.")
    return Scenario.from_dict({"name": key, **body})


def _existing(path: str) -> Path:
    found = Path(path)
    if not found.is_file():
        raise ConfigError(f"scenario_files: there is no file {path}.")
    return found


def _in_time(scenarios: tuple[Scenario, ...], conf: RunConf) -> tuple[Scenario, ...]:
    """The scenarios on the day or days asked for."""
    if conf.date is not None and conf.dates is not None:
        raise ConfigError("date and dates are both given: date is one day, dates are several.")
    if conf.dates is None:
        return tuple(state for case in scenarios for state in case.states(conf.date))
    if conf.dates == CHANGES:
        return tuple(state for case in scenarios for state in case.path())
    if not isinstance(conf.dates, list):
        raise ConfigError(
            f"dates is a list such as [2026-01-20,2026-12-01], or the word {CHANGES}, not "
            f"{conf.dates!r}."
        )
    return tuple(state for case in scenarios for state in case.path(conf.dates))


def _reference(conf: RunConf) -> Scenario | None:
    """The law of a day, a scenario that ships, or one in a file."""
    asked = conf.reference
    if asked is None:
        return None
    if asked[:1].isdigit():
        return law(asked)
    shipped = {scenario.name: scenario for scenario in shipped_scenarios()}
    if asked in shipped:
        found = shipped[asked]
    elif Path(asked).is_file():
        found = Scenario.from_yaml(Path(asked))
    else:
        near = nearest(asked, list(shipped))
        raise ConfigError(
            f"reference: {asked!r} is no date, no shipped scenario and no file"
            + (f"; did you mean {near[0]}?" if near else ".")
        )
    return one_state(found, conf.date)


def _elasticity_set(conf: RunConf) -> str | None:
    """The named set; a horizon takes the place of the default one."""
    name = conf.elasticities.name
    if conf.horizon is None:
        return name
    check_years(conf.horizon)
    named = conf.elasticities.file or (None if name == DEFAULT_SET else name)
    if named is not None:
        raise ConfigError(
            f"horizon and elasticities ({named}) both say which elasticities hold: leave one out. "
            "Single values go on top of either, as elasticities.sigma=5."
        )
    return None
