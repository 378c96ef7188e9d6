"""Duties on known lines, term by term, on both sides of the turns of 2025 and 2026."""

from io import StringIO

import pytest
from rich.console import Console

from tradewedge.errors import ConfigError, DataError
from tradewedge.policy.law import DutyAnswer, duty
from tradewedge.report.duty import duty_page

SINTERED, OTHER_MAGNET = "8505110070", "8505110090"


def parts(answer: DutyAnswer) -> dict[str, float]:
    """What each authority adds, without those that add nothing."""
    sums: dict[str, float] = {}
    for term in answer.terms:
        sums[term.authority] = sums.get(term.authority, 0.0) + term.rate
    return {name: round(rate, 6) for name, rate in sums.items() if rate or name == "MFN"}


MFN, S301, S232 = "MFN", "Section 301 China", "Section 232"
CHINA, FENTANYL = "IEEPA fentanyl China", "IEEPA fentanyl"
RECIPROCAL, S122 = "IEEPA reciprocal", "Section 122"


@pytest.mark.parametrize(
    ("product", "exporter", "on", "expected"),
    [
        # magnets: 301 from 2026, sintered ones in Annex II, the rest not
        (SINTERED, "CHN", "2025-09-07", {MFN: 0.021, CHINA: 0.20, RECIPROCAL: 0.10}),
        (SINTERED, "CHN", "2025-09-08", {MFN: 0.021, CHINA: 0.20}),
        (OTHER_MAGNET, "CHN", "2025-09-08", {MFN: 0.021, CHINA: 0.20, RECIPROCAL: 0.10}),
        (SINTERED, "CHN", "2025-12-31", {MFN: 0.021, CHINA: 0.10}),
        # the amendments of 8 September 2025: light diodes, nickel, bullion
        ("854141", "MYS", "2025-09-07", {MFN: 0.0, RECIPROCAL: 0.19}),
        ("854141", "MYS", "2025-09-08", {MFN: 0.0}),
        ("750210", "NOR", "2025-09-08", {MFN: 0.0}),
        ("7108121020", "CHE", "2025-09-08", {MFN: 0.0}),
        # farm goods and fertilizers came on 13 November
        ("09011100", "VNM", "2025-11-12", {MFN: 0.0, RECIPROCAL: 0.20}),
        ("09011100", "VNM", "2025-11-13", {MFN: 0.0}),
        ("31021000", "QAT", "2025-11-12", {MFN: 0.0, RECIPROCAL: 0.10}),
        ("31021000", "QAT", "2025-11-13", {MFN: 0.0}),
        (SINTERED, "CHN", "2026-01-20", {MFN: 0.021, S301: 0.25, CHINA: 0.10}),
        (OTHER_MAGNET, "CHN", "2026-01-20", {MFN: 0.021, S301: 0.25, CHINA: 0.1, RECIPROCAL: 0.1}),
        (SINTERED, "CHN", "2026-02-24", {MFN: 0.021, S301: 0.25}),
        (OTHER_MAGNET, "CHN", "2026-02-24", {MFN: 0.021, S301: 0.25, S122: 0.10}),
        # rare-earth compounds: on no 301 list, exempt from IEEPA reciprocal and Section 122
        ("28469040", "CHN", "2026-01-20", {MFN: 0.0, CHINA: 0.10}),
        ("28469080", "CHN", "2026-03-20", {MFN: 0.037}),
        # refined copper: no 232, exempt; List 3
        ("740311", "CHN", "2026-03-20", {MFN: 0.01, S301: 0.25}),
        ("740311", "CHL", "2026-03-20", {MFN: 0.0}),
        # natural graphite
        ("25041010", "CHN", "2025-12-31", {MFN: 0.0, CHINA: 0.10}),
        ("25041010", "CHN", "2026-01-01", {MFN: 0.0, S301: 0.25, CHINA: 0.10}),
        # polysilicon: 25 % before the four-year review, 50 % after
        ("28046100", "CHN", "2024-12-31", {MFN: 0.0, S301: 0.25}),
        ("28046100", "CHN", "2025-01-01", {MFN: 0.0, S301: 0.50}),
        # primary aluminium
        ("76011060", "CAN", "2024-06-30", {MFN: 0.0}),
        ("76011060", "ARE", "2024-06-30", {MFN: 0.0, S232: 0.10}),
        ("76011060", "CAN", "2025-03-12", {MFN: 0.0, S232: 0.25}),
        ("76011060", "CAN", "2025-06-04", {MFN: 0.0, S232: 0.50}),
        ("76011060", "GBR", "2025-06-04", {MFN: 0.0, S232: 0.25}),
        ("76011060", "RUS", "2026-05-01", {MFN: 0.11, S232: 2.00}),
        ("76011060", "CAN", "2026-04-06", {MFN: 0.0, S232: 0.50}),
        # copper: on the content before 6 April 2026 (90 %), on the full value after
        ("74071015", "DEU", "2025-07-31", {MFN: 0.03}),
        ("74071015", "DEU", "2025-08-01", {MFN: 0.03, S232: 0.45, RECIPROCAL: 0.01}),
        ("74071015", "DEU", "2026-04-05", {MFN: 0.03, S232: 0.45, S122: 0.01}),
        ("74071015", "DEU", "2026-04-06", {MFN: 0.03, S232: 0.50}),
        ("74071015", "GBR", "2026-04-06", {MFN: 0.03, S232: 0.50}),
        # solar cells: 301 at 50 %
        ("854142", "CHN", "2026-01-20", {MFN: 0.0, S301: 0.50, CHINA: 0.10, RECIPROCAL: 0.10}),
        ("854142", "CHN", "2026-08-01", {MFN: 0.0, S301: 0.50, "Section 301 forced labour": 0.125}),
        # cars: all-in floor of 15 % and nothing else
        ("87032301", "JPN", "2025-09-15", {MFN: 0.025, S232: 0.25}),
        ("87032301", "JPN", "2025-09-16", {MFN: 0.025, S232: 0.125}),
        ("87032301", "KOR", "2026-03-01", {MFN: 0.0, S232: 0.15}),
        ("87032301", "GBR", "2026-03-01", {MFN: 0.025, S232: 0.075}),
        ("87032301", "CAN", "2026-03-01", {MFN: 0.0, S232: 0.15}),
        # the reciprocal floor: 15 % with MFN, nothing above it
        ("39269099", "DEU", "2026-01-20", {MFN: 0.053, RECIPROCAL: 0.097}),
        ("61102020", "ITA", "2026-01-20", {MFN: 0.165}),
        # country rates
        ("39269099", "VNM", "2025-08-06", {MFN: 0.053, RECIPROCAL: 0.10}),
        ("39269099", "VNM", "2025-08-07", {MFN: 0.053, RECIPROCAL: 0.20}),
        ("39269099", "IND", "2026-02-06", {MFN: 0.053, RECIPROCAL: 0.25, "IEEPA country": 0.25}),
        ("39269099", "IND", "2026-02-07", {MFN: 0.053, RECIPROCAL: 0.18}),
        # the Supreme Court, Section 122 and its lapse
        ("39269099", "VNM", "2026-02-23", {MFN: 0.053, RECIPROCAL: 0.20}),
        ("39269099", "VNM", "2026-02-24", {MFN: 0.053, S122: 0.10}),
        ("39269099", "VNM", "2026-07-23", {MFN: 0.053, S122: 0.10}),
        ("39269099", "VNM", "2026-07-24", {MFN: 0.053, "Section 301 forced labour": 0.125}),
    ],
)  # fmt: skip
def test_line(product: str, exporter: str, on: str, expected: dict[str, float]) -> None:
    assert parts(duty(product, exporter, on=on)) == pytest.approx(expected)


