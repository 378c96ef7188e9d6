"""From files to a saved world: editions, countries, years, tons, tables, and the audit."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tradewedge as tw
from tradewedge import codes
from tradewedge.build import Built, Countries, Plan, Tons, build, goods
from tradewedge.cli import main
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources.tally import check_ties

ROWS = (
    "2022,156,842,284690,80,8",
    "2023,156,842,284690,100,10",
    "2023,458,842,284690,50,NA",
    "2023,276,842,284690,20,2",
    "2023,276,251,284690,30,3",
    "2023,276,251,010121,5,1",
    "2023,156,842,382319,7,700",
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for year in ("2022", "2023"):
        rows = [row for row in ROWS if row.startswith(year)]
        text = "\n".join(["t,i,j,k,v,q", *rows])
        (tmp_path / f"BACI_HS22_Y{year}_V202501.csv").write_text(text + "\n")
    return tmp_path


def make(files: Path, years: tuple[int, ...] = (2023,), **said: Any) -> Built:
    plan = Plan(source="baci", path=files, out=files / "out", years=years, overwrite=True, **said)
    return build(plan)


def flows(world: tw.World) -> dict[tuple[str, str, str], tuple[float, float | None]]:
    table = world.flows().collect()
    return {(p, x, m): (v, q) for p, x, m, v, q, _ in table.iter_rows()}


def lines(built: Built, step: str) -> dict[str, tuple[int, float]]:
    rows = built.audit.filter(pl.col("step") == step).iter_rows()
    return {reason: (number, value) for _, reason, number, value in rows}


def test_a_year(files: Path) -> None:
    built = make(files, name="mine")
    world = built.world
    assert (world.name, world.year, world.vintage) == ("mine", 2023, "HS2022")
    assert len(flows(world)) == 6
    saved = tw.load_world(built.directory)
    assert saved.data_hash == world.data_hash
    record = json.loads((built.directory / "build.json").read_text())
    assert record["title"] == "CEPII BACI HS2022, release 202501"
    assert record["years"] == [2023]
    written = pl.read_csv(built.directory / "reconciliation.csv")
    assert written.rows() == built.audit.rows()
    check_ties(built.audit)
    sources = pl.read_csv(built.directory / "elasticity_sources.csv", infer_schema=False)
    assert sources.rows()[0][:2] == ("010121", "sigma")
    assert sources.height == 3 * len(world.products)


def test_nothing_half_written(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = make(files).world.data_hash

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("tradewedge.build.make._input", fail)
    with pytest.raises(OSError, match="disk full"):
        make(files, products=("2846",))
    assert tw.load_world(files / "out").data_hash == good
    assert sorted(p.name for p in files.iterdir() if p.is_dir()) == ["out"]


def test_a_place_that_is_taken_is_found_before_reading(files: Path) -> None:
    (files / "out").mkdir()
    (files / "out" / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match="something other than a saved world"):
        make(files)


def test_mean_of_years(files: Path) -> None:
    built = make(files, (2022, 2023))
    table = flows(built.world)
    assert table["284690", "CHN", "USA"] == (90.0, 9.0)
    assert table["284690", "MYS", "USA"] == (25.0, None)
    assert "Trade is the mean of 2022, 2023." in built.world.notes
    step = lines(built, "mean of 2022, 2023")
    assert step["added up to"] == (6, pytest.approx(146.0))
    assert built.world.year == 2023


def test_products(files: Path) -> None:
    built = make(files, products=("2846", "01"))
    assert built.world.products == ("010121", "284690")
    assert lines(built, "products")["dropped: product not asked for"] == (1, 7.0)
    with pytest.raises(ConfigError, match="nothing in the data is under 9503"):
        make(files, products=("9503",))
    with pytest.raises(ConfigError, match="unknown product list 'pcmdp:procesed'; did you mean"):
        make(files, products=("pcmdp:procesed",))


def test_products_of_a_named_list(files: Path) -> None:
    assert make(files, products=("pcmdp:processed",)).world.products == ("284690",)


def test_countries_together(files: Path) -> None:
    plan = Countries(keep=("USA", "CHN"), groups={"EU27": ()})
    built = make(files, countries=plan)
    world = built.world
    assert world.countries == ("CHN", "EU27", "ROW", "USA")
    assert world.aggregates["ROW"] == ("MYS",)
    assert len(world.aggregates["EU27"]) == 27
    assert flows(world)["284690", "EU27", "EU27"] == (30.0, 3.0)
    inside = "of these trade inside an aggregate, now its own sales"
    assert lines(built, "countries")[inside] == (2, 35.0)
    left_out = make(files, countries=Countries(groups={"EU27": ()}, inside="drop"))
    assert lines(left_out, "countries")["dropped: trade inside an aggregate"] == (2, 35.0)
    assert ("284690", "EU27", "USA") in flows(left_out.world)


def test_countries_that_cannot_be(files: Path) -> None:
    with pytest.raises(ConfigError, match="DEU is kept and in group EU27"):
        make(files, countries=Countries(keep=("DEU",), groups={"EU27": ()}))
    with pytest.raises(ConfigError, match="is in A and in B"):
        make(files, countries=Countries(groups={"A": ("DEU",), "B": ("DEU", "FRA")}))
    with pytest.raises(ConfigError, match=r"countries.keep: unknown country code 'GER'"):
        make(files, countries=Countries(keep=("GER",)))


def test_tons(files: Path) -> None:
    rows = [f"2023,{i},842,284690,10,1" for i in (36, 40, 56, 76, 100)]
    path = files / "BACI_HS22_Y2023_V202501.csv"
    text = [*path.read_text().splitlines(), *rows, "2023,392,842,284690,10,0.001"]
    path.write_text("\n".join(text) + "\n")
    plan = Tons(outliers=10, drop_outliers=True, impute="exporter")
    built = make(files, tons=plan)
    table = flows(built.world)
    assert table["284690", "MYS", "USA"] == (50.0, pytest.approx(5.0))
    assert table["284690", "JPN", "USA"] == (10.0, pytest.approx(1.0))
    step = lines(built, "tons")
    assert step["unit value 10 times off, tons counted as not reported"] == (1, 10.0)
    assert step["imputed at the exporter's, else the product's unit value"] == (2, 60.0)
    flagged = pl.read_parquet(built.directory / "unit_values.parquet")
    assert flagged.select("exporter", "ratio").rows() == [("JPN", pytest.approx(1000.0))]
    filled = pl.read_parquet(built.directory / "imputed_tons.parquet")
    assert filled["exporter"].to_list() == ["JPN", "MYS"]


def test_tons_are_left_alone_unless_asked(files: Path) -> None:
    built = make(files)
    assert flows(built.world)["284690", "MYS", "USA"] == (50.0, None)
    assert not (built.directory / "imputed_tons.parquet").exists()


def test_another_edition(files: Path) -> None:
    built = make(files, vintage="HS1992")
    assert built.world.vintage == "HS1992"
    step = lines(built, "HS2022 to HS1992")
    assert step["added up to"][1] == pytest.approx(step["kept"][1])
    assert step["of these codes divided over several"][1] == pytest.approx(7.0)
    assert flows(built.world)["284690", "CHN", "USA"] == (100.0, 10.0)
    divided = {k for k in built.world.products if k.startswith("15")}
    assert len(divided) > 1
    assert sum(flows(built.world)[k, "CHN", "USA"][0] for k in divided) == pytest.approx(7.0)


@pytest.mark.parametrize("target", ["HS1992", "HS2002", "HS2012", "HS2017"])
def test_there_and_back_keeps_the_value(target: str) -> None:
    products = sorted(codes.products("HS2022")["product"])[::7]
    n = len(products)
    table = pl.DataFrame(
        {
            "year": [2023] * n,
            "product": products,
            "exporter": ["CHN"] * n,
            "importer": ["USA"] * n,
            "value": [1.0 + k for k in range(n)],
            "quantity": [None if k % 5 == 0 else 1.0 for k in range(n)],
        },
        schema_overrides={"year": pl.Int16},
    )
    there = goods.to_edition(table, "HS2022", target, None)
    back = goods.to_edition(there.flows, target, "HS2022", None)
    check_ties(pl.concat([there.audit, back.audit]))
    kept = there.audit.filter(pl.col("reason") == "kept")["value"][0]
    assert back.flows["value"].sum() == pytest.approx(kept)
    assert there.flows["product"].is_in(sorted(codes.known_products(target))).all()


def test_oils_that_baci_keeps_together_stay_together() -> None:
    table = pl.DataFrame(
        [(2023, "271000", "NOR", "SWE", 5.0, 1.0)],
        schema=["year", "product", "exporter", "importer", "value", "quantity"],
        orient="row",
    )
    for target in ("HS1992", "HS2017"):
        assert goods.to_edition(table, "HS2022", target, None).flows["product"].to_list() == [
            "271000"
        ]


def test_weights(files: Path, tmp_path: Path) -> None:
    pairs = codes.concordance("HS2022", "HS1992").filter(pl.col("source") == "382319")["target"]
    first, *others = pairs
    stated = tmp_path / "weights.csv"
    rows = [f"382319,{first},0.75", *(f"382319,{c},{0.25 / len(others)}" for c in others)]
    stated.write_text("\n".join(["source,target,weight", *rows]))
    table = flows(make(files, vintage="HS1992", weights=stated).world)
    assert table[first, "CHN", "USA"][0] == pytest.approx(5.25)
    stated.write_text(f"source,target,weight\n382319,{first},0.75\n")
    with pytest.raises(DataError, match=r"weights of 382319 add up to 0\.75"):
        make(files, vintage="HS1992", weights=stated)
    stated.write_text("source,target,weight\n382319,010111,1\n")
    with pytest.raises(DataError, match="382319 does not correspond to 010111"):
        make(files, vintage="HS1992", weights=stated)
    trade = tmp_path / "trade.csv"
    trade.write_text(f"product,value\n{first},30\n{others[0]},10\n")
    table = flows(make(files, vintage="HS1992", weights=trade).world)
    assert table[first, "CHN", "USA"][0] == pytest.approx(5.25)
    assert table[others[0], "CHN", "USA"][0] == pytest.approx(1.75)


def test_tables_of_the_user(files: Path, tmp_path: Path) -> None:
    for name, text in {
        "elasticities": 'product,sigma,eta,epsilon,source\n"",3,1,1,default\n2846,5,0.3,1,own\n',
        "tariffs": "product,exporter,importer,rate,authority\n284690,CHN,USA,0.25,301\n",
        "home": "product,country,value,quantity,source\n284690,USA,10,1,survey\n",
        "share": "product,home_share,source\n382319,0.4,survey\n",
    }.items():
        (tmp_path / f"{name}.csv").write_text(text)
    world = make(
        files,
        elasticities=str(tmp_path / "elasticities.csv"),
        tariffs=(str(tmp_path / "tariffs.csv"),),
        tariff_importers=("USA",),
        home_sales=str(tmp_path / "home.csv"),
        home_share=str(tmp_path / "share.csv"),
    ).world
    assert dict(zip(world.products, world.sigma, strict=True))["284690"] == 5.0
    assert flows(world)["284690", "USA", "USA"] == (10.0, 1.0)
    assert world.tariff_importers == {"USA"}
    rates = dict(zip(world.products, world.elasticities.eta_kind, strict=True))
    assert rates == {"010121": "unadjusted", "284690": "composite", "382319": "import_demand"}
    assert world.tariff_base.max() == 0.25


def test_builds_repeat_to_the_last_bit(files: Path) -> None:
    said = {"vintage": "HS1992", "countries": Countries(keep=("USA",))}
    hashes = {make(files, (2022, 2023), **said).world.data_hash for _ in range(3)}
    assert len(hashes) == 1


def test_command(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(files)
    said = ["source=baci", "path=BACI_HS22_Y2023_V202501.csv", "out=worlds/2023"]
    more = ["countries.groups={EU27: []}", 'products=["2846","0101"]', "tons.impute=product"]
    assert main(["data", "build", *said, *more]) == 0
    told = capsys.readouterr().out
    assert "dropped: product not asked for" in told
    assert "tradewedge run data=path data.path=worlds/2023" in told
    assert "DEU" in tw.load_world("worlds/2023").aggregates["EU27"]
    assert main(["data", "build", *said]) == 2
    assert "worlds/2023 exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["source=bacci"], "nearest: baci"),
        (["path=x"], "source is missing: add source=...; sources are baci"),
        (["source=baci", "path=x.csv"], "out is missing"),
        (["source=baci", "path=x", "out=y", "products=[2846]"], "products takes text in quotes"),
        (["source=baci", "path=x", "out=y", "years=soon"], "years takes whole numbers"),
        (["source=baci", "path=x", "out=y", "tons.outliers=0.5"], "a factor above 1"),
        (["source=baci", "path=x", "out=y", "tons.drop_outliers=true"], "needs tons.outliers"),
        (["source=baci", "source.edition=HS92"], "Key 'edition' not in"),
        (["source=baci", "path=x.csv", "out=y", "source.vintage=HS2022"], "there is no file x.csv"),
    ],
)
def test_command_that_cannot_be(
    said: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["data", "build", *said]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["data", "build", "--help"])
    told = capsys.readouterr().out
    assert "CEPII BACI" in told
    assert "impute: none" in told
