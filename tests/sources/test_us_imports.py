"""The us_imports world ties to the Census file and holds known figures."""

from pathlib import Path

import polars as pl
import pytest

from tradewedge.data.build import us_home_share, us_imports
from tradewedge.errors import DataError
from tradewedge.sources.embedded import EmbeddedTables, extra_table, tables

READ_VALUE, READ_DUTY = 3_216_961_412_233, 75_828_780_300
KEPT_VALUE, KEPT_DUTY = 3_084_175_358_021, 75_623_944_140


@pytest.fixture(scope="module")
def world() -> EmbeddedTables:
    return tables("us_imports")


@pytest.fixture(scope="module")
def census(shared_dir: Path) -> pl.DataFrame:
    return us_imports.read_census(
        shared_dir
        / "data/us_imports_2024_hs10/us_imports_for_consumption_2024_by_country_hs10.parquet"
    )


def imports_of(world: EmbeddedTables, product: str) -> dict[str, float]:
    rows = world.flows.filter(pl.col("product") == product)
    return dict(rows.select("exporter", "value").iter_rows())


def test_shape(world: EmbeddedTables) -> None:
    assert world.flows.height == 87_675
    assert world.flows["product"].n_unique() == 5_478
    assert world.flows["exporter"].n_unique() == 50
    assert world.flows["importer"].unique().to_list() == ["USA"]
    assert world.flows["value"].min() > 0
    assert world.flows["quantity"].null_count() == world.flows.height
    assert not world.flows["product"].str.head(2).is_in(["98", "99"]).any()
    assert "SVK" not in set(world.flows["exporter"])
    assert world.flows.select("product", "exporter").is_duplicated().sum() == 0


def test_totals(world: EmbeddedTables) -> None:
    assert world.flows["value"].sum() * 1000 == pytest.approx(KEPT_VALUE, rel=1e-13)
    paid = world.tariffs.join(world.flows, on=["product", "exporter", "importer"])
    assert paid.height == world.tariffs.height
    duty = (paid["rate"] * paid["value"]).sum() * 1000
    assert duty == pytest.approx(KEPT_DUTY, rel=1e-12)


def test_audit_adds_up() -> None:
    audit = extra_table("us_imports", "audit").filter(pl.col("step") == "lines")
    read = audit.filter(pl.col("reason") == "read").row(0, named=True)
    parts = audit.filter(pl.col("reason") != "read")
    assert (read["rows"], read["value_usd"], read["duty_usd"]) == (209_616, READ_VALUE, READ_DUTY)
    for column in ("rows", "value_usd", "duty_usd"):
        assert parts[column].sum() == read[column]
    slovakia = parts.filter(pl.col("reason").str.contains("Slovakia")).row(0, named=True)
    assert read["value_usd"] - slovakia["value_usd"] == 3_208_820_074_369
    assert read["duty_usd"] - slovakia["duty_usd"] == 75_631_629_940


def test_permanent_magnets_and_lithium_cells(world: EmbeddedTables) -> None:
    magnets = imports_of(world, "850511")
    assert sum(magnets.values()) == pytest.approx(453.0e3, rel=1e-3)
    assert magnets["CHN"] / sum(magnets.values()) == pytest.approx(0.7605, abs=1e-4)
    cells = imports_of(world, "850760")
    assert sum(cells.values()) == pytest.approx(22.2e6, rel=5e-3)
    assert cells["CHN"] / sum(cells.values()) == pytest.approx(0.705, abs=5e-4)


def test_rates(world: EmbeddedTables) -> None:
    rates = world.tariffs["rate"]
    assert rates.min() > 0
    assert rates.max() == pytest.approx(3.5, abs=1e-3)
    assert world.tariffs["authority"].unique().to_list() == ["calculated duty 2024"]


def test_meta(world: EmbeddedTables) -> None:
    assert world.meta["vintage"] == "HS2022"
    assert world.meta["tariff_importers"] == frozenset({"USA"})
    assert world.meta["observed_importers"] == ("USA",)
    assert len(world.meta["aggregates"]["EU27"]) == 27
    assert "EU27" in set(world.flows["exporter"])
    assert not set(world.meta["aggregates"]["EU27"]) & set(world.flows["exporter"])
    assert any("Kazakhstan" in note for note in world.meta["notes"])


def test_every_product_has_text_and_home_share(world: EmbeddedTables) -> None:
    products = world.flows["product"].unique().sort()
    assert world.products["product"].to_list() == products.to_list()
    assert world.products["text"].null_count() == 0
    assert world.home_share is not None
    assert world.home_share["product"].to_list() == products.to_list()
    assert world.home_share["home_share"].is_between(0.0, 1.0, closed="none").all()


