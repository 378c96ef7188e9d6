from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tradewedge as tw
from tradewedge.errors import ConfigError
from tradewedge.policy import calendar

DAY = timedelta(days=1)
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
lengths = st.integers(1, 4000)


@st.composite
def windows(draw: st.DrawFn) -> tuple[date | None, date | None, tuple[calendar.Window, ...]]:
    start = draw(st.none() | days)
    end = draw(st.none() | days.filter(lambda day: start is None or day >= start))
    suspended: list[calendar.Window] = []
    day = draw(days)
    for _ in range(draw(st.integers(0, 3))):
        last = day + draw(lengths) * DAY
        suspended.append((day, last))
        day = last + draw(lengths) * DAY
    return start, end, tuple(suspended)


def test_dates_are_read_from_text_and_dates_only() -> None:
    assert calendar.check_date("2026-07-13", "here") == date(2026, 7, 13)
    assert calendar.check_date(date(2026, 7, 13), "here") == date(2026, 7, 13)
    for wrong in ("13 July 2026", "2026-02-30", 2026, None, True, datetime(2026, 7, 13, 9)):
        with pytest.raises(ConfigError, match=r"here.*2026-01-20"):
            calendar.check_date(wrong, "here")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2026-01-01", "is a list of"),
        (["2026-01-01", "2026-02-01"], r"not one pair: write \[\[2026-01-01, 2026-02-01\]\]"),
        ([["2026-01-01"]], r"suspended\[0\] is a pair"),
        ([["2026-02-01", "2026-01-01"]], "ends on 2026-01-01, before"),
        ([["2026-01-01", "2026-02-01"], ["2026-02-01", None]], "overlap"),
        ([["2026-01-01", None], ["2026-02-01", None]], "overlap"),
        ([[None, "2026-01-01"]], "first day must be a date"),
    ],
)
def test_bad_suspensions_say_what_is_wrong(value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        calendar.check_windows(value, "suspended")


def test_suspensions_are_sorted() -> None:
    found = calendar.check_windows(
        [["2026-05-01", None], [date(2026, 1, 1), "2026-02-01"]], "suspended"
    )
    assert found == ((date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 5, 1), None))


def test_both_ends_of_a_window_belong_to_it() -> None:
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    pause = ((date(2026, 3, 1), date(2026, 3, 31)),)
    on = [first, last, date(2026, 2, 28), date(2026, 4, 1)]
    off = [first - DAY, last + DAY, date(2026, 3, 1), date(2026, 3, 31)]
    assert all(calendar.holds(day, first, last, pause) for day in on)
    assert not any(calendar.holds(day, first, last, pause) for day in off)


@given(windows())
def test_a_change_is_the_first_day_of_the_new_state(window: tuple) -> None:
    changes = calendar.changes(*window)
    assert list(changes) == sorted(set(changes))
    for day in changes:
        assert calendar.holds(day, *window) != calendar.holds(day - DAY, *window)
    for before, after in pairwise([date(1990, 1, 1), *changes, date(2100, 1, 1)]):
        state = calendar.holds(before, *window)
        assert calendar.holds(after - DAY, *window) == state
        assert calendar.holds(before + (after - before) // 2, *window) == state


def test_back_to_back_suspensions_make_no_change_between_them() -> None:
    pause = ((date(2026, 1, 1), date(2026, 1, 31)), (date(2026, 2, 1), None))
    assert calendar.changes(None, None, pause) == (date(2026, 1, 1),)


@given(days, lengths, st.integers(-100, 5000), st.integers(0, 500))
def test_a_ramp_rises_from_0_to_1(start: date, length: int, offset: int, step: int) -> None:
    full = start + length * DAY
    share = calendar.ramp_share(start + offset * DAY, start, full)
    later = calendar.ramp_share(start + (offset + step) * DAY, start, full)
    assert 0.0 <= share <= later <= 1.0
    assert calendar.ramp_share(start, start, full) == 0.0
    assert calendar.ramp_share(full, start, full) == 1.0
    mirrored = calendar.ramp_share(full - offset * DAY, start, full)
    assert share + mirrored == pytest.approx(1.0)


def test_a_ramp_follows_the_logistic_curve() -> None:
    start, full = date(2026, 1, 1), date(2026, 1, 1) + 100 * DAY
    assert calendar.ramp_share(start + 50 * DAY, start, full) == pytest.approx(0.5)
    cut = 0.006693  # 1 / (1 + e^5); at day 60 the curve is 1 / (1 + e^-1) = 0.731059
    assert calendar.ramp_share(start + 60 * DAY, start, full) == pytest.approx(
        (0.731059 - cut) / (1 - 2 * cut), abs=1e-6
    )
    with pytest.raises(ConfigError, match="cannot be full"):
        calendar.ramp_share(start, full, start)


def test_measures_take_dates_as_text_or_dates() -> None:
    written = tw.Exclusion(
        start="2024-12-03", end="2027-01-01", suspended=[("2025-11-09", "2026-11-27")]
    )
    assert written == tw.Exclusion(
        start=date(2024, 12, 3),
        end=date(2027, 1, 1),
        suspended=((date(2025, 11, 9), date(2026, 11, 27)),),
    )
    assert written.dated
    assert not tw.Exclusion(priority=3).dated
    assert written.in_force(date(2025, 11, 8))
    assert not written.in_force(date(2026, 11, 27))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": "soon"}, "Tariff: start: 'soon' is no date"),
        ({"start": "2026-01-02", "end": "2026-01-01"}, "Tariff: end 2026-01-01 is before start"),
        ({"end": 2026}, "Tariff: end must be a date"),
        ({"suspended": "2026-01-01"}, "Tariff: suspended is a list"),
        ({"priority": 1.5}, "Tariff: priority is a whole number"),
        ({"priority": True}, "Tariff: priority is a whole number"),
        ({"start": "2026-01-01", "ramp_until": "2027-01-01"}, "a Tariff does not grow"),
    ],
)
def test_bad_dates_of_a_measure_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tw.Tariff(rate=0.1, **arguments)


def test_a_ramp_needs_a_start_before_it() -> None:
    for start in (None, "2027-01-01"):
        with pytest.raises(ConfigError, match="ramp_until needs a start before it"):
            tw.SupplyShift(factor=2.0, start=start, ramp_until="2027-01-01")
    assert tw.SupplyShift(factor=3.0).ramped(0.25).factor == pytest.approx(1.5)
    assert tw.DemandShift(factor=0.5).ramped(0.5).factor == pytest.approx(0.75)
    assert tw.Capacity(tons=10.0).ramped(0.25).reached == 0.25


def test_dates_are_told_in_words() -> None:
    first, last = date(2025, 11, 9), date(2026, 11, 27)
    assert calendar.text(None, None) == ""
    told = calendar.text(first, last, ((first, last), (last, None)))
    assert told == (
        "from 2025-11-09, until 2026-11-27, suspended 2025-11-09 to 2026-11-27, "
        "suspended 2026-11-27 to further notice"
    )
