"""Build ``data/elasticities/*.parquet``.

    python -m tradewedge.data.build.elasticities SHARED_DIR [OUTPUT_DIR]

Sigma per HS6 product in every HS vintage, from two published sets that are never mixed: CEPII
ProTEE 0.1 (three tiers, trimmed, shrunk towards a prior) and Broda-Weinstein (medians).
"""

import argparse
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.codes import VINTAGES
from tradewedge.errors import DataError
from tradewedge.sources.elasticities import Settings, read_settings

HERE: Final = Path(__file__).resolve().parent.parent / "elasticities"
DEFAULT: Final = pl.DataFrame({"product": [""]})
COLUMNS: Final = ["vintage", "product", "sigma", "log_sd", "tier", "codes"]


def read_protee(path: Path) -> pl.DataFrame:
    """Read ProTEE: product (HS2007), flagged (zero or positive), sigma (> 0, null if blank).

    ProTEE gives the elasticity of import value to the power of the tariff, negative; sigma of
    tariff-exclusive flows is its absolute value.
    """
    frame = pl.read_csv(
        path,
        schema={"HS6": pl.String, "zero": pl.Int8, "positive": pl.Int8, "sigma": pl.Float64},
    ).with_row_index("line", offset=2)
    bad = frame.filter(
        ~pl.col("HS6").str.contains(r"^\d{6}$")
        | pl.col("HS6").is_duplicated()
        | (pl.col("sigma") >= 0)
        | pl.col("zero").is_null()
        | pl.col("positive").is_null()
    )
    if bad.height:
        raise DataError(f"{path}: cannot interpret line {bad['line'][0]}: {bad.row(0)}")
    return frame.select(
        product="HS6",
        flagged=(pl.col("zero") == 1) | (pl.col("positive") == 1),
        sigma=-pl.col("sigma"),
    )


def shrink(
    log_estimate: pl.Expr, sampling_log_sd: float, settings: Settings
) -> tuple[pl.Expr, float]:
    """Posterior mean and sd of ln sigma, normal prior and normal estimate."""
    prior_precision = settings.prior_log_sd**-2
    data_precision = sampling_log_sd**-2
    weight = data_precision / (data_precision + prior_precision)
    log_prior = pl.lit(settings.prior_median).log()
    mean = weight * log_estimate + (1.0 - weight) * log_prior
    return mean, float((data_precision + prior_precision) ** -0.5)


def trim_limits(protee: pl.DataFrame, settings: Settings) -> tuple[float, float]:
    """Lower and upper cap: percentiles of the tier 1 estimates."""
    first = protee.filter(~pl.col("flagged"))["sigma"].drop_nulls()
    lower, upper = (first.quantile(p / 100, interpolation="linear") for p in settings.trim)
    assert lower is not None
    assert upper is not None
    return lower, upper


