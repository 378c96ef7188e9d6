"""What an estimation rests on: zeros, tariffs, groups, and the rows it cannot use."""

from types import SimpleNamespace

import polars as pl
import pytest

import tradewedge as tw

YEAR = ["year", "product", "exporter", "importer"]


def test_pairs_that_stop_trading_count_as_zeros(panel: SimpleNamespace) -> None:
    gone = (pl.col("exporter") == "CHN") & (pl.col("importer") == "USA") & (pl.col("year") == 2019)
    never = (pl.col("exporter") == "CHN") & (pl.col("importer") == "CAN")
    flows = panel.flows.filter(~gone & ~never)
    made = tw.estimate(flows, tariffs=panel.tariffs).fits.row(0, named=True)
    assert made["zeros_added"] == 2  # two products; the pair that never trades would fit zero
    assert made["rows"] == made["flows"] + 2
    plain = tw.estimate(flows, tariffs=panel.tariffs, zeros=False).fits.row(0, named=True)
    assert plain["rows"] == plain["flows"]


def test_without_pair_effects_all_pairs_count(panel: SimpleNamespace) -> None:
    never = (pl.col("exporter") == "CHN") & (pl.col("importer") == "CAN")
    flows = panel.flows.filter(~never)
    text = "value ~ log(1 + tariff) | exporter^product^year + importer^product^year"
    for effects in ("", " + exporter^importer"):
        made = tw.estimate(flows, text + effects, tariffs=panel.tariffs)
        assert made.fits["zeros_added"].item() == 2 * 3


def test_unknown_tariffs_are_not_zero(panel: SimpleNamespace) -> None:
    known = panel.tariffs.filter(pl.col("importer") != "USA")
    made = tw.estimate(panel.flows, tariffs=known)
    assert made.fits["tariff_unknown"].item() == 2 * 3 * (len(panel.baseline.countries) - 1)
    assert made.sigmas["sigma"].item() == pytest.approx(panel.sigma, rel=1e-8)
    wrong = tw.estimate(panel.flows, tariffs=known, tariff_importers=["*"])
    assert wrong.fits["tariff_unknown"].item() == 0
    assert wrong.sigmas["sigma"].item() != pytest.approx(panel.sigma, rel=1e-3)


def test_a_year_without_tariffs_is_left_out(panel: SimpleNamespace) -> None:
    made = tw.estimate(panel.flows, tariffs=panel.tariffs.filter(pl.col("year") != 2020))
    assert made.fits["tariff_unknown"].item() == made.fits["flows"].item() / 3


def test_rates_for_everybody_else_and_several_authorities(panel: SimpleNamespace) -> None:
    """A most-favoured-nation rate on all changes nothing: importer-year effects absorb it."""
    keys = panel.tariffs.select("year", "product", "importer").unique()
    mfn = keys.with_columns(exporter=pl.lit("*"), rate=pl.lit(0.05), authority=pl.lit("MFN"))
    own = panel.tariffs.with_columns(authority=pl.lit("more"))
    both = pl.concat([own, mfn.select(own.columns)])
    plain = tw.estimate(
        panel.flows,
        "value ~ tariff | exporter^product^year + "
        "importer^product^year + exporter^importer^product",
        tariffs=own,
    )
    stacked = tw.estimate(panel.flows, plain.formula.text, tariffs=both)
    for name in ("estimate", "standard_error"):
        assert stacked.coefficients[name].item() == pytest.approx(
            plain.coefficients[name].item(), rel=1e-6
        )
    assert plain.sigmas is None  # a semi-elasticity is no sigma


def test_groups(panel: SimpleNamespace) -> None:
    one = tw.estimate(panel.flows, tariffs=panel.tariffs, by=["28", "284690"])
    assert one.sigmas["product"].to_list() == ["28", "284690"]
    assert one.fits["flows"].n_unique() == 1
    none = tw.estimate(panel.flows, tariffs=panel.tariffs, by=["284610"])
    dropped = dict(none.audit.select("reason", "rows").iter_rows())
    assert dropped["dropped: product not asked for"] == none.fits["flows"].item()
    with pytest.raises(tw.DataError, match="no row is left"):
        tw.estimate(panel.flows, tariffs=panel.tariffs, by=["85"])


