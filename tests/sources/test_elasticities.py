"""The elasticity sets: coverage, known codes, tiers that tie, shrinkage, eta classes."""

import math
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.codes import VINTAGES
from tradewedge.data.build import elasticities as build
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources.elasticities import (
    elasticity_set,
    eta_kind,
    read_base,
    read_settings,
)

SETTINGS = read_settings()
HS6_CODES = {
    "HS1992": 5041,
    "HS1996": 5134,
    "HS2002": 5226,
    "HS2007": 5053,
    "HS2012": 5206,
    "HS2017": 5388,
    "HS2022": 5613,
}


def row(name: str, product: str, vintage: str = "HS2022") -> dict[str, object]:
    found = elasticity_set(name, vintage).filter(pl.col("product") == product)
    return found.row(0, named=True)


def test_names() -> None:
    assert tuple(read_settings().sets) == ("short", "central", "long", "broda_weinstein")


@pytest.mark.parametrize("vintage", VINTAGES)
@pytest.mark.parametrize("name", read_settings().sets)
def test_every_set_covers_every_vintage(name: str, vintage: str) -> None:
    table = elasticity_set(name, vintage)
    assert table.columns == ["product", "sigma", "eta", "epsilon", "source", "standard_error"]
    assert table["product"].is_sorted()
    assert table["product"].is_unique().all()
    digits = table["product"].str.len_chars()
    assert set(digits) <= {0, 2, 4, 6}
    assert (digits == 6).sum() == HS6_CODES[vintage]
    assert (digits == 0).sum() == 1
    assert table.null_count().sum_horizontal().item() == 0
    assert table["sigma"].min() >= SETTINGS.floor == 1.1
    assert table["sigma"].is_finite().all()
    assert set(table["eta"]) == {0.3, 1.0}
    assert table["epsilon"].n_unique() == 1
    assert (table["standard_error"] > 0).all()
    assert table["source"].str.contains("^sigma: .*; eta: judgement.*; epsilon: judgement").all()


def test_default_row_holds_the_prior() -> None:
    assert row("central", "")["sigma"] == 6.0
    assert row("short", "")["sigma"] == pytest.approx(6.0 * 0.38)


def test_epsilon_and_scale_of_the_sets() -> None:
    central, short, long = (elasticity_set(n, "HS2022") for n in ("central", "short", "long"))
    assert (short["epsilon"][0], central["epsilon"][0], long["epsilon"][0]) == (0.3, 1.0, 3.0)
    assert long["sigma"].equals(central["sigma"])
    assert (short["sigma"] - 0.38 * central["sigma"]).abs().max() < 1e-12
    assert SETTINGS.sets["short"].sigma_scale == (0.76 / 2.0)


@pytest.mark.parametrize(
    ("product", "estimate", "sigma", "eta"),
    [
        ("250410", 17.281469, 10.1828, 0.3),
        ("283691", 21.22226, 11.2842, 0.3),
        ("284690", 17.350315, 10.2030, 0.3),
        ("270900", 12.554918, 8.6792, 0.3),
    ],
)
def test_own_estimates(product: str, estimate: float, sigma: float, eta: float) -> None:
    found = row("central", product)
    assert found["sigma"] == pytest.approx(math.sqrt(6.0 * estimate), abs=1e-4)
    assert found["sigma"] == pytest.approx(sigma, abs=1e-3)
    assert found["eta"] == eta
    assert "own estimate (tier 1)" in str(found["source"])
    assert found["standard_error"] == pytest.approx(0.3536 * sigma, rel=1e-3)


def test_flagged_codes_take_their_heading() -> None:
    for product, sigma, eta in [("850511", 6.0499, 1.0), ("811292", 7.9831, 0.3)]:
        found = row("central", product)
        assert found["sigma"] == pytest.approx(sigma, abs=1e-3)
        assert found["eta"] == eta
        assert "HS4 average (tier 2)" in str(found["source"])


def test_codes_without_any_estimate_take_the_prior() -> None:
    found = row("central", "280530")
    assert found["sigma"] == 6.0
    assert "prior (tier 3)" in str(found["source"])


