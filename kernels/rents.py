"""Who gets what of a delivered price: the parts that instruments add, per unit, flow by flow."""

from dataclasses import dataclass

import numpy as np

from tradewedge.kernels import instruments as ins
from tradewedge.kernels.complementarity import Problem, State, evaluate
from tradewedge.kernels.layout import problem_of, touched_products
from tradewedge.kernels.market import Bools, Floats, KernelSolution, Market, Shock, Status

LARGEST_RATIO = 300.0
"""Log of what a receipt may be over a price that is next to 0."""
UNSOLD = 1e-6
"""Log of supply over demand above which output finds no buyer at a price of 0."""


@dataclass(frozen=True, eq=False)
class Rents:
    """What instruments add, aligned with a :class:`~.market.Market`.

    Flows, per unit and in units of the baseline delivered price; NaN where a flow is excluded or
    its product has no solution::

        delivered = price chain + group_rent + specific + quota_rent + levy

    where the chain is the producer price times everything ad valorem.

    Attributes
    ----------
    group_rent : float64 [F]
        Premium of the groups' limits, which units within them save (a rent) and units beyond
        them pay (a duty).
    specific : float64 [F]
        Specific duty.
    quota_rent : float64 [F]
        Premium of the flow's own quota, on units within it. Of a tariff-rate quota that is
        exceeded: the difference of the duties, which units within the quota save (a rent) and
        units beyond it pay (a duty).
    levy : float64 [F]
        What lifts the price to the floor.
    in_quota : float64 [F]
        Quantity within the flow's quota, in units of its baseline quantity; all of it where the
        quota does not bind, or where there is none.
    group_within : float64 [G]
        Share of what each group uses that is within its limit: of every flow of the group, the
        same. Below 1 only where a tariff-rate quota is exceeded.
    producer_receipt : float64 [X]
        What producers get per unit on average, over the producer price; 1 without a contract.
    scarcity_rent : float64 [X]
        Producer price less the lowest one at which the capacity would still be used, in units of
        the baseline producer price; 0 where the capacity does not bind.
    """

    group_rent: Floats
    specific: Floats
    quota_rent: Floats
    levy: Floats
    in_quota: Floats
    group_within: Floats
    producer_receipt: Floats
    scarcity_rent: Floats


def no_rents(quantity: Floats, log_price: Floats, groups: int) -> Rents:
    """Return the rents of a market in which no instrument binds."""
    nothing = np.where(np.isnan(quantity), np.nan, 0.0)
    unpriced = np.isnan(log_price)
    return Rents(
        group_rent=nothing.copy(),
        specific=nothing.copy(),
        quota_rent=nothing.copy(),
        levy=nothing.copy(),
        in_quota=quantity.copy(),
        group_within=np.ones(groups),
        producer_receipt=np.where(unpriced, np.nan, 1.0),
        scarcity_rent=np.where(unpriced, np.nan, 0.0),
    )


def overlay(
    market: Market,
    shock: Shock,
    found: KernelSolution,
    delivered: Floats,
    quantity: Floats,
    output: Floats,
) -> Rents:
    """Put what instruments change into ``delivered``, ``quantity`` and ``output``, in place.

    Parameters
    ----------
    market, shock : Market, Shock
    found : KernelSolution
    delivered, quantity : float64 [F]
    output : float64 [X]
        As they follow without instruments.

    Returns
    -------
    Rents
    """
    sold = np.where(np.isnan(delivered), np.nan, quantity)
    rents = no_rents(sold, found.log_price, len(found.log_shadow))
    for product in touched_products(market, shock).tolist():
        if not Status(found.status[product]).has_prices:
            continue
        problem = problem_of(market, shock, product)
        if problem.flow.size == 0:
            continue
        price = found.log_price[problem.exporters]
        # The premium of a capacity is in the producer price already.
        premium = np.zeros(len(problem.groups.start))
        premium[: len(problem.groups.index)] = found.log_shadow[problem.groups.index]
        state = evaluate(problem, price, premium, np.zeros(len(problem.importers)))
        flow = problem.flow
        delivered[flow] = np.exp(state.log_price)
        quantity[flow] = np.exp(state.log_quantity)
        output[problem.exporters] = _output(problem, state)
        _write(rents, problem, state, price)
    return rents


def _output(problem: Problem, state: State) -> Floats:
    """Output [i]: supply, or what is bought where supply is infinite or finds no buyer."""
    supply, groups = problem.supply, problem.groups
    supplied = state.log_supplied.copy()
    supplied[groups.maker] = np.minimum(supplied, _capacity(problem))[groups.maker]
    unsold = supply.rigid & (state.log_demanded < supplied - UNSOLD)
    out: Floats = np.exp(np.where(supply.infinite | unsold, state.log_demanded, supplied))
    return out


