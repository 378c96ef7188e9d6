"""Production of minerals by country and year: what its sources have in common.

Columns: mineral, detail (stage or form), country, year, tons (metric), estimated.
"""

from typing import Final

import polars as pl

from tradewedge import codes

COLUMNS: Final = ("mineral", "detail", "country", "year", "tons", "estimated")
KEYS: Final = ("mineral", "detail", "country", "year")
#: Metric tons per unit, as the sources spell units.
TONS: Final = {
    "metric tons": 1.0,
    "metric dry tons": 1.0,
    "thousand metric tons": 1e3,
    "thousand metric dry tons": 1e3,
    "million metric tons": 1e6,
    "kilograms": 1e-3,
    "thousand kilograms": 1.0,
    "metr. t": 1.0,
    "kg": 1e-3,
    "t": 1.0,
}
#: Names of countries other than those of our table.
NAMES: Final = {
    "Burma": "MMR",
    "Congo (Kinshasa)": "COD",
    "Congo (Brazzaville)": "COG",
    "Congo, D.R.": "COD",
    "Congo, Rep.": "COG",
    "Côte d’Ivoire": "CIV",
    "Cote d'Ivoire": "CIV",
    "Czechia": "CZE",
    "Korea, North": "PRK",
    "Korea, Republic of": "KOR",
    "Korea, South": "KOR",
    "Macedonia": "MKD",
    "Russia": "RUS",
    "Taiwan": "TWN",
    "Turkey": "TUR",
    "Türkiye": "TUR",
    "United States": "USA",
    "Vietnam": "VNM",
}


def country(name: pl.Expr) -> pl.Expr:
    """ISO3 code of a country's name; null for totals, rests and names unknown."""
    known = dict(codes.countries().select("name", "iso3").iter_rows()) | NAMES
    plain = name.str.replace_all("\u00a0", " ").str.strip_chars()
    # "Peru (exports)" is Peru, but "Congo (Kinshasa)" a name.
    bare = plain.str.replace(r"\s*\(.*\)\s*\d*$", "")
    text = pl.when(plain.is_in(list(known))).then(plain).otherwise(bare)
    return text.replace_strict(
        list(known), list(known.values()), default=None, return_dtype=pl.String
    )


def is_no_country(name: pl.Expr) -> pl.Expr:
    """Whether a name says that the row is a total, a union or a rest."""
    return name.str.contains(r"(?i)^\s*(world|other|total|european union)")
