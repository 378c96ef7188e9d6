"""``tradewedge data estimate``: files in, tables out, whole or not there."""

import json
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.cli import main


@pytest.fixture
def files(panel: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    panel.noisy(3).write_csv("flows.csv")
    panel.tariffs.write_csv("tariffs.csv")
    return tmp_path


def run(*words: str) -> int:
    return main(["data", "estimate", *words])


def test_from_files_into_a_world(
    files: Path, panel: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("path=flows.csv", "tariffs=tariffs.csv", "by=6", "out=made") == 0
    told = capsys.readouterr().out
    assert "2 of 2 may be used." in told
    assert "dropped: sales at home" in told
    assert "Standard errors clustered by exporter^importer." in told
    assert sorted(path.name for path in (files / "made").iterdir()) == [
        "coefficients.csv",
        "elasticities.csv",
        "estimate.json",
        "fits.csv",
        "reconciliation.csv",
        "sigmas.csv",
    ]
    world = panel.baseline.with_elasticities("made/elasticities.csv")
    expected = tw.estimate(panel.noisy(3), tariffs=panel.tariffs, by=6)
    assert world.sigma.tolist() == pytest.approx(expected.sigmas["sigma"].to_list(), rel=1e-9)
    record = json.loads((files / "made" / "estimate.json").read_text())
    assert record["formula"] == expected.formula.text
    assert record["years"] == ["2018", "2019", "2020"]


def test_a_described_table_and_two_dimensions(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = pl.read_csv("flows.csv", schema_overrides={"product": pl.String})
    raw.rename({"value": "Wert", "year": "Jahr"}).write_csv("roh.csv")
    (files / "roh.yaml").write_text(
        'path: "roh.csv"\ncolumns: {value: "Wert", year: "Jahr"}\nunits: {value: "million USD"}\n'
    )
    words = ("path=roh.yaml", "tariffs=tariffs.csv", "years=[2018,2019]", 'by=["2846"]')
    assert run(*words, "cluster=[exporter,importer]", "out=made") == 0
    assert "Used, but mind: few clusters: 2846." in capsys.readouterr().out
    assert pl.read_csv("made/fits.csv")["flows"].item() == 2 * 2 * 12 * 11


def test_tariffs_by_year(files: Path, panel: SimpleNamespace) -> None:
    """A table for each year says the same as one with a column for the year."""
    told = []
    for (year,), rows in panel.tariffs.group_by("year", maintain_order=True):
        rows.drop("year").write_csv(f"tariffs_{year}.csv")
        told.append(f"{year}: tariffs_{year}.csv")
    words = ("path=flows.csv", "by=2")
    assert run(*words, f"tariffs={{{', '.join(told)}}}", "out=apart") == 0
    assert run(*words, "tariffs=tariffs.csv", "out=together") == 0
    one, other = (pl.read_csv(files / name / "sigmas.csv") for name in ("apart", "together"))
    assert one["sigma"].item() == pytest.approx(other["sigma"].item(), rel=1e-9)
    assert one["used"].item()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["path=flows.csv"], "out is missing"),
        (["path=flows.csv", "out=made"], "nothing explains trade"),
        (["path=flows.csv", "out=made", "tarifs=x"], "Key 'tarifs' not in"),
        (["path=flows.csv", "out=made", "tariffs=tariffs.csv", "by=[2846]"], "by takes text"),
        (["path=flows.csv", "out=made", "tariffs=tariffs.csv", "years=[1999]"], "no year 1999"),
        (["path=flows.csv", "out=made", "tariffs=tariffs.csv", "values=cif"], "values"),
        (["path=flows.csv", "out=.", "tariffs=tariffs.csv"], ". exists"),
        (["path=flows.csv", "out=.", "tariffs=x.csv", "overwrite=true"], "something other than"),
        (["path=none.csv", "out=made", "tariffs=tariffs.csv"], "none.csv"),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_it_will_not_do(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert message in capsys.readouterr().err
    assert not Path("made").exists()


def test_an_estimate_is_replaced_when_told(files: Path) -> None:
    words = ("path=flows.csv", "tariffs=tariffs.csv", "out=made")
    assert run(*words) == 0
    assert run(*words) == 2
    assert run(*words, "by=6", "overwrite=true") == 0
    assert pl.read_csv("made/sigmas.csv").height == 2
    assert sorted(path.name for path in files.iterdir()) == ["flows.csv", "made", "tariffs.csv"]


def test_baci_with_distances(
    shared_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real trade in rare-earth compounds, with zeros: distance costs trade."""
    data = shared_dir / "data"
    path = data / "baci_hs92_minerals" / "BACI_HS92_Y2022_minerals71.csv.gz"
    pairs = data / "country_dims" / "cepii_geodist_dist.parquet"
    code = run(
        "source=baci",
        f"path={path}",
        f'covariates=["geodist:{pairs}"]',
        'by=["2846"]',
        f"out={tmp_path / 'made'}",
    )
    assert code == 0
    told = capsys.readouterr().out
    assert "pairs that did not trade, added as zeros" in told
    made = pl.read_csv(
        tmp_path / "made" / "coefficients.csv", schema_overrides={"product": pl.String}
    )
    distance = made.filter(term="log(distance_km)").row(0, named=True)
    assert distance["product"] == "2846"
    assert -2.5 < distance["estimate"] < 0
    assert not (tmp_path / "made" / "elasticities.csv").exists()
