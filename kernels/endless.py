"""Limits that no premium enforces: what is used when a premium has risen without end."""

from dataclasses import replace

import numpy as np

from tradewedge.kernels import semismooth
from tradewedge.kernels.complementarity import Problem
from tradewedge.kernels.equations import AT_ONE
from tradewedge.kernels.feasible import MARGIN
from tradewedge.kernels.instruments import effectively_admitted
from tradewedge.kernels.layout import problem_of
from tradewedge.kernels.market import Bools, Floats, Ints, Market, Options, Shock

SLACK = 1e30
"""A limit that nothing reaches."""


def is_exceeded_in_the_end(
    market: Market, shock: Shock, product: int, groups: Ints, options: Options
) -> bool:
    """Whether groups whose premium rises without end are used beyond their limit even then.

    With eta = 0 an importer all of whose suppliers pay the premium buys what it did: its index
    rises by the same factor. An importer with other suppliers leaves the group, and specific
    duties and floors vanish beside the premium. The market that remains is solved without these
    groups. Use above the limit there means that no premium, however high, brings it down.

    Parameters
    ----------
    market, shock : Market, Shock
        With instruments and eta = 0.
    product : int
    groups : int64 [n]
        The groups whose premium has no end.
    options : Options
    """
    given = shock.instruments
    if given is None or market.eta[product] > 0:
        return False
    under = np.zeros(market.share.size, np.bool_)
    for group in groups.tolist():
        under[given.group_flow[given.group_ptr[group] : given.group_ptr[group + 1]]] = True
    leaving = under & _has_others(market, effectively_admitted(market, shock), under)
    substitution = (market.sigma, market.sigma_home, market.sigma_groups)
    if leaving.any() and any(sigma[product] <= 1 + AT_ONE for sigma in substitution):
        return False
    limit = given.group_limit.copy()
    limit[groups] = SLACK
    rest = replace(
        shock,
        admitted=shock.admitted & ~leaving,
        instruments=replace(
            given,
            specific=np.where(under, 0.0, given.specific),
            floor=np.where(under, 0.0, given.floor),
            group_limit=limit,
        ),
    )
    problem = problem_of(market, rest, product)
    start = np.zeros(len(problem.exporters))
    found = semismooth.solve(problem, start, options.tolerance, options.max_steps)
    if found.state.residual > options.tolerance:
        more = np.union1d(groups, endless_groups(problem, found.premium))
        if more.size == groups.size:
            return False
        return is_exceeded_in_the_end(market, shock, product, more, options)
    quantity = np.zeros(market.share.size)
    quantity[problem.flow] = np.exp(found.state.log_quantity)
    return any(
        np.sum(given.group_weight[rows] * quantity[given.group_flow[rows]])
        > given.group_limit[group] * (1 + MARGIN)
        for group in groups.tolist()
        for rows in [slice(given.group_ptr[group], given.group_ptr[group + 1])]
    )


def endless_groups(problem: Problem, premium: Floats) -> Ints:
    """Groups whose premium has gone where nothing answers to it any more."""
    groups = problem.groups.index
    endless = (premium > semismooth.ENDLESS_PREMIUM) & problem.groups.hard
    return groups[endless[: groups.size]]


def _has_others(market: Market, admitted: Bools, under: Bools) -> Bools:
    """Flows [F] whose importer also buys from suppliers that pay no such premium."""
    others = np.zeros(int(market.importer_ptr[-1]), np.bool_)
    others[market.flow_importer[admitted & ~under]] = True
    return others[market.flow_importer]
