"""The minerals world: what must hold of the shipped tables, and that they tie to the source."""

import math
from pathlib import Path

import polars as pl
import pytest

from tradewedge import codes, sources
from tradewedge.data.build import minerals, minerals_lines, minerals_production, minerals_tariffs
from tradewedge.errors import DataError
from tradewedge.sources import embedded

YEARS = (2022, 2023)
KEY = ["product", "exporter", "importer"]
RARE_EARTHS = ["280530", "284610", "284690"]


@pytest.fixture(scope="module", params=YEARS)
def tables(request: pytest.FixtureRequest) -> embedded.EmbeddedTables:
    """The shipped tables of each year."""
    return sources.tables("minerals", request.param)


def rate(product: str, exporter: str, year: int) -> float:
    """The stacked US baseline rate of a flow."""
    tariffs = sources.tables("minerals", year).tariffs
    rows = tariffs.filter((pl.col("product") == product) & (pl.col("exporter") == exporter))
    assert not rows.is_empty()
    return float(rows["rate"].sum())


# What must hold of the shipped tables.


def test_flows_are_sorted_unique_and_positive(tables: embedded.EmbeddedTables) -> None:
    flows = tables.flows
    assert flows.select(KEY).is_unique().all()
    assert flows.select(KEY).equals(flows.select(KEY).sort(KEY))
    assert (flows["value"] > 0).all()
    assert (flows["quantity"].drop_nulls() > 0).all()
    assert (flows["exporter"] != flows["importer"]).all()


def test_codes_are_known(tables: embedded.EmbeddedTables) -> None:
    known = codes.countries().filter(pl.col("kind") == "country")["iso3"]
    seen = pl.concat([tables.flows["exporter"], tables.flows["importer"]]).unique()
    assert set(seen) <= set(known)
    assert 210 <= len(seen) <= 225
    assert "TWN" in set(seen)
    assert set(tables.products["product"]) <= set(codes.products("HS1992")["product"])


def test_fuels_and_gold_are_out_and_the_rest_is_in(tables: embedded.EmbeddedTables) -> None:
    products = tables.products["product"]
    assert products.len() == 62
    assert not products.str.starts_with("27").any()
    assert "710812" not in set(products)
    assert set(tables.flows["product"]) == set(products)


def test_every_us_import_has_its_duties_and_nothing_else_has(
    tables: embedded.EmbeddedTables,
) -> None:
    tariffs = tables.tariffs
    assert tables.meta["tariff_importers"] == {"USA"}
    assert set(tariffs["authority"]) == {"MFN", "Section 232", "Section 301 China"}
    assert tariffs.select([*KEY, "authority"]).is_unique().all()
    assert tariffs["rate"].is_between(0, 0.8).all()
    into = tables.flows.filter(pl.col("importer") == "USA").select(KEY)
    for authority, of in {
        "MFN": pl.lit(True),
        "Section 301 China": pl.col("exporter") == "CHN",
        "Section 232": pl.col("product") == "760110",
    }.items():
        rows = tariffs.filter(pl.col("authority") == authority).select(KEY)
        assert rows.sort(KEY).equals(into.filter(of).sort(KEY))


def test_weights_add_up_and_say_where_they_come_from() -> None:
    weights = sources.extra_table("minerals", "tariff_weights")
    totals = weights.group_by("product", "partner").agg(pl.col("weight").sum())
    assert totals["weight"].is_between(1 - 1e-9, 1 + 1e-9).all()
    assert weights.filter(pl.col("partner") == "*")["product"].n_unique() == 62
    assert weights["source"].null_count() == 0


def test_home_sales_are_positive_and_sourced(tables: embedded.EmbeddedTables) -> None:
    home = tables.home_sales
    assert home.select("product", "country").is_unique().all()
    assert (home["value"] > 0).all()
    assert (home["quantity"] > 0).all()
    assert home["source"].null_count() == 0
    value = home["quantity"] * home["usd_per_ton"] / 1000
    assert ((value / home["value"] - 1).abs() < 1e-12).all()


def test_home_sales_exist_only_where_the_mapping_says_so(tables: embedded.EmbeddedTables) -> None:
    path = embedded.data_root().joinpath("minerals", "home_mapping.csv")
    mapping = pl.read_csv(path.read_bytes(), infer_schema=False)
    assert set(mapping["product"]) == set(tables.products["product"])
    used = mapping.filter(pl.col("used") == "yes")
    assert set(tables.home_sales["product"]) <= set(used["product"])
    gaps = mapping.filter(pl.col("used") != "yes")
    assert gaps["note"].null_count() == 0


