"""Which limits hold at a solution, and where two sides of one meet, without a derivative."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tradewedge.kernels.complementarity import Problem, State, evaluate
from tradewedge.kernels.cut import cut
from tradewedge.kernels.dense import ranges
from tradewedge.kernels.instruments import effectively_admitted
from tradewedge.kernels.layout import problem_of, touched_products
from tradewedge.kernels.market import (
    Bools,
    Floats,
    Instruments,
    Ints,
    KernelSolution,
    Market,
    Shock,
)

KINK = 1e-7
"""Log distance from where a limit begins to hold below which it counts as being there."""
NOTHING = 1e-10
"""Price, relative to the baseline, below which it is 0."""


class Kink(NamedTuple):
    """A limit that just begins to hold, or to hold no more.

    ``row`` is a flow's for a floor or quota, an exporter's for a capacity or contract, a group's
    for a limit.
    """

    kind: str
    row: int


@dataclass(frozen=True, eq=False)
class Regimes:
    """Aligned with a market.

    Attributes
    ----------
    admitted : bool [F]
        Under no limit of zero either.
    at_quota : bool [F]
        The flow's own quota sets its price.
    beyond : bool [F]
        More is sold than its tariff-rate quota: the rate beyond it applies.
    lifted : bool [F]
        The price is the floor, whatever the producer's.
    paid : float64 [F]
        Log delivered price; of flows at their quota alone.
    passed : float64 [F]
        Elasticity of the delivered price by the producer price.
    free : bool [X]
        The producer price adjusts.
    full : bool [X]
        The capacity sets the output.
    binding, ended : bool [G]
        The premium of a group adjusts; it is at its largest.
    kinks : tuple of Kink
    """

    admitted: Bools
    at_quota: Bools
    beyond: Bools
    lifted: Bools
    paid: Floats
    passed: Floats
    free: Bools
    full: Bools
    binding: Bools
    ended: Bools
    kinks: tuple[Kink, ...]


@dataclass(frozen=True, eq=False)
class Setting:
    """What parameters do not move.

    Attributes
    ----------
    market, shock : Market, Shock
    given : Instruments
        Those of the shock, or none at all.
    regimes : Regimes
    tariff : float64 [F]
        Rates in force.
    at_border : bool [F]
        The floor is on the price before duties, which lift it further.
    """

    market: Market
    shock: Shock
    given: Instruments
    regimes: Regimes
    tariff: Floats
    at_border: Bools

    @property
    def flow_product(self) -> Ints:
        """Product of each flow [F]."""
        counts = np.diff(self.market.flow_ptr)
        return np.repeat(np.arange(counts.size), counts)

    @property
    def group_of(self) -> Ints:
        """Group of each entry of ``given.group_flow``."""
        counts = np.diff(self.given.group_ptr)
        return np.repeat(np.arange(counts.size), counts)


def regimes(market: Market, shock: Shock, solution: KernelSolution) -> Regimes:
    """Tell the regimes of a solution without a nest, all of whose products have converged."""
    admitted = effectively_admitted(market, shock)
    sold = np.bincount(market.flow_exporter[admitted], minlength=market.epsilon.size) > 0
    flows, groups = market.share.size, solution.log_shadow.size
    out = Regimes(
        admitted=admitted,
        at_quota=np.zeros(flows, np.bool_),
        beyond=np.zeros(flows, np.bool_),
        lifted=np.zeros(flows, np.bool_),
        paid=np.zeros(flows),
        passed=np.ones(flows),
        free=sold & np.isfinite(market.epsilon),
        full=np.zeros(market.epsilon.size, np.bool_),
        binding=np.zeros(groups, np.bool_),
        ended=np.zeros(groups, np.bool_),
        kinks=(),
    )
    found: list[Kink] = []
    for product in touched_products(market, shock).tolist():
        part = cut(market, shock, product)
        problem = problem_of(part.market, part.shock, 0)
        if problem.flow.size:
            _, exporters, _ = ranges(market, product)
            first = int(market.flow_ptr[product])
            price = solution.log_price[exporters][problem.exporters]
            premium = np.zeros(len(problem.groups.start))
            count = len(problem.groups.index)
            premium[:count] = solution.log_shadow[part.limits][problem.groups.index]
            state = evaluate(problem, price, premium, np.zeros(len(problem.importers)))
            rows = (problem.flow + first, problem.exporters + exporters.start)
            limits = part.limits[problem.groups.index]
            found += _flows(out, problem, state, price, premium, rows[0])
            found += _supply(out, problem, state, price, rows[1])
            found += _groups(out, problem, state, premium, limits)
    return Regimes(**{**vars(out), "kinks": tuple(found)})


def _kinks(kind: str, where: Bools, rows: Ints) -> list[Kink]:
    return [Kink(kind, row) for row in rows[where].tolist()]


def _flows(
    out: Regimes, problem: Problem, state: State, price: Floats, premium: Floats, rows: Ints
) -> list[Kink]:
    limited = np.isfinite(problem.log_quota)
    over = np.zeros(rows.size, np.bool_)
    over[problem.special[2]] = True
    over &= ~state.bound & (state.log_quantity > problem.log_quota)
    before = state.before.copy()
    if over.any():
        base = price[problem.exporter] + problem.log_cost + problem.beyond
        base += np.bincount(problem.groups.flow, premium[problem.groups.of], rows.size)
        before[over] = np.logaddexp(base, problem.log_specific)[over]
    sharp = np.isfinite(problem.log_floor) & (problem.dispersion == 0) & ~state.bound
    out.at_quota[rows] = state.bound
    out.beyond[rows] = over
    out.lifted[rows] = sharp & (before < problem.log_floor)
    out.paid[rows] = np.where(state.bound, state.log_price, 0.0)
    out.passed[rows] = state.passed
    with np.errstate(invalid="ignore"):
        on_floor = sharp & (np.abs(before - problem.log_floor) < KINK)
        full = limited & (np.abs(state.log_quantity - problem.log_quota) < KINK)
        edge = (np.abs(state.log_price - state.low) < KINK) | (
            np.abs(state.log_price - state.high) < KINK
        )
    return _kinks("floor", on_floor, rows) + _kinks("quota", full & edge, rows)


def _supply(out: Regimes, problem: Problem, state: State, price: Floats, rows: Ints) -> list[Kink]:
    supply, groups = problem.supply, problem.groups
    capacity = np.full(rows.size, np.inf)
    capacity[groups.maker] = groups.log_limit[len(groups.index) :]
    idle = supply.rigid & (np.exp(price) < NOTHING)
    full = np.where(supply.infinite, price > 0, state.log_supplied > capacity)
    full &= np.isfinite(capacity) & ~idle
    out.full[rows] = full
    out.free[rows] = ~idle & (full | ~supply.infinite)
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = np.where(supply.infinite, state.log_demanded, state.log_supplied)
        at_cost = ~supply.infinite | (np.abs(price) < KINK)
        just_full = np.isfinite(capacity) & at_cost & (np.abs(wanted - capacity) < KINK)
        under = (supply.strike > 0) & (supply.covered > 0) & (supply.upside < 1)
        at_strike = under & (np.abs(price - np.log(supply.strike)) < KINK)
    return _kinks("capacity", just_full, rows) + _kinks("contract", at_strike, rows)


def _groups(
    out: Regimes, problem: Problem, state: State, premium: Floats, limits: Ints
) -> list[Kink]:
    count = limits.size
    some, most = premium[:count], problem.groups.beyond[:count]
    out.ended[limits] = (some >= most) & (most < np.inf)
    out.binding[limits] = (some > 0) & (some < most)
    edge = (some < KINK) | (most - some < KINK)
    return _kinks("limit", edge & (np.abs(state.slack[:count]) < KINK), limits)