def test_large_estimates_are_capped() -> None:
    assert row("central", "740311")["sigma"] == pytest.approx(math.sqrt(6 * 33.8623), abs=1e-3)
    assert elasticity_set("central", "HS2022")["sigma"].max() == row("central", "740311")["sigma"]


def test_broda_weinstein_is_never_mixed_in() -> None:
    for name in ("short", "central", "long"):
        assert not elasticity_set(name, "HS2012")["source"].str.contains("Broda").any()
    own = elasticity_set("broda_weinstein", "HS2012")
    assert not own["source"].str.contains("ProTEE|prior").any()
    assert own["sigma"].max() < 8
    assert row("broda_weinstein", "910111")["sigma"] == row("broda_weinstein", "")["sigma"]


def test_source_tells_what_was_averaged() -> None:
    assert "mean in logs of 3 HS2007 codes" in str(row("central", "811291", "HS1992")["source"])
    assert "no HS2007 code corresponds" in str(row("central", "010120", "HS1992")["source"])


def test_headings_are_log_means_of_their_codes() -> None:
    table = elasticity_set("central", "HS2017")
    codes = table.filter(pl.col("product").str.contains("^2846..$"))
    assert row("central", "2846", "HS2017")["sigma"] == pytest.approx(
        math.exp(codes["sigma"].log().mean())
    )


@pytest.mark.parametrize(
    ("product", "kind"),
    [
        ("260300", "mineral"),
        ("252329", "mineral"),
        ("271600", "other"),
        ("282510", "other"),
        ("282520", "mineral"),
        ("280461", "mineral"),
        ("280430", "other"),
        ("720293", "mineral"),
        ("720851", "other"),
        ("740311", "mineral"),
        ("740811", "other"),
        ("811292", "mineral"),
        ("811300", "other"),
        ("710812", "mineral"),
        ("711319", "other"),
        ("8103", "mineral"),
        ("28", "other"),
        ("26", "mineral"),
        ("", "other"),
    ],
)
def test_what_counts_as_mineral(product: str, kind: str) -> None:
    assert eta_kind(pl.Series([product]), SETTINGS.eta_class).to_list() == [kind]


def test_every_mineral_prefix_matches_a_code() -> None:
    """A prefix that no vintage knows is a slip of the pen."""
    products = read_base("protee")["product"].unique()
    for prefix in SETTINGS.eta_class:
        assert products.str.starts_with(prefix).any(), prefix


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'centrl'\. Did you mean 'central'\? There are: short"):
        elasticity_set("centrl", "HS2022")
    with pytest.raises(ConfigError, match=r"HS vintage.*Did you mean 'HS2022'"):
        elasticity_set("central", "2022")


def test_shipped_files_are_small() -> None:
    folder = files("tradewedge.data").joinpath("elasticities")
    sizes = [len(path.read_bytes()) for path in folder.iterdir() if path.is_file()]
    assert sum(sizes) < 400_000


@given(st.floats(0.01, 200.0), st.floats(0.05, 3.0))
def test_shrinking_lands_between_estimate_and_prior(estimate: float, sampling_sd: float) -> None:
    frame = pl.DataFrame({"x": [math.log(estimate)]})
    mean, sd = build.shrink(pl.col("x"), sampling_sd, SETTINGS)
    posterior = frame.select(mean).item()
    prior = math.log(SETTINGS.prior_median)
    low, high = sorted([math.log(estimate), prior])
    assert low - 1e-12 <= posterior <= high + 1e-12
    assert 0 < sd < min(sampling_sd, SETTINGS.prior_log_sd)


@given(st.floats(0.05, 3.0), st.floats(1.01, 4.0))
def test_noisier_estimates_are_shrunk_more(sampling_sd: float, factor: float) -> None:
    frame = pl.DataFrame({"x": [math.log(20.0)]})
    near, _ = build.shrink(pl.col("x"), sampling_sd, SETTINGS)
    far, _ = build.shrink(pl.col("x"), sampling_sd * factor, SETTINGS)
    assert frame.select(far).item() < frame.select(near).item()


