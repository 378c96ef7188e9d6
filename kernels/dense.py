"""One product of a :class:`~.market.Market` as dense arrays."""

import math

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.equations import Block
from tradewedge.kernels.market import Floats, Market, Shock


def block_of(market: Market, shock: Shock, product: int) -> Block:
    """Lay out one product, exporters by importers, for the equations.

    Parameters
    ----------
    market, shock : Market, Shock
    product : int
        Index of the product, 0 to K - 1.

    Returns
    -------
    Block
        NumPy arrays; costs of flows that are not admitted are 0.
    """
    flows, exporters, importers = ranges(market, product)
    row = market.flow_exporter[flows] - exporters.start
    column = market.flow_importer[flows] - importers.start
    shape = (exporters.stop - exporters.start, importers.stop - importers.start)

    def dense(values: NDArray[np.generic]) -> NDArray[np.generic]:
        out = np.zeros(shape, values.dtype)
        out[row, column] = values
        return out

    admitted = shock.admitted[flows]
    groups = market.groups
    sigma_groups = math.nan if groups is None else float(groups.sigma_groups[product])
    number = np.zeros(shape[0], np.int64)
    if groups is not None and not math.isnan(sigma_groups):
        number = groups.group[exporters]
    return Block(
        share=dense(market.share[flows]),
        sales_share=dense(market.sales_share[flows]),
        admitted=dense(admitted),
        home=dense(market.home[flows]),
        log_cost=dense(np.where(admitted, shock.log_cost[flows], 0.0)),
        epsilon=market.epsilon[exporters],
        log_supply=shock.log_supply[exporters],
        log_demand=shock.log_demand[importers],
        sigma=float(market.sigma[product]),
        eta=float(market.eta[product]),
        sigma_home=float(market.sigma_home[product]),
        sigma_groups=sigma_groups,
        group=number,
    )


def ranges(market: Market, product: int) -> tuple[slice, slice, slice]:
    """Rows of one product among flows, exporters and importers."""
    flows, exporters, importers = (
        slice(int(ptr[product]), int(ptr[product + 1]))
        for ptr in (market.flow_ptr, market.exporter_ptr, market.importer_ptr)
    )
    return flows, exporters, importers


def neutral(market: Market) -> Shock:
    """Return the shock that changes nothing."""
    flows, exporters = len(market.share), len(market.epsilon)
    importers = int(market.importer_ptr[-1])
    zeros: list[Floats] = [np.zeros(n) for n in (flows, exporters, importers)]
    return Shock(zeros[0], np.ones(flows, np.bool_), zeros[1], zeros[2])
