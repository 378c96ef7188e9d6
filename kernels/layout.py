"""Cut one product out of market and shock for :mod:`.complementarity`."""

from dataclasses import replace

import numpy as np

from tradewedge.kernels.complementarity import Groups, Problem, Supply
from tradewedge.kernels.demand import Demand, Parts
from tradewedge.kernels.dense import ranges
from tradewedge.kernels.instruments import effectively_admitted
from tradewedge.kernels.market import Bools, Floats, Instruments, Ints, Market, Shock


def touched_products(market: Market, shock: Shock) -> Ints:
    """Products with an instrument that is not empty, in ascending order."""
    given = shock.instruments
    if given is None:
        return np.zeros(0, np.int64)
    flows = (given.specific != 0) | (given.floor > 0) | ~np.isposinf(given.quota)
    flows[given.group_flow] = True
    exporters = ~np.isposinf(given.capacity) | ((given.strike > 0) & (given.covered > 0))
    products = np.arange(len(market.sigma))
    hit = np.zeros(len(products), np.bool_)
    hit[np.repeat(products, np.diff(market.flow_ptr))[flows]] = True
    hit[np.repeat(products, np.diff(market.exporter_ptr))[exporters]] = True
    return np.flatnonzero(hit)


def is_valid(market: Market, given: Instruments, product: int) -> bool:
    """Whether every number of the instruments on one product can be used."""
    flows, exporters, _ = ranges(market, product)
    groups = _groups_of(market, given, product)
    rows = np.concatenate([_rows(given, g) for g in groups]) if groups.size else groups
    finite = [
        *(part[flows] for part in (given.specific, given.floor, given.dispersion)),
        given.strike[exporters],
        given.group_weight[rows],
    ]
    upward = [
        *(part[flows] for part in (given.quota, given.beyond_quota)),
        given.capacity[exporters],
        given.group_limit[groups],
        given.group_beyond[groups],
    ]
    shares = (given.covered[exporters], given.upside[exporters])
    contract = (given.strike[exporters] > 0) & (given.covered[exporters] > 0)
    return (
        all(bool(np.all((part >= 0) & np.isfinite(part))) for part in finite)
        and all(bool(np.all(part >= 0)) for part in upward)
        and all(bool(np.all((part >= 0) & (part <= 1))) for part in shares)
        and not bool(np.any(contract & np.isinf(market.epsilon[exporters])))
    )


def _groups_of(market: Market, given: Instruments, product: int) -> Ints:
    """Groups on the flows of one product."""
    if given.group_flow.size == 0:
        return np.zeros(0, np.int64)
    filled = np.flatnonzero(np.diff(given.group_ptr) > 0)
    first = given.group_flow[given.group_ptr[filled]]
    inside = (first >= market.flow_ptr[product]) & (first < market.flow_ptr[product + 1])
    groups: Ints = filled[inside]
    return groups


def _rows(given: Instruments, group: int) -> Ints:
    return np.arange(given.group_ptr[group], given.group_ptr[group + 1])