def test_concord_averages_links_and_falls_back() -> None:
    base = pl.DataFrame(
        {"product": ["100000", "200000"], "log_sigma": [1.0, 3.0], "log_sd": [0.2, 0.4]}
    ).with_columns(tier=pl.Series([1, 2], dtype=pl.UInt8))
    links = pl.DataFrame({"product": ["a", "a", "b"], "origin_code": ["100000", "200000", "x"]})
    codes = pl.DataFrame({"product": ["a", "b"]})
    fallback = codes.with_columns(log_sigma=9.0, log_sd=0.5, tier=pl.lit(3, dtype=pl.UInt8))
    made = build.concord(base, links, codes, fallback)
    assert made.rows() == [("a", 2.0, pytest.approx(0.3), 2, 2), ("b", 9.0, 0.5, 3, 0)]


def test_tiers_tie_to_the_source(shared_dir: Path) -> None:
    protee = build.read_protee(shared_dir / "data/trade_elasticities/ProTEE_0_1.csv")
    tiers = build.tiers(protee, SETTINGS)
    assert protee.height == tiers.height == 5050
    assert tiers["product"].equals(protee["product"].sort())
    assert dict(tiers.group_by("tier").len().iter_rows()) == {1: 3044, 2: 1522, 3: 484}
    assert build.trim_limits(protee, SETTINGS) == pytest.approx((1.84006, 33.8623), abs=1e-4)


def test_cepii_fills_flagged_rows_with_the_mean_of_their_heading(shared_dir: Path) -> None:
    """Our reading of the two flags: the file itself bears it out."""
    protee = build.read_protee(shared_dir / "data/trade_elasticities/ProTEE_0_1.csv").with_columns(
        hs4=pl.col("product").str.head(4)
    )
    means = (
        protee.filter(~pl.col("flagged"))
        .group_by("hs4")
        .agg(mean=pl.col("sigma").mean())
        .drop_nulls()
    )
    filled = protee.filter(pl.col("flagged"), pl.col("sigma").is_not_null())
    both = filled.join(means, on="hs4", how="inner")
    assert both.height == filled.height == 1522
    assert (both["sigma"] - both["mean"]).abs().max() < 1e-5


def test_sampling_sd_of_tier_1_is_what_moments_suggest(shared_dir: Path) -> None:
    protee = build.read_protee(shared_dir / "data/trade_elasticities/ProTEE_0_1.csv")
    lower, upper = build.trim_limits(protee, SETTINGS)
    own = protee.filter(~pl.col("flagged"))["sigma"].drop_nulls()
    by_moments = [
        math.sqrt(series.log().var() - SETTINGS.prior_log_sd**2)
        for series in (own.clip(lower, upper), own)
    ]
    assert by_moments[0] < SETTINGS.sampling_log_sd[1] < by_moments[1]


def test_rebuild_gives_what_ships(shared_dir: Path) -> None:
    assert build.build_protee(shared_dir, SETTINGS).equals(read_base("protee"))
    built = build.build_broda_weinstein(shared_dir, SETTINGS)
    assert built.equals(read_base("broda_weinstein"))


def test_bad_lines_of_protee_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "protee.csv"
    for line in ("010110,0,0,5.0", "10110,0,0,-5.0", "010110,,0,-5.0"):
        path.write_text(f"HS6,zero,positive,sigma\n{line}\n", encoding="utf-8")
        with pytest.raises(DataError, match="cannot interpret line 2"):
            build.read_protee(path)


def test_a_raised_sigma_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    high = replace(SETTINGS, floor=2.0)
    monkeypatch.setattr("tradewedge.sources.elasticities.read_settings", lambda: high)
    table = elasticity_set("short", "HS2022")
    raised = table.filter(pl.col("source").str.contains("; raised to the floor of 2.0; eta: "))
    assert set(raised["sigma"]) == {2.0}
    assert table.filter(pl.col("sigma") == 2.0).height == raised.height > 0
