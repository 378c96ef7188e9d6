"""Suggestions for mistyped codes."""

from hypothesis import given
from hypothesis import strategies as st

from tradewedge.codes import nearest

WORDS = st.lists(st.text(max_size=8), max_size=12)


def test_best_first() -> None:
    assert nearest("CHIN", ["USA", "CHN", "CHE"])[0] == "CHN"
    assert nearest("g77", ["G7", "USMCA"]) == ["G7"]
    assert nearest("284695", ["284690", "854690", "284610"])[0] == "284690"
    assert nearest("xyz", ["284690"]) == []
    assert nearest("", ["A"]) == []


@given(st.text(max_size=8), WORDS, st.integers(0, 5))
def test_returns_candidates_without_repeats(code: str, words: list[str], n: int) -> None:
    near = nearest(code, words, n)
    assert len(near) <= n
    assert len(set(near)) == len(near)
    assert set(near) <= set(words)


@given(st.text(alphabet="abcdef0123456789", min_size=1, max_size=8), WORDS)
def test_the_text_itself_comes_first(code: str, words: list[str]) -> None:
    assert nearest(code, [*words, code])[0].casefold() == code