def problem_of(market: Market, shock: Shock, product: int) -> Problem:
    """Lay out one product.

    Parameters
    ----------
    market, shock : Market, Shock
        With instruments, all valid (:func:`is_valid`).
    product : int
    """
    given = shock.instruments
    if given is None:
        raise ValueError("a shock without instruments has no such layout")
    flows, _, _ = ranges(market, product)
    here = np.arange(flows.start, flows.stop)
    admitted = effectively_admitted(market, shock)[flows]
    kept = here[admitted]
    nested = not np.isnan(market.sigma_home[product])
    last = market.home[kept] if nested else np.zeros(len(kept), np.bool_)
    group = _supplier_group(market, product)
    of_flow = group[market.flow_exporter[kept] - market.exporter_ptr[product]]
    order = np.lexsort((market.flow_exporter[kept], of_flow, market.flow_importer[kept], last))
    kept = kept[order]
    exporters, exporter = np.unique(market.flow_exporter[kept], return_inverse=True)
    importers, importer = np.unique(market.flow_importer[kept], return_inverse=True)
    demand = _demand(market, shock, product, kept, importers, importer)
    by_exporter = np.argsort(exporter, kind="stable")
    with np.errstate(divide="ignore"):
        log_specific, log_floor, log_quota = (
            np.log(x[kept]) for x in (given.specific, given.floor, given.quota)
        )
    infinite = np.isinf(market.epsilon[exporters])
    beyond = given.beyond_quota[kept]
    has_quota = np.isfinite(log_quota) | np.isneginf(log_quota)
    over = has_quota & ~np.isposinf(beyond)
    limited, rows, of = _limited(demand, has_quota)
    return Problem(
        flow=kept,
        exporters=exporters,
        importers=importers,
        demand=demand,
        supply=Supply(
            epsilon=np.where(infinite, 0.0, market.epsilon[exporters]),
            infinite=infinite,
            log_shift=np.where(infinite, 0.0, shock.log_supply[exporters]),
            strike=given.strike[exporters],
            covered=given.covered[exporters],
            upside=given.upside[exporters],
        ),
        groups=_groups(market, given, product, kept, exporters, exporter),
        exporter=exporter,
        by_exporter=by_exporter,
        exporter_start=np.searchsorted(exporter[by_exporter], np.arange(len(exporters))),
        log_sales=np.log(market.sales_share[kept]),
        log_cost=shock.log_cost[kept],
        log_specific=log_specific,
        log_floor=log_floor,
        dispersion=given.dispersion[kept],
        log_quota=log_quota,
        beyond=np.where(over, beyond, 0.0),
        special=(
            np.flatnonzero(given.specific[kept] > 0),
            np.flatnonzero(given.floor[kept] > 0),
            np.flatnonzero(over),
        ),
        limited=limited,
        limited_flow=rows,
        limited_importer=of,
    )


def _supplier_group(market: Market, product: int) -> Ints:
    """Group of each exporter of a product; all 0 where they form none."""
    _, exporters, _ = ranges(market, product)
    groups = market.groups
    if groups is None or np.isnan(groups.sigma_groups[product]):
        return np.zeros(exporters.stop - exporters.start, np.int64)
    return groups.group[exporters]


