"""Every country code in the original files has a meaning."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest

from tradewedge import codes


def texts(path: Path, encoding: str = "utf8") -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False, encoding=encoding)


def strangers(system: str, values: Iterable[object]) -> set[str]:
    known = set(codes.crosswalk(system)["code"])
    width = 0 if system.startswith("iso") else 3
    return {str(v).strip().zfill(width) for v in values if v is not None} - known


@pytest.mark.parametrize(
    "name",
    [
        "baci_hs92_minerals/country_codes_V202401b.csv",
        "baci_raw_layout_samples/country_codes_V202201_oldheader.csv",
        "baci_raw_layout_samples/country_codes_V202301.csv",
        "baci_raw_layout_samples/country_codes_V202501.csv",
    ],
)
def test_baci_dictionaries(shared_dir: Path, name: str) -> None:
    table = texts(shared_dir / "data" / name, "latin1")
    assert not strangers("baci", table["country_code"])
    alpha = next(c for c in table.columns if c in ("country_iso3", "iso_3digit_alpha"))
    named = set(table[alpha].drop_nulls()) - {"N/A"}
    assert not strangers("iso3", named)


def test_comtrade(shared_dir: Path) -> None:
    folder = shared_dir / "data/comtrade_layout_samples"
    plus = texts(folder / "comtradeplus_nickel_2000_2023.csv.gz")
    legacy = texts(folder / "comtrade_legacy_8486_2017.csv.gz")
    for frame, number, alpha in [
        (plus, "reporterCode", "reporterISO"),
        (plus, "partnerCode", "partnerISO"),
        (legacy, "Reporter Code", "Reporter ISO"),
        (legacy, "Partner Code", "Partner ISO"),
    ]:
        pairs = frame.select(number, alpha).drop_nulls().unique()
        assert not strangers("comtrade", pairs[number])
        assert not strangers("iso3", pairs[alpha])
        by_number = codes.to_iso3("comtrade", pairs[number])
        by_alpha = codes.to_iso3("iso3", pairs[alpha])
        differ = {pair for pair in zip(by_number, by_alpha, strict=True) if pair[0] != pair[1]}
        assert differ <= {("SUD", "SDN")}


def test_census(shared_dir: Path) -> None:
    tariffs = shared_dir / "data/us_tariffs"
    assert not strangers("census", texts(tariffs / "census_codes.csv")["Code"])
    assert not strangers("census", texts(tariffs / "country_partner_mapping.csv")["cty_code"])
    imports = pl.read_parquet(
        shared_dir
        / "data/us_imports_2024_hs10"
        / "us_imports_for_consumption_2024_by_country_hs10.parquet",
        columns=["cty_code"],
    )
    assert not strangers("census", imports["cty_code"].unique())


def test_iso_and_others(shared_dir: Path) -> None:
    dims = shared_dir / "data/country_dims"
    iso = texts(dims / "country_codes_iso_un.csv")
    assert not strangers("iso3", iso["ISO3166-1-Alpha-3"])
    assert not strangers("iso2", iso["ISO3166-1-Alpha-2"])
    assert not strangers("m49", iso["ISO3166-1-numeric"].drop_nulls())
    assert not strangers("iso3", texts(dims / "cepii_geodist_countries.csv")["iso3"])
    icio = shared_dir / "data/oecd_icio_2022_intermediate_trade"
    named = texts(icio / "OECD_ICIO_2025_country_code_mapping.csv")
    assert not strangers("iso3", named[named.columns[0]])
