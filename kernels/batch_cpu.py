"""Scenario batches on the CPU: what a scenario leaves alone is not solved, the rest in lanes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tradewedge.kernels import (
    alone_cpu,
    armington_cpu,
    instruments_cpu,
    lanes_cpu,
    newton,
    plain_cpu,
)
from tradewedge.kernels.changes import Changes, stack
from tradewedge.kernels.columns import Column
from tradewedge.kernels.market import Bools, Floats, Ints, KernelSolution, Market, Options
from tradewedge.kernels.part import rows_of, some_products
from tradewedge.kernels.sell_cpu import frozen, in_parts, slices
from tradewedge.kernels.solved import Solved
from tradewedge.kernels.thin import Thin


def solve_batch(market: Market, several: Sequence[Changes], options: Options) -> list[Solved]:
    """Solve every product under every scenario.

    Products that a scenario does not touch keep the solution that no change has. Instruments are
    put on scenario by scenario, on what has been solved without them together.

    Parameters
    ----------
    market : Market
    several : sequence of Changes
    options : Options

    Returns
    -------
    list of Solved
        In the order given. The kernel never raises for numbers: see their ``status``.
    """
    if market.nested.all():
        shocks = (one.shock(market) for one in several)
        return [Solved.of(armington_cpu.solve(market, shock, options)) for shock in shocks]
    found = _solve_plain(market, [_without_instruments(market, one) for one in several], options)
    for n, one in enumerate(several):
        if one.instruments is not None:
            found[n] = _with_instruments(found[n], market, one, one.instruments, options)
    return found


def _without_instruments(market: Market, one: Changes) -> Changes:
    """The same without instruments; a limit of zero stays, as an exclusion."""
    return one if one.instruments is None else one.without(one.instruments.shut(market))


def _with_instruments(
    found: Solved, market: Market, one: Changes, given: Thin, options: Options
) -> Solved:
    """Solve the products that instruments touch, from the solution without them, by themselves."""
    products, inner = given.products(market), market
    if 2 * np.diff(market.flow_ptr)[products].sum() < len(market.share):
        inner = some_products(market, products)
    else:
        products = np.arange(len(market.sigma))
    exporters, importers = (
        rows_of(ptr, products) for ptr in (market.exporter_ptr, market.importer_ptr)
    )
    by_product = ("status", "iterations", "residual", "error_bound")
    start = KernelSolution(
        log_price=found.price.at(exporters),
        log_index=found.index.at(importers),
        **{name: getattr(found, name)[products] for name in by_product},
    )
    shock = one.among(market, products).shock(inner)
    made = instruments_cpu.solve(lambda *_: start, inner, shock, options)
    whole = {name: getattr(found, name).copy() for name in by_product}
    for name, values in whole.items():
        values[products] = getattr(made, name)
    return Solved(
        price=found.price.replaced(exporters, made.log_price),
        index=found.index.replaced(importers, made.log_index),
        log_shadow=made.log_shadow,
        **whole,
    )


def _solve_plain(market: Market, several: Sequence[Changes], options: Options) -> list[Solved]:
    """Solve scenarios without instruments."""
    calm = _calm(market, options)
    changes, held = stack(market, several)
    touched = changes.touched
    out, found = _room(market, calm, touched)
    pending = np.zeros_like(touched)
    many = touched.sum(axis=0).max(initial=0) >= lanes_cpu.FEWEST
    solve_slice = lanes_cpu.solve_slice if many else alone_cpu.solve_slice
    rows = _rows(market)
    before = alone_cpu.Calm(frozen(calm.log_price), frozen(calm.log_index))
    steps = newton.accelerated_steps(options.max_steps)

    def work(part: tuple[int, int]) -> None:
        solve_slice(
            rows, before, market.layout, changes, out, *part, options.tolerance, steps, pending
        )

    in_parts(work, slices(_work(market, touched)))
    del held  # what the addresses in ``changes`` point to
    for s in np.flatnonzero(pending.any(axis=1)).tolist():
        found[s] = _with_rest(found[s], market, several[s], options, pending[s])
    return found


def _calm(market: Market, options: Options) -> KernelSolution:
    """The solution that no change has; a looser one than asked for serves where it is as good."""
    enough = not (market.calm.residual > options.tolerance).any()
    return market.calm if enough else market.calm_to(options)


def _rows(market: Market) -> plain_cpu.Rows:
    """A market under a shock that changes no exporter and no importer; flows are not looked at."""
    nothing = {
        "log_cost": np.zeros(0),
        "admitted": np.zeros(0, np.bool_),
        "log_supply": np.zeros(len(market.epsilon)),
        "log_demand": np.zeros(int(market.importer_ptr[-1])),
    }
    return plain_cpu.Rows(
        *(
            frozen(nothing[name] if name in nothing else getattr(market, name))
            for name in plain_cpu.Rows._fields
        )
    )


def _work(market: Market, touched: Bools) -> Ints:
    """Flows of all products before each one, as often as a scenario touches them, [K + 1]."""
    return np.concatenate([[0], np.cumsum(np.diff(market.flow_ptr) * touched.sum(axis=0))])


def _room(
    market: Market, calm: KernelSolution, touched: Bools
) -> tuple[alone_cpu.Out, list[Solved]]:
    """Room for solutions, and these as views of it: of rows that are touched, or all if most are.

    ``touched`` [S, K].
    """
    exporters, importers = np.diff(market.exporter_ptr), np.diff(market.importer_ptr)
    size = exporters + importers
    most = 2 * (touched @ size) > size.sum()
    stored = touched | most[:, None]
    price, exporter = _places(stored, exporters)
    index, importer = _places(stored, importers)
    out = alone_cpu.Out(
        np.empty(price[-1]),
        np.empty(index[-1]),
        exporter,
        importer,
        *(
            np.repeat(getattr(calm, name)[None], len(touched), axis=0)
            for name in ("status", "iterations", "residual", "error_bound")
        ),
    )

    def column(s: int, kept: Floats, base: Floats, per_product: Ints) -> Column:
        if most[s]:
            return Column.of(kept)
        return Column(base, np.flatnonzero(np.repeat(touched[s], per_product)), kept)

    found = [
        Solved(
            price=column(s, out.log_price[price[s] : price[s + 1]], calm.log_price, exporters),
            index=column(s, out.log_index[index[s] : index[s + 1]], calm.log_index, importers),
            status=out.status[s],
            iterations=out.iterations[s],
            residual=out.residual[s],
            error_bound=out.error_bound[s],
        )
        for s in range(len(touched))
    ]
    return out, found


def _places(stored: Bools, per_product: Ints) -> tuple[Ints, Ints]:
    """Bounds of each scenario's rows [S + 1], and where each product's first one is [S, K]."""
    length = (stored * per_product).astype(np.int64)
    end = np.cumsum(length).reshape(length.shape)
    return np.concatenate([[0], end[:, -1]]), np.where(stored, end - length, -1)


def _with_rest(
    found: Solved, market: Market, one: Changes, options: Options, pending: Bools
) -> Solved:
    """Solve what the fast path has left, products ``pending`` [K]."""
    whole = found.whole
    whole.log_price[np.repeat(pending, np.diff(market.exporter_ptr))] = np.nan
    whole.log_index[np.repeat(pending, np.diff(market.importer_ptr))] = np.nan
    whole.iterations[pending] = 0
    armington_cpu.solve_rest(whole, market, one.shock(market), options, pending)
    return replace(
        found,
        price=found.price.taken_from(whole.log_price),
        index=found.index.taken_from(whole.log_index),
    )
