"""US law as a world's tariffs, and the duty charged beside them."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.build import Built, Countries, Plan, build, dutycheck
from tradewedge.build.plan import Charged, UsLaw
from tradewedge.cli import main
from tradewedge.errors import ConfigError
from tradewedge.policy.law import duty, law_change

DAY = date(2026, 1, 20)
PAIRS = (
    ("850511", "CHN"),  # Section 301 on magnets
    ("850511", "DEU"),  # one of the European Union, which is one partner of the weights
    ("850760", "KOR"),  # lists by use, and an agreement
    ("760110", "CAN"),  # Section 232, and USMCA
    ("870899", "MEX"),  # metal content on some of the lines
    ("284690", "EST"),
    ("284690", "RUS"),  # column 2
    ("260300", "GRL"),  # none of the partners of the weights
    ("010229", "AUS"),  # by weight, which is not in the rate
)
FLOWS = "year,product,exporter,importer,value,quantity\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rows = [f"2024,{product},{exporter},USA,100,1" for product, exporter in PAIRS]
    rows += ["2024,284690,CHN,JPN,50,1", "2024,850511,USA,JPN,50,1"]
    (tmp_path / "flows.csv").write_text(FLOWS + "\n".join(rows) + "\n")
    return tmp_path


def make(files: Path, **said: Any) -> Built:
    base = {
        "source": "table",
        "path": files / "flows.csv",
        "out": files / "out",
        "options": {"vintage": "HS2022"},
        "us_law": UsLaw(DAY),
        "overwrite": True,
    }
    return build(Plan(**(base | said)))


def rates(world: tw.World) -> dict[tuple[str, str], float | None]:
    rows = world.flows().select("product", "exporter", "importer", "tariff").collect().rows()
    return {(p, x): rate for p, x, m, rate in rows if m == "USA"}


@pytest.mark.parametrize("preference", ["average", "claimed", "none"])
def test_the_same_as_the_duty_of_a_line(files: Path, preference: Any) -> None:
    built = make(files, us_law=UsLaw(DAY, preference))
    found = rates(built.world)
    for product, exporter in PAIRS:
        asked = duty(product, exporter, on=DAY, preference=preference)
        assert found[product, exporter] == pytest.approx(asked.total, abs=1e-12)
        here = (pl.col("product") == product) & (pl.col("exporter") == exporter)
        row = built.beside["us_law"].filter(here).row(0, named=True)
        assert (row["low"], row["high"]) == pytest.approx((asked.low, asked.high), abs=1e-12)
        assert row["rate"] == pytest.approx(asked.total, abs=1e-12)


def test_one_authority_a_row(files: Path) -> None:
    world = make(files).world
    assert world.tariff_importers == {"USA"}
    asked = duty("850511", "CHN", on=DAY, preference="average")
    terms: dict[str, float] = {}
    for term in asked.terms:
        terms[term.authority] = terms.get(term.authority, 0.0) + term.rate
    held = {}
    row = world.flows().collect().with_row_index("row")
    here = row.filter(product="850511", exporter="CHN", importer="USA")["row"].item()
    for part in world.duties:
        if here in part.rows:
            held[part.authority] = part.rate[part.rows == here].item()
    assert held == pytest.approx({name: rate for name, rate in terms.items() if rate})


def test_what_is_a_mean_or_a_judgement_is_counted_and_listed(files: Path) -> None:
    built = make(files)
    told = {
        reason.removeprefix("of these "): rows
        for step, reason, rows, _ in built.audit.iter_rows()
        if step == "US law of 2026-01-20"
    }
    assert told["flows into the United States"] == len(PAIRS)
    assert told["charged on a metal content that is an assumption"] == 1
    table = built.beside["us_law"]
    mixed = table.filter(pl.col("product") == "870899")
    assert mixed["mixed"].item()
    assert mixed["content"].item()
    assert mixed["low"].item() < mixed["rate"].item() < mixed["high"].item()
    assert table.filter(pl.col("product") == "010229")["specific"].item()
    assert table.filter(pl.col("exporter") == "GRL")["weights"].item() == "all partners"
    saved = pl.read_parquet(built.directory / "us_law.parquet")
    assert saved.equals(table)
    assert "antidumping" in " ".join(built.world.notes)


def test_a_scenario_under_the_law_counts_from_the_day_of_the_build(files: Path) -> None:
    built = make(files)
    saved = tw.load_world(built.directory)
    assert saved.tariff_law == built.world.tariff_law == "2026-01-20"
    assert saved.data_hash == built.world.data_hash
    assert law_change(saved, DAY).duties == ()
    later = date(2026, 3, 1)
    change = law_change(saved, later).total(saved.value.size)
    total = dict(zip(keys(saved), saved.tariff_base + change, strict=True))
    fresh = rates(make(files, us_law=UsLaw(later)).world)
    for pair in PAIRS:
        assert total[pair] == pytest.approx(fresh[pair], abs=1e-12)


def keys(world: tw.World) -> list[tuple[str, str]]:
    """Product and exporter of every flow, in the world's order."""
    return [
        (world.products[k], world.countries[i])
        for k, i in zip(world.flow_product, world.flow_exporter, strict=True)
    ]


def test_shares_of_the_user(files: Path) -> None:
    scopes = {"s232_auto_parts": 0.0}
    world = make(files, us_law=UsLaw(DAY, "claimed", scopes)).world
    asked = duty("850760", "KOR", on=DAY, in_scope=scopes)
    assert rates(world)["850760", "KOR"] == pytest.approx(asked.total, abs=1e-12)
    with pytest.raises(ConfigError, match="in_scope: unknown list 's232_auto'; nearest"):
        make(files, us_law=UsLaw(DAY, in_scope={"s232_auto": 0.0}))


