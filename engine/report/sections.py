"""The summary of one scenario, section by section."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from tradewedge.report.assumptions import assumptions
from tradewedge.report.cautions import cautions
from tradewedge.report.exclusions import band_section
from tradewedge.report.headline import ANSWERED, FEW_BUYERS, Headline
from tradewedge.report.instruments import instruments
from tradewedge.report.layout import bullet, title
from tradewedge.report.purse import receipts, welfare
from tradewedge.report.rankings import moves, products
from tradewedge.report.trade import result, suppliers
from tradewedge.report.wording import count, money, some, tiny


def scenario_sections(headline: Headline) -> Iterator[RenderableType]:
    """Everything the summary says about one scenario."""
    yield from _what(headline)
    if not headline.buyers:
        compared = headline.run.manifest["reference"]
        where = "" if compared is None else f" beyond what {compared['name']} does"
        yield Text(f"No flow is touched{where}: every price and flow stays as it is.")
        return
    yield from _alarm(headline)
    if headline.products_left:
        for section in (
            result,
            cautions,
            assumptions,
            band_section,
            suppliers,
            instruments,
            receipts,
            welfare,
            products,
            moves,
        ):
            yield from section(headline)
    yield title("What is left open")
    yield from _unserved(headline)
    yield from _accuracy(headline)


def _what(headline: Headline) -> Iterator[RenderableType]:
    entry = headline.entry
    for key in ("description", "status", "source"):
        if entry.get(key):
            label = "" if key == "description" else f"{key.capitalize()}: "
            yield Text(f"{label}{' '.join(str(entry[key]).split())}")
    told: set[str] = set()
    for match in entry["matches"]:
        yield bullet(
            f"{match['label']}: {count(match['products'], 'product')}, {_met(match)}; "
            f"{_side(match['exporters'], 'exporter')} to {_side(match['importers'], 'importer')}"
        )
        mark = f"{match['label']}: "
        for warning in entry["warnings"]:
            if warning.startswith(mark) and warning not in told:
                yield bullet(warning.removeprefix(mark), level=2)
                told.add(warning)
    for warning in entry["warnings"]:
        if warning not in told:
            yield bullet(warning)


def _met(match: Mapping[str, Any]) -> str:
    """Flows that a measure met: those between countries, and home sales by themselves."""
    home = match["home_flows"]
    abroad, value = match["flows"] - home, match["value_base"] - match["home_value"]
    parts = [f"{count(abroad, 'flow')}, {money(value)} USD"] if abroad or not home else []
    if home:
        parts.append(f"{count(home, 'home market')}, {money(match['home_value'])} USD")
    return " and ".join(parts)


def _side(countries: Sequence[str], noun: str) -> str:
    if len(countries) <= FEW_BUYERS:
        return ", ".join(countries) or "nobody"
    return count(len(countries), noun)


def _alarm(headline: Headline) -> Iterator[RenderableType]:
    """Touched products without an answer, before any figure."""
    touched = headline.entry["touched_products"]
    lost = touched - headline.products_left
    if not lost:
        return
    failed = headline.failures
    failed = failed.filter(~failed["status"].is_in(ANSWERED))
    linear = "out_of_range" in failed["status"]
    model = headline.run.manifest["model"]
    why = (
        f" The linear model {model} puts a price or a quantity below zero there: the shock is too "
        "large for it. Solve with model=armington, which is exact."
        if linear
        else ""
    )
    yield Text(
        f"{'OUT OF RANGE' if linear else 'NO ANSWER'} for {lost:,} of "
        f"{count(touched, 'touched product')}: {some(failed['product'].to_list())}.{why} They are "
        "left out of every figure below, of the baseline's too.",
        style="bold",
    )


def _unserved(headline: Headline) -> Iterator[RenderableType]:
    frame = headline.unserved
    if frame.is_empty():
        yield bullet("Unserved: none; every market keeps a supplier.")
        return
    pairs = [f"{r['importer']} {r['product']}" for r in frame.iter_rows(named=True)]
    yield bullet(
        f"Unserved: {count(frame.height, 'market')} (importer and product) left without any "
        f"supplier, {money(float(frame['expenditure_base'].sum()))} USD of baseline spending that "
        f"finds nothing to buy: {some(pairs)}. What that costs them is not known, not zero: these "
        "markets are not in price indices, spending and surplus; the imports and duties that end "
        "are in the trade and revenue figures."
    )


def _accuracy(headline: Headline) -> Iterator[RenderableType]:
    failed, worst = headline.failures, headline.accuracy
    everything = count(worst["products"], "product")
    if failed.is_empty():
        yield bullet(f"Converged: all {everything}; {_error(worst)}.")
        return
    for (status,), rows in failed.group_by("status", maintain_order=True):
        names = [f"{product} ({status})" for product in rows["product"]]
        mark, told = "NOT CONVERGED", "Their figures are not to be used."
        if status not in ANSWERED:
            mark, told = "NO ANSWER", "They are in no figure of this page."
        yield bullet(f"{mark}: {rows.height:,} of {everything}: {some(names)}. {told}")


def _error(worst: Mapping[str, Any]) -> str:
    residual, bound = worst["residual"], worst["error_bound"]
    if not residual and not bound:
        return "exact"
    proven = "" if bound is None else f", log-price error proven below {tiny(bound)}"
    return f"residual at most {tiny(residual)}{proven}"