def test_home_audit_accounts_for_every_row(tables: embedded.EmbeddedTables) -> None:
    audit = sources.extra_table("minerals", "home_audit").filter(
        pl.col("year") == tables.meta["year"]
    )
    sold = audit.filter(pl.col("outcome") == "home sales")
    home = tables.home_sales
    assert sold.height == home.height
    assert math.isclose(sold["home"].sum(), home["quantity"].sum(), rel_tol=1e-12)
    own = sold.drop_nulls("production")
    assert ((own["production"] - own["exports"] - own["home"]).abs() < 1e-6).all()
    # World Mining Data keeps its own terms: no production figure of it may ship.
    borrowed = audit.filter(pl.col("source").str.contains("World Mining Data"))
    assert borrowed["production"].null_count() == borrowed.height


def test_the_audit_ties(tables: embedded.EmbeddedTables) -> None:
    year = tables.meta["year"]
    audit = sources.extra_table("minerals", "audit").filter(pl.col("year") == year)
    read, dropped, kept = (
        audit.filter(pl.col("step") == step).select("rows", "value").sum().row(0)
        for step in ("read", "dropped", "kept")
    )
    assert read[0] == dropped[0] + kept[0]
    assert math.isclose(read[1], dropped[1] + kept[1], rel_tol=1e-12)
    assert kept[0] == tables.flows.height
    assert math.isclose(kept[1], tables.flows["value"].sum(), rel_tol=1e-12)


# Figures known from elsewhere.


def test_us_rare_earth_imports_match_the_usgs() -> None:
    """USGS MCS 2026, by tons, 2021-24: China 71 %, Malaysia 13 %, Japan 5 %, Estonia 5 %."""
    flows = pl.concat([sources.tables("minerals", year).flows for year in YEARS])
    us = flows.filter((pl.col("importer") == "USA") & pl.col("product").is_in(RARE_EARTHS))
    tons = dict(us.group_by("exporter").agg(pl.col("quantity").sum()).iter_rows())
    total = sum(tons.values())
    assert tons["CHN"] / total == pytest.approx(0.756, abs=0.001)
    assert tons["MYS"] / total == pytest.approx(0.137, abs=0.001)
    assert 0.03 < tons["JPN"] / total < 0.06
    assert 0.03 < tons["EST"] / total < 0.06
    value = dict(us.group_by("exporter").agg(pl.col("value").sum()).iter_rows())
    assert value["CHN"] / sum(value.values()) == pytest.approx(0.619, abs=0.001)


def test_chinese_rare_earths_are_mostly_used_at_home() -> None:
    """210 and 255 kt REO mined, 96 % of it separated, some 40 kt of compounds exported."""
    for year, mined in ((2022, 210e3), (2023, 255e3)):
        tables = sources.tables("minerals", year)
        home = tables.home_sales.filter(pl.col("product").is_in(["284610", "284690"]))
        assert set(home["country"]) == {"CHN"}
        sold_abroad = tables.flows.filter(
            (pl.col("exporter") == "CHN") & pl.col("product").is_in(["284610", "284690"])
        )["quantity"].sum()
        assert home["quantity"].sum() + sold_abroad == pytest.approx(0.956 * mined, rel=0.001)


@pytest.mark.parametrize(
    ("product", "exporter", "year", "expected"),
    [
        ("284610", "JPN", 2023, 0.055),  # MFN
        ("284610", "CHN", 2023, 0.055),  # rare earths are on no Section 301 list
        ("283691", "CHL", 2023, 0.0),  # free-trade agreement
        ("283691", "ARG", 2023, 0.037),  # GSP has lapsed
        ("283691", "CHN", 2022, 0.037 + 0.25),  # list 3
        ("250410", "CHN", 2023, 0.0),  # graphite: Section 301 from 2026 only
        ("810110", "CHN", 2023, 0.07),  # tungsten powders: from September 2024 only
        ("720292", "ZAF", 2022, 0.042),  # A+ only: not for South Africa
        ("282530", "ZAF", 2022, 0.0),  # AGOA
        ("282530", "RUS", 2022, 0.055 * 98 / 365 + 0.40 * 267 / 365),  # column 2 from 9 April
        ("284610", "RUS", 2023, 0.35),  # column 2
    ],
)
def test_known_duties(product: str, exporter: str, year: int, expected: float) -> None:
    assert rate(product, exporter, year) == pytest.approx(expected, abs=1e-12)


