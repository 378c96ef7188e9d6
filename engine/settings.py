"""What one run is told to do, checked, as plain objects."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tradewedge.policy import Scenario


@dataclass(frozen=True)
class Settings:
    """A checked run configuration.

    Attributes
    ----------
    world : str
        Name of an embedded world, or path.
    year : int or None
    products : tuple of str or None
        HS prefixes to keep; None: all.
    scenarios : tuple of Scenario
        As they are solved: each on its day.
    changes : Mapping
        Scenario name -> where it differs from what ships under that name.
    reference : Scenario or None
        What ratios refer to; None: the data year.
    horizon : float or None
        Years that trade has to adjust; None: the elasticities named next.
    elasticities : str or None
        Name of a set; None: what the world holds.
    elasticities_file : Path or None
    sigma, eta, epsilon : float or None
        One value for every product.
    home_share : float, dict of str to float, or None
        Share of home producers in spending, one or by HS prefix.
    model, backend : str
    on_failure : {"report", "raise"}
    tolerance : float
    model_options : dict
    band_sigmas : tuple of float
        Substitution elasticities at which exclusions are solved again.
    memory : str
        What scenarios may take at once.
    overwrite, summary : bool
    width : int or None
        Columns of the summary; None: those of the terminal, at most 100.
    """

    world: str
    year: int | None
    products: tuple[str, ...] | None
    scenarios: tuple[Scenario, ...]
    changes: Mapping[str, tuple[str, ...]]
    reference: Scenario | None
    horizon: float | None
    elasticities: str | None
    elasticities_file: Path | None
    sigma: float | None
    eta: float | None
    epsilon: float | None
    home_share: float | dict[str, float] | None
    model: str
    tolerance: float
    model_options: dict[str, Any]
    backend: str
    on_failure: Literal["report", "raise"]
    band_sigmas: tuple[float, ...]
    memory: str
    overwrite: bool
    summary: bool
    width: int | None

    def record(self) -> dict[str, Any]:
        """What decides the numbers of a run, as plain data: its hash tells runs apart."""
        return {
            "data": {"world": self.world, "year": self.year, "products": self.products},
            "scenarios": [scenario.to_dict() for scenario in self.scenarios],
            "changes": dict(self.changes),
            "reference": None if self.reference is None else self.reference.to_dict(),
            "horizon": self.horizon,
            "elasticities": {
                "name": self.elasticities,
                "file": _file_record(self.elasticities_file),
                "sigma": self.sigma,
                "eta": self.eta,
                "epsilon": self.epsilon,
                "home_share": self.home_share,
            },
            "model": {
                "name": self.model,
                "tolerance": self.tolerance,
                "options": self.model_options,
            },
            "backend": self.backend,
            "band_sigmas": self.band_sigmas,
        }


def _file_record(path: Path | None) -> dict[str, str] | None:
    if path is None:
        return None
    return {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