@pytest.mark.parametrize(
    ("product", "sector", "low", "high"),
    [
        ("870323", "C29", 0.5, 0.7),
        ("610910", "C13T15", 0.1, 0.4),
        ("850511", "C27", 0.4, 0.5),
        ("300490", "C21", 0.6, 0.75),
        ("270900", "B06", 0.65, 0.85),
        ("270300", "B08", 0.8, 0.95),
        ("720449", "C24A", 0.7, 0.9),  # scrap has no class: by its chapter
        ("970191", "all goods", 0.7, 0.8),
    ],
)
def test_home_share_by_sector(
    world: EmbeddedTables, product: str, sector: str, low: float, high: float
) -> None:
    assert world.home_share is not None
    row = world.home_share.filter(pl.col("product") == product).row(0, named=True)
    assert f"sector {sector} " in row["source"]
    assert low < row["home_share"] < high


def test_eu_members_are_those_of_the_membership_table(
    world: EmbeddedTables, shared_dir: Path
) -> None:
    members = pl.read_csv(
        shared_dir / "critical_minerals/partner_membership.csv", infer_schema=False
    ).filter(pl.col("eu27") == "1")
    assert set(world.meta["aggregates"]["EU27"]) == set(members["iso3"])


def test_source_totals(census: pl.DataFrame) -> None:
    assert census.height == 209_616
    assert census["customs_value_usd"].sum() == READ_VALUE
    assert census["calculated_duty_usd"].sum() == READ_DUTY


@pytest.mark.parametrize(
    ("product", "total_musd", "china"), [("850511", 454, 0.759), ("850760", 22_200, 0.705)]
)
def test_source_figures_with_slovakia_still_in(
    census: pl.DataFrame, product: str, total_musd: float, china: float
) -> None:
    rows = census.filter(pl.col("hs10").str.starts_with(product))
    total = rows["customs_value_usd"].sum()
    from_china = rows.filter(pl.col("cty_code") == "5700")["customs_value_usd"].sum()
    assert total / 1e6 == pytest.approx(total_musd, rel=2e-3)
    assert from_china / total == pytest.approx(china, abs=5e-4)


def test_rebuild_gives_what_ships(shared_dir: Path, world: EmbeddedTables) -> None:
    built = us_imports.build(shared_dir, us_imports.census_to_iso3())
    assert built["flows_2024"].equals(world.flows)
    assert built["tariffs_2024"].equals(world.tariffs)
    assert built["products"].equals(world.products)
    assert built["home_share"].equals(world.home_share)
    assert built["audit"].equals(extra_table("us_imports", "audit"))


def test_audit_that_does_not_add_up_is_an_error() -> None:
    rows = pl.DataFrame(
        {
            "cty_code": ["5700"],
            "cty_name": ["CHINA"],
            "hs10": ["8505110000"],
            "customs_value_usd": [10.0],
            "calculated_duty_usd": [1.0],
        }
    )
    sorted_out = us_imports.sort_out(rows, pl.Series(["850511"]))
    table = us_imports.trade(sorted_out, {"5700": "CHN"})
    assert us_imports.audit(sorted_out, table).height == 3
    with pytest.raises(DataError, match="value_usd does not add up"):
        us_imports.audit(sorted_out, table.with_columns(pl.col("value_usd") + 1))


def test_unreadable_rows_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "census.parquet"
    good = {
        "cty_code": ["5700"],
        "cty_name": ["CHINA"],
        "hs10": ["8505110000"],
        "customs_value_usd": [10.0],
        "calculated_duty_usd": [1.0],
    }
    for column, value in [("hs10", "850511"), ("customs_value_usd", -1.0)]:
        pl.DataFrame(good | {column: [value]}).write_parquet(path)
        with pytest.raises(DataError, match="cannot interpret row 0"):
            us_imports.read_census(path)
    pl.DataFrame(good).drop("cty_name").write_parquet(path)
    with pytest.raises(DataError, match="columns must be"):
        us_imports.read_census(path)


def test_home_share_counts_no_tariffs(tmp_path: Path) -> None:
    icio, names = tmp_path / "icio.parquet", tmp_path / "names.csv"
    pl.DataFrame(
        {
            "exporter": ["USA", "CHN", "USA", "CHN"],
            "importer": ["USA", "USA", "USA", "CHN"],
            "sector": ["C27", "C27", us_home_share.SERVICES, "C27"],
            "trade_musd": [30.0, 70.0, 5.0, 1000.0],
            "tariff": [0.0, 9.0, 0.0, 0.0],
        }
    ).write_parquet(icio)
    names.write_text("code,economic_activity\nC27,Electrical\n", encoding="utf-8")
    shares = us_home_share.sector_shares(icio, names)
    assert dict(shares.select("sector", "home_share").iter_rows()) == {
        "C27": 0.3,
        us_home_share.SERVICES: 1.0,
        us_home_share.ALL_GOODS: 0.3,
    }
