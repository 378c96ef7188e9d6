"""What share of a product's trade falls on listed tariff lines."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from tradewedge.policy.law.tables import law


def line_shares(listed: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Weigh the listed lines of six-digit codes by US imports of 2024.

    Parameters
    ----------
    listed : mapping of str to sequence of str
        Product of HS2022 -> the listed codes below it, of eight or ten digits.

    Returns
    -------
    polars.DataFrame
        product, partner, share: one row for each partner that the United States bought the
        product from, and one with partner null, of all imports together; there, where nothing was
        imported at all, a simple share of the lines.
    """
    rules = law()
    frames = []
    for product, codes in listed.items():
        first, last = rules.below(product)
        hit = np.zeros(last - first, dtype=bool)
        for code in codes:
            start, end = rules.below(code)
            hit[start - first : end - first] = True
        line = np.arange(first, last)
        frames.append(
            pl.DataFrame({"line": line, "hit": hit}).with_columns(product=pl.lit(product))
        )
    if not frames:
        return pl.DataFrame(
            schema={"product": pl.String, "partner": pl.String, "share": pl.Float64}
        )
    lines = pl.concat(frames)
    traded = lines.join(rules.weights, on="line")
    value, part = pl.col("value").sum(), pl.col("value").filter(pl.col("hit")).sum()
    bought = value > 0
    by_partner = traded.group_by("product", "partner").agg(share=part / value, bought=bought)
    by_product = traded.group_by("product").agg(share=part / value, bought=bought)
    simple = lines.group_by("product").agg(simple=pl.col("hit").mean())
    together = simple.join(by_product, on="product", how="left").select(
        "product",
        partner=pl.lit(None, dtype=pl.String),
        share=pl.when("bought").then("share").otherwise("simple"),
    )
    return pl.concat(
        [by_partner.filter("bought").select("product", "partner", "share"), together]
    ).sort("product", "partner", nulls_last=True)
