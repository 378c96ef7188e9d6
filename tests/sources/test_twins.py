"""Every loader, and twins of its file that are not what they claim: an error or a counted drop.

``LOADERS`` holds a small good file of every format; a table per twin says what becomes of it: an
error with that text, or rows dropped (or mended) with that reason in the audit. A format without
an entry, or with None, cannot have that twin.
"""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import (
    baci,
    census,
    comtrade,
    dataweb,
    geodist,
    gravity,
    icio,
    mining,
    table,
    trains,
    usgs,
    usitc,
    worldbank,
    wto,
)


@dataclass(frozen=True)
class Loader:
    """A good file.

    ``needed`` is a column that it cannot do without; ``product``, ``value`` and ``partner`` are the
    columns in which twins differ.
    """

    read: Callable[[Path], Any]
    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    needed: str
    product: str = ""
    value: str = ""
    partner: str = ""
    separator: str = ","

    def text(self) -> str:
        """The file."""
        lines = [self.columns, *self.rows]
        return "\n".join(self.separator.join(line) for line in lines) + "\n"

    def plus(self, row: int = 0, **changes: str) -> "Loader":
        """With one more row: a copy of another, with changes."""
        fields = dict(zip(self.columns, self.rows[row], strict=True)) | changes
        return replace(self, rows=(*self.rows, tuple(fields.values())))

    def instead(self, row: int = 0, **changes: str) -> "Loader":
        """With a row changed."""
        made = self.plus(row, **changes)
        rows = list(made.rows[:-1])
        rows[row] = made.rows[-1]
        return replace(made, rows=tuple(rows))


def loader(read: Callable[[Path], Any], file: str, text: str, **said: str) -> Loader:
    """From lines of fields between blanks."""
    separator = said.get("separator", ",")
    lines = [
        tuple(field.strip() for field in line.split(separator))
        for line in text.strip().splitlines()
    ]
    return Loader(read, file, lines[0], tuple(lines[1:]), **said)


