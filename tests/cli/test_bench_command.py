"""``tradewedge bench``: what it refuses, lists, runs and merges."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tradewedge import benchcli
from tradewedge.bench import launch
from tradewedge.bench.cases import Case, Skip
from tradewedge.cli import main

MACHINE = {
    "processor": "Some CPU",
    "cores": 2,
    "threads": 2,
    "memory": 16e9,
    "memory_free": 12e9,
    "device_memory_free": 70e9,
    "platform": "Somewhere",
    "versions": {"python": "3.11"},
    "load": 0.5,
    "gpus": [{"name": "H100", "memory": 80e9, "memory_free": 70e9, "driver": "580"}],
    "available": {
        "cpu": [True, ""],
        "reference": [True, ""],
        "jax-cpu": [False, "JAX does not start"],
        "jax-gpu": [True, ""],
        "cupy": [True, ""],
    },
    "bandwidth": {"cpu": {"memory": 2e10, "cache": 1e11}, "gpu": {"memory": 2e12, "cache": 5e12}},
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Case]:
    """Stand in for a machine with a GPU that takes no time; return the cases it ran."""
    ran: list[Case] = []

    def measure(cases: Sequence[Case], _: Any, tell: Any) -> tuple[list[Any], list[Skip]]:
        ran.extend(cases)
        entries = []
        for case in cases:
            tell({"event": "start", "case": case.name})
            tell({"event": "done", "case": case.name, "seconds": 0.1, "rounds": 3})
            info = {
                **{name: getattr(case, name) for name in Case.__dataclass_fields__},
                **dict.fromkeys(("flows", "bytes_once", "bytes_swept"), 1000),
                **dict.fromkeys(("error_bound", "apart", "phases")),
                "tolerance": 1e-10,
                "residual": 1e-11,
                "unsolved": 0,
                "iterations_mean": 9.0,
                "prepare": 0.1,
                "first": 1.0,
            }
            stats = {"median": 0.1, "iqr": 0.0, "rounds": 3}
            entries.append({"name": case.name, "stats": stats, "extra_info": info})
        return [{"machine_info": {}, "benchmarks": entries}], []

    monkeypatch.setattr(launch, "machine", lambda: MACHINE)
    monkeypatch.setattr(launch, "measure", measure)
    monkeypatch.chdir(tmp_path)
    return ran


def test_help_imports_nothing_slow() -> None:
    code = (
        "import sys\n"
        "from tradewedge.cli import main\n"
        "try:\n    main(['bench', '--help'])\nexcept SystemExit:\n    pass\n"
        "slow = ('numpy', 'polars', 'jax', 'numba', 'rich', 'pytest', 'vl_convert')\n"
        "print([m for m in slow if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "bench merge" in done.stdout


def test_one_command_measures_a_gpu_machine(
    asked: list[Case], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--products", "10", "--out", "here"]) == 0
    assert {case.target for case in asked} == {"cpu", "reference", "jax-gpu", "cupy"}
    seen = capsys.readouterr()
    assert seen.out.splitlines() == ["here/bench.json", "here/report.md", "here/report.html"]
    assert "Some CPU, H100; 2 threads; memory: cpu 20 GB/s, gpu 2000 GB/s" in seen.err
    assert "left out: jax-cpu" in seen.err
    assert f"[{len(asked)}/{len(asked)}]" in seen.err
    text = Path("here/report.md").read_text(encoding="utf-8")
    assert "No GPU took part" not in text
    assert "JAX does not start" in text


def test_reports_merge(asked: list[Case], capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("a", "b"):
        assert main(["bench", "--backend", "cpu", "--products", "1", "--out", place]) == 0
    capsys.readouterr()
    assert main(["bench", "merge", "a/bench.json", "b/bench.json", "--out", "both"]) == 0
    assert capsys.readouterr().out.splitlines() == ["both/report.md", "both/report.html"]
    text = Path("both/report.md").read_text(encoding="utf-8")
    assert "Some CPU (2 cores), H100 #2" in text
    assert len(asked) == 2


def test_default_directories_do_not_meet(asked: list[Case]) -> None:
    assert main(["bench", "--backend", "cpu", "--products", "1"]) == 0
    (made,) = Path("outputs/bench").iterdir()
    assert (made / "bench.json").is_file()
    assert len(asked) == 1


def test_timings_are_not_overwritten(asked: list[Case], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "--backend", "cpu", "--products", "1", "--out", "here"]
    assert main(arguments) == 0
    assert main(arguments) == 2
    assert "holds timings already" in capsys.readouterr().err
    assert len(asked) == 1


def test_listing_runs_nothing(asked: list[Case], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--list", "--backend", "gpu", "--products", "1"]) == 0
    seen = capsys.readouterr()
    assert seen.out.splitlines() == ["jax-gpu-tariff-1x226-s1", "cupy-tariff-1x226-s1"]
    assert asked == []


def test_no_such_case(asked: list[Case], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--products", "7"]) == 2
    assert "--full has more" in capsys.readouterr().err
    assert asked == []


def test_nothing_that_can_run(asked: list[Case], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--backend", "jax-cpu"]) == 2
    assert "JAX does not start" in capsys.readouterr().err
    assert asked == []


def test_without_pytest_benchmark_it_says_what_to_install(
    asked: list[Case], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchcli, "find_spec", lambda _: None)
    assert main(["bench"]) == 2
    assert "pip install 'tradewedge[bench]'" in capsys.readouterr().err
    assert asked == []


def test_failures_show_in_the_exit_status(
    asked: list[Case], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(cases: Sequence[Case], _: Any, tell: Any) -> tuple[list[Any], list[Skip]]:
        tell({"event": "failed", "case": cases[0].name, "reason": "long story\nout of memory"})
        return [], [Skip(cases[0], "out of memory")]

    monkeypatch.setattr(launch, "measure", measure)
    assert main(["bench", "--backend", "cpu", "--products", "1", "--out", "here"]) == 1
    assert "FAILED: out of memory" in capsys.readouterr().err
    assert "out of memory" in Path("here/report.md").read_text(encoding="utf-8")
    assert asked == []


def test_merge_refuses_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert main(["bench", "merge", str(other), "--out", str(tmp_path / "r")]) == 2
    assert "was not written by `tradewedge bench`" in capsys.readouterr().err


@pytest.mark.slow
def test_for_real(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["bench", "--backend", "cpu", "jax-cpu", "--products", "1", "--out", str(out)]) == 0
    document = json.loads((out / "bench.json").read_text(encoding="utf-8"))
    assert [entry["extra_info"]["target"] for entry in document["benchmarks"]] == ["cpu", "jax-cpu"]
    assert "<svg" in (out / "report.html").read_text(encoding="utf-8")
