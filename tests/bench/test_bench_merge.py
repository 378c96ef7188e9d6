"""From files to measurements, and when a speed-up may be quoted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewedge.bench.cases import Skip
from tradewedge.bench.merge import merge, on_cpu, read, speed_up
from tradewedge.errors import DataError

Make = Callable[..., Any]


def test_two_machines_keep_their_own(
    make_document: Make, make_entry: Make, make_case: Make
) -> None:
    here = make_document([make_entry(make_case(), 0.2)])
    there = make_document(
        [make_entry(make_case(), 0.1), make_entry(make_case("cupy"), 0.01)], gpu="H100"
    )
    merged = merge([here, there, here])
    labels = [machine.label for machine in merged.machines]
    assert labels == ["Some CPU (2 cores)", "Some CPU (2 cores), H100", "Some CPU (2 cores) #2"]
    fast = merged.measurements[2]
    assert fast.case.target == "cupy"
    against = on_cpu(merged, fast)
    assert against is merged.measurements[1], "the CPU of the same machine"
    assert speed_up(fast, against) == pytest.approx(10.0)


def test_a_speed_up_needs_equal_residuals(
    make_document: Make, make_entry: Make, make_case: Make
) -> None:
    base = make_entry(make_case(), 1.0)

    def against(**other: Any) -> float | None:
        fast = make_entry(make_case("cupy"), 0.1, **other)
        merged = merge([make_document([base, fast], gpu="H100")])
        return speed_up(merged.measurements[1], merged.measurements[0])

    assert against() == pytest.approx(10.0)
    assert against(residual=1e-6) is None
    assert against(unsolved=1) is None
    assert against(tolerance=1e-8) is None
    assert against(flows=3) is None


def test_another_case_is_no_comparison(
    make_document: Make, make_entry: Make, make_case: Make
) -> None:
    entries = [make_entry(make_case(), 1.0), make_entry(make_case("cupy", 100), 0.1)]
    merged = merge([make_document(entries, gpu="H100")])
    assert on_cpu(merged, merged.measurements[1]) is None
    assert speed_up(merged.measurements[1], merged.measurements[0]) is None


def test_bandwidth_of_the_device_counts(
    make_document: Make, make_entry: Make, make_case: Make
) -> None:
    entries = [make_entry(make_case(), 1e-3), make_entry(make_case("cupy"), 1e-3)]
    on_processor, on_gpu = merge([make_document(entries, gpu="H100")]).measurements
    assert on_processor.of_memory == pytest.approx(1e6 / 1e-3 / 20e9)
    assert on_processor.of_cache == pytest.approx(1e7 / 1e-3 / 100e9)
    assert on_gpu.of_memory == pytest.approx(1e6 / 1e-3 / 2e12)


def test_drift_is_seen(make_document: Make, make_entry: Make, make_case: Make) -> None:
    document = make_document([make_entry(make_case(), 1.0)])
    document["tradewedge"]["after"] = {"load": 3.0, "bandwidth": {"cpu": {"memory": 10e9}}}
    (machine,) = merge([document]).machines
    assert machine.drift == pytest.approx(2.0)
    assert machine.load == (0.5, 3.0)
    assert machine.bandwidth["cpu"] == {"memory": 20e9, "cache": 100e9}


def test_what_was_skipped_survives_the_file(
    make_document: Make, make_case: Make, tmp_path: Path
) -> None:
    skip = Skip(make_case("cupy"), "no GPU here")
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(make_document([], skipped=(skip,))))
    merged = merge([read(path)])
    assert [one for _, one in merged.skipped] == [skip]
    assert merged.measurements == ()


@pytest.mark.parametrize("text", ["", "[]", '{"benchmarks": []}'])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"other\.json"):
        read(path)


def test_a_future_format_is_refused(make_document: Make, tmp_path: Path) -> None:
    document = make_document([])
    document["tradewedge"]["format"] = 99
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match="format 99"):
        read(path)


def test_an_incomplete_file_is_refused(
    make_document: Make, make_entry: Make, make_case: Make
) -> None:
    entry = make_entry(make_case(), 1.0)
    del entry["extra_info"]["residual"]
    with pytest.raises(DataError, match="residual"):
        merge([make_document([entry])])