LOADERS = {
    "baci": loader(
        lambda p: baci.read(p, None, baci.Options(vintage="HS2022")),
        "BACI_HS22_Y2023_V202501.csv",
        """t,i,j,k,v,q
        2023,156,842,284690,100,2
        2023,156,842,010121,50,1""",
        needed="v", product="k", value="v", partner="i",
    ),
    "comtrade": loader(
        lambda p: comtrade.read(p, None),
        "TradeData.csv",
        """period,reporterCode,flowCode,partnerCode,partner2Code,classificationCode,cmdCode,customsCode,motCode,netWgt,primaryValue
        2022,842,M,276,0,H6,284690,C00,0,2500,100000
        2022,842,M,276,0,H6,010121,C00,0,2500,50000""",
        needed="cmdCode", product="cmdCode", value="primaryValue", partner="partnerCode",
    ),
    "comtrade before 2022": loader(
        lambda p: comtrade.read(p, None),
        "comtrade.csv",
        """Classification,Year,Period,Trade Flow Code,Reporter Code,Partner Code,\
        Commodity Code,Netweight (kg),Trade Value (US$)
        H5,2017,2017,1,842,276,284690,2500,100000
        H5,2017,2017,1,842,276,010121,2500,50000""",
        needed="Commodity Code", product="Commodity Code", value="Trade Value (US$)",
        partner="Partner Code",
    ),
    "census": loader(
        lambda p: census.read(p, None),
        "imports.csv",
        """CTY_CODE,I_COMMODITY,CON_VAL_YR,CAL_DUT_YR,YEAR
        4280,2846902084,100500,3700,2024
        4280,0101210010,50250,1700,2024""",
        needed="CAL_DUT_YR", product="I_COMMODITY", value="CON_VAL_YR", partner="CTY_CODE",
    ),
    "icio": loader(
        lambda p: icio.read(p, None),
        "icio_2022.csv",
        """exporter,importer,sector,trade_musd
        DEU,USA,C20,10
        USA,USA,C20,90""",
        needed="trade_musd", product="sector", value="trade_musd", partner="exporter",
    ),
    "icio square": loader(
        lambda p: icio.read(p, None),
        "2020_SML.csv",
        """V1,AUS_A01,CHN_A01,OUT
        AUS_A01,10,2,12
        CHN_A01,1,20,21""",
        needed="CHN_A01", product="V1", value="AUS_A01", partner="V1",
    ),
    "table": loader(
        lambda p: table.read(p, None, table.Options(vintage="HS2022")),
        "mine.csv",
        """year,product,exporter,importer,value,quantity
        2023,284690,DEU,USA,100,1
        2023,010121,DEU,USA,50,1""",
        needed="value", product="product", value="value", partner="exporter",
    ),
    "usitc": loader(
        lambda p: usitc.read(p, None),
        "hts.csv",
        """HTS Number;General Rate of Duty;Column 2 Rate of Duty
        2846.90.80;3.7%;25%
        0101.21.00;Free;20%""",
        needed="General Rate of Duty", product="HTS Number", value="General Rate of Duty",
        separator=";",
    ),
    "dataweb": loader(
        lambda p: dataweb.read(p, None),
        "tariff_database_2025.txt",
        """hts8|mfn_text_rate|mfn_ad_val_rate|col2_text_rate|col2_ad_val_rate|begin_effect_date|end_effective_date
        28469080|3.7%|0.037|25%|0.25|01/01/2025|12/31/2025
        01012100|Free|0|20%|0.2|01/01/2025|12/31/2025""",
        needed="hts8", product="hts8", value="mfn_ad_val_rate", separator="|",
    ),
    "trains": loader(
        lambda p: trains.read(p, None),
        "query.csv",
        """Selected Nomen,Reporter,Product,Partner,Tariff Year,DutyType,Simple Average
        H5,276,284690,704,2020,PRF,1
        H5,276,010121,0,2020,MFN,3.3""",
        needed="Simple Average", product="Product", value="Simple Average", partner="Partner",
    ),
    "wto": loader(
        lambda p: wto.read(p, None, wto.Options(vintage="HS2022")),
        "WtoData.csv",
        """Indicator Code,Reporting Economy ISO3A Code,Partner Economy ISO3A Code,\
        Product/Sector Code,Year,Value
        HS_P_0070,DEU,VNM,284690,2022,0
        HS_A_0010,DEU,,010121,2022,3""",
        needed="Value", product="Product/Sector Code", value="Value",
        partner="Partner Economy ISO3A Code",
    ),
    "geodist": loader(
        lambda p: geodist.read(p, None),
        "dist_cepii.csv",
        """iso_o,iso_d,contig,comlang_off,colony,dist,distw
        FRA,DEU,1,0,0,800,790
        FRA,FRA,1,1,0,410,500""",
        needed="dist", value="dist", partner="iso_o",
    ),
    "gravity": loader(
        lambda p: gravity.read(p, None),
        "Gravity_V202211.csv",
        """year,iso3_o,iso3_d,dist,contig
        2019,FRA,DEU,800,1
        2019,FRA,USA,6000,0""",
        needed="year", value="dist", partner="iso3_o",
    ),
    "worldbank": loader(
        lambda p: worldbank.read(p, None),
        "gdp.csv",
        """Country Name,Country Code,Year,Value
        France,FRA,2022,100
        Germany,DEU,2022,100""",
        needed="Country Code", value="Value", partner="Country Code",
    ),
    "usgs": loader(
        lambda p: usgs.read(p, None),
        "MCS2025_World_Data.csv",
        """SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023
        MCS2025,Cobalt,Peru,Mine production,metric tons,500
        MCS2025,Cobalt,Germany,Mine production,metric tons,5""",
        needed="COMMODITY", value="PROD_2023", partner="COUNTRY",
    ),
    "mining": loader(
        lambda p: mining.read(p, None),
        "wmd.csv",
        """mineral,iso3,year,production,unit,source_flag
        Cobalt,PER,2022,500,metr. t,r
        Cobalt,DEU,2022,5,metr. t,r""",
        needed="iso3", value="production", partner="iso3",
    ),
}  # fmt: skip


