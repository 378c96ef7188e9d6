"""Small markets that several tests build, and ways to cut and reorder them."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import ArrayLike

from tradewedge.kernels.dense import ranges
from tradewedge.kernels.market import Market, Shock, SupplierGroups


@pytest.fixture(scope="session")
def from_table() -> Callable[..., Market]:
    """Build a one-product market from a table of producer values and powers of the tariff."""

    def build(
        values: ArrayLike,
        *,
        power: ArrayLike = 1.0,
        sigma: float = 3.0,
        eta: float = 0.5,
        epsilon: ArrayLike = 1.0,
        sigma_home: float = np.nan,
        same_countries: bool = True,
    ) -> Market:
        table = np.asarray(values, float)
        i, j = np.nonzero(table)
        value = table[i, j]
        paid = value * np.broadcast_to(power, table.shape)[i, j]
        exporters, importers = table.shape
        return Market(
            flow_ptr=np.array([0, len(i)]),
            exporter_ptr=np.array([0, exporters]),
            importer_ptr=np.array([0, importers]),
            flow_exporter=i,
            flow_importer=j,
            share=paid / np.bincount(j, paid)[j],
            sales_share=value / np.bincount(i, value)[i],
            home=(i == j) & same_countries,
            sigma=np.array([sigma]),
            eta=np.array([eta]),
            sigma_home=np.array([sigma_home]),
            epsilon=np.broadcast_to(np.asarray(epsilon, float), exporters).copy(),
        )

    return build


@pytest.fixture(scope="session")
def one_product() -> Callable[[Market, Shock, int], tuple[Market, Shock]]:
    """Cut one product out of a market."""

    def cut(market: Market, shock: Shock, product: int) -> tuple[Market, Shock]:
        flows, exporters, importers = ranges(market, product)
        each = slice(product, product + 1)
        lone = Market(
            flow_ptr=np.array([0, flows.stop - flows.start]),
            exporter_ptr=np.array([0, exporters.stop - exporters.start]),
            importer_ptr=np.array([0, importers.stop - importers.start]),
            flow_exporter=market.flow_exporter[flows] - exporters.start,
            flow_importer=market.flow_importer[flows] - importers.start,
            share=market.share[flows],
            sales_share=market.sales_share[flows],
            home=market.home[flows],
            sigma=market.sigma[each],
            eta=market.eta[each],
            sigma_home=market.sigma_home[each],
            epsilon=market.epsilon[exporters],
            groups=None
            if market.groups is None
            else SupplierGroups(market.groups.sigma_groups[each], market.groups.group[exporters]),
        )
        return lone, Shock(
            log_cost=shock.log_cost[flows],
            admitted=shock.admitted[flows],
            log_supply=shock.log_supply[exporters],
            log_demand=shock.log_demand[importers],
        )

    return cut


@pytest.fixture(scope="session")
def reorder() -> Callable[..., tuple[Market, Shock]]:
    """Renumber exporters and importers of a one-product market: row n becomes ``order[n]``."""

    def renumber(
        market: Market, shock: Shock, exporters: np.ndarray, importers: np.ndarray
    ) -> tuple[Market, Shock]:
        row, column = exporters[market.flow_exporter], importers[market.flow_importer]
        flows = np.lexsort((column, row))
        by_flow = {
            field.name: getattr(market, field.name)[flows]
            for field in fields(Market)
            if field.name in ("share", "sales_share", "home")
        }
        back, back_importer = np.argsort(exporters), np.argsort(importers)
        moved = replace(
            market,
            flow_exporter=row[flows],
            flow_importer=column[flows],
            epsilon=market.epsilon[back],
            groups=market.groups and replace(market.groups, group=market.groups.group[back]),
            **by_flow,
        )
        return moved, Shock(
            log_cost=shock.log_cost[flows],
            admitted=shock.admitted[flows],
            log_supply=shock.log_supply[back],
            log_demand=shock.log_demand[back_importer],
        )

    return renumber
