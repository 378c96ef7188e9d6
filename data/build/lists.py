"""Builds the named product lists of ``data/lists``.

    python -m tradewedge.data.build.lists SHARED_DIR

A new family of lists is one more function that returns lines (list, product, stage, why_not,
coverage) and rows of the index (list, title, vintage, status, source, note), added to
``FAMILIES``; where its codes are finer than six digits, their lines go to ``parts``. ``data/law``
is built first.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl

from tradewedge.data.build.csvtext import read_text
from tradewedge.data.build.lists_controls import measures
from tradewedge.data.build.lists_law import (
    COLUMNS,
    codes_of,
    coverage,
    partly,
    parts,
    statistical_lines,
    us_law,
)

DATA = Path(__file__).resolve().parents[1]
OUT = DATA / "lists"
LINES = COLUMNS
INDEX = ("list", "title", "vintage", "status", "source", "note")
CHAINS = {
    "Rare earths (REE) → NdFeB/SmCo magnets": "rare_earths",
    "Lithium → battery": "lithium",
    "Cobalt": "cobalt",
    "Nickel": "nickel",
    "Graphite (natural & synthetic) → anode": "graphite",
    "Gallium → GaAs/GaN wafers & chips": "gallium",
    "Germanium → IR optics, fibre, solar": "germanium",
    "Antimony → flame retardant, lead alloy, ammunition": "antimony",
    "Tungsten → carbide tools, penetrators": "tungsten",
    "Titanium": "titanium",
    "Vanadium": "vanadium",
    "Niobium & tantalum": "niobium_tantalum",
    "Manganese": "manganese",
    "Chromium": "chromium",
    "Platinum-group metals": "platinum_group",
    "Copper (232 in force)": "copper",
    "Aluminium (232 in force)": "aluminium",
    "Zinc (+In, Ge by-products)": "zinc",
    "Tin": "tin",
    "Magnesium": "magnesium",
    "Tellurium, bismuth, indium, selenium": "tellurium_bismuth_indium_selenium",
    "Fluorspar": "fluorspar",
    "Silicon / polysilicon → solar & chips": "silicon",
    "Uranium": "uranium",
    "Molybdenum & rhenium": "molybdenum_rhenium",
    "Beryllium, zirconium, hafnium": "beryllium_zirconium_hafnium",
}
EARLIER_EDITION = "HS2017 code, which HS2022 has split or moved"

#: Steps of processing that have a list.
STEPS = {
    "ore": pl.col("step") == "ore or concentrate",
    "compound": pl.col("step").is_in(["oxide", "compound", "intermediate"]),
    "metal": pl.col("step").is_in(["metal", "alloy", "scrap"]),
    "magnet": pl.col("step") == "magnet",
    "derivative": pl.col("derivative") == "yes",
}

# Lists written at six digits: no share of a code is left out.
_WHOLE = pl.lit(None, dtype=pl.String).alias("coverage")

Family = tuple[pl.DataFrame, list[dict[str, str]]]


def _chain_policy(shared: Path) -> pl.DataFrame:
    """Chain, stage, hs6 and whether HS2022 lacks the code."""
    raw = read_text(shared / "critical_minerals/hs6_chain_policy.csv")
    return raw.select("chain", "stage", "hs6", (pl.col("vintage") == "HS2017 only").alias("old"))


def _stages(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per product, with its stages in one text."""
    return (
        rows.group_by("hs6", "old").agg(pl.col("stage").unique().sort().str.join(" ")).sort("hs6")
    )


