"""Every preset solves in the worlds it names, or stops with what is missing."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.errors import ConfigError
from tradewedge.report import text

Preset = Callable[[str], tw.Scenario]
NAMES = sorted(
    path.stem
    for path in (Path(str(files("tradewedge.conf"))) / "scenario").glob("p[0-9][0-9]_*.yaml")
)
#: What stops, in which world, and a part of the message.
STOPS = {
    ("p19_korea_zinc", "us_imports"): 'exporter "USA" alone matches none',
    ("p20_mp_magnets", "us_imports"): 'exporter "USA" alone matches none',
    ("p21_alcoa_sojitz_gallium", "minerals"): 'products "811292" alone matches none',
    ("p26_russian_leu_ceilings", "us_imports"): "needs tons, which world 'us_imports'",
    ("p30_eu_cbam_downstream", "minerals"): r'products \["8708", "8418", "8450"\]',
}
LAW = {"p01_us_law", "p16_metals_rebuild", "p29_ieepa_void", "p29_s122_lapse"}


def _pairs() -> list[tuple[str, str]]:
    folder = Path(str(files("tradewedge.conf"))) / "scenario"
    cases = [tw.Scenario.from_yaml(folder / f"{name}.yaml") for name in NAMES]
    return [(case.name, world) for case in cases for world in case.worlds]


@pytest.mark.parametrize(("name", "world"), _pairs())
def test_solves_or_says_why_not(
    name: str, world: str, preset: Preset, worlds: dict[str, tw.World]
) -> None:
    case = preset(name)
    if (name, world) in STOPS:
        with pytest.raises(ConfigError, match=STOPS[name, world]):
            tw.solve(worlds[world], case)
        assert "Would serve" in case.coverage
        return
    result = tw.solve(worlds[world], case)
    status = result.status().select("status").unique().collect()["status"].to_list()
    assert status == ["converged"]
    touched = [solution.wedges.touched_flows.any() for solution in result.solutions]
    assert any(touched)
    if name not in LAW:
        for solution in result.solutions:
            for match in solution.wedges.matches:
                assert match.flows or match.measure.allow_empty


def test_at_least_twenty_of_thirty_solve() -> None:
    solved = {name[:3] for name, world in _pairs() if (name, world) not in STOPS}
    assert len(solved) >= 26
    assert {"p19", "p20", "p21", "p30"}.isdisjoint(solved)


@pytest.mark.parametrize(
    "name", ["p02_pcmdp_tariff_25", "p11_china_heavy_ree_licence", "p13_china_japan_low"]
)
def test_the_summary_says_hypothetical(name: str, preset: Preset, minerals: tw.World) -> None:
    page = text(tw.solve(minerals, preset(name)))
    assert "(HYPOTHETICAL)" in page
    assert "(hypothetical)" in page


def test_a_measure_in_force_is_not_marked(preset: Preset, minerals: tw.World) -> None:
    assert "HYPOTHETICAL" not in text(tw.solve(minerals, preset("p08_mp_contract")))


def test_losing_any_supplier_of_any_mineral(minerals: tw.World) -> None:
    """P28 as docs/presets.md has it: one scenario per pair, one call."""
    part = minerals.select(["284690", "283691"])
    keys = pl.DataFrame(part.flow_keys()).filter(
        (pl.col("importer") == "USA") & (pl.col("exporter") != "USA")
    )
    pairs = keys.select("exporter", "product").unique().sort("product", "exporter").rows()
    cases = [
        tw.Scenario(
            f"{product} without {exporter}",
            [tw.Exclusion(importer="USA", exporter=exporter, products=product)],
        )
        for exporter, product in pairs
    ]
    result = tw.solve(part, cases)
    lost = (
        result.importers()
        .filter(pl.col("importer") == "USA")
        .group_by("scenario")
        .agg(pl.col("price_index_hat").max())
        .collect()
    )
    assert lost.height == len(cases) > 40
    worst = lost.sort("price_index_hat", descending=True)["scenario"][0]
    assert worst in {"284690 without CHN", "283691 without CHL", "283691 without ARG"}
