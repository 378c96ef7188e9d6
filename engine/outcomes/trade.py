"""Trade tables: flows, exporters, importers, and where the change of a flow comes from."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.outcomes import keys
from tradewedge.outcomes.levels import Levels
from tradewedge.outcomes.piece import Piece
from tradewedge.policy.columns import is_constant
from tradewedge.world import World

Floats = NDArray[np.float64]


def ratio(new: Floats, base: Floats) -> Floats:
    """new / base; NaN where base is 0 or unknown. ``new`` itself where the base is 1 throughout."""
    if is_constant(base) and (base[:1] == 1.0).all():
        return new
    with np.errstate(divide="ignore", invalid="ignore"):
        made: Floats = new / base
    nothing = base == 0
    if nothing.any():
        made[nothing] = np.nan
    return made


def nullable(values: Floats) -> pl.Series:
    """A column with null for NaN."""
    return pl.Series(values, nan_to_null=True)


def flows(piece: Piece) -> pl.DataFrame:
    """Every baseline flow, excluded and untouched ones too."""
    world, base, new = piece.world, piece.base, piece.new
    cost = ratio(_cost(new), _cost(base))
    return pl.DataFrame(
        {
            **piece.flow_keys,
            "value_base": nullable(base.value),
            "value_new": nullable(new.value),
            "quantity_hat": nullable(ratio(new.quantity, base.quantity)),
            "quantity_base": nullable(world.quantity * base.quantity),
            "quantity_new": nullable(world.quantity * new.quantity),
            "delivered_hat": nullable(ratio(new.delivered, base.delivered)),
            "cost_factor": cost,
            "tariff_base": nullable(_tariff(world, base)),
            "tariff_new": nullable(_tariff(world, new)),
            "levy": _held(new, world.value.size, "treasury"),
            "rent": _held(new, world.value.size, "importer", "exporter"),
        }
    )


def exporters(piece: Piece) -> pl.DataFrame:
    """Producer price, output and producer surplus of every exporter of a product."""
    world, base, new = piece.world, piece.base, piece.new
    return pl.DataFrame(
        {
            "product": keys.products(world, world.exporter_product),
            "exporter": keys.countries(world, world.exporter_country),
            "price_hat": nullable(ratio(new.price, base.price)),
            "output_hat": nullable(ratio(new.output, base.output)),
            "supply_factor": new.wedges.supply / base.wedges.supply,
            "producer_surplus": nullable(piece.producer_surplus),
        }
    )


def importers(piece: Piece) -> pl.DataFrame:
    """Price index, spending and consumer surplus of every importer of a product."""
    world, base, new = piece.world, piece.base, piece.new
    return pl.DataFrame(
        {
            "product": keys.products(world, world.importer_product),
            "importer": keys.countries(world, world.importer_country),
            "price_index_hat": nullable(ratio(new.index, base.index)),
            "expenditure_base": nullable(base.expenditure),
            "expenditure_new": nullable(new.expenditure),
            "consumer_surplus": nullable(piece.consumer_surplus),
            "demand_factor": new.wedges.demand / base.wedges.demand,
            "unserved": ~new.served,
        }
    )


def diversion(piece: Piece) -> pl.DataFrame:
    """Split the change of each flow's quantity, valued at baseline duty-paid prices.

    Creation is what the importer buys more or less of the composite, diversion the rest: the
    shift among its suppliers. In the linear models diversion sums to zero over the suppliers of
    an importer (Laird and Yeats 1986, the SMART model). In the exact one without nests it sums to
    E Q (sum of s (p/P)^-sigma - 1), above zero wherever relative prices move: the same composite
    from another mix of imperfect substitutes takes more of them, at old prices.
    """
    world, base, new = piece.world, piece.base, piece.new
    composite = ratio(new.composite, base.composite)[world.importer_row] - 1.0
    shift = ratio(new.quantity, base.quantity) - 1.0
    shift -= composite
    shift *= base.duty_paid
    composite *= base.duty_paid
    return pl.DataFrame(
        {
            **piece.flow_keys,
            "creation": nullable(composite),
            "diversion": nullable(shift),
        }
    )


def _held(levels: Levels, size: int, *holders: str) -> Floats:
    """Thousand USD that instruments add and these hold, [F]."""
    total = np.zeros(size)
    for lift in levels.lifts:
        if lift.holder in holders:
            np.add.at(total, lift.rows, lift.held)
    return total


def _cost(levels: Levels) -> Floats:
    made = 1.0 + levels.wedges.export_tax
    made *= levels.wedges.trade_cost
    return made


def _tariff(world: World, levels: Levels) -> Floats:
    """Total rate; NaN where the baseline's is unknown."""
    made: Floats = np.where(world.tariff_known, levels.wedges.tariff_new, np.nan)
    return made
