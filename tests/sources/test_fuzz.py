"""Whatever the fields of a file hold: an error that names the place, or an audit that ties."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import dataweb, table, trains, usgs, usitc, wto
from tradewedge.sources.mapping import Described
from tradewedge.sources.tally import check_ties

#: Numbers as people write them, and what is none. No separator of the files, no quote, no break.
KNOWN = [
    *("Free", "3.7%", "5¢/kg", "4.4 cents/kg + 10%", "5", "0", "-3", "1e9", "1e999", "NA", "nan"),
    *("inf", "", " 7 ", "1.234.5", "0x10", "٣", "½", "9999.999999", "W", "--", "<5", "1 000"),
]
LETTERS = st.characters(
    codec="utf-8", exclude_characters=',;|"', exclude_categories=("Cc", "Zl", "Zp")
)
WRITTEN = st.sampled_from(KNOWN) | st.text(LETTERS, max_size=12)
CODE = st.sampled_from(["284690", "10121", "2846", "TOTAL", "999999", "2846.90.80", "28469080", ""])


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def survives(read: Callable[[Path], Any], path: Path, rows: int) -> Any:
    """What a reader made of all rows, each kept or dropped for a reason; None where it refused."""
    try:
        made = read(path)
    except (DataError, ConfigError) as error:
        told = str(error)
    else:
        check_ties(made.audit)
        counts = dict(made.audit.select("reason", "rows").iter_rows())
        dropped = sum(n for reason, n in counts.items() if reason.startswith("dropped: "))
        assert counts["read"] == counts["kept"] + dropped == rows
        return made
    assert path.with_suffix("").name in told
    return None


def rates_are_numbers(read: Any) -> None:
    if read is None:
        return
    assert read.rates["rate"].is_finite().all()
    assert (read.rates["rate"] >= 0).all()
    assert read.rates["usd_per_kg"].is_finite().all()


@given(st.lists(st.tuples(CODE, WRITTEN), max_size=4))
def test_us_schedule(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    lines = [f"{code};{text};" for code, text in rows if code or text.strip()]
    header = "HTS Number;General Rate of Duty;Column 2 Rate of Duty"
    path = write(tmp_path_factory.mktemp("hts"), "hts.csv", header, "0101.21.00;Free;20%", *lines)
    rates_are_numbers(survives(lambda p: usitc.read(p, None), path, 1 + len(lines)))


@given(st.lists(st.tuples(CODE, WRITTEN, WRITTEN), max_size=4))
def test_us_database(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    day = "01/01/2025|12/31/2025"
    lines = [f"{code}|{text}|{number}|20%|0.2|{day}" for code, text, number in rows]
    path = write(
        tmp_path_factory.mktemp("db"),
        "tariff_database_2025.txt",
        "hts8|mfn_text_rate|mfn_ad_val_rate|col2_text_rate|col2_ad_val_rate|begin_effect_date|"
        "end_effective_date",
        f"01012100|Free|0|20%|0.2|{day}",
        *lines,
    )
    rates_are_numbers(survives(lambda p: dataweb.read(p, None), path, 1 + len(lines)))


@given(
    st.lists(st.tuples(CODE, st.sampled_from(["0", "704", "A02", "918", ""]), WRITTEN), max_size=4)
)
def test_trains(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]) -> None:
    header = "Selected Nomen,Reporter,Product,Partner,Tariff Year,DutyType,Simple Average"
    lines = [f"H5,392,{code},{partner},2020,MFN,{text}" for code, partner, text in rows]
    good = "H5,392,010121,0,2020,MFN,3.3"
    path = write(tmp_path_factory.mktemp("trains"), "query.csv", header, good, *lines)
    rates_are_numbers(survives(lambda p: trains.read(p, None), path, 1 + len(lines)))


@given(st.lists(st.tuples(CODE, st.sampled_from(["", "VNM", "EU27", "XXX"]), WRITTEN), max_size=4))
def test_wto(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]) -> None:
    header = (
        "Indicator Code,Reporting Economy ISO3A Code,Partner Economy ISO3A Code,"
        "Product/Sector Code,Year,Value"
    )
    lines = [f"HS_A_0010,JPN,{partner},{code},2022,{text}" for code, partner, text in rows]
    good = "HS_A_0010,JPN,,010121,2022,3"
    path = write(tmp_path_factory.mktemp("wto"), "WtoData.csv", header, good, *lines)
    options = wto.Options(vintage="HS2022")
    rates_are_numbers(survives(lambda p: wto.read(p, None, options), path, 1 + len(lines)))


@given(st.lists(WRITTEN, max_size=4))
def test_production(tmp_path_factory: pytest.TempPathFactory, figures: list[str]) -> None:
    countries = ["Peru", "Chile", "China", "Zambia"]
    lines = [
        f"MCS2025;Cobalt;{country};Mine production;metric tons;{text}"
        for country, text in zip(countries, figures, strict=False)
    ]
    header = "SOURCE;COMMODITY;COUNTRY;TYPE;UNIT_MEAS;PROD_2023"
    good = "MCS2025;Cobalt;Germany;Mine production;metric tons;5"
    path = write(tmp_path_factory.mktemp("usgs"), "MCS2025_World_Data.csv", header, good, *lines)
    read = survives(lambda p: usgs.read(p, None), path, 1 + len(lines))
    if read is not None:
        assert read.frame["tons"].is_finite().all()
        assert (read.frame["tons"] >= 0).all()


@given(st.lists(st.tuples(CODE, WRITTEN, WRITTEN), max_size=4), st.sampled_from([".", ","]))
def test_described_table(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], decimal: str
) -> None:
    folder = tmp_path_factory.mktemp("described")
    lines = [f"2023;China;{code};{value};{tons}" for code, value, tons in rows]
    write(folder, "my.csv", "Jahr;Land;Ware;Wert;kg", "2023;Peru;010121;5;1", *lines)
    about = {
        "path": "my.csv",
        "columns": {"year": "Jahr", "exporter": "Land", "product": "Ware", "value": "Wert",
                    "quantity": "kg"},
        "constants": {"importer": "USA"},
        "country_names": {"USA": "USA"},
        "units": {"value": "million USD", "quantity": "kg"},
        "countries": "name",
        "vintage": "HS2022",
        "decimal": decimal,
        "add_up": True,
    }  # fmt: skip
    (folder / "my.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    read = survives(lambda p: table.read(p, None), folder / "my.yaml", 1 + len(lines))
    if read is not None:
        assert read.flows["value"].is_finite().all()
        assert (read.flows["value"] > 0).all()


NUMBER = st.decimals(0, 10**9, places=3)


@given(NUMBER, st.sampled_from([".", ","]), st.booleans())
def test_numbers_read_as_they_were_written(number: Any, decimal: str, parted: bool) -> None:
    """However a number is written, with its decimals and thousands in either style."""
    text = f"{number:,.3f}" if parted else f"{number:.3f}"
    if decimal == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    about = Described("here", columns={"value": "value"}, decimal=decimal)
    frame = pl.DataFrame({"value": [text]})
    found = frame.select(about.number(about.text("value"), "value")).item()
    assert found == pytest.approx(float(number), rel=1e-12)
