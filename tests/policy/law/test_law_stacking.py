"""The stacking rules: as tables on made-up terms, and as invariants."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewedge.policy.law import Term, stack_terms


def term(
    authority: str,
    rule: str,
    rate: float,
    *,
    priority: int = 0,
    floor: bool = False,
    content: float = 1.0,
    in_scope: float = 1.0,
    relief: float = 0.0,
    applies: bool = True,
    scope: str = "all",
) -> Term:
    """One term on one line."""
    one = np.ones(1)
    return Term(
        authority,
        f"{authority} {priority}",
        scope,
        rule,
        priority,
        rate * one,
        np.array([applies]),
        np.array([floor]),
        relief * one,
        np.zeros(1, dtype=np.int64),
        content,
        in_scope,
    )


AUTOS = term("Section 232", "one of", 0.25, priority=2)
STEEL = term("Section 232", "one of", 0.50, priority=7)
STEEL_CONTENT = term("Section 232", "one of", 0.50, priority=7, content=0.4)
CHIPS = term("Section 232", "one of", 0.25, priority=1)
RECIPROCAL = term("IEEPA reciprocal", "rest", 0.20)
FLOOR = term("IEEPA reciprocal", "rest", 0.15, floor=True)
S122 = term("Section 122", "rest", 0.10)
S301 = term("Section 301 China", "add", 0.25)
FENTANYL = term("IEEPA fentanyl China", "add", 0.10)
NORTH = term("IEEPA fentanyl", "rest", 0.35)
DUMPING = term("AD/CVD", "add", 0.30)


@pytest.mark.parametrize(
    ("mfn", "terms", "total"),
    [
        pytest.param(0.025, [], 0.025, id="1 MFN alone"),
        pytest.param(0.02, [STEEL, DUMPING], 0.82, id="2 AD/CVD adds to everything"),
        pytest.param(0.02, [STEEL, S301], 0.77, id="3 Section 301 adds"),
        pytest.param(0.02, [AUTOS, STEEL], 0.27, id="4 autos come before steel"),
        pytest.param(0.02, [CHIPS, AUTOS, STEEL], 0.27, id="4 chips exclude other 232"),
        pytest.param(
            0.0, [STEEL_CONTENT, RECIPROCAL], 0.4 * 0.5 + 0.6 * 0.2, id="5 content split, before"
        ),
        pytest.param(
            0.0, [STEEL_CONTENT, S122], 0.4 * 0.5 + 0.6 * 0.1, id="5 content split with S122"
        ),
        pytest.param(0.0, [STEEL, S122], 0.50, id="5 full value, after: no S122"),
        pytest.param(0.0, [STEEL_CONTENT, FENTANYL], 0.2 + 0.1, id="6 China fentanyl in full"),
        pytest.param(0.0, [STEEL_CONTENT, NORTH], 0.2 + 0.6 * 0.35, id="6 Canada on the rest"),
        pytest.param(0.025, [FLOOR], 0.15, id="7 floor fills up MFN"),
        pytest.param(0.18, [FLOOR], 0.18, id="7 floor below MFN adds nothing"),
        pytest.param(
            0.02, [replace(AUTOS, in_scope=0.3), RECIPROCAL], 0.02 + 0.3 * 0.25 + 0.7 * 0.2,
            id="a part of the line in scope",
        ),
        pytest.param(
            0.0, [replace(AUTOS, in_scope=0.3), STEEL_CONTENT, RECIPROCAL],
            0.3 * 0.25 + 0.7 * (0.4 * 0.5 + 0.6 * 0.2), id="the other part goes to the next",
        ),
        pytest.param(0.0, [replace(NORTH, relief=np.array([1.0]))], 0.0, id="USMCA goods"),
    ],
)  # fmt: skip
def test_rules(mfn: float, terms: list[Term], total: float) -> None:
    stacked = stack_terms(np.array([mfn]), terms)
    np.testing.assert_allclose(stacked.total, [total], atol=1e-15)
    by_authority = sum(rate[0] for rate in stacked.by_authority().values())
    assert by_authority == pytest.approx(total)


RATES = st.floats(0.0, 2.0)
SHARES = st.floats(0.0, 1.0)
ANY_TERM = st.builds(
    term,
    st.sampled_from(["A", "B", "C"]),
    st.sampled_from(["add", "one of", "rest"]),
    RATES,
    priority=st.integers(0, 5),
    floor=st.booleans(),
    content=SHARES,
    in_scope=SHARES,
    relief=SHARES,
    applies=st.booleans(),
    scope=st.sampled_from("abcdefgh"),
)


def unambiguous(terms: list[Term]) -> bool:
    keys = [(t.rule, t.priority, t.programme, t.scope) for t in terms]
    return len(set(keys)) == len(keys)


@given(
    mfn=RATES,
    terms=st.lists(ANY_TERM, max_size=8).filter(unambiguous),
    seed=st.integers(0, 2**32 - 1),
)
def test_order_of_the_input_is_irrelevant(mfn: float, terms: list[Term], seed: int) -> None:
    shuffled = terms.copy()
    Random(seed).shuffle(shuffled)
    first, second = (stack_terms(np.array([mfn]), t) for t in (terms, shuffled))
    np.testing.assert_array_equal(first.total, second.total)


@given(mfn=RATES, terms=st.lists(ANY_TERM, max_size=8))
def test_stack_is_at_least_every_part_and_never_below_mfn(mfn: float, terms: list[Term]) -> None:
    stacked = stack_terms(np.array([mfn]), terms)
    assert stacked.total[0] >= mfn
    for part in stacked.parts:
        assert part.rate[0] >= 0
        assert stacked.total[0] >= mfn + part.rate[0] - 1e-12
        if part.term.rule == "add" and not part.term.floor[0] and part.term.applies[0]:
            full = part.term.rate[0] * (1 - part.term.relief[0])
            assert stacked.total[0] >= full - 1e-12


@given(mfn=RATES, terms=st.lists(ANY_TERM, max_size=8))
def test_value_is_charged_once_by_section_232_and_the_rest(mfn: float, terms: list[Term]) -> None:
    stacked = stack_terms(np.array([mfn]), terms)
    taken = sum(p.base[0] for p in stacked.parts if p.term.rule == "one of")
    assert taken <= 1 + 1e-12
    for part in stacked.parts:
        if part.term.rule == "rest" and part.term.applies[0]:
            assert part.base[0] == pytest.approx(1 - taken, abs=1e-12)


@given(mfn=st.lists(RATES, min_size=2, max_size=2), one=ANY_TERM, other=ANY_TERM)
def test_rows_do_not_see_each_other(mfn: list[float], one: Term, other: Term) -> None:
    both = replace(
        one,
        rate=np.concatenate([one.rate, other.rate]),
        applies=np.concatenate([one.applies, other.applies]),
        floor=np.concatenate([one.floor, other.floor]),
        relief=np.concatenate([one.relief, other.relief]),
        row=np.concatenate([one.row, other.row]),
    )
    alike = replace(other, rule=one.rule, content=one.content, in_scope=one.in_scope)
    alone = [
        stack_terms(np.array([m]), [t]).total[0] for m, t in zip(mfn, (one, alike), strict=True)
    ]
    np.testing.assert_array_equal(stack_terms(np.array(mfn), [both]).total, alone)
