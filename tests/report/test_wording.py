"""Numbers in words."""

import pytest

from tradewedge.report import wording


@pytest.mark.parametrize(
    ("thousand_usd", "shown"),
    [
        (None, "-"),
        (float("nan"), "-"),
        (0.0, "0"),
        (0.5, "500 USD"),
        (7.0, "7.00 k"),
        (999.9, "1.00 M"),
        (1_234.0, "1.23 M"),
        (-45_600.0, "-45.6 M"),
        (3_084_000_000.0, "3,084 bn"),
    ],
)
def test_money(thousand_usd: float | None, shown: str) -> None:
    assert wording.money(thousand_usd) == shown


def test_signed_money() -> None:
    assert wording.money(1.0, signed=True) == "+1.00 k"
    assert wording.money(0.0, signed=True) == "0"


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (None, "-"),
        (1.0, "0 %"),
        (1.0002, "+0.02 %"),
        (1.1234, "+12.3 %"),
        (0.0, "-100.0 %"),
        (6.25, "+525.0 %"),
        (100.0, "+9,900 %"),
    ],
)
def test_change(ratio: float | None, shown: str) -> None:
    assert wording.change(ratio) == shown


def test_ratio_of_unknowns_is_unknown() -> None:
    assert wording.ratio(1.0, 0.0) is None
    assert wording.ratio(None, 1.0) is None
    assert wording.ratio(3.0, 2.0) == 1.5


def test_names_and_counts() -> None:
    assert wording.some(["a", "b"]) == "a, b"
    assert wording.some(["a", "b", "c"], 2) == "a, b and 1 more"
    assert wording.count(1, "flow") == "1 flow"
    assert wording.count(1200, "flow") == "1,200 flows"
