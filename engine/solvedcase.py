"""A solved scenario, cut to some of its products, as the kernels' gradients take it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tradewedge.kernels.instruments import no_instruments
from tradewedge.kernels.market import Instruments, KernelSolution, Shock
from tradewedge.kernels.regimes import Setting, regimes
from tradewedge.models import Solution
from tradewedge.policy import Wedges, shock
from tradewedge.policy.wedges import Owners
from tradewedge.world import World

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Case:
    """A solved scenario, cut to the products of an outcome.

    Attributes
    ----------
    world : World
    setting : Setting
    found : KernelSolution
    owners : Owners or None
        Who keeps what instruments yield, without the authorities of specific duties; None without
        instruments.
    labels : tuple of str
        Of each measure.
    trade_cost, export_tax : float64 [F]
    """

    world: World
    setting: Setting
    found: KernelSolution
    owners: Owners | None
    labels: tuple[str, ...]
    trade_cost: Floats
    export_tax: Floats


def case_of(world: World, solution: Solution, keep: Bools) -> Case:
    """Cut the products ``keep`` [K], all of which have converged."""
    flows, exporters = keep[world.flow_product], keep[world.exporter_product]
    importers = keep[world.importer_product]
    wedges = solution.wedges
    whole = shock(world, wedges)
    groups = np.zeros(0, np.int64)
    given = owners = None
    if wedges.instruments is not None and wedges.owners is not None:
        of_group = np.array([group.product for group in wedges.owners.groups], np.int64)
        groups = np.flatnonzero(keep[of_group])
        given = _instruments(wedges.instruments, flows, exporters, groups)
        owners = _owners(wedges.owners, flows, exporters, groups)
    part = world.select([world.products[k] for k in np.flatnonzero(keep)])
    change = Shock(
        log_cost=whole.log_cost[flows],
        admitted=whole.admitted[flows],
        log_supply=whole.log_supply[exporters],
        log_demand=whole.log_demand[importers],
        instruments=given,
    )
    found = _logs(solution, keep, exporters, importers, groups)
    setting = Setting(
        market=part.market,
        shock=change,
        given=no_instruments(part.market) if given is None else given,
        regimes=regimes(part.market, change, found),
        tariff=wedges.tariff_new[flows],
        at_border=_at_border(wedges)[flows],
    )
    return Case(
        world=part,
        setting=setting,
        found=found,
        owners=owners,
        labels=tuple(match.label for match in wedges.matches),
        trade_cost=wedges.trade_cost[flows],
        export_tax=wedges.export_tax[flows],
    )


def _logs(
    solution: Solution, keep: Bools, exporters: Bools, importers: Bools, groups: Ints
) -> KernelSolution:
    return KernelSolution(
        log_price=np.log(solution.price_hat[exporters]),
        log_index=np.log(solution.index_hat[importers]),
        status=solution.status[keep],
        iterations=solution.iterations[keep],
        residual=solution.residual[keep],
        error_bound=solution.error_bound[keep],
        log_shadow=solution.log_shadow[groups],
    )


def _instruments(given: Instruments, flows: Bools, exporters: Bools, groups: Ints) -> Instruments:
    of_flows = ("specific", "floor", "dispersion", "quota", "beyond_quota")
    of_exporters = ("capacity", "strike", "covered", "upside")
    sizes = np.diff(given.group_ptr)
    kept = np.zeros(sizes.size, np.bool_)
    kept[groups] = True
    entries = np.repeat(kept, sizes)
    return Instruments(
        **{name: getattr(given, name)[flows] for name in of_flows},
        **{name: getattr(given, name)[exporters] for name in of_exporters},
        group_ptr=np.concatenate([[0], np.cumsum(sizes[groups])]),
        group_flow=(np.cumsum(flows) - 1)[given.group_flow[entries]],
        group_weight=given.group_weight[entries],
        group_limit=given.group_limit[groups],
        group_beyond=given.group_beyond[groups],
    )


def _owners(owners: Owners, flows: Bools, exporters: Bools, groups: Ints) -> Owners:
    return replace(
        owners,
        specific_duties=(),
        floor_measure=owners.floor_measure[flows],
        floor_rent_to_exporter=owners.floor_rent_to_exporter[flows],
        floor_taxed=owners.floor_taxed[flows],
        quota_measure=owners.quota_measure[flows],
        quota_rent_to_exporter=owners.quota_rent_to_exporter[flows],
        tariff_beyond=owners.tariff_beyond[flows],
        groups=tuple(owners.groups[group] for group in groups.tolist()),
        capacity_measure=owners.capacity_measure[exporters],
        cfd_measure=owners.cfd_measure[exporters],
    )


def _at_border(wedges: Wedges) -> Bools:
    """Flows [F] whose floor is on the price before duties."""
    if wedges.owners is None:
        return np.zeros(wedges.tariff_new.size, np.bool_)
    bases = [getattr(match.measure, "basis", "") == "border" for match in wedges.matches]
    # A measure number of -1 means none: the last.
    out: Bools = np.array([*bases, False])[wedges.owners.floor_measure]
    return out