def pcmdp(shared: Path) -> Family:
    """Processed critical minerals and their derivative products."""
    rows = _chain_policy(shared)
    exempt = read_text(shared / "critical_minerals/hts_annex2_s122_exempt.csv")
    on_lists = exempt["hts"].str.slice(0, 6).unique().to_list()
    early = rows.filter(pl.col("stage").is_in(["S1", "S2"]))
    late = rows.filter(pl.col("stage").is_in(["S3", "S4", "S5"]))
    both = pl.col("hs6").is_in(early["hs6"].to_list())
    processed = _stages(early.filter(pl.col("hs6").is_in(on_lists))).select(
        pl.lit("pcmdp:processed").alias("list"),
        pl.col("hs6").alias("product"),
        "stage",
        pl.lit(None, dtype=pl.String).alias("why_not"),
    )
    exempted = coverage(_exempted(processed["product"].to_list()), statistical_lines())
    processed = processed.join(exempted, on="product", how="left").select(LINES)
    derivative = _stages(late).select(
        pl.lit("pcmdp:derivative").alias("list"),
        pl.col("hs6").alias("product"),
        "stage",
        pl.when(both)
        .then(pl.lit("a processed mineral in another chain, and processed wins"))
        .when("old")
        .then(pl.lit(EARLIER_EDITION))
        .alias("why_not"),
        _WHOLE,
    )
    about = [
        {
            "list": "pcmdp:processed",
            "title": "Processed critical minerals, as if defined by the exemption lists",
            "vintage": "HS2022",
            "status": "as if",
            "source": "hs6_chain_policy.csv; hts_annex2_s122_exempt.csv (HTS 2026 rev. 6)",
            "note": "No annex of products exists. Stages S1 and S2 of the mineral chains, where "
            "at least one tariff line was exempted from the IEEPA or Section 122 duties because "
            "a Section 232 case on minerals was pending. Of each code the exempted lines are "
            "meant: coverage is their share of its US imports of 2024",
        },
        {
            "list": "pcmdp:derivative",
            "title": "Derivative products of processed critical minerals, an analyst's choice",
            "vintage": "HS2022",
            "status": "analyst's choice",
            "source": "hs6_chain_policy.csv",
            "note": "Stages S3 to S5 of the mineral chains: 113 codes in two HS editions, of "
            "which five are processed minerals too and four exist in HS2017 only",
        },
    ]
    return pl.concat([processed, derivative]), about


def _exempted(products: list[str]) -> list[str]:
    """Lines of the products that were exempted from the IEEPA or Section 122 duties."""
    wanted = set(products)
    return [code for code in codes_of(("annex_ii_november", "s122_exempt")) if code[:6] in wanted]


def chains(shared: Path) -> Family:
    """One list per mineral chain, all stages."""
    rows = _chain_policy(shared)
    lines, about = [], []
    for title in rows["chain"].unique(maintain_order=True):
        name = f"chain:{CHAINS[title]}"
        lines.append(
            _stages(rows.filter(pl.col("chain") == title)).select(
                pl.lit(name).alias("list"),
                pl.col("hs6").alias("product"),
                "stage",
                pl.when("old").then(pl.lit(EARLIER_EDITION)).alias("why_not"),
                _WHOLE,
            )
        )
        about.append(
            {
                "list": name,
                "title": f"Chain: {title}, stages S0 to S5",
                "vintage": "HS2022",
                "status": "analyst's choice",
                "source": "hs6_chain_policy.csv",
                "note": "Many codes hold other goods beside the chain's",
            }
        )
    return pl.concat(lines), about


def us_critical(_shared: Path) -> Family:
    """Codes of the embedded minerals world by edition of the US list of critical minerals."""
    rows = read_text(DATA / "minerals/products.csv")
    lines, about = [], []
    for column in sorted(c for c in rows.columns if c.startswith("critical_")):
        year = column.removeprefix("critical_")
        name = f"us_critical_{year}"
        lines.append(
            rows.filter(pl.col(column) == "1").select(
                pl.lit(name).alias("list"),
                "product",
                pl.lit(None, dtype=pl.String).alias("stage"),
                pl.lit(None, dtype=pl.String).alias("why_not"),
                _WHOLE,
            )
        )
        about.append(
            {
                "list": name,
                "title": f"Minerals of the world minerals on the US list of {year}",
                "vintage": "HS1992",
                "status": "analyst's choice",
                "source": "data/minerals/products.csv; USGS lists of critical minerals",
                "note": "Only the codes of that world; the list names minerals, not codes",
            }
        )
    return pl.concat(lines), about


