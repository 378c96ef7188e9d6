"""The committed tables are what the build scripts make of the original files."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tradewedge.codes.tables import shipped_csv, shipped_parquet
from tradewedge.data.build import codes, codes_products, lists


def test_countries(shared_dir: Path) -> None:
    table, every_code = codes.build_countries(shared_dir)
    assert_frame_equal(table, shipped_csv("codes", "countries.csv"))
    assert_frame_equal(every_code, shipped_csv("codes", "country_codes.csv"))


def test_groups(shared_dir: Path) -> None:
    assert_frame_equal(codes.build_groups(shared_dir), shipped_csv("codes", "groups.csv"))


def test_products(shared_dir: Path) -> None:
    folder = shared_dir / "data/hs_nomenclature"
    texts = codes_products.build_texts(folder)
    pairs = codes_products.build_concordance(folder, texts)
    stored = shipped_parquet("codes", "concordance.parquet")
    plain = pl.col("later", "earlier").cast(pl.String)
    assert_frame_equal(pairs.with_columns(plain), stored.with_columns(plain))
    headings = codes_products.build_headings(folder, pairs)
    products = pl.concat([headings, texts]).sort("product", "text")
    assert_frame_equal(products, shipped_parquet("codes", "products.parquet"))


@pytest.mark.parametrize("family", lists.FAMILIES)
def test_lists(shared_dir: Path, family: object) -> None:
    assert callable(family)
    lines, about = family(shared_dir)
    names = [row["list"] for row in about]
    ours = pl.col("list").is_in(names)
    keys = ["list", "product"]
    assert_frame_equal(
        lines.select(lists.LINES).sort(keys),
        shipped_csv("lists", "members.csv").filter(ours).sort(keys),
    )
    assert sorted(names) == shipped_csv("lists", "lists.csv").filter(ours)["list"].to_list()
