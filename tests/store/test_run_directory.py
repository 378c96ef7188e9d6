"""Run directories: what is in them, that they appear whole or not at all, and what they refuse."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tradewedge as tw
from tradewedge.errors import ConfigError, DataError
from tradewedge.store import MANIFEST, config_hash, read_run, view, write_run
from tradewedge.store import write as write_module

CONFIG: dict[str, Any] = {"model": "armington", "scenarios": ["duty", "lost"]}
TABLES = {
    "coverage",
    "diversion",
    "exporters",
    "flows",
    "importers",
    "limits",
    "parameters",
    "products",
    "status",
    "transfers",
    "welfare",
}


def test_every_table_comes_back_as_it_was(result: tw.Result, tmp_path: Path) -> None:
    run = read_run(write_run(result, tmp_path / "run", CONFIG))
    assert set(run.tables) == TABLES
    for name, frame in result.tables().items():
        assert_frame_equal(run.scan(name).collect(), frame.collect())
    run.verify()


def test_manifest_says_what_was_run(result: tw.Result, tmp_path: Path) -> None:
    manifest = read_run(write_run(result, tmp_path / "run", CONFIG)).manifest
    assert manifest["format_version"] == 1
    assert manifest["config"] == CONFIG
    assert manifest["config_hash"] == config_hash(CONFIG)
    assert manifest["data_hash"] == result.world.data_hash
    assert manifest["world"]["name"] == "small"
    assert manifest["backend"] == {"name": result.backend, "reason": result.backend_reason}
    assert manifest["statuses"] == {
        "duty": {"converged": 2},
        "lost": {"converged": 2},
    }
    assert set(manifest["versions"]) >= {"tradewedge", "python", "numpy", "numba", "polars"}
    assert manifest["machine"]["cpu_count"] >= 1
    assert manifest["notes"] == list(result.notes)
    assert set(manifest["timings"]) >= {"prepare", "solve"}
    assert manifest["rows"]["flows"] == 14
    duty, lost = manifest["scenarios"]
    assert (duty["name"], duty["hypothetical"], duty["excludes"]) == ("duty", True, False)
    assert (lost["name"], lost["hypothetical"], lost["excludes"]) == ("lost", False, True)
    assert duty["touched_products"] == 1
    assert duty["matches"][0]["importers"] == ["USA"]
    assert duty["matches"][0]["value_base"] == 400.0


def test_coverage_counts_the_touched_flows(result: tw.Result) -> None:
    coverage = view(result).scan("coverage").collect()
    assert coverage.rows() == [
        ("duty", "284690", 2, 400.0),
        ("lost", "284690", 1, 300.0),
        ("lost", "850511", 1, 80.0),
    ]


def test_large_tables_are_split_and_stay_in_order(tmp_path: Path) -> None:
    from tradewedge.store.parts import PartWriter, scan_parts

    frame = pl.DataFrame({"row": range(25)})
    with PartWriter(tmp_path, part_rows=10) as parts:
        for start in range(0, 25, 5):
            parts.add("numbers", frame[start : start + 5])
        parts.add("none", frame.clear())
    assert [(file["table"], file["rows"]) for file in parts.files] == [
        ("none", 0),
        ("numbers", 10),
        ("numbers", 10),
        ("numbers", 5),
    ]
    back = scan_parts([tmp_path / file["path"] for file in parts.files[1:]]).collect()
    assert_frame_equal(back, frame)


def test_extra_tables_are_kept(result: tw.Result, tmp_path: Path) -> None:
    extra = {"sigma_band": pl.LazyFrame({"sigma": [2.0]})}
    run = read_run(write_run(result, tmp_path / "run", CONFIG, extra=extra))
    assert run.scan("sigma_band").collect().rows() == [(2.0,)]


def test_same_run_is_left_alone(result: tw.Result, tmp_path: Path) -> None:
    directory = write_run(result, tmp_path / "run", CONFIG)
    before = (directory / MANIFEST).stat().st_mtime_ns
    reordered = dict(reversed(CONFIG.items()))
    assert write_run(result, directory, reordered) == directory
    assert (directory / MANIFEST).stat().st_mtime_ns == before


def test_another_run_is_refused_unless_told(result: tw.Result, tmp_path: Path) -> None:
    directory = write_run(result, tmp_path / "run", CONFIG)
    other = {**CONFIG, "model": "gsim"}
    with pytest.raises(ConfigError, match=r"holds another run \(another configuration.*overwrite"):
        write_run(result, directory, other)
    assert read_run(directory).manifest["config"] == CONFIG
    (directory / "figure.svg").write_text("mine")
    write_run(result, directory, other, overwrite=True)
    assert read_run(directory).manifest["config"] == other
    assert (directory / "figure.svg").read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_other_data_is_another_run(
    small_world: tw.World, result: tw.Result, tmp_path: Path
) -> None:
    directory = write_run(result, tmp_path / "run", CONFIG)
    changed = tw.solve(small_world.with_elasticities(sigma=3.0), result.scenarios)
    with pytest.raises(ConfigError, match=r"holds another run \(other data"):
        write_run(changed, directory, CONFIG)


def test_other_files_are_never_overwritten(result: tw.Result, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match=r"other files \(thesis\.tex\)"):
            write_run(result, tmp_path, CONFIG, overwrite)


def test_a_file_is_no_directory(result: tw.Result, tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        write_run(result, path, CONFIG)


def test_what_hydra_put_there_stays(result: tw.Result, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    (directory / ".hydra").mkdir(parents=True)
    (directory / ".hydra" / "config.yaml").write_text("{}")
    (directory / "tradewedge.log").write_text("")
    write_run(result, directory, CONFIG)
    read_run(directory).verify()
    assert (directory / ".hydra" / "config.yaml").is_file()
    assert (directory / "tradewedge.log").is_file()


@pytest.mark.parametrize("fails_at", ["first table", "manifest"])
def test_a_crash_leaves_nothing_that_looks_like_a_run(
    result: tw.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    class Crash(BaseException):
        pass

    def crash(*_: object) -> None:
        raise Crash

    if fails_at == "first table":
        monkeypatch.setattr(write_module.PartWriter, "add", crash)
    else:
        monkeypatch.setattr(write_module, "_write_synced", crash)
    with pytest.raises(Crash):
        write_run(result, tmp_path / "run", CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_a_crash_keeps_the_run_that_was_to_be_replaced(
    result: tw.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = write_run(result, tmp_path / "run", CONFIG)
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if ".part-" in path.name:
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="no"):
        write_run(result, directory, {"other": 1}, overwrite=True)
    monkeypatch.undo()
    run = read_run(directory)
    run.verify()
    assert run.manifest["config"] == CONFIG
    # What was ready is there, and is taken up the next time.
    (left,) = (entry for entry in tmp_path.iterdir() if entry.name != "run")
    assert left.name.startswith(".run.part-")
    write_run(result, directory, {"other": 1}, overwrite=True)
    read_run(directory).verify()
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_a_directory_without_manifest_holds_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no run"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "is not a manifest"),
        ("{}", "is incomplete: it lacks format_version"),
    ],
)
def test_broken_manifests_are_errors(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(DataError, match=message):
        read_run(tmp_path)


def test_another_format_is_an_error(result: tw.Result, tmp_path: Path) -> None:
    directory = write_run(result, tmp_path / "run", CONFIG)
    manifest = json.loads((directory / MANIFEST).read_text())
    (directory / MANIFEST).write_text(json.dumps({**manifest, "format_version": 99}))
    with pytest.raises(DataError, match="format version 99"):
        read_run(directory)


def test_missing_and_changed_files_are_found(result: tw.Result, tmp_path: Path) -> None:
    directory = write_run(result, tmp_path / "run", CONFIG)
    part = directory / "flows" / "part-00000-00000.parquet"
    content = part.read_bytes()
    part.write_bytes(content[:-8] + bytes(8))
    with pytest.raises(DataError, match="changed since it was written: flows/"):
        read_run(directory).verify()
    part.write_bytes(content[:-1])
    with pytest.raises(DataError, match="is not the file that was written"):
        read_run(directory)
    part.unlink()
    with pytest.raises(DataError, match="is missing"):
        read_run(directory)


def test_unknown_table_names_those_there_are(result: tw.Result) -> None:
    with pytest.raises(ConfigError, match=r"No table 'flow'.*flows"):
        view(result).scan("flow")


def test_manifest_holds_numbers_json_has_no_word_for() -> None:
    from tradewedge.store.manifest import dump

    written = json.loads(dump({"a": float("inf"), "b": float("nan"), "c": (1, {2})}))
    assert written == {"a": "inf", "b": None, "c": [1, [2]]}


def test_a_run_shows_itself_in_a_line(result: tw.Result, tmp_path: Path) -> None:
    shown = repr(read_run(write_run(result, tmp_path / "run", CONFIG)))
    assert shown.startswith("<Run in ")
    assert shown.endswith(f"; model {result.model}>")
    assert result.scenarios[0].name in shown
    assert len(shown.splitlines()) == 1
