"""A range of products, and the rows that belong to them: products do not touch each other."""

from dataclasses import dataclass

from tradewedge.kernels.market import Market, SupplierGroups


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
