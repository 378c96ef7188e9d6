"""Share of home producers in US spending, by HS6 product, from OECD ICIO sectors.

Every product takes the share of its sector: a reading of the sector's average into each of its
products, the best that public tables allow, and wrong for goods that the US does not make.
"""

from pathlib import Path
from typing import Final

import polars as pl

ALL_GOODS: Final = "all goods"
SERVICES: Final = "Services (aggregate)"

# ISIC Rev. 3 class -> ICIO sector (ISIC Rev. 4); the longest prefix wins. Classes that are no
# goods (films, art, plans, scrap coded 9999) are left out: their products follow their heading.
SECTOR_OF_ISIC3: Final = {
    "01": "A01",
    "02": "A02",
    "05": "A03",
    "10": "B05",
    "103": "B08",  # peat: other mining in ISIC 4
    "11": "B06",
    "12": "B07",  # uranium and thorium ores
    "13": "B07",
    "14": "B08",
    "15": "C10T12",
    "16": "C10T12",
    "17": "C13T15",
    "18": "C13T15",
    "19": "C13T15",
    "20": "C16",
    "21": "C17_18",
    "22": "C17_18",
    "23": "C19",
    "2330": "C20",  # nuclear fuel: chemicals in ISIC 4
    "24": "C20",
    "2423": "C21",
    "25": "C22",
    "26": "C23",
    "271": "C24A",
    "272": "C24B",
    "28": "C25",
    "29": "C28",
    "2927": "C25",  # weapons: fabricated metal in ISIC 4
    "2930": "C27",  # household appliances: electrical equipment in ISIC 4
    "30": "C26",
    "31": "C27",
    "32": "C26",
    "33": "C26",
    "3311": "C31T33",  # medical instruments: other manufacturing in ISIC 4
    "34": "C29",
    "35": "C302T309",
    "351": "C301",
    "36": "C31T33",
    "40": SERVICES,  # electricity and gas are inside the services aggregate
}


def sector_shares(icio: Path, names: Path) -> pl.DataFrame:
    """US home share by ICIO sector: sector, home_share, name; with a row for all goods.

    Home sales over home sales plus imports, intermediate and final, at ICIO's prices.
    """
    spending = (
        pl.scan_parquet(icio)
        .filter(pl.col("importer") == "USA")
        .select("exporter", "sector", "trade_musd")  # the file's tariffs are not to be used
        .collect()
    )
    goods = spending.filter(pl.col("sector") != SERVICES).with_columns(sector=pl.lit(ALL_GOODS))
    home = pl.col("trade_musd").filter(pl.col("exporter") == "USA").sum()
    return (
        pl.concat([spending, goods])
        .group_by("sector")
        .agg(home_share=home / pl.col("trade_musd").sum())
        .join(
            pl.read_csv(names, infer_schema=False, encoding="utf8-lossy")
            .select(pl.all().name.map(lambda name: name.lstrip("\ufeff")))
            .select(sector="code", name="economic_activity"),
            on="sector",
            how="left",
        )
        .with_columns(pl.col("name").fill_null(pl.col("sector")))
        .sort("sector")
    )


def product_sectors(products: pl.Series, hs_isic3: Path) -> pl.DataFrame:
    """ICIO sector of each HS2022 product: product, sector, how.

    By the product's own ISIC 3 class (the table is in HS2022); else the sector of most codes
    of its heading, then of its chapter, then all goods.
    """
    isic = pl.col("ISIC3_4d")
    longest_first = [
        isic.str.head(digits).replace_strict(SECTOR_OF_ISIC3, default=None) for digits in (4, 3, 2)
    ]
    table = (
        pl.read_csv(hs_isic3, infer_schema=False)
        .select(product="HS6_6d", isic3=isic, sector=pl.coalesce(longest_first))
        .filter(pl.col("sector").is_not_null())
    )
    frame = (
        products.to_frame("product")
        .with_columns(hs4=pl.col("product").str.head(4), hs2=pl.col("product").str.head(2))
        .join(table, on="product", how="left")
        .join(_majority(table, 4), on="hs4", how="left")
        .join(_majority(table, 2), on="hs2", how="left")
    )
    return frame.select(
        "product",
        sector=pl.coalesce("sector", "sector_4", "sector_2", pl.lit(ALL_GOODS)),
        how=pl.when(pl.col("sector").is_not_null())
        .then(pl.format("ISIC 3 class {} of the code", "isic3"))
        .when(pl.col("sector_4").is_not_null())
        .then(pl.format("most codes of heading {}", "hs4"))
        .when(pl.col("sector_2").is_not_null())
        .then(pl.format("most codes of chapter {}", "hs2"))
        .otherwise(pl.lit("no class of goods")),
    ).sort("product")


def home_share(products: pl.Series, shared: Path) -> pl.DataFrame:
    """Home share of each product: product, home_share, source."""
    data = shared / "data"
    shares = sector_shares(
        data / "oecd_icio_2022_trade_tariffs_81x28/ICIO2022_trade_tariff.parquet",
        data / "oecd_icio_2022_intermediate_trade/OECD_ICIO_2025_sector_code_mapping.csv",
    ).with_columns(pl.col("home_share").round(6))
    return (
        product_sectors(products, data / "hs_nomenclature/hs6_isic3.csv.gz")
        .join(shares, on="sector", how="left", validate="m:1")
        .select(
            "product",
            "home_share",
            source=pl.format("OECD ICIO 2022, sector {} ({}); {}", "sector", "name", "how"),
        )
        .sort("product")
    )


def _majority(table: pl.DataFrame, digits: int) -> pl.DataFrame:
    """The sector that most products of each heading or chapter have; ties by sector name."""
    return (
        table.group_by(pl.col("product").str.head(digits).alias(f"hs{digits}"), "sector")
        .len()
        .sort(["len", "sector"], descending=[True, False])
        .group_by(f"hs{digits}", maintain_order=True)
        .agg(pl.col("sector").first().alias(f"sector_{digits}"))
    )
