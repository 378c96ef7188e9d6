"""What the solution rests on: parameters, status, and what the world cannot answer."""

import numpy as np
import polars as pl

from tradewedge.elasticities import IMPORT_DEMAND, UNADJUSTED
from tradewedge.kernels.market import Status
from tradewedge.models import Solution
from tradewedge.outcomes import keys
from tradewedge.outcomes.trade import nullable
from tradewedge.world import World


def parameters(world: World) -> pl.DataFrame:
    """sigma, eta and epsilon of every exporter of a product, and where they come from."""
    k = world.exporter_product
    e = world.elasticities
    derived = np.array([kind == IMPORT_DEMAND for kind in e.eta_kind], dtype=np.bool_)
    return pl.DataFrame(
        {
            "product": keys.products(world, k),
            "exporter": keys.countries(world, world.exporter_country),
            "sigma": e.sigma[k],
            "eta": e.eta[k],
            "epsilon": e.epsilon,
            "source": pl.Series(list(e.source), dtype=pl.String).gather(k),
            "eta_kind": pl.Series(list(e.eta_kind), dtype=pl.String).gather(k),
            "sigma_standard_error": nullable(e.sigma_standard_error[k]),
            # That of the composite's eta says nothing of an import-demand elasticity.
            "eta_standard_error": nullable(np.where(derived, np.nan, e.eta_standard_error)[k]),
            "epsilon_standard_error": nullable(e.epsilon_standard_error),
        }
    )


def status(world: World, solution: Solution) -> pl.DataFrame:
    """How every product ended."""
    names = pl.Series([s.name.lower() for s in Status], dtype=pl.String)
    return pl.DataFrame(
        {
            "product": pl.Series(list(world.products), dtype=pl.String),
            "status": names.gather(solution.status.astype(np.int64)),
            "iterations": solution.iterations,
            "residual": nullable(solution.residual),
            "error_bound": nullable(solution.error_bound),
        }
    )


def blind_spots(world: World) -> tuple[str, ...]:
    """What this world cannot answer, one sentence each."""
    found = []
    if world.observed_importers is not None:
        only = ", ".join(world.observed_importers)
        found.append(
            f"Only purchases of {only} are observed: effects on other markets, on foreign "
            "producers and on world welfare are not known, and epsilon is supply to this market."
        )
    if not world.tariff_known.all():
        known = ", ".join(sorted(world.tariff_importers or ()))
        start = f"Baseline tariffs are known for {known} only: elsewhere"
        found.append(
            f"{start if known else 'No baseline tariffs are known:'} they count as zero in prices, "
            "and revenue and net welfare are left empty."
        )
    markets, at_home = world.importer_country.size, int(world.home.sum())
    if at_home < markets:
        found.append(
            f"Home sales are known in {at_home:,} of {markets:,} markets (product and country): in "
            "the others gains and losses of home producers are not shown, and net welfare is left "
            "empty unless eta is an import-demand elasticity, which nets them."
        )
    unadjusted = sum(kind == UNADJUSTED for kind in world.elasticities.eta_kind)
    if unadjusted:
        found.append(
            f"For {unadjusted} of {len(world.products)} products no country's home sales or home "
            "share is known, so eta is the composite's as it stands: import demand is understated "
            "where home producers compete."
        )
    if np.isnan(world.quantity).all():
        found.append("No quantities in tons are known: only ratios and values.")
    return tuple(found)
