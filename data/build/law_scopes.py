"""Which lines each legal list names: scope, code (a prefix of 4 to 10 digits), start, end."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

Rows = list[tuple[str, str, str | None]]

_301: Final = {
    "1": "s301_list_1",
    "2": "s301_list_2",
    "3": "s301_list_3",
    "3_addl": "s301_list_3",
    "4A": "s301_list_4a",
    "biden_25": "s301_review_25",
    "biden_50": "s301_review_50",
    "biden_100": "s301_review_100",
    "biden_25_jan25": "s301_review_25_2025",
    "biden_50_jan25": "s301_review_50_2025",
    "cranes_301": "s301_cranes",
}
_301_OF_2026: Final = {
    "9903.91.06": "s301_review_25_2026",
    "9903.91.07": "s301_review_50_2026",
    "9903.91.08": "s301_review_100_2026",
}
_EV_CELLS: Final = "8507600010"
#: Not bought from China in 2024, so that nothing can be read off; 25 % before, from memory.
_POLYSILICON: Final = "28046100"
_SOLAR_MODULES: Final = "8541430010"
#: Headings of the basic products in Section 232, as in the annexes of the metals rebuild.
_STEEL: Final = (
    "7206", "7207", "7208", "7209", "7210", "7211", "7212", "7213", "7214", "7215", "72161000",
    "72162100", "72162200", "72163100", "72163200", "72163300", "72164000", "72165000",
    "72169900", "7217", "7218", "7219", "7220", "7221", "7222", "7223", "7224", "7225", "7226",
    "7227", "7228", "7229", "73011000", "730210", "73024000", "730290", "7304", "7305", "7306",
)  # fmt: skip
_ALUMINIUM: Final = (
    "7601", "7604", "7605", "7606", "7607", "7608", "7609", "7616995160", "7616995170",
)  # fmt: skip
_VEHICLES: Final = ("8703", "87042101", "87043101", "87044100", "87045100", "87046000")
_TRUCKS: Final = (
    "87012100", "87012200", "87012300", "87012400", "87012900", "87041010", "87041050",
    "87042211", "87042251", "87042301", "87043201", "87044200", "87044300", "87045200",
    "87046000", "87049001", "87054000", "8705900080", "87060003", "8706000520", "8706000575",
    "87060025", "87060050", "87091100", "87091900",
)  # fmt: skip
_SOFTWOOD: Final = (
    "44031100", "44032101", "44032201", "44032301", "44032401", "44032501", "44032601",
    "44039901", "44061100", "44069100", "44071100", "44071200", "44071300", "44071400",
    "44071900",
)  # fmt: skip
_UPHOLSTERED: Final = ("9401614011", "9401614031", "9401616011", "9401616031")
_CABINETS: Final = ("9403409060", "9403608093", "9403910080")
_ELECTRONICS: Final = (
    "8471", "847330", "8486", "85171300", "85176200", "85235100", "8524", "85285200", "85411000",
    "85412100", "85412900", "85413000", "85414910", "85414970", "85414980", "85414995",
    "85415100", "85415900", "85419000", "8542",
)  # fmt: skip
#: From this month on the exemptions of Brazil are those of the farm goods.
_BRAZIL_SPARED: Final = "2025-11-01"
_LAST_FARM_CHAPTER: Final = "24"


def build(shared: Path, prior: Mapping[str, str]) -> pl.DataFrame:
    """Every scope's codes.

    Parameters
    ----------
    shared : Path
    prior : mapping
        HS8 line raised by the four-year review -> scope of the rate it paid before.
    """
    folder = shared / "data/us_tariffs"
    rows: Rows = [("all", "", None)]
    rows += _section_301(folder) + [(scope, code, None) for code, scope in prior.items()]
    rows += _section_232(folder) + _metal_annexes(folder)
    rows += _vehicles(folder) + _exemptions(folder)
    table = pl.DataFrame(
        rows, schema={"scope": pl.String, "code": pl.String, "start": pl.String}, orient="row"
    )
    return (
        table.with_columns(pl.col("start").str.to_date("%Y-%m-%d")).unique().sort("scope", "code")
    )


def read(folder: Path, name: str) -> pl.DataFrame:
    """A shared file, all text; one file has commas in its last column."""
    return pl.read_csv(
        folder / name, infer_schema=False, comment_prefix="#", truncate_ragged_lines=True
    )


def _rows(scope: str, found: Iterable[str]) -> Rows:
    return [(scope, code.replace(".", ""), None) for code in found]


def _section_301(folder: Path) -> Rows:
    rows: Rows = [
        ("s301_review_ev_cells", _EV_CELLS, None),
        ("s301_before_review_25", _POLYSILICON, None),
    ]
    for code, name, heading in read(folder, "s301_product_lists.csv.gz").iter_rows():
        scope = _301_OF_2026[heading] if name == "biden_jan26" else _301.get(name)
        if scope is not None:  # List 4B never took effect
            rows.append((scope, code, None))
    return rows


def _section_232(folder: Path) -> Rows:
    rows = _rows("s232_steel", _STEEL) + _rows("s232_aluminium", _ALUMINIUM)
    rows += _rows("s232_steel_articles", read(folder, "tw_steel-tariffs.csv")["HTSUS"])
    early = read(folder, "tw_alu-tariffs.csv")["HTSUS"].to_list()
    late = read(folder, "s232_derivative_products.csv")
    for code in early:
        name = "s232_aluminium" if code.startswith("76") else "s232_aluminium_content"
        rows.append((name, code, str(date(2025, 3, 12))))
    for code, _, metal, start in late.iter_rows():
        metal = "aluminium" if metal == "aluminum" else metal
        if start is None:
            continue  # the list of 12 March 2025, which `early` has by ten digits
        full = metal == "aluminium" and code.startswith("76")
        rows.append((f"s232_{metal}" if full else f"s232_{metal}_content", code, start))
    for code in read(folder, "s232_copper_products.csv")["hts10"]:
        rows.append(("s232_copper" if code.startswith("74") else "s232_copper_cable", code, None))
    rows += _rows("s232_semiconductors", read(folder, "s232_semi_products.csv")["hts10"])
    return rows


def _metal_annexes(folder: Path) -> Rows:
    metal = dict(read(folder, "s232_annex_products.csv").select("hts_prefix", "metal_type").rows())
    endings = {"aluminum": "_aluminium", "copper": "_copper", "steel": ""}
    by_chapter = {"72": "steel", "73": "steel", "74": "copper", "76": "aluminum"}
    rows: Rows = []
    for name, file in (
        ("1a", "tw_metals-annex-IA.csv"),
        ("1b", "tw_metals-annex-IB.csv"),
        ("3", "tw_metals-annex-III-temporary.csv"),
    ):
        for code in read(folder, file)["HTSUS"]:
            prefixes = (code[:n] for n in (10, 8, 6, 4))
            kind = next((metal[p] for p in prefixes if p in metal), "steel")
            kind = by_chapter.get(code[:2], kind)
            rows.append((f"s232_annex_{name}{endings[kind]}", code, None))
    return rows


def _vehicles(folder: Path) -> Rows:
    rows: Rows = []
    for code in read(folder, "tw_auto-tariffs.csv")["HTSUS"]:
        name = "s232_vehicles" if code.startswith(_VEHICLES) else "s232_auto_parts"
        rows.append((name, code, None))
    rows += _rows("s232_trucks", _TRUCKS) + _rows("s232_buses", ["8702"])
    rows += _rows("s232_softwood", _SOFTWOOD) + _rows("s232_upholstered", _UPHOLSTERED)
    rows += _rows("s232_cabinets", _CABINETS)
    # Cells enter within a quota; "other" modules are thin film, which the safeguard leaves out.
    return [*rows, ("s201_modules", _SOLAR_MODULES, None)]


def _before_farm_goods(folder: Path, amended: Iterable[str]) -> list[str]:
    """Lines of the list of 13 November 2025 that stood on it from 8 September.

    The order of November added farm goods and fertilizers only, which Brazil was spared by an order
    of the same month; what else is new came in September. Brazil had been spared some fruit before.
    """
    brazil = _brazil(folder)
    farm = tuple(code for code, start in brazil if start >= _BRAZIL_SPARED)
    return [
        code
        for code in amended
        if code[:2] > _LAST_FARM_CHAPTER
        and not code.startswith(farm)
        and not any(listed.startswith(code) for listed in farm)
    ]


def _brazil(folder: Path) -> list[tuple[str, str]]:
    """Lines that Brazil is spared on, without dots, and since when."""
    table = read(folder, "country_eo_exempt_products.csv.gz")
    return [
        (code.replace(".", ""), start)
        for code, start in table.select("hts10", "effective_date_start").iter_rows()
    ]


def _exemptions(folder: Path) -> Rows:
    exempt = read(folder, "ieepa_exempt_products.csv")["hts10"]
    rows = _rows("informational", exempt.filter(exempt.str.starts_with("49")))
    original = read(folder, "tw_annex-II-exemptions.csv")["HTSUS"]
    # This file writes eight-digit lines with two zeros more.
    april = [code[:8] if code.endswith("00") else code for code in original]
    rows += _rows("annex_ii_april", april)
    copper = set(read(folder, "s232_copper_products.csv")["hts10"])
    august = [code for code in april if code not in copper]
    rows += _rows("annex_ii_august", august)
    notes = read(folder.parents[1] / "critical_minerals", "hts_annex2_s122_exempt.csv")
    amended = notes.filter(pl.col("ieepa_annex2_note2_v_iii_a") == "1")["hts"]
    rows += _rows("annex_ii_november", amended)
    rows += _rows("annex_ii_september", [*august, *_before_farm_goods(folder, amended)])
    rows += _rows("electronics_april", _ELECTRONICS)
    rows += _rows("s122_exempt", read(folder, "tw_section122-product-exemptions.csv")["hts_code"])
    rows += _rows("aircraft", ["8801", "8802", "8806", "8807", "8411"])
    floors = read(folder, "floor_exempt_products.csv.gz").filter(
        pl.col("category").is_in(["ptaap", "particular"])
    )
    for code, group in floors.select("hts8", "country_group").iter_rows():
        rows.append((f"floor_exempt_{group}", code, None))
    names = {
        "potash_mx": "fentanyl_potash_mx",
        "potash_ca": "fentanyl_potash_ca",
        "energy_ca": "fentanyl_energy_ca",
    }
    for code, _, category in read(folder, "fentanyl_carveout_products.csv").iter_rows():
        rows.append((names[category], code, None))
    for code, start in _brazil(folder):
        late = start >= _BRAZIL_SPARED
        rows.append(("brazil_exempt_november" if late else "brazil_exempt", code, None))
    return rows
