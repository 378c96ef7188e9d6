"""What a back-test may be configured with, and its conversion to plain objects.

Declared here without YAML files of Hydra's; the options of the group ``experiment`` are the
experiments that ship in ``data/backtest``.
"""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tradewedge import hydraapp
from tradewedge.backtest.comparison import Cut
from tradewedge.backtest.experiment import CODE_KEYS, Experiment, find, shipped
from tradewedge.backtest.plan import Plan
from tradewedge.errors import ConfigError
from tradewedge.models import MODELS
from tradewedge.policy import scenariofile

CONFIG_NAME: Final = "backtest"
_SCHEMA: Final = "backtest_schema"


class Weights(Enum):
    """What products and importers weigh in errors."""

    value = "value"
    equal = "equal"


@dataclass
class BacktestConf:
    """Everything ``tradewedge backtest`` takes."""

    experiment: Any = MISSING
    experiment_file: str | None = None
    before: Any = None
    after: Any = None
    importers: Any = None
    products: Any = None
    model: Any = field(default_factory=lambda: list(MODELS))
    elasticities: str | None = None
    train: bool = True
    weights: Weights = Weights.value
    least_value: float = Cut.least_value
    least_share: float = Cut.least_share
    draws: int = Plan.draws
    seed: int = Plan.seed
    out: str | None = None
    overwrite: bool = False


_HELP: Final = {
    "app_name": "tradewedge backtest",
    "template": """\
Predict a year from the year before and what was enacted, and compare with what happened.

  tradewedge backtest experiment=NAME [KEY=VALUE ...]
  tradewedge backtest my_experiment.yaml [KEY=VALUE ...]

Experiments (experiment=NAME)

{experiments}

Keys (KEY=VALUE)

$CONFIG
Examples

  tradewedge backtest experiment=us_china_2018
  tradewedge backtest experiment=us_china_2018 after=2021 model=armington
  tradewedge backtest experiment=us_china_2018 before=worlds/2017 after=worlds/2019 train=false
  tradewedge backtest experiment=china_controls_2023 'importers=[JPN,KOR,USA]' weights=equal
  tradewedge backtest my_experiment.yaml out=outputs/mine overwrite=true

before and after take a year of the embedded series (2018 to 2024) or the directory of a world that
World.save or `tradewedge data build` wrote. The directory gets Parquet tables, report.md,
report.html and, with the extra bench, drawings; what is already there is not computed again.
docs/backtest.md says what the numbers mean and what they showed.
""",
}


def register() -> None:
    """Make the configuration known to Hydra."""
    store = ConfigStore.instance()
    store.store(name=_SCHEMA, node=BacktestConf)
    lines = []
    for name, text in shipped().items():
        data, _ = scenariofile.read(text, CODE_KEYS)
        store.store(group="experiment", name=name, node=data)
        lines.append(f"  {name:22} {data['title']}")
    store.store(
        name=CONFIG_NAME,
        node=hydraapp.composed(
            _SCHEMA,
            "experiment",
            **(_HELP | {"template": _HELP["template"].format(experiments="\n".join(lines))}),
        ),
    )


@dataclass(frozen=True)
class Asked:
    """One back-test, checked.

    Attributes
    ----------
    experiment : Experiment
        With the years, importers and products that were asked for.
    plan : Plan
    out : Path or None
        None: a place named after the experiment and everything asked.
    overwrite : bool
    """

    experiment: Experiment
    plan: Plan
    out: Path | None
    overwrite: bool


def to_asked(config: DictConfig) -> Asked:
    """Check a composed configuration.

    Raises
    ------
    ConfigError
        For unknown keys, values of the wrong type, codes that are not text, and all that an
        experiment objects to.
    """
    try:
        named = not OmegaConf.is_missing(config, "experiment")
        told: Any = OmegaConf.to_container(config.experiment) if named else None
        conf: Any = OmegaConf.to_object(
            OmegaConf.merge(OmegaConf.structured(BacktestConf), config, {"experiment": None})
        )
    except OmegaConfBaseException as error:
        raise ConfigError(f"The configuration is not valid: {error}") from error
    assert isinstance(conf, BacktestConf)
    if named == (conf.experiment_file is not None):
        raise ConfigError(
            "name one experiment: experiment=NAME or the path of a YAML file; there are "
            + ", ".join(shipped())
        )
    found = Experiment.from_dict(told, "experiment") if named else find(str(conf.experiment_file))
    changes = {
        key: value
        for key in ("before", "after", "importers", "products")
        if (value := getattr(conf, key)) is not None
    }
    plan = Plan(
        models=_models(conf.model),
        elasticities=conf.elasticities,
        cut=Cut(conf.least_value, conf.least_share, conf.weights.value),
        draws=conf.draws,
        seed=conf.seed,
        train=conf.train,
    )
    changed = Experiment.from_dict(found.record() | changes, found.name) if changes else found
    out = Path(conf.out) if conf.out else None
    return Asked(changed, plan, out, conf.overwrite)


def _models(given: Any) -> tuple[str, ...]:
    listed = given if isinstance(given, list) else [given]
    return tuple(str(name) for name in listed)
