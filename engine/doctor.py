"""Versions, devices, and what is not installed: the ``tradewedge doctor`` page."""

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

_REQUIREMENT: Final = re.compile(r"(?P<name>[\w.-]+)(?:\[(?P<option>[\w,-]+)\])?")
_EXTRA: Final = re.compile(r"extra\s*==\s*['\"](?P<extra>[\w-]+)['\"]")
_HIDDEN: Final = ("dev",)


@dataclass(frozen=True)
class Package:
    """A package that tradewedge can use.

    Attributes
    ----------
    name : str
    extra : str
        The pip extra that brings it; "" for what the base install needs.
    version : str or None
        None: not installed.
    """

    name: str
    extra: str
    version: str | None


@dataclass(frozen=True)
class Findings:
    """What the doctor saw."""

    packages: tuple[Package, ...]
    devices: tuple[str, ...]
    backends: tuple[str, ...]
    worlds: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything that the base install needs is there."""
        return all(package.version for package in self.packages if not package.extra)


def examine() -> Findings:
    """Look at packages, devices, backends and data; slow, because it imports JAX."""
    return Findings(
        packages=tuple(_packages()),
        devices=tuple(_devices()),
        backends=tuple(_backends()),
        worlds=tuple(_worlds()),
    )


def text(findings: Findings) -> str:
    """The findings as a page."""
    lines = [f"Python {platform.python_version()} on {platform.platform()}", "", "packages"]
    lines += [
        f"  {p.name:<22} {p.version or 'MISSING: pip install tradewedge'}"
        for p in findings.packages
        if not p.extra
    ]
    extras = sorted({p.extra for p in findings.packages if p.extra})
    for extra in extras:
        lines += ["", f"extra {extra}"]
        members = [p for p in findings.packages if p.extra == extra]
        lines += [f"  {p.name:<22} {p.version or 'not installed'}" for p in members]
        if not all(p.version for p in members):
            lines.append(f"  for all of it: pip install 'tradewedge[{extra}]'")
    for title, found in (
        ("devices", findings.devices),
        ("backends", findings.backends),
        ("embedded worlds", findings.worlds),
    ):
        lines += ["", title, *(f"  {line}" for line in found)]
    return "\n".join(lines)


def _packages() -> Iterator[Package]:
    yield Package("tradewedge", "", _version("tradewedge"))
    for line in requires("tradewedge") or []:
        requirement, _, condition = line.partition(";")
        found, marked = _REQUIREMENT.match(requirement.strip()), _EXTRA.search(condition)
        extra = marked["extra"] if marked else ""
        if found is None or extra in _HIDDEN:
            continue
        # JAX's CUDA support is an option of a package that is there anyway: look for its plugin.
        option = found["option"]
        name = f"{found['name']}-{option}-plugin" if option else found["name"]
        yield Package(name, extra, _version(name))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _devices() -> Iterator[str]:
    import numba

    from tradewedge.store.manifest import processor

    yield f"{processor()}: {os.cpu_count()} cores, Numba uses {numba.get_num_threads()}"
    try:
        import jax

        for device in jax.devices():
            yield f"JAX: {device.platform} {device.device_kind}"
    except (ImportError, RuntimeError) as error:
        yield f"JAX: {error}"


def _backends() -> Iterator[str]:
    from tradewedge.kernels import backends

    for backend, (ready, clause) in backends.probe().items():
        yield f"{backend.value:<10} {'ready' if ready else 'not ready'}: {clause}"
    yield f"auto       {backends.resolve('auto')[1].removeprefix('auto ')}"


def _worlds() -> Iterator[str]:
    from tradewedge.sources import embedded

    for world in embedded.worlds():
        yield f"{world.name}: {', '.join(str(year) for year in world.years)}"
