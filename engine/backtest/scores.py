"""How near a prediction came: errors against "no change", ranks, signs, and how firm they are."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.backtest.ranks import kendall, permutation_p, spearman, spearman_draws

Floats = NDArray[np.float64]

#: Fewer products than this are too few to resample; then pairs of product and importer are.
FEWEST: Final = 5
_NOTHING: Final = 1e-9

SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "units": pl.Int64,
    "products": pl.Int64,
    "error": pl.Float64,
    "error_no_change": pl.Float64,
    "skill": pl.Float64,
    "skill_low": pl.Float64,
    "skill_high": pl.Float64,
    "resampled": pl.String,
    "spearman": pl.Float64,
    "spearman_low": pl.Float64,
    "spearman_high": pl.Float64,
    "spearman_p": pl.Float64,
    "kendall": pl.Float64,
    "sign_hits": pl.Float64,
    "signed": pl.Int64,
}


def score(errors: pl.DataFrame, ranks: pl.DataFrame, draws: int, seed: int) -> dict[str, object]:
    """All statistics of one prediction.

    Parameters
    ----------
    errors : DataFrame
        product, importer, error, error_no_change, weight: one row per unit.
    ranks : DataFrame
        product, importer, observed, predicted: changes whose order and sign are compared.
    draws : int
        Of the bootstrap (95 % interval) and of the permutation test of Spearman's correlation.

    Returns
    -------
    dict
        Columns of :data:`SCHEMA`. ``error`` is the weighted mean, ``skill`` 1 - error /
        error_no_change: 1 is perfect, 0 as good as "no change", below 0 worse.
    """
    rng = np.random.default_rng(seed)
    keys = _resampled(errors)
    weighted = errors.with_columns(pl.col("error", "error_no_change") * pl.col("weight"))
    summed = weighted.group_by(keys, maintain_order=True).agg(
        pl.col("error", "error_no_change", "weight").sum()
    )
    made, unchanged, weight = (
        summed[name].to_numpy() for name in ("error", "error_no_change", "weight")
    )
    low, high = _skill_interval(made, unchanged, draws, rng)
    signs = ranks.filter(pl.col("predicted").abs() > _NOTHING)
    hits = (signs["predicted"].sign() == signs["observed"].sign()).mean() if signs.height else None
    found: dict[str, object] = {
        "units": errors.height,
        "products": errors["product"].n_unique(),
        "error": _ratio(made.sum(), weight.sum()),
        "error_no_change": _ratio(unchanged.sum(), weight.sum()),
        "skill": _skill(made.sum(), unchanged.sum()),
        "skill_low": low,
        "skill_high": high,
        "resampled": " and ".join(keys),
        "sign_hits": hits,
        "signed": signs.height,
    }
    observed, predicted = (ranks[name].to_numpy() for name in ("observed", "predicted"))
    found["spearman"] = spearman(observed, predicted)
    found["kendall"] = kendall(observed, predicted)
    found["spearman_low"], found["spearman_high"] = _rank_interval(
        observed, predicted, _clusters(ranks, keys), draws, rng
    )
    found["spearman_p"] = permutation_p(observed, predicted, draws, rng)
    return found


DUEL: Final[dict[str, type[pl.DataType]]] = {
    "units": pl.Int64,
    "products": pl.Int64,
    "gain": pl.Float64,
    "gain_low": pl.Float64,
    "gain_high": pl.Float64,
}


def duel(first: pl.DataFrame, second: pl.DataFrame, draws: int, seed: int) -> dict[str, object]:
    """How much smaller the error of one prediction is than that of another, on the same units.

    Parameters
    ----------
    first, second : DataFrame
        Errors as :func:`score` takes them.
    draws : int
        Of the paired bootstrap (95 % interval).

    Returns
    -------
    dict
        Columns of :data:`DUEL`. ``gain`` is 1 - error of the first / error of the second.
    """
    both = first.join(
        second.select("product", "importer", rival="error"), on=["product", "importer"]
    )
    summed = (
        both.with_columns(pl.col("error", "rival") * pl.col("weight"))
        .group_by(_resampled(both), maintain_order=True)
        .agg(pl.col("error", "rival").sum())
    )
    own, other = summed["error"].to_numpy(), summed["rival"].to_numpy()
    low, high = _skill_interval(own, other, draws, np.random.default_rng(seed))
    return {
        "units": both.height,
        "products": both["product"].n_unique(),
        "gain": _skill(own.sum(), other.sum()),
        "gain_low": low,
        "gain_high": high,
    }


def _resampled(errors: pl.DataFrame) -> list[str]:
    enough = errors["product"].n_unique() >= FEWEST
    return ["product"] if enough else ["product", "importer"]


def contrast(controls: pl.DataFrame, draws: int, seed: int) -> pl.DataFrame:
    """Whether the suppliers that are hit fell more where they are hit than elsewhere.

    Parameters
    ----------
    controls : DataFrame
        touched, import_value, share_before, share_after.
    draws : int
        Of the permutation test, one-sided: ``p`` is the share of shuffled labels that rank the
        touched rows at least as low.

    Returns
    -------
    DataFrame
        touched, rows, median_log_change, share_before, share_after (weighted by imports), p.
    """
    rows = controls.with_columns(
        change=(pl.col("share_after") / pl.col("share_before")).log(),
        **{
            name: pl.col(name)
            * pl.col("import_value")
            / pl.col("import_value").sum().over("touched")
            for name in ("share_before", "share_after")
        },
    )
    hit, moved = rows["touched"].cast(pl.Float64).to_numpy(), rows["change"].to_numpy()
    p = permutation_p(-hit, moved, draws, np.random.default_rng(seed))
    return (
        rows.group_by("touched")
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("change").median().alias("median_log_change"),
            pl.col("share_before", "share_after").sum(),
        )
        .sort("touched", descending=True)
        .with_columns(p=pl.lit(p, dtype=pl.Float64))
    )


def _skill(made: float, unchanged: float) -> float | None:
    return float(1.0 - made / unchanged) if unchanged > 0 else None


def _ratio(above: float, below: float) -> float | None:
    return float(above / below) if below > 0 else None


def _skill_interval(
    made: Floats, unchanged: Floats, draws: int, rng: np.random.Generator
) -> tuple[float | None, float | None]:
    if made.size < 3:
        return None, None
    pick = rng.integers(made.size, size=(draws, made.size))
    below = unchanged[pick].sum(axis=1)
    skills = 1.0 - made[pick].sum(axis=1)[below > 0] / below[below > 0]
    return _middle(skills)


def _middle(values: Floats) -> tuple[float | None, float | None]:
    if not values.size:
        return None, None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _rank_interval(
    observed: Floats,
    predicted: Floats,
    cluster: NDArray[np.int64],
    draws: int,
    rng: np.random.Generator,
) -> tuple[float | None, float | None]:
    """Interval of Spearman's correlation when whole clusters of rows are drawn."""
    size = int(cluster.max(initial=-1)) + 1
    if size < 3:
        return None, None
    drawn = rng.multinomial(size, np.full(size, 1.0 / size), size=draws).astype(np.float64)
    found = spearman_draws(observed, predicted, drawn[:, cluster])
    return _middle(found[np.isfinite(found)])


def _clusters(ranks: pl.DataFrame, keys: list[str]) -> NDArray[np.int64]:
    """Number of each row's product, or of its product and importer, from 0."""
    number = ranks.select(pl.struct(keys).rank("dense").cast(pl.Int64) - 1).to_series()
    return number.to_numpy()