def critical(_shared: Path) -> Family:
    """Codes up to the metal, of the minerals on each list of critical minerals."""
    listed = read_text(DATA / "dimensions/critical_minerals.csv")
    early = _first_stages().filter(pl.col("derivative") == "no")
    by_mineral = early.with_columns(pl.col("minerals").str.split(";")).explode("minerals")
    lines, about = [], []
    for name, rows in listed.group_by("list", maintain_order=True):
        held = by_mineral.filter(pl.col("minerals").is_in(rows["group"].unique().implode()))
        lines.append(_listed(f"critical:{name[0]}", held))
        about.append(
            {
                "list": f"critical:{name[0]}",
                "title": f"Ores to metals of the {rows.height} minerals on the list {name[0]}",
                "vintage": "HS2022",
                "status": "analyst's choice",
                "source": f"{rows['source'][0]}; data/dimensions",
                "note": "The list names minerals, not codes; only those of the 26 chains have "
                "codes here, and many codes hold other goods too",
            }
        )
    return pl.concat(lines), about


def steps(_shared: Path) -> Family:
    """Codes of the mineral chains by step of processing, the earliest where there are several."""
    rows = _first_stages()
    lines, about = [], []
    for name in ("ore", "compound", "metal", "magnet", "derivative"):
        lines.append(_listed(f"step:{name}", rows.filter(STEPS[name])))
        about.append(
            {
                "list": f"step:{name}",
                "title": f"Codes of the mineral chains at the step {name}",
                "vintage": "HS2022",
                "status": "analyst's choice",
                "source": "data/dimensions/stages.csv",
                "note": "A code at several steps counts as the earliest",
            }
        )
    return pl.concat(lines), about


def _first_stages() -> pl.DataFrame:
    """Codes of HS2022, each at its earliest stage in any chain; all minerals found there."""
    rows = read_text(DATA / "dimensions/stages.csv").filter(pl.col("vintage") == "HS2022")
    first = pl.col("stage") == pl.col("stage").min().over("product")
    return (
        rows.filter(first)
        .group_by("product", "stage", "derivative")
        .agg(pl.col("step").first(), pl.col("minerals").str.join(";"))
        .sort("product")
    )


def _listed(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.select("product", "stage")
        .unique()
        .sort("product")
        .select(
            pl.lit(name).alias("list"),
            "product",
            "stage",
            pl.lit(None, dtype=pl.String).alias("why_not"),
            _WHOLE,
        )
    )


FAMILIES: tuple[Callable[[Path], Family], ...] = (
    pcmdp,
    chains,
    us_critical,
    critical,
    steps,
    us_law,
    measures,
)


def main(arguments: list[str]) -> None:
    """Read ``SHARED_DIR`` and write the lists."""
    if len(arguments) != 1:
        sys.exit("usage: python -m tradewedge.data.build.lists SHARED_DIR")
    families = [family(Path(arguments[0])) for family in FAMILIES]
    lines = pl.concat(lines.select(LINES) for lines, _ in families)
    twice = lines.filter(pl.struct("list", "product").is_duplicated())
    if not twice.is_empty():
        sys.exit(f"a product twice in one list: {twice.rows()}")
    about = pl.DataFrame([row for _, rows in families for row in rows]).select(INDEX)
    processed = lines.filter(pl.col("list") == "pcmdp:processed")["product"].to_list()
    held_in_part = pl.concat(
        [parts(), partly("pcmdp:processed", _exempted(processed), statistical_lines())]
    )
    OUT.mkdir(exist_ok=True)
    held_in_part.sort("list", "code").write_csv(OUT / "lines.csv")
    lines.sort("list", "product").write_csv(OUT / "members.csv")
    about.sort("list").write_csv(OUT / "lists.csv")
    taken = pl.col("why_not").is_null()
    print(lines.group_by("list").agg(taken.sum().alias("in"), (~taken).sum().alias("set_aside")))


if __name__ == "__main__":
    main(sys.argv[1:])
