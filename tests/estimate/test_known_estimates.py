"""Estimates that are known: another program's on real trade, and our own model's."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import tradewedge as tw

FIXEST = "fixest_eu15_trade_2007_2016.parquet"


def sample(shared_dir: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(shared_dir / "data" / "gravity_estimation_samples" / name)


def test_fixest_walkthrough(shared_dir: Path) -> None:
    """Errors clustered in two dimensions give the published standard error."""
    made = tw.estimate(
        sample(shared_dir, FIXEST),
        "Euros ~ log(dist_km) | Origin + Destination + Product + Year",
        cluster=["Origin", "Destination"],
        zeros=False,
    )
    found = made.coefficients.row(0, named=True)
    assert found["estimate"] == pytest.approx(-1.52787, abs=5e-6)
    assert found["standard_error"] == pytest.approx(0.130734, abs=5e-7)
    assert made.fits.select("rows", "separated", "singletons", "converged").row(0) == (
        38325,
        0,
        0,
        True,
    )
    assert made.sigmas is None
    with pytest.raises(tw.ConfigError, match="which the formula does not have"):
        made.elasticities()


def test_distance_and_ties_in_one_year(shared_dir: Path) -> None:
    """A cross-section by names of our own: distance costs trade, ties make it."""
    raw = sample(shared_dir, "gravity_no_zeros.parquet")
    pairs = ["exporter", "importer"]
    flows = raw.select(exporter="iso_o", importer="iso_d", value="flow")
    facts = raw.select(
        exporter="iso_o",
        importer="iso_d",
        distance_km="distw",
        contiguous="contig",
        common_language="comlang_off",
        agreement="rta",
    )
    made = tw.estimate(flows, covariates=facts, zeros=False)
    assert made.formula.text == (
        "value ~ log(distance_km) + contiguous + common_language + agreement | exporter + importer"
    )
    found = dict(made.coefficients.select("term", "estimate").iter_rows())
    assert -1.2 < found["log(distance_km)"] < -0.4
    assert found["agreement"] > 0
    assert flows.select(pairs).is_unique().all()
    full = tw.estimate(flows, covariates=facts)
    lost = full.fits.row(0, named=True)
    assert lost["zeros_added"] == lost["covariate_missing"] > 0


class TestOwnModel:
    """Border values of our model fall with tariffs by sigma, given the fixed effects."""

    def test_without_noise_sigma_comes_back_exactly(self, panel: SimpleNamespace) -> None:
        made = tw.estimate(panel.flows, tariffs=panel.tariffs, by=6)
        assert made.sigmas["sigma"].to_numpy() == pytest.approx([panel.sigma] * 2, rel=1e-9)
        assert made.sigmas["product"].to_list() == ["284610", "284690"]
        dropped = dict(made.audit.select("reason", "rows").iter_rows())
        assert dropped["dropped: sales at home"] == 3 * 2 * 12

    def test_duty_paid_values_give_theta(self, panel: SimpleNamespace) -> None:
        keys = ["year", "product", "exporter", "importer"]
        rated = panel.flows.join(panel.tariffs, on=keys, how="left", maintain_order="left")
        paid = rated.with_columns(value=pl.col("value") * (1 + pl.col("rate").fill_null(0.0)))
        made = tw.estimate(paid.drop("rate"), tariffs=panel.tariffs, values="duty_paid")
        found = made.coefficients.row(0, named=True)
        assert found["estimate"] == pytest.approx(-(panel.sigma - 1), rel=1e-9)
        assert made.sigmas["sigma"].item() == pytest.approx(panel.sigma, rel=1e-9)
        low, high = made.sigmas.select("low", "high").row(0)
        assert low <= panel.sigma <= high

    def test_with_noise_it_lies_within_its_standard_errors(self, panel: SimpleNamespace) -> None:
        """Ten draws: z-scores of about unit spread, none far out."""
        scores = []
        for seed in range(10):
            made = tw.estimate(panel.noisy(seed), tariffs=panel.tariffs)
            sigma, error = made.sigmas.select("sigma", "standard_error").row(0)
            scores.append((sigma - panel.sigma) / error)
        assert np.abs(scores).max() < 3
        assert 0.4 < float(np.std(scores)) < 1.8

    def test_the_table_goes_straight_into_a_world(
        self, panel: SimpleNamespace, tmp_path: Path
    ) -> None:
        made = tw.estimate(panel.noisy(1), tariffs=panel.tariffs, by=6)
        table = made.elasticities()
        world = panel.baseline.with_elasticities(table)
        assert world.sigma.tolist() == made.sigmas["sigma"].to_list()
        assert (
            world.elasticities.sigma_standard_error.tolist()
            == made.sigmas["standard_error"].to_list()
        )
        assert world.elasticities.source[0].startswith("sigma: PPML, exporter^product^year + ")
        assert "; eta: judgement, mineral goods" in world.elasticities.source[0]
        path = tmp_path / "elasticities.csv"
        table.write_csv(path)
        assert panel.baseline.with_elasticities(path).sigma.tolist() == world.sigma.tolist()
