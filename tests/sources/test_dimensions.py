"""The tables that ship about minerals, in Python and on the command line."""

from pathlib import Path

import polars as pl
import pytest

import tradewedge as tw
from tradewedge import codes, sources
from tradewedge.cli import main
from tradewedge.errors import ConfigError
from tradewedge.sources.dimensions import DIMENSIONS


def test_lists_by_year() -> None:
    table = sources.dimension("critical_minerals")
    counts = dict(table.group_by("list").len().iter_rows())
    assert counts == {"us_2018": 35, "us_2022": 50, "us_2025": 60, "eu_2023": 34}
    of = {name: set(rows["mineral"]) for (name,), rows in table.group_by("list")}
    assert of["us_2025"] - of["us_2022"] == {
        *("boron", "copper", "lead", "metallurgical coal", "phosphate"),
        *("potash", "rhenium", "silicon", "silver", "uranium"),
    }
    assert of["us_2022"] <= of["us_2025"]
    assert {"nickel", "zinc"} <= of["us_2022"] - of["us_2018"]
    assert not table.select("list", "mineral").is_duplicated().any()


def test_the_list_of_2025_is_that_of_the_usgs(shared_dir: Path) -> None:
    """Every chapter flagged in the Survey's release has its mineral here."""
    flagged = pl.read_csv(
        shared_dir / "data/critical_minerals_map/usgs_2025_critical_flag_commodities.csv"
    )
    table = sources.dimension("critical_minerals").filter(list="us_2025")
    ours = {*table["mineral"], *table["group"]}
    same = {"aluminum": "aluminium", "cesium": "caesium", "bauxite": "aluminium"}
    for chapter in flagged["MCS chapter"].unique():
        first = chapter.split(" ")[0].split("-")[0].lower()
        name = same.get(first, first)
        assert any(mineral.startswith(name) for mineral in ours), chapter


def test_stages() -> None:
    table = sources.dimension("stages")
    assert table.height == 298
    assert set(table["stage"]) == {f"S{n}" for n in range(6)}
    assert {"ore or concentrate", "oxide", "metal", "magnet"} <= set(table["step"])
    for vintage, rows in table.group_by("vintage"):
        assert set(rows["product"]) <= codes.known_products(vintage[0])
    magnets = table.filter(product="850511", chain="rare_earths").row(0, named=True)
    assert (magnets["step"], magnets["derivative"]) == ("magnet", "yes")
    oxide = table.filter(product="282200").row(0, named=True)
    assert (oxide["minerals"], oxide["step"]) == ("cobalt", "oxide")


def test_contents_are_ranges() -> None:
    for name in ("content", "production"):
        table = sources.dimension(name)
        assert (table["low"] <= table["central"]).all()
        assert (table["central"] <= table["high"]).all()
        for vintage, rows in table.group_by("vintage"):
            assert set(rows["product"]) <= codes.known_products(vintage[0])


def test_lists_of_products_follow_the_minerals() -> None:
    of = {name: set(codes.named_list(name).products) for name in codes.list_names()}
    assert "750210" in of["critical:us_2022"] - of["critical:us_2018"]
    assert {"740311", "280461", "811241"} <= of["critical:us_2025"] - of["critical:us_2022"]
    assert "380110" not in of["critical:us_2025"]  # artificial graphite
    assert "850511" not in of["critical:us_2025"]
    assert of["step:magnet"] == {"850511", "850519"}
    steps = [of[f"step:{name}"] for name in ("ore", "compound", "metal", "derivative")]
    assert sum(map(len, steps)) == len(set().union(*steps))
    assert of["step:magnet"] <= of["step:derivative"]


def test_a_list_as_the_scope_of_a_measure(small_world: tw.World) -> None:
    scenario = tw.Scenario(
        "magnets", [tw.Tariff(importer="USA", products="step:magnet", rate=0.25)]
    )
    wedges = tw.solve(small_world, scenario).status().collect()
    assert "850511" in wedges["product"].to_list()


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "table"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in (*DIMENSIONS, "trains", "usgs"))
    assert main(["data", "table", "critical_minerals"]) == 0
    assert "179 rows" in capsys.readouterr().out
    path = tmp_path / "stages.csv"
    assert main(["data", "table", "stages", "--out", str(path)]) == 0
    assert pl.read_csv(path, infer_schema=False).equals(sources.dimension("stages"))
    assert main(["data", "table", "contents"]) == 2
    assert "nearest: content" in capsys.readouterr().err
    assert main(["data", "table", "content", "x.csv"]) == 2
    assert "takes no file" in capsys.readouterr().err


def test_unknown() -> None:
    with pytest.raises(ConfigError, match="no table 'stage' ships; nearest: stages"):
        sources.dimension("stage")


def test_the_build_gives_the_shipped_stages(shared_dir: Path) -> None:
    from tradewedge.data.build.dimensions import stages

    assert stages(shared_dir).equals(sources.dimension("stages"))
