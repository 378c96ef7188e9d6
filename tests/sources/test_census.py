"""US imports as the Census API answers, and the file that the embedded world was made of."""

import json
from pathlib import Path

import polars as pl
import pytest

from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import census, embedded
from tradewedge.sources.tally import check_ties
from tradewedge.sources.trade import Trade

HEADER = [
    "CTY_CODE",
    "CTY_NAME",
    "I_COMMODITY",
    "CON_VAL_YR",
    "CAL_DUT_YR",
    "CON_QY1_YR",
    "UNIT_QY1",
    "YEAR",
    "MONTH",
    "SUMMARY_LVL",
]
ROWS = [
    ["5700", "CHINA", "2846902084", "100500", "3700", "2500", "KG", "2024", "12", "DET"],
    ["5700", "CHINA", "2846908090", "500", "0", "10", "KG", "2024", "12", "DET"],
    ["5570", "MALAYSIA", "8507600020", "50250", "1700", "9", "NO", "2024", "12", "DET"],
]
TWICE = {
    "total over partners, or a continent": "-|TOTAL|2846902084|9000|1|1|KG|2024|12|DET",
    "group of countries": "0020|USMCA|2846902084|9000|1|1|KG|2024|12|DET",
    "sum over a chapter or heading": "5700|CHINA|284690|9000|1|1|KG|2024|12|DET",
    "year to date before December": "5700|CHINA|2846902084|9000|1|1|KG|2024|11|DET",
    "chapters 98 and 99, special provisions": "5700|CHINA|9801001000|9000|0|0|X|2024|12|DET",
    "line withheld by Census: six digits not in HS2022": (
        "5700|CHINA|2846990000|9000|0|0|X|2024|12|DET"
    ),
    "value 0": "5880|JAPAN|2846902084|0|0|0|KG|2024|12|DET",
}
ERRORS = {
    "5701|X|2846902084|1|0|0|KG|2024|12|DET": "CTY_CODE is no partner of Census: '5701'",
    "5880|JAPAN|28469o2084|1|0|0|KG|2024|12|DET": "I_COMMODITY is not a line of digits",
    "5880|JAPAN|2846902084|-1|0|0|KG|2024|12|DET": "CON_VAL_YR is negative",
    "5880|JAPAN|2846902084|0|5|0|KG|2024|12|DET": "CAL_DUT_YR is a duty on no value",
    "5880|JAPAN|2846902084|9|five|0|KG|2024|12|DET": "CAL_DUT_YR is not a number: 'five'",
    "5700|CHINA|2846902084|9|0|0|KG|2024|12|DET": "2 rows state the same flow",
}


def write(folder: Path, *rows: str) -> Path:
    path = folder / "answer.json"
    path.write_text(json.dumps([HEADER, *ROWS, *(row.split("|") for row in rows)]))
    return path


def reasons(trade: Trade, step: str = "answer.json") -> dict[str, tuple[int, float]]:
    rows = trade.audit.filter(pl.col("step") == step).iter_rows()
    return {reason: (number, value) for _, reason, number, value in rows}


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_an_answer_of_the_api(tmp_path: Path, form: str) -> None:
    path = write(tmp_path)
    frame = pl.DataFrame(ROWS, schema=HEADER, orient="row")
    if form == "csv":
        frame.write_csv(path := tmp_path / "answer.csv")
    elif form == "parquet":
        frame.write_parquet(path := tmp_path / "answer.parquet")
    trade = census.read(path, None)
    assert sorted(trade.flows.rows()) == [
        (2024, "284690", "CHN", "USA", 101.0, 2.51, 3.7),
        (2024, "850760", "MYS", "USA", 50.25, None, 1.7),
    ]
    assert trade.flows.columns[-1] == "duty:calculated duty"
    assert trade.observed_importers == ("USA",)
    assert reasons(trade, f"answer.{form}: duties")["added up to"] == (2, 5.4)
    check_ties(trade.audit)


@pytest.mark.parametrize("reason", TWICE)
def test_what_does_not_count(tmp_path: Path, reason: str) -> None:
    trade = census.read(write(tmp_path, TWICE[reason]), None)
    assert reasons(trade)[f"dropped: {reason}"][0] == 1
    assert reasons(trade)["kept"] == (3, 151.25)


@pytest.mark.parametrize("row", ERRORS)
def test_rows_that_cannot_be(tmp_path: Path, row: str) -> None:
    with pytest.raises(DataError, match=ERRORS[row]):
        census.read(write(tmp_path, row), None)


def test_not_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"error": "missing key"}')
    with pytest.raises(DataError, match="is no JSON array of rows"):
        census.read(path, None)
    path.write_text('[["a", "b"], ["1", "2"]]')
    with pytest.raises(DataError, match="no column CTY_CODE, I_COMMODITY, CON_VAL_YR, CAL_DUT_YR"):
        census.read(path, None)


def test_ties_to_the_embedded_world(shared_dir: Path) -> None:
    """75.6 bn USD of duty on imports of 3,208.8 bn once Slovakia counts inside the Union alone."""
    folder = shared_dir / "data/us_imports_2024_hs10"
    path = folder / "us_imports_for_consumption_2024_by_country_hs10.parquet"
    with pytest.raises(ConfigError, match=r"no column tells the year"):
        census.read(path, None)
    trade = census.read(path, [2024])
    check_ties(trade.audit)
    values, duties = (reasons(trade, f"{path.name}{text}") for text in ("", ": duties"))
    assert values["read"] == (209_616, pytest.approx(3_216_961_412.233))
    assert duties["read"][1] == pytest.approx(75_828_780.3)
    slovakia = pl.read_parquet(path).filter(pl.col("cty_code") == "4359")
    left = values["read"][1] - slovakia["customs_value_usd"].sum() / 1000
    charged = duties["read"][1] - slovakia["calculated_duty_usd"].sum() / 1000
    assert left / 1e6 == pytest.approx(3208.8, abs=0.05)
    assert charged / 1e6 == pytest.approx(75.6, abs=0.05)
    assert duties["kept"][1] / 1e6 == pytest.approx(75.6, abs=0.05)
    shipped = embedded.tables("us_imports")
    mine = trade.flows.select("product", "exporter", "value", pl.selectors.starts_with("duty"))
    mine = mine.with_columns(pl.col("product", "exporter").cast(pl.String))
    both = shipped.flows.join(mine, on=["product", "exporter"], suffix="_read")
    assert both.height == shipped.flows.height == mine.height
    assert (both["value"] - both["value_read"]).abs().max() < 1e-6
    rates = shipped.tariffs.join(mine, on=["product", "exporter"])
    due = rates["duty:calculated duty"] / rates["value"]
    assert (rates["rate"] - due).abs().max() < 1e-9
