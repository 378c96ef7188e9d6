"""ICIO, distances, gravity covariates, GDP and production of minerals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import geodist, gravity, icio, mining, usgs, worldbank
from tradewedge.sources.tally import check_ties


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def counts(audit: pl.DataFrame) -> dict[str, int]:
    return dict(audit.group_by("reason").agg(pl.col("rows").sum()).iter_rows())


SQUARE = (
    "V1,AUS_A01,CHN_A01,CN1_A01,AUS_HFCE,CHN_HFCE,CHN_INVNT,OUT",
    "AUS_A01,10,2,1,5,1,0,19",
    "CHN_A01,1,20,3,0.5,9,-2,31.5",
    "CN1_A01,0,4,2,0,1,-9,-2",
    "TLS,1,1,1,0,0,0,3",
    "VA,9,8,7,0,0,0,24",
    "OUT,21,35,14,5.5,11,-11,75.5",
)


def test_the_official_square(tmp_path: Path) -> None:
    """Extended tables split China; what both parts sell is China's."""
    trade = icio.read(write(tmp_path, "2020_SML.csv", *SQUARE), None)
    assert trade.years == (2020,)
    assert sorted(trade.flows.select("exporter", "importer", "value").rows()) == [
        ("AUS", "AUS", 15_000.0),
        ("AUS", "CHN", 4_000.0),
        ("CHN", "AUS", 1_500.0),
        ("CHN", "CHN", 28_000.0),
    ]
    check_ties(trade.audit)
    assert trade.vintage is None
    assert trade.flows["quantity"].null_count() == 4


def test_square_with_stocks_below_zero(tmp_path: Path) -> None:
    rows = [*SQUARE[:3], "CN1_A01,0,4,2,0,-30,-9,-2", *SQUARE[4:]]
    trade = icio.read(write(tmp_path, "2020_SML.csv", *rows), None)
    assert trade.flows.height == 3
    dropped = trade.audit.filter(pl.col("reason").str.contains("negative sales"))
    assert dropped.select("rows", "value").row(0) == (1, -3_000.0)
    check_ties(trade.audit)


def test_squares_that_cannot_be(tmp_path: Path) -> None:
    bad = SQUARE[1].replace("10", "ten")
    with pytest.raises(DataError, match="line 2: column AUS_A01 is not a number: 'ten'"):
        icio.read(write(tmp_path, "2020_a.csv", SQUARE[0], bad), None)
    header = SQUARE[0].replace("AUS_A01", "AUT1_A01")
    with pytest.raises(DataError, match="unknown country 'AUT1' in 'AUT1_A01'"):
        icio.read(write(tmp_path, "2020_b.csv", header, *SQUARE[1:]), None)
    with pytest.raises(DataError, match="row 'AUS_A01' twice"):
        icio.read(write(tmp_path, "2020_c.csv", *SQUARE[:2], SQUARE[1]), None)
    with pytest.raises(ConfigError, match="its name tells no year"):
        icio.read(write(tmp_path, "SML.csv", *SQUARE), None)
    with pytest.raises(DataError, match="neither COUNTRY_SECTOR nor a known sum"):
        icio.read(write(tmp_path, "2020_d.csv", "a,b", "1,2"), None)


def test_world_output(shared_dir: Path) -> None:
    """199.7 tn USD, of which 86.4 % is sold at home."""
    path = shared_dir / "data/oecd_icio_2022_trade_tariffs_81x28/ICIO2022_trade_tariff.parquet"
    trade = icio.read(path, None)
    check_ties(trade.audit)
    total = trade.flows["value"].sum()
    home = trade.flows.filter(pl.col("exporter") == pl.col("importer"))["value"].sum()
    assert total / 1e9 == pytest.approx(199.7, abs=0.05)
    assert home / total == pytest.approx(0.864, abs=5e-4)


GEODIST = "iso_o,iso_d,contig,comlang_off,colony,dist,distw"


def test_distances(tmp_path: Path) -> None:
    path = write(
        tmp_path, "dist_cepii.csv", GEODIST, "ROM,ZAR,0,0,0,5500,.", "FRA,FRA,1,1,0,410,500"
    )
    found = geodist.read(path, None)
    assert found.frame.select(
        "exporter", "importer", "distance_km", "distance_weighted_km"
    ).rows() == [
        ("FRA", "FRA", 410.0, 500.0),
        ("ROU", "COD", 5500.0, None),
    ]
    twice = write(tmp_path, "dist_b.csv", GEODIST, *["FRA,DEU,1,0,0,800,790"] * 2)
    with pytest.raises(DataError, match="2 rows have the keys of another"):
        geodist.read(twice, None)
    odd = write(tmp_path, "dist_c.csv", GEODIST, "FRA,DEU,yes,0,0,800,790")
    with pytest.raises(DataError, match="line 2: contig is neither 0 nor 1: 'yes'"):
        geodist.read(odd, None)


def test_distances_of_cepii(shared_dir: Path) -> None:
    found = geodist.read(shared_dir / "data/country_dims/cepii_geodist_dist.parquet", None)
    assert found.frame.height == 50_176
    assert counts(found.audit)["kept"] == 50_176


