"""Builds the tables of HS codes: texts of every edition, and pairs between editions.

Called by ``tradewedge.data.build.codes``.
"""

import sys
from pathlib import Path

import polars as pl

from tradewedge.data.build.csvtext import read_text

BY_HAND = Path(__file__).resolve().parents[1] / "codes" / "by_hand"
EDITION_NAMES = ("HS1992", "HS1996", "HS2002", "HS2007", "HS2012", "HS2017", "HS2022")


def build_concordance(folder: Path, texts: pl.DataFrame) -> pl.DataFrame:
    """Every pair of a later and an earlier code that share goods.

    The UN table gives one earlier code to each later one, for every pair of editions. We add
    what the chain over the editions between gives, and the merges that it leaves out
    (``by_hand``), which travel along the chain too.
    """
    raw = read_text(folder / "hs6_concordance_all_vintages.csv.gz").drop_nulls()
    direct = raw.select(
        ("HS" + pl.col("vintage_from")).alias("later"),
        ("HS" + pl.col("vintage_to")).alias("earlier"),
        pl.col("code_from").alias("later_code"),
        pl.col("code_to").alias("earlier_code"),
    )
    hand = read_text(BY_HAND / "concordance.csv")
    keys = direct.columns
    dropped = hand.filter(pl.col("action") == "drop").select(keys)
    added = hand.filter(pl.col("action") == "add").select(keys)
    unused = dropped.join(direct, on=keys, how="anti")
    assert unused.is_empty(), f"nothing to drop: {unused.rows()}"
    steps = pl.concat([direct.join(dropped, on=keys, how="anti"), added]).unique()
    chained = [_chain(steps, later, earlier) for later, earlier in _pairs()]
    # A dropped pair must not come back by the direct way to an edition further back.
    spoilt = dropped.select("later", "later_code").unique()
    plain = direct.join(spoilt, on=["later", "later_code"], how="anti")
    pairs = pl.concat([plain, *chained]).unique().sort(keys)
    _check_known(pairs, texts)
    return pairs.with_columns(pl.col("later", "earlier").cast(pl.Categorical))


def _pairs() -> list[tuple[str, str]]:
    return [
        (later, earlier) for i, later in enumerate(EDITION_NAMES) for earlier in EDITION_NAMES[:i]
    ]


def _chain(steps: pl.DataFrame, later: str, earlier: str) -> pl.DataFrame:
    """Follow the steps between neighbouring editions from ``later`` down to ``earlier``."""
    first, last = EDITION_NAMES.index(earlier), EDITION_NAMES.index(later)
    path = None
    for new, old in zip(
        reversed(EDITION_NAMES[first + 1 : last + 1]),
        reversed(EDITION_NAMES[first:last]),
        strict=True,
    ):
        step = steps.filter((pl.col("later") == new) & (pl.col("earlier") == old))
        step = step.select("later_code", "earlier_code")
        if path is None:
            path = step
        else:
            path = path.join(
                step, left_on="earlier_code", right_on="later_code", suffix="_next"
            ).select("later_code", pl.col("earlier_code_next").alias("earlier_code"))
    assert path is not None
    return path.unique().select(
        pl.lit(later).alias("later"), pl.lit(earlier).alias("earlier"), "later_code", "earlier_code"
    )


def _check_known(pairs: pl.DataFrame, texts: pl.DataFrame) -> None:
    """Stop if a pair names a code that its edition lacks."""
    for side in ("later", "earlier"):
        for edition in EDITION_NAMES:
            known = texts.filter(edition)["product"].to_list()
            strange = pairs.filter((pl.col(side) == edition) & ~pl.col(f"{side}_code").is_in(known))
            if not strange.is_empty():
                sys.exit(f"codes that are not in {edition}: {strange.rows()[:10]}")


def build_texts(folder: Path) -> pl.DataFrame:
    """One row per code and text, with a column per edition that has it so; six digits only."""
    raw = read_text(folder / "hs6_descriptions_all_vintages.csv.gz")
    raw = raw.filter(pl.col("code").str.contains(r"^\d{6}$")).with_columns(
        pl.col("desc").str.replace_all(r"\s+", " ").alias("text")
    )
    return (
        raw.group_by(pl.col("code").alias("product"), "text")
        .agg((pl.col("vintage") == name[2:]).any().alias(name) for name in EDITION_NAMES)
        .sort("product", "text")
    )


def build_headings(folder: Path, pairs: pl.DataFrame) -> pl.DataFrame:
    """Chapters and headings in the words of HS2022.

    An older edition has them where some code below passes into the same heading there: heading
    numbers are used again (8485 was parts of machines, and is additive manufacturing now).
    """
    raw = read_text(folder / "harmonized_system_hs2022.csv.gz")
    raw = raw.filter(pl.col("level").is_in(["2", "4"])).select(
        pl.col("hscode").alias("product"), pl.col("description").alias("text")
    )
    columns = []
    for name in EDITION_NAMES[:-1]:
        old = pairs.filter((pl.col("later") == "HS2022") & (pl.col("earlier") == name))
        kept = {
            code[:digits]
            for code, earlier in old.select("later_code", "earlier_code").iter_rows()
            for digits in (2, 4)
            if code[:digits] == earlier[:digits]
        }
        columns.append(pl.col("product").is_in(sorted(kept)).alias(name))
    return raw.with_columns(*columns, pl.lit(True).alias("HS2022"))
