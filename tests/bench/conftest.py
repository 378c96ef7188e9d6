"""Machines and timings made up, in the form in which they are written."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from tradewedge.bench import launch
from tradewedge.bench.cases import QUICK, SYNTHETIC, Case, Skip

Document = dict[str, Any]


def case(target: str = "cpu", products: int = 10, **other: Any) -> Case:
    """A case on a synthetic world."""
    given = {"countries": 226, "measure": "tariff", "scenarios": 1} | other
    return Case(world=SYNTHETIC, products=products, target=target, **given)


def entry(of: Case, seconds: float, **other: Any) -> Document:
    """What pytest-benchmark writes of a case."""
    info = {
        **asdict(of),
        "flows": round(of.flows),
        "bytes_once": 10**6,
        "bytes_swept": 10**7,
        "tolerance": 1e-10,
        "unsolved": 0,
        "residual": 5e-11,
        "error_bound": 1e-10,
        "iterations_mean": 12.0,
        "iterations_most": 30,
        "apart": None if of.target == "cpu" else 1e-11,
        "prepare": 0.1,
        "first": 2.0,
        "phases": None,
    }
    stats = {"median": seconds, "iqr": 0.1 * seconds, "rounds": 5}
    return {"name": of.name, "stats": stats, "extra_info": info | other}


def look(gpu: str | None = None, **other: Any) -> Document:
    """What is found on a machine, with or without a GPU."""
    on_gpu = (gpu is not None, f"found {gpu}" if gpu else "no GPU here")
    found: Document = {
        "processor": "Some CPU",
        "cores": 2,
        "threads": 2,
        "memory": 16e9,
        "memory_free": 12e9,
        "device_memory_free": 70e9,
        "platform": "Somewhere",
        "versions": {"python": "3.11"},
        "load": 0.5,
        "gpus": [],
        "available": {
            "cpu": (True, ""),
            "reference": (True, ""),
            "jax-cpu": (True, ""),
            "jax-gpu": on_gpu,
            "cupy": on_gpu,
        },
        "bandwidth": {"cpu": {"memory": 20e9, "cache": 100e9}},
    }
    if gpu:
        found["gpus"] = [{"name": gpu, "memory": 80e9, "memory_free": 70e9, "driver": "580"}]
        found["bandwidth"]["gpu"] = {"memory": 2e12, "cache": 5e12}
    return found | other


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """Make a case."""
    return case


@pytest.fixture
def make_entry() -> Callable[..., Document]:
    """Make pytest-benchmark's record of a case."""
    return entry


@pytest.fixture
def make_look() -> Callable[..., Document]:
    """Make a machine."""
    return look


@pytest.fixture
def make_document() -> Callable[..., Document]:
    """Make a file of timings: entries, a GPU's name, what was skipped."""

    def made(
        entries: list[Document], gpu: str | None = None, skipped: tuple[Skip, ...] = ()
    ) -> Document:
        machine = look(gpu)
        one = {"machine_info": {}, "commit_info": {}, "benchmarks": entries, "version": "5"}
        return launch.document([one], machine, machine, skipped, QUICK)

    return made
