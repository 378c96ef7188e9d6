"""From one HS edition to another."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import polars as pl

from tradewedge.codes.products import VINTAGES, check_vintage, products
from tradewedge.codes.tables import shipped_parquet
from tradewedge.errors import ConfigError


@dataclass(frozen=True)
class Translation:
    """A list of products carried from one HS edition to another.

    Attributes
    ----------
    source_vintage, target_vintage : str
    products : tuple of str
        Sorted six-digit codes of the target edition.
    ambiguous : tuple of str
        Source codes that have no one-to-one counterpart.
    missing : tuple of str
        Source codes without any counterpart, and prefixes that the source edition lacks.
    widened : tuple of str
        Those of ``products`` that also hold goods outside the source list: a measure on them
        reaches further than the list did.
    pairs : tuple of (str, str)
        Every source code with every counterpart.
    """

    source_vintage: str
    target_vintage: str
    products: tuple[str, ...]
    ambiguous: tuple[str, ...]
    missing: tuple[str, ...]
    widened: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


@cache
def concordance(source_vintage: str, target_vintage: str) -> pl.DataFrame:
    """Every pair of codes that share goods, from one HS edition to another.

    The stored table relates each later edition to each earlier one, both directly and step by
    step over the editions between; the other direction is its inverse.

    Parameters
    ----------
    source_vintage, target_vintage : str
        Such as "HS2022" and "HS1992".

    Returns
    -------
    polars.DataFrame
        source, target, relation ("1:1", "1:n", "n:1", "n:m": how many sources the pair's target
        has, and how many targets its source), sorted by source and target. A code that the
        other edition dropped without a known successor has no row.

    Raises
    ------
    ConfigError
        For an unknown edition.
    """
    source, target = check_vintage(source_vintage), check_vintage(target_vintage)
    if source == target:
        code = products(source)["product"]
        pairs = pl.DataFrame({"source": code, "target": code})
    else:
        forward = VINTAGES.index(source) > VINTAGES.index(target)
        later, earlier = (source, target) if forward else (target, source)
        pairs = _stored().filter((pl.col("later") == later) & (pl.col("earlier") == earlier))
        names = ("source", "target") if forward else ("target", "source")
        pairs = pairs.select(
            pl.col("later_code").alias(names[0]), pl.col("earlier_code").alias(names[1])
        )
    return (
        pairs.with_columns(_relation())
        .select("source", "target", "relation")
        .sort("source", "target")
    )


def _relation() -> pl.Expr:
    sources = pl.len().over("target") > 1
    targets = pl.len().over("source") > 1
    return (
        pl.when(sources & targets)
        .then(pl.lit("n:m"))
        .when(sources)
        .then(pl.lit("n:1"))
        .when(targets)
        .then(pl.lit("1:n"))
        .otherwise(pl.lit("1:1"))
        .alias("relation")
    )


@cache
def _stored() -> pl.DataFrame:
    """later, earlier (editions), later_code, earlier_code."""
    return shipped_parquet("codes", "concordance.parquet").with_columns(
        pl.col("later", "earlier").cast(pl.String)
    )


def translate(codes: Iterable[str], source_vintage: str, target_vintage: str) -> Translation:
    """Carry a list of products from one HS edition to another.

    Parameters
    ----------
    codes : iterable of str
        Codes or prefixes of the source edition. A prefix stands for all codes below it; of a
        code longer than six digits the first six are carried, and the result counts as widened.
    source_vintage, target_vintage : str

    Returns
    -------
    Translation

    Raises
    ------
    ConfigError
        For an unknown edition, or something that is not a string of digits.
    """
    source, target = check_vintage(source_vintage), check_vintage(target_vintage)
    wanted, whole, missing = _expand(codes, source)
    table = concordance(source, target)
    ours = table.filter(pl.col("source").is_in(sorted(wanted)))
    missing |= wanted - set(ours["source"])
    holders = table.filter(pl.col("target").is_in(ours["target"].unique().sort().to_list()))
    widened = holders.filter(~pl.col("source").is_in(sorted(whole)))["target"]
    return Translation(
        source_vintage=source,
        target_vintage=target,
        products=tuple(ours["target"].unique().sort()),
        ambiguous=tuple(ours.filter(pl.col("relation") != "1:1")["source"].unique().sort()),
        missing=tuple(sorted(missing)),
        widened=tuple(widened.unique().sort()),
        pairs=tuple(ours.select("source", "target").iter_rows()),
    )


def _expand(codes: Iterable[str], vintage: str) -> tuple[set[str], set[str], set[str]]:
    """Six-digit codes meant, those of them meant as a whole, and prefixes unknown."""
    known = products(vintage)["product"].to_list()
    exact = set(known)
    wanted: set[str] = set()
    whole: set[str] = set()
    unknown: set[str] = set()
    for code in codes:
        if not (isinstance(code, str) and code.isascii() and code.isdigit()):
            raise ConfigError(f"cannot translate {code!r}: an HS code is a string of digits")
        below = {code[:6]} & exact if len(code) >= 6 else {k for k in known if k.startswith(code)}
        wanted |= below
        if len(code) <= 6:
            whole |= below
        if not below:
            unknown.add(code)
    return wanted, whole, unknown
