"""Tariffs of tables and sources on flows, and what becomes of them when flows are put together."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.build import Built, Countries, Plan, build
from tradewedge.errors import ConfigError, DataError

FLOWS = """\
year,product,exporter,importer,value,quantity
2020,284690,CHN,USA,100,10
2020,284690,CHN,DEU,60,6
2020,284690,FRA,DEU,40,4
2020,284690,TUR,FRA,20,2
2020,284690,CHN,JPN,10,
2020,010121,CHN,JPN,10,1
2020,850511,CHN,USA,30,3
2021,284690,CHN,USA,300,30
"""
TRAINS = (
    "NomenCode,Reporter_ISO_N,Year,ProductCode,Sum_Of_Rates,Min_Rate,Max_Rate,SimpleAverage,"
    "TotalNoOfLines,Nbr_Pref_Lines,Nbr_MFN_Lines,Nbr_NA_Lines,EstCode\n"
    "H5,918,2020,284690,11,5,6,5,2,0,2,0,\n"
    "H5,392,2020,284690,6,3,3,3,2,0,2,0,\n"
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "flows.csv").write_text(FLOWS)
    (tmp_path / "MFN_2020.csv").write_text(TRAINS)
    return tmp_path


def make(files: Path, *tariffs: str, years: tuple[int, ...] = (2020,), **said: Any) -> Built:
    paths = tuple(t.replace(":", f":{files}/") if ":" in t else str(files / t) for t in tariffs)
    plan = Plan(
        source="table",
        path=files / "flows.csv",
        out=files / "out",
        options={"vintage": "HS2017"},
        years=years,
        tariffs=paths,
        overwrite=True,
    )
    return build(Plan(**{**plan.__dict__, **said}))


def rates(world: tw.World) -> dict[tuple[str, str, str], float | None]:
    rows = world.flows().select("product", "exporter", "importer", "tariff").collect().rows()
    return {(p, x, m): rate for p, x, m, rate in rows}


def own(files: Path, text: str) -> str:
    (files / "own.csv").write_text("product,exporter,importer,rate,authority\n" + text)
    return "own.csv"


def test_a_union_charges_others_and_not_its_members(files: Path) -> None:
    world = make(files, "trains:MFN_2020.csv").world
    assert world.tariff_importers == {"DEU", "FRA", "JPN"}
    found = rates(world)
    assert found["284690", "CHN", "DEU"] == pytest.approx(0.05)
    assert found["284690", "TUR", "FRA"] == pytest.approx(0.05)
    assert found["284690", "FRA", "DEU"] == 0.0
    assert found["284690", "CHN", "JPN"] == pytest.approx(0.03)
    assert found["010121", "CHN", "JPN"] == 0.0
    assert found["284690", "CHN", "USA"] is None


def test_sources_of_tariffs_may_be_told_something(files: Path) -> None:
    (files / "wto.csv").write_text(
        "Indicator Code,Reporting Economy ISO3A Code,Partner Economy ISO3A Code,"
        "Product/Sector Code,Year,Value\n"
        "HS_A_0010,USA,,284690,2020,3\n"
    )
    said = {"tariff_options": {"wto": {"vintage": "HS2017"}}}
    # One authority out of two tables, of different importers.
    world = make(files, "wto:wto.csv", "trains:MFN_2020.csv", **said).world
    assert [duty.authority for duty in world.duties] == ["applied"]
    assert rates(world)["284690", "CHN", "USA"] == pytest.approx(0.03)
    assert rates(world)["284690", "CHN", "JPN"] == pytest.approx(0.03)
    with pytest.raises(ConfigError, match="both hold rates of EU27 under the authority 'applied'"):
        make(files, "trains:MFN_2020.csv", "trains:MFN_2020.csv")
    with pytest.raises(ConfigError, match="tariffs names no wto:PATH"):
        make(files, "trains:MFN_2020.csv", **said)
    with pytest.raises(ConfigError, match="of which HS edition"):
        make(files, "wto:wto.csv")


def test_what_has_no_rate_is_counted(files: Path) -> None:
    audit = make(files, "trains:MFN_2020.csv").audit
    told = {reason: (rows, value) for _, reason, rows, value in audit.iter_rows()}
    assert told["flows into its importers"] == (5, 140.0)
    assert told["of these without a rate, taken as free"][0] >= 1


def test_a_partners_own_row_counts_before_the_one_for_all(files: Path) -> None:
    rows = "284690,*,USA,0.1,MFN\n284690,CHN,USA,0.0,MFN\n284690,CHN,USA,0.25,Section 301\n"
    world = make(
        files, own(files, rows + "850511,*,USA,0.021,MFN\n"), tariff_importers=("USA",)
    ).world
    assert rates(world)["284690", "CHN", "USA"] == 0.25
    assert rates(world)["850511", "CHN", "USA"] == pytest.approx(0.021)
    assert [duty.authority for duty in world.duties] == ["MFN", "Section 301"]


def test_together_rates_are_the_mean_that_flows_weigh(files: Path) -> None:
    rows = "284690,*,DEU,0.1,MFN\n284690,CHN,JPN,0.3,MFN\n284690,*,FRA,0.1,MFN\n"
    said = {"tariff_importers": ("DEU", "FRA", "JPN")}
    groups = Countries(groups={"BUYERS": ("DEU", "JPN")})
    world = make(files, own(files, rows), countries=groups, **said).world
    expected = (60 * 0.1 + 10 * 0.3) / 70
    assert rates(world)["284690", "CHN", "BUYERS"] == pytest.approx(expected)
    assert world.tariff_importers == {"BUYERS", "FRA"}
    partly = Countries(groups={"BUYERS": ("DEU", "USA")})
    world = make(files, own(files, rows), countries=partly, **said).world
    assert world.tariff_importers == {"FRA", "JPN"}


def test_duties_go_along_to_another_edition_and_over_years(files: Path) -> None:
    rows = "284690,CHN,USA,0.2,MFN\n850511,*,USA,0.1,MFN\n"
    world = make(files, own(files, rows), vintage="HS2022", years=(2020, 2021)).world
    found = rates(world)
    assert found["284690", "CHN", "USA"] == pytest.approx(0.2)
    assert found["850511", "CHN", "USA"] == pytest.approx(0.1)


def test_specific_duties_are_charged_on_tons(files: Path) -> None:
    header = "HTS Number,General Rate of Duty,Column 2 Rate of Duty"
    (files / "hts.csv").write_text(f"{header}\n2846.90.80,50¢/kg + 1%,\n8505.11.00,2.1%,\n")
    world = make(files, "usitc:hts.csv").world
    # 10 tons at 0.5 USD per kg are 5 thousand USD on 100.
    assert rates(world)["284690", "CHN", "USA"] == pytest.approx(0.06)
    assert rates(world)["850511", "CHN", "USA"] == pytest.approx(0.021)


def test_rates_that_cannot_be(files: Path) -> None:
    with pytest.raises(ConfigError, match=r"rate of product 284690.*a fraction above -1"):
        make(files, own(files, "284690,CHN,USA,-1.5,MFN\n"))
    with pytest.raises(DataError, match="2 rows state the same rate"):
        make(files, own(files, "284690,CHN,USA,0.1,MFN\n" * 2))
    with pytest.raises(ConfigError, match="no source 'train'; nearest: trains"):
        make(files, "train:MFN_2020.csv")


def test_home_sales_from_production(files: Path) -> None:
    (files / "made.csv").write_text(
        "product,country,tons\n284690,CHN,50\n284690,TUR,1\n284690,BRA,5\n999,CHN,1\n".replace(
            "999", "850511"
        )
    )
    built = make(files, home_sales=f"production:{files}/made.csv")
    table = {(p, x): (v, q) for p, x, m, v, q, _ in built.world.flows().collect().rows() if x == m}
    # China exports 170 thousand USD; 160 of them are 16 tons, so 17 tons in all.
    assert table["284690", "CHN"] == (pytest.approx(330.0), pytest.approx(33.0))
    assert table["284690", "BRA"][1] == 5.0
    assert ("284690", "TUR") not in table
    told = {reason: rows for _, reason, rows, _ in built.audit.iter_rows()}
    assert told["exports exceed production: imports only"] == 2


def test_home_sales_from_a_sectors_home_share(files: Path) -> None:
    (files / "icio_2020.csv").write_text(
        "exporter,importer,sector,trade_musd\nUSA,USA,C20,300\nCHN,USA,C20,100\nCHN,CHN,C20,9\n"
    )
    (files / "sectors.csv").write_text("product,sector\n28,C20\n8505,C27\n")
    said = {"home_sales": f"icio:{files}/icio_2020.csv", "sectors": str(files / "sectors.csv")}
    built = make(files, **said)
    home = {(p, x): v for p, x, m, v, *_ in built.world.flows().collect().rows() if x == m}
    assert home == {("284690", "USA"): pytest.approx(300.0)}
    told = {reason: rows for _, reason, rows, _ in built.audit.iter_rows()}
    assert told["estimated from the sector's home share in ICIO"] == 1
    assert told["imports without a sector or country of ICIO: imports only"] == 5
    with pytest.raises(ConfigError, match="needs sectors=TABLE"):
        make(files, home_sales=said["home_sales"])


def test_census_world_keeps_its_duties_through_a_change_of_edition(tmp_path: Path) -> None:
    path = tmp_path / "imports.csv"
    path.write_text(
        "CTY_CODE,I_COMMODITY,CON_VAL_YR,CAL_DUT_YR,YEAR\n"
        "5700,2846902084,100500,3700,2024\n5700,8507600020,1000,34,2024\n"
    )
    plan = Plan(source="census", path=path, out=tmp_path / "w", vintage="HS2017")
    world = build(plan).world
    assert world.observed_importers == ("USA",)
    paid = pl.Series(world.value * world.tariff_base).sum()
    assert paid == pytest.approx(3.734)
