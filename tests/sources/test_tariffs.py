"""Schedules and tariff downloads as rates by six-digit code."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradewedge.errors import ConfigError, DataError
from tradewedge.policy.law import law
from tradewedge.policy.law import terms as law_terms
from tradewedge.sources import dataweb, trains, usitc, wto
from tradewedge.sources.dutyrates import read_rate
from tradewedge.sources.tally import check_ties
from tradewedge.sources.tariffs import Tariffs

HTS = (
    "HTS Number,Indent,Description,Unit of Quantity,General Rate of Duty,Special Rate of Duty,"
    "Column 2 Rate of Duty,Quota Quantity,Additional Duties"
)
LINES = (
    '"2846","0","Compounds","","","","","",""',
    '"2846.90.20","1","Mixtures","","Free","","25%","",""',
    '"2846.90.20.15","2","Of cerium","[""kg""]","","","","",""',
    '"2846.90.80","1","Other","","3.7%","Free (A,AU)","25%","",""',
    '"0101.21.00","1","Breeding","","5¢/kg + 4%","","20%","",""',
    '"0102.21.00","1","Cattle","","$1 each","","20%","",""',
    '"9903.88.03","1","Of China","","The applicable duty + 25%","","","",""',
)


def rates(tariffs: Tariffs) -> dict[tuple[str, str, str], float]:
    rows = tariffs.rates.select("product", "exporter", "importer", "rate").rows()
    return {(product, exporter, importer): rate for product, exporter, importer, rate in rows}


def counts(tariffs: Tariffs) -> dict[str, int]:
    return dict(tariffs.audit.select("reason", "rows").iter_rows())


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_us_schedule(tmp_path: Path) -> None:
    found = usitc.read(write(tmp_path, "hts.csv", "\ufeff" + HTS, *LINES), None)
    assert rates(found) == {
        ("284690", "*", "USA"): pytest.approx(0.0185),
        ("010121", "*", "USA"): 0.04,
    }
    assert found.rates.filter(pl.col("product") == "010121")["usd_per_kg"].to_list() == [0.05]
    assert counts(found) == {
        "read": 7,
        "dropped: headings and statistical lines without a rate of their own": 2,
        "dropped: chapters 98 and 99, special provisions": 1,
        "kept": 4,
        "of these lines not by value or weight, left out of the mean": 1,
        "six-digit codes with no rate at all": 1,
    }
    check_ties(found.audit)


def test_preferences_of_the_special_column(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "hts.csv",
        HTS,
        '"2846.90.20","1","Mixtures","","Free","","25%","",""',
        '"2846.90.80","1","Other","","3.7%","Free (AU,D) 1% (KR) See 9822.05.20 (P+)","25%","",""',
        '"0101.21.00","1","Breeding","","5¢/kg + 4%","2¢/kg (AU)","20%","",""',
    )
    told = usitc.Options(preferences=True)
    found = usitc.read(path, None, told)
    assert rates(found) == {
        ("284690", "*", "USA"): pytest.approx(0.0185),
        ("284690", "AUS", "USA"): 0.0,
        ("284690", "KOR", "USA"): pytest.approx(0.005),
        ("010121", "*", "USA"): 0.04,
        ("010121", "AUS", "USA"): 0.0,
    }
    horses = found.rates.filter(product="010121", exporter="AUS")
    assert horses["usd_per_kg"].to_list() == [0.02]
    assert counts(found)["of these lines with a special rate"] == 2
    assert counts(found)["preferential rates of 2 partners"] == 3
    check_ties(found.audit)
    # AGOA, which ends in September 2025 as far as the table knows.
    day = usitc.Options(preferences=True, on="2025-01-01")
    assert ("284690", "KEN", "USA") in rates(usitc.read(path, None, day))
    with pytest.raises(ConfigError, match="on takes a day"):
        usitc.read(path, None, usitc.Options(preferences=True, on="soon"))
    with pytest.raises(ConfigError, match="under column 2 have none"):
        usitc.read(path, None, usitc.Options(column="column_2", preferences=True))


def test_preferences_of_2025_are_those_of_the_law(shared_dir: Path) -> None:
    path = shared_dir / "data/us_tariffs/hts_2025_basic_edition.csv.gz"
    found = usitc.read(path, None, usitc.Options(preferences=True, on="2025-06-01"))
    general = usitc.read(path, None)
    lower = rates(found)
    assert {pair: lower[pair] for pair in rates(general)} == rates(general)
    rules = law()
    for product, exporter in (("850511", "KOR"), ("850760", "AUS"), ("760612", "MEX"),
                              ("610910", "JOR"), ("284690", "SGP")):  # fmt: skip
        lines = [n for n, code in enumerate(rules.lines["hs8"]) if code.startswith(product)]
        ordinary = rules.lines["general_rate"].to_numpy()
        best = []
        for row in lines:
            line = int(np.flatnonzero(rules.rate_line == row)[0])
            offer = law_terms.preferential(rules, line, exporter, date(2025, 6, 1))
            best.append(ordinary[row] if offer is None else read_rate(offer[1]).ad_valorem)
        held = lower.get((product, exporter, "USA"), lower[product, "*", "USA"])
        assert held == pytest.approx(np.mean(best), abs=1e-9)


def test_us_schedule_as_json_and_weighted(tmp_path: Path) -> None:
    rows = [
        {"htsno": "2846.90.20", "indent": "1", "general": "Free", "other": "25%", "units": ["kg"]},
        {"htsno": "2846.90.80", "indent": "1", "general": "3.7%", "other": "25%", "units": None},
    ]
    path = tmp_path / "hts.json"
    path.write_text(json.dumps(rows))
    answer = [
        ["CTY_CODE", "I_COMMODITY", "CON_VAL_YR", "CAL_DUT_YR", "YEAR"],
        ["5700", "2846908090", "300", "11", "2024"],
        ["5700", "2846902084", "100", "0", "2024"],
    ]
    (tmp_path / "imports.json").write_text(json.dumps(answer))
    options = usitc.Options(weights=str(tmp_path / "imports.json"))
    assert rates(usitc.read(path, None, options)) == {
        ("284690", "*", "USA"): pytest.approx(0.037 * 0.75)
    }
    column_2 = usitc.read(path, None, usitc.Options(column="column_2"))
    assert rates(column_2) == {("284690", "*", "USA"): 0.25}


def test_not_a_schedule(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column HTS Number, General Rate of Duty"):
        usitc.read(write(tmp_path, "x.csv", "a,b", "1,2"), None)
    bad = LINES[1].replace("2846.90.20", "28 46")
    with pytest.raises(DataError, match="line 2: HTS Number is no number of a line: '28 46'"):
        usitc.read(write(tmp_path, "hts.csv", HTS, bad), None)


def test_us_schedule_of_2025(shared_dir: Path) -> None:
    found = usitc.read(shared_dir / "data/us_tariffs/hts_2025_basic_edition.csv.gz", None)
    check_ties(found.audit)
    assert counts(found)["read"] == 35_859
    assert counts(found)["kept"] == 11_413
    assert rates(found)["850511", "*", "USA"] == pytest.approx(0.021)
    assert rates(found)["850760", "*", "USA"] == pytest.approx(0.034)
    assert found.rates["rate"].is_between(0, 4).all()


DATABASE = (
    "hts8|brief_description|quantity_1_code|mfn_text_rate|mfn_rate_type_code|mfn_ad_val_rate|"
    "mfn_specific_rate|col2_text_rate|col2_ad_val_rate|begin_effect_date|end_effective_date"
)
PERIODS = (
    "01013000|Asses|NO|6.8%|7|0.068|0|15%|0.15|01/01/2025|12/31/2025",
    "02011050|Beef|KG|4.4 cents/kg + 10%|4|0.1|0.044|20%|0.2|01/01/2025|12/31/2025",
    "28469080|Other|KG|3.7%|7|0.037|0|25%|0.25|01/01/2025|06/30/2025",
    "28469080|Other|KG|2.7%|7|0.027|0|25%|0.25|07/01/2025|12/31/2025",
    "99038803|Of China||The duty + 25%|X|9999.999999|||0|01/01/2025|12/31/2025",
)


def test_us_database(tmp_path: Path) -> None:
    path = write(tmp_path, "tariff_database_2025.txt", DATABASE, *PERIODS)
    found = dataweb.read(path, None)
    assert rates(found) == {
        ("010130", "*", "USA"): 0.068,
        ("020110", "*", "USA"): 0.1,
        ("284690", "*", "USA"): 0.027,
    }
    assert found.rates["usd_per_kg"].max() == 0.044
    assert counts(found)["dropped: replaced later in the year"] == 1
    early = dataweb.read(path, None, dataweb.Options(on="2025-02-01"))
    assert rates(early)["284690", "*", "USA"] == 0.037
    wrong = PERIODS[0].replace("0.068", "6.8")
    with pytest.raises(DataError, match="per cent in one, a fraction in the other"):
        dataweb.read(write(tmp_path, "tariff_database_2024.txt", DATABASE, wrong), None)


BULK = (
    "NomenCode,Reporter_ISO_N,Year,ProductCode,Partner,Sum_Of_Rates,Min_Rate,Max_Rate,"
    "SimpleAverage,TotalNoOfLines,Nbr_Pref_Lines,Nbr_MFN_Lines,Nbr_NA_Lines,EstCode"
)
MFN = BULK.replace("Partner,", "")


def test_trains_in_bulk(tmp_path: Path) -> None:
    write(tmp_path, "MFN_H5_918_2020.csv", MFN, "H5,918,2020,284690,11,5,6,5.5,2,0,2,0,",
          "H5,918,2020,10121,0,0,0,0,2,0,0,2,")  # fmt: skip
    write(tmp_path, "PRF_H5_918_2020.csv", BULK, "H5,918,2020,284690,792,0,0,0,0,2,2,0,0,",
          "H5,918,2020,284690,A02,0,0,0,2,2,2,0,0,")  # fmt: skip
    write(tmp_path, "BND_H5_918_2020.csv", MFN, "H5,918,2020,284690,9,9,9,9,2,0,2,0,")
    found = trains.read(tmp_path, None)
    assert (found.vintage, found.importers) == ("HS2017", ("EU27",))
    assert rates(found) == {("284690", "*", "EU27"): 0.055, ("284690", "TUR", "EU27"): 0.0}
    told = counts(found)
    assert told["dropped: no ad valorem line among the code's"] == 1
    assert told["dropped: partner is a group, members not named"] == 1
    assert told["dropped: bound rates"] == 1


def test_trains_with_members_of_groups_named(tmp_path: Path) -> None:
    folder = tmp_path / "trains"
    folder.mkdir()
    write(folder, "MFN_H5_392_2020.csv", MFN, "H5,392,2020,284690,3,3,3,3,1,0,1,0,")
    row = "H5,392,2020,284690,{},0,0,0,{},1,1,0,0,"
    of = (("A02", 2), ("A03", 1), ("A09", 0), ("704", 2.5))
    write(folder, "PRF_H5_392_2020.csv", BULK, *(row.format(*pair) for pair in of))
    groups = write(tmp_path, "groups.csv", "group,country", "A02,VNM", "A02,THA", "A03,THA")
    found = trains.read(folder, None, trains.Options(beneficiaries=str(groups)))
    assert rates(found) == {
        ("284690", "*", "JPN"): pytest.approx(0.03),
        ("284690", "THA", "JPN"): 0.01,
        ("284690", "VNM", "JPN"): 0.025,
    }
    told = counts(found)
    assert told["dropped: partner is a group, members not named"] == 1
    assert told["rates of groups with members named"] == 2
    assert told["rates of members without one of their own"] == 1
    strange = write(tmp_path, "strange.csv", "group,country", "A02,Siam")
    with pytest.raises(DataError, match="group A02 has the country 'Siam'"):
        trains.read(folder, None, trains.Options(beneficiaries=str(strange)))


def test_trains_by_query(tmp_path: Path) -> None:
    header = (
        "Selected Nomen,Native Nomen,Reporter,Reporter Name,Product,Product Name,Partner,"
        "Partner Name,Tariff Year,Trade Year,Trade Source,DutyType,Simple Average,Weighted Average"
    )
    rows = [
        'H5,H5,392,Japan,284690,"Other",0,World,2020,2020,CMT,MFN,3.3,3.1',
        'H5,H5,392,Japan,284690,"Other",704,Viet Nam,2020,2020,CMT,PRF,1,1',
        'H5,H5,392,Japan,284690,"Other",704,Viet Nam,2020,2020,CMT,AHS,0,0',
    ]
    found = trains.read(write(tmp_path, "query.csv", header, *rows), [2020])
    assert rates(found) == {
        ("284690", "*", "JPN"): pytest.approx(0.033),
        ("284690", "VNM", "JPN"): 0.0,
    }
    with pytest.raises(DataError, match=r"no rate of HS2017 is left.*3 another year"):
        trains.read(tmp_path / "query.csv", [2019])


def test_trains_that_cannot_be(tmp_path: Path) -> None:
    row = "H5,918,2020,284690,11,5,6,5.5,2,0,2,0,"
    with pytest.raises(DataError, match="its name does not say which rates it holds"):
        trains.read(write(tmp_path, "job1.csv", MFN, row), None)
    mixed = write(tmp_path, "MFN.csv", MFN, row, row.replace("H5", "H4"))
    with pytest.raises(ConfigError, match="holds HS2012, HS2017: name one"):
        trains.read(mixed, None)
    twice = write(tmp_path, "MFN2.csv", MFN, row, row)
    with pytest.raises(DataError, match="2 rows state the same rate"):
        trains.read(twice, None)
    below = write(tmp_path, "MFN3.csv", MFN, row.replace("5.5", "-5.5"))
    with pytest.raises(DataError, match="line 2: SimpleAverage is negative"):
        trains.read(below, None)
    with pytest.raises(DataError, match="no column Reporter_ISO_N"):
        trains.read(write(tmp_path, "MFN4.csv", "a,b", "1,2"), None)


def test_wto(tmp_path: Path) -> None:
    header = (
        "Indicator Code,Indicator,Reporting Economy Code,Reporting Economy ISO3A Code,"
        "Partner Economy Code,Partner Economy ISO3A Code,Product/Sector Code,Year,Value"
    )
    rows = [
        "HS_A_0010,MFN,392,JPN,,,284690,2022,3.3",
        "HS_A_0010,MFN,918,,,,284690,2022,5.5",
        "HS_P_0070,Lowest,392,JPN,704,VNM,284690,2022,0",
        "HS_A_0020,Lines,392,JPN,,,284690,2022,7",
        "HS_A_0010,MFN,392,JPN,,,28,2022,3",
    ]
    path = write(tmp_path, "WtoData.csv", header, *rows)
    found = wto.read(path, None, wto.Options(vintage="HS2022"))
    assert rates(found) == {
        ("284690", "*", "EU27"): pytest.approx(0.055),
        ("284690", "*", "JPN"): pytest.approx(0.033),
        ("284690", "VNM", "JPN"): 0.0,
    }
    assert counts(found)["dropped: another indicator"] == 1
    with pytest.raises(ConfigError, match="of which HS edition"):
        wto.read(path, None)
