"""The estimator: which rows carry information, what is reported where there is no estimate."""

import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.errors import BackendUnavailable
from tradewedge.estimation import ppml
from tradewedge.estimation.formula import parse


def test_separated_and_single_rows_go_in_rounds() -> None:
    # Exporter 0 sells nothing; without it importer 2 has one row, without which exporter 3 has one.
    y = np.array([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    exporter = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    importer = np.array([0, 1, 0, 1, 0, 1, 2, 0])
    keep, separated, singletons = ppml.informative(y, [exporter, importer])
    assert keep.tolist() == [False] * 2 + [True] * 4 + [False] * 2
    assert (separated, singletons) == (2, 2)


@given(st.integers(0, 2**32 - 1))
def test_what_is_left_is_stable_and_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 60))
    y = rng.poisson(0.5, size).astype(float)
    effects = [rng.integers(0, 8, size), rng.integers(0, 8, size)]
    keep, separated, singletons = ppml.informative(y, effects)
    assert keep.sum() + separated + singletons == size
    for effect in effects:
        for level in np.unique(effect[keep]):
            rows = keep & (effect == level)
            assert rows.sum() > 1
            assert y[rows].sum() > 0


def table(seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({"i": np.repeat(np.arange(12), 12), "j": np.tile(np.arange(12), 12)})
    x = rng.normal(size=144)
    y = np.exp(0.5 * x + rng.normal(0, 0.2, 144))
    return frame.with_columns(
        pl.col("i", "j").cast(pl.String),
        x=x,
        large=1e9 * x,
        own=pl.col("i").cast(pl.Float64) ** 2,
        flat=pl.lit(3.0),
        y=y,
    )


def fitted(text: str, frame: pl.DataFrame | None = None) -> ppml.Fit:
    return ppml.fit(table() if frame is None else frame, parse(text), [("i",)])


def test_scale_does_not_matter() -> None:
    one, other = (fitted(f"y ~ {name} | i + j").coefficients[0] for name in ("x", "large"))
    assert other.estimate == pytest.approx(1e-9 * one.estimate, rel=1e-9)
    assert other.standard_error == pytest.approx(1e-9 * one.standard_error, rel=1e-9)
    assert abs(one.estimate - 0.5) < 3 * one.standard_error


def test_without_fixed_effects() -> None:
    made = fitted("y ~ x")
    assert made.converged
    assert abs(made.coefficients[0].estimate - 0.5) < 3 * made.coefficients[0].standard_error


def test_what_the_effects_absorb_is_said() -> None:
    both = fitted("y ~ x + own + flat | i + j")
    assert [c.why_not for c in both.coefficients] == ["", ppml.ABSORBED, "it does not vary"]
    assert np.isnan(both.coefficients[1].estimate)
    alone = fitted("y ~ own | i + j")
    assert alone.why_not == alone.coefficients[0].why_not == ppml.ABSORBED
    assert not alone.converged


@pytest.mark.parametrize(
    ("rows", "why"),
    [(0, "no rows"), (2, "4 rows for 4 coefficients"), (1, "no row is left")],
)
def test_too_few_rows(rows: int, why: str) -> None:
    frame = pl.concat([table()[:rows], table()[12 : 12 + rows]]) if rows > 1 else table()[:rows]
    assert why in fitted("y ~ x | i + j", frame).why_not


def test_nothing_but_zeros() -> None:
    made = fitted("y ~ x | i + j", table().with_columns(y=pl.lit(0.0)))
    assert (made.why_not, made.separated, made.rows) == ("no row is left", 144, 0)


def test_one_cluster() -> None:
    made = ppml.fit(table().with_columns(g=pl.lit("a")), parse("y ~ x | i + j"), [("g",)])
    assert made.why_not == "a single cluster: no standard error"


def test_no_convergence_is_no_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ppml, "_MOST_STEPS", 2)
    made = fitted("y ~ x | i + j")
    assert not made.converged
    assert made.why_not == "not converged in 2 steps"


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyfixest", None)
    with pytest.raises(BackendUnavailable, match=r"pip install 'tradewedge\[estimate\]'"):
        ppml.pyfixest()
