"""HTS lines, their rates as printed, and the weights that bring them to HS1992 products."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from tradewedge.errors import DataError

ALL_PARTNERS: Final = "*"

_KG_PER_TON: Final = 1000.0
_CENT: Final = 0.01
_AD_VALOREM = re.compile(r"^([\d.]+)%$")
_SPECIFIC = re.compile(r"^(\$?)([\d.]+)(¢?)/(kg|t)(?: on (\w+) content)?$")

#: Partners of the 2024 import file (Census codes); the EU is one. Slovakia stands there twice.
_EU: Final = "EU27"
_CENSUS: Final = {
    "0003": _EU, "1220": "CAN", "2010": "MEX", "2050": "GTM", "2110": "SLV", "2150": "HND",
    "2190": "NIC", "2230": "CRI", "2470": "DOM", "2740": "TTO", "3010": "COL", "3070": "VEN",
    "3310": "ECU", "3330": "PER", "3370": "CHL", "3510": "BRA", "3570": "ARG", "4039": "NOR",
    "4120": "GBR", "4419": "CHE", "4621": "RUS", "4890": "TUR", "5050": "IRQ", "5081": "ISR",
    "5130": "KWT", "5170": "SAU", "5200": "ARE", "5330": "IND", "5350": "PAK", "5380": "BGD",
    "5420": "LKA", "5490": "THA", "5520": "VNM", "5550": "KHM", "5570": "MYS", "5590": "SGP",
    "5600": "IDN", "5650": "PHL", "5700": "CHN", "5800": "KOR", "5820": "HKG", "5830": "TWN",
    "5880": "JPN", "6021": "AUS", "6141": "NZL", "7210": "DZA", "7290": "EGY", "7530": "NGA",
    "7620": "AGO", "7910": "ZAF",
}  # fmt: skip
_EU_MEMBERS: Final = frozenset(
    [
        "AUT",
        "BEL",
        "BGR",
        "CYP",
        "CZE",
        "DEU",
        "DNK",
        "ESP",
        "EST",
        "FIN",
        "FRA",
        "GRC",
        "HRV",
        "HUN",
        "IRL",
        "ITA",
        "LTU",
        "LUX",
        "LVA",
        "MLT",
        "NLD",
        "POL",
        "PRT",
        "ROU",
        "SVK",
        "SVN",
        "SWE",
    ]
)


@dataclass(frozen=True)
class Rate:
    """A rate of duty as read: an ad valorem part and charges per ton of goods."""

    ad_valorem: float
    usd_per_ton: float

    def equivalent(self, usd_per_ton_price: float | None) -> float:
        """Return the ad valorem equivalent at a price, in USD per ton."""
        if self.usd_per_ton == 0:
            return self.ad_valorem
        if usd_per_ton_price is None:
            raise DataError("a specific duty has no unit value to be set against")
        return self.ad_valorem + self.usd_per_ton / usd_per_ton_price


@dataclass(frozen=True)
class Line:
    """One eight-digit line of the HTS."""

    hs8: str
    product: str
    general: Rate
    column_2: Rate
    symbols: frozenset[str]
    s301: float


def parse_rate(text: str, contents: Mapping[str, float]) -> Rate:
    """Read a rate such as ``3.7%`` or ``8.8¢/kg on copper content + 3.3¢/kg on lead content``.

    Parameters
    ----------
    text : str
        As the HTS prints it.
    contents : mapping
        Metal -> its share of the gross weight.

    Raises
    ------
    DataError
        A part of the text cannot be read, or the content of its metal is not given.
    """
    ad_valorem = usd_per_ton = 0.0
    for part in (part.strip() for part in text.split("+")):
        if part == "Free":
            continue
        if found := _AD_VALOREM.match(part):
            ad_valorem += float(found[1]) / 100
            continue
        found = _SPECIFIC.match(part)
        if found is None or bool(found[1]) == bool(found[3]):
            raise DataError(f"rate of duty {text!r}: cannot read {part!r}")
        metal = found[5]
        if metal is not None and metal not in contents:
            raise DataError(f"rate of duty {text!r}: no {metal} content in tariff_rules.yaml")
        amount = float(found[2]) * (_CENT if found[3] else 1.0)
        per_ton = amount * (_KG_PER_TON if found[4] == "kg" else 1.0)
        usd_per_ton += per_ton * (contents[metal] if metal is not None else 1.0)
    return Rate(ad_valorem, usd_per_ton)


def symbols(text: str) -> frozenset[str]:
    """Return the programmes of a special-column text, all of which must be free of duty."""
    if not text:
        return frozenset()
    found = re.fullmatch(r"Free\s*\(([^)]*)\)", text.strip())
    if found is None:
        raise DataError(f"special rate {text!r}: expected 'Free (...)'")
    return frozenset(symbol.strip() for symbol in found[1].split(","))


def partner_of(country: str) -> str:
    """Return the partner of the 2024 import file that a country belongs to."""
    return _EU if country in _EU_MEMBERS else country


def line_table(shared: Path, products: list[str], law: Mapping[str, Any]) -> pl.DataFrame:
    """HTS lines of the products, with texts, parsed rates and Section 301 lists."""
    concordance = (
        pl.read_csv(
            shared / "data/hs_nomenclature/hs6_concordance_all_vintages.csv.gz",
            infer_schema=False,
        )
        .filter((pl.col("vintage_from") == "2022") & (pl.col("vintage_to") == "1992"))
        .select(hs6="code_from", product="code_to")
        .filter(pl.col("product").is_in(products))
    )
    hts = (
        pl.read_csv(shared / "data/us_tariffs/hts_2025_basic_edition.csv.gz", infer_schema=False)
        .select(
            hs8=pl.col("HTS Number").str.replace_all(".", "", literal=True).str.slice(0, 8),
            text="Description",
            general_text="General Rate of Duty",
            special_text="Special Rate of Duty",
            column_2_text="Column 2 Rate of Duty",
        )
        .filter(pl.col("general_text").fill_null("") != "")
        .with_columns(pl.col("special_text").fill_null(""), hs6=pl.col("hs8").str.slice(0, 6))
        .join(concordance, on="hs6")
        .drop("hs6")
        .filter(~pl.col("hs8").is_in(list(law["lines_outside"])))
    )
    missing = set(products) - set(hts["product"])
    if missing:
        raise DataError(f"no HTS line for {', '.join(sorted(missing))}")
    lists = (
        pl.read_csv(shared / "data/us_tariffs/s301_product_lists.csv.gz", infer_schema=False)
        .group_by(hs8="hts8")
        .agg(s301_list=pl.col("list").unique().sort().str.join(";"))
    )
    rates = law["section_301"]["rates"]
    table = hts.join(lists, on="hs8", how="left").sort("product", "hs8")
    parsed = []
    for row in table.iter_rows(named=True):
        contents = law["contents"].get(row["product"], {})
        general = parse_rate(row["general_text"], contents)
        second = parse_rate(row["column_2_text"], contents)
        listed = (row["s301_list"] or "").split(";")
        parsed.append(
            (
                general.ad_valorem,
                general.usd_per_ton,
                second.ad_valorem,
                second.usd_per_ton,
                max((float(rates[name]) for name in listed if name in rates), default=0.0),
            )
        )
    return table.hstack(
        pl.DataFrame(
            parsed,
            schema={
                "general": pl.Float64,
                "general_usd_per_ton": pl.Float64,
                "column_2": pl.Float64,
                "column_2_usd_per_ton": pl.Float64,
                "s301_2022_2023": pl.Float64,
            },
            orient="row",
        )
    ).select(
        "product", "hs8", "text", "general_text", "special_text", "column_2_text", "general",
        "general_usd_per_ton", "column_2", "column_2_usd_per_ton", "s301_list", "s301_2022_2023",
    )  # fmt: skip


def read_lines(table: pl.DataFrame) -> dict[str, Line]:
    return {
        row["hs8"]: Line(
            hs8=row["hs8"],
            product=row["product"],
            general=Rate(row["general"], row["general_usd_per_ton"]),
            column_2=Rate(row["column_2"], row["column_2_usd_per_ton"]),
            symbols=symbols(row["special_text"]),
            s301=row["s301_2022_2023"],
        )
        for row in table.iter_rows(named=True)
    }


def imports_2024(shared: Path) -> pl.DataFrame:
    path = (
        shared / "data/us_imports_2024_hs10/us_imports_for_consumption_2024_by_country_hs10.parquet"
    )
    return (
        pl.read_parquet(path)
        .filter(pl.col("cty_code").is_in(list(_CENSUS)))
        .group_by(
            partner=pl.col("cty_code").replace_strict(_CENSUS),
            hs8=pl.col("hs10").str.slice(0, 8),
        )
        .agg(
            value_usd=pl.col("customs_value_usd").sum(),
            duty_usd=pl.col("calculated_duty_usd").sum(),
        )
    )


def line_weights(shared: Path, table: pl.DataFrame) -> pl.DataFrame:
    """Shares of the lines in each product's imports: the partner's own, and of all partners."""
    lines = table.select("product", "hs8")
    imports = imports_2024(shared).join(lines, on="hs8")
    own = imports.select("product", "partner", "hs8", "value_usd").with_columns(
        source=pl.lit("the partner's 2024 imports")
    )
    everyone = (
        lines.join(imports.group_by("hs8").agg(pl.col("value_usd").sum()), on="hs8", how="left")
        .with_columns(pl.col("value_usd").fill_null(0.0), partner=pl.lit(ALL_PARTNERS))
        .with_columns(
            source=pl.when(pl.len().over("product") == 1)
            .then(pl.lit("the only line"))
            .when(pl.col("value_usd").sum().over("product") > 0)
            .then(pl.lit("all partners' 2024 imports"))
            .otherwise(pl.lit("simple mean of the lines"))
        )
        .select(own.columns)
    )
    several = lines.filter(pl.len().over("product") > 1).select("product").unique()
    own = own.filter(pl.col("value_usd") > 0).join(several, on="product", how="semi")
    group = ["product", "partner"]
    return (
        pl.concat([everyone, own])
        .with_columns(
            weight=pl.when(pl.col("value_usd").sum().over(group) > 0)
            .then(pl.col("value_usd") / pl.col("value_usd").sum().over(group))
            .otherwise(1 / pl.len().over(group))
        )
        .select(*group, "hs8", "weight", "value_usd", "source")
        .sort(*group, "hs8")
    )
