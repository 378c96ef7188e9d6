"""UN Comtrade in its two layouts, and rows that would count trade twice."""

from pathlib import Path

import pytest

from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import comtrade
from tradewedge.sources.tally import check_ties
from tradewedge.sources.trade import Trade

PLUS = (
    "period,reporterCode,flowCode,partnerCode,partner2Code,classificationCode,cmdCode,customsCode,"
    "motCode,netWgt,primaryValue"
)
ROWS = (
    "2022,842,M,156,0,H6,284690,C00,0,2500,100500",
    "2022,842,M,458,0,H6,284690,C00,0,,50250",
)
LEGACY = (
    "Classification,Year,Period,Trade Flow Code,Reporter Code,Partner Code,Commodity Code,"
    "Netweight (kg),Trade Value (US$)"
)


def write(folder: Path, header: str, *rows: str, ending: str = "") -> Path:
    path = folder / "TradeData.csv"
    path.write_text("\n".join([header, *(row + ending for row in rows)]) + "\n", "utf-8")
    return path


def reasons(trade: Trade) -> dict[str, tuple[int, float]]:
    return {reason: (rows, value) for _, reason, rows, value in trade.audit.iter_rows()}


def read(path: Path, **options: str) -> Trade:
    return comtrade.read(path, None, comtrade.Options(**options))


@pytest.mark.parametrize("ending", ["", ","])
def test_todays_layout(tmp_path: Path, ending: str) -> None:
    """Downloads of the website end every row with a comma that the header lacks."""
    trade = read(write(tmp_path, PLUS, *ROWS, ending=ending))
    assert trade.vintage == "HS2022"
    assert trade.flows.rows() == [
        (2022, "284690", "CHN", "USA", 100.5, 2.5),
        (2022, "284690", "MYS", "USA", 50.25, None),
    ]


def test_exports_turn_reporter_and_partner(tmp_path: Path) -> None:
    trade = read(write(tmp_path, PLUS, *ROWS, ROWS[0].replace(",M,", ",X,")), side="exports")
    assert trade.flows.rows() == [(2022, "284690", "USA", "CHN", 100.5, 2.5)]
    assert reasons(trade)["dropped: not exports"] == (2, 150.75)


def test_layout_before_2022(tmp_path: Path) -> None:
    row = "H5,2017,2017,1,842,156,284690,2500,100500"
    trade = read(write(tmp_path, LEGACY, row))
    assert trade.vintage == "HS2017"
    assert trade.flows.rows() == [(2017, "284690", "CHN", "USA", 100.5, 2.5)]


TWICE = {
    "partner is the world: a total": "2022,842,M,0,0,H6,284690,C00,0,1,999000",
    "total of all products": "2022,842,M,156,0,H6,TOTAL,C00,0,1,999000",
    "sum over a chapter or heading": "2022,842,M,156,0,H6,2846,C00,0,1,999000",
    "part of a total (transport, procedure, second partner)": (
        "2022,842,M,156,0,H6,284690,C00,2100,1,999000"
    ),
    "a month, not the year": "202203,842,M,156,0,H6,284690,C00,0,1,999000",
    "re-imports: partner is reporter": "2022,842,M,842,0,H6,284690,C00,0,1,999000",
    "not imports": "2022,842,RX,156,0,H6,284690,C00,0,1,999000",
}


@pytest.mark.parametrize("reason", TWICE)
def test_what_would_count_twice_is_dropped(tmp_path: Path, reason: str) -> None:
    trade = read(write(tmp_path, PLUS, *ROWS, TWICE[reason]))
    assert reasons(trade)[f"dropped: {reason}"] == (1, 999.0)
    assert reasons(trade)["kept"] == (2, 150.75)


def test_union_beside_members(tmp_path: Path) -> None:
    union = "2022,842,M,97,0,H6,284690,C00,0,1,30000"
    members = [f"2022,842,M,{code},0,H6,284690,C00,0,1,15000" for code in (276, 251)]
    trade = read(write(tmp_path, PLUS, *ROWS, union, *members))
    assert reasons(trade)["dropped: European Union as exporter, beside its members"] == (1, 30.0)
    assert trade.aggregates == {}
    trade = read(write(tmp_path, PLUS, *ROWS, union, members[0]))
    text = "dropped: member of the European Union as exporter, inside it as well"
    assert reasons(trade)[text] == (1, 15.0)
    assert len(trade.aggregates["EU27"]) == 27


def test_several_editions(tmp_path: Path) -> None:
    path = write(tmp_path, PLUS, *ROWS, ROWS[0].replace("H6", "H5").replace("156", "124"))
    with pytest.raises(ConfigError, match=r"HS2017 \(1 rows\), HS2022 \(2 rows\).*=HS2022"):
        read(path)
    assert reasons(read(path, vintage="HS2022"))["dropped: not in HS2022"] == (1, 100.5)


ERRORS = {
    "2022,842,M,999,0,H6,284690,C00,0,1,1": "line 4: partnerCode is no country of Comtrade: '999'",
    "2022,842,M,156,0,H6,284699,C00,0,1,1": "line 4: cmdCode is not in HS2022",
    "2022,842,M,124,0,H6,284690,C00,0,1,-1": "line 4: primaryValue is negative",
    "2022,842,M,124,0,H6,284690,C00,0,1,": "line 4: primaryValue is missing",
    "2022,842,M,156,0,H6,284690,C00,0,1,7": "2 rows state the same flow as another",
}


@pytest.mark.parametrize("row", ERRORS)
def test_rows_that_cannot_be(tmp_path: Path, row: str) -> None:
    with pytest.raises(DataError, match=ERRORS[row]):
        read(write(tmp_path, PLUS, *ROWS, row))


def test_not_comtrade(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column reporterCode.*This is not a Comtrade file"):
        read(write(tmp_path, "a,b,c", "1,2,3"))
    with pytest.raises(ConfigError, match="imports or exports"):
        read(write(tmp_path, PLUS, *ROWS), side="both")


def test_names_in_another_encoding_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "TradeData.csv"
    text = f"{PLUS},partnerDesc\n{ROWS[0]},Türkiye\n"
    path.write_bytes(text.encode("latin-1"))
    assert read(path).flows.height == 1


def test_sample_of_todays_layout(shared_dir: Path) -> None:
    path = shared_dir / "data/comtrade_layout_samples/comtradeplus_nickel_2000_2023.csv.gz"
    trade = comtrade.read(path, [2023])
    check_ties(trade.audit)
    told = reasons(trade)
    assert told["read"][0] == 13_739
    assert told["kept"][0] == trade.flows.height == 246
    world = told["dropped: partner is the world: a total"][1]
    inside = told["dropped: re-imports: partner is reporter"][1]
    assert told["kept"][1] + inside == pytest.approx(world, abs=1e-3)


def test_sample_before_2022_has_totals_only(shared_dir: Path) -> None:
    path = shared_dir / "data/comtrade_layout_samples/comtrade_legacy_8486_2017.csv.gz"
    with pytest.raises(ConfigError, match=r"HS2017 \(1,945 rows\)"):
        comtrade.read(path, [2017])
    with pytest.raises(DataError, match="267 partner is the world: a total"):
        comtrade.read(path, [2017], comtrade.Options(vintage="HS2017"))
