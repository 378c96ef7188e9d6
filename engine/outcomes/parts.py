"""Ranges of products: a world, and what was solved in it, cut into views that fit in cache.

Products do not touch each other, so an outcome table of a world is those of its parts, one after
the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewedge.duty import Duty
from tradewedge.kernels.columns import among
from tradewedge.kernels.part import Part
from tradewedge.kernels.recover import Recovered
from tradewedge.models import Solution
from tradewedge.policy import Wedges
from tradewedge.policy.dutysets import ordered
from tradewedge.policy.wedges import OWNERS_OF_EXPORTERS, OWNERS_OF_FLOWS, Owners
from tradewedge.world import World

FLOWS = 1 << 19
"""Flow rows of a part, unless one product has more: 4 MiB per array of numbers."""

Ints = NDArray[np.int64]

_BY_PRODUCT = (
    *("sigma", "sigma_standard_error", "eta_composite", "eta_standard_error"),
    *("home_share", "eta"),
)
_RENTS_BY_FLOW = ("group_rent", "specific", "quota_rent", "levy", "in_quota")


NOTHING = Part(*[slice(0, 0)] * 4)
"""No product: a table of it has its columns and no rows."""


def parts(world: World, flows: int = FLOWS) -> list[Part]:
    """Cut a world into ranges of about ``flows`` rows."""
    market = world.market
    ends = market.flow_ptr[1:]
    # A part ends with the product in which its last row falls.
    cuts = np.searchsorted(ends, np.arange(flows, int(market.flow_ptr[-1]), flows)) + 1
    edges = np.unique([0, *cuts, ends.size])
    pointers = market.flow_ptr, market.exporter_ptr, market.importer_ptr
    return [
        Part(slice(k, end), *(slice(int(p[k]), int(p[end])) for p in pointers))
        for k, end in pairwise(edges.tolist())
    ]


def worlds(world: World, cuts: Sequence[Part]) -> Iterator[World]:
    """The world of each part; countries keep their places."""
    duties = ordered(world.duties)
    e = world.elasticities
    for part in cuts:
        made = replace(
            world,
            products=world.products[part.products],
            flow_product=world.flow_product[part.flows] - part.products.start,
            **_cut(world, part.flows, "flow_exporter", "flow_importer", "value", "quantity"),
            duties=_duties(duties, part.flows),
            elasticities=replace(
                e,
                **_cut(e, part.products, *_BY_PRODUCT, "eta_kind", "source"),
                **_cut(e, part.exporters, "epsilon", "epsilon_standard_error"),
            ),
            critical=None if world.critical is None else world.critical[part.products],
        )
        yield made.range_like(world, part.products, part.flows)


def wedges_of(wedges: Wedges, part: Part) -> Wedges:
    """Wedges of a part's products."""
    groups = _groups(wedges.thin_owners, part)
    return replace(
        wedges,
        duties=_duties(wedges.duties, part.flows),
        export_taxes=_duties(wedges.export_taxes, part.flows),
        tariff=wedges.tariff.part(part.flows),
        cost=wedges.cost.part(part.flows),
        tax=wedges.tax.part(part.flows),
        excluded=_inside(wedges.excluded, part.flows),
        touched=_inside(wedges.touched, part.flows),
        supply=wedges.supply[part.exporters],
        demand=wedges.demand[part.importers],
        touched_products=wedges.touched_products[part.products],
        thin=wedges.thin and wedges.thin.part(part),
        thin_owners=_owners(wedges, groups, part),
    )


def _inside(rows: Ints, flows: slice) -> Ints:
    """Those of ascending rows that are in a range, counted from its start."""
    made: Ints = rows[among(rows, flows)] - flows.start
    return made


def solution_of(solution: Solution, part: Part) -> Solution:
    """Solution of a part's products."""
    return replace(
        solution,
        wedges=wedges_of(solution.wedges, part),
        price=solution.price.part(part.exporters),
        index=solution.index.part(part.importers),
        **_cut(solution, part.products, "status", "iterations", "residual", "error_bound"),
        recover=lambda: _recovered(solution, part),
        recover_part=None,
        log_shadow=solution.log_shadow[_groups(solution.wedges.thin_owners, part)],
    )


def _recovered(solution: Solution, part: Part) -> Recovered:
    if solution.recover_part is not None:
        return solution.recover_part(part)
    full, rents = solution.recovered, solution.recovered.rents
    return replace(
        full,
        delivered=full.delivered[part.flows],
        quantity=full.quantity[part.flows],
        output=full.output[part.exporters],
        composite=full.composite[part.importers],
        rents=rents
        if rents is None
        else replace(
            rents,
            **_cut(rents, part.flows, *_RENTS_BY_FLOW),
            **_cut(rents, part.exporters, "producer_receipt", "scarcity_rent"),
        ),
    )


def _cut(record: object, rows: slice, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name)[rows] for name in names}


def _duties(duties: Sequence[Duty], flows: slice) -> tuple[Duty, ...]:
    """Duties with ascending rows, those of a range of flows."""
    found = []
    for duty in duties:
        inside = slice(*np.searchsorted(duty.rows, (flows.start, flows.stop)).tolist())
        found.append(Duty(duty.authority, duty.rows[inside] - flows.start, duty.rate[inside]))
    return tuple(found)


def _groups(owners: Owners | None, part: Part) -> Ints:
    """Group limits on products of a part."""
    groups = () if owners is None else owners.groups
    product = np.array([group.product for group in groups], dtype=np.int64)
    inside = (product >= part.products.start) & (product < part.products.stop)
    return np.flatnonzero(inside)


def _owners(wedges: Wedges, groups: Ints, part: Part) -> Owners | None:
    thin, owners = wedges.thin, wedges.thin_owners
    if thin is None or owners is None:
        return None
    return replace(
        owners,
        specific_duties=_duties(owners.specific_duties, part.flows),
        **_cut(owners, among(thin.flow, part.flows), *OWNERS_OF_FLOWS),
        **_cut(owners, among(thin.exporter, part.exporters), *OWNERS_OF_EXPORTERS),
        groups=tuple(
            replace(owners.groups[g], product=owners.groups[g].product - part.products.start)
            for g in groups
        ),
    )