#: Text in the error, or reason in the audit, of each twin of each loader.
HEADER = dict.fromkeys(LOADERS, "no column")
HEADER |= {"icio square": "neither COUNTRY_SECTOR nor a known sum"}
TWICE = dict.fromkeys(("baci", "comtrade", "comtrade before 2022", "census", "icio", "table"),
                      "2 rows state the same flow")  # fmt: skip
TWICE |= {
    "icio square": "row 'AUS_A01' twice",
    "usitc": "dropped: repeats of an eight-digit line",
    "dataweb": "dropped: repeats of a line",
    "trains": "2 rows state the same rate",
    "wto": "2 rows state the same rate",
    **dict.fromkeys(("geodist", "gravity", "worldbank", "usgs", "mining"), "keys of another"),
}
NEGATIVE = dict.fromkeys(LOADERS, "is negative")
NEGATIVE |= {
    "icio square": "dropped: negative sales (changes of stocks)",
    "usitc": "of these lines not by value or weight, left out of the mean",
}
ZERO = {name: "a leading zero of the code put back" for name in LOADERS if LOADERS[name].product}
ZERO |= {"icio": None, "icio square": None}
LEVELS = dict.fromkeys(ZERO, "dropped: sum over a chapter or heading")
LEVELS |= {
    "icio": None,  # whatever stands in the column is a sector
    "icio square": None,
    "usitc": "dropped: headings and statistical lines without a rate of their own",
}
TOTAL = dict.fromkeys(LOADERS, "dropped: total of all products")
TOTAL |= {
    "census": "dropped: total over partners, or a continent",
    "icio": "dropped: partner is the world: a total",
    "table": "dropped: partner is the world: a total",
    "icio square": "dropped: taxes, value added and output",
    "usitc": "is no number of a line",
    "dataweb": "is not a line of eight digits",
    "geodist": "dropped: group of countries",
    "gravity": "dropped: group of countries",
    "worldbank": "dropped: group of countries, or none of ours",
    "usgs": "dropped: total or rest of the world",
    "mining": "dropped: total of the world",
}
UNION = {
    "baci": "is no country of BACI",
    "comtrade": "European Union as exporter, beside its members",
    "comtrade before 2022": "European Union as exporter, beside its members",
    "census": "European Union as exporter, beside its members",
    "icio": "European Union as exporter, beside its members",
    "table": "European Union as exporter, beside its members",
    "trains": "beside its own: they count before it",
    "wto": "beside its own: they count before it",
    "worldbank": "dropped: group of countries, or none of ours",
    "usgs": "dropped: total or rest of the world",
    "mining": "dropped: group of countries",
    "geodist": "dropped: group of countries",
    "gravity": "dropped: group of countries",
}


def outcome(good: Loader, folder: Path) -> str:
    """What came of reading: the error's text, or the reasons of the audit that took rows."""
    path = folder / good.file
    path.write_text(good.text(), encoding="utf-8")
    try:
        read = good.read(path)
    except (DataError, ConfigError) as error:
        return str(error)
    told = read.audit.filter(pl.col("rows") > 0)["reason"].to_list()
    return " | ".join(told)


@pytest.mark.parametrize("name", LOADERS)
def test_the_good_file(name: str, tmp_path: Path) -> None:
    told = outcome(LOADERS[name], tmp_path)
    assert "kept" in told
    assert "dropped" not in told.replace("dropped: taxes, value added and output", "")


@pytest.mark.parametrize("name", HEADER)
def test_wrong_header(name: str, tmp_path: Path) -> None:
    good = LOADERS[name]
    columns = tuple("other" if column == good.needed else column for column in good.columns)
    assert HEADER[name] in outcome(replace(good, columns=columns), tmp_path)


