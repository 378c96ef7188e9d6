"""The elasticity sets that ship: sigma per product, with eta and epsilon by stated rules.

Sigma comes from ``data/elasticities/*.parquet`` (built by ``data/build/elasticities.py``), all
scalars from ``data/elasticities/sets.yaml``; the README beside them explains both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import polars as pl
import yaml

from tradewedge.codes import VINTAGES, nearest
from tradewedge.errors import ConfigError

# What the tiers of each base are, as told in `source`.
_TIERS: Final = {
    "protee": {
        1: "ProTEE 0.1 own estimate (tier 1), trimmed and shrunk",
        2: "ProTEE 0.1 HS4 average (tier 2), trimmed and shrunk",
        3: "prior (tier 3)",
    },
    "broda_weinstein": {
        1: "Broda-Weinstein 2006 median over countries, HS 3-digit group",
        2: "Broda-Weinstein 2006 median over countries, all goods",
    },
}
_BASE_VINTAGE: Final = {"protee": "HS2007", "broda_weinstein": "HS1992"}


@dataclass(frozen=True)
class ElasticitySet:
    """One named set: which base its sigma comes from, its scale and its supply elasticity."""

    name: str
    base: str
    sigma_scale: float
    sigma_note: str
    epsilon: float


@dataclass(frozen=True)
class Settings:
    """``sets.yaml``, checked.

    Attributes
    ----------
    floor : float
        Least sigma of any set.
    prior_median, prior_log_sd : float
        ln sigma ~ N(ln prior_median, prior_log_sd).
    trim : tuple of float
        Lower and upper percentile at which the estimates are capped.
    sampling_log_sd : Mapping
        Tier -> standard deviation of ln estimate around ln sigma.
    least_countries : int
        Fewest countries behind a Broda-Weinstein median.
    eta : Mapping
        Class of good ("mineral", "other") -> composite demand elasticity.
    eta_class : Mapping
        HS prefix -> class of good; the longest wins.
    sets : Mapping
        Name -> :class:`ElasticitySet`.
    """

    floor: float
    prior_median: float
    prior_log_sd: float
    trim: tuple[float, float]
    sampling_log_sd: Mapping[int, float]
    least_countries: int
    eta: Mapping[str, float]
    eta_class: Mapping[str, str]
    sets: Mapping[str, ElasticitySet]


def folder() -> Traversable:
    """Return ``data/elasticities`` as installed."""
    return files("tradewedge.data").joinpath("elasticities")


def read_settings() -> Settings:
    """Read ``sets.yaml``.

    Raises
    ------
    ConfigError
        A code in it is not a quoted prefix of 2, 4 or 6 digits.
    """
    raw: dict[str, Any] = yaml.safe_load(folder().joinpath("sets.yaml").read_text("utf-8"))
    eta_class = {}
    for kind, prefixes in raw["eta_prefixes"].items():
        for prefix in prefixes:
            if not (isinstance(prefix, str) and prefix.isdigit() and len(prefix) in (2, 4, 6)):
                raise ConfigError(
                    f"sets.yaml: eta_prefixes.{kind}: {prefix!r} must be 2, 4 or 6 quoted digits."
                )
            eta_class[prefix] = kind
    return Settings(
        floor=raw["floor"],
        prior_median=raw["protee"]["prior"]["median"],
        prior_log_sd=raw["protee"]["prior"]["log_sd"],
        trim=(raw["protee"]["trim"]["lower"], raw["protee"]["trim"]["upper"]),
        sampling_log_sd=raw["protee"]["sampling_log_sd"],
        least_countries=raw["broda_weinstein"]["least_countries"],
        eta=raw["eta"],
        eta_class=eta_class,
        sets={name: ElasticitySet(name=name, **values) for name, values in raw["sets"].items()},
    )


def elasticity_set(name: str, vintage: str) -> pl.DataFrame:
    """Return one named set for the products of one HS vintage.

    Parameters
    ----------
    name : {"short", "central", "long", "broda_weinstein"}
    vintage : str
        ``"HS1992"`` ... ``"HS2022"``.

    Returns
    -------
    DataFrame
        Sorted by product: product (HS prefix, longest wins: "" for everything, chapters of
        minerals, headings, HS6), sigma (among suppliers, of tariff-exclusive flows), eta
        (demand for the composite), epsilon (supply of each exporter), source (text),
        standard_error (of sigma; see the README for what it holds).

    Raises
    ------
    ConfigError
        Unknown set or vintage.
    """
    settings = read_settings()
    chosen = settings.sets.get(name)
    if chosen is None:
        raise ConfigError(_unknown("elasticity set", name, settings.sets))
    if vintage not in VINTAGES:
        raise ConfigError(_unknown("HS vintage", vintage, VINTAGES))
    base = read_base(chosen.base).filter(pl.col("vintage") == vintage).drop("vintage")
    rows = pl.concat([base, _headings(base), _chapters(base, settings.eta_class)])
    kind = eta_kind(rows["product"], settings.eta_class)
    scaled = pl.col("sigma") * chosen.sigma_scale
    sigma = scaled.clip(lower_bound=settings.floor)
    raised = pl.format("{}; raised to the floor of {}", "source", pl.lit(settings.floor))
    return (
        rows.with_columns(kind, source=_sigma_text(chosen))
        .with_columns(source=pl.when(scaled < settings.floor).then(raised).otherwise("source"))
        .select(
            "product",
            sigma=sigma,
            eta=pl.col("kind").replace_strict(settings.eta, return_dtype=pl.Float64),
            epsilon=pl.lit(chosen.epsilon, dtype=pl.Float64),
            source=pl.format(
                "{}; eta: judgement, {} goods; epsilon: judgement, set {}",
                "source",
                "kind",
                pl.lit(name),
            ),
            standard_error=sigma * pl.col("log_sd"),
        )
        .sort("product")
    )


def read_base(base: str) -> pl.DataFrame:
    """Read sigma of one base: vintage, product, sigma, log_sd, tier, codes, before any scale."""
    return pl.read_parquet(folder().joinpath(f"{base}.parquet").read_bytes())


def eta_kind(products: pl.Series, eta_class: Mapping[str, str]) -> pl.Series:
    """Class of good of each product by its longest prefix in ``eta_class``; default "other"."""
    longest_first = [
        pl.col("product").str.head(digits).replace_strict(eta_class, default=None)
        for digits in (6, 4, 2)
    ]
    frame = products.to_frame("product")
    return frame.select(kind=pl.coalesce(*longest_first, pl.lit("other"))).to_series()


def _headings(base: pl.DataFrame) -> pl.DataFrame:
    """HS4 rows, for worlds at that level and for codes the vintage does not know."""
    return (
        base.filter(pl.col("product").str.len_chars() == 6)
        .group_by(product=pl.col("product").str.head(4))
        .agg(
            pl.col("sigma").log().mean().exp(),
            pl.col("log_sd").mean(),
            pl.col("tier").max(),
            codes=pl.len().cast(base.schema["codes"]),
        )
        .select(base.columns)
    )


def _chapters(base: pl.DataFrame, eta_class: Mapping[str, str]) -> pl.DataFrame:
    """The default's sigma for each whole chapter of minerals, so that its eta is found too."""
    chapters = pl.DataFrame({"product": [code for code in eta_class if len(code) == 2]})
    default = base.filter(pl.col("product") == "").drop("product")
    return chapters.join(default, how="cross").select(base.columns)


def _sigma_text(chosen: ElasticitySet) -> pl.Expr:
    origin = _BASE_VINTAGE[chosen.base]
    digits = pl.col("product").str.len_chars()
    tier = pl.col("tier").replace_strict(_TIERS[chosen.base], return_dtype=pl.String)
    how = (
        pl.when(digits < 4)
        .then(pl.lit(""))
        .when(digits == 4)
        .then(pl.format("; mean in logs of {} HS6 codes, weakest tier named", "codes"))
        .when(pl.col("codes") == 0)
        .then(pl.lit(f"; no {origin} code corresponds, taken by its own digits"))
        .when(pl.col("codes") > 1)
        .then(pl.format(f"; mean in logs of {{}} {origin} codes, weakest tier named", "codes"))
        .otherwise(pl.lit(""))
    )
    note = f", {chosen.sigma_note}" if chosen.sigma_note else ""
    return pl.format("sigma: {}{}{}", tier, pl.lit(note), how)


def _unknown(what: str, given: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    close = nearest(str(given), known, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"No {what} is called {given!r}.{hint} There are: {', '.join(known)}."
