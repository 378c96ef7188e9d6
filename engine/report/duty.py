"""The page that explains a duty term by term."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tradewedge.codes import product_text
from tradewedge.policy.law import DutyAnswer, DutyTerm
from tradewedge.report.layout import bullet

_WHOSE = {
    "one line": "one line",
    "own imports": "mean over {n} lines, weighted by the partner's US imports of 2024",
    "all partners": "mean over {n} lines, weighted by all partners' US imports of 2024",
    "simple mean": "simple mean over {n} lines",
}
_CLAIM = {
    "claimed": "preferences claimed where the origin may",
    "none": "no preference claimed",
    "average": "preferences used as observed on average",
}


def duty_page(answer: DutyAnswer) -> Group:
    """Total, terms in the order of stacking, sources and caveats.

    Parameters
    ----------
    answer : DutyAnswer
        As :func:`tradewedge.policy.law.duty` gives it.
    """
    return Group(*_page(answer))


def _page(answer: DutyAnswer) -> Iterator[RenderableType]:
    yield Text(
        f"{answer.product} from {answer.exporter} into {answer.importer} on {answer.on}: "
        f"{_percent(answer.total)}",
        style="bold",
    )
    if text := product_text(answer.product[:6]):
        yield Text(text)
    spread = (
        f"; lines from {_percent(answer.low)} to {_percent(answer.high)}"
        if answer.high - answer.low > 1e-9
        else ""
    )
    how = _WHOSE[answer.weights].format(n=answer.lines.height)
    yield Text(f"{how}{spread}; {_CLAIM[answer.preference]}")
    yield _table(answer)
    for rate in answer.specific:
        yield bullet(f"not in the total: the ordinary rate is {rate!r}, not wholly ad valorem")
    for note in answer.notes:
        yield bullet(note)


def _table(answer: DutyAnswer) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("adds", justify="right", no_wrap=True)
    table.add_column("authority")
    table.add_column("rate, base and list")
    table.add_column("days, source")
    for term in answer.terms:
        table.add_row(
            _percent(term.rate),
            Text(term.authority),
            Text(_what(term)),
            Text(f"{_days(term)} ({', '.join(x for x in (term.source, term.confidence) if x)})"),
        )
    return table


def _what(term: DutyTerm) -> str:
    if term.kind == "exempt":
        return f"exempt: {term.scope}"
    rate = _percent(term.statutory_rate)
    first = f"all-in floor {rate}" if term.kind == "floor" else rate
    base = "" if term.base > 1 - 1e-9 else f" on {_percent(term.base)} of the value"
    spared = f", less {_percent(term.relief)} of it for USMCA goods" if term.relief else ""
    note = f"; {term.note}" if term.note else ""
    return f"{first}{base}{spared}: {term.scope}{note}"


def _days(term: DutyTerm) -> str:
    if term.start is None:
        return term.status
    if term.end is None:
        return f"from {term.start}, {term.status}"
    return f"{term.start} to {term.end}, then {term.status}"


def _percent(rate: float) -> str:
    return f"{100 * rate:.2f} %"