@pytest.mark.parametrize("name", LOADERS)
def test_wrong_encoding(name: str, tmp_path: Path) -> None:
    good = LOADERS[name]
    path = tmp_path / good.file
    path.write_bytes(good.text().encode("utf-16"))
    with pytest.raises(DataError, match="is UTF-16 text; save it as UTF-8"):
        good.read(path)
    # One letter of another encoding, in a field that counts.
    path.write_bytes(good.plus(**{good.value: "1\u00e9"}).text().encode("latin-1"))
    with pytest.raises(DataError, match=r"UTF-8|is not a"):
        good.read(path)


@pytest.mark.parametrize("name", LOADERS)
def test_truncated_zip(name: str, tmp_path: Path) -> None:
    good = LOADERS[name]
    path = tmp_path / (good.file.rsplit(".", 1)[0] + ".zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(good.file, good.text() * 20)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match="was not downloaded whole"):
        good.read(path)


@pytest.mark.parametrize("name", TWICE)
def test_duplicated_keys(name: str, tmp_path: Path) -> None:
    assert TWICE[name] in outcome(LOADERS[name].plus(), tmp_path)


@pytest.mark.parametrize("name", NEGATIVE)
def test_negative_value(name: str, tmp_path: Path) -> None:
    good = LOADERS[name]
    value = "-5%" if name == "usitc" else "-30"
    assert NEGATIVE[name] in outcome(good.instead(1, **{good.value: value}), tmp_path)


@pytest.mark.parametrize("name", [name for name in ZERO if ZERO[name]])
def test_code_lost_to_an_integer(name: str, tmp_path: Path) -> None:
    """The second row's code begins with a zero, which the twin has lost."""
    good = LOADERS[name]
    code = good.rows[1][good.columns.index(good.product)].replace(".", "")
    twin = good.instead(1, **{good.product: code.lstrip("0")})
    told = outcome(twin, tmp_path)
    assert ZERO[name] in told
    assert codes_of(twin.read(tmp_path / good.file)) == codes_of(
        good.read(write(good, tmp_path / "good"))
    )


@pytest.mark.parametrize("name", [name for name in LEVELS if LEVELS[name]])
def test_mixed_levels(name: str, tmp_path: Path) -> None:
    good = LOADERS[name]
    changes = {good.product: "2846"}
    if name == "usitc":
        changes |= {good.value: ""}
    assert LEVELS[name] in outcome(good.plus(**changes), tmp_path)


@pytest.mark.parametrize("name", TOTAL)
def test_total_rows(name: str, tmp_path: Path) -> None:
    good = LOADERS[name]
    totals = {
        "census": {good.partner: "-"},
        "icio": {good.partner: "WLD"},
        "table": {good.partner: "WLD"},
        "icio square": {good.partner: "OUT"},
        "usgs": {good.partner: "World total (rounded)"},
    }
    other = {good.product: "TOTAL"} if good.product else {good.partner: "WLD"}
    assert TOTAL[name] in outcome(good.plus(**totals.get(name, other)), tmp_path)


@pytest.mark.parametrize("name", UNION)
def test_union_beside_members(name: str, tmp_path: Path) -> None:
    good = LOADERS[name]
    unions: dict[str, dict[str, str]] = {
        "baci": {good.partner: "97"},
        "comtrade": {good.partner: "97"},
        "comtrade before 2022": {good.partner: "97"},
        "census": {good.partner: "0003"},
        "usgs": {good.partner: "European Union"},
        "worldbank": {good.partner: "EUU"},
        "trains": {"Reporter": "918"},
        "wto": {"Reporting Economy ISO3A Code": "EU27"},
    }
    assert UNION[name] in outcome(good.plus(**unions.get(name, {good.partner: "EU27"})), tmp_path)


def write(good: Loader, folder: Path) -> Path:
    """The good file in a folder of its own."""
    folder.mkdir()
    (folder / good.file).write_text(good.text(), encoding="utf-8")
    return folder / good.file


def codes_of(read: Any) -> Sequence[str]:
    """Products of trade or of tariffs."""
    frame = read.rates if hasattr(read, "rates") else read.flows
    return sorted(frame["product"].cast(pl.String))