def test_preferences() -> None:
    claimed, none, average = (
        duty("39269099", "CAN", on="2025-09-01", preference=how)
        for how in ("claimed", "none", "average")
    )
    assert claimed.total == 0.0
    assert none.total == pytest.approx(0.053 + 0.35)
    assert claimed.total < average.total < none.total


def test_scope_by_use_can_be_set() -> None:
    """Batteries are auto parts where they are for cars only."""
    for_cars = duty("8507600020", "CHN", on="2026-01-20")
    storage = duty("8507600020", "CHN", on="2026-01-20", in_scope={"s232_auto_parts": 0.0})
    half = duty("8507600020", "CHN", on="2026-01-20", in_scope={"s232_auto_parts": 0.5})
    assert parts(for_cars) == {MFN: 0.034, S301: 0.25, S232: 0.25, CHINA: 0.1}
    assert parts(storage) == {MFN: 0.034, S301: 0.25, RECIPROCAL: 0.1, CHINA: 0.1}
    assert half.total == pytest.approx((for_cars.total + storage.total) / 2)


def test_ev_cells_came_first() -> None:
    assert parts(duty("8507600010", "CHN", on="2024-09-26"))[S301] == 0.075
    assert parts(duty("8507600010", "CHN", on="2024-09-27"))[S301] == 0.25
    assert parts(duty("8507600020", "CHN", on="2025-12-31"))[S301] == 0.075


