"""Which products a shock leaves solvable: every flow at once, in NumPy."""

import numpy as np

from tradewedge.kernels.equations import AT_ONE
from tradewedge.kernels.market import Bools, Floats, Ints, Market, Shock


def valid(market: Market, shock: Shock) -> Bools:
    """Whether all numbers of each product [K] can be used; see ``equations.is_valid``."""
    with np.errstate(invalid="ignore"):
        elasticities = (market.sigma > 0) & (market.sigma < np.inf)
        elasticities &= (market.eta >= 0) & (market.eta < np.inf)
        upper = market.sigma_home
        elasticities &= np.isnan(upper) | ((upper > 0) & (upper < np.inf))
        exporters = (market.epsilon >= 0) & np.isfinite(shock.log_supply)
        share, sales = market.share, market.sales_share
        flows = (share >= 0) & (share < np.inf) & (sales >= 0) & (sales < np.inf)
        flows &= (share > 0) == (sales > 0)
        flows &= ~shock.admitted | ((share > 0) & np.isfinite(shock.log_cost))
    return (
        elasticities
        & ~_any(market.flow_ptr, ~flows)
        & ~_any(market.exporter_ptr, ~exporters)
        & ~_any(market.importer_ptr, ~np.isfinite(shock.log_demand))
    )


def feasible(market: Market, shock: Shock) -> Bools:
    """Whether every price index of each product [K] is finite without what it lost.

    See ``equations.has_finite_index``. Looks only at products with an elasticity of substitution
    at or below 1.
    """
    low, low_upper = market.sigma <= 1 + AT_ONE, market.sigma_home <= 1 + AT_ONE
    if not (low | low_upper).any():
        return np.ones(market.sigma.size, np.bool_)
    counts = np.diff(market.flow_ptr)
    nested = ~np.isnan(market.sigma_home)
    at_home = market.home & np.repeat(nested, counts)
    there, kept = market.share > 0, (market.share > 0) & shock.admitted
    size = shock.log_demand.size

    def sums(flows: Bools) -> Bools:
        found: Bools = np.bincount(market.flow_importer[flows], minlength=size) > 0
        return found

    away, home = sums(kept & ~at_home), sums(kept & at_home)
    lost = sums(there & ~kept & ~at_home)
    broken = lost & away & _by_row(low, market)
    # At the upper level there are two: home sales and the bundle of imports.
    gone = (sums(there & ~at_home) & ~away) | (sums(there & at_home) & ~home)
    broken |= gone & (away | home) & _by_row(low_upper & nested, market)
    return ~_any(market.importer_ptr, broken)


def _by_row(products: Bools, market: Market) -> Bools:
    made: Bools = np.repeat(products, np.diff(market.importer_ptr))
    return made


def _any(ptr: Ints, flags: Bools) -> Bools:
    """Whether any row of each product is flagged."""
    total: Floats = np.concatenate([[0], np.cumsum(flags)])
    made: Bools = total[ptr[1:]] > total[ptr[:-1]]
    return made
