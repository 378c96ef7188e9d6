"""Named lists from the lines of US tariff law, with the share of each HS6 code that they cover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

DATA = Path(__file__).resolve().parents[1]
#: Columns of a line; see :mod:`tradewedge.data.build.lists`.
COLUMNS: Final = ("list", "product", "stage", "why_not", "coverage")
NOTE: Final = (
    "Written at eight or ten digits; coverage is the share of the code's US imports of 2024 that "
    "falls on the listed lines, a simple share of lines where there were none"
)


@dataclass(frozen=True)
class _List:
    title: str
    scopes: tuple[str, ...]
    status: str = "law"
    note: str = ""


_METAL_ANNEXES: Final = ("", "_copper", "_aluminium")
LISTS: Final[Mapping[str, _List]] = {
    "s232:steel": _List(
        "Section 232 steel and its derivatives until 5 April 2026",
        ("s232_steel", "s232_steel_articles", "s232_steel_content"),
        note="Duty on the steel content outside chapters 72 and 73",
    ),
    "s232:aluminium": _List(
        "Section 232 aluminium and its derivatives until 5 April 2026",
        ("s232_aluminium", "s232_aluminium_content"),
        note="Duty on the aluminium content outside chapter 76",
    ),
    "s232:copper": _List(
        "Section 232 copper, semi-finished and copper-intensive, 1 August 2025 to 5 April 2026",
        ("s232_copper", "s232_copper_cable"),
        note="80 lines of HS8; ores, cathodes and scrap are free",
    ),
    "s232:metals_annex_1a": _List(
        "Section 232 metals from 6 April 2026, Annex I-A (50 %)",
        tuple(f"s232_annex_1a{metal}" for metal in _METAL_ANNEXES),
    ),
    "s232:metals_annex_1b": _List(
        "Section 232 metals from 6 April 2026, Annex I-B (25 %)",
        tuple(f"s232_annex_1b{metal}" for metal in _METAL_ANNEXES),
    ),
    "s232:metals_annex_3": _List(
        "Section 232 metals from 6 April 2026, Annex III (15 % floor until 31 December 2027)",
        ("s232_annex_3", "s232_annex_3_aluminium"),
    ),
    "s232:vehicles": _List("Section 232 passenger vehicles and light trucks", ("s232_vehicles",)),
    "s232:auto_parts": _List(
        "Section 232 auto parts, lithium-ion cells and motors among them",
        ("s232_auto_parts",),
        note="Only goods for passenger vehicles and light trucks pay; their share is not known",
    ),
    "s232:trucks": _List("Section 232 medium and heavy trucks", ("s232_trucks",)),
    "s232:buses": _List("Section 232 buses", ("s232_buses",)),
    "s232:semiconductors": _List(
        "Section 232 semiconductors, the narrow list of 15 January 2026",
        ("s232_semiconductors",),
        note="Only goods beyond a performance gate pay, and most end uses are free; the share in "
        "scope is not known",
    ),
    "s301:list_1": _List("Section 301 China, List 1", ("s301_list_1",)),
    "s301:list_2": _List("Section 301 China, List 2", ("s301_list_2",)),
    "s301:list_3": _List("Section 301 China, List 3", ("s301_list_3",)),
    "s301:list_4a": _List("Section 301 China, List 4A", ("s301_list_4a",)),
    "s301:review_2024_09": _List(
        "Section 301 China, four-year review, raised on 27 September 2024",
        ("s301_review_25", "s301_review_ev_cells", "s301_review_50", "s301_review_100"),
    ),
    "s301:review_2025_01": _List(
        "Section 301 China, four-year review, raised on 1 January 2025",
        ("s301_review_25_2025", "s301_review_50_2025"),
        note="25 % on tungsten, 50 % on polysilicon, wafers and semiconductors",
    ),
    "s301:review_2026_01": _List(
        "Section 301 China, four-year review, raised on 1 January 2026",
        ("s301_review_25_2026", "s301_review_50_2026", "s301_review_100_2026"),
        note="Natural graphite, permanent magnets and lithium-ion batteries but for vehicles "
        "(25 %), and two lines of masks and gloves",
    ),
    "exempt:ieepa_annex_ii": _List(
        "Exempt from the IEEPA reciprocal duties: Annex II of 13 November 2025",
        ("annex_ii_november",),
    ),
    "exempt:s122": _List("Exempt from the Section 122 duty", ("s122_exempt",)),
}
SOURCE: Final = "data/law/scope_lines.parquet, data/law/weights.parquet (US Census 2024)"


def us_law(_shared: Path) -> tuple[pl.DataFrame, list[dict[str, str]]]:
    """Lists of Sections 232, 301 and 122 and of IEEPA."""
    lines = statistical_lines()
    frames, about = [], []
    for name, spec in LISTS.items():
        frames.append(_members(name, codes_of(spec.scopes), lines))
        about.append(
            {
                "list": name,
                "title": spec.title,
                "vintage": "HS2022",
                "status": spec.status,
                "source": SOURCE,
                "note": f"{spec.note}. {NOTE}" if spec.note else NOTE,
            }
        )
    return pl.concat(frames), about


def parts() -> pl.DataFrame:
    """list, code: the listed lines of every product that a list of the law holds in part."""
    lines = statistical_lines()
    return pl.concat(partly(name, codes_of(spec.scopes), lines) for name, spec in LISTS.items())


def codes_of(scopes: Sequence[str]) -> list[str]:
    """Codes, of 4 to 10 digits, that some of the scopes name."""
    of_scope = pl.read_parquet(DATA / "law/scope_lines.parquet")
    return of_scope.filter(pl.col("scope").is_in(list(scopes)))["code"].unique().sort().to_list()


def statistical_lines() -> pl.DataFrame:
    """Every HS10 line with its US imports of 2024 from all partners.

    Lines of 2024 that the schedule has since split or dropped are among them: imports of that
    year stand on them. Products that the schedule lacks are not.
    """
    lines = pl.read_parquet(DATA / "law/statistical_lines.parquet")
    value = (
        pl.read_parquet(DATA / "law/weights.parquet")
        .group_by("hs10")
        .agg(pl.col("value").cast(pl.Float64).sum())
    )
    return (
        lines.join(value, on="hs10", how="full", coalesce=True)
        .filter(pl.col("hs10").str.slice(0, 6).is_in(lines["hs10"].str.slice(0, 6).to_list()))
        .with_columns(pl.col("value").fill_null(0.0))
        .sort("hs10")
    )


def partly(name: str, codes: list[str], lines: pl.DataFrame) -> pl.DataFrame:
    """list, code: those of ``codes`` that lie in a product of which some line is not listed."""
    split = (
        _marked(codes, lines)
        .group_by("product")
        .agg(whole=pl.col("listed").all(), any=pl.col("listed").any())
        .filter(pl.col("any") & ~pl.col("whole"))["product"]
        .to_list()
    )
    found = sorted(code for code in codes if code[:6] in set(split))
    return pl.DataFrame(
        {"list": [name] * len(found), "code": found},
        schema={"list": pl.String, "code": pl.String},
    )


def _marked(codes: list[str], lines: pl.DataFrame) -> pl.DataFrame:
    """The lines, with their product and whether one of ``codes`` reaches them."""
    by_length = {n: [code for code in codes if len(code) == n] for n in {len(c) for c in codes}}
    listed = pl.any_horizontal(
        pl.col("hs10").str.slice(0, n).is_in(of_length) for n, of_length in by_length.items()
    )
    return lines.with_columns(listed=listed, product=pl.col("hs10").str.slice(0, 6))


def coverage(codes: list[str], lines: pl.DataFrame) -> pl.DataFrame:
    """product, coverage (text) of every HS6 code that some listed code reaches."""
    hit = pl.col("listed")
    return (
        _marked(codes, lines)
        .group_by("product")
        .agg(
            pl.when(pl.col("value").sum() > 0)
            .then(pl.col("value").filter(hit).sum() / pl.col("value").sum())
            .otherwise(hit.mean())
            .round(4)
            .cast(pl.String)
            .alias("coverage"),
            hit.any().alias("any"),
        )
        .filter("any")
        .select("product", "coverage")
        .sort("product")
    )


def _members(name: str, codes: list[str], lines: pl.DataFrame) -> pl.DataFrame:
    return (
        coverage(codes, lines)
        .with_columns(
            pl.lit(name).alias("list"),
            pl.lit(None, dtype=pl.String).alias("stage"),
            pl.lit(None, dtype=pl.String).alias("why_not"),
        )
        .select(COLUMNS)
    )