def test_gravity(tmp_path: Path) -> None:
    header = (
        "year,country_id_o,iso3_o,iso3_d,country_exists_o,country_exists_d,dist,contig,fta_wto,"
        "gdp_o,gdp_d"
    )
    rows = ["2019,FRA,FRA,DEU,1,1,800,1,1,2700000,3800000", "1949,DDR,DDR,FRA,0,1,900,0,0,NA,NA",
            "2019,FRA,FRA,USA,1,1,6000,0,0,2700000,NA"]  # fmt: skip
    path = write(tmp_path, "Gravity_V202211.csv", header, *rows)
    found = gravity.read(path, None)
    assert found.frame.columns[3:] == [
        "distance_km",
        "contiguous",
        "agreement",
        "gdp_exporter",
        "gdp_importer",
    ]
    assert counts(found.audit)["dropped: a country did not exist that year"] == 1
    assert gravity.read(path, [2019]).frame.height == 2
    with pytest.raises(DataError, match="3 another year"):
        gravity.read(path, [2005])


def test_gdp(tmp_path: Path) -> None:
    rows = [
        '"Data Source","World Development Indicators",',
        "",
        '"Last Updated Date","2025-10-07",',
        "",
        '"Country Name","Country Code","Indicator Name","Indicator Code","2022","2023",',
        '"France","FRA","GDP","NY.GDP.MKTP.CD","2780000000000","3030000000000",',
        '"Euro area","EMU","GDP","NY.GDP.MKTP.CD","1","2",',
        '"Eritrea","ERI","GDP","NY.GDP.MKTP.CD","","",',
        '"France","FRA","Population","SP.POP.TOTL","68000000","68000000",',
    ]
    path = write(tmp_path, "API_NY.GDP.MKTP.CD_DS2_en_csv_v2.csv", *rows)
    found = worldbank.read(path, None)
    assert found.frame.rows() == [("FRA", 2022, 2.78e9), ("FRA", 2023, 3.03e9)]
    told = counts(found.audit)
    assert told["dropped: group of countries, or none of ours"] == 2
    assert told["dropped: not reported"] == 2
    assert told["dropped: another indicator"] == 2
    bad = write(tmp_path, "gdp.csv", "Country Name,Country Code,Year,Value", "France,FRA,2022,lots")
    with pytest.raises(DataError, match="line 2: Value is not a number: 'lots'"):
        worldbank.read(bad, None)


def test_gdp_as_a_long_table(shared_dir: Path) -> None:
    path = shared_dir / "data/country_dims/world_bank_gdp_current_usd.csv"
    found = worldbank.read(path, [2023])
    usa = found.frame.filter(pl.col("country") == "USA")["gdp"].item()
    assert usa / 1e9 == pytest.approx(27.4, abs=0.5)


WORLD = "SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023,PROD_EST_ 2024,PROD_NOTES"


def test_production(tmp_path: Path) -> None:
    rows = [
        'MCS2025,Cobalt,Congo (Kinshasa),"Mine, estimated",thousand metric tons,"1,175",220,',
        "MCS2025,Cobalt,Peru (exports),Mine production,kilograms,500,W,",
        "MCS2025,Cobalt,Trinidad and Tobago,Mine production,metric tons,—,NA,",
        "MCS2025,Cobalt,United States and Canada,Mine production,metric tons,1,1,",
        "MCS2025,Cobalt,World total (rounded),Mine production,metric tons,9,9,",
        "MCS2025,Diamond,Botswana,Mine production,million carats,9,9,",
    ]
    path = write(tmp_path, "MCS2025_World_Data.csv", WORLD, *rows)
    found = usgs.read(path, None)
    assert sorted(found.frame.select("country", "year", "tons", "estimated").rows()) == [
        ("COD", 2023, 1_175_000.0, True),
        ("COD", 2024, 220_000.0, True),
        ("PER", 2023, 0.5, False),
        ("TTO", 2023, 0.0, False),
    ]
    told = counts(found.audit)
    assert told["dropped: withheld"] == told["dropped: not available"] == 1
    assert told["dropped: several countries"] == told["dropped: unit is no weight"] == 2
    wrong = rows[1].replace("Peru (exports)", "Perru")
    with pytest.raises(DataError, match="Country is no country of ours: 'Perru'"):
        usgs.read(write(tmp_path, "MCS2025_b.csv", WORLD, wrong), None)
    with pytest.raises(DataError, match="Value is not a figure: '5OO'"):
        usgs.read(write(tmp_path, "MCS2025_c.csv", WORLD, rows[1].replace("500", "5OO")), None)


@pytest.mark.parametrize(
    ("name", "rows", "tons"),
    [
        ("MCS2025_World_Data_utf8.csv", 2_500, 220_000.0),
        ("MCS2026_Commodities_Data_utf8.csv", 8_886, 226_000.0),
    ],
)
def test_production_of_the_usgs(shared_dir: Path, name: str, rows: int, tons: float) -> None:
    found = usgs.read(shared_dir / "data/usgs_mcs" / name, [2024])
    check_ties(found.audit)
    assert counts(found.audit)["read"] == rows
    congo = (pl.col("mineral") == "Cobalt") & (pl.col("country") == "COD")
    mined = congo & pl.col("detail").str.starts_with("Mine")
    assert found.frame.filter(mined)["tons"].item() == pytest.approx(tons, rel=0.1)


def test_world_mining_data(shared_dir: Path) -> None:
    folder = shared_dir / "data/world_mining_data_2018_2024"
    found = mining.read(folder / "world_mining_production.parquet", [2022])
    check_ties(found.audit)
    assert counts(found.audit)["read"] == 13_678
    iron = found.frame.filter(pl.col("mineral") == "Iron (Fe)")
    assert iron.sort("tons", descending=True)["country"][0] == "AUS"


@pytest.mark.parametrize(
    "read", [geodist.read, gravity.read, worldbank.read, usgs.read, mining.read]
)
def test_not_what_it_claims(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match=r"x\.csv.*no column"):
        read(write(tmp_path, "x.csv", "a,b", "1,2"), None)
    (tmp_path / "y.csv").write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        read(tmp_path / "y.csv", None)