def _capacity(problem: Problem) -> Floats:
    """Log of the capacity of each exporter [i]; inf: none."""
    out = np.full(len(problem.exporters), np.inf)
    out[problem.groups.maker] = problem.groups.log_limit[len(problem.groups.index) :]
    return out


def _write(rents: Rents, problem: Problem, state: State, price: Floats) -> None:
    flow = problem.flow
    chain = np.exp(price[problem.exporter] + problem.log_cost)
    # The price before floor and quota, less the specific duty, is the chain with its premiums.
    specific = np.exp(problem.log_specific)
    rents.specific[flow] = specific
    before = np.exp(state.before)
    premium = np.maximum(before - specific - chain, 0.0)
    rents.group_rent[flow] = np.where(_in_no_group(problem), 0.0, premium)
    marginal = _before_floor(problem, state)
    rents.quota_rent[flow] = np.where(marginal > state.before, np.exp(marginal) - before, 0.0)
    rents.levy[flow] = np.maximum(np.exp(state.log_price) - np.exp(marginal), 0.0)
    in_quota = np.minimum(state.log_quantity, problem.log_quota)
    rents.in_quota[flow] = np.exp(in_quota)
    groups = problem.groups
    limits = len(groups.index)
    over = np.maximum(state.log_used - groups.log_limit, 0.0)[:limits]
    rents.group_within[groups.index] = np.where(groups.hard[:limits], 1.0, np.exp(-over))
    rents.producer_receipt[problem.exporters] = _receipt(problem, price)
    rents.scarcity_rent[problem.exporters] = _scarcity(problem, state, price)


def _in_no_group(problem: Problem) -> Bools:
    """Flows [n] in no group."""
    inside = np.zeros(len(problem.flow), np.bool_)
    inside[problem.groups.flow] = True
    return ~inside


def _before_floor(problem: Problem, state: State) -> Floats:
    """Log price before the floor [n]: within the quota, at it, or beyond it."""
    marginal = state.before.copy()
    at = np.flatnonzero(state.bound)
    marginal[at] = ins.price_before_lift(
        state.log_price[at], problem.log_floor[at], problem.dispersion[at]
    )
    rated = problem.special[2]
    at = rated[(state.log_quantity > problem.log_quota)[rated] & ~state.bound[rated]]
    with np.errstate(divide="ignore"):  # a specific duty on a price of next to 0
        base = state.before[at] + np.log1p(-np.exp(problem.log_specific[at] - state.before[at]))
    marginal[at] = np.logaddexp(base + problem.beyond[at], problem.log_specific[at])
    return marginal


def _receipt(problem: Problem, price: Floats) -> Floats:
    """Average price that producers get over the producer price [i]."""
    supply = problem.supply
    under = (supply.strike > 0) & (supply.covered > 0)
    paid, _ = ins.receipt(price, np.where(under, supply.strike, 1.0), supply.upside)
    over = np.where(under, np.minimum(paid - price, LARGEST_RATIO), 0.0)
    share = np.where(under, supply.covered, 0.0)
    rest = (1 - share) * np.exp(np.minimum(-supply.epsilon * over, LARGEST_RATIO))
    at_contract = share / (share + rest)
    average: Floats = at_contract * np.exp(over) + 1 - at_contract
    return average


def _scarcity(problem: Problem, state: State, price: Floats) -> Floats:
    """Producer price less the one at which supply just reaches the capacity [i]."""
    supply = problem.supply
    plain, _ = ins.log_supply(
        price, supply.epsilon, supply.log_shift, supply.strike, supply.covered, supply.upside
    )
    capacity = _capacity(problem)
    rent = np.where(supply.infinite, np.expm1(np.maximum(price, 0.0)), 0.0)
    used = state.log_demanded > capacity - UNSOLD
    rows = np.flatnonzero(~supply.infinite & (plain > capacity) & used)
    low, high = np.full(rows.size, -700.0), price[rows].copy()
    for _ in range(70):
        middle = 0.5 * (low + high)
        value, _ = ins.log_supply(
            middle,
            supply.epsilon[rows],
            supply.log_shift[rows],
            supply.strike[rows],
            supply.covered[rows],
            supply.upside[rows],
        )
        over = value > capacity[rows]
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    rent[rows] = np.exp(price[rows]) - np.exp(high)
    return rent