def test_aluminium_pays_section_232_where_no_quota_frees_it() -> None:
    assert rate("760110", "ARE", 2023) >= 0.10
    for country in ("CAN", "AUS", "ARG", "FRA", "GBR"):
        assert rate("760110", country, 2023) < 0.03
    assert 0.10 * 151 / 365 <= rate("760110", "GBR", 2022) < 0.07


def test_our_rates_come_near_what_customs_charged_in_2024() -> None:
    check = sources.extra_table("minerals", "tariff_check_2024")
    odd = (pl.col("product") == "760110") | (
        (pl.col("product") == "283691") & (pl.col("partner") == "ARG")
    )
    rest = check.filter(~odd)
    assert rest["duty_here_usd"].sum() == pytest.approx(rest["duty_usd"].sum(), rel=0.07)


# The build's readers of rates and figures.


@pytest.mark.parametrize(
    ("text", "ad_valorem", "usd_per_ton"),
    [
        ("Free", 0.0, 0.0),
        ("3.7%", 0.037, 0.0),
        ("$1.25/t", 0.0, 1.25),
        ("3.6¢/kg", 0.0, 36.0),
        ("49¢/t", 0.0, 0.49),
        ("$1.10/kg on tungsten content", 0.0, 550.0),
        ("8.8¢/kg on copper content + 3.3¢/kg on lead content", 0.0, 88 * 0.25 + 33 * 0.1),
    ],
)
def test_rates_are_read_as_printed(text: str, ad_valorem: float, usd_per_ton: float) -> None:
    contents = {"tungsten": 0.5, "copper": 0.25, "lead": 0.1}
    read = minerals_lines.parse_rate(text, contents)
    assert read.ad_valorem == pytest.approx(ad_valorem)
    assert read.usd_per_ton == pytest.approx(usd_per_ton)


@pytest.mark.parametrize("text", ["3.7", "$3¢/kg", "1¢/kg on lead content", "see 9903.88"])
def test_rates_that_cannot_be_read_are_errors(text: str) -> None:
    with pytest.raises(DataError, match="rate of duty"):
        minerals_lines.parse_rate(text, {})


def test_days_in_force() -> None:
    assert minerals_tariffs.days_in_force("1990-01-01", 2022) == 1
    assert minerals_tariffs.days_in_force("2022-04-09", 2022) == pytest.approx(267 / 365)
    assert minerals_tariffs.days_in_force("2024-01-01", 2023) == 0


@pytest.mark.parametrize("text", ["W", "NA", "—", "<100,000", ">50", "", None])
def test_figures_that_are_no_numbers_are_not_guessed(text: str | None) -> None:
    assert minerals_production.number(text) is None


def test_figures_with_thousands_commas_are_read() -> None:
    assert minerals_production.number("1,130") == 1130


# Against the originals.


def test_totals_tie_to_the_source(shared_dir: Path, tables: embedded.EmbeddedTables) -> None:
    year = tables.meta["year"]
    source = pl.read_parquet(shared_dir / "data/baci_hs92_minerals/trade_2018_2024.parquet").filter(
        (pl.col("t") == year) & ~pl.col("k").is_between(270000, 279999) & (pl.col("k") != 710812)
    )
    assert source.height == tables.flows.height
    theirs = source.group_by(product=pl.col("k").cast(pl.String)).agg(
        pl.col("v").sum(), pl.col("q").sum()
    )
    ours = tables.flows.group_by("product").agg(pl.col("value").sum(), pl.col("quantity").sum())
    both = ours.join(theirs, on="product", how="full")
    assert both["v"].null_count() == both["value"].null_count() == 0
    assert ((both["value"] / both["v"] - 1).abs() < 1e-12).all()
    assert ((both["quantity"] / both["q"] - 1).abs() < 1e-12).all()


def test_the_build_gives_the_shipped_tables(shared_dir: Path, tmp_path: Path) -> None:
    minerals.build(shared_dir, tmp_path)
    shipped = embedded.data_root().joinpath("minerals")
    written = sorted(tmp_path.glob("*.parquet"))
    assert {path.name for path in written} == {
        file.name for file in shipped.iterdir() if file.name.endswith(".parquet")
    }
    for path in written:
        built = pl.read_parquet(path)
        kept = pl.read_parquet(shipped.joinpath(path.name).read_bytes())
        assert built.schema == kept.schema
        for name in built.columns:
            if built.schema[name] == pl.Float64:
                apart = (built[name] - kept[name]).abs() / kept[name].abs().clip(lower_bound=1e-9)
                assert built[name].null_count() == kept[name].null_count()
                assert (apart.drop_nulls() < 1e-9).all(), (path.name, name)
            else:
                assert built[name].equals(kept[name]), (path.name, name)
