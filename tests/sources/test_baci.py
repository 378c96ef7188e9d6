"""BACI in its layouts and releases, and what happens to files that are not what they claim."""

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import baci
from tradewedge.sources.tally import check_ties
from tradewedge.sources.trade import Trade

HEADER = "t,i,j,k,v,q"
ROWS = (
    "2023,156,842,284690,100.5,        2.500",
    "2023,458,842,284690,50.25,           NA",
    "2023,156,392,010121,3.125,        0.001",
)
COUNTRIES = "country_code,country_name,country_iso2,country_iso3\n156,China,CN,CHN\n"
NAME = "BACI_HS22_Y2023_V202501.csv"


def write(folder: Path, *rows: str, name: str = NAME, header: str = HEADER) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def reasons(trade: Trade) -> dict[str, tuple[int, float]]:
    return {reason: (rows, value) for _, reason, rows, value in trade.audit.iter_rows()}


def test_reads_a_file(tmp_path: Path) -> None:
    trade = baci.read(write(tmp_path, *ROWS), None)
    assert trade.vintage == "HS2022"
    assert trade.years == (2023,)
    assert trade.title == "CEPII BACI HS2022, release 202501"
    assert sorted(trade.flows.rows()) == [
        (2023, "010121", "CHN", "JPN", 3.125, 0.001),
        (2023, "284690", "CHN", "USA", 100.5, 2.5),
        (2023, "284690", "MYS", "USA", 50.25, None),
    ]
    assert reasons(trade) == {"read": (3, 153.875), "kept": (3, 153.875)}


