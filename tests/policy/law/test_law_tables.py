"""The shipped tables hold together, and the build gives them again."""

from datetime import date
from itertools import combinations, groupby
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradewedge import codes
from tradewedge.policy.law import law
from tradewedge.policy.law.ratetext import Rate, read_rate
from tradewedge.policy.law.tables import RateRow
from tradewedge.sources.special import read_special

SHIPPED = Path(__file__).resolve().parents[3] / "data/law"


def place(row: RateRow) -> tuple[str, str, str, bool]:
    return row.programme, row.scope, row.origin, row.kind == "exempt"


def test_rows_of_one_list_and_origin_do_not_overlap() -> None:
    for key, rows in groupby(sorted(law().rates, key=place), key=place):
        for first, second in combinations(list(rows), 2):
            early, late = sorted((first, second), key=lambda row: row.start)
            assert early.end is not None, key
            assert early.end < late.start, key


def test_rows_name_known_things() -> None:
    rules = law()
    known = set(codes.countries()["iso3"])
    for row in rules.rates:
        assert row.scope in rules.scopes
        assert rules.programmes[row.programme].authority == row.authority
        assert row.origin == "*" or codes.is_group(row.origin) or row.origin in known, row.origin
        assert row.kind in ("add", "floor", "exempt")
        assert row.base in ("full", "content")
        assert row.source
        assert row.status
        assert row.confidence in ("P", "L", "N", "D", "M", "inferred")
        assert 0 <= row.rate <= 2
        assert row.end is None or row.start <= row.end
    assert {row.scope for row in rules.rates} == set(rules.scopes)
    origins = {o for _, members, _, _ in rules.preferences for o in members}
    assert (origins | set(rules.column_2)) <= known


def test_content_is_charged_only_where_the_row_says_so() -> None:
    rules = law()
    for row in rules.rates:
        assert (row.base == "content") == (rules.scopes[row.scope].content < 1)


def test_every_list_names_lines_of_the_schedule() -> None:
    rules = law()
    for name in rules.scopes:
        assert rules.members(name, date(2026, 12, 31)).any(), name


def test_ieepa_ends_with_the_ruling_and_section_122_with_its_150_days() -> None:
    for row in law().rates:
        if row.authority.startswith("IEEPA"):
            assert row.end is not None
            assert row.end <= date(2026, 2, 23)
        if row.authority == "Section 122":
            assert (row.start, row.end) == (date(2026, 2, 24), date(2026, 7, 23))
            assert (row.end - row.start).days == 149


def test_metals_change_over_on_one_day() -> None:
    for row in law().rates:
        if row.programme in ("steel", "aluminium", "copper"):
            assert row.end is not None
            assert row.end <= date(2026, 4, 5)
        if row.programme == "metals":
            assert row.start >= date(2026, 4, 6)
            assert row.base == "full"


def test_critical_minerals_stay_out_of_232_122_and_reciprocal() -> None:
    """Lines of the chain table that the IEEPA and Section 122 notes exempt."""
    rules = law()
    exempt = rules.members("annex_ii_november", date(2026, 1, 1)) & rules.members(
        "s122_exempt", date(2026, 3, 1)
    )
    for code in ("28053000", "28461000", "28469080", "28369100", "81052030", "25041010", "74031100",
                 "75021000", "79011100", "80011000", "71101100", "8505110070"):  # fmt: skip
        first, last = rules.below(code)
        assert exempt[first:last].all(), code
    for code in ("85076000", "38011000", "85414200"):
        first, last = rules.below(code)
        assert not exempt[first:last].any(), code


def test_weights_are_the_imports_of_2024() -> None:
    table = law().weights
    assert table["value"].sum() == pytest.approx(3_208_820_074, rel=1e-5)
    assert table["partner"].n_unique() == 50
    assert table.select("line", "partner").is_duplicated().sum() == 0


def test_tables_are_small() -> None:
    assert sum(f.stat().st_size for f in SHIPPED.rglob("*") if f.is_file()) < 2_500_000


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("Free", Rate(0.0, 0.0, True)),
        ("3.7%", Rate(0.037, 0.0, True)),
        ("5.2¢/kg + 4%", Rate(0.04, 0.052, True)),
        ("$1.035/kg +17%", Rate(0.17, 1.035, True)),
        ("$16/t", Rate(0.0, 0.016, True)),
        ("21¢/bbl", Rate(0.0, 0.0, False)),
        ("1.5¢/kg on lead content", Rate(0.0, 0.0, False)),
        ("", Rate(0.0, 0.0, False)),
    ],
)
def test_rates_as_printed(text: str, rate: Rate) -> None:
    assert read_rate(text) == rate


def test_special_column_as_printed() -> None:
    found = read_special("Free (A,AU, S) 2.5% (JP) See 9822.05.20 (P+)")
    assert found == {
        "A": "Free", "AU": "Free", "S": "Free", "JP": "2.5%", "P+": "See 9822.05.20",
    }  # fmt: skip


def test_most_rates_are_read() -> None:
    lines = law().lines
    assert lines["general_read"].mean() > 0.95
    known = lines.filter(pl.col("hs8").is_in(["28369100", "85051100", "28461000"]))
    np.testing.assert_allclose(known.sort("hs8")["general_rate"], [0.037, 0.055, 0.021])


def test_the_build_gives_the_shipped_tables(shared_dir: Path) -> None:
    from tradewedge.data.build.law import build

    for name, table in build(shared_dir, SHIPPED).items():
        if name.endswith(".csv"):
            assert table.write_csv() == (SHIPPED / name).read_text()
        else:
            assert table.equals(pl.read_parquet(SHIPPED / name)), name
