"""Domestic sales from production of minerals, through contents; partners put together."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.build import Built, Countries, Plan, build
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import embedded
from tradewedge.sources.tally import check_ties

FLOWS = """\
year,product,exporter,importer,value,quantity
2023,260800,PER,CHN,1000,1000
2023,260800,AUS,CHN,400,
2023,260800,CAN,DEU,900,900
2023,260800,FRA,DEU,50,50
2023,260800,SWE,POL,100,100
2023,250410,CHN,JPN,100,100
2023,250490,CHN,JPN,100,100
2023,850511,CHN,USA,10,
"""
USGS = "SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023,PROD_EST_ 2024"
MADE = (
    'MCS2025,Zinc,Peru,"Mine production, zinc content",thousand metric tons,1.06,2',
    'MCS2025,Zinc,Australia,"Mine production, zinc content",metric tons,530,2',
    'MCS2025,Zinc,Canada,"Mine production, zinc content",metric tons,450,2',
    'MCS2025,Zinc,Sweden,"Mine production, zinc content",metric tons,106,2',
    'MCS2025,Zinc,Poland,"Mine production, zinc content",metric tons,26.5,2',
    'MCS2025,Zinc,Bolivia,"Mine production, zinc content",metric tons,900,2',
    'MCS2025,Zinc,Mexico,"Mine production, zinc content",metric tons,5.3,2',
    "MCS2025,Graphite,China,Mine production,metric tons,500,2",
    "MCS2025,Gypsum,China,Mine production,metric tons,500,2",
    "MCS2025,Gold,China,Mine production,metric tons,5,2",
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "flows.csv").write_text(FLOWS)
    (tmp_path / "MCS2025_World_Data.csv").write_text("\n".join([USGS, *MADE]) + "\n")
    return tmp_path


def make(files: Path, **said: Any) -> Built:
    base = {
        "source": "table",
        "path": files / "flows.csv",
        "out": files / "out",
        "options": {"vintage": "HS2017"},
        "home_sales": f"usgs:{files}/MCS2025_World_Data.csv",
        "overwrite": True,
    }
    return build(Plan(**(base | said)))


def home(world: tw.World) -> dict[tuple[str, str], tuple[float, float | None]]:
    rows = world.flows().collect().rows()
    return {(p, x): (v, q) for p, x, m, v, q, _ in rows if x == m}


def test_tons_of_metal_become_tons_of_goods(files: Path) -> None:
    built = make(files)
    check_ties(built.audit)
    found = home(built.world)
    # Peru: 1,060 t of zinc are 2,000 t of concentrate at 53 %; 1,000 of them are exported.
    assert found["260800", "PER"] == (pytest.approx(1000.0), pytest.approx(1000.0))
    # Australia reports no tons: 400 thousand USD at the price of the product are 400 t.
    assert found["260800", "AUS"] == (pytest.approx(600.0), pytest.approx(600.0))
    assert found["260800", "MEX"][1] == pytest.approx(10.0)
    # Exports of flakes count against powder, under which production is booked.
    assert found["250410", "CHN"][1] == pytest.approx(300.0)
    # Canada exports more than it makes; Bolivia has no smelter; magnets have no series.
    assert {country for _, country in found}.isdisjoint({"CAN", "BOL", "FRA"})
    assert "850511" in built.world.products


def test_what_became_of_every_figure(files: Path) -> None:
    built = make(files)
    told = {reason: rows for _, reason, rows, _ in built.audit.iter_rows()}
    assert told["figures of USGS, Mineral Commodity Summaries in these years"] == 10
    assert told["of these put on a product"] == 8
    assert told["of these of no product in the table"] == 2
    assert told["exports exceed production: imports only"] == 1
    assert told["no trade with tons gives a price: imports only"] == 1
    table = pl.read_parquet(built.directory / "home_sales.parquet")
    clipped = table.filter(outcome="exports exceed production")
    assert clipped["country"].to_list() == ["CAN"]
    assert clipped["sold"].item() == pytest.approx(450 / 0.53 - 900)
    peru = table.filter(country="PER").row(0, named=True)
    assert peru["tons_low"] == pytest.approx(1060 / 0.58)
    assert peru["tons_high"] == pytest.approx(1060 / 0.48)
    assert peru["source"].startswith("estimated: USGS production (content)")
    saved = tw.load_world(built.directory)
    assert saved.data_hash == built.world.data_hash


def test_sales_that_the_range_leaves_open_are_counted(files: Path) -> None:
    rows = [row.replace("450", "500") for row in MADE]
    (files / "MCS2025_World_Data.csv").write_text("\n".join([USGS, *rows]) + "\n")
    built = make(files)
    # 500 t of zinc: 943 t of concentrate at 53 %, 862 t at 58 %; 900 t are exported.
    told = {reason: rows for _, reason, rows, _ in built.audit.iter_rows()}
    assert told["of these none at the highest content"] == 1
    assert home(built.world)["260800", "CAN"][1] == pytest.approx(500 / 0.53 - 900)


def test_partners_put_together(files: Path) -> None:
    built = make(files, countries=Countries(keep=("CHN", "PER"), groups={"EU27": ()}))
    found = home(built.world)
    # Sweden and Poland make 250 t, none of it leaves the union: trade inside is part of it.
    assert found["260800", "EU27"][1] == pytest.approx(250.0)
    # The rest of the world: Australia, Canada, Mexico.
    rest = (530 + 450 + 5.3) / 0.53 - 400 - 900
    assert found["260800", "ROW"][1] == pytest.approx(rest)


def test_trade_inside_that_exceeds_the_estimate_stays(files: Path) -> None:
    rows = [row for row in MADE if "Poland" not in row and "Sweden" not in row]
    rows.append('MCS2025,Zinc,Sweden,"Mine production, zinc content",metric tons,5.3,2')
    (files / "MCS2025_World_Data.csv").write_text("\n".join([USGS, *rows]) + "\n")
    built = make(files, countries=Countries(groups={"EU27": ()}))
    assert home(built.world)["260800", "EU27"] == (150.0, 150.0)
    told = {reason: rows for _, reason, rows, _ in built.audit.iter_rows()}
    assert told["less than the trade inside an aggregate, which is taken"] == 1


def test_a_home_share_counts_for_partners_put_together(files: Path) -> None:
    (files / "icio_2023.csv").write_text(
        "exporter,importer,sector,trade_musd\nDEU,DEU,B07,300\nDEU,POL,B07,50\nCAN,DEU,B07,50\n"
    )
    (files / "sectors.csv").write_text("product,sector\n26,B07\n")
    said = {"home_sales": f"icio:{files}/icio_2023.csv", "sectors": str(files / "sectors.csv")}
    alone = home(make(files, **said).world)
    # Germany makes 300 of the 350 that it spends: 950 of imports stand for a seventh.
    assert alone == {("260800", "DEU"): (pytest.approx(950 * 6), None)}
    built = make(files, countries=Countries(groups={"EU27": ()}), **said)
    # Together they make 350 of 400, trade inside included: 900 of imports stand for an eighth.
    assert home(built.world) == {("260800", "EU27"): (pytest.approx(900 * 7), None)}


def test_a_table_of_the_user(files: Path) -> None:
    path = files / "map.csv"
    header = "source,mineral,detail,product,vintage,share,low,central,high,only"
    path.write_text(f"{header}\nusgs,Zinc,mine,260800,HS2017,1,0.5,0.5,0.5,PER\n")
    assert home(make(files, production_map=str(path)).world) == {
        ("260800", "PER"): (pytest.approx(1120.0), pytest.approx(1120.0))
    }
    path.write_text(f"{header}\nusgs,Zinc,mine,260800,HS2017,1,0.6,0.5,0.5,PER\n")
    with pytest.raises(DataError, match=r"Zinc in 260800: share and contents are above 0, low no"):
        make(files, production_map=str(path))
    path.write_text(f"{header}\nusgs,Zink,mine,260800,HS2017,1,0.5,0.5,0.5,\n")
    with pytest.raises(DataError, match="none of its minerals is in the table"):
        make(files, production_map=str(path))


def test_what_cannot_be(files: Path) -> None:
    (files / "flows.csv").write_text(FLOWS.replace("2023,", "2022,"))
    with pytest.raises(ConfigError, match="has no year 2022"):
        make(files)
    (files / "flows.csv").write_text(FLOWS)
    twice = 'MCS2025,Zinc,Peru,"Mine production, gross weight",metric tons,5,2'
    (files / "MCS2025_World_Data.csv").write_text("\n".join([USGS, *MADE, twice]) + "\n")
    with pytest.raises(DataError, match=r"Zinc of PER in 2023 has several figures"):
        make(files)


def test_the_embedded_world_again(shared_dir: Path, tmp_path: Path) -> None:
    """Production through the table gives the home sales that were derived mineral by mineral."""
    data = shared_dir / "data"
    plan = Plan(
        source="baci",
        path=data / "baci_hs92_minerals/BACI_HS92_Y2022_minerals71.csv.gz",
        out=tmp_path / "w",
        options={"vintage": "HS1992"},
        home_sales=f"mining:{data}/world_mining_data_2018_2024/world_mining_production.parquet",
    )
    built = build(plan)
    table = built.beside["home_sales"].select("product", "country", "tons")
    shipped = embedded.tables("minerals", 2022).home_sales
    assert shipped is not None
    both = shipped.join(table, on=["product", "country"], how="inner")
    assert both.height > 0.97 * shipped.height
    sold = built.world.flows().filter(pl.col("exporter") == pl.col("importer")).collect()
    ratio = shipped.join(
        sold.select("product", country="exporter", sold="quantity"), on=["product", "country"]
    ).select((pl.col("sold") / pl.col("quantity")).median())
    assert ratio.item() == pytest.approx(1.0, abs=0.02)
