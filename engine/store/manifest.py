"""The manifest of a run: everything but the tables, as plain JSON."""

import hashlib
import json
import math
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from tradewedge.errors import DataError

MANIFEST: Final = "manifest.json"
FORMAT_VERSION: Final = 1
_PACKAGES: Final = ("tradewedge", "numpy", "numba", "polars", "jax", "hydra-core")
_REQUIRED: Final = ("format_version", "config_hash", "data_hash", "created", "scenarios", "files")


def config_hash(config: Mapping[str, Any]) -> str:
    """SHA-256 of a configuration, independent of the order of its keys."""
    return hashlib.sha256(_canonical(config).encode()).hexdigest()


def plain(value: Any) -> Any:
    """Turn mappings, tuples, NumPy numbers and non-finite floats into what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, Path):
        return str(value)
    return value


def surroundings() -> dict[str, Any]:
    """Versions and machine, for the record."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "versions": versions,
        "machine": {
            "platform": platform.platform(),
            "processor": processor(),
            "cpu_count": os.cpu_count(),
            "byte_order": sys.byteorder,
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def dump(manifest: Mapping[str, Any]) -> str:
    """The manifest as text: indented, stable order of keys."""
    return json.dumps(plain(manifest), indent=1, sort_keys=True, allow_nan=False) + "\n"


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read ``manifest.json`` and check that it is complete.

    Raises
    ------
    DataError
        If it is missing, is not JSON, lacks a field, or has another format version.
    """
    path = directory / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{directory} holds no run: there is no {MANIFEST} in it. A run directory is what "
            "`tradewedge run` or tradewedge.store.write_run wrote."
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise DataError(f"{path} is not a manifest: it holds a {type(manifest).__name__}.")
    missing = [key for key in _REQUIRED if key not in manifest]
    if missing:
        raise DataError(f"{path} is incomplete: it lacks {', '.join(missing)}.")
    if manifest["format_version"] != FORMAT_VERSION:
        raise DataError(
            f"{path} has format version {manifest['format_version']}; this tradewedge reads "
            f"{FORMAT_VERSION}. Solve again, or use the version that wrote it."
        )
    return manifest


def _canonical(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def processor() -> str:
    """Name of the CPU, as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