def by_heading(products: pl.DataFrame, protee: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Tier 2 or 3 of each product: product, log_sigma, log_sd, tier.

    The estimate is the mean of ln sigma, trimmed, over the tier 1 rows of the product's
    heading; without any, the prior itself.
    """
    lower, upper = trim_limits(protee, settings)
    means = (
        protee.filter(~pl.col("flagged"))
        .group_by(hs4=pl.col("product").str.head(4))
        .agg(heading=pl.col("sigma").clip(lower, upper).log().mean())
    )
    mean, sd = shrink(pl.col("heading"), settings.sampling_log_sd[2], settings)
    found = pl.col("heading").is_not_null()
    return (
        products.select("product", hs4=pl.col("product").str.head(4))
        .join(means, on="hs4", how="left")
        .select(
            "product",
            log_sigma=pl.when(found).then(mean).otherwise(pl.lit(settings.prior_median).log()),
            log_sd=pl.when(found).then(sd).otherwise(settings.prior_log_sd),
            tier=pl.when(found).then(2).otherwise(3).cast(pl.UInt8),
        )
    )


def tiers(protee: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Tier and posterior of every ProTEE row: product, log_sigma, log_sd, tier.

    Tier 1: not flagged, with an estimate. Tier 2: any other product whose heading has tier 1
    rows. Tier 3: the rest.
    """
    lower, upper = trim_limits(protee, settings)
    first = protee.filter(~pl.col("flagged"), pl.col("sigma").is_not_null())
    mean, sd = shrink(
        pl.col("sigma").clip(lower, upper).log(), settings.sampling_log_sd[1], settings
    )
    own = first.select("product", log_sigma=mean, log_sd=pl.lit(sd), tier=pl.lit(1, dtype=pl.UInt8))
    rest = protee.join(first, on="product", how="anti")
    return pl.concat([own, by_heading(rest, protee, settings)]).sort("product")


def broda_weinstein(path: Path, settings: Settings) -> pl.DataFrame:
    """Medians over countries by HS0 prefix: group (3 digits, "" for all), log_sigma, log_sd, tier.

    ``log_sd`` is the standard error of the median of ln sigma: 1.2533 robust sd / sqrt(n), the
    robust sd being the interquartile range / 1.349.
    """
    frame = pl.read_csv(
        path,
        schema={
            "iso3c": pl.String,
            "HS0_3d": pl.String,
            "HS0_2d": pl.String,
            "sigma": pl.Float64,
        },
    )
    if frame.filter(pl.col("sigma") <= 1).height:
        raise DataError(f"{path}: sigma must exceed 1 everywhere.")
    log = pl.col("sigma").log()
    spread = (
        log.quantile(0.75, interpolation="linear") - log.quantile(0.25, interpolation="linear")
    ) / 1.349
    summary = [
        log.median().alias("log_sigma"),
        (1.2533 * spread / pl.len().sqrt()).alias("log_sd"),
        pl.col("iso3c").n_unique().alias("countries"),
    ]
    groups = frame.group_by(group="HS0_3d").agg(summary).with_columns(tier=pl.lit(1, pl.UInt8))
    everything = frame.select(pl.lit("").alias("group"), *summary, tier=pl.lit(2, pl.UInt8))
    return (
        pl.concat([groups, everything], how="vertical_relaxed")
        .filter(pl.col("countries") >= settings.least_countries)
        .sort("group")
    )


def by_group(products: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Give each product the row of its first three digits in ``groups``, else the row ""."""
    known = pl.col("product").str.head(3).is_in(groups["group"].implode())
    return (
        products.select(
            "product",
            group=pl.when(known).then(pl.col("product").str.head(3)).otherwise(pl.lit("")),
        )
        .join(groups, on="group", how="inner")
        .select("product", "log_sigma", "log_sd", "tier")
        .sort("product")
    )


def pairs(concordance: pl.DataFrame, origin: str, target: str) -> pl.DataFrame:
    """Which codes of ``origin`` correspond to each code of ``target``: product, origin_code.

    The file holds pairs from the later to the earlier vintage only; they are read backwards
    where the target is the earlier one.
    """
    later, earlier = max(origin, target), min(origin, target)
    rows = concordance.filter(
        pl.col("vintage_from") == later.removeprefix("HS"),
        pl.col("vintage_to") == earlier.removeprefix("HS"),
        pl.col("code_from").is_not_null(),
        pl.col("code_to").is_not_null(),
    )
    target_column = "code_from" if target == later else "code_to"
    origin_column = "code_to" if target == later else "code_from"
    return rows.select(product=target_column, origin_code=origin_column).unique()


def concord(
    base: pl.DataFrame, links: pl.DataFrame, codes: pl.DataFrame, fallback: pl.DataFrame
) -> pl.DataFrame:
    """Bring ``base`` to the products of ``codes``: mean in logs over the linked codes.

    The tier is the weakest one met, ``codes`` how many were averaged; a code without any link
    takes its row of ``fallback`` and ``codes`` = 0.
    """
    mapped = (
        links.join(base, left_on="origin_code", right_on="product", how="inner")
        .join(codes, on="product", how="semi")
        .group_by("product")
        .agg(
            pl.col("log_sigma").mean(),
            pl.col("log_sd").mean(),
            pl.col("tier").max(),
            codes=pl.len().cast(pl.UInt8),
        )
    )
    rest = (
        codes.join(mapped, on="product", how="anti")
        .join(fallback, on="product", how="left")
        .select("product", "log_sigma", "log_sd", "tier", codes=pl.lit(0, pl.UInt8))
    )
    return pl.concat([mapped, rest]).sort("product")


def build_protee(shared: Path, settings: Settings) -> pl.DataFrame:
    """Every vintage of the ProTEE base; the row "" is the prior."""
    protee = read_protee(shared / "data/trade_elasticities/ProTEE_0_1.csv")
    base = tiers(protee, settings)
    frames = []
    for vintage, codes, concordance in _vintages(shared):
        links = (
            protee.select("product", origin_code="product")
            if vintage == "HS2007"
            else pairs(concordance, "HS2007", vintage)
        )
        every = pl.concat([codes, DEFAULT])
        fallback = by_heading(every, protee, settings)
        frames.append(_finish(concord(base, links, every, fallback), vintage))
    return pl.concat(frames)


def build_broda_weinstein(shared: Path, settings: Settings) -> pl.DataFrame:
    """Every vintage of the Broda-Weinstein base; the row "" is the median of all."""
    path = shared / "data/trade_elasticities/broda_weinstein_sigma_hs0_3digit_73countries.csv"
    groups = broda_weinstein(path, settings)
    every_vintage = _vintages(shared)
    first = every_vintage[0][1]
    base = by_group(first, groups)
    frames = []
    for vintage, codes, concordance in every_vintage:
        every = pl.concat([codes, DEFAULT])
        links = (
            first.select("product", origin_code="product")
            if vintage == "HS1992"
            else pairs(concordance, "HS1992", vintage)
        )
        frames.append(_finish(concord(base, links, every, by_group(every, groups)), vintage))
    return pl.concat(frames)


def _vintages(shared: Path) -> list[tuple[str, pl.DataFrame, pl.DataFrame]]:
    """Each vintage with its HS6 codes and the concordance table."""
    folder = shared / "data/hs_nomenclature"
    texts = pl.read_csv(folder / "hs6_descriptions_all_vintages.csv.gz", infer_schema=False)
    table = pl.read_csv(folder / "hs6_concordance_all_vintages.csv.gz", infer_schema=False)
    return [
        (
            vintage,
            texts.filter(pl.col("vintage") == vintage.removeprefix("HS"))
            .select(product="code")
            .sort("product"),
            table,
        )
        for vintage in VINTAGES
    ]


def _finish(frame: pl.DataFrame, vintage: str) -> pl.DataFrame:
    """Leave logs; four decimals are far more than the estimates carry, and compress well."""
    return frame.select(
        vintage=pl.lit(vintage),
        product="product",
        sigma=pl.col("log_sigma").exp().round(4),
        log_sd=pl.col("log_sd").round(4),
        tier="tier",
        codes="codes",
    ).select(COLUMNS)


def print_audit(shared: Path, bases: dict[str, pl.DataFrame], settings: Settings) -> None:
    """Print what was read, what became of it, and what each vintage holds."""
    protee = read_protee(shared / "data/trade_elasticities/ProTEE_0_1.csv")
    tiered = tiers(protee, settings)
    count = dict(tiered.group_by("tier").len().iter_rows())
    lower, upper = trim_limits(protee, settings)
    own = protee.filter(~pl.col("flagged"), pl.col("sigma").is_not_null())["sigma"]
    print(
        f"ProTEE rows read {protee.height:,} = tier 1 {count[1]:,} + tier 2 {count[2]:,} "
        f"+ tier 3 {count[3]:,}"
    )
    print(
        f"tier 1: median {own.quantile(0.5):.2f}, sd of logs {own.log().std():.3f}; capped to "
        f"[{lower:.3f}, {upper:.3f}]: {(own < lower).sum()} below, {(own > upper).sum()} above; "
        f"sd of logs then {own.clip(lower, upper).log().std():.3f}"
    )
    with pl.Config(tbl_rows=20, tbl_cols=20, tbl_width_chars=120, tbl_hide_dataframe_shape=True):
        for name, base in bases.items():
            print(f"\n{name}")
            print(
                base.filter(pl.col("product") != "")
                .group_by("vintage")
                .agg(
                    products=pl.len(),
                    tier_1=(pl.col("tier") == 1).sum(),
                    tier_2=(pl.col("tier") == 2).sum(),
                    tier_3=(pl.col("tier") == 3).sum(),
                    averaged=(pl.col("codes") > 1).sum(),
                    unlinked=(pl.col("codes") == 0).sum(),
                    least=pl.col("sigma").min(),
                    median=pl.col("sigma").median(),
                    most=pl.col("sigma").max(),
                )
                .sort("vintage")
            )


def main() -> None:
    """Build both bases and print the audit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, help="folder that holds data/trade_elasticities")
    parser.add_argument("output", type=Path, nargs="?", default=HERE)
    arguments = parser.parse_args()
    settings = read_settings()
    bases = {
        "protee": build_protee(arguments.shared, settings),
        "broda_weinstein": build_broda_weinstein(arguments.shared, settings),
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, base in bases.items():
        base.write_parquet(
            arguments.output / f"{name}.parquet", compression="zstd", compression_level=19
        )
    print_audit(arguments.shared, bases, settings)


if __name__ == "__main__":
    main()