@pytest.mark.parametrize("form", ["zip", "gz", "folder", "quoted", "bom", "old header"])
def test_every_way_a_file_comes(tmp_path: Path, form: str) -> None:
    plain = write(tmp_path, *ROWS)
    path = plain
    if form == "zip":
        path = tmp_path / "BACI_HS22_V202501.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, plain.name)
            archive.writestr("country_codes_V202501.csv", COUNTRIES)
            archive.writestr("Readme.txt", "Name of the dataset : BACI")
        plain.unlink()
    elif form == "gz":
        path = tmp_path / f"{NAME}.gz"
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif form == "folder":
        path = tmp_path
        (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    elif form == "quoted":
        quoted = [",".join(f'"{field}"' for field in row.split(",")) for row in (HEADER, *ROWS)]
        plain.write_text("\r\n".join(quoted) + "\r\n", encoding="utf-8")
    elif form == "bom":
        plain.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    else:
        old = [row.split(",") for row in ROWS]
        swapped = [",".join([t, k, i, j, v, q]) for t, i, j, k, v, q in old]
        path = write(tmp_path, *swapped, name="baci22_2023.csv", header="t,hs6,i,j,v,q")
    trade = baci.read(path, None)
    assert trade.vintage == "HS2022"
    assert trade.flows.height == 3
    assert reasons(trade)["kept"] == (3, 153.875)


def test_a_new_country_comes_from_the_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "BACI_HS22_V203001.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(NAME, f"{HEADER}\n2023,998,842,284690,1,NA\n")
        archive.writestr("country_codes_V203001.csv", COUNTRIES + "998,Kosovo,XK,XKX\n")
    assert baci.read(path, None).flows["exporter"].to_list() == ["XKX"]


def test_years_of_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "BACI_HS22_V202501.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for year in (2022, 2023):
            row = f"{year},156,842,284690,{year},NA"
            archive.writestr(f"BACI_HS22_Y{year}_V202501.csv", f"{HEADER}\n{row}\n")
    assert baci.read(path, [2022]).flows["value"].to_list() == [2022.0]
    assert baci.read(path, [2023, 2022]).years == (2022, 2023)
    with pytest.raises(ConfigError, match=r"2022, 2023: say which, as years=\[2023\]"):
        baci.read(path, None)
    with pytest.raises(ConfigError, match="has no year 1999; it holds 2022, 2023"):
        baci.read(path, [1999])


def test_vintage_is_asked_for_where_no_name_tells_it(tmp_path: Path) -> None:
    path = write(tmp_path, *ROWS, name="mine.csv")
    with pytest.raises(ConfigError, match="which HS edition"):
        baci.read(path, None)
    assert baci.read(path, None, baci.Options(vintage="HS2022")).vintage == "HS2022"


DROPPED = {
    "total of all products": "2023,156,842,TOTAL,999,NA",
    "sum over a chapter or heading": "2023,156,842,2846,999,NA",
    "goods of no stated kind (9999)": "2023,156,842,9999AA,999,NA",
    "exporter is importer": "2023,156,156,284690,999,NA",
    "value 0": "2023,156,276,284690,0,NA",
}


@pytest.mark.parametrize("reason", DROPPED)
def test_dropped_with_a_count(tmp_path: Path, reason: str) -> None:
    trade = baci.read(write(tmp_path, *ROWS, DROPPED[reason]), None)
    lost = 0.0 if reason == "value 0" else 999.0
    assert reasons(trade) == {
        "read": (4, 153.875 + lost),
        f"dropped: {reason}": (1, lost),
        "kept": (3, 153.875),
    }


def test_a_lost_zero_is_put_back_and_counted(tmp_path: Path) -> None:
    trade = baci.read(write(tmp_path, "2023,156,392,10121,3.125,0.001"), None)
    assert trade.flows["product"].to_list() == ["010121"]
    assert reasons(trade)["of these a leading zero of the code put back"] == (1, 3.125)


ERRORS = {
    "2023,156,842,284690,-1,NA": r"line 5: v is negative: '-1'",
    "2023,156,842,284690,abc,NA": r"line 5: v is not a number: 'abc'",
    "2023,156,842,284690,,NA": r"line 5: v is missing",
    "2023,156,842,284690": r"line 5: v is missing",
    "2023,156,842,284690,1,-2": r"line 5: q is negative",
    "2023,156,842,284690,1,much": r"line 5: q is not a number: 'much'",
    "2023,156,842,284699,1,NA": r"line 5: k is not in HS2022: '284699'",
    "2023,156,842,284690.0,1,NA": r"line 5: k is not in HS2022: '284690.0'",
    "2023,777,842,284690,1,NA": r"line 5: i is no country of BACI: '777'",
    "2023,97,842,284690,1,NA": r"line 5: i is no country of BACI: '97'",
    "2023,156,0,284690,1,NA": r"line 5: j is no country of BACI: '0'",
    "year,156,842,284690,1,NA": r"line 5: t is not a year: 'year'",
    "2023,156,842,284690,1,NA,7": r"line 5 has 7 fields, the header 6",
    "2023,156,842,284690,7,NA": r"2 rows state the same flow.*product 284690, exporter CHN",
}


@pytest.mark.parametrize("row", ERRORS)
def test_a_row_that_cannot_be_is_an_error(tmp_path: Path, row: str) -> None:
    path = write(tmp_path, *ROWS, row)
    with pytest.raises(DataError, match=ERRORS[row]) as error:
        baci.read(path, None)
    assert NAME in str(error.value)


def test_wrong_header(tmp_path: Path) -> None:
    path = write(tmp_path, *ROWS, header="year,exporter,importer,product,v,q")
    with pytest.raises(DataError, match=r"line 1: no column t, i, j, k.*This is not a BACI file"):
        baci.read(path, None)


def test_wrong_encoding(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes("\n".join([HEADER, *ROWS]).encode("utf-16"))
    with pytest.raises(DataError, match="is UTF-16 text; save it as UTF-8"):
        baci.read(path, None)
    path.write_bytes("\n".join([HEADER, ROWS[0], "2023,156,842,284610,1,é"]).encode("latin-1"))
    with pytest.raises(DataError, match=r"line 3.*(not UTF-8|'é'|not a number)"):
        baci.read(path, None)


def test_truncated_archives(tmp_path: Path) -> None:
    rows = [f"2023,156,842,{284610 + 80 * (n % 2)},{n}.125,NA" for n in range(5000)]
    plain = write(tmp_path, *rows)
    path = tmp_path / "BACI_HS22_V202501.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, plain.name)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="was not downloaded whole"):
        baci.read(path, None)
    broken = bytearray(whole)
    broken[len(whole) // 3] ^= 255
    path.write_bytes(broken)
    with pytest.raises(DataError, match="is damaged"):
        baci.read(path, None)
    packed = tmp_path / f"{NAME}.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes())[:2000])
    with pytest.raises(DataError, match="was not downloaded whole"):
        baci.read(packed, None)


def test_no_such_file(tmp_path: Path) -> None:
    write(tmp_path, *ROWS)
    with pytest.raises(DataError, match=f"there is {NAME}"):
        baci.read(tmp_path / "BACI_HS22_Y2023_V202502.csv", None)


FIELD = st.sampled_from(
    ["2023", "156", "842", "284690", "10121", "TOTAL", "NA", "", "1.5", "-3", " 7", "0", "x"]
)


@given(st.lists(st.tuples(*[FIELD] * 6), max_size=4))
def test_no_row_is_lost_silently(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    """Whatever the fields hold, either an error names them or the audit accounts for all rows."""
    lines = [*ROWS, *(",".join(row) for row in rows if any(row))]
    path = write(tmp_path_factory.mktemp("baci"), *lines)
    try:
        trade = baci.read(path, [2023])
    except DataError as error:
        told = str(error)
    else:
        check_ties(trade.audit)
        assert reasons(trade)["read"][0] == len(lines)
        assert trade.flows.height == reasons(trade)["kept"][0]
        assert trade.flows["value"].min() > 0
        return
    assert NAME in told


def test_the_quick_path_and_the_careful_one_agree(shared_dir: Path, tmp_path: Path) -> None:
    """Rows beyond doubt are read without the rules; a blank in front makes every row doubtful."""
    source = shared_dir / "data/baci_hs92_minerals/BACI_HS92_Y2022_minerals71.csv.gz"
    lines = gzip.decompress(source.read_bytes()).decode().splitlines()[:3000]
    quick = baci.read(write(tmp_path, *lines[1:], name="BACI_HS92_Y2022_V1.csv"), None)
    blank = [row.replace(",", ", ") for row in lines[1:]]
    careful = baci.read(write(tmp_path, *blank, name="BACI_HS92_Y2022_V2.csv"), None)
    assert quick.flows.equals(careful.flows)
    assert quick.audit["rows"].to_list() == careful.audit["rows"].to_list()


def test_sample_of_two_exporters(shared_dir: Path) -> None:
    folder = shared_dir / "data/baci_raw_layout_samples"
    trade = baci.read(folder / "BACI_HS92_Y2021_V202301_exporters_4_710.csv.gz", None)
    check_ties(trade.audit)
    assert trade.flows.height == 71_192
    assert set(trade.flows["exporter"].unique()) == {"AFG", "ZAF"}
    assert reasons(trade)["of these a leading zero of the code put back"][0] == 4_442
    assert trade.flows["quantity"].null_count() == 2_306


@pytest.mark.parametrize(
    "name",
    [
        "country_codes_V202201_oldheader.csv",
        "country_codes_V202301.csv",
        "country_codes_V202501.csv",
    ],
)
def test_country_dictionaries_of_three_generations(shared_dir: Path, name: str) -> None:
    from tradewedge.sources.files import table

    found = baci._dictionary(table(shared_dir / "data/baci_raw_layout_samples" / name))
    assert len(found) > 230
    assert found["842"] == "USA"
    assert found["156"] == "CHN"


def test_us_rare_earth_imports(shared_dir: Path, tmp_path: Path) -> None:
    """By tons, 2020 to 2023, from official layout: China 73.6 %, Malaysia 10.9 %, ..."""
    folder = shared_dir / "data/baci_hs92_minerals"
    table = pl.read_parquet(folder / "trade_2018_2024.parquet")
    path = tmp_path / "BACI_HS92_V202601.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for (year,), rows in table.partition_by("t", as_dict=True).items():
            q = pl.col("q").round(3).cast(pl.String).fill_null("NA").str.pad_start(13)
            text = rows.with_columns(q, k=pl.col("k").cast(pl.String).str.zfill(6)).write_csv()
            archive.writestr(f"BACI_HS92_Y{year}_V202601.csv", text)
        archive.write(folder / "country_codes_V202401b.csv", "country_codes_V202601.csv")
    trade = baci.read(path, [2020, 2021, 2022, 2023])
    check_ties(trade.audit)
    tons = (
        trade.flows.filter(
            pl.col("product").is_in(["280530", "284610", "284690"]) & (pl.col("importer") == "USA")
        )
        .group_by(pl.col("exporter").cast(pl.String))
        .agg(pl.col("quantity").sum())
    )
    percent = 100 * pl.col("quantity") / pl.col("quantity").sum()
    share = dict(tons.select("exporter", percent).iter_rows())
    rounded = {country: round(share[country], 1) for country in ("CHN", "MYS", "JPN", "EST")}
    assert rounded == {"CHN": 73.6, "MYS": 10.9, "JPN": 5.0, "EST": 4.9}


def test_a_file_that_is_not_there_is_said_first(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        baci.read(tmp_path / "nofile.csv", None)
