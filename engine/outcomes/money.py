"""Who pays whom: transfers by authority, and welfare by country."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.elasticities import IMPORT_DEMAND
from tradewedge.kernels.market import row_sums
from tradewedge.outcomes import keys as codes
from tradewedge.outcomes.levels import Levels
from tradewedge.outcomes.payments import payments
from tradewedge.outcomes.piece import Piece
from tradewedge.outcomes.trade import nullable
from tradewedge.world import World

Floats = NDArray[np.float64]

TRANSFER_KEYS = ["product", "payer", "receiver", "authority", "kind"]


def transfers(piece: Piece) -> pl.DataFrame:
    """Duties, levies, rents and subsidies, thousand USD, by product, payer, receiver, authority.

    The buying country pays duties and levies to its treasury, export taxes to the exporting
    country's, and rents to whoever holds them. A contract for differences is paid by the
    producing country to its producers. Baseline duties of importers whose tariffs the world does
    not know are not here.
    """
    world, base, new = piece.world, piece.base, piece.new
    parts = [
        pl.DataFrame(
            {
                "product": paid.product,
                "payer": paid.payer,
                "receiver": paid.receiver,
                "amount_base": paid.amount * (column == "amount_base"),
                "amount_new": paid.amount * (column == "amount_new"),
            }
        ).with_columns(authority=pl.lit(paid.authority), kind=pl.lit(paid.kind))
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
    # Codes are in the order of their indices: sorted by these is sorted by those.
    total = (
        pl.concat(parts)
        .group_by(TRANSFER_KEYS)
        .agg(pl.col("amount_base", "amount_new").sum().fill_nan(None))
        .sort(TRANSFER_KEYS)
    )
    return total.with_columns(
        product=codes.products(world, total["product"].to_numpy()),
        payer=codes.countries(world, total["payer"].to_numpy()),
        receiver=codes.countries(world, total["receiver"].to_numpy()),
    )


def welfare(piece: Piece) -> pl.DataFrame:
    """Surplus and revenue by product and country, thousand USD, new less base.

    ``producer_surplus`` is that of the sales which the world sees: exports, and home sales where
    it has them. ``net`` is null and ``complete`` false where a part is unknown: an unserved
    importer, an importer whose baseline tariffs are unknown, a market that the world does not
    observe, home sales that it does not have. Where eta is the import-demand elasticity, consumer
    surplus is net of what home producers gain, so home sales are not missed; in a world of one
    importer it is then complete without producer surplus.
    """
    world, base, new = piece.world, piece.base, piece.new
    n = len(world.countries)
    buyers = world.importer_product * n + world.importer_country
    sellers = world.exporter_product * n + world.exporter_country
    here = np.zeros(len(world.products) * n, dtype=bool)
    here[buyers] = here[sellers] = True
    keys, place = np.flatnonzero(here), np.cumsum(here) - 1
    country = keys % n
    seen = _seen(world)[country]
    consumer = np.where(seen, 0.0, np.nan)
    consumer[place[buyers]] = piece.consumer_surplus
    producer = np.full(keys.size, 0.0 if world.observed_importers is None else np.nan)
    producer[place[sellers]] = piece.producer_surplus
    public, rents = (
        after - before
        for after, before in zip(
            _receipts(world, new, place), _receipts(world, base, place), strict=True
        )
    )
    revenue = np.where(_revenue_known(world)[country] & seen, public, np.nan)
    kinds = [kind == IMPORT_DEMAND for kind in world.elasticities.eta_kind]
    inside = np.array(kinds, dtype=bool)[keys // n]
    sold_at_home = np.zeros(here.size, dtype=bool)
    sold_at_home[(world.flow_product * n + world.flow_exporter)[world.home]] = True
    at_home = sold_at_home[keys]
    makers = np.where(inside & np.isnan(producer), 0.0, producer)
    net = np.where(inside | at_home, consumer + makers + revenue + rents, np.nan)
    return pl.DataFrame(
        {
            "product": codes.products(world, keys // n),
            "country": codes.countries(world, country),
            "consumer_surplus": nullable(consumer),
            "producer_surplus": nullable(producer),
            "revenue": nullable(revenue),
            "rents": rents,
            "net": nullable(net),
            "complete": ~np.isnan(net),
        }
    )


def _receipts(world: World, levels: Levels, place: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Net receipts of treasuries and of rent holders, by the place of (product, country)."""
    n = len(world.countries)
    size = int(place[-1]) + 1 if place.size else 0
    public, private = np.zeros(size), np.zeros(size)
    for paid in payments(world, levels):
        sums = row_sums(place[paid.product * n + paid.receiver], paid.amount, size)
        if paid.treasury_sign:
            public += paid.treasury_sign * sums
        else:
            private += sums
    return public, private


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
