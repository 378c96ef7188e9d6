"""Named lists: the counts that the requirements state, and their way to other editions."""

from pathlib import Path

import polars as pl
import pytest

from tradewedge import codes
from tradewedge.errors import ConfigError


def test_processed_minerals() -> None:
    listed = codes.named_list("pcmdp:processed")
    assert listed.vintage == "HS2022"
    assert len(listed.products) == 84
    assert listed.set_aside == ()
    assert {"284690", "280530", "283691", "810520", "740311"} <= set(listed.products)
    assert not {"850511", "850760", "760110", "253090"} & set(listed.products)
    assert listed.status == "as if"


def test_derivatives() -> None:
    listed = codes.named_list("pcmdp:derivative")
    assert len(listed.products) + len(listed.set_aside) == 113
    why = codes.list_table().filter(pl.col("list") == listed.name).drop_nulls("why_not")
    processed = why.filter(pl.col("why_not").str.contains("processed wins"))["product"]
    assert set(processed) == {"284190", "285390", "760110", "760120", "810820"}
    earlier = why.filter(pl.col("why_not").str.contains("HS2017"))["product"]
    assert set(earlier) == {"810390", "854140", "854150", "880330"}
    assert not set(listed.products) & set(codes.named_list("pcmdp:processed").products)


def test_counts_against_the_original(shared_dir: Path) -> None:
    imports = pl.scan_parquet(
        shared_dir
        / "data/us_imports_2024_hs10"
        / "us_imports_for_consumption_2024_by_country_hs10.parquet"
    )
    value = (
        imports.filter(pl.col("cty_code") != "4359")
        .group_by(pl.col("hs10").str.slice(0, 6).alias("product"))
        .agg(pl.col("customs_value_usd").sum() / 1e9)
        .collect()
    )

    def billion(products: tuple[str, ...]) -> float:
        return float(value.filter(pl.col("product").is_in(products))["customs_value_usd"].sum())

    assert billion(codes.named_list("pcmdp:processed").products) == pytest.approx(33.6, abs=0.05)
    derivative = codes.named_list("pcmdp:derivative")
    everything = derivative.products + derivative.set_aside
    assert billion(everything) == pytest.approx(478.5, abs=0.05)


@pytest.mark.parametrize("name", codes.list_names())
def test_every_list_is_in_its_edition(name: str) -> None:
    listed = codes.named_list(name)
    assert listed.products
    assert listed.title
    assert listed.source
    assert list(listed.products) == sorted(set(listed.products))
    assert set(listed.products) <= set(codes.products(listed.vintage)["product"])


def test_processed_minerals_in_the_editions_of_the_worlds() -> None:
    listed = codes.named_list("pcmdp:processed")
    for target in codes.VINTAGES:
        result = codes.translate(listed.products, listed.vintage, target)
        assert result.missing == ()
    old = codes.translate(listed.products, "HS2022", "HS1992")
    assert {"284690", "810510", "810600", "811230"} <= set(old.products)
    assert {"810520", "810610", "811292"} <= set(old.ambiguous)
    assert {"810600", "811000"} & set(old.widened) == {"811000"}


def test_chains() -> None:
    listed = codes.named_list("chain:rare_earths")
    assert {"253090", "284690", "280530", "850511", "870380"} <= set(listed.products)
    assert sum(name.startswith("chain:") for name in codes.list_names()) == 26


def test_names() -> None:
    assert codes.named_list("PCMDP:Processed") is not None
    with pytest.raises(ConfigError, match="did you mean pcmdp:processed"):
        codes.named_list("pcmdp:procesed")
