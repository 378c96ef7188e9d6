import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.errors import ConfigError
from tradewedge.policy.dutytext import DutyText, parse_duty


@pytest.mark.parametrize(
    ("text", "rate", "usd_per_kg", "mineral"),
    [
        ("Free", 0.0, 0.0, None),
        ("3.7%", 0.037, 0.0, None),
        ("5.2¢/kg + 4%", 0.04, 0.052, None),
        ("4 % + 5.2 cents / kg", 0.04, 0.052, None),
        ("$1.035/kg", 0.0, 1.035, None),
        ("$1.53/t", 0.0, 0.00153, None),
        ("37.5¢/kg on tungsten content", 0.0, 0.375, "tungsten"),
        ("14.8¢/kg on magnesium content + 3.5%", 0.035, 0.148, "magnesium"),
        ("1.7¢/kg on the Lead content", 0.0, 0.017, "lead"),
    ],
)
def test_printed_duties(text: str, rate: float, usd_per_kg: float, mineral: str | None) -> None:
    found = parse_duty(text)
    assert found.mineral == mineral
    assert (found.ad_valorem, found.usd_per_kg) == pytest.approx((rate, usd_per_kg))


@pytest.mark.parametrize(
    "text",
    ["", "5.2/kg", "4", "2.5% on the value of the lead content", "0.8¢ each + 4%", "$1¢/kg", "-4%"],
)
def test_what_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"text.*cannot read"):
        parse_duty(text, "text")


@pytest.mark.parametrize(
    ("text", "message"), [("4% + 2%", "two percentages"), ("1¢/kg + $1/t", "two duties by weight")]
)
def test_a_term_of_each_kind_at_most(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_duty(text)


amounts = st.integers(0, 10**6).map(lambda n: n / 1000)


@given(percent=amounts, cents=amounts)
def test_both_orders_read_the_same(percent: float, cents: float) -> None:
    expected = DutyText(pytest.approx(percent / 100), pytest.approx(cents / 100), None)
    assert parse_duty(f"{cents:.3f}¢/kg + {percent:.3f}%") == expected
    assert parse_duty(f"{percent:.3f}% + ${cents / 100:.5f}/kg") == expected
