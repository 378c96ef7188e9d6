"""The reader of embedded worlds: what it finds, what it checks, what it says when it cannot."""

from pathlib import Path

import polars as pl
import pytest

from tradewedge import sources
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import embedded

META = """
name: toy
years: [2020, 2021]
vintage: HS1992
source: made up
licence: none
unit: thousand USD
tariff_importers: ["USA"]
observed_importers: null
aggregates: {EU27: [DEU, FRA]}
notes: [first]
year_notes: {2021: [second]}
"""

FLOWS = pl.DataFrame(
    {
        "product": ["010121"],
        "exporter": ["CHN"],
        "importer": ["USA"],
        "value": [1.0],
        "quantity": [None],
    },
    schema_overrides={"quantity": pl.Float64},
)
PRODUCTS = pl.DataFrame({"product": ["010121"], "text": ["Horses"], "critical": [False]})
TARIFFS = pl.DataFrame(
    {
        "product": ["010121"],
        "exporter": ["CHN"],
        "importer": ["USA"],
        "rate": [0.1],
        "authority": ["MFN"],
    }
)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one world of two years; the second has tariffs of its own."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "world.yaml").write_text(META, encoding="utf-8")
    for year in (2020, 2021):
        FLOWS.write_parquet(folder / f"flows_{year}.parquet")
    PRODUCTS.write_parquet(folder / "products.parquet")
    TARIFFS.write_parquet(folder / "tariffs.parquet")
    TARIFFS.with_columns(rate=pl.lit(0.2)).write_parquet(folder / "tariffs_2021.parquet")
    (tmp_path / "no_world").mkdir()
    monkeypatch.setattr(embedded, "data_root", lambda: tmp_path)
    return folder


@pytest.mark.usefixtures("toy")
def test_worlds_lists_folders_with_a_world_file() -> None:
    assert embedded.worlds() == (embedded.EmbeddedWorld("toy", (2020, 2021)),)


@pytest.mark.usefixtures("toy")
def test_the_latest_year_is_the_default() -> None:
    assert embedded.tables("toy").meta["year"] == 2021


@pytest.mark.usefixtures("toy")
def test_a_table_of_the_year_goes_before_one_for_all_years() -> None:
    rates = [embedded.tables("toy", year).tariffs["rate"].item() for year in (2020, 2021)]
    assert rates == [0.1, 0.2]


@pytest.mark.usefixtures("toy")
def test_absent_tables_are_none() -> None:
    tables = embedded.tables("toy")
    assert tables.home_sales is None
    assert tables.home_share is None


@pytest.mark.usefixtures("toy")
def test_meta_is_frozen_and_holds_the_notes_of_its_year() -> None:
    meta = embedded.tables("toy", 2021).meta
    assert meta["notes"] == ("first", "second")
    assert embedded.tables("toy", 2020).meta["notes"] == ("first",)
    assert meta["tariff_importers"] == frozenset({"USA"})
    assert meta["observed_importers"] is None
    assert meta["aggregates"] == {"EU27": ("DEU", "FRA")}


@pytest.mark.usefixtures("toy")
def test_an_unknown_world_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'toi'.*Did you mean 'toy'.*2020, 2021"):
        embedded.tables("toi")


@pytest.mark.usefixtures("toy")
def test_an_unknown_year_names_the_years() -> None:
    with pytest.raises(ConfigError, match=r"no year 1999; it has 2020, 2021"):
        embedded.tables("toy", 1999)


@pytest.mark.usefixtures("toy")
def test_an_unknown_extra_table_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no table 'weights'; it has .*products"):
        embedded.extra_table("toy", "weights")


def test_codes_that_are_numbers_are_refused(toy: Path) -> None:
    FLOWS.with_columns(pl.col("product").cast(pl.Int64)).write_parquet(toy / "flows_2021.parquet")
    with pytest.raises(DataError, match=r"flows_2021\.parquet.*'product' must be String"):
        embedded.tables("toy", 2021)


def test_an_unreadable_table_is_named(toy: Path) -> None:
    (toy / "tariffs_2021.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match=r"tariffs_2021\.parquet cannot be read"):
        embedded.tables("toy", 2021)


def test_a_world_without_flows_of_a_year_is_an_error(toy: Path) -> None:
    (toy / "flows_2021.parquet").unlink()
    with pytest.raises(DataError, match="no flows"):
        embedded.tables("toy", 2021)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "cannot be read"),
        ("- a list", "must hold a mapping"),
        (META.replace("unit:", "units:"), "'unit' is missing"),
        (META.replace("name: toy", "name: other"), "differs from its folder"),
    ],
)
def test_a_bad_world_file_is_an_error(toy: Path, text: str, message: str) -> None:
    (toy / "world.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        embedded.worlds()


@pytest.mark.parametrize(
    ("name", "year"), [(world.name, year) for world in sources.worlds() for year in world.years]
)
def test_every_shipped_world_reads(name: str, year: int) -> None:
    tables = sources.tables(name, year)
    assert tables.flows.height > 0
    assert set(tables.flows["product"]) <= set(tables.products["product"])
    assert tables.meta["source"]
    assert tables.meta["licence"]


def test_shipped_tables_stay_below_a_megabyte() -> None:
    for world in sources.worlds():
        for file in embedded.data_root().joinpath(world.name).iterdir():
            assert len(file.read_bytes()) < 1_000_000, file.name
