"""What a run takes when told, when not told, and what it says was changed."""

from pathlib import Path

import pytest

from tradewedge.cli import main
from tradewedge.store import read_run

SMALL = ("data=path", "data.path=world")
LOST = ("run", "lost.yaml", *SMALL)
NAME = "us_pcmdp_tariff_25"


def test_a_saved_world_keeps_its_elasticities(place: Path) -> None:
    assert main([*LOST, "output=quiet", "output.directory=out"]) == 0
    run = read_run(place / "out")
    assert run.scan("parameters").collect()["sigma"].unique().to_list() == [4.0]
    assert run.manifest["world"]["elasticities"] == "user"


def test_another_set_is_taken_when_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LOST, "elasticities=central", "output.directory=out"]) == 0
    assert "Elasticities of the touched products: central" in capsys.readouterr().out
    assert read_run(place / "out").manifest["world"]["elasticities"] == "central"


@pytest.mark.usefixtures("place")
def test_an_override_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LOST, "elasticities.eta=0.9"]) == 0
    assert "Elasticities of the touched products: user, eta=0.9" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["elasticities=file"], "elasticities=file elasticities.file=PATH"),
        (["data.products=2846"], "data.products takes HS prefixes in quotes"),
        (["data.products=[2846]"], "not [2846]"),
        (["horizon=2", "elasticities=central"], "leave one out"),
        (["data=mineral"], "there is no such option; nearest: minerals."),
        (["scenario=us_without_chnia"], "nearest: us_without_china"),
        (["colour=red"], "colour"),
    ],
)
@pytest.mark.usefixtures("place")
def test_wrong_choices_get_one_clear_message(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main([*LOST, *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert "search path" not in printed.err
    assert "Traceback" not in printed.err


def test_one_product_may_be_text(place: Path) -> None:
    assert main([*LOST, "data.products='2846'", "output=quiet", "output.directory=out"]) == 0
    assert read_run(place / "out").manifest["world"]["products"] == 1


def test_a_changed_scenario_says_so(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = f"scenario.{NAME}.measures.0"
    changed = [f"{first}.rate=0.5", f"{first}.products='2846'"]
    assert main(["run", *SMALL, f"scenario={NAME}", *changed, "output.directory=out"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert f"{NAME} (HYPOTHETICAL; CHANGED: products=2846, rate=0.5)" in page
    assert "Changed on the command line: products=2846, rate=0.5. As it ships: The United" in page
    manifest = read_run(place / "out").manifest
    assert manifest["config"]["changes"] == {NAME: ["products=2846", "rate=0.5"]}
    assert manifest["scenarios"][0]["description"].startswith("Changed on the command line:")


def test_an_unchanged_scenario_does_not(place: Path) -> None:
    assert main(["run", f"scenario={NAME}", "output=quiet", "output.directory=out"]) == 0
    assert read_run(place / "out").manifest["config"]["changes"] == {}


def test_a_product_that_is_not_there_is_warned_of(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (place / "lost.yaml").read_text() + '    products: ["2846", "280530"]\n'
    (place / "lost.yaml").write_text(text)
    assert main([*LOST, "output=quiet"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: scenario lost: ")
    assert line.endswith("no flow in this world for product 280530")


@pytest.mark.filterwarnings("always::tradewedge.errors.SuspiciousRateWarning")
def test_a_rate_in_percent_is_warned_of_everywhere(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "duty.yaml").write_text(
        'name: "duty"\nmeasures:\n  - kind: "Tariff"\n    importer: "USA"\n    rate: 25\n'
    )
    assert main(["run", "duty.yaml", *SMALL, "output.directory=out"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("warning: Tariff: rate 25 means 2500 %")
    page = " ".join(printed.out.split())
    assert "rate 25 means 2500 %; rates are fractions, so 25 % is written 0.25" in page
    notes = read_run(place / "out").manifest["notes"]
    assert any(note.startswith("Scenario duty: ") and "2500 %" in note for note in notes)


def test_runs_are_compared(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LOST, "-m", "output=quiet", "elasticities.sigma=3,6"]) == 0
    page = capsys.readouterr().out
    assert page.count("\nlost ") == 2
    assert "1: sigma=3" in page
    assert "2: sigma=6" in page
    assert main(["compare", *map(str, sorted((place / "outputs").iterdir()))]) == 0
    assert "sigma=6" in capsys.readouterr().out


def test_many_scenarios_make_a_short_name(place: Path) -> None:
    for name in ("one", "two", "three"):
        text = (place / "lost.yaml").read_text().replace('"lost"', f'"{name}"')
        (place / f"{name}.yaml").write_text(text)
    assert main(["run", "one.yaml", "two.yaml", "three.yaml", *SMALL, "output=quiet"]) == 0
    (made,) = (place / "outputs").iterdir()
    assert made.name.startswith("one+two+1-more-")


def test_a_home_share_is_set_and_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ["run", "lost.yaml", "data=path", "data.path=world", "output.summary=false"]
    assert main([*told, "elasticities.home_share={2846: 0.1, *: 0.5}", "output.directory=r"]) == 0
    rows = read_run(place / "r").parameters().select("product", "eta", "source").unique().collect()
    assert dict(rows.select("product", "eta").iter_rows()) == pytest.approx(
        {"284690": 0.1 * 4 + 0.9 * 0.5, "850511": 0.5 * 4 + 0.5 * 0.5}
    )
    assert all("home share set to" in text for text in rows["source"])
    assert main([*told, "elasticities.home_share=20"]) == 2
    assert "20 % is 0.2" in capsys.readouterr().err


def test_values_of_ones_own_file_can_be_swept(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "mine.yaml").write_text(
        'name: "my-duty"\nmeasures:\n  - kind: "Tariff"\n    importer: "USA"\n    rate: 0.25\n'
    )
    told = ["run", "-m", "mine.yaml", *SMALL, "scenario.my-duty.measures.0.rate=0.1,0.25"]
    assert main(told) == 0
    page = capsys.readouterr().out
    first, second = page.splitlines()[:2]
    assert "scenario.my-duty.measures.0.rate=0.1: outputs" in first
    assert "scenario.my-duty.measures.0.rate=0.25: outputs" in second
    assert "1: rate=0.1, outputs" in page
    assert "2: scenario as written, outputs" in page
    assert "What happens to" not in page
    (changed,) = read_run(place / first.rpartition(": ")[2]).manifest["scenarios"]
    assert changed["measures"][0]["rate"] == 0.1
    assert changed["description"] == "Changed on the command line: rate=0.1."
    assert main([*told, "output.summary=true"]) == 0
    assert "What happens to" in capsys.readouterr().out


def test_changes_of_what_is_not_there(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert place
    assert main([*LOST, "scenario.lost.measures.1.exporter=MYS"]) == 2
    assert "scenario.lost.measures.1: there is no such entry" in capsys.readouterr().err
    assert main([*LOST, "++scenario_changes.found.status=x"]) == 2
    assert "no scenario file here is called 'found'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("lost", "did you mean lost.yaml?"),
        ("us_without_china", "did you mean scenario=us_without_china?"),
        ("us_without_chine", "did you mean scenario=us_without_china?"),
        ("outputs.directory=x", "did you mean output.directory"),
        ("elasticity.sigma=3", "did you mean elasticities.sigma"),
    ],
)
def test_slips_get_what_was_meant(
    place: Path, word: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place
    assert main(["run", word]) == 2
    assert says in capsys.readouterr().err
