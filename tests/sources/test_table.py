"""Tables of the user's own: in our columns, or described in a YAML file."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import tradewedge as tw
from tradewedge.cli import main
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import table
from tradewedge.sources.reading import read_table
from tradewedge.sources.trade import Trade

GERMAN = """\
Jahr;Herkunft;Ware;Wert (Mio. $);Gewicht
2023;China;10121;1.234,5;1.000
2023;Deutschland;284690;0,25;-
2023;Welt;284690;99;
"""
ABOUT: dict[str, Any] = {
    "path": "my.csv",
    "title": "customs, own extract",
    "columns": {
        "year": "Jahr",
        "exporter": "Herkunft",
        "product": "Ware",
        "value": "Wert (Mio. $)",
        "quantity": "Gewicht",
    },
    "constants": {"importer": "USA"},
    "units": {"value": "million USD", "quantity": "kg"},
    "countries": "name",
    "country_names": {"Deutschland": "DEU", "USA": "USA"},
    "decimal": ",",
    "not_reported": ["-"],
    "leave_out": {"Herkunft": ["Welt"]},
    "vintage": "HS2022",
}


def reasons(trade: Trade) -> dict[str, tuple[int, float]]:
    return {reason: (rows, value) for _, reason, rows, value in trade.audit.iter_rows()}


def described(folder: Path, text: str = GERMAN, **changes: Any) -> Path:
    (folder / "my.csv").write_text(text, encoding="utf-8")
    path = folder / "my.yaml"
    path.write_text(yaml.safe_dump(ABOUT | changes, allow_unicode=True), encoding="utf-8")
    return path


def test_a_described_table(tmp_path: Path) -> None:
    trade = table.read(described(tmp_path), None)
    assert trade.flows.rows() == [
        (2023, "010121", "CHN", "USA", 1_234_500.0, 1.0),
        (2023, "284690", "DEU", "USA", 250.0, None),
    ]
    assert trade.title == "customs, own extract"
    assert reasons(trade) == {
        "read": (3, 1_333_750.0),
        "dropped: Herkunft is Welt": (1, 99_000.0),
        "kept": (2, 1_234_750.0),
        "of these a leading zero of the code put back": (1, 1_234_500.0),
    }


def test_a_world_without_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["data", "build", "source=table", "path=my.yaml", "out=mine"]) == 0
    world = tw.load_world("mine")
    assert (world.year, world.vintage, world.countries) == (2023, "HS2022", ("CHN", "DEU", "USA"))


def test_description_apart_from_the_table(tmp_path: Path) -> None:
    about = described(tmp_path)
    options = table.Options(mapping=str(about))
    assert table.read(tmp_path / "my.csv", None, options).flows.height == 2


def test_our_own_columns(tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text("product,exporter,importer,value\nsteel,CHN,USA,5\n")
    trade = table.read(path, [2020])
    assert trade.flows.rows() == [(2020, "steel", "CHN", "USA", 5.0, None)]
    with pytest.raises(ConfigError, match="no column tells the year"):
        table.read(path, None)
    frame = pl.DataFrame({"year": [2020], "product": ["284690"], "exporter": ["CHN"]})
    frame.with_columns(importer=pl.lit("USA"), value=1.5).write_parquet(tmp_path / "f.parquet")
    trade = table.read(tmp_path / "f.parquet", None, table.Options(vintage="HS2022"))
    assert trade.flows.rows() == [(2020, "284690", "CHN", "USA", 1.5, None)]


def test_rows_of_one_flow(tmp_path: Path) -> None:
    twice = GERMAN + "2023;China;10121;1,5;500\n"
    with pytest.raises(DataError, match="2 rows state the same flow"):
        table.read(described(tmp_path, twice), None)
    trade = table.read(described(tmp_path, twice, add_up=True), None)
    assert trade.flows.filter(pl.col("product") == "010121").row(0)[4:] == (1_236_000.0, 1.5)
    assert reasons(trade)["added up to"] == (2, 1_236_250.0)


def test_national_codes_are_cut_on_request(tmp_path: Path) -> None:
    rows = "2023;China;28469040;1,5;500\n2023;China;2846904099;0,5;-\n2023;China;1012100;1;1\n"
    text = GERMAN.splitlines()[0] + "\n" + rows
    with pytest.raises(DataError, match=r"is not in HS2022: '28469040'.*cut_to_six: true"):
        table.read(described(tmp_path, text), None)
    trade = table.read(described(tmp_path, text, cut_to_six=True), None)
    values = dict(trade.flows.select("product", "value").iter_rows())
    assert values == {"010121": 1000.0, "284690": 2000.0}
    assert reasons(trade)["of these national code cut to six digits"] == (3, 3000.0)
    assert reasons(trade)["added up to"] == (2, 3000.0)


def test_the_hint_is_for_what_is_left_to_say(tmp_path: Path) -> None:
    bad = f"{GERMAN}2023;China;10121;n/v;1\n"
    with pytest.raises(DataError, match="not_reported") as caught:
        table.read(described(tmp_path, bad), None)
    assert "comma" not in str(caught.value)
    with pytest.raises(DataError, match="A comma before the decimals"):
        table.read(described(tmp_path, bad, decimal="."), None)


BAD_FIELDS = {
    "2023;Chyna;10121;1;1": r"line 5: Herkunft is no name of ours: 'Chyna'.*country_names",
    "2023;China;10121;1.5;1": r"line 5: Wert \(Mio. \$\) is not a number: '1.5'",
    "2023;China;10121;-1;1": r"line 5: Wert \(Mio. \$\) is negative",
    "2023;China;10121;;1": r"line 5: Wert \(Mio. \$\) is missing",
    "2023;China;999;1;1": r"line 5: Ware is not in HS2022: '999'",
    "soon;China;10121;1;1": "line 5: Jahr is not a year: 'soon'",
}


@pytest.mark.parametrize("row", BAD_FIELDS)
def test_fields_that_cannot_be(tmp_path: Path, row: str) -> None:
    with pytest.raises(DataError, match=BAD_FIELDS[row]):
        table.read(described(tmp_path, f"{GERMAN}{row}\n"), None)


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1,234.5", ".", 1234.5),
        ("1 234,5", ",", 1234.5),
        ("1'234.5", ".", 1234.5),
        ("1.234.567", ",", 1234567.0),
        ("1,5", ".", None),
        ("1.5", ",", None),
        ("1,23,456", ".", None),
        ("12e3", ".", 12000.0),
        ("five", ".", None),
    ],
)
def test_numbers(tmp_path: Path, text: str, decimal: str, number: float | None) -> None:
    path = described(
        tmp_path,
        f"Jahr;Herkunft;Ware;Wert (Mio. $);Gewicht\n2023;China;284690;{text};1\n",
        decimal=decimal,
        units={},
    )
    if number is None:
        with pytest.raises(DataError, match="is not a number"):
            table.read(path, None)
    else:
        assert table.read(path, None).flows["value"].to_list() == [number]


BAD_DESCRIPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "key": ({"colums": {}}, "unknown key 'colums'; nearest: columns"),
    "unit": ({"units": {"value": "EUR"}}, "units.value is 'EUR'; allowed are USD, thousand USD"),
    "what": ({"units": {"worth": "USD"}}, "units has value, quantity and rate"),
    "system": ({"countries": "fips"}, "countries is 'fips'; it is one of"),
    "country": ({"country_names": {"X": "GER"}}, "country_names.X: unknown country code 'GER'"),
    "number": ({"constants": {"importer": 842}}, "is not text: write it in quotes"),
    "edition": ({"vintage": "HS1999"}, "unknown HS edition"),
    "decimal": ({"decimal": ";"}, "decimal is ';'"),
    "column": ({"columns": ABOUT["columns"] | {"value": "Wert"}}, "no column Wert"),
    "silent": ({"columns": {"year": "Jahr"}}, "columns says nothing of product, exporter, value"),
}


@pytest.mark.parametrize("case", BAD_DESCRIPTIONS)
def test_descriptions_that_cannot_be(tmp_path: Path, case: str) -> None:
    changes, told = BAD_DESCRIPTIONS[case]
    with pytest.raises((ConfigError, DataError), match=told):
        table.read(described(tmp_path, **changes), None)


def test_a_described_table_of_tariffs(tmp_path: Path) -> None:
    (tmp_path / "duties.csv").write_text("hs,origin,duty\n284690,156,3.7\n284690,784,0\n")
    about = {
        "path": "duties.csv",
        "columns": {"product": "hs", "exporter": "origin", "rate": "duty"},
        "constants": {"importer": "USA", "authority": "MFN"},
        "countries": "m49",
        "country_names": {"USA": "USA"},
        "units": {"rate": "percent"},
    }
    path = tmp_path / "duties.yaml"
    path.write_text(yaml.safe_dump(about))
    schema = dict.fromkeys(("product", "exporter", "importer", "authority"), pl.String)
    rates = read_table(path, {**schema, "rate": pl.Float64})
    assert rates.rows() == [
        ("284690", "CHN", "USA", "MFN", pytest.approx(0.037)),
        ("284690", "ARE", "USA", "MFN", 0.0),
    ]


def test_tables_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    schema = {"product": pl.String, "rate": pl.Float64}
    path.write_text("product,rate\n284690,0.1\n284610,ten\n")
    with pytest.raises(DataError, match="line 3: rate is not a number: 'ten'"):
        read_table(path, schema)
    path.write_text("product,rates\n284690,0.1\n")
    with pytest.raises(DataError, match=r"no column rate \(did rates mean rate"):
        read_table(path, schema)
    path.write_text("product,rate\n10121,0.1\n")
    with pytest.raises(DataError, match=r"line 2: product .* a leading zero may be lost: '10121'"):
        read_table(path, schema)
    (tmp_path / "t.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(tmp_path / "t.parquet", schema)
