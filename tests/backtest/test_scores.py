"""Statistics against closed forms and scipy."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tradewedge.backtest import ranks as rank_of
from tradewedge.backtest import scores


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rank_correlations_are_those_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 6, 20).astype(float), rng.normal(size=20)
    assert rank_of.spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert rank_of.kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic)


def test_resampled_correlations_are_those_of_the_rows_drawn() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 4, 12).astype(float), rng.normal(size=12)
    counts = rng.multinomial(12, np.full(12, 1 / 12), size=6).astype(float)
    found = rank_of.spearman_draws(x, y, counts)
    for row, value in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(12), row.astype(int))
        assert value == pytest.approx(rank_of.spearman(x[rows], y[rows]))
    assert np.isnan(rank_of.spearman_draws(np.ones(12), y, counts)).all()


def test_no_variation_has_no_correlation() -> None:
    assert rank_of.spearman(np.ones(5), np.arange(5.0)) is None
    assert rank_of.kendall(np.ones(5), np.arange(5.0)) is None
    assert rank_of.spearman(np.arange(2.0), np.arange(2.0)) is None


def test_a_supplier_that_leaves_ranks_last() -> None:
    observed = np.array([-np.inf, 0.0, 1.0, 2.0])
    assert rank_of.spearman(observed, np.array([-3.0, 0.0, 1.0, 2.0])) == pytest.approx(1.0)


def errors(made: list[float], unchanged: list[float], weight: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "product": [str(n) for n in range(len(made))],
            "importer": "USA",
            "error": made,
            "error_no_change": unchanged,
            "weight": weight,
        }
    )


def ranks(observed: list[float], predicted: list[float]) -> pl.DataFrame:
    names = [str(n) for n in range(len(observed))]
    return pl.DataFrame(
        {"product": names, "importer": "USA", "observed": observed, "predicted": predicted}
    )


def test_score_by_hand() -> None:
    table = errors([0.1, 0.2, 0.0], [0.2, 0.2, 0.4], [1.0, 2.0, 1.0])
    found = scores.score(table, ranks([1.0, -1.0, 2.0], [0.5, 0.0, -1.0]), 20, 0)
    assert found["error"] == pytest.approx(0.5 / 4)
    assert found["error_no_change"] == pytest.approx(1.0 / 4)
    assert found["skill"] == pytest.approx(0.5)
    assert found["signed"] == 2
    assert found["sign_hits"] == pytest.approx(0.5)
    assert (found["units"], found["products"]) == (3, 3)
    assert found["resampled"] == "product and importer"


def test_intervals_hold_the_estimate_and_shrink_with_size() -> None:
    rng = np.random.default_rng(0)

    def width(n: int) -> float:
        base = rng.uniform(0.5, 1.5, n)
        table = errors(list(0.5 * base * rng.uniform(0, 2, n)), list(base), [1.0] * n)
        found = scores.score(table, ranks(list(base), list(base)), 200, 0)
        low, high = found["skill_low"], found["skill_high"]
        assert isinstance(low, float)
        assert isinstance(high, float)
        assert low <= found["skill"] <= high
        assert found["resampled"] == "product"
        return high - low

    assert width(400) < width(10)


def test_permutation_knows_chance_from_order() -> None:
    x = list(np.arange(12.0))
    table = errors(x, x, x)
    assert scores.score(table, ranks(x, x), 200, 0)["spearman_p"] == pytest.approx(1 / 201)
    assert scores.score(table, ranks(x, x[::-1]), 200, 0)["spearman_p"] == pytest.approx(1.0)


def test_nothing_scored_is_null() -> None:
    none = errors([], [], []).cast({"error": pl.Float64, "error_no_change": pl.Float64})
    empty = ranks([], []).cast({"observed": pl.Float64, "predicted": pl.Float64})
    found = scores.score(none.cast({"weight": pl.Float64}), empty, 10, 0)
    assert found["units"] == 0
    assert found["skill"] is None
    assert found["spearman"] is None


def test_duel_is_paired() -> None:
    base = [1.0, 5.0, 0.2, 3.0, 2.0, 8.0]
    first = errors([0.8 * b for b in base], base, [1.0] * 6)
    found = scores.duel(first, errors(base, base, [1.0] * 6), 100, 0)
    # The same ratio everywhere: nothing is left to chance, whatever is drawn.
    assert found["gain"] == pytest.approx(0.2)
    assert found["gain_low"] == pytest.approx(0.2)
    assert found["gain_high"] == pytest.approx(0.2)


def test_contrast_by_hand() -> None:
    controls = pl.DataFrame(
        {
            "touched": [True] * 6 + [False] * 6,
            "import_value": [1.0] * 12,
            "share_before": [0.5] * 12,
            "share_after": [0.1, 0.1, 0.2, 0.2, 0.2, 0.0] + [0.5] * 6,
        }
    )
    found = scores.contrast(controls, 500, 0).to_dicts()
    assert [row["touched"] for row in found] == [True, False]
    assert found[0]["median_log_change"] == pytest.approx((np.log(0.4) + np.log(0.2)) / 2)
    assert found[0]["share_after"] == pytest.approx(0.8 / 6)
    assert found[1]["median_log_change"] == 0.0
    assert found[0]["p"] < 0.02
