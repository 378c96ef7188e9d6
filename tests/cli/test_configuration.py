"""Everything under conf/ composes, and no code in it is left to YAML's mercy."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from tradewedge import conf_schema
from tradewedge.conf_schema import shipped_scenarios, to_settings
from tradewedge.policy import Scenario

CONF = Path(str(files("tradewedge.conf")))
OPTIONS = [
    (path.parent.name, path.stem)
    for path in sorted(CONF.glob("*/*.yaml"))
    if path.parent.name != "hydra"
]
_NEEDS = {
    ("data", "path"): ["data.path=somewhere"],
    ("elasticities", "file"): [f"elasticities.file={Path(__file__).as_posix()}"],
}
# What YAML 1.1 would read as a number, a date, or true and false, standing where text could be.
_BARE = re.compile(r"""(?<![\w"'.\-$])(0\d{3,}|\d{4,10}|NO|ON|OFF|YES|Y|N)(?![\w"'.])""")
_NUMBERS = {"year"}


def _compose(*overrides: str) -> conf_schema.Settings:
    conf_schema.register()
    with initialize_config_module("tradewedge.conf", version_base="1.3"):
        return to_settings(compose("config", overrides=list(overrides)))


def test_the_demo() -> None:
    settings = _compose()
    assert settings.world == "minerals"
    assert [s.name for s in settings.scenarios] == ["us_pcmdp_tariff_25", "us_without_china"]
    assert all(scenario.hypothetical for scenario in settings.scenarios)
    assert settings.band_sigmas == (2.0, 5.0, 10.0, 20.0)


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes(group: str, option: str) -> None:
    settings = _compose(f"{group}={option}", *_NEEDS.get((group, option), []))
    assert settings.record()


@pytest.mark.parametrize("path", sorted((CONF / "scenario").glob("*.yaml")), ids=lambda p: p.stem)
def test_one_file_serves_python_and_the_command_line(path: Path) -> None:
    scenario = Scenario.from_yaml(path)
    assert scenario.name == path.stem
    assert path.read_text().startswith(f"# @package scenario.{path.stem}\n")
    assert _compose(f"scenario={path.stem}").scenarios == scenario.states()
    assert (
        _compose("scenario=[]", f"scenario_files=['{path.as_posix()}']").scenarios
        == scenario.states()
    )


def test_shipped_scenarios_say_their_status() -> None:
    for scenario in shipped_scenarios():
        assert scenario.status
        assert scenario.description


@pytest.mark.parametrize("path", sorted(CONF.rglob("*.yaml")), ids=lambda p: p.stem)
def test_no_bare_codes(path: Path) -> None:
    for key, node in _plain_scalars(yaml.compose(path.read_text())):
        if key not in _NUMBERS and key != "band_sigmas":
            where = f"{path.name}:{node.start_mark.line + 1}"
            assert not _BARE.fullmatch(node.value), f"{where}: {node.value}"


def _plain_scalars(node: yaml.Node, key: str = "") -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Scalars without quotes that are no block of text, each with its key."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _plain_scalars(value, name.value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _plain_scalars(item, key)
    elif node.style is None:
        yield key, node


@pytest.mark.parametrize("path", sorted((CONF / "scenario").glob("*.yaml")), ids=lambda p: p.stem)
def test_scalars_of_measures_are_text_or_rates(path: Path) -> None:
    for measure in yaml.safe_load(path.read_text())["measures"]:
        for key in ("importer", "exporter", "products"):
            value = measure.get(key, "*")
            codes = value if isinstance(value, list) else [value]
            assert all(isinstance(code, str) for code in codes)


def test_settings_hold_nothing_of_omegaconf() -> None:
    settings = _compose("model.max_steps=10", "model.sigma_home=3")
    assert settings.model_options == {"max_steps": 10, "sigma_home": 3.0}
    nests = ("model.supplier_groups={allied: [G7, AUS]}", "+model.sigma_groups.2846=1.5")
    told = _compose(*nests).model_options
    assert told == {"supplier_groups": {"allied": ["G7", "AUS"]}, "sigma_groups": {"2846": 1.5}}
    assert type(told["supplier_groups"]) is dict
    assert not any(OmegaConf.is_config(value) for value in vars(settings).values())


def test_record_leaves_out_where_it_is_written() -> None:
    assert _compose().record() == _compose("output=quiet", "output.directory=x").record()
    assert _compose().record() != _compose("model=gsim").record()