def test_what_may_not_be_used_says_why(panel: SimpleNamespace) -> None:
    """Trade that rises with its tariff, and tariffs that never change."""
    rated = panel.flows.join(panel.tariffs, on=YEAR, how="left", maintain_order="left")
    odd = pl.when(pl.col("product") == "284690").then((1 + pl.col("rate").fill_null(0)) ** 9)
    flows = rated.with_columns(value=pl.col("value") * odd.otherwise(1.0)).drop("rate")
    made = tw.estimate(flows, tariffs=panel.tariffs, by=6)
    told = made.sigmas.row(1, named=True)
    assert told["sigma"] == pytest.approx(panel.sigma - 9)
    assert (told["used"], told["reason"]) == (False, "wrong sign: trade rises with the tariff")
    table = made.elasticities()
    world = panel.baseline.with_elasticities(table)
    assert world.sigma[0] == pytest.approx(panel.sigma)
    assert "ProTEE" in world.elasticities.source[1]
    still = panel.tariffs.filter(pl.col("year") == 2018).drop("year")
    fixed = tw.estimate(panel.flows, tariffs=still).sigmas.row(0, named=True)
    assert fixed["reason"] == "the fixed effects absorb it, or another covariate does"
    assert fixed["sigma"] is None
    noise = tw.estimate(panel.noisy(0, spread=3.0), tariffs=panel.tariffs, significance=1e-9)
    assert noise.sigmas["reason"].item().startswith("not significant at ")


def test_few_clusters_are_mentioned(panel: SimpleNamespace) -> None:
    made = tw.estimate(panel.noisy(0), tariffs=panel.tariffs, cluster=["exporter", "importer"])
    assert made.sigmas["used"].item()
    assert made.sigmas["reason"].item() == f"few clusters ({len(panel.baseline.countries)})"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"by": 3}, "by=3: HS codes"),
        ({"values": "cif"}, "values='cif': say border"),
        ({"significance": 5.0}, "significance is between"),
        ({"cluster": ["exporter", "importer", "year"]}, "cluster: 3 dimensions"),
        ({"cluster": "pair"}, "flows have no column 'pair'"),
        ({"formula": "value ~ log(1 + tarif) | exporter"}, "nearest: tariff"),
        ({"formula": "value ~ log(distance) | exporter"}, "no table has the column 'distance'"),
    ],
)
def test_what_cannot_be_asked(
    said: dict[str, object], message: str, panel: SimpleNamespace
) -> None:
    with pytest.raises(tw.ConfigError, match=message):
        tw.estimate(panel.flows, **({"tariffs": panel.tariffs} | said))


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("flows", {"value": -1.0}, "flows: value is below 0"),
        ("flows", {"value": "much"}, "flows: value must be numbers"),
        ("flows", {"product": 284690}, "flows: column 'product' is Int"),
        ("tariffs", {"rate": -1.5}, "tariffs: rate is not above -1"),
        ("tariffs", {"rate": None}, "tariffs: rate is missing"),
        ("tariffs", {"exporter": "*"}, "tariffs: .* rows share their key"),
    ],
)
def test_bad_tables(
    table: str, change: dict[str, object], message: str, panel: SimpleNamespace
) -> None:
    given = {"flows": panel.flows, "tariffs": panel.tariffs}
    given[table] = given[table].with_columns(**{k: pl.lit(v) for k, v in change.items()})
    with pytest.raises(tw.DataError, match=message):
        tw.estimate(given["flows"], tariffs=given["tariffs"])


def test_zeros_need_their_covariates(panel: SimpleNamespace) -> None:
    flows = panel.flows.with_columns(tariff=pl.lit(0.1))
    with pytest.raises(tw.ConfigError, match=r"zeros: flows bring tariff along.*zeros=false"):
        tw.estimate(flows)
