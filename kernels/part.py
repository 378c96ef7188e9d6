"""Some products of a market, and the rows that belong to them: products do not touch each other."""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels.market import Ints, Market, SupplierGroups


@dataclass(frozen=True)
class Part:
    """A range of products, and of the rows that belong to them."""

    products: slice
    flows: slice
    exporters: slice
    importers: slice


def market_part(market: Market, part: Part) -> Market:
    """The market of a range of products, rows counted from its start."""
    groups = market.groups
    return Market(
        flow_ptr=market.flow_ptr[_with_end(part.products)] - part.flows.start,
        exporter_ptr=market.exporter_ptr[_with_end(part.products)] - part.exporters.start,
        importer_ptr=market.importer_ptr[_with_end(part.products)] - part.importers.start,
        flow_exporter=market.flow_exporter[part.flows] - part.exporters.start,
        flow_importer=market.flow_importer[part.flows] - part.importers.start,
        share=market.share[part.flows],
        sales_share=market.sales_share[part.flows],
        home=market.home[part.flows],
        sigma=market.sigma[part.products],
        eta=market.eta[part.products],
        sigma_home=market.sigma_home[part.products],
        epsilon=market.epsilon[part.exporters],
        groups=groups
        and SupplierGroups(groups.sigma_groups[part.products], groups.group[part.exporters]),
    )


def _with_end(products: slice) -> slice:
    """Pointers of a range: one more than it has products."""
    return slice(products.start, products.stop + 1)


def some_products(market: Market, products: Ints) -> Market:
    """The market of some products, ascending, as a copy; rows counted among theirs."""
    flows, exporters = (rows_of(p, products) for p in (market.flow_ptr, market.exporter_ptr))
    ptrs = [
        np.concatenate([[0], np.cumsum(np.diff(ptr)[products])])
        for ptr in (market.flow_ptr, market.exporter_ptr, market.importer_ptr)
    ]
    count = np.diff(ptrs[0])
    groups = market.groups
    return Market(
        flow_ptr=ptrs[0],
        exporter_ptr=ptrs[1],
        importer_ptr=ptrs[2],
        flow_exporter=market.flow_exporter[flows]
        + np.repeat(ptrs[1][:-1] - market.exporter_ptr[products], count),
        flow_importer=market.flow_importer[flows]
        + np.repeat(ptrs[2][:-1] - market.importer_ptr[products], count),
        share=market.share[flows],
        sales_share=market.sales_share[flows],
        home=market.home[flows],
        sigma=market.sigma[products],
        eta=market.eta[products],
        sigma_home=market.sigma_home[products],
        epsilon=market.epsilon[exporters],
        groups=groups and SupplierGroups(groups.sigma_groups[products], groups.group[exporters]),
    )


def rows_of(ptr: Ints, products: Ints) -> Ints:
    """Rows of some products, one product after the other; ``ptr`` [K + 1] is where each begins."""
    size = np.diff(ptr)[products]
    end = np.cumsum(size)
    made: Ints = np.arange(int(size.sum())) + np.repeat(ptr[products] - (end - size), size)
    return made


def renumbered(rows: Ints, ptr: Ints, products: Ints) -> Ints:
    """Where rows of some products are in :func:`rows_of`, which has to hold them."""
    product = product_of(ptr, rows)
    size = np.diff(ptr)[products]
    start = np.cumsum(size) - size
    made: Ints = rows - ptr[product] + start[np.searchsorted(products, product)]
    return made


def product_of(ptr: Ints, rows: Ints) -> Ints:
    """Product of each row."""
    return np.searchsorted(ptr, rows, side="right") - 1
