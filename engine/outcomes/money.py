"""Who pays whom: transfers by authority, and welfare by country."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.elasticities import IMPORT_DEMAND
from tradewedge.kernels.market import row_sums
from tradewedge.outcomes.levels import Levels
from tradewedge.outcomes.payments import payments
from tradewedge.outcomes.surplus import consumer_surplus, producer_surplus
from tradewedge.outcomes.trade import nullable
from tradewedge.world import World

Floats = NDArray[np.float64]

TRANSFER_KEYS = ["product", "payer", "receiver", "authority", "kind"]


def transfers(world: World, base: Levels, new: Levels) -> pl.DataFrame:
    """Duties, levies, rents and subsidies, thousand USD, by product, payer, receiver, authority.

    The buying country pays duties and levies to its treasury, export taxes to the exporting
    country's, and rents to whoever holds them. A contract for differences is paid by the
    producing country to its producers. Baseline duties of importers whose tariffs the world does
    not know are not here.
    """
    parts = [
        pl.DataFrame(
            {
                "product": paid.product,
                "payer": paid.payer,
                "receiver": paid.receiver,
                "authority": np.full(paid.amount.size, paid.authority),
                "kind": np.full(paid.amount.size, paid.kind),
                "amount_base": paid.amount * (column == "amount_base"),
                "amount_new": paid.amount * (column == "amount_new"),
            },
            schema_overrides={"authority": pl.String, "kind": pl.String},
        )
        for column, levels in (("amount_base", base), ("amount_new", new))
        for paid in payments(world, levels)
    ]
    if not parts:
        return pl.DataFrame(
            schema={
                **dict.fromkeys(TRANSFER_KEYS, pl.String),
                "amount_base": pl.Float64,
                "amount_new": pl.Float64,
            }
        )
    total = (
        pl.concat(parts)
        .group_by(TRANSFER_KEYS)
        .agg(pl.col("amount_base", "amount_new").sum().fill_nan(None))
        .sort(TRANSFER_KEYS)
    )
    return total.with_columns(
        product=world.product_column(total["product"].to_numpy()),
        payer=world.country_column(total["payer"].to_numpy()),
        receiver=world.country_column(total["receiver"].to_numpy()),
    ).sort(TRANSFER_KEYS)


def welfare(world: World, base: Levels, new: Levels) -> pl.DataFrame:
    """Surplus and revenue by product and country, thousand USD, new less base.

    ``producer_surplus`` is that of the sales which the world sees: exports, and home sales where
    it has them. ``net`` is null and ``complete`` false where a part is unknown: an unserved
    importer, an importer whose baseline tariffs are unknown, a market that the world does not
    observe, home sales that it does not have. Where eta is the import-demand elasticity, consumer
    surplus is net of what home producers gain, so home sales are not missed; in a world of one
    importer it is then complete without producer surplus.
    """
    n = len(world.countries)
    buyers = world.importer_product * n + world.importer_country
    sellers = world.exporter_product * n + world.exporter_country
    keys = np.union1d(buyers, sellers)
    country = keys % n
    seen = _seen(world)[country]
    consumer = np.where(seen, 0.0, np.nan)
    consumer[np.searchsorted(keys, buyers)] = consumer_surplus(world, new) - consumer_surplus(
        world, base
    )
    producer = np.full(keys.size, 0.0 if world.observed_importers is None else np.nan)
    producer[np.searchsorted(keys, sellers)] = producer_surplus(world, new) - producer_surplus(
        world, base
    )
    revenue = _receipts(world, new, keys, public=True) - _receipts(world, base, keys, public=True)
    revenue = np.where(_revenue_known(world)[country] & seen, revenue, np.nan)
    rents = _receipts(world, new, keys, public=False) - _receipts(world, base, keys, public=False)
    inside = np.array([kind == IMPORT_DEMAND for kind in world.elasticities.eta_kind])[keys // n]
    at_home = np.isin(keys, (world.flow_product * n + world.flow_exporter)[world.home])
    makers = np.where(inside & np.isnan(producer), 0.0, producer)
    net = np.where(inside | at_home, consumer + makers + revenue + rents, np.nan)
    return pl.DataFrame(
        {
            "product": world.product_column(keys // n),
            "country": world.country_column(country),
            "consumer_surplus": nullable(consumer),
            "producer_surplus": nullable(producer),
            "revenue": nullable(revenue),
            "rents": rents,
            "net": nullable(net),
            "complete": ~np.isnan(net),
        }
    )


def _receipts(world: World, levels: Levels, keys: NDArray[np.int64], *, public: bool) -> Floats:
    """Net receipts of treasuries, or of rent holders, by (product, country) key."""
    n = len(world.countries)
    total = np.zeros(keys.size)
    for paid in payments(world, levels):
        if public == (paid.treasury_sign != 0):
            place = np.searchsorted(keys, paid.product * n + paid.receiver)
            total += (paid.treasury_sign or 1) * row_sums(place, paid.amount, keys.size)
    return total


def _seen(world: World) -> NDArray[np.bool_]:
    """Countries whose purchases the world observes, [N]."""
    if world.observed_importers is None:
        return np.ones(len(world.countries), dtype=bool)
    return np.isin(np.array(world.countries), world.observed_importers)


def _revenue_known(world: World) -> NDArray[np.bool_]:
    """Countries whose baseline tariffs are known, [N]."""
    if world.tariff_importers is None:
        return np.ones(len(world.countries), dtype=bool)
    return np.isin(np.array(world.countries), sorted(world.tariff_importers))