def test_a_subheading_is_the_mean_of_its_lines() -> None:
    answer = duty("850511", "CHN", on="2026-01-20")
    assert answer.weights == "own imports"
    assert (answer.low, answer.high) == (pytest.approx(0.371), pytest.approx(0.471))
    assert answer.lines["weight"].sum() == pytest.approx(1.0)
    assert answer.total == pytest.approx(float(answer.lines["weight"] @ answer.lines["total"]))
    assert answer.total == pytest.approx(sum(term.rate for term in answer.terms))
    assert duty("8505.11", "CHN", on="2026-01-20").total == answer.total


def test_weights_fall_back() -> None:
    assert duty("850511", "GAB", on="2026-01-20").weights == "all partners"
    assert duty("850511", "FRA", on="2026-01-20").lines.equals(
        duty("850511", "EU27", on="2026-01-20").lines
    )


def test_what_is_not_ad_valorem_is_said() -> None:
    answer = duty("27090020", "SAU", on="2026-01-20")
    assert answer.specific == ("10.5¢/bbl",)
    assert duty("27090020", "COL", on="2026-01-20").specific == ()


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2025-09-07", "one line: exact"),
        ("2025-09-08", "inferred: the list of 13 November less its farm goods"),
        ("2025-11-12", "inferred: the list of 13 November less its farm goods"),
        ("2025-11-13", "one line: exact"),
        ("2026-08-19", "read off a tracker's averages"),
        ("2035-01-01", "known up to 19 August 2026"),
    ],
)
def test_days_that_are_not_known_exactly_say_so(day: str, told: str) -> None:
    answer = duty(SINTERED, "CHN", on=day)
    assert any(told in note for note in answer.notes)
    console = Console(file=StringIO(), width=400)
    console.print(duty_page(answer))
    assert isinstance(console.file, StringIO)
    page = console.file.getvalue()
    assert ("exact" in page) == (told == "one line: exact")


def test_antidumping_adds() -> None:
    plain = duty("850511", "CHN", on="2026-01-20")
    assert duty("850511", "CHN", on="2026-01-20", adcvd=0.5).total == pytest.approx(
        plain.total + 0.5
    )


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"product": "850599"}, DataError, "nearest"),
        ({"product": "8505"}, ConfigError, "HS6"),
        ({"exporter": "XYZ"}, ConfigError, "XYZ"),
        ({"exporter": "USA"}, ConfigError, "same"),
        ({"importer": "JPN"}, ConfigError, "USA"),
        ({"on": "20.1.2026"}, ConfigError, "2026-01-20"),
        ({"on": "1999-01-01"}, ConfigError, "begins"),
        ({"preference": "maybe"}, ConfigError, "claimed"),
        ({"in_scope": {"autos": 1.0}}, ConfigError, "nearest"),
        ({"in_scope": {"s232_autos": 1.0}}, ConfigError, "nearest"),
        ({"in_scope": {"s232_vehicles": 2.0}}, ConfigError, "between"),
    ],
)
def test_wrong_questions(arguments: dict[str, object], error: type[Exception], says: str) -> None:
    asked = {"product": "850511", "exporter": "CHN", "on": "2026-01-20", **arguments}
    with pytest.raises(error, match=says):
        duty(**asked)  # type: ignore[arg-type]
