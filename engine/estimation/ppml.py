"""Poisson pseudo-maximum likelihood with fixed effects, on one table, through pyfixest.

E[y] = exp(x b + fixed effects); see Santos Silva and Tenreyro (2006), The log of gravity, Review of
Economics and Statistics 88(4), and for the algorithm Correia, Guimarães and Zylkin (2020), Fast
Poisson estimation with high-dimensional fixed effects, Stata Journal 20(1).

Rows that carry no information are taken out before, in rounds until none is left: those of a fixed
effect whose flows are all zero, which it fits perfectly (separation), and the only row of a fixed
effect (singletons, Correia 2015). pyfixest looks once, after each other, and says less of what it
took.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.errors import BackendUnavailable
from tradewedge.estimation.formula import Formula

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ABSORBED: Final = "the fixed effects absorb it, or another covariate does"
NOT_CONVERGED: Final = "not converged"
_MOST_STEPS: Final = 100
#: Of the demeaning. Coefficients do not move in twelve digits between 1e-6 and 1e-9.
_TOLERANCE: Final = 1e-7
#: Share of a covariate's variance that has to be left by the others: demeaning leaves some 1e-14.
_LEFT: Final = 1e-9


@dataclass(frozen=True)
class Coefficient:
    """One estimate; the interval is that of 95 %. Numbers are NaN where ``why_not`` says why."""

    term: str
    estimate: float = np.nan
    standard_error: float = np.nan
    p_value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    why_not: str = ""


@dataclass(frozen=True)
class Fit:
    """What came of one table.

    Attributes
    ----------
    coefficients : tuple of Coefficient
    separated, singletons, rows : int
        Rows taken out, and rows left.
    clusters : int
        Of the coarsest dimension; 0 without a fit.
    converged : bool
    why_not : str
        Why there is no estimate at all; empty where there is.
    """

    coefficients: tuple[Coefficient, ...]
    separated: int
    singletons: int
    rows: int
    clusters: int = 0
    converged: bool = False
    why_not: str = ""


def pyfixest() -> ModuleType:
    """The library, imported late.

    Raises
    ------
    BackendUnavailable
        If it is not installed, with the extra that has it.
    """
    try:
        import pyfixest as library
    except ImportError as error:
        raise BackendUnavailable(
            f"estimation needs pyfixest ({error}): pip install 'tradewedge[estimate]'"
        ) from error
    return library


def fit(table: pl.DataFrame, formula: Formula, cluster: Sequence[Sequence[str]]) -> Fit:
    """Estimate a formula on a table without nulls.

    Parameters
    ----------
    table : DataFrame
        The columns of the formula and the clusters.
    formula : Formula
    cluster : sequence of sequence of str
        One or two dimensions of clusters, each of one or several columns.
    """
    y = _numbers(table, pl.col(formula.response))
    effects = [_coded(table, effect) for effect in formula.effects]
    keep, separated, singletons = informative(y, effects)
    rows = int(keep.sum())

    def failed(why: str) -> Fit:
        none = tuple(Coefficient(term.text, why_not=why) for term in formula.terms)
        return Fit(none, separated, singletons, rows, why_not=why)

    if rows == 0:
        return failed("no row is left" if table.height else "no rows")
    left = table.filter(pl.Series(keep))
    effects = [_coded(left, effect) for effect in formula.effects]
    groups = [_coded(left, dimension) for dimension in cluster]
    clusters = min(int(group.max()) + 1 for group in groups)
    x = [_numbers(left, term.values()) for term in formula.terms]
    spread = [float(column.std()) for column in x]
    used = [index for index, size in enumerate(spread) if size > 0]
    levels = sum(int(effect.max()) + 1 for effect in effects) - max(len(effects) - 1, 0)
    if not used:
        return failed("no covariate varies")
    if rows <= levels + len(used):
        return failed(f"{rows} rows for {levels + len(used)} coefficients")
    if clusters < 2:
        return failed("a single cluster: no standard error")
    frame = {"y": y[keep] / y[keep].mean()}
    frame |= {f"x{index}": x[index] / spread[index] for index in used}
    frame |= {f"f{index}": effect for index, effect in enumerate(effects)}
    frame |= {f"c{index}": group for index, group in enumerate(groups)}
    right = " + ".join(f"x{index}" for index in used)
    bar = " | " + " + ".join(f"f{index}" for index in range(len(effects))) if effects else ""
    try:
        made = _solve(f"y ~ {right}{bar}", frame, len(groups))
    except (ValueError, ArithmeticError, np.linalg.LinAlgError, RuntimeError) as error:
        text = str(error).strip().partition("\n")[0]
        return failed(ABSORBED if "collinear" in text else f"{NOT_CONVERGED}: {text}")
    return Fit(
        tuple(_scaled(made, index, formula, spread) for index in range(len(formula.terms))),
        separated,
        singletons,
        rows,
        clusters,
        converged=made.converged,
        why_not="" if made.converged else f"{NOT_CONVERGED} in {_MOST_STEPS} steps",
    )


def informative(y: Floats, effects: Sequence[Ints]) -> tuple[NDArray[np.bool_], int, int]:
    """Rows that carry information, and how many are separated and how many single."""
    keep = np.ones(y.size, dtype=bool)
    separated = singletons = 0
    while True:
        before = keep.sum()
        for effect in effects:
            size = int(effect.max(initial=-1)) + 1
            total = np.bincount(effect[keep], y[keep], size)
            out = keep & (total[effect] == 0)
            separated += int(out.sum())
            keep &= ~out
            number = np.bincount(effect[keep], minlength=size)
            out = keep & (number[effect] == 1)
            singletons += int(out.sum())
            keep &= ~out
        if keep.sum() == before:
            return keep, separated, singletons


@dataclass(frozen=True)
class _Made:
    names: list[str]
    numbers: dict[str, tuple[float, ...]]
    converged: bool


def _solve(text: str, columns: dict[str, Floats | Ints], dimensions: int) -> _Made:
    library = pyfixest()
    import pandas as pd

    clusters = " + ".join(f"c{index}" for index in range(dimensions))
    with warnings.catch_warnings():
        # Of pandas' deprecations, and of what is counted here: rows taken out, columns absorbed.
        warnings.simplefilter("ignore")
        model = library.fepois(
            text,
            data=pd.DataFrame(columns),
            vcov={"CRV1": clusters},
            fixef_rm="none",
            separation_check=[],
            iwls_tol=1e-10,
            iwls_maxiter=_MOST_STEPS,
            collin_tol=_LEFT * columns["y"].size,
            demeaner=library.MapDemeaner(fixef_tol=_TOLERANCE, fixef_maxiter=100_000),
            copy_data=False,
        )
        told = model.tidy()
    names = [str(name) for name in told.index]
    wanted = ["Estimate", "Std. Error", "Pr(>|t|)", "2.5%", "97.5%"]
    rows = told[wanted].to_numpy(dtype=np.float64)
    numbers = {name: tuple(map(float, row)) for name, row in zip(names, rows, strict=True)}
    return _Made(names, numbers, bool(model.convergence))


def _scaled(made: _Made, index: int, formula: Formula, spread: Sequence[float]) -> Coefficient:
    """A coefficient in the units of its covariate."""
    text, size = formula.terms[index].text, spread[index]
    if size == 0:
        return Coefficient(text, why_not="it does not vary")
    numbers = made.numbers.get(f"x{index}")
    if numbers is None:
        return Coefficient(text, why_not=ABSORBED)
    estimate, error, p_value, low, high = numbers
    if not np.isfinite([estimate, error]).all() or error <= 0:
        return Coefficient(text, why_not="no standard error")
    return Coefficient(text, estimate / size, error / size, p_value, low / size, high / size)


def _coded(table: pl.DataFrame, columns: Sequence[str]) -> Ints:
    """Number of the combination of codes in each row, from 0, without gaps."""
    key = np.zeros(table.height, dtype=np.int64)
    for name in columns:
        code = table[name].rank("dense").to_numpy().astype(np.int64) - 1
        key = key * (int(code.max(initial=0)) + 1) + code
        key = np.unique(key, return_inverse=True)[1].astype(np.int64)
    return key


def _numbers(table: pl.DataFrame, values: pl.Expr) -> Floats:
    return table.select(values.cast(pl.Float64).alias("x"))["x"].rechunk().to_numpy()
