"""Six-digit products as tariff lines: which lines each one has, and what each line weighs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from tradewedge import codes
from tradewedge.policy.law.lines import partner_of
from tradewedge.policy.law.stacking import Floats, Ints
from tradewedge.policy.law.tables import VINTAGE, law
from tradewedge.policy.law.terms import Pairs

OWN, ALL, SIMPLE, NONE = "own imports", "all partners", "simple mean", "no line"
#: Whose imports weigh the lines, by number.
WEIGHTS: Final = (OWN, ALL, SIMPLE, NONE)


@dataclass(frozen=True, eq=False)
class Spread:
    """n pairs of product and origin as m pairs of line and origin.

    Attributes
    ----------
    row : int64 [m]
        Which of the n each line belongs to.
    pairs : Pairs
        m lines, each with its origin.
    weight : float64 [m]
        Share of the line in its product; they add up to 1 over the lines of a product.
    how : int64 [n]
        Index into :data:`WEIGHTS`: the partner's own imports of 2024, where there are none those
        of all partners, last a simple mean; or a product without any line.
    """

    row: Ints
    pairs: Pairs
    weight: Floats
    how: Ints

    def mean(self, rate: Floats) -> Floats:
        """Weighted mean of a rate of lines [m] by product [n]; 0 without a line."""
        found = np.bincount(self.row, self.weight * rate, self.how.size)
        return found.astype(np.float64, copy=False)


def spread(products: pl.Series, origins: Sequence[str], origin: Ints, vintage: str) -> Spread:
    """Find the lines of products of any HS edition.

    Parameters
    ----------
    products : Series [n]
        Six-digit codes.
    origins : sequence of str
        Names of origins, as :func:`origin_among` gives them; unique.
    origin : int64 [n]
        Index into ``origins``.
    vintage : str
        HS edition of the products.
    """
    rules, n = law(), len(products)
    lines = pl.DataFrame({"hs6": rules.hs10.astype("U6"), "line": np.arange(rules.hs10.size)})
    same = codes.concordance(vintage, VINTAGE).select(product="source", hs6="target")
    of_product = same.join(lines, on="hs6").select("product", "line")
    asked = pl.DataFrame({"row": np.arange(n), "product": products.cast(pl.String)})
    joined = asked.join(of_product, on="product").sort("row", "line")
    row, line = joined["row"].to_numpy(), joined["line"].to_numpy()
    pairs = Pairs(line, tuple(origins), origin[row])
    own, of_all = pairs.at(rules.imports, line), rules.imports_of_all[line]
    count = np.bincount(row, minlength=n)
    own_sum, all_sum = np.bincount(row, own, n), np.bincount(row, of_all, n)
    how = np.select([own_sum > 0, all_sum > 0, count > 0], [0, 1, 2], 3)
    simple = 1.0 / count[row]
    weight = np.choose(how[row], [own / _safe(own_sum[row]), of_all / _safe(all_sum[row]), simple])
    kept = np.flatnonzero(weight > 0)
    return Spread(row[kept], Pairs(line[kept], pairs.names, pairs.origin[kept]), weight[kept], how)


def origin_among(aggregates: Mapping[str, Sequence[str]], exporter: str) -> str:
    """The origin whose law and weights a partner takes.

    An aggregate whose members share one partner (EU27 under another name) takes that partner;
    any other takes the law of its own name, which only the rows for all origins reach.
    """
    members = aggregates.get(exporter)
    if members:
        shared = {partner_of(member) for member in members}
        if len(shared) == 1:
            return shared.pop()
    return partner_of(exporter)


def _safe(total: Floats) -> Floats:
    """A divisor: 1 where the total is 0."""
    made: Floats = np.where(total > 0, total, 1.0)
    return made
