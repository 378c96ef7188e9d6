"""Every payment that policy causes, one record per authority and kind."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewedge.outcomes.levels import Levels
from tradewedge.outcomes.support import contract_payments
from tradewedge.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Payment:
    """Payments of one kind under one authority.

    Attributes
    ----------
    authority, kind : str
    product, payer, receiver : int64 [n]
        Index of the product and of the two countries.
    amount : float64 [n]
        Thousand USD.
    treasury_sign : int
        1: a treasury receives it, -1: a treasury pays it, 0: it is a private rent.
    """

    authority: str
    kind: str
    product: Ints
    payer: Ints
    receiver: Ints
    amount: Floats
    treasury_sign: int


def payments(world: World, levels: Levels) -> Iterator[Payment]:
    """All of them at one set of levels."""
    wedges = levels.wedges

    def on_flows(authority: str, kind: str, rows: Ints, amount: Floats, holder: str) -> Payment:
        abroad = holder in ("exporter", "exporting treasury")
        return Payment(
            authority=authority,
            kind=kind,
            product=world.flow_product[rows],
            payer=world.flow_importer[rows],
            receiver=(world.flow_exporter if abroad else world.flow_importer)[rows],
            amount=amount,
            treasury_sign=int(holder.endswith("treasury")),
        )

    for duty in wedges.duties:
        amount = levels.dutiable[duty.rows] * duty.rate
        yield on_flows(duty.authority, "duty", duty.rows, amount, "treasury")
    for tax in wedges.export_taxes:
        amount = _producer_value(world, levels, tax.rows) * tax.rate
        yield on_flows(tax.authority, "export_tax", tax.rows, amount, "exporting treasury")
    for lift in levels.lifts:
        yield on_flows(lift.authority, lift.kind, lift.rows, lift.held, lift.holder)
    for authority, rows, amount in contract_payments(world, levels):
        country = world.exporter_country[rows]
        yield Payment(authority, "cfd", world.exporter_product[rows], country, country, amount, -1)


def _producer_value(world: World, levels: Levels, rows: Ints) -> Floats:
    """Value of flows at the producer price; 0 where excluded."""
    price = levels.price[world.exporter_row[rows]]
    value = world.value[rows] * price * levels.quantity[rows]
    made: Floats = np.where(levels.wedges.admitted[rows], value, 0.0)
    return made
