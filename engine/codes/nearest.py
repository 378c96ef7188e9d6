"""What a mistyped code may have meant."""

from collections.abc import Iterable
from difflib import SequenceMatcher

_LEAST_LIKENESS = 0.5


def nearest(code: str, candidates: Iterable[str], n: int = 3) -> list[str]:
    """Return the candidates most like ``code``, best first.

    Case is ignored. Digits are compared from the left, since an HS code's first digits weigh
    most; other text by its common subsequences.

    Parameters
    ----------
    code : str
        What was written.
    candidates : iterable of str
        What would have been allowed.
    n : int
        At most so many.

    Returns
    -------
    list of str
        Empty where nothing is alike.
    """
    wanted = code.strip().casefold()
    if not wanted:
        return []
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    scored = []
    for candidate in dict.fromkeys(candidates):
        text = candidate.casefold()
        matcher.set_seq1(text)
        if matcher.real_quick_ratio() < _LEAST_LIKENESS or matcher.quick_ratio() < _LEAST_LIKENESS:
            continue
        likeness = matcher.ratio()
        if likeness >= _LEAST_LIKENESS:
            scored.append((-likeness - 0.5 * _common_start(wanted, text), candidate))
    return [candidate for _, candidate in sorted(scored)[:n]]


def _common_start(left: str, right: str) -> float:
    """Length of the common beginning, over the longer text's length."""
    same = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        same += 1
    return same / max(len(left), len(right))