def _demand(
    market: Market, shock: Shock, product: int, kept: Ints, importers: Ints, importer: Ints
) -> Demand:
    flows, exporters, columns = ranges(market, product)
    nested = not np.isnan(market.sigma_home[product])
    home = market.home[flows] if nested else np.zeros(flows.stop - flows.start, np.bool_)
    share, size = market.share[flows], len(importers)
    group = _supplier_group(market, product)
    count = int(group.max(initial=0)) + 1
    # Bundle of every flow of the product, and of those that are left.
    column = market.flow_importer[flows] - columns.start
    every = column * count + group[market.flow_exporter[flows] - exporters.start]
    left = np.zeros(len(home), np.bool_)
    left[kept - flows.start] = True
    m = int(np.count_nonzero(~home & left))
    mine = every[kept[:m] - flows.start]
    names, of = np.unique(mine, return_inverse=True)
    # What was excluded is summed by itself: a difference of sums would lose a small share.
    base, gone = (
        np.bincount(every, share * part, (columns.stop - columns.start) * count)
        for part in (~home, ~home & ~left)
    )
    bundles = _parts(of, len(names), market.share[kept[:m]], gone[names])
    bundle_importer = np.searchsorted(importers - columns.start, names // count)
    with_imports, of = np.unique(bundle_importer, return_inverse=True)
    away = base.reshape(-1, count)[importers - columns.start]
    empty = np.ones(base.size, np.bool_)
    empty[names] = False
    lost = (away * empty.reshape(-1, count)[importers - columns.start]).sum(axis=1)[with_imports]
    at_home = np.bincount(column, share * home, columns.stop - columns.start)
    return Demand(
        sigma=float(market.sigma[product]),
        eta=float(market.eta[product]),
        sigma_home=float(market.sigma_home[product]),
        sigma_groups=float(market.sigma_groups[product]),
        importer=importer,
        bundles=bundles,
        bundle_importer=bundle_importer,
        imports=_parts(of, len(with_imports), base[names], lost),
        import_importer=with_imports,
        upper=np.stack([at_home[importers - columns.start], away.sum(axis=1)]),
        upper_kept=np.stack(
            [
                np.bincount(importer[m:], minlength=size) > 0,
                np.bincount(importer[:m], minlength=size) > 0,
            ]
        ),
        log_demand=shock.log_demand[importers],
    )


def _parts(of: Ints, heads: int, weight: Floats, lost: Floats) -> Parts:
    """Rows sorted by head, with baseline weights, and what was lost of each head."""
    total = np.bincount(of, weight, heads)
    inside = weight / total[of]
    return Parts(
        start=np.searchsorted(of, np.arange(heads)),
        of=of,
        weight=inside,
        log_weight=np.log(inside),
        log_kept=-np.log1p(lost / total),
    )


def _limited(demand: Demand, has_quota: Bools) -> tuple[Demand | None, Ints, Ints]:
    """Demand of the importers with a quota alone, with their flows and rows."""
    of = np.unique(demand.importer[has_quota])
    if of.size == 0:
        return None, of, of
    hit = np.zeros(len(demand.log_demand), np.bool_)
    hit[of] = True
    number = np.cumsum(hit) - 1
    rows = np.flatnonzero(hit[demand.importer])
    inside = rows[rows < demand.bundled]
    bundles = np.flatnonzero(hit[demand.bundle_importer])
    imports = np.flatnonzero(hit[demand.import_importer])
    part = replace(
        demand,
        importer=number[demand.importer[rows]],
        bundles=_some(demand.bundles, inside, bundles),
        bundle_importer=number[demand.bundle_importer[bundles]],
        imports=_some(demand.imports, bundles, imports),
        import_importer=number[demand.import_importer[imports]],
        upper=demand.upper[:, of],
        upper_kept=demand.upper_kept[:, of],
        log_demand=demand.log_demand[of],
    )
    return part, rows, of


def _some(parts: Parts, rows: Ints, heads: Ints) -> Parts:
    """Some heads with all their rows."""
    of = np.searchsorted(heads, parts.of[rows])
    return Parts(
        start=np.searchsorted(of, np.arange(len(heads))),
        of=of,
        weight=parts.weight[rows],
        log_weight=parts.log_weight[rows],
        log_kept=parts.log_kept[heads],
    )


def _groups(
    market: Market, given: Instruments, product: int, kept: Ints, exporters: Ints, exporter: Ints
) -> Groups:
    """Limits on flows that are left; a flow without weight is free of the limit.

    Of hard limits on the same quantity the tightest stays: the others never bind, and two that
    nearly bind have no direction in which premiums could move.
    """
    flows, _, _ = ranges(market, product)
    place = np.full(flows.stop - flows.start, -1)
    place[kept - flows.start] = np.arange(len(kept))
    index, flow, weight = [], [], []
    hard: set[bytes] = set()
    mine = _groups_of(market, given, product)
    tightest_first = np.argsort(given.group_limit[mine], kind="stable")
    for group in mine[tightest_first]:
        rows = _rows(given, group)
        where: Ints = place[given.group_flow[rows] - flows.start]
        there = (where >= 0) & (given.group_weight[rows] > 0)
        if there.any() and not np.isposinf(given.group_limit[group]):
            quantity = where[there].tobytes() + given.group_weight[rows][there].tobytes()
            if quantity in hard:
                continue
            if np.isposinf(given.group_beyond[group]):
                hard.add(quantity)
            index.append(group)
            flow.append(where[there])
            weight.append(given.group_weight[rows][there])
    makers = np.flatnonzero(~np.isposinf(given.capacity[exporters]))
    for maker in makers:
        flow.append(np.flatnonzero(exporter == maker))
        weight.append(market.sales_share[kept[flow[-1]]])
    counts = np.array([len(part) for part in flow], np.int64)
    numbers = np.array(index, np.int64)
    joined: Floats = np.concatenate(weight) if weight else np.zeros(0)
    limits = np.concatenate([given.group_limit[numbers], given.capacity[exporters[makers]]])
    beyond = np.concatenate([given.group_beyond[numbers], np.full(len(makers), np.inf)])
    with np.errstate(divide="ignore"):
        log_limit = np.log(limits)
    return Groups(
        index=numbers,
        maker=makers,
        start=np.cumsum(counts) - counts,
        of=np.repeat(np.arange(len(counts)), counts),
        flow=np.concatenate(flow) if flow else np.zeros(0, np.int64),
        log_weight=np.log(joined),
        log_limit=log_limit,
        beyond=beyond,
    )
