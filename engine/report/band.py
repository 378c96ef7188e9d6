"""How much an exclusion depends on sigma: the same scenario at several sigmas."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import polars as pl

from tradewedge.policy import Compiler, Exclusion, Scenario, Wedges
from tradewedge.world import World


class _Solved(Protocol):
    def importers(self) -> pl.LazyFrame: ...


def sigma_band(
    compiler: Compiler,
    scenarios: Sequence[Scenario],
    solve: Callable[[World, Scenario], _Solved],
    sigmas: Sequence[float],
    notify: Callable[[str, int, int], None] = lambda *_: None,
) -> pl.DataFrame | None:
    """Solve every scenario that has an Exclusion again, with one sigma for all products.

    Only the products that a scenario touches are solved, and only the importers that its
    measures name are kept.

    Parameters
    ----------
    compiler : Compiler
        Of the world.
    scenarios : sequence of Scenario
    solve : callable
        World and scenario in, something with an ``importers()`` table out.
    sigmas : sequence of float
        Above 1.
    notify : callable, optional
        Told what is done, how much of it, of how much.

    Returns
    -------
    DataFrame or None
        scenario, sigma, product, importer, price_index_hat, expenditure_base, expenditure_new,
        consumer_surplus (thousand USD), unserved, hypothetical; None where no scenario excludes
        anything.
    """
    todo = [case for case in scenarios if has_exclusion(case)]
    total = len(todo) * len(sigmas)
    if not total:
        return None
    frames: list[pl.DataFrame] = []
    world = compiler.world
    for case in todo:
        wedges = compiler.compile(case)
        products = np.array(world.products)[wedges.touched_products].tolist()
        if not products:
            continue
        part = world.select(products)
        for sigma in sigmas:
            notify("sigma band", len(frames), total)
            frames.append(_at_sigma(part, case, sigma, matched_importers(wedges), solve))
    notify("sigma band", total, total)
    return pl.concat(frames) if frames else None


def has_exclusion(scenario: Scenario) -> bool:
    """Whether a scenario takes a supplier away, so that sigma decides the answer."""
    return any(isinstance(measure, Exclusion) for measure in scenario.measures)


def matched_importers(wedges: Wedges) -> list[str]:
    """Importers that the measures of a scenario touch, sorted."""
    return sorted({country for match in wedges.matches for country in match.importers})


def _at_sigma(
    world: World,
    scenario: Scenario,
    sigma: float,
    importers: Sequence[str],
    solve: Callable[[World, Scenario], _Solved],
) -> pl.DataFrame:
    solved = solve(world.with_elasticities(sigma=sigma), scenario)
    return (
        solved.importers()
        .filter(pl.col("importer").is_in(importers))
        .select(
            "scenario",
            pl.lit(sigma).alias("sigma"),
            "product",
            "importer",
            "price_index_hat",
            "expenditure_base",
            "expenditure_new",
            "consumer_surplus",
            "unserved",
            "hypothetical",
        )
        .collect()
    )
