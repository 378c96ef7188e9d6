"""The command line from end to end: what it prints, writes, refuses, and its exit status."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tradewedge import cli
from tradewedge.cli import main
from tradewedge.runcli import hydra_arguments
from tradewedge.store import read_run

SMALL = ("data=path", "data.path=world", "elasticities=from_world")
LOST = ("run", "lost.yaml", *SMALL)


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def test_help_imports_nothing_slow() -> None:
    seen = _python(
        "import sys\n"
        "from tradewedge.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('hydra', 'polars', 'jax', 'numba', 'numpy', 'rich') "
        "if m in sys.modules])"
    )
    assert seen.splitlines()[-1] == "[]"
    assert "tradewedge run" in seen


@pytest.mark.usefixtures("place")
def test_reading_a_run_needs_no_solver() -> None:
    assert main([*LOST, "output.directory=out"]) == 0
    seen = _python(
        "import sys\n"
        "from tradewedge.cli import main\n"
        "main(['report', 'out'])\n"
        "print([m for m in ('hydra', 'jax', 'numba') if m in sys.modules])"
    )
    assert seen.splitlines()[-1] == "[]"


def test_no_arguments_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "usage: tradewedge" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("tradewedge ")


def test_unknown_command_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repotr", "outputs/demo"]) == 2
    assert "Did you mean report?" in capsys.readouterr().err


def test_run_writes_a_run_and_prints_the_summary(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LOST, "output.directory=out"]) == 0
    printed = capsys.readouterr()
    assert "lost (HYPOTHETICAL)" in printed.out
    assert "How much depends on sigma" in printed.out
    assert printed.err == ""
    run = read_run(place / "out")
    run.verify()
    assert run.scan("sigma_band").collect()["sigma"].unique().sort().to_list() == [2, 5, 10, 20]
    assert run.manifest["config"]["scenarios"][0]["name"] == "lost"
    assert sorted(entry.name for entry in place.iterdir()) == ["lost.yaml", "out", "world"]


def test_second_run_is_skipped_and_shows_the_first(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LOST, "output.directory=out"]) == 0
    written = read_run(place / "out").manifest["created"]
    first = capsys.readouterr().out
    assert main([*LOST, "output.directory=out"]) == 0
    second = capsys.readouterr().out
    assert second.startswith("Already solved, nothing to do: out")
    assert second.endswith(first)
    assert read_run(place / "out").manifest["created"] == written


def test_another_run_in_the_same_directory(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LOST, "output.directory=out"]) == 0
    before = sorted((place / "out").rglob("*"))
    assert main([*LOST, "output.directory=out", "elasticities.sigma=3"]) == 2
    error = capsys.readouterr().err
    assert "holds another run" in error
    assert "Traceback" not in error
    assert sorted((place / "out").rglob("*")) == before
    assert read_run(place / "out").manifest["config"]["elasticities"]["sigma"] is None
    again = [*LOST, "output.directory=out", "elasticities.sigma=3", "output.overwrite=true"]
    assert main(again) == 0
    assert read_run(place / "out").manifest["config"]["elasticities"]["sigma"] == 3.0


@pytest.mark.usefixtures("place")
def test_directory_with_other_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LOST, "output.directory=."]) == 2
    assert "holds no run but other files" in capsys.readouterr().err


def test_hydra_names_the_directory_too(place: Path) -> None:
    assert main([*LOST, "hydra.run.dir=mine", "output=quiet"]) == 0
    read_run(place / "mine").verify()


def test_runs_are_named_by_what_is_asked(place: Path) -> None:
    assert main([*LOST, "output=quiet"]) == 0
    assert main([*LOST, "output=quiet", "elasticities.sigma=3"]) == 0
    (place / "lost.yaml").write_text((place / "lost.yaml").read_text().replace("CHN", "MYS"))
    assert main([*LOST, "output=quiet"]) == 0
    made = list((place / "outputs").iterdir())
    assert len(made) == 3
    assert all(directory.name.startswith("lost-") for directory in made)


def test_sweep_writes_one_run_per_setting(place: Path) -> None:
    assert main([*LOST, "-m", "output=quiet", "elasticities.sigma=3,6"]) == 0
    runs = [read_run(d) for d in sorted((place / "outputs").iterdir()) if d.is_dir()]
    sigmas = {run.manifest["config"]["elasticities"]["sigma"] for run in runs}
    assert sigmas == {3.0, 6.0}


def test_sweep_goes_on_after_a_failure(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LOST, "-m", "output=quiet", "elasticities.sigma=0.9,6"]) == 2
    assert "sigma > 1" in capsys.readouterr().err
    runs = [d for d in (place / "outputs").iterdir() if (d / "manifest.json").exists()]
    assert len(runs) == 1


@pytest.mark.usefixtures("place")
def test_shipped_scenario_can_be_changed_from_outside(capsys: pytest.CaptureFixture[str]) -> None:
    name = "us_pcmdp_tariff_25"
    changed = f"scenario.{name}.measures.0"
    arguments = [
        f"scenario={name}",
        f"{changed}.rate=0.5",
        f"{changed}.products='2846'",
        "output.directory=out",
    ]
    assert main(["run", *SMALL, *arguments]) == 0
    assert "Tariff +50 % on 2846" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data=mineral"], "Available options in 'data'"),
        (["model.name=armingtn"], "armingtn"),
        (["modle=gsim"], "modle"),
        (["+extra=1", *SMALL], "extra"),
        (["data.year=soon"], "could not be converted to Integer"),
        (["missing.yaml", *SMALL], "there is no file missing.yaml"),
        (["scenario=[]", *SMALL], "There is no scenario to solve"),
        (["scenario_files=[lost.yaml,lost.yaml]", *SMALL], "the same name: lost"),
        (["lost.yaml", "data=path", "data.path=nowhere"], "nowhere"),
        (["lost.yaml", "data=path"], "data.path"),
        (["lost.yaml", *SMALL, "data.products=['9999']"], "starts with '9999'"),
        (["lost.yaml", *SMALL, "elasticities.sigma=1"], "sigma > 1"),
        (["lost.yaml", *SMALL, "elasticities.sigma=-1"], "sigma"),
        (["lost.yaml", *SMALL, "band_sigmas=[0.5]"], "band_sigmas holds 0.5"),
        (["lost.yaml", *SMALL, "elasticities=file", "elasticities.file=no.csv"], "no file no.csv"),
        (["lost.yaml", *SMALL, "elasticities.name=centrl"], "centrl"),
        (["lost.yaml", *SMALL, "model=gsim", "model.sigma_home=3"], "has no option sigma_home"),
        (["lost.yaml", *SMALL, "model.tolerance=2"], "tolerance"),
    ],
)
@pytest.mark.usefixtures("place")
def test_bad_input_is_one_clear_message(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["run", *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        ('importer: "UAS"', "UAS"),
        ('products: ["999999"]', "999999"),
        ("products: [010121]", "quotes"),
        ("importer: NO", "quotes"),
        ('importer: "JPN"\n    exporter: "MYS"', "matches no flow"),
        ('improter: "USA"', "improter"),
    ],
)
def test_bad_scenario_is_one_clear_message(
    place: Path, capsys: pytest.CaptureFixture[str], measure: str, message: str
) -> None:
    text = f'name: "bad"\nmeasures:\n  - kind: "Exclusion"\n    {measure}\n'
    (place / "bad.yaml").write_text(text)
    assert main(["run", "bad.yaml", *SMALL]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_scenario_group_without_package_line_is_explained(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "mine" / "scenario").mkdir(parents=True)
    (place / "mine" / "scenario" / "lost.yaml").write_text((place / "lost.yaml").read_text())
    assert main(["run", "--config-dir", "mine", "scenario=lost", *SMALL]) == 2
    assert "'# @package scenario.NAME'" in capsys.readouterr().err


def test_not_converged_can_be_an_error(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*LOST, "backend=reference", "model.tolerance=1e-300", "model.max_steps=1"]
    assert main([*arguments, "on_failure=raise", "output.directory=out"]) == 1
    assert "did not converge" in capsys.readouterr().err
    assert not (place / "out" / "manifest.json").exists()
    assert main([*arguments, "output.directory=out"]) == 0
    assert "NOT CONVERGED" in capsys.readouterr().out


@pytest.mark.usefixtures("place")
def test_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewedge.errors import DataError

    monkeypatch.setenv("TRADEWEDGE_TRACEBACK", "1")
    with pytest.raises(DataError):
        main(["report", "nowhere"])


@pytest.mark.usefixtures("place")
def test_report_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "world"]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_report_checks_the_files_on_request(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LOST, "output.directory=out", "output=quiet"]) == 0
    assert main(["report", "out", "--verify", "--width", "80"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
    part = place / "out" / "flows" / "part-00000-00000.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    assert main(["report", "out", "--verify"]) == 2


def test_elasticities_from_a_table(place: Path) -> None:
    (place / "mine.csv").write_text(
        'product,sigma,eta,epsilon,source\n"2846",7,0.2,1,me\n"",3,1,1,me\n'
    )
    arguments = [*LOST, "elasticities=file", "elasticities.file=mine.csv", "output.directory=out"]
    assert main([*arguments, "output.summary=false"]) == 0
    parameters = read_run(place / "out").scan("parameters").collect()
    sigmas = dict(parameters.select("product", "sigma").iter_rows())
    assert sigmas == {"284690": 7.0, "850511": 3.0}


def test_table_of_elasticities_with_an_unknown_column(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "mine.csv").write_text("product,sgima\n,3\n")
    assert main([*LOST, "elasticities=file", "elasticities.file=mine.csv"]) == 2
    assert "unknown column sgima" in capsys.readouterr().err


def test_show_configuration_solves_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--cfg", "job"]) == 0
    assert "us_without_china" in capsys.readouterr().out
    assert not (place / "outputs").exists()


def test_run_help_has_groups_keys_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run", "--help"])
    assert stop.value.code == 0
    page = capsys.readouterr().out
    assert "elasticities: broda_weinstein, central" in page
    assert "band_sigmas" in page
    assert "Examples" in page


def test_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios"]) == 0
    page = capsys.readouterr().out
    for name in ("us_pcmdp_tariff_25", "us_without_china", "china_excluded_everywhere"):
        assert name in page
    assert "HYPOTHETICAL" in page


def test_worlds_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data"]) == 0
    listed = capsys.readouterr().out
    assert "minerals" in listed
    assert "us_imports" in listed
    assert main(["data", "show", "us_imports"]) == 0
    page = capsys.readouterr().out
    assert "Source:" in page
    assert "Observed importers: USA" in page
    assert main(["data", "show", "mineral"]) == 2


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    page = capsys.readouterr().out
    assert "\n  auto " in page
    assert "tradewedge[gpu]" in page or "cupy-cuda13x" in page


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (["model=gsim"], ["model=gsim"]),
        (["a.yaml"], ["scenario_files=['a.yaml']", "scenario=[]"]),
        (["a b.yml", "c's.yaml"], [r"scenario_files=['a b.yml','c\'s.yaml']", "scenario=[]"]),
        (["scenario=x", "a.yaml"], ["scenario=x", "scenario_files=['a.yaml']"]),
        (["scenario_files=[a.yaml]"], ["scenario_files=[a.yaml]", "scenario=[]"]),
        (["--config-name", "a.yaml"], ["--config-name", "a.yaml"]),
        (["model=gsim", "-m", "backend=cpu"], ["-m", "model=gsim", "backend=cpu"]),
    ],
)
def test_scenario_files_among_the_arguments(given: list[str], made: list[str]) -> None:
    assert hydra_arguments(given) == made


def test_a_job_wakes_up_knowing_the_schema_in_another_process() -> None:
    from omegaconf import OmegaConf

    from tradewedge import conf_schema
    from tradewedge.runcli import _Job

    conf_schema.register()
    pickled = pickle.dumps(_Job())
    OmegaConf.clear_resolver("tradewedge.directory")
    assert pickle.loads(pickled).failures == []
    assert OmegaConf.has_resolver("tradewedge.directory")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (PermissionError(13, "Permission denied", "outputs"), 2, "Permission denied: 'outputs'"),
    ],
)
def test_what_comes_from_outside_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    said: str,
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_dispatch", fail)
    assert main([]) == status
    assert said in capsys.readouterr().err


def test_a_refused_run_leaves_no_directory(place: Path) -> None:
    assert main([*LOST, "elasticities.sigma=0.5", "output.directory=out"]) == 2
    assert not (place / "out").exists()