def test_a_year_is_the_mean_of_its_days(files: Path) -> None:
    world = make(files, us_law=UsLaw(2025)).world
    parts = [rates(make(files, us_law=UsLaw(day)).world) for day in (date(2025, 1, 1), DAY)]
    low, mean, high = (found["284690", "EST"] for found in (parts[0], rates(world), parts[1]))
    assert min(low, high) <= mean <= max(low, high)
    with pytest.raises(ConfigError, match="the shipped law begins on 2022-01-01"):
        make(files, us_law=UsLaw(2019))


def test_another_edition_and_partners_together(files: Path) -> None:
    groups = Countries(groups={"EU27": ()})
    world = make(files, vintage="HS1992", countries=groups).world
    assert world.tariff_importers == {"USA"}
    asked = duty("284690", "EU27", on=DAY, preference="average")
    assert rates(world)["284690", "EU27"] == pytest.approx(asked.total, abs=1e-12)


def test_other_importers_keep_their_tables(files: Path) -> None:
    own = files / "own.csv"
    own.write_text("product,exporter,importer,rate,authority\n284690,*,JPN,0.03,MFN\n"
                   "284690,*,USA,0.5,MFN\n")  # fmt: skip
    built = make(files, tariffs=(str(own),))
    assert built.world.tariff_importers == {"JPN", "USA"}
    asked = duty("284690", "EST", on=DAY, preference="average")
    assert rates(built.world)["284690", "EST"] == pytest.approx(asked.total, abs=1e-12)
    told = built.audit.filter(pl.col("reason").str.starts_with("rates of USA not used"))
    assert told["rows"].to_list() == [1]


def census(folder: Path) -> Path:
    path = folder / "imports.csv"
    path.write_text(
        "CTY_CODE,I_COMMODITY,CON_VAL_YR,CAL_DUT_YR,YEAR\n"
        "5700,8505110070,100000,20000,2024\n5800,8507600020,1000,34,2024\n"
        "4280,8505110070,50000,1050,2024\n"
    )
    return path


def test_duties_charged_beside_the_law(tmp_path: Path) -> None:
    plan = Plan(source="census", path=census(tmp_path), out=tmp_path / "w", us_law=UsLaw(DAY))
    built = build(plan)
    assert {part.authority for part in built.world.duties}.isdisjoint({"calculated duty"})
    table = built.beside[dutycheck.TABLE]
    assert table.columns[:4] == ["product", "exporter", "importer", "value"]
    row = table.filter(product="850511", exporter="CHN").row(0, named=True)
    asked = duty("850511", "CHN", on=DAY, preference="average")
    assert row["statutory"] == pytest.approx(asked.total)
    assert row["effective"] == pytest.approx(0.2)
    assert row["difference"] == pytest.approx(asked.total - 0.2)
    assert row["duty_charged"] == pytest.approx(20.0)
    assert pl.read_parquet(tmp_path / "w" / "duty_check.parquet").equals(table)


def test_members_of_a_union_beside_the_union(files: Path) -> None:
    path = files / "eu.csv"
    path.write_text(
        "CTY_CODE,I_COMMODITY,CON_VAL_YR,CAL_DUT_YR,YEAR\n0003,8505110070,100000,9000,2024\n"
    )
    table = make(files, charged=Charged(str(path))).beside[dutycheck.TABLE]
    asked = duty("850511", "DEU", on=DAY, preference="average")
    row = table.filter(product="850511", exporter="EU27").row(0, named=True)
    assert row["statutory"] == pytest.approx(asked.total)
    assert row["effective"] == pytest.approx(0.09)
    assert row["value"] == 100.0


def test_the_embedded_duties(files: Path) -> None:
    table = make(files, charged=Charged("us_imports")).beside[dutycheck.TABLE]
    row = table.filter(product="284690", exporter="EU27").row(0, named=True)
    assert row["effective"] == pytest.approx(0.0, abs=0.05)
    assert set(table["product"]) == {product for product, _ in PAIRS}


def test_what_cannot_be(files: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="whose tariffs the world does not know"):
        make(files, us_law=None, charged=Charged("us_imports"))
    home = tmp_path / "home.csv"
    home.write_text(FLOWS + "2024,284690,CHN,JPN,50,1\n")
    with pytest.raises(ConfigError, match="no flow of the data goes into the United States"):
        make(files, path=home)
    schedule = tmp_path / "hts.csv"
    schedule.write_text("HTS Number,General Rate of Duty,Column 2 Rate of Duty\n8505.11.00,2.1%,\n")
    plan = Plan(source="census", path=census(tmp_path), out=tmp_path / "w")
    with pytest.raises(ConfigError, match="holds the duties charged by USA"):
        build(Plan(**plan.__dict__ | {"tariffs": (f"usitc:{schedule}",)}))


def test_command(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(files)
    said = ["source=table", "path=flows.csv", "source.vintage=HS2022", "out=w"]
    more = ["us_law.date=2026-01-20", "us_law.preference=claimed", "charged.path=us_imports"]
    assert main(["data", "build", *said, *more]) == 0
    told = capsys.readouterr().out
    assert "US law of 2026-01-20" in told
    assert "850511 from CHN" in told
    assert "w/duty_check.parquet" in told
    for wrong, text in {
        "us_law.date=soon": "takes a day or a year",
        "us_law.in_scope={a: 1}": "us_law needs us_law.date",
        "us_law.preference=none": "us_law needs us_law.date",
        "tariff_options=[wto]": "takes sources and what they are told",
        "charged.year=2024": "charged.year needs charged.path",
    }.items():
        assert main(["data", "build", *said[:3], "out=v", wrong]) == 2
        assert text in capsys.readouterr().err
