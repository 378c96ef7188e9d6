"""What one estimation from files is told to do, as plain objects."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Plan:
    """One estimation.

    Attributes
    ----------
    path : Path
        Flows: a table, or files of ``source``.
    out : Path
        Directory of the results.
    source : str or None
        Name of a source of trade; None: ``path`` is a table in our columns or the formula's.
    options : mapping
        What the source may be told.
    years : tuple of int or None
    formula : str or None
        None: the one that fits, see :func:`tradewedge.estimation.formula.usual`.
    tariffs : mapping
        Year (None: in the table, or every year) -> paths of tables, or ``SOURCE:PATH``.
    covariates : tuple of str
        Paths of tables, or ``SOURCE:PATH``.
    by : int, "product", tuple of str or None
    cluster : tuple of str or None
    values : {"border", "duty_paid"}
    zeros, home : bool
    tariff_importers : tuple of str or None
    significance : float
    base : str
        The named set that gives eta and epsilon, and sigma where nothing usable was estimated.
    vintage : str or None
        HS edition of the products; None: that of the source, or HS2022.
    overwrite : bool
    """

    path: Path
    out: Path
    source: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    years: tuple[int, ...] | None = None
    formula: str | None = None
    tariffs: Mapping[int | None, tuple[str, ...]] = field(default_factory=dict)
    covariates: tuple[str, ...] = ()
    by: int | str | tuple[str, ...] | None = None
    cluster: tuple[str, ...] | None = None
    values: str = "border"
    zeros: bool = True
    home: bool = False
    tariff_importers: tuple[str, ...] | None = None
    significance: float = 0.01
    base: str = "central"
    vintage: str | None = None
    overwrite: bool = False

    def record(self) -> dict[str, Any]:
        """The plan as plain data, for the file beside the results."""
        plain = {key: value for key, value in asdict(self).items() if key != "overwrite"}
        return plain | {"path": str(self.path), "out": str(self.out)}
