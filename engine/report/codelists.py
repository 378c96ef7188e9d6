"""Pages about the names that a measure may use: groups of countries, lists of products."""

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tradewedge import codes
from tradewedge.codes.groups import group_titles
from tradewedge.report.layout import bullet
from tradewedge.report.wording import count, share


def group_list() -> Group:
    """Every group of countries with its members of today."""
    table = _table("name", "what", "members")
    members = codes.groups()
    for name, what in group_titles().select("group", "title").iter_rows():
        named = members[name]
        text = f"{len(named)}: {', '.join(named)}" if named else "none today"
        table.add_row(Text(name), Text(what), Text(text))
    return Group(table, 'Use one: importer: "G7". Members of another day: tw.codes.groups(day)')


def list_list() -> Group:
    """Every named list of products."""
    table = _table("name", "codes", "edition", "status", "what")
    for name in codes.list_names():
        found = codes.named_list(name)
        size = f"{len(found.products):,}"
        row = (name, size, found.vintage, found.status, found.title)
        table.add_row(*(Text(cell) for cell in row))
    return Group(table, 'The codes of one: tradewedge data lists NAME. Use one: products: "NAME"')


def list_page(name: str) -> Group:
    """One list: what it is, and its codes with their texts."""
    found = codes.named_list(name)
    head = [
        Text(f"{found.name}: {found.title}", style="bold"),
        Text(f"Status: {found.status}. {count(len(found.products), 'code')} of {found.vintage}."),
        Text(f"Source: {found.source}"),
    ]
    if found.note:
        head.append(Text(f"Note: {found.note}"))
    aside = [Text("Under the list's rule, and yet not on it", style="bold")]
    return Group(
        *head,
        *(bullet(_product(code, found.vintage) + _part(code, found)) for code in found.products),
        *(aside if found.set_aside else []),
        *(bullet(_product(code, found.vintage)) for code in found.set_aside),
    )


def _product(code: str, vintage: str) -> str:
    return f"{code} {codes.product_text(code, vintage) or ''}".strip()


def _part(code: str, found: codes.NamedList) -> str:
    """The share of a code that is on the list, where that is not all."""
    part = found.coverage[code]
    return "" if part is None or part == 1.0 else f" ({share(part)} of it)"


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for text in titles:
        table.add_column(text)
    return table
